//! What runs of a kind have in common.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::driver::{Function, Terms};
use crate::net::message::RunKind;

/// Bodies of at most this long are short: writing that one begins would take a good part of that.
const SHORT_NS: u64 = 50_000;

/// So many bodies in a row must have been short before the next is taken to be.
const SHORT_RUNS: u64 = 8;

/// Whether a body is short that takes so long.
pub(super) fn is_short(took_ns: u64) -> bool {
    took_ns <= SHORT_NS
}

/// A kind of runs.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) function: Function,
    pub(super) info: RunKind,
    /// How many bodies in a row have ended, and were short.
    short: AtomicU64,
}

impl Kind {
    pub(super) fn new(function: Function, info: RunKind) -> Self {
        Self {
            function,
            info,
            short: AtomicU64::new(0),
        }
    }

    /// How a run is to be run that is this try.
    pub(super) fn terms(&self, attempt: u32) -> Terms<'_> {
        let limit = self.info.timeout_ms;
        Terms {
            name: &self.info.name,
            priority: self.info.priority,
            timeout: (limit > 0).then(|| Duration::from_millis(limit)),
            pool: &self.info.pool,
            attempt,
        }
    }

    /// A body has ended after so long.
    pub(super) fn measure(&self, took_ns: u64) {
        if !is_short(took_ns) {
            self.short.store(0, Relaxed);
        } else if self.short.load(Relaxed) < SHORT_RUNS {
            self.short.fetch_add(1, Relaxed);
        }
    }

    /// Whether the next body is taken to be short.
    pub(super) fn is_short(&self) -> bool {
        self.short.load(Relaxed) >= SHORT_RUNS
    }
}
