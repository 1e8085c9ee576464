//! Why a connection has ended, or was not made.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What this side says when its hub ends.
pub(super) const ENDING: &str = "the process is ending";

/// How a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostKind {
    /// The other side has closed it, and said why.
    Closed,
    /// This side has closed it.
    ClosedHere,
    /// It broke off without a word: the other process has died, most likely.
    Broken,
    /// Nothing was heard for too long.
    Silent,
    /// The other side sent what it may not.
    Protocol,
}

/// Why a connection has ended; one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How.
    pub kind: LostKind,
    /// Why, for people.
    pub reason: String,
}

impl Lost {
    pub(super) fn new(kind: LostKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    pub(super) fn broken(error: &std::io::Error) -> Self {
        Self::new(LostKind::Broken, format!("the connection broke: {error}"))
    }

    pub(super) fn silent(limit: Duration) -> Self {
        let reason = format!("nothing was heard from the other side for {limit:?}");
        Self::new(LostKind::Silent, reason)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            LostKind::Closed => write!(
                f,
                "the other side has closed the connection: {}",
                self.reason
            ),
            LostKind::ClosedHere => write!(f, "closed: {}", self.reason),
            LostKind::Broken | LostKind::Silent | LostKind::Protocol => f.write_str(&self.reason),
        }
    }
}

impl Error for Lost {}

/// Why a connection was not made; one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is not this machine's, and nobody said `insecure`.
    NotLoopback(String),
    /// There is no such address, or nobody answers there.
    Unreachable(String),
    /// The other side does not want this one, and says why.
    Refused(String),
    /// This side does not want the other.
    Unwanted(String),
    /// The other side took too long.
    TimedOut(String),
    /// The hub has ended.
    Ended,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(text) | Self::Unreachable(text) | Self::TimedOut(text) => {
                f.write_str(text)
            }
            Self::Refused(reason) => write!(f, "the other side refused the connection: {reason}"),
            Self::Unwanted(reason) => write!(f, "refused the other side: {reason}"),
            Self::Ended => f.write_str("connections here have ended"),
        }
    }
}

impl Error for ConnectError {}
