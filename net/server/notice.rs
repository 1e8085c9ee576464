//! What whoever runs a scheduler may want to know.

use std::fmt;
use std::sync::Arc;

/// Something that has happened to a scheduler. As text it is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A client or worker has connected.
    Joined {
        /// Which.
        who: String,
    },
    /// It has said that it leaves, and has left.
    Left {
        /// Which.
        who: String,
        /// What it said.
        why: String,
    },
    /// It is gone without a word, or was silent for too long.
    Lost {
        /// Which.
        who: String,
        /// How that was noticed.
        why: String,
    },
    /// It did what it may not, and was disconnected.
    Disconnected {
        /// Which.
        who: String,
        /// What it did.
        why: String,
    },
}

impl Notice {
    /// Whether something is wrong.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Joined { .. } | Self::Left { .. } => false,
            Self::Lost { .. } | Self::Disconnected { .. } => true,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined { who } => write!(f, "{who} has joined"),
            Self::Left { who, why } => write!(f, "{who} has left: {why}"),
            Self::Lost { who, why } => write!(f, "{who} is lost: {why}"),
            Self::Disconnected { who, why } => write!(f, "{who} was disconnected: {why}"),
        }
    }
}

/// Who hears [notices](Notice). By default those that mean trouble are written to standard error.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(&Notice) + Send + Sync>);

impl Log {
    /// Calls this with every notice, on the scheduler's one thread: it should not take long.
    pub fn new(hear: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// Writes every notice to standard error.
    pub fn everything() -> Self {
        Self::new(|notice| eprintln!("scheduler: {notice}"))
    }

    pub(super) fn note(&self, notice: &Notice) {
        (self.0)(notice);
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new(|notice| {
            if notice.is_trouble() {
                eprintln!("scheduler: {notice}");
            }
        })
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
