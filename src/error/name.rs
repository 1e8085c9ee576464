//! Why a name does not give what was asked for.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::{ErrorKind, TaskError, WaitError};

/// Why something shared by name, or a published handle, could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// One of this name exists and holds another type.
    OtherType {
        /// The name that was asked for.
        name: String,
        /// The type it holds.
        holds: Cow<'static, str>,
        /// The type that was asked for.
        asked: &'static str,
    },
    /// One of this name exists with another capacity.
    OtherCapacity {
        /// The name that was asked for.
        name: String,
        /// The capacity it has.
        has: usize,
        /// The capacity that was asked for.
        asked: usize,
    },
    /// Something is published under the name already.
    Taken {
        /// The name that was given.
        name: String,
    },
    /// Nothing is published under the name.
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// A semaphore or barrier of this name exists with another number.
    OtherNumber {
        /// The name that was asked for.
        name: String,
        /// What is counted: permits, parties.
        what: &'static str,
        /// The number it has.
        has: usize,
        /// The number that was asked for.
        asked: usize,
    },
    /// A semaphore without permits, a barrier without parties, a subscriber without a buffer.
    Zero {
        /// The name that was asked for.
        name: String,
        /// What is counted: permits, parties, messages.
        what: &'static str,
    },
    /// It is shared with other processes, and how to encode what it would hold is not known here.
    NotPortable {
        /// The name that was asked for.
        name: String,
        /// The type that was asked for.
        of: &'static str,
    },
    /// It is shared with other processes, and who has it could not be asked.
    NotAsked {
        /// The name that was asked for.
        name: String,
        /// Why not.
        error: WaitError,
    },
    /// The client was closed.
    Closed,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType { name, holds, asked } => {
                write!(
                    f,
                    "`{name}` holds {holds}, not {asked}: use that type, or another name"
                )
            }
            Self::OtherCapacity { name, has, asked } => {
                write!(
                    f,
                    "`{name}` has capacity {has}, not {asked}: use that capacity, or another name"
                )
            }
            Self::Taken { name } => write!(
                f,
                "`{name}` is published already: use another name, `unpublish` it first, or `republish`"
            ),
            Self::Unknown { name } => write!(
                f,
                "nothing is published as `{name}`: ask `published_names()` what is, or publish it first"
            ),
            Self::OtherNumber {
                name,
                what,
                has,
                asked,
            } => write!(
                f,
                "`{name}` has {has} {what}, not {asked}: use that number, or another name"
            ),
            Self::Zero { name, what } => {
                write!(
                    f,
                    "`{name}` would have room for 0 {what}: ask for 1 or more"
                )
            }
            Self::NotPortable { name, of } => write!(
                f,
                "`{name}` is shared with other processes, and how a {of} is encoded is not known here: ask `client.anywhere()` for it, or have a `#[task]` function take or give the type"
            ),
            Self::NotAsked { name, error } => {
                write!(f, "who has `{name}` could not be asked: {error}")
            }
            Self::Closed => f.write_str("the client is closed: start another one"),
        }
    }
}

impl Error for NameError {}

/// The current task could not have a queue, a variable or a published handle.
impl From<NameError> for TaskError {
    fn from(error: NameError) -> Self {
        let blame = crate::client::current_blame();
        Self::new(
            ErrorKind::Failed,
            blame,
            error.to_string(),
            Some(Box::new(error)),
        )
    }
}
