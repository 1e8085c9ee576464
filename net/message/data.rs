//! Results and where they are.

use bytes::Bytes;

use super::PeerId;

/// The largest result that travels through the scheduler, and is kept by it. Larger ones stay on their worker.
pub const INLINE_LIMIT: usize = 64 << 10;

/// The largest result that a client is given without asking for it: larger ones may never be looked at.
pub const PUSH_LIMIT: usize = 4 << 10;

/// A result, as the scheduler and the clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The encoded result.
    Inline(Bytes),
    /// It is elsewhere and has this many bytes: who wants it asks with [`FromClient::Fetch`](super::FromClient::Fetch).
    Held {
        /// Its encoded size.
        bytes: u64,
    },
    /// It is an actor, which lives on the worker that ran the task: nobody else can have it, and when that worker is gone so is
    /// the actor. Clients are told that it is held, with no bytes.
    Actor,
}

/// A worker that holds a piece of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The worker.
    pub worker: PeerId,
    /// Where it gives data out.
    pub address: String,
}

/// Where a finished result can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// Here.
    Inline(Bytes),
    /// From any of these, best first; never empty. Ask for it by the run that made it.
    Held {
        /// The run that made the data: its name at the holders.
        data: super::Run,
        /// Its encoded size.
        bytes: u64,
        /// Who has it.
        holders: Vec<Holder>,
    },
    /// It is an actor, to be called where it lives.
    Actor {
        /// The run that made it: its name there.
        data: super::Run,
        /// Where.
        holder: Holder,
    },
}
