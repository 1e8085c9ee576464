//! Which members of a set have completed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use slab::Slab;

use crate::error::WaitError;
use crate::pool::local::Local;
use crate::pool::waiters::Wake;
use crate::pool::waits::On;

/// Which members of a set have completed and were not asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Completions(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    /// The nodes of the members that have not been asked for, by member.
    open: Slab<u32>,
    done: VecDeque<usize>,
    /// Whom to tell of the next completion. A set has one owner, so one is enough.
    waiting: Option<Wake>,
}

impl Completions {
    /// Adds a member, and gives its number.
    pub(crate) fn join(&self, node: u32) -> usize {
        self.0.lock().open.insert(node)
    }

    /// A member has completed.
    pub(crate) fn complete(&self, member: usize) {
        let waiting = {
            let progress = &mut *self.0.lock();
            progress.done.push_back(member);
            progress.waiting.take()
        };
        if let Some(wake) = waiting {
            wake.wake();
        }
    }

    /// The member that completed first; its number is free for another.
    pub(crate) fn pop(&self) -> Option<usize> {
        let progress = &mut *self.0.lock();
        let member = progress.done.pop_front()?;
        progress.open.remove(member);
        Some(member)
    }

    pub(crate) fn has_done(&self) -> bool {
        !self.0.lock().done.is_empty()
    }

    /// The nodes of the members, for those who look for urgent work.
    pub(crate) fn members(&self) -> Vec<u32> {
        self.0.lock().open.iter().map(|(_, &node)| node).collect()
    }

    /// Has this one told of the next completion. No: a member has completed already.
    pub(crate) fn tell(&self, wake: Wake) -> bool {
        let old = {
            let progress = &mut *self.0.lock();
            if !progress.done.is_empty() {
                return false;
            }
            progress.waiting.replace(wake)
        };
        drop(old); // A waker's destructor is user code: not under the lock.
        true
    }

    /// Has nobody told.
    pub(crate) fn tell_nobody(&self) {
        let old = self.0.lock().waiting.take();
        drop(old);
    }

    /// Waits until a member has completed.
    pub(crate) fn wait(
        self: &Arc<Self>,
        local: &Local,
        deadline: Option<Instant>,
    ) -> Result<(), WaitError> {
        local.settle_all();
        if local.spin(&|| self.has_done()) {
            return Ok(());
        }
        local.parker.reset();
        if !self.tell(Wake::Thread(Arc::clone(&local.parker))) {
            return Ok(());
        }
        let waited = local.block(On::AnyOf(Arc::clone(self)), deadline, || self.has_done());
        self.tell_nobody();
        waited
    }
}
