//! Between a client and the scheduler. A worker's tasks are clients too: their messages travel in
//! [`FromWorker::Client`](super::FromWorker::Client), so that what a task submits and what it returns arrive in order.

use bytes::Bytes;

use super::{Failure, Finished, Holder, Located, PeerId, Run, TaskId, Ticket};

/// The first thing that the scheduler learns of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// What people call it; may be empty.
    pub name: String,
    /// How many finished tasks may be kept, for it, only to compute lost data again; `None` is the scheduler's default.
    pub lineage_limit: Option<u64>,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromClient {
    /// What a number stands for from now on.
    Define(Define),
    /// One task.
    Submit(Submit),
    /// Many of a kind.
    SubmitMany(SubmitMany),
    /// A handle that travelled: `ticket` is a want of this task from now on.
    Want {
        /// The client's new number for it.
        ticket: Ticket,
        /// The task.
        task: TaskId,
    },
    /// These wants have ended. A task that nobody wants does not start; one that runs has its token set.
    Release {
        /// Which; those that are unknown or were released before are ignored.
        tickets: Vec<Ticket>,
    },
    /// As `Release`, and these are let run for their effects all the same.
    Detach {
        /// Which.
        tickets: Vec<Ticket>,
    },
    /// Ends these wants as cancelled ([`ToClient::Failed`] comes at once), and the tasks where nobody else wants them or
    /// anything made of them. The tickets are still to be released.
    Cancel {
        /// Which; settled ones stay as they are.
        tickets: Vec<Ticket>,
    },
    /// How far are these? [`ToClient::Stage`] comes for each that has not ended, and whenever that changes.
    Watch {
        /// Which.
        tickets: Vec<Ticket>,
    },
    /// Where is this result? [`ToClient::Located`] comes when it is finished, which it may have to become again.
    Fetch {
        /// Of which task.
        ticket: Ticket,
    },
    /// This holder did not give it: it had none (`absent`), or could not be reached though it was tried for a while.
    /// Another `Located` follows.
    FetchFailed {
        /// Of which task.
        ticket: Ticket,
        /// What was asked for.
        data: Run,
        /// Who was asked.
        holder: PeerId,
        /// It answered, and had none.
        absent: bool,
    },
    /// Puts data where workers can have it, as the result of a finished task. Past [`INLINE_LIMIT`](super::INLINE_LIMIT)
    /// the answer is [`ToClient::Put`].
    Scatter {
        /// The client's number for it.
        ticket: Ticket,
        /// Its name, for people.
        name: String,
        /// The data, or its size.
        data: Scattered,
        /// Only workers on these hosts may take it; empty is any.
        on: Vec<String>,
        /// The handles inside the data, in order: wanted while the data are.
        mentions: Vec<Mention>,
    },
    /// The worker that [`ToClient::Put`] named could not be reached. Another `Put` follows.
    PutFailed {
        /// Of which task.
        ticket: Ticket,
        /// As it was named.
        data: Run,
    },
    /// Runs a failed task again, and what it failed through: `ticket` is a want of a new task. If `of` has not failed, it is
    /// a want of that. If one of those has no recipe any more or was cancelled, `ticket` fails as that did, and its text says
    /// so.
    Retry {
        /// The client's new number for the task.
        ticket: Ticket,
        /// The failed one.
        of: Ticket,
    },
    /// Keeps at least this many copies of a held result, as far as there are workers.
    Replicate {
        /// Of which task.
        ticket: Ticket,
        /// How many; `u32::MAX` is one on each worker.
        copies: u32,
    },
    /// A question about the cluster, answered by [`ToClient::Answer`] with the same number.
    Ask {
        /// The client's number for the question.
        request: u64,
        /// The question.
        question: Question,
    },
    /// Asks a worker to leave: it hands over what only it holds, and ends.
    Retire {
        /// Which.
        worker: PeerId,
    },
    /// Queues, variables, locks, events, barriers, topics: the bytes are for whoever coordinates, not for the machine
    /// that places tasks.
    Coordinate {
        /// The client's number for the request.
        request: u64,
        /// What.
        body: Bytes,
        /// The handles inside the body, in order. Whoever coordinates wants each from now on, until it lets go.
        mentions: Vec<Mention>,
    },
}

/// What a number stands for. The numbers of functions and of kinds are apart; both count from 0 without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Define {
    /// The next number for functions.
    Function(FunctionInfo),
    /// The next number for kinds of tasks.
    Kind(Box<KindOfTask>),
}

/// A function that can be called by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionInfo {
    /// Its path.
    pub name: String,
    /// A hash of its signature and version: peers where it differs do not run each other's calls.
    pub signature: u64,
}

