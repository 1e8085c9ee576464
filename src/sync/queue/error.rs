//! Why an item was not put.

use std::error::Error;
use std::fmt;

use crate::error::WaitError;

/// Why an item was not put; it comes back.
pub struct PutError<T> {
    pub(super) item: T,
    pub(super) error: WaitError,
}

impl<T> PutError<T> {
    /// The item.
    pub fn into_item(self) -> T {
        self.item
    }

    /// Why it was not put.
    pub fn error(&self) -> &WaitError {
        &self.error
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the item was not put: {}", self.error)
    }
}

impl<T> Error for PutError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Drops the item and keeps the reason, for use with `?`.
impl<T> From<PutError<T>> for WaitError {
    fn from(refused: PutError<T>) -> Self {
        refused.error
    }
}
