//! The second driver of the graph: a scheduler that many clients and workers on other machines talk to.
//!
//! * `message`: what clients, the scheduler and workers tell each other.
//! * `scheduler`: the pure machine that owns the graph and places tasks on workers.

pub mod message;
