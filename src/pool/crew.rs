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
//! * A body that has had its time and runs on keeps its place, which has its deque; for as long as it runs, an extra
//!   place stands in for it. The thread that has that one sleeps with it, as one with a regular place does.
//! * Past [`SOFT_CAP`] blocked bodies a vacant place is staffed only for urgent work, or when nobody else works.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::Engine;
use super::host::Offer;
use super::local::Local;
use super::place::{Grant, Place, Seat};
use super::polled::to_poll;
use super::sleep::Idle;
use crate::graph::State as TaskState;

/// Blocked bodies past which only work that somebody waits for gets a new thread (the JDK's figure for spares).
pub(super) const SOFT_CAP: usize = 256;
/// Blocked bodies past which a wait is refused.
pub(super) const HARD_CAP: usize = 4096;

/// Who works, sleeps, and waits for a place.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(super) roster: Mutex<Roster>,
    pub(super) idle: Idle,
    /// Rung when the last thread has ended.
    pub(super) empty: Condvar,
    /// Extra threads that are to give their places up.
    surplus: AtomicUsize,
    /// Bodies that have had their time and run on.
    overruns: AtomicUsize,
    /// There is work, nobody works, and the system gives no thread.
    starved: AtomicBool,
}

/// Who is where.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// Of all threads alive.
    pub(super) seats: Vec<Arc<Seat>>,
    pub(super) sleepers: Vec<Arc<Seat>>,
    pub(super) vacant: Vec<Place>,
    /// Offered to another pool's threads.
    pub(super) offered: Vec<Offer>,
    /// Such a thread could not take its offer up: threads of our own are asked until somebody finds nothing to do.
    pub(super) declined: bool,
    pub(super) dormant: Vec<Arc<Seat>>,
    pub(super) threads: usize,
    pub(super) ever: usize,
    pub(super) extra: usize,
    pub(super) stopping: bool,
}

impl Crew {
    pub(super) fn new() -> Self {
        Self {
            roster: Mutex::default(),
            idle: Idle::new(),
            empty: Condvar::new(),
            surplus: AtomicUsize::new(0),
            overruns: AtomicUsize::new(0),
            starved: AtomicBool::new(false),
        }
    }

    /// Threads alive, and threads ever started.
    pub(crate) fn threads(&self) -> (usize, usize) {
        let roster = self.roster.lock();
        (roster.threads, roster.ever)
    }

    /// Whether a thread sleeps at its place.
    pub(super) fn is_anybody_idle(&self) -> bool {
        !self.roster.lock().sleepers.is_empty()
    }

    /// Extra places in use.
    pub(super) fn extra(&self) -> usize {
        self.roster.lock().extra
    }

    /// Extra places in use that stand in for nobody.
    pub(super) fn spare(&self) -> usize {
        self.extra().saturating_sub(self.overruns.load(Acquire))
    }

    /// Whether work found nobody to do it since the last call.
    pub(super) fn take_starved(&self) -> bool {
        self.starved.swap(false, Relaxed)
    }

    /// There is work, and nobody is left to do it.
    pub(super) fn starve(&self) {
        self.starved.store(true, Relaxed);
    }

    /// Whether a thread that has a body seems to be blocked by something that we know nothing of.
    pub(super) fn is_blocked_unseen(&self) -> bool {
        let seats = self.roster.lock().seats.clone();
        seats.iter().any(|seat| seat.is_blocked_unseen())
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
        for seat in sleepers
            .into_iter()
            .chain(std::mem::take(&mut roster.dormant))
        {
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

    /// Whether a body that has had its time has nobody to stand in for it.
    fn lacks_extra(&self) -> bool {
        self.extra() < self.overruns.load(Acquire)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.roster.lock().stopping
    }

    /// Takes one of the extra places that are too many.
    pub(super) fn is_surplus(&self) -> bool {
        self.surplus.load(Relaxed) > 0
            && self
                .surplus
                .fetch_update(AcqRel, Acquire, |count| count.checked_sub(1))
                .is_ok()
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
            // When nobody works there is nothing to wait for.
            let now = self.working(&roster) == 0;
            self.staff(&mut roster, now);
        }
    }

    /// Whether a vacant place may be given to a thread: not past the soft cap, but for urgent work, or when nobody
    /// else works.
    fn may_staff(&self, roster: &Roster) -> bool {
        self.waits.stuck() < SOFT_CAP || self.working(roster) == 0 || self.queues.has_urgent()
    }

    /// Threads that are neither blocked nor asleep.
    pub(super) fn working(&self, roster: &Roster) -> usize {
        let idle = self.waits.stuck() + roster.dormant.len() + roster.sleepers.len();
        roster.threads.saturating_sub(idle)
    }

    /// Gives a vacant place to a dormant thread, or to a new one: at once if `now`, else the monitor is asked.
    fn staff(self: &Arc<Self>, roster: &mut Roster, now: bool) {
        if self.queues.baton.is_some() {
            return self.staff_in_turn(roster);
        }
        if self.offer(roster) {
            return;
        }
        if let Some(seat) = roster.dormant.pop() {
            let place = roster.vacant.pop().expect("checked by the caller");
            self.crew.idle.staff();
            seat.give(Grant::Work(place));
        } else if now {
            let place = roster.vacant.pop().expect("checked by the caller");
            self.crew.idle.staff();
            if let Err(place) = self.hire(roster, place) {
                self.put_back(roster, place);
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
                    self.put_back(roster, place);
                }
            }
        }
    }

