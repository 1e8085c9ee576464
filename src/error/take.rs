//! Why a result could not be taken.

use std::error::Error;
use std::fmt;

use super::{ErrorKind, TaskError};

/// Why [`take`](crate::TaskFuture::take) gave no value.
pub enum TakeError<T> {
    /// The task has none.
    Failed(TaskError),
    /// Others want it too; here is the handle back.
    Shared(crate::TaskFuture<T>),
}

impl<T> fmt::Debug for TakeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::Shared(handle) => f.debug_tuple("Shared").field(handle).finish(),
        }
    }
}

impl<T> fmt::Display for TakeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Shared(handle) => {
                write!(
                    f,
                    "the result of `{}` is wanted by others too: use `result()`, or drop theirs",
                    handle.name()
                )
            }
        }
    }
}

impl<T> Error for TakeError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Shared(_) => None,
        }
    }
}

/// Keeps the culprit, for use with `?` in a task that returns [`TaskError`].
impl<T> From<TakeError<T>> for TaskError {
    fn from(error: TakeError<T>) -> Self {
        match error {
            TakeError::Failed(error) => error,
            TakeError::Shared(_) => {
                let text = "the result it wanted to take is wanted by others too";
                Self::new(
                    ErrorKind::Failed,
                    crate::client::current_blame(),
                    text,
                    None,
                )
            }
        }
    }
}
