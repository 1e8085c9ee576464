//! Why a client did not start.

use std::error::Error;
use std::fmt;

/// Why a client did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Zero threads were asked for.
    NoThreads,
    /// The thread name contains a NUL character, which the system does not take.
    ThreadName(String),
    /// An option has a value that nothing can be done with; the text says which, why, and what to give instead.
    Option(String),
    /// The system refused a thread.
    Spawn(std::io::Error),
    /// Tasks were to run on rayon's threads (`Host::Rayon`), but those were started before by somebody else.
    RayonInUse,
    /// Two `#[task]` functions have one name, so that a call would not say which it means.
    DuplicateTask {
        /// The name.
        name: &'static str,
        /// Where the two functions are, as file and line.
        places: [String; 2],
    },
    /// The address is none that a client can connect to.
    Address(String),
    /// There is no connection to the cluster at this address.
    #[cfg(feature = "net")]
    #[cfg_attr(docsrs, doc(cfg(feature = "net")))]
    Connect {
        /// The address.
        address: String,
        /// Why not, and what to do.
        why: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => f.write_str(
                "a client needs at least one thread: ask for 1 or more, or leave `threads` out",
            ),
            Self::ThreadName(name) => write!(
                f,
                "the thread name {name:?} contains NUL: leave that character out"
            ),
            Self::Option(text) => f.write_str(text),
            Self::Spawn(_) => {
                f.write_str("the system refused a thread: ask for fewer threads or a smaller stack")
            }
            Self::RayonInUse => f.write_str(
                "rayon's global pool was started by somebody else: build the client before the first use of rayon, or with `Host::Threads`",
            ),
            Self::DuplicateTask { name, places: [first, second] } => write!(
                f,
                "two tasks have the name `{name}`, one at {first} and one at {second}: give one of them another with `#[task(name = \"..\")]`"
            ),
            #[cfg(not(feature = "net"))]
            Self::Address(address) => write!(
                f,
                "{address:?} is no address that a client can connect to: give \"inproc\" to run in this process, or switch the feature `net` on for a cluster's"
            ),
            #[cfg(feature = "net")]
            Self::Address(address) => write!(
                f,
                "{address:?} is no address that a client can connect to: give \"inproc\" to run in this process, or a cluster's, as \"tcp://127.0.0.1:8786\""
            ),
            #[cfg(feature = "net")]
            Self::Connect { address, why } => write!(f, "no connection to {address}: {why}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Spawn(error) => Some(error),
            _ => None,
        }
    }
}
