//! Runs a graph of tasks while the graph is still changing, on the cores of this process.
//!
#![doc = include_str!("../README.md")]
//!
//! # What happens when
//!
//! | | |
//! | --- | --- |
//! | a client is asked for zero threads, or a thread name with NUL | [`Builder::build`] gives a [`StartError`] |
//! | a task name contains NUL or is empty | it is a text like any other |
//! | a queue has capacity 0 | it has no bound |
//! | an input belongs to another client | the handle has failed with `ForeignHandle` |
//! | a task asks for a pool or a resource that the client was not built with, or for more than there is | the handle has failed with `NoSuchPool` or `NoSuchResource`, whose text names those there are |
//! | more tasks are pending than [`Builder::max_pending`] | a submit outside of tasks waits, at most until nothing has started for 10 ms |
//! | a key is used with another type of result | the handle has failed with `KeyConflict`; the first task goes on |
//! | a task waits for itself, or in a cycle | `result()` gives `Deadlock` and names the cycle |
//! | more than 4,096 tasks are blocked at once, or than [`Builder::max_spares`] | a wait that cannot help gives `TooManyBlocked` |
//! | a body panics | the panic is caught, and is the task's error |
//! | the destructor of a result, a closure, an error or a queued item panics | the panic is caught and ends there; the panic hook has printed it |
//! | a body panics while it holds a lock of yours | as on any thread: `std`'s mutexes are poisoned, tenter's own state is not touched |
//! | the client is dropped with work running | it waits for the bodies; handles stay readable |
//! | the client is dropped, or closed, in one of its own tasks | it signals and does not wait |
//! | the program is built with `panic = "abort"` | a panic in a body ends the process, as that profile says |
//! | the process forks | the child has the handles but no threads: finished results can be read, a wait there ends with `Closed` |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod awaiting;
mod builder;
mod client;
mod error;
mod future;
mod gather;
#[doc(hidden)]
pub mod graph;
pub mod guide;
mod inputs;
mod launch;
mod options;
mod pending;
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
pub use options::Annotate;
pub use pending::Full;
pub use sync::{PutError, Queue, Variable};
pub use task::{IntoTask, Task};
