//! rayon's pool as a baseline, and the cheapest way to wait for tasks that return nothing.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;

use super::peers::WORKERS;

/// Makes `rayon::spawn` use [`WORKERS`] threads. Comes first in a group: criterion, too, runs its analysis on the global pool.
pub(crate) fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(WORKERS);
        pool.build_global()
            .expect("nothing has used the global pool yet");
    });
}

/// A static counter, whose last decrement unparks the one thread that waits.
pub(crate) struct Countdown {
    left: AtomicUsize,
    waiter: OnceLock<Thread>,
}

impl Countdown {
    pub(crate) const fn new() -> Self {
        Self {
            left: AtomicUsize::new(0),
            waiter: OnceLock::new(),
        }
    }

    /// Expects `tasks` calls of [`Self::one_done`]; always called by the same thread, which then waits.
    pub(crate) fn start(&self, tasks: usize) {
        self.waiter.get_or_init(std::thread::current);
        self.left.store(tasks, Ordering::Release);
    }

    pub(crate) fn one_done(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waiter
                .get()
                .expect("started before any task was")
                .unpark();
        }
    }

    pub(crate) fn wait(&self) {
        while self.left.load(Ordering::Acquire) > 0 {
            std::thread::park();
        }
    }
}
