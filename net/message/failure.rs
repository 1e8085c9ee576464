//! Why a task has failed, as it travels.

/// Why a task has failed. A dependent that never ran has the failure of its input, unchanged: the failure names the
/// culprit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What sort of failure it is.
    pub kind: FailureKind,
    /// The name of the task that failed first.
    pub task: String,
    /// Where that task was submitted, as `file:line`; may be empty.
    pub submitted_at: String,
    /// What happened, for people: the error's text, the panic's text, or the scheduler's sentence.
    pub text: String,
    /// The error's causes, outermost first, each as text.
    pub causes: Vec<String>,
}

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The body returned an error.
    Error,
    /// The body panicked.
    Panicked,
    /// The attempt ran for longer than its timeout.
    TimedOut,
    /// It was cancelled.
    Cancelled,
    /// Arguments or a result could not be encoded or decoded.
    Encoding,
    /// Its key is taken by another function, version or type.
    KeyConflict,
    /// No connected worker has the function, or the one that was asked has another signature of it.
    UnknownFunction,
    /// A pool or resource that the worker does not have.
    NoSuchPool,
    /// The only copies of its data, or of data that it needs, were lost with a worker, and nothing can compute them again.
    DataLost,
    /// Workers died while it ran, as often as the scheduler allows.
    WorkerDied,
    /// No worker came that could run it, within the time that the scheduler was told to wait.
    NoWorkers,
    /// An input that was named by [`TaskId`](super::TaskId) was let go by everyone before this task was submitted.
    Forgotten,
    /// The body asks to be run again later. With retries, of 0 too, it goes to the end of the queue and uses up no retry.
    Reschedule,
    /// A wait inside it could never have ended.
    Deadlock,
    /// It was a call of an actor whose state an earlier call has spoilt with a panic.
    Poisoned,
}