/// What tasks of one kind share: the function, and how to run it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindOfTask {
    /// The client's number of the function.
    pub function: u32,
    /// What people call the tasks; empty is the function's name.
    pub name: String,
    /// Where they were submitted, as `file:line`; may be empty.
    pub submitted_at: String,
    /// Higher runs first.
    pub priority: i32,
    /// How often to try again after an error, a panic or a timeout; `None` is not at all, nor to reschedule.
    pub retries: Option<u32>,
    /// How long one attempt's body may take; 0 is without limit.
    pub timeout_ms: u64,
    /// The result follows from the key and is worth remembering.
    pub pure: bool,
    /// The pool of the worker to run in; empty is its usual one.
    pub pool: String,
    /// How much of which resource of a worker an attempt occupies.
    pub resources: Vec<(String, u64)>,
    /// Only workers on these hosts, or of these names, may run it; empty is any.
    pub on: Vec<String>,
    /// Workers on these hosts, or of these names, run it if they have room.
    pub prefer: Vec<String>,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// The client's number for it.
    pub ticket: Ticket,
    /// The client's number of its kind.
    pub kind: u32,
    /// Its identity, if it has one: a known key is a want of the existing task.
    pub key: Option<TaskKey>,
    /// The encoded arguments, with holes where inputs and mentions belong.
    pub args: Bytes,
    /// The tasks whose results fill the first holes, in order.
    pub inputs: Vec<Input>,
    /// Handles inside the arguments, which the task can use but does not wait for: wanted until it ends.
    pub mentions: Vec<Mention>,
}

/// Many tasks of a kind, in order: the first has `first_ticket`, the next one more, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitMany {
    /// The client's number of the first.
    pub first_ticket: Ticket,
    /// The client's number of their kind.
    pub kind: u32,
    /// The encoded arguments of each. They have no keys and no inputs.
    pub args: Vec<Bytes>,
}

/// A task's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TaskKey {
    /// The key as text; a number is its decimal text after one byte that no text begins with, as the client says.
    pub text: String,
    /// A hash of function, version and type: one key with two of these is a conflict.
    pub kin: u64,
}

/// A task that another needs finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// One that this connection wants.
    Ticket(Ticket),
    /// One whose handle travelled.
    Task(TaskId),
}

/// A handle inside arguments or a result: a want without waiting.
pub type Mention = Input;

/// Data of a scatter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scattered {
    /// The data.
    Inline(Bytes),
    /// Its encoded size; it is put to the worker that the scheduler names.
    Sized(u64),
}

/// A question about the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Why is this task not running?
    Explain(Ticket),
    /// Who has its data?
    WhoHas(Ticket),
    /// Which name does it travel by?
    TaskIdOf(Ticket),
    /// Which workers are there?
    Workers,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// For people.
    Text(String),
    /// Who has it; empty also when the scheduler has it.
    Holders(Vec<Holder>),
    /// The name it travels by; `None` if the ticket is unknown.
    TaskId(Option<TaskId>),
    /// The workers.
    Workers(Vec<WorkerInfo>),
}

/// What is known of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Which.
    pub worker: PeerId,
    /// Its name, its host, and where it gives data out.
    pub name: String,
    /// The machine that it is on.
    pub host: String,
    /// Where it gives data out.
    pub address: String,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// Attempts that it was given and has not answered.
    pub assigned: u32,
    /// Bytes of results that it holds.
    pub held_bytes: u64,
}

/// To a client. Of one ticket: any number of `Finished` and `Lost` in turn, or `Failed` once, last; `Stage` between these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToClient {
    /// The task has its result.
    Finished {
        /// Which.
        ticket: Ticket,
        /// The result, if it is small.
        result: Finished,
        /// The handles inside the result, in order: wanted while the result is.
        mentions: Vec<TaskId>,
    },
    /// The task has failed, for good.
    Failed {
        /// Which.
        ticket: Ticket,
        /// Why.
        failure: std::sync::Arc<Failure>,
    },
    /// The data of a finished task was lost and is being computed again.
    Lost {
        /// Which.
        ticket: Ticket,
    },
    /// How far a task is that [`FromClient::Watch`] named.
    Stage {
        /// Which.
        ticket: Ticket,
        /// How far it is.
        stage: Stage,
    },
    /// The answer to [`FromClient::Fetch`].
    Located {
        /// Which.
        ticket: Ticket,
        /// Where.
        at: Located,
        /// The handles inside the data, in order: wanted while the data are.
        mentions: Vec<TaskId>,
    },
    /// Put the scattered data to this worker, as this data.
    Put {
        /// Which.
        ticket: Ticket,
        /// What the worker is to call it.
        data: Run,
        /// Who is to have it.
        holder: Holder,
    },
    /// The answer to [`FromClient::Ask`].
    Answer {
        /// The client's number for the question.
        request: u64,
        /// The answer.
        answer: Answer,
    },
    /// The answer to [`FromClient::Coordinate`].
    Coordinate {
        /// The client's number for the request.
        request: u64,
        /// What.
        body: Bytes,
        /// The handles inside the body, in order: wanted by whoever coordinates until it lets go.
        mentions: Vec<TaskId>,
    },
    /// The cluster's condition has changed.
    Condition(Condition),
}

/// How far a task is that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It lacks inputs.
    Waiting,
    /// It is ready: it waits for a worker, or lies at one, as far as that has said.
    Queued,
    /// Its body runs.
    Running,
}

/// What everyone who waits should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Tasks are ready, and there is no worker at all.
    NoWorkers {
        /// How many tasks.
        ready: u64,
    },
    /// There are workers again.
    Workers {
        /// How many.
        workers: u32,
    },
}
