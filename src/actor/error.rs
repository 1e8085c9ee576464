//! What an actor's methods are refused with.

use std::error::Error;
use std::fmt;

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
