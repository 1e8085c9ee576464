//! Exact counters without a shared line: one stripe a thread, written by that thread alone, summed on demand.
//!
//! A stripe counts all tasks, and those of each name once more. Names have numbers, so the counts of a name are found
//! by two indexings, in blocks that are made when a thread first counts a task of one of their names.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::events::Event;

/// Names in the first block; each further block has twice as many.
const FIRST_BLOCK: u32 = 64;
/// Names whose counts stand in the stripe itself.
const FIRST: usize = 16;
/// Blocks of a stripe.
const BLOCKS: usize = 8;
/// Names that are counted one by one; later ones are counted with the tasks that have no name. A program that makes up
/// a name for every task would else spend 56 bytes a task and thread on counters.
pub(super) const COUNTED_NAMES: u32 = FIRST_BLOCK * ((1 << BLOCKS) - 1);

/// What is counted of a set of tasks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    submitted: AtomicU64,
    started: AtomicU64,
    finished: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    unrun: AtomicU64,
    again: AtomicU64,
}

/// One thread's counts. Aligned so that two threads never write one line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Stripe {
    pub(super) all: Tally,
    /// Polls of async tasks.
    polled: AtomicU64,
    /// Bytes of results: those that this thread has seen made less those that it has seen go, modulo 2^64.
    bytes: AtomicU64,
    /// Of the first names, which are most programs' only ones.
    first: [Tally; FIRST],
    named: [OnceLock<Box<[Tally]>>; BLOCKS],
}

/// The sum of tallies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) submitted: u64,
    pub(crate) started: u64,
    pub(crate) finished: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    /// Polls of async tasks; not told apart by name.
    polled: u64,
    /// Settled without having been started.
    unrun: u64,
    /// Started, and put back to be started again.
    again: u64,
}

/// Adds one to a counter that only this thread writes.
#[inline]
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl Tally {
    #[inline]
    pub(super) fn count(&self, event: Event) {
        // Known where it is called, so one bump is left of this.
        match event {
            Event::Queued | Event::Waiting => bump(&self.submitted),
            Event::External => {
                bump(&self.submitted);
                bump(&self.started);
            }
            Event::Started => bump(&self.started),
            Event::PutBack => bump(&self.again),
            Event::Again => {
                bump(&self.again);
                bump(&self.started);
            }
            Event::Finished => bump(&self.finished),
            Event::Failed => bump(&self.failed),
            Event::Cancelled => bump(&self.cancelled),
            Event::FailedUnrun => {
                bump(&self.failed);
                bump(&self.unrun);
            }
            Event::CancelledUnrun => {
                bump(&self.cancelled);
                bump(&self.unrun);
            }
        }
    }
}

impl Stripe {
    /// Counts a task of this name beside all tasks.
    #[inline]
    pub(super) fn count_named(&self, name: u32, event: Event) {
        match self.first.get((name as usize).wrapping_sub(1)) {
            Some(tally) => tally.count(event),
            None => self.count_later(name, event),
        }
    }

    #[cold]
    fn count_later(&self, name: u32, event: Event) {
        if let Some((block, place)) = place_of(name) {
            let room = (FIRST_BLOCK << block) as usize;
            let block =
                self.named[block].get_or_init(|| (0..room).map(|_| Tally::default()).collect());
            block[place].count(event);
        }
    }

    fn named(&self, name: u32) -> Option<&Tally> {
        if let Some(tally) = self.first.get((name as usize).wrapping_sub(1)) {
            return Some(tally);
        }
        let (block, place) = place_of(name)?;
        self.named[block].get().map(|block| &block[place])
    }

    /// An async task is being polled.
    pub(super) fn count_poll(&self) {
        bump(&self.polled);
    }

    /// A result of so many bytes has come, or, with a negative number, gone.
    pub(super) fn add_bytes(&self, bytes: i64) {
        let sum = self.bytes.load(Relaxed).wrapping_add_signed(bytes);
        self.bytes.store(sum, Relaxed);
    }
}

/// The block of a name after the first ones, and its place there.
fn place_of(name: u32) -> Option<(usize, usize)> {
    let number = name.checked_sub(1).filter(|&n| n < COUNTED_NAMES)? + FIRST_BLOCK;
    let block = number.ilog2() - FIRST_BLOCK.ilog2();
    Some((block as usize, (number - (FIRST_BLOCK << block)) as usize))
}

impl Counts {
    fn add(&mut self, tally: &Tally) {
        self.submitted += tally.submitted.load(Relaxed);
        self.started += tally.started.load(Relaxed);
        self.finished += tally.finished.load(Relaxed);
        self.failed += tally.failed.load(Relaxed);
        self.cancelled += tally.cancelled.load(Relaxed);
        self.unrun += tally.unrun.load(Relaxed);
        self.again += tally.again.load(Relaxed);
    }

