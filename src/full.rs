//! What is refused for want of room comes back.

use std::error::Error;
use std::fmt;

/// There is no room now, in an actor's mailbox or among the pending tasks; gives back what was to be called.
pub struct Full<F>(F);

impl<F> Full<F> {
    pub(crate) fn new(f: F) -> Self {
        Self(f)
    }

    /// The closure that was not called.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> fmt::Debug for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Full").finish_non_exhaustive()
    }
}

impl<F> fmt::Display for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is full: come again later, or use the form that waits")
    }
}

impl<F> Error for Full<F> {}
