//! The pool's threads and the places they work at.
//!
//! There are as many places as the client has threads. A thread works only with a place; a body that blocks gives
//! its place up and works on without one when it resumes (it may hold locks, so it does not queue for a place).
//!
//! * A vacant place counts as somebody to wake. It is given to a dormant thread at once, or after a short grace to a
//!   new one that the monitor starts.
//! * A thread that ends a body without a place takes a vacant one, or becomes dormant: kept for [`KEEP`], then it
//!   ends.
//! * Blocking that we cannot see (a foreign lock, a `par_iter`) keeps its place. For that the monitor adds extra
//!   places without a deque; their threads give them up when they find nothing to do, or when they are not needed.
//! * Past [`SOFT_CAP`] blocked bodies a vacant place is staffed only for urgent work, or when nobody else works.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::time::{Duration, Instant};

use crossbeam::deque::Worker;
use parking_lot::{Condvar, Mutex};

use super::Engine;
use super::local::{self, Local};
use super::sleep::Idle;

/// How long a thread without a place is kept.
const KEEP: Duration = Duration::from_secs(10);
/// Blocked bodies past which only work that somebody waits for gets a new thread (the JDK's figure for spares).
pub(super) const SOFT_CAP: usize = 256;
/// Blocked bodies past which a wait is refused.
pub(super) const HARD_CAP: usize = 4096;
/// Searches before a thread sleeps: a few microseconds.
const ROUNDS: usize = 48;

/// The right to work, and the deque that goes with it.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its number and deque; an extra place has none.
    regular: Option<(usize, Worker<u32>)>,
}

impl Place {
    pub(super) fn new(number: usize, deque: Worker<u32>) -> Self {
        Self { regular: Some((number, deque)) }
    }

    #[inline]
    pub(super) fn deque(&self) -> Option<&Worker<u32>> {
        self.regular.as_ref().map(|(_, deque)| deque)
    }

    #[inline]
    pub(super) fn number(&self) -> Option<usize> {
        self.regular.as_ref().map(|(number, _)| *number)
    }

    fn is_extra(&self) -> bool {
        self.regular.is_none()
    }
}

/// Where one of the pool's threads sleeps.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    grant: Mutex<Option<Grant>>,
    bell: Condvar,
}

/// What a sleeping thread is woken for.
#[derive(Debug)]
enum Grant {
    /// There may be work.
    Search,
    /// Here is a place to work at.
    Work(Place),
    /// The engine stops.
    Stop,
}

impl Seat {
    fn give(&self, grant: Grant) {
        *self.grant.lock() = Some(grant);
        self.bell.notify_one();
    }

