//! Between a worker and the scheduler.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Failure, Finished, FromClient, FunctionInfo, Holder, Mention, PeerId, Run, TaskId, ToClient,
};

/// The first thing that the scheduler learns of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerHello {
    /// What people call it; may be empty.
    pub name: String,
    /// The machine that it is on.
    pub host: String,
    /// Where it gives data out.
    pub address: String,
    /// How many tasks it runs at once: its threads.
    pub slots: u32,
    /// How much of which resource it has.
    pub resources: Vec<(String, u64)>,
    /// Its functions. From now on a function's number is its place in this list.
    pub functions: Vec<FunctionInfo>,
    /// Bytes of results that it may hold; 0 is without limit.
    pub memory_limit: u64,
}

/// From a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromWorker {
    /// The body of a run begins. Given to the connection before it does, so that a body that kills its process is known;
    /// left out of a run of a kind that has been short, unless it turns out to be long: then it comes later.
    Started {
        /// Which.
        run: Run,
    },
    /// A run has ended with a result.
    Done(Done),
    /// A run has ended with a failure, or could not begin: an unknown function, arguments that do not decode.
    Failed {
        /// Which.
        run: Run,
        /// Why.
        failure: Arc<Failure>,
    },
    /// A run that was to be cancelled has ended, or did not begin.
    Cancelled {
        /// Which.
        run: Run,
    },
    /// A run was given up before it began, since inputs could not be had.
    Missing(Missing),
    /// Runs that were asked back and had not begun: they are not here any more. One that is not in an answer runs on, and
    /// ends in its own message.
    Returned {
        /// Which.
        runs: Vec<Run>,
        /// All that were asked for and are kept.
        kept: Vec<Run>,
    },
    /// A body blocks and has given its slot up (-1), or has it again (+1).
    Slots {
        /// The difference.
        delta: i32,
    },
    /// Data is here that was not before: put here by a client, or a copy that was fetched as an input or by
    /// [`ToWorker::Copy`].
    Stored {
        /// Which.
        data: Run,
        /// Its size.
        bytes: u64,
    },
    /// A copy that [`ToWorker::Copy`] asked for could not be had.
    NotCopied {
        /// Which.
        data: Run,
    },
    /// This worker wants to leave. It goes on until [`ToWorker::Leave`] says that nothing is left to do here.
    Leaving,
    /// What a task on this worker says as a client.
    Client(FromClient),
}

/// The end of a run with a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub run: Run,
    /// The result, or its size when it stays on the worker.
    pub result: Finished,
    /// Handles inside the result, wanted while the result is: tickets of this worker's own client, or tasks.
    pub mentions: Vec<Mention>,
    /// How long the body took, in microseconds.
    pub run_us: u32,
    /// How long it lay at the worker before that, in microseconds.
    pub lay_us: u32,
}

/// A run that could not begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub run: Run,
    /// Each input that could not be had, from whom, and whether that one answered and had none. Who cannot be reached
    /// was tried for a while.
    pub data: Vec<(Run, PeerId, bool)>,
}

/// To a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToWorker {
    /// The next number for kinds of runs, from 0 up without a gap.
    Kind(Box<RunKind>),
    /// Run this, when a slot is free: higher priority first, then in the order of arrival.
    Assign(Assign),
    /// Give these back if they have not begun; [`FromWorker::Returned`] answers.
    Return {
        /// Which.
        runs: Vec<Run>,
    },
    /// Nobody wants this run any more: if it has not begun it does not, else its token is set.
    /// [`FromWorker::Cancelled`] comes when it is over, unless its end is on its way.
    Cancel {
        /// Which.
        run: Run,
    },
    /// Nobody wants these data any more.
    Drop {
        /// Which; those that are not here are ignored.
        data: Vec<Run>,
    },
    /// Fetch a copy of this and keep it; [`FromWorker::Stored`] or [`FromWorker::NotCopied`] answers.
    Copy(InputData),
    /// Nothing is left to do here: end. Comes after [`FromWorker::Leaving`], or when a client retires the worker.
    Leave,
    /// What the scheduler says to a client that is a task on this worker.
    Client(ToClient),
}

/// What runs of one kind share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunKind {
    /// The worker's number of the function.
    pub function: u32,
    /// What people call the tasks.
    pub name: String,
    /// Where they were submitted.
    pub submitted_at: String,
    /// Higher runs first.
    pub priority: i32,
    /// How long one attempt's body may take; 0 is without limit.
    pub timeout_ms: u64,
    /// The pool to run in; empty is the usual one.
    pub pool: String,
    /// How much of which resource of this worker an attempt occupies: the scheduler keeps the account.
    pub resources: Vec<(String, u64)>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assign {
    /// Which.
    pub run: Run,
    /// Which try the body is told that it is, from 1: one more for each that failed or died with its worker. A run that
    /// was given back before it began was none.
    pub tries: u32,
    /// The number of its kind on this connection.
    pub kind: u32,
    /// The encoded arguments, with holes.
    pub args: Bytes,
    /// What fills the first holes, in order.
    pub inputs: Vec<InputData>,
    /// The handles that the arguments mention, in order: wanted while this run lasts.
    pub mentions: Vec<TaskId>,
}

/// An input of a run, or data to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputData {
    /// The run that made it: its name at its holders.
    pub data: Run,
    /// Where it is.
    pub source: Source,
    /// The handles inside it, in order: wanted while it is.
    pub mentions: Vec<TaskId>,
}

/// Where an input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// On this worker.
    Here,
    /// Here.
    Inline(Bytes),
    /// On others, best first; never empty.
    At {
        /// Its size.
        bytes: u64,
        /// Who has it.
        holders: Vec<Holder>,
    },
}
