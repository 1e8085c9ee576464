//! What the machine is told, and what it asks for.

use bytes::Bytes;

use crate::net::message::{
    ClientHello, FromClient, FromWorker, PeerId, TaskId, ToClient, ToWorker, WorkerHello,
};

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Stimulus {
    /// A worker has connected. Its connection's number was never used before.
    WorkerJoined(PeerId, Box<WorkerHello>),
    /// A client has connected.
    ClientJoined(PeerId, ClientHello),
    /// A worker has said something.
    FromWorker(PeerId, FromWorker),
    /// A client has said something.
    FromClient(PeerId, FromClient),
    /// The connection has ended, by its end, by an error or by silence. However that was noticed, this is how it is told.
    Gone(PeerId),
    /// Time has passed: due every [`Config::tick_us`](super::Config::tick_us).
    Tick,
    /// Who coordinates answers a client, or a worker's tasks. It wants what it mentions, and goes on to: a peer that is to
    /// have a task for itself says so ([`FromClient::Want`]) before that is let go.
    Answer {
        /// Who asked. If it is not there any more, nothing is said.
        to: PeerId,
        /// Its number for the request.
        request: u64,
        /// The answer.
        body: Bytes,
        /// The handles inside it.
        mentions: Vec<TaskId>,
    },
    /// Who coordinates has one want less of each of these, as often as it is named.
    LetGo {
        /// Which; those that it does not want are ignored.
        tasks: Vec<TaskId>,
    },
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this to a worker.
    ToWorker(PeerId, ToWorker),
    /// Send this to a client.
    ToClient(PeerId, ToClient),
    /// End this connection, and log the reason. The machine has forgotten the peer; no `Gone` need follow.
    Disconnect(PeerId, String),
    /// For who coordinates, which has one want more of each mention.
    Coordinate {
        /// Who asks: a client, or a worker's tasks.
        from: PeerId,
        /// Its number for the request.
        request: u64,
        /// What.
        body: Bytes,
        /// The handles inside the body, in order. One that had gone is a task that has failed as forgotten.
        mentions: Vec<TaskId>,
    },
    /// For who coordinates: this peer is gone, and all its grips with it.
    PeerGone(PeerId),
}
