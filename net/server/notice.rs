//! What whoever runs a scheduler may want to know.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::net::message::PeerId;
use crate::net::wire::{Party, Role};

/// A client or a worker, as [notices](Notice) name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The number of its connection.
    pub peer: PeerId,
    /// What it is.
    pub role: Role,
    /// What people call it; may be empty.
    pub name: String,
    /// Where it has connected from.
    pub from: SocketAddr,
}

impl Who {
    pub(super) fn new(peer: PeerId, party: &Party, from: SocketAddr) -> Self {
        let name = match party {
            Party::Client(client) => client.name.clone(),
            Party::Worker(worker) => worker.name.clone(),
            Party::Scheduler | Party::Peer => String::new(),
        };
        let role = party.role();
        Self {
            peer,
            role,
            name,
            from,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            peer,
            role,
            name,
            from,
        } = self;
        match &**name {
            "" => write!(f, "{role} {peer} at {from}"),
            name => write!(f, "{role} {} ({peer}) at {from}", name.escape_debug()),
        }
    }
}

/// Something that has happened to a scheduler. As text it is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A client or worker has connected.
    Joined(Who),
    /// It has said that it leaves, and has left.
    Left(Who, String),
    /// It is gone without a word, or was silent for too long.
    Lost(Who, String),
    /// It did what it may not, and was disconnected.
    Disconnected(Who, String),
}

impl Notice {
    /// Whether something is wrong.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Joined(_) | Self::Left(..) => false,
            Self::Lost(..) | Self::Disconnected(..) => true,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(who) => write!(f, "{who} has joined"),
            Self::Left(who, why) => write!(f, "{who} has left: {why}"),
            Self::Lost(who, why) => write!(f, "{who} is lost: {why}"),
            Self::Disconnected(who, why) => write!(f, "{who} was disconnected: {why}"),
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

    pub(in crate::net) fn note(&self, notice: &Notice) {
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
