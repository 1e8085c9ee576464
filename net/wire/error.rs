//! Why bytes are not what they should be.

use std::error::Error;
use std::fmt;

/// Why bytes from the other side were refused, or why a message cannot be sent to it. One line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end before the value does.
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// There is more than allowed.
    TooLong {
        /// Of what.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A number that nothing stands for.
    Unknown {
        /// What it should name.
        what: &'static str,
        /// The number.
        found: u64,
    },
    /// Bytes that no value of ours is written as.
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// Bytes are left over.
    Trailing {
        /// Behind what.
        what: &'static str,
        /// How many.
        bytes: u64,
    },
    /// A message of a frame is wrong.
    InMessage {
        /// Which, from 1 up.
        number: u32,
        /// Of how many.
        count: u16,
        /// What is wrong with it.
        why: Box<Self>,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { what } => write!(f, "the bytes end within {what}"),
            Self::TooLong { what, found, limit } => {
                write!(f, "{what} of {found} where at most {limit} are allowed")
            }
            Self::Unknown { what, found } => write!(f, "there is no {what} {found}"),
            Self::Malformed { what } => f.write_str(what),
            Self::Trailing { what, bytes } => write!(f, "{bytes} bytes are left over after {what}"),
            Self::InMessage { number, count, why } => {
                write!(f, "message {number} of {count} in a frame: {why}")
            }
        }
    }
}

impl Error for WireError {}