    /// What is counted here and not there. Both were read while they changed, so no number may go below 0.
    pub(super) fn less(&self, other: &Self) -> Self {
        Self {
            submitted: self.submitted.saturating_sub(other.submitted),
            started: self.started.saturating_sub(other.started),
            finished: self.finished.saturating_sub(other.finished),
            failed: self.failed.saturating_sub(other.failed),
            cancelled: self.cancelled.saturating_sub(other.cancelled),
            unrun: self.unrun.saturating_sub(other.unrun),
            again: self.again.saturating_sub(other.again),
            polled: self.polled.saturating_sub(other.polled),
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            submitted: self.submitted + other.submitted,
            started: self.started + other.started,
            finished: self.finished + other.finished,
            failed: self.failed + other.failed,
            cancelled: self.cancelled + other.cancelled,
            unrun: self.unrun + other.unrun,
            again: self.again + other.again,
            polled: self.polled + other.polled,
        }
    }

    fn settled(&self) -> u64 {
        self.finished + self.failed + self.cancelled
    }

    /// Tasks whose body has started and not ended.
    pub(crate) fn running(&self) -> u64 {
        (self.started + self.unrun).saturating_sub(self.again + self.settled())
    }

    /// Tasks that are neither running nor settled.
    pub(crate) fn pending(&self) -> u64 {
        self.submitted
            .saturating_sub(self.settled() + self.running())
    }

    /// Changes whenever a thread takes something up.
    pub(crate) fn taken_up(&self) -> u64 {
        self.started + self.polled
    }

    /// Changes whenever a task starts, goes on or settles.
    pub(crate) fn progress(&self) -> u64 {
        self.taken_up() + self.settled()
    }
}

/// The stripes of living threads, and the sum of those whose thread has ended.
#[derive(Debug, Default)]
pub(crate) struct Stripes(Mutex<Sums>);

#[derive(Debug, Default)]
struct Sums {
    stripes: Vec<Arc<Stripe>>,
    past: Counts,
    past_bytes: u64,
    /// By name, beginning with name 1.
    past_named: Vec<Counts>,
}

impl Sums {
    /// Adds the tallies of names of a thread that ends; the first is that of name `first + 1`.
    fn add_past(&mut self, first: usize, tallies: &[Tally]) {
        let known = self.past_named.len().max(first + tallies.len());
        self.past_named.resize(known, Counts::default());
        let past = self.past_named[first..].iter_mut();
        past.zip(tallies).for_each(|(past, tally)| past.add(tally));
    }
}

impl Stripes {
    pub(crate) fn join(&self) -> Arc<Stripe> {
        let stripe = Arc::new(Stripe::default());
        self.0.lock().stripes.push(Arc::clone(&stripe));
        stripe
    }

    pub(crate) fn leave(&self, stripe: &Arc<Stripe>) {
        let sums = &mut *self.0.lock();
        sums.stripes.retain(|other| !Arc::ptr_eq(other, stripe));
        sums.past.add(&stripe.all);
        sums.past.polled += stripe.polled.load(Relaxed);
        sums.past_bytes = sums.past_bytes.wrapping_add(stripe.bytes.load(Relaxed));
        sums.add_past(0, &stripe.first);
        for (k, block) in stripe.named.iter().enumerate() {
            if let Some(block) = block.get() {
                sums.add_past((FIRST_BLOCK as usize) * ((1 << k) - 1), block);
            }
        }
    }

    /// The counts of all tasks.
    pub(crate) fn sum(&self) -> Counts {
        let sums = &*self.0.lock();
        let mut counts = sums.past;
        for stripe in &sums.stripes {
            counts.add(&stripe.all);
            counts.polled += stripe.polled.load(Relaxed);
        }
        counts
    }

    /// The counts of the tasks of a name.
    pub(super) fn sum_named(&self, name: u32) -> Counts {
        let sums = &*self.0.lock();
        let past = sums.past_named.get(name as usize - 1);
        let mut counts = past.copied().unwrap_or_default();
        let tallies = sums.stripes.iter().filter_map(|stripe| stripe.named(name));
        tallies.for_each(|tally| counts.add(tally));
        counts
    }

    /// Bytes of results. While it changes, a result may be seen to go before it was seen to come.
    pub(crate) fn bytes(&self) -> u64 {
        let sums = &*self.0.lock();
        let bytes = sums.stripes.iter().map(|s| s.bytes.load(Relaxed));
        let sum = bytes.fold(sums.past_bytes, u64::wrapping_add);
        u64::try_from(sum.cast_signed()).unwrap_or(0)
    }
}
