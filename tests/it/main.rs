//! The in-process driver through the public interface, one module a concern.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads, bound their waits by the clock, and draw random graphs"
)]

mod actors;
mod annotate;
mod attempts;
mod awaiting;
mod barriers;
mod batches;
mod blocking;
mod call_graphs;
mod call_options;
mod call_wants;
mod calls;
mod cancel;
mod client;
mod clients;
mod datasets;
mod deadlock;
mod destructors;
mod done;
mod dump;
mod elsewhere;
mod errors;
mod events;
mod explain;
mod foreign_blocking;
mod gathered_args;
mod gathering;
mod groups;
mod hand;
mod hosted;
#[cfg(feature = "rayon")]
mod hosts;
#[cfg(feature = "rayon")]
mod in_rayon;
mod keys;
mod limits;
mod locks;
mod many;
mod methods;
mod multi_locks;
mod numbers;
mod order;
#[cfg(feature = "rayon")]
mod parallel;
mod pending;
mod places;
mod pools;
mod pure_calls;
mod queue_forms;
mod queues;
mod raw;
mod registered;
mod resources;
mod restart;
mod retry;
mod returning;
mod scope;
mod seams;
mod seeded;
mod semaphores;
mod spawned;
mod spawned_ends;
mod spawned_executors;
mod spawned_turns;
mod spawned_with;
mod storm;
mod story;
mod stress;
mod support;
mod tasks;
mod timeouts;
mod topics;
mod variable_changes;
mod variables;
mod wants;
