//! The in-process driver through the public interface, one module a concern.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads, bound their waits by the clock, and draw random graphs"
)]

mod awaiting;
mod blocking;
mod cancel;
mod client;
mod clients;
mod deadlock;
mod destructors;
mod errors;
mod explain;
mod foreign_blocking;
mod hand;
#[cfg(feature = "rayon")]
mod in_rayon;
mod keys;
mod limits;
mod many;
mod order;
mod queues;
mod returning;
mod seeded;
mod spawned;
mod spawned_ends;
mod spawned_executors;
mod spawned_turns;
mod spawned_with;
mod stress;
mod support;
mod tasks;
mod variables;
mod wants;
