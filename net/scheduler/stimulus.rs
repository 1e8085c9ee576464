//! What the machine is told, and what it asks for.

use crate::net::message::{
    ClientHello, FromClient, FromWorker, PeerId, ToClient, ToWorker, WorkerHello,
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
    /// Bytes have arrived of a message that is not complete: the peer is alive.
    Heard(PeerId),
    /// The connection has ended. However that was noticed, this is how it is told.
    Gone(PeerId),
    /// Time has passed: due at [`Machine::next_tick_us`](super::Machine::next_tick_us). What has arrived by then is told
    /// first, so that nobody is taken for dead whose words lie in a buffer.
    Tick,
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
}
