//! Runs a graph of tasks while the graph is still changing, on the cores of this process.
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod awaiting;
mod builder;
mod client;
mod error;
mod future;
mod gather;
#[doc(hidden)]
pub mod graph;
mod inputs;
mod launch;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver has threads and a clock"
)]
mod pool;
mod primitive;
mod sync;
mod task;

pub use awaiting::{Awaiting, AwaitingOwned, Value};
pub use builder::Builder;
pub use client::{Client, CloseReport, Local, Stats, current, try_current};
pub use error::{ErrorKind, NameError, StartError, TakeError, TaskError, WaitError};
pub use future::{Status, TaskFuture};
pub use gather::{AsCompleted, DoneAndNot, WaitFor, as_completed, gather, wait};
pub use graph::Key;
pub use inputs::{Borrowed, Held, Inputs, Many, Owned};
pub use sync::{PutError, Queue, Variable};
pub use task::{IntoTask, Task};
