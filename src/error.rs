//! Errors: what a task failed with, what a wait was refused with, why a client did not start.

mod name;
mod start;
mod take;
mod wait;

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::graph::Key;

pub use name::NameError;
pub use start::StartError;
pub use take::TakeError;
pub use wait::WaitError;

/// What a body returned or panicked with.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Why a task has no result.
///
/// Says which task is to blame: its name, its key, where it was submitted and its original error or panic text. A
/// dependent fails with the same error, and says through whom it came. Cheap to clone.
#[derive(Clone)]
pub struct TaskError {
    culprit: Arc<Culprit>,
    /// The task it was asked of, when that is not the culprit.
    through: Option<Arc<str>>,
    inherited: bool,
}

/// The task that failed, and with what.
#[derive(Debug)]
struct Culprit {
    kind: ErrorKind,
    task: Box<str>,
    key: Option<Key>,
    location: Option<&'static Location<'static>>,
    /// Of a task of another process: where it was submitted, as text.
    #[cfg(feature = "task")]
    place: Box<str>,
    message: Box<str>,
    source: Option<Failure>,
}

/// What kind of end a task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Its closure returned an error.
    Failed,
    /// Its closure panicked.
    Panicked,
    /// It was cancelled before it ended.
    Cancelled,
    /// Its key belongs to a task of another function, or with another type of result.
    KeyConflict,
    /// An input belongs to another client.
    ForeignHandle,
    /// The client was closed, or the queue.
    Closed,
    /// It waited for itself, through however many others.
    Deadlock,
    /// It asks for a resource that the client was not built with, or for more of it than there is.
    NoSuchResource,
    /// It asks for a pool that the client was not built with.
    NoSuchPool,
    /// Too many tasks were blocked at once to wait for one more.
    TooManyBlocked,
    /// The time given was over.
    TimedOut,
    /// An argument or a result of a call could not be encoded, or not be decoded again.
    Encoding,
    /// It was a call of an actor whose state an earlier call has spoilt with a panic.
    Poisoned,
    /// It is to run on other hosts only than there are.
    NoSuchHost,
    /// On a cluster: no worker has its function, or the one that has it has another version of it.
    UnknownFunction,
    /// On a cluster: data that it needs was lost with a worker, and nothing can compute it again.
    DataLost,
    /// On a cluster: worker after worker died while it ran.
    WorkerDied,
    /// On a cluster: no worker came that could run it.
    NoWorkers,
    /// On a cluster: a task that it needs was let go by everybody before.
    Forgotten,
    /// The connection to the cluster has ended, or, of a call of an actor, that to its worker.
    Disconnected,
}

/// What an error is built from; see [`TaskError::new`].
#[derive(Clone)]
pub(crate) struct Blame {
    pub(crate) task: String,
    pub(crate) key: Option<Key>,
    pub(crate) location: Option<&'static Location<'static>>,
}

impl TaskError {
    pub(crate) fn new(
        kind: ErrorKind,
        blame: Blame,
        message: impl Into<Box<str>>,
        source: Option<Failure>,
    ) -> Self {
        let Blame {
            task,
            key,
            location,
        } = blame;
        let culprit = Culprit {
            kind,
            task: task.into(),
            key,
            location,
            #[cfg(feature = "task")]
            place: Box::default(),
            message: message.into(),
            source,
        };
        Self::of(culprit)
    }

    /// The error of a task of this name, of which another process says that it was submitted there.
    #[cfg(feature = "task")]
    pub(crate) fn from_elsewhere(
        (kind, task, place): (ErrorKind, &str, &str),
        message: &str,
        source: Option<Failure>,
    ) -> Self {
        let culprit = Culprit {
            kind,
            task: task.into(),
            key: None,
            location: None,
            place: place.into(),
            message: message.into(),
            source,
        };
        Self::of(culprit)
    }

    fn of(culprit: Culprit) -> Self {
        Self {
            culprit: Arc::new(culprit),
            through: None,
            inherited: false,
        }
    }

    /// Where the task that is to blame was submitted, for people; empty if that is not known.
    pub(crate) fn place(&self) -> String {
        match self.culprit.location {
            Some(location) => location.to_string(),
            #[cfg(feature = "task")]
            None => self.culprit.place.to_string(),
            #[cfg(not(feature = "task"))]
            None => String::new(),
        }
    }

    /// The same error, as a dependent has it.
    pub(crate) fn inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// The same error, asked of a dependent.
    pub(crate) fn through(mut self, task: &str) -> Self {
        self.through = Some(task.into());
        self.inherited()
    }

    /// Whether this task is itself to blame.
    pub(crate) fn blames(&self, blame: &Blame) -> bool {
        let Culprit {
            task,
            key,
            location,
            ..
        } = &*self.culprit;
        (&**task, key, *location) == (blame.task.as_str(), &blame.key, blame.location)
    }

    /// What kind of end it was.
    pub fn kind(&self) -> ErrorKind {
        self.culprit.kind
    }

    /// The name of the task that is to blame.
    pub fn task(&self) -> &str {
        &self.culprit.task
    }

    /// The key of the task that is to blame.
    pub fn key(&self) -> Option<&Key> {
        self.culprit.key.as_ref()
    }

    /// Where the task that is to blame was submitted, if that was in this process; of others the text says it.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.culprit.location
    }

    /// The text of the error or panic.
    pub fn message(&self) -> &str {
        &self.culprit.message
    }

    /// Whether another task is to blame than the one that was asked.
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// The original error, if the closure returned an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.culprit.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Culprit {
            kind,
            task,
            key,
            message,
            ..
        } = &*self.culprit;
        write!(f, "task `{task}`")?;
        if let Some(key) = key {
            write!(f, " (key {key})")?;
        }
        let verb = match kind {
            ErrorKind::Panicked => "panicked",
            ErrorKind::Cancelled => "was cancelled",
            ErrorKind::Failed => "failed",
            ErrorKind::TimedOut => "was not done in time",
            _ => "could not go on",
        };
        write!(f, " {verb}")?;
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        let place = self.place();
        if !place.is_empty() {
            write!(f, " [submitted at {place}]")?;
        }
        match &self.through {
            Some(through) => write!(f, "; `{through}` depends on it"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskError({:?}: {self})", self.kind())
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.culprit.source.as_deref().map(|source| source as _)
    }
}
