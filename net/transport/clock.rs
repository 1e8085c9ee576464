//! A clock that stands still while its own thread was kept from its work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time, less what the hub's thread lost: to a handler that took long, or to a machine that stood still.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    stalled_ns: AtomicU64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
            stalled_ns: AtomicU64::new(0),
        }
    }

    /// The time, in nanoseconds from its start.
    pub(super) fn now_ns(&self) -> u64 {
        nanos(self.start.elapsed()).saturating_sub(self.stalled_ns.load(Ordering::Relaxed))
    }

    /// This much was lost.
    pub(super) fn stalled(&self, time: Duration) {
        self.stalled_ns.fetch_add(nanos(time), Ordering::Relaxed);
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
