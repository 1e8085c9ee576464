//! The in-process driver through the public interface, one module a concern.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads, bound their waits by the clock, and draw random graphs"
)]

mod annotate;
mod awaiting;
mod blocking;
mod cancel;
mod client;
mod clients;
mod deadlock;
mod destructors;
mod errors;
mod explain;
#[cfg(feature = "rayon")]
mod in_rayon;
mod keys;
mod limits;
mod many;
mod order;
mod pending;
mod pools;
mod queues;
mod resources;
mod returning;
mod seeded;
mod stress;
mod support;
mod tasks;
mod variables;
mod wants;
