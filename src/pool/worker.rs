//! One of the pool's threads: works, searches, sleeps with its place, is dormant without one.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::local::{self, Local};
use super::place::{Grant, Place, Seat};

/// How long a thread without a place is kept.
const KEEP: Duration = Duration::from_secs(10);
/// Looks before a thread sleeps, and the pauses after the first look: together about ten microseconds.
const ROUNDS: usize = 4;
const FIRST_WAIT: usize = 32;

/// The life of one of the pool's threads.
pub(super) fn work(engine: &Arc<Engine>, seat: &Arc<Seat>) {
    super::stack::mark_stack(engine.options.stack_size);
    seat.occupy();
    let local = Rc::new(Local::new(engine, Some(Arc::clone(seat))));
    local::enter(Rc::clone(&local));
    engine.options.thread_started();
    if let Some(Grant::Work(place)) = seat.wait(None) {
        local.state().place = Some(place);
        local.work();
    }
    if engine.is_closed() {
        local.abandon_all();
        engine.leave_baton(&local);
    }
    engine.options.thread_stopped();
    local::leave(&local);
    drop(local);
    sign_off(engine, seat);
}

/// A thread works here no longer.
pub(super) fn sign_off(engine: &Arc<Engine>, seat: &Arc<Seat>) {
    let mut roster = engine.crew.roster.lock();
    roster.threads -= 1;
    roster.seats.retain(|other| !Arc::ptr_eq(other, seat));
    if roster.threads == 0 {
        engine.crew.empty.notify_all();
    }
}

impl Local {
    /// Begins as a searcher with a place. Ends when the engine stops, or without a place for too long.
    ///
    /// Who is woken is counted as a searcher, so that the next producer does not wake another: it must search, and end
    /// its search as any searcher does, or what that producer published would wait for it alone.
    pub(super) fn work(&self) {
        let mut searching = true;
        loop {
            let found = if searching {
                self.search()
            } else {
                self.pick()
            };
            let went_on = match found {
                Some(index) => {
                    self.run_chain(index);
                    Some(false)
                }
                None if searching => self.rest(),
                None => {
                    self.engine.crew.idle.start_search();
                    Some(true)
                }
            };
            match went_on.and_then(|searching| self.at_boundary(searching)) {
                Some(now) => searching = now,
                None => return,
            }
        }
    }

    fn pick(&self) -> Option<u32> {
        let state = &mut *self.state();
        self.engine.queues.pick(state)
    }

    /// Looks for work for a few microseconds. Found: no longer a searcher. Not found: still one.
    ///
    /// It waits before each look, twice as long each time: who polls a queue that is just being filled takes its
    /// memory away from who fills it, and finds one task where it would find many a moment later.
    fn search(&self) -> Option<u32> {
        for round in 0..ROUNDS {
            if let Some(index) = self.pick() {
                if self.engine.crew.idle.end_search() && self.engine.queues.has_work() {
                    self.engine.notify();
                }
                return Some(index);
            }
            (0..FIRST_WAIT << round).for_each(|_| std::hint::spin_loop());
        }
        None
    }

    /// Between two tasks: a thread that works has a place. Says whether it searches; `None`: it is to end.
    fn at_boundary(&self, searching: bool) -> Option<bool> {
        if self.engine.is_closed() && self.engine.crew.is_stopping() {
            return None;
        }
        let extra = self.state().place.as_ref().is_some_and(Place::is_extra);
        if extra && !searching && self.engine.crew.is_surplus() {
            self.give_extra_up();
        }
        let searching = searching && !self.pass_baton(searching);
        if self.has_place() {
            Some(searching)
        } else {
            self.find_place()
        }
    }

    fn has_place(&self) -> bool {
        self.state().place.is_some()
    }

    /// With a baton: it may be another's turn. Says whether it was.
    fn pass_baton(&self, searching: bool) -> bool {
        let engine = &self.engine;
        let Some(baton) = engine.queues.baton.as_ref().filter(|_| self.has_place()) else {
            return false;
        };
        let Some(parker) = baton.turn() else {
            return false;
        };
        if searching {
            engine.crew.idle.end_search();
        }
        let place = self.state().place.take().expect("looked at just above");
        parker.hand(place);
        true
    }

    fn give_extra_up(&self) {
        self.state().place = None;
        self.engine.crew.roster.lock().extra -= 1;
    }

    /// A vacant place, or one that becomes vacant while this thread is dormant. Says whether it comes as a searcher;
    /// `None`: no place for too long, or a stop.
    fn find_place(&self) -> Option<bool> {
        let (engine, seat) = (&self.engine, self.seat.as_ref().expect("one of the pool's"));
        let mut roster = engine.crew.roster.lock();
        if roster.stopping {
            return None;
        }
        if let Some(place) = roster.vacant.pop() {
            engine.crew.idle.occupy();
            drop(roster);
            self.state().place = Some(place);
            return Some(false);
        }
        if seat.is_lent() {
            return None;
        }
        roster.dormant.push(Arc::clone(seat));
        drop(roster);
        self.be_dormant()
    }

    /// One of the dormant waits for a place. Says that it comes as a searcher; `None`: none for too long, or a stop.
    pub(super) fn be_dormant(&self) -> Option<bool> {
        let (engine, seat) = (&self.engine, self.seat.as_ref().expect("one of the pool's"));
        let mut grant = seat.wait(Some(KEEP));
        if grant.is_none() {
            let mut roster = engine.crew.roster.lock();
            roster.dormant.retain(|other| !Arc::ptr_eq(other, seat));
            grant = seat.grant.lock().take(); // Given between the end of the wait and the lock.
        }
        match grant {
            Some(Grant::Work(place)) => {
                self.state().place = Some(place);
                Some(true)
            }
            _ => None,
        }
    }

    /// A searcher that found nothing sleeps with its place until it is woken, as a searcher. Says whether it is one;
    /// `None`: the engine stops.
    fn rest(&self) -> Option<bool> {
        let (engine, seat) = (&self.engine, self.seat.as_ref().expect("one of the pool's"));
        let crew = &engine.crew;
        let extra = self.state().place.as_ref().is_some_and(Place::is_extra);
        if extra && crew.spare() > 0 {
            crew.idle.end_search();
            self.give_extra_up();
            return Some(false);
        }
        if !engine.options.host.keeps_places() {
            return self.hand_in();
        }
        let mut roster = crew.roster.lock();
        if roster.stopping {
            return None;
        }
        roster.sleepers.push(Arc::clone(seat));
        crew.idle.fall_asleep();
        drop(roster);
        if engine.queues.has_work() && self.wake_myself() {
            return Some(true);
        }
        match seat.wait(None) {
            None | Some(Grant::Stop) => None,
            Some(_) => Some(true),
        }
    }

    /// The last look found work. No: somebody has woken this thread meanwhile, and its grant is on the way.
    fn wake_myself(&self) -> bool {
        let (crew, seat) = (
            &self.engine.crew,
            self.seat.as_ref().expect("one of the pool's"),
        );
        let mut roster = crew.roster.lock();
        let before = roster.sleepers.len();
        roster.sleepers.retain(|other| !Arc::ptr_eq(other, seat));
        let asleep = roster.sleepers.len() < before;
        if asleep {
            crew.idle.awake();
        }
        asleep
    }
}
