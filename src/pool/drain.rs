//! Rayon's threads as the pool's.
//!
//! A drain is a rayon job. It takes a place that was offered, runs tasks until it finds none, hands the place in and
//! returns, so that rayon's own work and its wake-ups go on as ever; a loop that stayed would keep rayon from waking
//! anybody for a `par_iter`. Steadily busy, the pool makes no call into rayon at all. Four rules keep it from
//! deadlocks that threads of our own would not have:
//! 1. A drain runs only at the bottom of a thread's stack ([`floor`]). Rayon runs any job inside of any other's wait: a
//!    task on top of a piece of a `par_iter`, waiting for the task whose `par_iter` that is, would wait for ever.
//! 2. A body that blocks parks, as on a thread of our own. Did it run rayon's other jobs meanwhile, as a wait outside
//!    of tasks does, it might begin a piece that waits for that very body.
//! 3. One of rayon's threads at least never has a body ([`Reserved`]). Else all of them could be parked while a body on
//!    a thread of our own waits for its `par_iter`, which nobody would run.
//! 4. No place waits for rayon for long. An offer that rayon has not taken up after two ticks of the monitor goes to a
//!    thread of our own; a drain that finds itself elsewhere than at the bottom declines, and the next vacant place
//!    goes to one at once.
//!
//! What is left is rayon's own: a piece that takes a lock which the body below it holds (rayon #592), and a piece that
//! waits for the body below it, which is a cycle of waits and reported as one.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::Engine;
use super::floor;
use super::local::{self, Local};
use super::place::{Place, Seat};
use super::run::guarded;
use super::worker::sign_off;

/// Rayon's threads that run drains, or are to: of all clients.
static RESERVED: AtomicUsize = AtomicUsize::new(0);

/// The right to have one of rayon's threads.
#[derive(Debug)]
pub(super) struct Reserved(());

impl Reserved {
    /// `None`: they all have bodies but one, or this thread cannot call the global pool.
    pub(super) fn take() -> Option<Self> {
        let limit = floor::threads().saturating_sub(1);
        let reserve = |count: usize| (count < limit).then_some(count + 1);
        if floor::in_other_pool() {
            return None;
        }
        RESERVED
            .fetch_update(AcqRel, Acquire, reserve)
            .ok()
            .map(|_| Self(()))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        RESERVED.fetch_sub(1, AcqRel);
    }
}

/// Asks one of rayon's threads to take up an offer.
pub(super) fn send(engine: &Arc<Engine>, reserved: Reserved) {
    floor::spawn(floor::Errand::Drain(Arc::clone(engine), reserved));
}

/// Takes up an offer of this engine, if there still is one.
pub(super) fn drain(engine: Arc<Engine>, at_the_bottom: bool) {
    if let Some(place) = engine.accept(at_the_bottom) {
        serve(&engine, place);
    }
    // It may be the last, and what its queues hold is dropped with it; a panic in a rayon job would end the process.
    let _ = guarded(|| drop(engine));
}

fn serve(engine: &Arc<Engine>, place: Place) {
    super::stack::mark_stack(floor::stack_size());
    let seat = seat();
    let local = Rc::new(Local::new(engine, Some(Arc::clone(&seat))));
    local::enter_first(Rc::clone(&local));
    local.state().place = Some(place);
    local.work();
    local::leave(&local);
    drop(local);
    sign_off(engine, &seat);
}

/// This thread's seat, in all clients.
fn seat() -> Arc<Seat> {
    thread_local! {
        static SEAT: Arc<Seat> = {
            let seat = Seat::lent();
            seat.occupy();
            Arc::new(seat)
        };
    }
    SEAT.with(Arc::clone)
}

impl Engine {
    /// The place to work at. The thread is counted as one of ours from here on.
    fn accept(self: &Arc<Self>, at_the_bottom: bool) -> Option<Place> {
        let mut roster = self.crew.roster.lock();
        let offer = roster.offered.pop()?;
        if roster.stopping {
            return None;
        }
        if at_the_bottom && local::current().is_none() {
            roster.threads += 1;
            roster.seats.push(seat());
            return Some(offer.place);
        }
        roster.declined = true;
        self.hand_in(&mut roster, offer.place);
        drop(roster);
        if self.queues.has_work() {
            self.notify();
        }
        None
    }
}
