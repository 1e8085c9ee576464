//! The right to work, and where a thread without work sleeps.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crossbeam::deque::Worker;
use parking_lot::{Condvar, Mutex};

/// The right to work, and the deque that goes with it.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its number and deque; an extra place has none.
    regular: Option<(usize, Worker<u32>)>,
}

impl Place {
    pub(super) fn new(number: usize, deque: Worker<u32>) -> Self {
        Self {
            regular: Some((number, deque)),
        }
    }

    #[inline]
    pub(super) fn deque(&self) -> Option<&Worker<u32>> {
        self.regular.as_ref().map(|(_, deque)| deque)
    }

    #[inline]
    pub(super) fn regular(&self) -> Option<(usize, &Worker<u32>)> {
        self.regular
            .as_ref()
            .map(|(number, deque)| (*number, deque))
    }

    #[inline]
    pub(super) fn number(&self) -> Option<usize> {
        self.regular.as_ref().map(|(number, _)| *number)
    }

    /// Against blocking that cannot be seen.
    pub(super) fn extra() -> Self {
        Self { regular: None }
    }

    pub(super) fn is_extra(&self) -> bool {
        self.regular.is_none()
    }
}

/// Where one of the pool's threads sleeps.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    pub(super) grant: Mutex<Option<Grant>>,
    bell: Condvar,
    /// The thread waits where we know of it.
    parked: AtomicBool,
    /// The thread is another pool's, and returns to it.
    lent: bool,
    /// Where the system tells the thread's state, if it does.
    state_file: OnceLock<PathBuf>,
}

/// What a sleeping thread is woken for.
#[derive(Debug)]
pub(super) enum Grant {
    /// There may be work.
    Search,
    /// Here is a place to work at.
    Work(Place),
    /// The engine stops.
    Stop,
}

impl Seat {
    /// For a thread that another pool lends.
    #[cfg(feature = "rayon")]
    pub(super) fn lent() -> Self {
        Self {
            lent: true,
            ..Self::default()
        }
    }

    /// Whether the thread returns to another pool when it finds nothing to do.
    pub(super) fn is_lent(&self) -> bool {
        self.lent
    }

    /// Called by the thread that sits here, at its beginning.
    pub(super) fn occupy(&self) {
        if let Ok(thread) = std::fs::read_link("/proc/thread-self") {
            let file = Path::new("/proc").join(thread).join("stat");
            self.state_file.get_or_init(|| file);
        }
    }

    /// Calls `wait`, which blocks in a way that we know of.
    pub(super) fn parked<R>(&self, wait: impl FnOnce() -> R) -> R {
        let outer = self.park_seen(true);
        let result = wait();
        self.park_seen(outer);
        result
    }

    /// From here on the thread may block in a way that we know of, or may not. Says what held before.
    pub(super) fn park_seen(&self, seen: bool) -> bool {
        self.parked.swap(seen, Relaxed)
    }

    /// Whether the thread seems to wait for something that we know nothing of. A thread that could run but is given no
    /// time does not; where the system does not tell, any thread does.
    pub(super) fn is_blocked_unseen(&self) -> bool {
        if self.parked.load(Relaxed) {
            return false;
        }
        let Some(file) = self.state_file.get() else {
            return true;
        };
        // `pid (name) state ...`; the name may contain anything but is the last thing in brackets.
        let stat = std::fs::read_to_string(file).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_none_or(|(_, rest)| !rest.starts_with('R'))
    }

    pub(super) fn give(&self, grant: Grant) {
        *self.grant.lock() = Some(grant);
        self.bell.notify_one();
    }

    pub(super) fn wait(&self, limit: Option<Duration>) -> Option<Grant> {
        self.parked(|| self.wait_for_grant(limit))
    }

    fn wait_for_grant(&self, limit: Option<Duration>) -> Option<Grant> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut grant = self.grant.lock();
        while grant.is_none() {
            match deadline {
                None => self.bell.wait(&mut grant),
                Some(deadline) if self.bell.wait_until(&mut grant, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        grant.take()
    }
}
