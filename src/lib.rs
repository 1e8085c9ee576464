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
//! | a name is published twice, or asked for and not published | `NameError`: `Taken`, `Unknown` |
//! | an input belongs to another client | the handle has failed with `ForeignHandle` |
//! | a task asks for a pool or a resource that the client was not built with, or for more than there is | the handle has failed with `NoSuchPool` or `NoSuchResource`, whose text names those there are |
//! | more tasks are pending than [`Builder::max_pending`] | a submit outside of tasks waits, at most until nothing has started for 10 ms |
//! | a key is used with another type of result | the handle has failed with `KeyConflict`; the first task goes on |
//! | a task waits for itself, or in a cycle | `result()` gives `Deadlock` and names the cycle |
//! | a task runs for longer than its `timeout` | its handle is settled with `TimedOut` at once; the body sees its cancel token, and is let finish; a pending future is dropped |
//! | a task has `timeout(Duration::ZERO)` | it has timed out without running; `Duration::MAX` is no limit |
//! | a failed task is retried whose closure was not kept | [`NotRetryable`] names it; `.retries(0)` or more keeps a closure |
//! | a task takes a lock that it holds, or two tasks take two locks crosswise | one wait gives `Deadlock` and names the tasks and the locks |
//! | more permits or locks are asked for than there are | the wait gives `Exceeds` at once |
//! | a semaphore, barrier or buffer is to be of size 0 | it is a [`NameError`] |
//! | more than 4,096 tasks are blocked at once, or than [`Builder::max_spares`] | a wait that cannot help gives `TooManyBlocked` |
//! | a body panics | the panic is caught, and is the task's error |
//! | a call of an actor panics | its state is dropped; later calls fail with `Poisoned` and name the panic, until `restart()` |
//! | a call waits for another of the same actor | as for tasks: `Deadlock` names the cycle |
//! | a future panics in a poll | as a body: the future is dropped, and the panic is the task's error |
//! | an async task awaits itself, or in a cycle | it stays pending until it is cancelled; `explain` says that it is pending |
//! | the client is dropped with futures pending | they are dropped on its threads, and their tasks are cancelled |
//! | a waker is kept, or called, after its task has ended | nothing happens |
//! | `result()` on a thread of an async runtime | it blocks that thread; what it waits for must not need that thread: see [`TaskFuture::result`] |
//! | the destructor of a result, a closure, an error or a queued item panics | the panic is caught and ends there; the panic hook has printed it |
//! | a callback of `on_done` panics | as above |
//! | a body panics while it holds a lock of the client | the guard gives it back |
//! | a body panics while it holds a lock of yours | as on any thread: `std`'s mutexes are poisoned, tenter's own state is not touched |
//! | the client is dropped with work running | it waits for the bodies; handles stay readable |
//! | the client is dropped, or closed, in one of its own tasks | it signals and does not wait |
//! | the program is built with `panic = "abort"` | a panic in a body ends the process, as that profile says |
//! | the process forks | the child has the handles but no threads: finished results can be read, a wait there ends with `Closed` |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod actor;
mod as_completed;
mod attempts;
mod awaiting;
mod batches;
mod blocking;
mod builder;
mod client;
mod completed;
mod completions;
mod dump;
mod error;
mod full;
mod future;
mod gather;
#[doc(hidden)]
pub mod graph;
mod group;
pub mod guide;
mod inputs;
mod launch;
mod nbytes;
mod on_done;
mod options;
#[cfg(feature = "rayon")]
mod parallel;
mod pending;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver has threads and a clock"
)]
mod pool;
mod primitive;
mod restart;
mod retry;
mod scope;
mod spawn;
mod submit_many;
mod sync;
mod task;
mod transition;

pub use actor::{Actor, ActorBuilder, NotRestartable};
pub use as_completed::{AsCompleted, as_completed};
pub use attempts::{Reschedule, attempt};
pub use awaiting::{Awaiting, AwaitingOwned, Value};
pub use batches::Batches;
pub use blocking::blocking;
pub use builder::Builder;
pub use client::{Client, CloseReport, Local, Stats, current, try_current};
pub use completed::Completed;
pub use error::{ErrorKind, NameError, StartError, TakeError, TaskError, WaitError};
pub use full::Full;
pub use future::{Status, TaskFuture};
pub use gather::{
    DoneAndNot, WaitFor, gather, gather_async, gather_settled, gather_settled_async, wait,
    wait_async,
};
pub use graph::Key;
pub use group::Group;
pub use inputs::{Borrowed, Held, Inputs, Lent, Many, Owned};
pub use nbytes::Nbytes;
pub use options::Annotate;
pub use pool::{Host, Scope};
pub use retry::NotRetryable;
pub use scope::ScopedTask;
pub use sync::{
    Barrier, BarrierWaitResult, Event, Lock, LockGuard, Message, Messages, MultiLock, PutError,
    Queue, QueueIter, QueueStream, ReleaseError, Semaphore, SemaphoreGuard, Subscriber, Topic,
    Variable,
};
pub use task::{Again, IntoTask, Once, Task};
pub use transition::{TaskId, Transition};
