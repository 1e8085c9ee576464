//! Back-pressure: how many tasks have been submitted and not started, and who waits because of that.
//!
//! The count is a difference of sums over all threads' counters, taken once for a batch of submits of a thread, so it
//! is approximate: a thread may be up to 64 submits ahead, and never more than a sixteenth of what was free. Submitting
//! and running tasks keeps no count of its own. Near the limit each submit takes the sums.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use super::local::{self, Local};

/// A submit is let through when no task has started for so long: what would start one may be up to the submitter.
const STILL: Duration = Duration::from_millis(10);
/// Looks with nothing but a yield between them: short tasks make room before a sleeper would wake.
const YIELDS: usize = 100;
/// Between two looks after that.
const LOOK: Duration = Duration::from_micros(50);
/// Submits that a thread makes before it takes the sums again.
const BATCH: usize = 64;

impl Engine {
    /// Waits until fewer tasks are pending than may be, unless the caller is in a task or nothing starts any more.
    #[cold]
    pub(crate) fn wait_for_room(self: &Arc<Self>) {
        if local::current().is_some() {
            return;
        }
        local::with(self, |local| {
            if !local.is_own_thread() {
                self.wait_outside(local);
            }
        });
    }

    fn wait_outside(&self, local: &Local) {
        // What this thread still owes may be what the others wait for.
        local.settle_all();
        if self.take_room(local) {
            return;
        }
        let mut looks = 0;
        let mut started = None;
        let mut since = Instant::now();
        while !self.take_room(local) && !self.is_closed() {
            let now = self.stripes.sum().started;
            if started.replace(now) != Some(now) {
                since = Instant::now();
            } else if since.elapsed() >= STILL {
                return;
            }
            if looks < YIELDS {
                looks += 1;
                std::thread::yield_now();
            } else {
                std::thread::park_timeout(LOOK);
            }
        }
    }

    /// Whether one more task may be submitted. Of each thread's batch, one.
    pub(crate) fn take_room(&self, local: &Local) -> bool {
        let Some(most) = self.options.max_pending else {
            return true;
        };
        if let Some(left) = local.room.get().checked_sub(1) {
            local.room.set(left);
            return true;
        }
        let Some(free) = most.checked_sub(self.stripes.sum().pending() as usize) else {
            return false;
        };
        local.room.set((free / 16).min(BATCH) as u32);
        free > 0
    }
}
