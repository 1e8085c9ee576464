//! Whose turn it is with a future: one word on which its wakers and those who poll it agree.
//!
//! | word | the future |
//! | --- | --- |
//! | 0 | is pending, and nothing is queued |
//! | WOKEN | is pending, and one queue entry is there for it, or just coming |
//! | POLLED | is in the hands of one thread |
//! | POLLED and WOKEN | the same, and it was woken since that began |
//! | OVER, beside whatever else | is gone |
//!
//! [`polled`](super::polled) says what follows from it.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::primitive::AtomicU32;

const POLLED: u32 = 1;
const WOKEN: u32 = 2;
const OVER: u32 = 4;

/// The word; see the head of this file.
#[derive(Debug)]
pub(super) struct Turn(AtomicU32);

impl Turn {
    /// Begins in the hands of its maker.
    pub(super) fn held() -> Self {
        Self(AtomicU32::new(POLLED))
    }

    /// Says whether the caller is to queue an entry.
    ///
    /// Also a wake-up that changes nothing is a write: what the waker did before it must be seen by the poll that comes
    /// after, and that poll reads this word last.
    #[inline]
    pub(super) fn wake(&self) -> bool {
        // Release: pairs with `begin`, directly or through the wake-ups after this one.
        self.0.fetch_or(WOKEN, Release) == 0
    }

    /// For who has picked an entry. Yes: the future is the caller's until it calls `rest` or `end`, and what wakes it
    /// from here on will queue it again. No: the entry was stale.
    #[inline]
    pub(super) fn begin(&self) -> bool {
        // Acquire: sees what the wakers did, and what the last poll left (its `rest`).
        self.0
            .compare_exchange(WOKEN, POLLED, Acquire, Relaxed)
            .is_ok()
    }

    /// Gives the future back, pending. Says whether it was woken meanwhile: then the caller is to queue an entry. The
    /// caller touches nothing of the task after this.
    #[inline]
    pub(super) fn rest(&self) -> bool {
        // Release: the next poll sees the future as it is now.
        self.0.fetch_and(!POLLED, AcqRel) & WOKEN != 0
    }

    /// The future is gone; who holds it says so.
    pub(super) fn end(&self) {
        self.0.fetch_or(OVER, Release);
    }

    /// Takes the future without an entry, unless it is in another thread's hands or gone.
    pub(super) fn seize(&self) -> bool {
        self.wake();
        self.begin()
    }

    /// Whether it is pending: `Some(true)` if an entry for it is queued. `None`: it is being polled, or over.
    pub(super) fn is_pending(&self) -> Option<bool> {
        let word = self.0.load(Relaxed);
        (word & (POLLED | OVER) == 0).then_some(word & WOKEN != 0)
    }
}

#[cfg(all(test, tenter_loom))]
mod loom {
    //! Wakers against polls: a future that is ready once it has seen every signal ends, whatever comes when, and is in
    //! the hands of one thread at a time.

    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use loom::sync::atomic::AtomicU32;
    use loom::thread;

    use super::{Acquire, OVER, Relaxed, Release, Turn, WOKEN};
    use crate::primitive::Cell;

    /// How the threads go about it; the default is how they should.
    #[derive(Clone, Copy, Default)]
    struct Wording {
        forgets_wakes_during_a_poll: bool,
        skips_a_wake_that_changes_nothing: bool,
        polls_without_asking: bool,
    }

    struct Task {
        turn: Turn,
        /// What the wakers do before they wake; relaxed, so that only the turn orders it.
        signals: AtomicU32,
        entries: AtomicU32,
        /// Polls so far: loom sees if two threads touch it at once.
        future: Cell<u32>,
        needs: u32,
        wording: Wording,
    }

    impl Task {
        /// Being polled for the first time by its maker.
        fn new(needs: u32, wording: Wording) -> Arc<Self> {
            Arc::new(Self {
                turn: Turn::held(),
                signals: AtomicU32::new(0),
                entries: AtomicU32::new(0),
                future: Cell::new(0),
                needs,
                wording,
            })
        }

        fn signal(&self) {
            self.signals.fetch_add(1, Relaxed);
            let skips = self.wording.skips_a_wake_that_changes_nothing
                && self.turn.0.load(Relaxed) & WOKEN != 0;
            if !skips && self.turn.wake() {
                self.queue();
            }
        }

        fn queue(&self) {
            self.entries.fetch_add(1, Release);
        }

        /// A thread of the pool looks once.
        fn work(&self) -> bool {
            let entry = self
                .entries
                .fetch_update(Acquire, Relaxed, |entries| entries.checked_sub(1));
            let picked = entry.is_ok();
            if picked && (self.turn.begin() || self.polls_all_the_same()) {
                self.poll();
            }
            picked
        }

        fn polls_all_the_same(&self) -> bool {
            self.wording.polls_without_asking
        }

        fn poll(&self) {
            let _ = self.future.as_ptr();
            if self.signals.load(Relaxed) == self.needs {
                return self.turn.end();
            }
            if self.wording.forgets_wakes_during_a_poll {
                self.turn.0.store(0, Release);
            } else if self.turn.rest() {
                self.queue();
            }
        }

        /// Runs what is left, and asserts that the future has come to its end.
        fn settle(&self) {
            while self.work() {}
            assert_eq!(self.turn.0.load(Acquire) & OVER, OVER, "a wake-up was lost");
        }
    }

    fn two_wakers_against_the_first_poll(wording: Wording) {
        loom::model(move || {
            let task = Task::new(2, wording);
            let (one, two) = (Arc::clone(&task), Arc::clone(&task));
            let one = thread::spawn(move || one.signal());
            let two = thread::spawn(move || two.signal());
            task.poll();
            one.join().unwrap();
            two.join().unwrap();
            task.settle();
        });
    }

    /// A waker wakes twice, beside a thread that takes entries and one that takes the future without.
    fn a_waker_against_a_poll_and_the_end(wording: Wording) {
        loom::model(move || {
            let task = Task::new(2, wording);
            task.poll();
            let (waker, worker) = (Arc::clone(&task), Arc::clone(&task));
            let waker = thread::spawn(move || {
                waker.signal();
                waker.signal();
            });
            let worker = thread::spawn(move || {
                worker.work();
            });
            if task.turn.seize() || task.polls_all_the_same() {
                task.poll();
            }
            waker.join().unwrap();
            worker.join().unwrap();
            task.settle();
        });
    }

    fn breaks(model: fn(Wording), wording: Wording) -> bool {
        catch_unwind(AssertUnwindSafe(|| model(wording))).is_err()
    }

    #[test]
    fn no_wake_of_a_future_is_lost_and_one_thread_polls_it() {
        two_wakers_against_the_first_poll(Wording::default());
        a_waker_against_a_poll_and_the_end(Wording::default());
    }

    #[test]
    fn a_wake_during_a_poll_must_be_kept() {
        let wording = Wording {
            forgets_wakes_during_a_poll: true,
            ..Wording::default()
        };
        assert!(breaks(two_wakers_against_the_first_poll, wording));
    }

    #[test]
    fn a_wake_that_changes_nothing_must_be_written() {
        let wording = Wording {
            skips_a_wake_that_changes_nothing: true,
            ..Wording::default()
        };
        assert!(breaks(a_waker_against_a_poll_and_the_end, wording));
    }

    #[test]
    fn who_picks_an_entry_must_win_the_turn() {
        let wording = Wording {
            polls_without_asking: true,
            ..Wording::default()
        };
        assert!(breaks(a_waker_against_a_poll_and_the_end, wording));
    }
}
