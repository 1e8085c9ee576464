//! Runs a graph of tasks while the graph is still changing, on the cores of this process.
//!
#![doc = include_str!("../README.md")]
//!
//! # What happens when
//!
//! | when | then |
//! | --- | --- |
//! | **starting, submitting** | |
//! | a client is asked for zero threads, for no pending tasks, or for a thread name with NUL | [`Builder::build`] gives a [`StartError`] |
//! | tasks are to run on rayon's threads, which somebody else has started | [`Builder::build`] gives [`StartError::RayonInUse`] |
//! | a task name contains NUL or is empty | it is a text like any other |
//! | an input belongs to another client | the handle has failed with `ForeignHandle` |
//! | a task asks for a pool or a resource that the client was not built with, or for more than there is | the handle has failed with `NoSuchPool` or `NoSuchResource`, whose text names those there are |
//! | a key is used with another type of result, or a call with the key of another function | the handle has failed with `KeyConflict`; the first task goes on |
//! | a key is used whose task has failed | the handle is of that task, failed; after a cancel the key is free |
//! | more tasks are pending than [`Builder::max_pending`] | a submit outside of tasks waits, at most until nothing has started for 10 ms; [`Client::try_submit_now`] gives [`Full`] |
//! | the iterator of [`Client::par_map`] panics | the panic goes on to the caller, and what was submitted is cancelled |
//! | anything is submitted on a closed client | the handle has failed with `Closed` |
//! | **calls of `#[task]` functions** | |
//! | two functions have one name | no client starts: [`StartError::DuplicateTask`] names both places |
//! | a call is never submitted | nothing runs; its arguments are dropped with it, however deep it nests |
//! | an argument of a pure call, or of one to be encoded, cannot be serialized | the handle has failed with `Encoding`, whose text says which argument |
//! | a pure call has a NaN among its arguments | floats count by their bits: it is the same call as with the same NaN |
//! | a pure call has a `HashMap` among its arguments | entries count in any order; elements of a `HashSet` in the order in which it gives them |
//! | arguments do not serialize the same twice | a debug build fails the pure call with `Encoding`; a release build takes it for another call |
//! | an argument or a result is decoded to something else, or not at all | the former cannot be known; the latter is the task's error, of kind `Encoding` |
//! | a handle is serialized that is no part of a call or of its result | an error of the serializer |
//! | **running** | |
//! | a body panics | the panic is caught, and is the task's error |
//! | a future panics in a poll | as a body: the future is dropped, and the panic is the task's error |
//! | an input fails or is cancelled | its dependents do not run; they fail with its error |
//! | an attempt fails and there are retries left | the next follows at once; the error of the last is the task's |
//! | a body returns [`Reschedule`] | with `retries`, of 0 too, it goes to the end of the queue and uses up no retry; without, it is an error |
//! | the last attempt runs for longer than its `timeout` | the handle is settled with `TimedOut` at once; the body sees its cancel token, and is let finish |
//! | a task runs for longer than its `timeout` | its handle is settled with `TimedOut` at once; the body sees its cancel token, and is let finish; a pending future is dropped |
//! | a task has `timeout(Duration::ZERO)` | it has timed out without running; `Duration::MAX` is no limit |
//! | a failed task is retried whose closure was not kept | [`NotRetryable`] names it; `.retries(0)` or more keeps a closure |
//! | a task is cancelled that has not started | it never starts; its dependents fail with an error that names it |
//! | a task is cancelled that runs | its status is `Cancelled` at once; the body sees its token, and what it returns is dropped |
//! | the last handle of a task is dropped | a task that has not started is cancelled; one that runs has its token set |
//! | the destructor of a result, a closure, an error or a queued item panics | the panic is caught and ends there; the panic hook has printed it |
//! | a callback of `on_done` panics | the panic is caught and ends there; the panic hook has printed it |
//! | an observer panics, or what says the bytes of a result | the panic is caught and ends there |
//! | a task of a [`Client::scope`] fails | the others run all the same, then the scope gives the first error; a panic of its closure goes on once all have ended |
//! | **waiting** | |
//! | a task blocks on itself, or in a cycle | `result()` gives `Deadlock` and names the cycle |
//! | an async task awaits itself, or in a cycle | it stays pending until it is cancelled; `explain` says that it is pending |
//! | a task takes a lock that it holds, or two tasks take two locks crosswise | one wait gives `Deadlock` and names the tasks and the locks |
//! | more tasks are blocked at once than [`Builder::max_spares`], 4,096 by default | a wait that cannot help gives `TooManyBlocked` |
//! | `result_timeout` is over | `TimedOut`, and the task goes on: its `status` tells that from a task whose own time was over |
//! | `take` is called while others want the result | [`TakeError::Shared`] gives the handle back |
//! | `result()` on a thread of an async runtime | it blocks that thread; what it waits for must not need that thread: see [`TaskFuture::result`] |
//! | a waker is kept, or called, after its task has ended | nothing happens |
//! | **sharing by name** | |
//! | a queue has capacity 0 | it has no bound |
//! | a semaphore, barrier or buffer is to be of size 0 | [`NameError::Zero`] |
//! | a name is asked for with another type, capacity or number than it has | [`NameError`], whose text says what it has |
//! | a handle is published under a name that is taken, or one is asked for that nobody published | [`NameError::Taken`], [`NameError::Unknown`] |
//! | more permits or locks are asked for than there are | the wait gives `Exceeds` at once |
//! | a semaphore is given back more permits than were taken | [`Semaphore::release`] gives [`ReleaseError`], and nothing has changed |
//! | a wait has a time limit of zero, or one too long for the clock | it looks once; it has no limit |
//! | a queue is closed, or anything that is shared by name is deleted | waits on it end with `Closed`; what is in a closed queue can still be taken |
//! | a subscriber is slower than its topic | it loses the oldest messages, and the next one says how many |
//! | a body panics while it holds a lock of the client | the guard gives it back |
//! | a body panics while it holds a lock of yours | as on any thread: `std`'s mutexes are poisoned, tenter's own state is not touched |
//! | on a cluster: the holder of locks or permits is gone, or a party at a barrier | locks and permits go to who is next; the party was never there |
//! | on a cluster: the connection ends | waits end with `Disconnected`; what had not arrived here is in its queue again |
//! | on a cluster: an item cannot be encoded, or not be decoded | [`WaitError::Encoding`]; it comes back from a `put`, and is dropped by a `get` |
//! | on a cluster: a task shares a type that no `#[task]` function takes or gives | [`NameError::NotPortable`]; a client from [`Client::anywhere`] can |
//! | **actors** | |
//! | a call returns an error | it is the call's alone |
//! | a call panics | the state is dropped; later calls fail with `Poisoned` and name the panic, until `restart()` |
//! | an actor is restarted that was given its state | [`NotRestartable`]: [`Client::actor_from`] knows how to make another |
//! | a mailbox is full | `call` waits for room, `try_call` gives [`Full`] |
//! | a call waits for another of the same actor | as for tasks: `Deadlock` names the cycle |
//! | on a cluster: a call waits for another of the same actor | nobody sees the cycle: both wait until one is cancelled |
//! | an actor's state could not be made | its calls fail with the error of the task that was to make it |
//! | on a cluster: the worker of an actor is gone, or leaves | the state is lost, and no other is made: calls that were not answered fail with [`Disconnected`](ErrorKind::Disconnected), since nobody knows whether they have run; later ones with [`DataLost`](ErrorKind::DataLost) |
//! | on a cluster: one who called an actor is gone | the calls that have arrived run, and nobody hears what they give |
//! | **on a cluster** | |
//! | nobody answers at the address, it cannot be resolved, is another machine's, or is no scheduler's | `StartError::Connect`, whose text says which, and what to do |
//! | the scheduler ends, or is not heard of for as long as [`Builder`] says | every task that has not ended fails with [`Disconnected`](ErrorKind::Disconnected), at once; so does what is submitted from then on |
//! | an argument is larger than a message may be | the handle has failed with `Encoding`: scatter what is large, and give its handle |
//! | a call needs a closure's result, or a value that was scattered | it leaves once that is there, with a copy of it, and of what handles in it stand for; if any of that fails, so does the call |
//! | a handle is cancelled, or the last one in this process is dropped | this process has no part in the task any more; it goes on as long as others want it |
//! | a result is large | it stays at its worker, and comes when somebody waits for it: `wait`, `as_completed` and `on_done` do not |
//! | a result was lost with a worker | it is computed again, and the status is `Lost` meanwhile; a value that was scattered and is nowhere else any more is `DataLost` |
//! | a task is to run on a host that no worker is on, or needs a resource that none has | it waits for such a worker: `explain` says so |
//! | there is no worker at all | a line on standard error says so, and so does `explain` |
//! | bytes come back that are no result of the function | the task's error, of kind `Encoding`; a panic while they are decoded too |
//! | a client has more than 65,000 kinds of tasks | their own names and places are left out past 60,000; then the handles have failed |
//! | a task's time is over | it is `Cancelled`, with an error of kind `TimedOut`, as in one process |
//! | the client is restarted | its own tasks are cancelled, as far as nobody else wants them; what is shared by name is everybody's, and stays |
//! | the client is dropped | its connection is closed, and what it wanted is released |
//! | **the end** | |
//! | the client is dropped with work running | what has not started is cancelled, and it waits for the bodies; handles stay readable |
//! | the client is dropped with futures pending | they are dropped on its threads, and their tasks are cancelled |
//! | the client is dropped, or closed, in one of its own tasks | it signals and does not wait |
//! | the client is restarted | every task is cancelled, what is named is closed and free; settled handles stay readable |
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
#[cfg(feature = "task")]
mod call;
mod client;
mod completed;
mod completions;
#[cfg(feature = "task")]
#[doc(hidden)]
pub mod driver;
mod dump;
#[cfg(feature = "task")]
mod elsewhere;
mod error;
mod flatten;
mod full;
mod future;
mod gather;
#[doc(hidden)]
pub mod graph;
mod group;
pub mod guide;
#[cfg(feature = "task")]
mod hosted;
mod inputs;
mod launch;
mod nbytes;
#[cfg(feature = "net")]
#[doc(hidden)]
#[path = "../net/mod.rs"]
pub mod net;
mod on_done;
mod options;
#[cfg(feature = "rayon")]
mod parallel;
mod pending;
mod place;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a driver has threads and a clock"
)]
mod pool;
mod primitive;
#[cfg(feature = "task")]
#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
pub mod raw;
#[cfg(feature = "task")]
mod registry;
mod restart;
mod retry;
mod scope;
mod spawn;
mod submit_many;
mod sync;
mod task;
mod transition;
#[cfg(feature = "task")]
#[expect(
    clippy::disallowed_methods,
    reason = "workers are waited for by the clock"
)]
mod workers;

