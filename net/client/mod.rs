//! A client of the scheduler: the tasks that this process wants done elsewhere.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `session.rs` | what one process has open at one scheduler: the backend of its engine |
//! | `hear.rs` | what the scheduler says |
//! | `state.rs`, `kinds.rs` | what is open, and the numbers that were given out |
//! | `data.rs` | results that are held elsewhere, and values that are put there |
//! | `actors.rs` | calls of actors, and what they need to be told |
//! | `ask.rs` | questions and their answers |
//! | `share.rs` | what is shared by name: asks and answers of who coordinates |
//! | `outlet.rs` | where words go: a connection of their own, or a worker's |
//! | `connect.rs` | the connection of a client process |
//! | `failure.rs` | failures as messages and as errors |
//!
//! # Rules
//! 1. Tickets are given out in the order in which what names them is sent, so both happen under one lock. What the scheduler
//!    says is looked up under it, and told to the tasks once it is free: that runs user code, which comes back here.
//! 2. What is sent is queued, and leaves when the connection's thread comes by, or when a thread is about to wait. What only lets
//!    go of settled tasks waits for something else to be sent, or for [`Session::tick`].
//! 3. Nothing that is asked here blocks, but for questions and [`Outlet::wait_for_room`]; neither is asked on the connection's
//!    own thread.
//! 4. The end of the connection ends everything that is open, with an error that says why, and what comes after it.

mod actors;
mod ask;
mod connect;
mod data;
mod failure;
mod hear;
mod kinds;
mod outlet;
mod session;
mod share;
mod state;

pub use connect::{ClientOptions, NotConnected, connect};
pub use failure::{failure_of, report_of};
pub use outlet::Outlet;
pub use session::{Session, inputs_of};
