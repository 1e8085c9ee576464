//! How an engine was asked to be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::crew::HARD_CAP;
use super::host::Host;
use super::run::guarded;
use super::sizes::Sizes;
use crate::transition::Transition;

/// A hook that a thread calls.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// A hook that is told of a standstill.
pub(crate) type StallHook = Arc<dyn Fn(&str) + Send + Sync>;

/// A hook that is told that a body blocks, or goes on.
pub(crate) type BlockedHook = Arc<dyn Fn(bool) + Send + Sync>;

/// A hook that is told of every transition.
pub(crate) type Observer = Arc<dyn Fn(&Transition) + Send + Sync>;

/// See [`Builder`](crate::Builder) for each.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) threads: usize,
    pub(crate) thread_name: String,
    pub(crate) stack_size: usize,
    pub(crate) remember: usize,
    pub(crate) seed: Option<u64>,
    pub(crate) host: Host,
    pub(crate) stall_after: Duration,
    pub(crate) resources: Vec<(String, u64)>,
    pub(crate) pools: Vec<(String, usize)>,
    pub(crate) max_pending: Option<usize>,
    pub(crate) max_spares: usize,
    pub(crate) on_start: Option<Hook>,
    pub(crate) on_stop: Option<Hook>,
    pub(crate) on_stall: Option<StallHook>,
    /// Told when a body blocks and gives its place up, and when it goes on.
    pub(crate) on_blocked: Option<BlockedHook>,
    pub(crate) story: usize,
    pub(crate) observer: Option<Observer>,
    pub(crate) sizes: Sizes,
    /// Calls and their results are encoded and decoded, as if they travelled.
    #[cfg(feature = "task")]
    pub(crate) encodes: bool,
}

impl Options {
    /// How many bodies may be blocked at a time; each lets a spare thread take its part.
    pub(super) fn most_blocked(&self) -> usize {
        HARD_CAP.min(self.max_spares)
    }

    /// How many threads there may be besides those of named pools.
    pub(super) fn most_threads(&self) -> usize {
        self.threads.saturating_add(self.max_spares)
    }

    /// Whether transitions are noted.
    pub(super) fn is_traced(&self) -> bool {
        self.story > 0 || self.observer.is_some()
    }

    pub(super) fn thread_started(&self) {
        call(self.on_start.as_ref());
    }

    pub(super) fn thread_stopped(&self) {
        call(self.on_stop.as_ref());
    }

    /// A body blocks, or goes on.
    pub(super) fn blocked(&self, blocked: bool) {
        if let Some(hook) = &self.on_blocked {
            let _ = guarded(|| hook(blocked));
        }
    }

    pub(super) fn stalled(&self, text: &str) {
        match &self.on_stall {
            Some(hook) => drop(guarded(|| hook(text))),
            None => eprintln!("{text}"),
        }
    }
}

fn call(hook: Option<&Hook>) {
    if let Some(hook) = hook {
        let _ = guarded(|| hook());
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