pub use actor::{Actor, ActorBuilder, Housing, NotRestartable};
pub use as_completed::{AsCompleted, as_completed};
pub use attempts::{Reschedule, attempt};
pub use awaiting::{Awaiting, AwaitingOwned, Value};
pub use batches::Batches;
pub use blocking::blocking;
pub use builder::Builder;
#[cfg(feature = "task")]
#[doc(hidden)]
pub use call::generated as __task;
#[cfg(feature = "task")]
pub use call::{Argument, Call, IntoArg, Method, Portable};
pub use client::{Client, CloseReport, Stats, current, try_current};
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
#[cfg(feature = "net")]
#[doc(inline)]
#[cfg_attr(docsrs, doc(cfg(feature = "net")))]
pub use net::{
    cli,
    cluster::{
        LocalCluster, LocalClusterBuilder, LocalWorker, worker_if_asked, worker_if_asked_with,
    },
    server::NotStarted,
};
pub use options::Annotate;
#[cfg(feature = "task")]
pub use place::Anywhere;
pub use place::{Carried, Local};
pub use pool::{Host, Scope};
#[cfg(feature = "task")]
pub use registry::{TaskInfo, register, tasks};
pub use retry::NotRetryable;
pub use scope::ScopedTask;
pub use sync::{
    Barrier, BarrierWaitResult, Event, Lock, LockGuard, Message, Messages, MultiLock, PutError,
    Queue, QueueIter, QueueStream, ReleaseError, Semaphore, SemaphoreGuard, Subscriber, Topic,
    Variable,
};
pub use task::{Again, IntoRetry, IntoTask, Once, TakesClosures, Task};
#[cfg(feature = "task")]
pub use tenter_macros::task;
pub use transition::{TaskId, Transition};
#[cfg(feature = "task")]
pub use workers::{ClusterError, WorkerId, WorkerInfo};
