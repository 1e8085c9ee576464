//! The names that messages use.

use std::fmt;

use crate::driver::RemoteId;

/// A client's number for a task that it wants: from 1 up, never reused on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// The scheduler's name for a task: a slot of its graph in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// The slot.
    pub slot: u32,
    /// How many tasks lived there before.
    pub generation: u32,
}

/// One attempt to run a task, and the data that it makes. Attempts count from 1; data that a client scattered has
/// attempt 0 or, if the worker that was to take it has died, one more for each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The task.
    pub task: TaskId,
    /// Which attempt.
    pub attempt: u32,
}

/// The number of a connection to the scheduler, never reused: the name of the client or worker behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

impl From<TaskId> for RemoteId {
    fn from(TaskId { slot, generation }: TaskId) -> Self {
        Self { slot, generation }
    }
}

impl From<RemoteId> for TaskId {
    fn from(RemoteId { slot, generation }: RemoteId) -> Self {
        Self { slot, generation }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}.{}", self.slot, self.generation)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.task, self.attempt)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}