    /// With a baton: a thread of a stopping engine ends. Blocked bodies that can go on need the baton to come to their
    /// end.
    pub(super) fn leave_baton(&self, local: &Local) {
        if self.queues.baton.is_some()
            && let Some(place) = local.state().place.take()
        {
            self.crew.roster.lock().vacant.push(place);
            self.crew.idle.vacate();
            self.resume_last();
        }
    }

    /// With a baton, in an engine that stops: a body that can go on gets the baton, if nobody has it.
    pub(super) fn resume_last(&self) {
        let mut roster = self.crew.roster.lock();
        if roster.stopping
            && !roster.vacant.is_empty()
            && let Some(parker) = self.queues.baton.as_ref().and_then(|b| b.last_turn())
        {
            self.crew.idle.occupy();
            parker.hand(roster.vacant.pop().expect("looked at just above"));
        }
    }

    /// The system refused a thread for this place. If that leaves nobody to work, the monitor ends a body's wait.
    pub(super) fn put_back(&self, roster: &mut Roster, place: Place) {
        roster.vacant.push(place);
        self.crew.idle.end_search();
        self.crew.idle.vacate();
        let nobody_works = self.working(roster) == 0;
        self.crew.starved.store(nobody_works, Relaxed);
    }

    /// Whether a task is ready and nobody has taken it.
    pub(super) fn has_good_work(&self) -> bool {
        self.queues.has_good_work(|entry| match to_poll(entry) {
            Some(index) => self.async_tasks.is_pending(index) == Some(true),
            None => self.graph.state(entry) == TaskState::Queued,
        })
    }

    /// The monitor's answer to an ask: a new thread for a vacant place, if there is still work for one.
    pub(super) fn staff_vacant(self: &Arc<Self>) -> bool {
        let mut roster = self.crew.roster.lock();
        let wanted = !roster.vacant.is_empty()
            && roster.sleepers.is_empty()
            && self.crew.idle.searching() == 0
            && !roster.stopping
            && self.has_good_work()
            && self.may_staff(&roster);
        if wanted {
            self.staff(&mut roster, true);
        }
        wanted
    }

    /// Adds a thread with an extra place, against blocking that cannot be seen.
    pub(super) fn hire_extra(self: &Arc<Self>) {
        let mut roster = self.crew.roster.lock();
        if roster.stopping || roster.threads >= HARD_CAP.min(self.options.most_threads()) {
            return;
        }
        roster.extra += 1;
        self.crew.idle.start_search();
        if let Some(seat) = roster.dormant.pop() {
            seat.give(Grant::Work(Place::extra()));
        } else if self.hire(&mut roster, Place::extra()).is_err() {
            roster.extra -= 1;
            self.crew.idle.end_search();
        }
    }

    /// A body has had its time and runs on: a spare stands in for it.
    pub(super) fn stand_in(self: &Arc<Self>) {
        self.crew.overruns.fetch_add(1, AcqRel);
        if self.queues.baton.is_none() {
            self.hire_extra(); // With a baton one body runs at a time, whatever it does.
        }
    }

    /// That body has returned.
    pub(super) fn stood_in(&self) {
        self.crew.overruns.fetch_sub(1, AcqRel);
        self.crew.surplus.fetch_add(1, AcqRel);
    }

    /// Starts the threads of a new engine.
    pub(super) fn hire_all(self: &Arc<Self>, places: Vec<Place>) -> std::io::Result<()> {
        if !self.options.host.keeps_places() {
            self.leave_vacant(places);
            return Ok(());
        }
        for place in places {
            let mut roster = self.crew.roster.lock();
            self.crew.idle.start_search();
            self.hire_or_say(&mut roster, place)
                .map_err(|(error, _)| error)?;
        }
        Ok(())
    }

    pub(super) fn hire(self: &Arc<Self>, roster: &mut Roster, place: Place) -> Result<(), Place> {
        if roster.threads >= self.options.most_threads() {
            return Err(place); // Some body works without a place, and will look for one.
        }
        self.hire_or_say(roster, place).map_err(|(_, place)| place)
    }

    /// Starts a thread that begins as a searcher. The system may refuse it.
    fn hire_or_say(
        self: &Arc<Self>,
        roster: &mut Roster,
        place: Place,
    ) -> Result<(), (std::io::Error, Place)> {
        let engine = Arc::clone(self);
        let seat = Arc::new(Seat::default());
        let at = Arc::clone(&seat);
        let builder = std::thread::Builder::new()
            .name(format!("{}-{}", self.options.thread_name, roster.ever))
            .stack_size(self.options.stack_size);
        seat.give(Grant::Work(place));
        match builder.spawn(move || super::worker::work(&engine, &at)) {
            Ok(_) => {
                roster.threads += 1;
                roster.seats.push(seat);
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
        let Some(place) = local.state().place.take() else {
            return;
        };
        if place.is_extra() {
            self.crew.roster.lock().extra -= 1;
            if self.crew.lacks_extra() {
                self.hire_extra();
            }
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
        if local.seceded.get() {
            return; // A wait inside of foreign blocking code: the place goes on being another's.
        }
        let mut roster = self.crew.roster.lock();
        if let Some(place) = roster.vacant.pop() {
            self.crew.idle.occupy();
            local.state().place = Some(place);
        }
    }
}
