//! The in-process driver through the public interface, one module a concern.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads, bound their waits by the clock, and draw random graphs"
)]

mod awaiting;
mod barriers;
mod blocking;
mod cancel;
mod client;
mod clients;
mod deadlock;
mod destructors;
mod errors;
mod events;
mod explain;
#[cfg(feature = "rayon")]
mod in_rayon;
mod keys;
mod limits;
mod locks;
mod many;
mod multi_locks;
mod order;
mod queues;
mod returning;
mod seeded;
mod semaphores;
mod stress;
mod support;
mod tasks;
mod topics;
mod variables;
mod wants;
