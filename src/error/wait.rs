//! Why a wait ended without what was waited for.

use std::error::Error;
use std::fmt;

use super::{ErrorKind, TaskError};

/// Why a wait ended without what it waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// The waits of some tasks form a cycle; the text names each of them.
    Deadlock(String),
    /// As many tasks are blocked as there may be threads. Wait in an async task, or block in fewer at once.
    TooManyBlocked,
    /// The queue, the variable or the client was closed.
    Closed,
    /// The time given was over.
    TimedOut,
    /// The queue has no item now, and a `try_` form does not wait for one.
    Empty,
    /// The queue has no room now, and a `try_` form does not wait for some.
    Full,
    /// The item could not be encoded for other processes, or not be decoded here; the text says why.
    Encoding(String),
    /// Who has it, in another process, is not to be reached; the text says why.
    Disconnected(String),
    /// There are not as many as were asked for, so the wait would never end.
    Exceeds {
        /// What was asked for.
        what: String,
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        most: usize,
    },
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
            Self::TooManyBlocked => f.write_str(
                "too many tasks are blocked at once: make what they wait for their input (`submit_with`), wait in async code with `.await`, or allow more of them with `Client::builder().max_spares(..)`",
            ),
            Self::Closed => f.write_str("closed: nothing more will arrive"),
            Self::TimedOut => f.write_str("the time given for the wait was over"),
            Self::Empty => f.write_str("the queue is empty: wait for an item with `get`, or come again"),
            Self::Full => f.write_str("the queue is full: wait for room with `put`, or come again"),
            Self::Encoding(text) => f.write_str(text),
            Self::Disconnected(text) => write!(f, "disconnected: {text}"),
            Self::Exceeds { what, asked, most } => {
                write!(f, "{asked} {what} were asked for, of {most}: ask for {most} or fewer")
            }
        }
    }
}

impl Error for WaitError {}

impl WaitError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Deadlock(_) => ErrorKind::Deadlock,
            Self::TooManyBlocked => ErrorKind::TooManyBlocked,
            Self::Closed => ErrorKind::Closed,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Empty | Self::Full => ErrorKind::Failed,
            Self::Encoding(_) => ErrorKind::Encoding,
            Self::Disconnected(_) => ErrorKind::Disconnected,
            Self::Exceeds { .. } => ErrorKind::Failed,
        }
    }
}

/// A wait of the current task ended badly; `?` in a task that returns [`TaskError`] carries it on.
impl From<WaitError> for TaskError {
    fn from(error: WaitError) -> Self {
        let blame = crate::client::current_blame();
        Self::new(
            error.kind(),
            blame,
            error.to_string(),
            Some(Box::new(error)),
        )
    }
}

/// The current task could not put an item, which is dropped.
impl<T> From<crate::PutError<T>> for TaskError {
    fn from(refused: crate::PutError<T>) -> Self {
        WaitError::from(refused).into()
    }
}
