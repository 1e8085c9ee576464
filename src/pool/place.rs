//! The right to work, and where a thread without work sleeps.

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
    pub(super) fn give(&self, grant: Grant) {
        *self.grant.lock() = Some(grant);
        self.bell.notify_one();
    }

    pub(super) fn wait(&self, limit: Option<Duration>) -> Option<Grant> {
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
