//! One want of a task, as handles, queues and closures hold it.

use std::fmt;
use std::sync::Arc;

use super::Engine;
use super::job;
use super::local;
use crate::error::{Blame, ErrorKind, TaskError};
use crate::graph::State;

/// Keeps the engine's memory for the wants that one thread made.
///
/// One for each thread: a count shared by all threads would be the one line of memory that every task touches.
#[derive(Debug)]
pub(crate) struct Anchor {
    pub(crate) engine: Arc<Engine>,
}

/// One want of a node. Cloning takes another; dropping gives it up, which may cancel the task or free its result.
pub(crate) struct TaskRef {
    anchor: Arc<Anchor>,
    index: u32,
}

impl TaskRef {
    /// Takes over a want that the graph gave.
    #[inline]
    pub(crate) fn own(anchor: Arc<Anchor>, index: u32) -> Self {
        Self { anchor, index }
    }

    #[inline]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.anchor.engine
    }

    #[inline]
    pub(crate) fn anchor(&self) -> &Arc<Anchor> {
        &self.anchor
    }

    #[inline]
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    #[inline]
    pub(crate) fn state(&self) -> State {
        self.engine().graph.state(self.index)
    }

    #[inline]
    pub(crate) fn is_settled(&self) -> bool {
        self.engine().graph.is_settled(self.index)
    }

    /// The error of a task that failed or was cancelled.
    pub(crate) fn error(&self) -> TaskError {
        let engine = self.engine();
        let error = engine.error_of(self.index);
        if error.is_inherited() {
            error.through(&engine.name(self.index))
        } else {
            error
        }
    }

    /// The want has been given to a task: only the claim on the memory is dropped.
    #[inline]
    pub(crate) fn forget(mut self) {
        self.index = 0;
    }

    /// Whether both are wants of one task.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.index == other.index && Arc::ptr_eq(self.engine(), other.engine())
    }

    /// Lets the task run even when nobody wants it.
    pub(crate) fn detach(mut self) {
        // The want goes with the detach; index 0 tells the drop that it is gone.
        let index = std::mem::take(&mut self.index);
        local::with(self.engine(), |local| {
            #[cfg(feature = "task")]
            if local.engine.calls_leave() {
                let remote = local.engine.with_remote(index, |remote| remote.detach());
                if remote.is_some() {
                    return local.drop_want(index);
                }
            }
            local.engine.graph.detach(index, &mut local.state().fx);
            local.settle_up();
        });
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> Self {
        self.engine().graph.retain(self.index);
        Self {
            anchor: Arc::clone(&self.anchor),
            index: self.index,
        }
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        if self.index != 0 {
            local::with(self.engine(), |local| local.drop_want(self.index));
        }
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.index)
    }
}

impl Engine {
    /// Whom to blame when this pinned task fails.
    pub(crate) fn blame(&self, index: u32) -> Blame {
        Blame {
            task: self.name(index),
            key: self.graph.key(index),
            location: self.graph.location(index),
        }
    }

    /// The error of a pinned task that failed or was cancelled. Of a cancelled one nothing is stored: all of it is
    /// known from the node, and whether its time was over from its extra.
    pub(crate) fn error_of(&self, index: u32) -> TaskError {
        if self.graph.state(index) == State::Cancelled {
            if let Some(error) = self.timeout_error(index) {
                return error;
            }
            return TaskError::new(ErrorKind::Cancelled, self.blame(index), "", None);
        }
        job::error(&self.graph, index)
    }
}
