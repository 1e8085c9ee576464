//! The second driver of the graph: a scheduler that many clients and workers on other machines talk to.
//!
//! * `coordinate`: who has queues, locks and what else is shared by name.
//! * `data`: large results from process to process, past the scheduler.
//! * `message`: what clients, the scheduler and workers tell each other.
//! * `wire`: what stands on the wire: values, frames, messages, the handshake; no I/O.
//! * `transport`: connections: frames into batches of messages and back, and who is alive.
//! * `scheduler`: the pure machine that owns the graph and places tasks on workers.
//! * `server`: a scheduler that serves: the machine behind connections.
//! * `client`: the tasks that a process wants done elsewhere.
//! * `worker`: runs what the scheduler sends it, in this process.
//! * `cluster`: a scheduler and worker processes on this machine, started by the program that uses them.
//! * `cli`: the command line of any program with tasks.
//! * `map`, `pages`: tables by numbers: of any order, and given out in order.

#[expect(clippy::disallowed_types, reason = "it waits for signals on a thread")]
pub mod cli;
pub mod client;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "processes take time to start and to end, and are listened to by threads"
)]
pub mod cluster;
pub mod coordinate;
pub mod data;
mod map;
pub mod message;
mod pages;
pub mod scheduler;
#[expect(
    clippy::disallowed_methods,
    reason = "a scheduler that serves has a clock"
)]
pub mod server;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "connections have sockets, threads and a clock"
)]
pub mod transport;
pub mod wire;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a worker measures how long its runs take, and asks the system for its address"
)]
pub mod worker;
