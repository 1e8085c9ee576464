//! What an actor's methods are refused with.

use std::error::Error;
use std::fmt;

/// A bounded mailbox has no room; here is the closure back.
pub struct Full<F>(F);

impl<F> Full<F> {
    pub(super) fn new(f: F) -> Self {
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
        f.write_str("the mailbox is full: call later, or wait for room with `call` or `call_async`")
    }
}

impl<F> Error for Full<F> {}

/// The actor was given its state, and nothing to make another with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRestartable {
    actor: String,
}

impl NotRestartable {
    pub(super) fn new(actor: String) -> Self {
        Self { actor }
    }

    /// The actor's name.
    pub fn actor(&self) -> &str {
        &self.actor
    }
}

impl fmt::Display for NotRestartable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "actor `{}` has no constructor: start it with `actor_from`",
            self.actor
        )
    }
}

impl Error for NotRestartable {}
