//! The in-process driver through the public interface, one module a concern.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads, bound their waits by the clock, and draw random graphs"
)]

mod attempts;
mod actors;
mod awaiting;
mod batches;
mod barriers;
mod blocking;
mod cancel;
mod client;
mod clients;
mod datasets;
mod deadlock;
mod destructors;
mod done;
mod errors;
mod events;
mod explain;
mod gathering;
#[cfg(feature = "rayon")]
mod in_rayon;
mod keys;
mod limits;
mod locks;
mod many;
mod multi_locks;
mod order;
mod queue_forms;
mod queues;
mod retry;
mod restart;
mod returning;
mod seeded;
mod semaphores;
mod stress;
mod support;
mod tasks;
mod timeouts;
mod variable_changes;
mod topics;
mod variables;
mod wants;
