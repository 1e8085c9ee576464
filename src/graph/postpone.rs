//! A claimed task that may not run yet: the driver puts it in a line of its own and comes back to it.
//!
//! 1. A postponed task is ready but not QUEUED, so that nobody can claim it. Its join counter has the POSTPONED bit: the
//!    line stands for one more input.
//! 2. The line pins the slot as a missing input does: only QUEUED lets the machine's reference go, and who takes the
//!    task out of the line sets it, or wins the task, exactly once.
//! 3. A cancel or the last want going away wins it as it wins any task that has not started. The driver then takes it
//!    out of the line while it settles it.

use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::word::POSTPONED;
use super::{Effects, Graph};

impl<P> Graph<P> {
    /// Gives up the right to run a claimed task whose body has not begun, until [`resume`](Self::resume) or
    /// [`reclaim`](Self::reclaim), one of which the caller owes. No: it was cancelled or lost its last want meanwhile,
    /// is among `fx.unrun`, and nothing is owed.
    pub fn postpone(&self, index: u32, fx: &mut Effects) -> bool {
        // Before RUNNING goes: after that, whoever settles the task must find the bit.
        self.node(index).join.fetch_or(POSTPONED, AcqRel);
        if self.stop_running(index) {
            return true;
        }
        fx.unrun.push(index);
        let _ = self.resume(index, fx); // Not ready: it was won just above.
        false
    }

    /// Whether a node the caller has pinned is postponed.
    pub fn is_postponed(&self, index: u32) -> bool {
        self.node(index).join.load(Acquire) & POSTPONED != 0
    }

    /// Makes a postponed task claimable again, if it was not settled meanwhile. Yes: it is ready.
    #[must_use]
    pub fn resume(&self, index: u32, fx: &mut Effects) -> bool {
        // The bit goes first: once the task is QUEUED its slot may be freed.
        self.node(index).join.fetch_and(!POSTPONED, AcqRel);
        self.joined(index, fx)
    }

    /// Claims a postponed task. No: it was settled meanwhile.
    #[must_use]
    pub fn reclaim(&self, index: u32, fx: &mut Effects) -> bool {
        if self.win_unclaimed(index) {
            self.node(index).join.fetch_and(!POSTPONED, AcqRel);
            return true;
        }
        let _ = self.resume(index, fx); // Not ready: somebody else has won it.
        false
    }
}
