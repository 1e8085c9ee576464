//! Whose threads serve the places.
//!
//! The pool's own threads sleep with their places until they are woken. Threads that are shared with others must go back
//! to them instead, so there a thread without work hands its place in, and a vacant place takes the sleeper's part: who
//! publishes work has it staffed. Such a place is first *offered* to the other pool ([`drain`](super::drain)); threads of
//! our own take it when that pool cannot, and become dormant when they find nothing to do.

use std::sync::Arc;

use super::crew::Roster;
use super::local::Local;
use super::place::{Grant, Place};
use super::{Engine, Options};
use crate::error::StartError;

/// Whose threads run the tasks; see [`Builder::host`](crate::Builder::host).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// The client's own. A task may block as it likes. A `par_iter` inside a task runs on rayon's threads while the
    /// task's own sleeps, unknown to the client; `tenter::blocking` around it gives the thread's place to another task
    /// meanwhile.
    #[default]
    Threads,
    /// Those of rayon's global pool, all but one, and for the rest threads of the client's own. A `par_iter` inside a
    /// task uses the very threads that run tasks, so the two do not compete for cores.
    ///
    /// The first such client starts rayon's global pool, with its own number of threads, their name and their stacks;
    /// it fails to start when somebody else has used rayon before. Later clients share that pool. The hooks
    /// `on_thread_start` and `on_thread_stop` are not called on rayon's threads.
    ///
    /// While a task waits for its `par_iter`, rayon may run a piece of another task's `par_iter` on the same stack.
    /// There, [`current`](crate::current) gives the client as ever, but the cancel token is the waiting task's, and a
    /// wait for the waiting task is a deadlock, and reported as one.
    ///
    /// ```standalone_crate
    /// use rayon::prelude::*;
    /// use tenter::{Client, Host};
    ///
    /// let client = Client::builder().host(Host::Rayon).build()?;
    /// let sum = client.submit(|| (0..1000u64).into_par_iter().sum::<u64>());
    /// assert_eq!(*sum.result()?, 499_500);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "rayon")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rayon")))]
    Rayon,
}

impl Host {
    /// Whether a thread that finds nothing to do sleeps with its place.
    pub(super) fn keeps_places(self) -> bool {
        self == Self::Threads
    }

    /// Starts what this host needs beside the client's own threads.
    pub(crate) fn prepare(self, options: &Options) -> Result<(), StartError> {
        match self {
            Self::Threads => {
                let _ = options;
                Ok(())
            }
            #[cfg(feature = "rayon")]
            Self::Rayon => super::floor::start(options),
        }
    }
}

/// A place that was offered to another pool, whose next thread to come takes it.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) place: Place,
    /// The monitor has seen it before.
    late: bool,
}

impl Engine {
    /// A new engine whose threads come with the work.
    pub(super) fn leave_vacant(&self, places: Vec<Place>) {
        let mut roster = self.crew.roster.lock();
        for place in places {
            roster.vacant.push(place);
            self.crew.idle.vacate();
        }
    }

    /// Offers a vacant place to the other pool, if there is one and it has a thread to give. Who comes is a searcher.
    pub(super) fn offer(self: &Arc<Self>, roster: &mut Roster) -> bool {
        if self.options.host.keeps_places() || roster.declined {
            return false;
        }
        #[cfg(feature = "rayon")]
        if let Some(seat) = super::drain::Reserved::take() {
            let place = roster.vacant.pop().expect("checked by the caller");
            roster.offered.push(Offer { place, late: false });
            self.crew.idle.staff();
            self.monitor.watch(self);
            super::drain::send(self, seat);
            return true;
        }
        false
    }

    /// Takes offers back that have been open since the last call: the other pool has no time.
    pub(super) fn withdraw_offers(self: &Arc<Self>) {
        if self.options.host.keeps_places() {
            return;
        }
        let mut roster = self.crew.roster.lock();
        let (late, mut open): (Vec<_>, Vec<_>) =
            roster.offered.drain(..).partition(|offer| offer.late);
        open.iter_mut().for_each(|offer| offer.late = true);
        roster.offered = open;
        if !roster.stopping {
            late.into_iter()
                .for_each(|offer| self.give(&mut roster, offer.place));
        }
    }

    /// Gives a place, whose next thread is counted as a searcher already, to a thread of our own.
    fn give(self: &Arc<Self>, roster: &mut Roster, place: Place) {
        if let Some(seat) = roster.dormant.pop() {
            seat.give(Grant::Work(place));
        } else if let Err(place) = self.hire(roster, place) {
            self.put_back(roster, place);
        }
    }

    /// A searcher's place becomes vacant again. The caller must look at the queues after this.
    pub(super) fn hand_in(&self, roster: &mut Roster, place: Place) {
        roster.vacant.push(place);
        self.crew.idle.hand_in();
    }
}

impl Local {
    /// A searcher that found nothing hands its place in and is dormant, or goes back to where it came from. Says that it
    /// is a searcher again; `None`: it is to end.
    pub(super) fn hand_in(&self) -> Option<bool> {
        let (engine, seat) = (&self.engine, self.seat.as_ref().expect("one of the pool's"));
        let mut roster = engine.crew.roster.lock();
        if roster.stopping {
            return None;
        }
        let place = self.state().place.take().expect("a searcher has one");
        roster.declined = false;
        engine.hand_in(&mut roster, place);
        drop(roster);
        if engine.queues.has_work() && self.take_again() {
            return Some(true);
        }
        let mut roster = engine.crew.roster.lock();
        if roster.stopping || seat.is_lent() {
            return None;
        }
        roster.dormant.push(Arc::clone(seat));
        drop(roster);
        self.be_dormant()
    }

    /// The last look found work. No: somebody else searches now, or will.
    fn take_again(&self) -> bool {
        let crew = &self.engine.crew;
        let mut roster = crew.roster.lock();
        if roster.stopping || crew.idle.searching() > 0 {
            return false;
        }
        let Some(place) = roster.vacant.pop() else {
            return false;
        };
        crew.idle.staff();
        drop(roster);
        self.state().place = Some(place);
        true
    }
}
