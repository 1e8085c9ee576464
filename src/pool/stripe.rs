//! Exact counters without a shared line: one stripe a thread, written by that thread alone, summed on demand.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::Mutex;

/// One thread's counts. Aligned so that two threads never write one line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Stripe {
    pub(crate) submitted: AtomicU64,
    pub(crate) started: AtomicU64,
    pub(crate) finished: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    /// Polls of async tasks.
    pub(crate) polled: AtomicU64,
    /// Of the failed ones, those that had not started.
    pub(crate) inherited: AtomicU64,
    /// Tasks put back to start once more.
    pub(crate) rearmed: AtomicU64,
}

/// The sum of all stripes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) submitted: u64,
    pub(crate) started: u64,
    pub(crate) finished: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) polled: u64,
    pub(crate) inherited: u64,
    pub(crate) rearmed: u64,
}

/// Adds one to a counter that only this thread writes.
#[inline]
pub(crate) fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl Counts {
    fn add(&mut self, stripe: &Stripe) {
        self.submitted += stripe.submitted.load(Relaxed);
        self.started += stripe.started.load(Relaxed);
        self.finished += stripe.finished.load(Relaxed);
        self.failed += stripe.failed.load(Relaxed);
        self.cancelled += stripe.cancelled.load(Relaxed);
        self.polled += stripe.polled.load(Relaxed);
        self.inherited += stripe.inherited.load(Relaxed);
        self.rearmed += stripe.rearmed.load(Relaxed);
    }

    /// Tasks that are to start.
    pub(crate) fn pending(&self) -> usize {
        let over = self.started + self.cancelled + self.inherited;
        (self.submitted + self.rearmed).saturating_sub(over) as usize
    }

    /// Changes whenever a thread takes something up.
    pub(crate) fn taken_up(&self) -> u64 {
        self.started + self.polled
    }

    /// Changes whenever a task starts, goes on or settles.
    pub(crate) fn progress(&self) -> u64 {
        self.taken_up() + self.finished + self.failed + self.cancelled
    }
}

/// The stripes of living threads, and the sum of those whose thread has ended.
#[derive(Debug, Default)]
pub(crate) struct Stripes(Mutex<(Vec<Arc<Stripe>>, Counts)>);

impl Stripes {
    pub(crate) fn join(&self) -> Arc<Stripe> {
        let stripe = Arc::new(Stripe::default());
        self.0.lock().0.push(Arc::clone(&stripe));
        stripe
    }

    pub(crate) fn leave(&self, stripe: &Arc<Stripe>) {
        let (stripes, past) = &mut *self.0.lock();
        stripes.retain(|other| !Arc::ptr_eq(other, stripe));
        past.add(stripe);
    }

    pub(crate) fn sum(&self) -> Counts {
        let (stripes, past) = &*self.0.lock();
        let mut counts = *past;
        stripes.iter().for_each(|stripe| counts.add(stripe));
        counts
    }
}