    fn wait(&self, limit: Option<Duration>) -> Option<Grant> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut grant = self.grant.lock();
        while grant.is_none() {
            match deadline {
                None => self.bell.wait(&mut grant),
                Some(deadline) if self.bell.wait_until(&mut grant, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        grant.take()
    }
}

/// Who works, sleeps, and waits for a place.
#[derive(Debug)]
pub(crate) struct Crew {
    roster: Mutex<Roster>,
    pub(super) idle: Idle,
    /// Rung when the last thread has ended.
    empty: Condvar,
    /// Extra threads that are to give their places up.
    surplus: AtomicUsize,
}

#[derive(Debug, Default)]
struct Roster {
    sleepers: Vec<Arc<Seat>>,
    vacant: Vec<Place>,
    dormant: Vec<Arc<Seat>>,
    threads: usize,
    ever: usize,
    extra: usize,
    stopping: bool,
}

impl Crew {
    pub(super) fn new() -> Self {
        Self {
            roster: Mutex::default(),
            idle: Idle::new(),
            empty: Condvar::new(),
            surplus: AtomicUsize::new(0),
        }
    }

    /// Threads alive, and threads ever started.
    pub(crate) fn threads(&self) -> (usize, usize) {
        let roster = self.roster.lock();
        (roster.threads, roster.ever)
    }

    /// Extra places in use.
    pub(super) fn extra(&self) -> usize {
        self.roster.lock().extra
    }

    /// Asks that many extra threads to give their places up.
    pub(super) fn set_surplus(&self, count: usize) {
        self.surplus.store(count, Relaxed);
    }

    /// Tells every thread to end at its next task boundary.
    pub(crate) fn stop(&self) {
        let mut roster = self.roster.lock();
        roster.stopping = true;
        let sleepers = std::mem::take(&mut roster.sleepers);
        sleepers.iter().for_each(|_| self.idle.awake());
        for seat in sleepers.into_iter().chain(std::mem::take(&mut roster.dormant)) {
            seat.give(Grant::Stop);
        }
    }

    /// Waits until all threads have ended, at most until `deadline`. Says whether they have.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        let mut roster = self.roster.lock();
        while roster.threads > 0 {
            match deadline {
                None => self.empty.wait(&mut roster),
                Some(deadline) if self.empty.wait_until(&mut roster, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        roster.threads == 0
    }

    fn is_stopping(&self) -> bool {
        self.roster.lock().stopping
    }

    /// Takes one of the extra places that are too many.
    fn is_surplus(&self) -> bool {
        self.surplus.load(Relaxed) > 0
            && self.surplus.fetch_update(AcqRel, Acquire, |count| count.checked_sub(1)).is_ok()
    }
}

impl Engine {
    /// A task was published: wakes a thread for it, unless one is looking for work already.
    #[inline]
    pub(crate) fn notify(self: &Arc<Self>) {
        if self.crew.idle.must_wake() {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(self: &Arc<Self>) {
        let mut roster = self.crew.roster.lock();
        if self.crew.idle.searching() > 0 || roster.stopping {
            return;
        }
        if let Some(seat) = roster.sleepers.pop() {
            self.crew.idle.awake();
            drop(roster);
            seat.give(Grant::Search);
        } else if !roster.vacant.is_empty() && self.may_staff(&roster) {
            self.staff(&mut roster, false);
        }
    }

    /// Whether a vacant place may be given to a thread: not past the soft cap, but for urgent work, or when nobody
    /// else works.
    fn may_staff(&self, roster: &Roster) -> bool {
        let blocked = self.waits.blocked();
        let working = roster.threads.saturating_sub(blocked + roster.dormant.len() + roster.sleepers.len());
        blocked < SOFT_CAP || working == 0 || self.queues.has_urgent()
    }

    /// Gives a vacant place to a dormant thread, or to a new one: at once if `now`, else the monitor is asked.
    fn staff(self: &Arc<Self>, roster: &mut Roster, now: bool) {
        if self.queues.baton.is_some() {
            return self.staff_in_turn(roster);
        }
        if let Some(seat) = roster.dormant.pop() {
            let place = roster.vacant.pop().expect("checked by the caller");
            self.crew.idle.staff();
            seat.give(Grant::Work(place));
        } else if now {
            let place = roster.vacant.pop().expect("checked by the caller");
            self.crew.idle.staff();
            if let Err(place) = self.hire(roster, place) {
                roster.vacant.push(place);
                self.crew.idle.end_search();
                self.crew.idle.vacate();
            }
        } else {
            self.monitor.ask(self);
        }
    }

    /// With a baton: whoever's turn it is gets the place.
    fn staff_in_turn(self: &Arc<Self>, roster: &mut Roster) {
        let baton = self.queues.baton.as_ref().expect("checked by the caller");
        let place = roster.vacant.pop().expect("checked by the caller");
        match baton.turn() {
            Some(parker) => {
                self.crew.idle.occupy();
                parker.hand(place);
            }
            None => {
                self.crew.idle.staff();
                if let Some(seat) = roster.dormant.pop() {
                    seat.give(Grant::Work(place));
                } else if let Err(place) = self.hire(roster, place) {
                    roster.vacant.push(place);
                    self.crew.idle.end_search();
                    self.crew.idle.vacate();
                }
            }
        }
    }

    /// The monitor's answer to an ask: a new thread for a vacant place, if there is still work for one.
    pub(super) fn staff_vacant(self: &Arc<Self>) -> bool {
        let mut roster = self.crew.roster.lock();
        let wanted = !roster.vacant.is_empty()
            && roster.sleepers.is_empty()
            && self.crew.idle.searching() == 0
            && !roster.stopping
            && self.queues.has_work()
            && self.may_staff(&roster);
        if wanted {
            self.staff(&mut roster, true);
        }
        wanted
    }

    /// Adds a thread with an extra place, against blocking that cannot be seen.
    pub(super) fn hire_extra(self: &Arc<Self>) {
        let mut roster = self.crew.roster.lock();
        if roster.stopping || roster.threads >= HARD_CAP {
            return;
        }
        roster.extra += 1;
        self.crew.idle.start_search();
        if let Some(seat) = roster.dormant.pop() {
            seat.give(Grant::Work(Place { regular: None }));
        } else if self.hire(&mut roster, Place { regular: None }).is_err() {
            roster.extra -= 1;
            self.crew.idle.end_search();
        }
    }

    /// Starts the threads of a new engine.
    pub(super) fn hire_all(self: &Arc<Self>, places: Vec<Place>) -> std::io::Result<()> {
        for place in places {
            let mut roster = self.crew.roster.lock();
            self.crew.idle.start_search();
            self.hire_or_say(&mut roster, place).map_err(|(error, _)| error)?;
        }
        Ok(())
    }

    fn hire(self: &Arc<Self>, roster: &mut Roster, place: Place) -> Result<(), Place> {
        self.hire_or_say(roster, place).map_err(|(_, place)| place)
    }

    /// Starts a thread that begins as a searcher. The system may refuse it.
    fn hire_or_say(self: &Arc<Self>, roster: &mut Roster, place: Place) -> Result<(), (std::io::Error, Place)> {
        let engine = Arc::clone(self);
        let seat = Arc::new(Seat::default());
        let at = Arc::clone(&seat);
        let builder = std::thread::Builder::new()
            .name(format!("{}-{}", self.options.thread_name, roster.ever))
            .stack_size(self.options.stack_size);
        seat.give(Grant::Work(place));
        match builder.spawn(move || work(&engine, &at)) {
            Ok(_) => {
                roster.threads += 1;
                roster.ever += 1;
                Ok(())
            }
            Err(error) => match seat.grant.lock().take() {
                Some(Grant::Work(place)) => Err((error, place)),
                _ => unreachable!("given just above, to a thread that never was"),
            },
        }
    }

    /// Takes the place of a body that is about to block.
    pub(super) fn vacate(self: &Arc<Self>, local: &Local) {
        let Some(place) = local.state().place.take() else { return };
        if place.is_extra() {
            self.crew.roster.lock().extra -= 1;
            return;
        }
        let mut roster = self.crew.roster.lock();
        roster.vacant.push(place);
        self.crew.idle.vacate();
        if self.queues.baton.is_some() {
            if self.queues.has_work() {
                self.staff_in_turn(&mut roster);
            }
            return;
        }
        drop(roster);
        if self.queues.has_work() {
            self.notify();
        }
    }

    /// A body resumes: with a place if one is vacant, else without. It never queues for one.
    pub(super) fn retake(&self, local: &Local) {
        let mut roster = self.crew.roster.lock();
        if let Some(place) = roster.vacant.pop() {
            self.crew.idle.occupy();
            local.state().place = Some(place);
        }
    }
}

/// The life of one of the pool's threads.
fn work(engine: &Arc<Engine>, seat: &Arc<Seat>) {
    super::wait::mark_stack(engine.options.stack_size);
    let local = std::rc::Rc::new(Local::new(engine, Some(Arc::clone(seat))));
    local::enter(std::rc::Rc::clone(&local));
    engine.options.thread_started();
    if let Some(Grant::Work(place)) = seat.wait(None) {
        local.state().place = Some(place);
        local.work();
    }
    engine.options.thread_stopped();
    local::leave(&local);
    drop(local);
    let mut roster = engine.crew.roster.lock();
    roster.threads -= 1;
    if roster.threads == 0 {
        engine.crew.empty.notify_all();
    }
}

impl Local {
    /// Begins as a searcher with a place. Ends when the engine stops, or without a place for too long.
    fn work(&self) {
        let mut found = self.search();
        loop {
            match found {
                Some(index) => self.run_chain(index),
                None if !self.rest() => return,
                None => {}
            }
            if !self.at_boundary() {
                return;
            }
            found = self.pick().or_else(|| {
                self.engine.crew.idle.start_search();
                self.search()
            });
        }
    }

    fn pick(&self) -> Option<u32> {
        let state = &mut *self.state();
        self.engine.queues.pick(state)
    }

    /// Looks for work for a few microseconds. Found: no longer a searcher. Not found: still one.
    fn search(&self) -> Option<u32> {
        for _ in 0..ROUNDS {
            if let Some(index) = self.pick() {
                if self.engine.crew.idle.end_search() && self.engine.queues.has_work() {
                    self.engine.notify();
                }
                return Some(index);
            }
            (0..16).for_each(|_| std::hint::spin_loop());
        }
        None
    }

    /// Between two tasks: a thread that works has a place. No: the engine stops.
    fn at_boundary(&self) -> bool {
        if self.engine.is_closed() && self.engine.crew.is_stopping() {
            return false;
        }
        let extra = self.state().place.as_ref().is_some_and(Place::is_extra);
        if extra && self.engine.crew.is_surplus() {
            self.give_extra_up();
        }
        self.pass_baton();
        self.has_place() || self.find_place()
    }

    fn has_place(&self) -> bool {
        self.state().place.is_some()
    }

    /// With a baton: it may be another's turn.
    fn pass_baton(&self) {
        let engine = &self.engine;
        let Some(baton) = &engine.queues.baton else { return };
        if self.has_place()
            && let Some(parker) = baton.turn()
        {
            let place = self.state().place.take().expect("looked at just above");
            parker.hand(place);
        }
    }

    fn give_extra_up(&self) {
        self.state().place = None;
        self.engine.crew.roster.lock().extra -= 1;
    }

    /// A vacant place, or one that becomes vacant while this thread is dormant. No: none for too long, or a stop.
    fn find_place(&self) -> bool {
        let (engine, seat) = (&self.engine, self.seat.as_ref().expect("one of the pool's"));
        let mut roster = engine.crew.roster.lock();
        if roster.stopping {
            return false;
        }
        if let Some(place) = roster.vacant.pop() {
            engine.crew.idle.occupy();
            drop(roster);
            self.state().place = Some(place);
            return true;
        }
        roster.dormant.push(Arc::clone(seat));
        drop(roster);
        let mut grant = seat.wait(Some(KEEP));
        if grant.is_none() {
            let mut roster = engine.crew.roster.lock();
            roster.dormant.retain(|other| !Arc::ptr_eq(other, seat));
            grant = seat.grant.lock().take(); // Given between the end of the wait and the lock.
        }
        match grant {
            Some(Grant::Work(place)) => {
                self.state().place = Some(place);
                // It came as a searcher's place; the search begins in `work`.
                engine.crew.idle.end_search();
                true
            }
            _ => false,
        }
    }

    /// A searcher that found nothing sleeps with its place until it is woken. No: the engine stops.
    fn rest(&self) -> bool {
        let (engine, seat) = (&self.engine, self.seat.as_ref().expect("one of the pool's"));
        let crew = &engine.crew;
        if self.state().place.as_ref().is_some_and(Place::is_extra) {
            crew.idle.end_search();
            self.give_extra_up();
            return true;
        }
        let mut roster = crew.roster.lock();
        if roster.stopping {
            return false;
        }
        roster.sleepers.push(Arc::clone(seat));
        crew.idle.fall_asleep();
        drop(roster);
        if engine.queues.has_work() && self.wake_myself() {
            return true;
        }
        let stop = matches!(seat.wait(None), None | Some(Grant::Stop));
        crew.idle.end_search();
        !stop
    }

    /// The last look found work. No: somebody has woken this thread meanwhile, and its grant is on the way.
    fn wake_myself(&self) -> bool {
        let (crew, seat) = (&self.engine.crew, self.seat.as_ref().expect("one of the pool's"));
        let mut roster = crew.roster.lock();
        let Some(at) = roster.sleepers.iter().position(|other| Arc::ptr_eq(other, seat)) else {
            return false;
        };
        roster.sleepers.remove(at);
        crew.idle.awake();
        crew.idle.end_search();
        true
    }
}
