//! Who is idle, so that no work waits for a thread that sleeps and nobody spins for work that is not there.
//!
//! One packed word counts the threads that search, the threads that sleep and the places that are vacant.
//! 1. A producer publishes its task, fences, then reads the word. Somebody searches: nothing to do, the searcher will
//!    find it or look again (3). Nobody searches and somebody sleeps, or a place is vacant: it wakes one.
//! 2. A searcher that finds work and was the last searcher wakes another before it runs: there may be more.
//! 3. A searcher that finds nothing enters the sleepers in one operation on the word (one searcher less, one sleeper
//!    more), fences, and looks once more at every queue. Of 1 and 3 at least one sees the other: either the
//!    producer's read comes after the word's change, or the last look comes after the publication.
//! 4. Waking moves one count from sleepers to searchers before the sleeper is told, so the next producer does not wake
//!    a second one for nothing.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};

use crate::primitive::{AtomicU64, fence};

const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 16;
const VACANT: u64 = 1 << 32;
const FIELD: u64 = 0xffff;

/// The counts; see the head of this file.
#[derive(Debug)]
pub(crate) struct Idle(AtomicU64);

impl Idle {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Whether the producer of a task it has just published must wake somebody.
    #[inline]
    pub(crate) fn must_wake(&self) -> bool {
        // SeqCst: pairs with the fence in `fall_asleep` and `vacate`.
        fence(SeqCst);
        let word = self.0.load(Relaxed);
        word & FIELD == 0 && word != 0
    }

    pub(crate) fn start_search(&self) {
        self.0.fetch_add(SEARCHING, AcqRel);
    }

    /// Ends a search that found work. Says whether it was the last.
    pub(crate) fn end_search(&self) -> bool {
        self.0.fetch_sub(SEARCHING, AcqRel) & FIELD == 1
    }

    /// A searcher becomes a sleeper. It must look at the queues once more after this.
    pub(crate) fn fall_asleep(&self) {
        self.0.fetch_add(SLEEPING.wrapping_sub(SEARCHING), AcqRel);
        fence(SeqCst);
    }

    /// A sleeper becomes a searcher: woken, or by its own last look.
    pub(crate) fn awake(&self) {
        self.0.fetch_sub(SLEEPING - SEARCHING, AcqRel);
    }

    /// A place is free to take. The giver must look at the queues after this.
    pub(crate) fn vacate(&self) {
        self.0.fetch_add(VACANT, AcqRel);
        fence(SeqCst);
    }

    /// A vacant place was taken by a thread that goes on with what it did.
    pub(crate) fn occupy(&self) {
        self.0.fetch_sub(VACANT, AcqRel);
    }

    /// A vacant place was given to a thread that begins to search.
    pub(crate) fn staff(&self) {
        self.0.fetch_sub(VACANT - SEARCHING, AcqRel);
    }

    pub(crate) fn searching(&self) -> u64 {
        self.0.load(Acquire) & FIELD
    }
}
