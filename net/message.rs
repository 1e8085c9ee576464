//! What clients, the scheduler and workers tell each other: plain data, no I/O.
//!
//! A connection carries its messages in order, both ways; that is all that these rely on. Three parties speak:
//! a client with the scheduler ([`FromClient`], [`ToClient`]), a worker with the scheduler ([`FromWorker`],
//! [`ToWorker`]), and a worker or a client with a worker that holds data (the data plane, which has messages of its own).
//!
//! # Names
//! 1. A client numbers the tasks that it wants: a [`Ticket`], from 1 up, never reused on a connection. So a submit needs
//!    no answer, and what is said of a ticket before its submit was read cannot be misunderstood.
//! 2. The scheduler names a task by its slot and generation, a [`TaskId`], and one attempt to run it by a [`Run`].
//!    Every message about an attempt carries both; one that is no longer the current one is out of date and changes
//!    nothing.
//! 3. The attempt that made a piece of data names the data: a [`Run`] too. So who is told to drop a lost task's old
//!    result keeps the new one. Attempt 0 is data that a client scattered.
//! 4. What repeats is sent once: a client defines functions and kinds of tasks under numbers of its own
//!    ([`Define`]); a worker's functions are numbered by their order in its [`WorkerHello`]; the scheduler defines kinds
//!    for a worker ([`ToWorker::Kind`]).
//! 5. A peer is named by the number of its connection, [`PeerId`], never reused: a worker that connects again is a new
//!    worker.
//!
//! # What a peer may not do
//! A number that was not defined, a ticket that was used before: the scheduler disconnects who sends such a thing, with
//! one line that says why. What may be out of date through no fault of the sender is ignored.

mod client;
mod data;
mod failure;
mod name;
mod worker;

pub use client::{
    Answer, ClientHello, Condition, Define, FromClient, FunctionInfo, Input, KindOfTask, Mention,
    Question, Scattered, Stage, Submit, SubmitMany, TaskKey, ToClient, WorkerInfo,
};
pub use data::{Finished, Holder, INLINE_LIMIT, Located, PUSH_LIMIT};
pub use failure::{Failure, FailureKind};
pub use name::{PeerId, Run, TaskId, Ticket};
pub use worker::{
    Assign, Done, FromWorker, InputData, Missing, RunKind, Source, ToWorker, WorkerHello,
};
