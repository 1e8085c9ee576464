//! Errors: what a task failed with, what a wait was refused with, why a client did not start.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::graph::Key;

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
    /// The connection to the cluster has ended.
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

/// Why a wait ended without what it waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// The waits of some tasks form a cycle; the text names each of them.
    Deadlock(String),
    /// As many tasks are blocked as there may be threads. Wait in an async task, or block in fewer at once.
    TooManyBlocked,
    /// The queue, the variable or the client was closed.
    Closed,
    /// The time given was over.
    TimedOut,
    /// The queue has no item now, and a `try_` form does not wait for one.
    Empty,
    /// The queue has no room now, and a `try_` form does not wait for some.
    Full,
    /// The item could not be encoded for other processes, or not be decoded here; the text says why.
    Encoding(String),
    /// Who has it, in another process, is not to be reached; the text says why.
    Disconnected(String),
    /// There are not as many as were asked for, so the wait would never end.
    Exceeds {
        /// What was asked for.
        what: String,
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        most: usize,
    },
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
            Self::TooManyBlocked => f.write_str(
                "too many tasks are blocked at once: make what they wait for their input (`submit_with`), wait in async code with `.await`, or allow more of them with `Client::builder().max_spares(..)`",
            ),
            Self::Closed => f.write_str("closed: nothing more will arrive"),
            Self::TimedOut => f.write_str("the time given for the wait was over"),
            Self::Empty => f.write_str("the queue is empty: wait for an item with `get`, or come again"),
            Self::Full => f.write_str("the queue is full: wait for room with `put`, or come again"),
            Self::Encoding(text) => f.write_str(text),
            Self::Disconnected(text) => write!(f, "disconnected: {text}"),
            Self::Exceeds { what, asked, most } => {
                write!(f, "{asked} {what} were asked for, of {most}: ask for {most} or fewer")
            }
        }
    }
}

impl Error for WaitError {}

impl WaitError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Deadlock(_) => ErrorKind::Deadlock,
            Self::TooManyBlocked => ErrorKind::TooManyBlocked,
            Self::Closed => ErrorKind::Closed,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Empty | Self::Full => ErrorKind::Failed,
            Self::Encoding(_) => ErrorKind::Encoding,
            Self::Disconnected(_) => ErrorKind::Disconnected,
            Self::Exceeds { .. } => ErrorKind::Failed,
        }
    }
}

/// A wait of the current task ended badly; `?` in a task that returns [`TaskError`] carries it on.
impl From<WaitError> for TaskError {
    fn from(error: WaitError) -> Self {
        let blame = crate::client::current_blame();
        Self::new(
            error.kind(),
            blame,
            error.to_string(),
            Some(Box::new(error)),
        )
    }
}

/// Why a client did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Zero threads were asked for.
    NoThreads,
    /// The thread name contains a NUL character, which the system does not take.
    ThreadName(String),
    /// An option has a value that nothing can be done with; the text says which, why, and what to give instead.
    Option(String),
    /// The system refused a thread.
    Spawn(std::io::Error),
    /// Tasks were to run on rayon's threads (`Host::Rayon`), but those were started before by somebody else.
    RayonInUse,
    /// Two `#[task]` functions have one name, so that a call would not say which it means.
    DuplicateTask {
        /// The name.
        name: &'static str,
        /// Where the two functions are, as file and line.
        places: [String; 2],
    },
    /// The address is none that a client can connect to.
    Address(String),
    /// There is no connection to the cluster at this address.
    #[cfg(feature = "net")]
    #[cfg_attr(docsrs, doc(cfg(feature = "net")))]
    Connect {
        /// The address.
        address: String,
        /// Why not, and what to do.
        why: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => f.write_str(
                "a client needs at least one thread: ask for 1 or more, or leave `threads` out",
            ),
            Self::ThreadName(name) => write!(
                f,
                "the thread name {name:?} contains NUL: leave that character out"
            ),
            Self::Option(text) => f.write_str(text),
            Self::Spawn(_) => {
                f.write_str("the system refused a thread: ask for fewer threads or a smaller stack")
            }
            Self::RayonInUse => f.write_str(
                "rayon's global pool was started by somebody else: build the client before the first use of rayon, or with `Host::Threads`",
            ),
            Self::DuplicateTask { name, places: [first, second] } => write!(
                f,
                "two tasks have the name `{name}`, one at {first} and one at {second}: give one of them another with `#[task(name = \"..\")]`"
            ),
            #[cfg(not(feature = "net"))]
            Self::Address(address) => write!(
                f,
                "{address:?} is no address that a client can connect to: give \"inproc\" to run in this process, or switch the feature `net` on for a cluster's"
            ),
            #[cfg(feature = "net")]
            Self::Address(address) => write!(
                f,
                "{address:?} is no address that a client can connect to: give \"inproc\" to run in this process, or a cluster's, as \"tcp://127.0.0.1:8786\""
            ),
            #[cfg(feature = "net")]
            Self::Connect { address, why } => write!(f, "no connection to {address}: {why}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Spawn(error) => Some(error),
            _ => None,
        }
    }
}

/// Why something shared by name, or a published handle, could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// One of this name exists and holds another type.
    OtherType {
        /// The name that was asked for.
        name: String,
        /// The type it holds.
        holds: Cow<'static, str>,
        /// The type that was asked for.
        asked: &'static str,
    },
    /// One of this name exists with another capacity.
    OtherCapacity {
        /// The name that was asked for.
        name: String,
        /// The capacity it has.
        has: usize,
        /// The capacity that was asked for.
        asked: usize,
    },
    /// Something is published under the name already.
    Taken {
        /// The name that was given.
        name: String,
    },
    /// Nothing is published under the name.
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// A semaphore or barrier of this name exists with another number.
    OtherNumber {
        /// The name that was asked for.
        name: String,
        /// What is counted: permits, parties.
        what: &'static str,
        /// The number it has.
        has: usize,
        /// The number that was asked for.
        asked: usize,
    },
    /// A semaphore without permits, a barrier without parties, a subscriber without a buffer.
    Zero {
        /// The name that was asked for.
        name: String,
        /// What is counted: permits, parties, messages.
        what: &'static str,
    },
    /// It is shared with other processes, and how to encode what it would hold is not known here.
    NotPortable {
        /// The name that was asked for.
        name: String,
        /// The type that was asked for.
        of: &'static str,
    },
    /// It is shared with other processes, and who has it could not be asked.
    NotAsked {
        /// The name that was asked for.
        name: String,
        /// Why not.
        error: WaitError,
    },
    /// The client was closed.
    Closed,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType { name, holds, asked } => {
                write!(
                    f,
                    "`{name}` holds {holds}, not {asked}: use that type, or another name"
                )
            }
            Self::OtherCapacity { name, has, asked } => {
                write!(
                    f,
                    "`{name}` has capacity {has}, not {asked}: use that capacity, or another name"
                )
            }
            Self::Taken { name } => write!(
                f,
                "`{name}` is published already: use another name, `unpublish` it first, or `republish`"
            ),
            Self::Unknown { name } => write!(
                f,
                "nothing is published as `{name}`: ask `published_names()` what is, or publish it first"
            ),
            Self::OtherNumber {
                name,
                what,
                has,
                asked,
            } => write!(
                f,
                "`{name}` has {has} {what}, not {asked}: use that number, or another name"
            ),
            Self::Zero { name, what } => {
                write!(
                    f,
                    "`{name}` would have room for 0 {what}: ask for 1 or more"
                )
            }
            Self::NotPortable { name, of } => write!(
                f,
                "`{name}` is shared with other processes, and how a {of} is encoded is not known here: ask `client.anywhere()` for it, or have a `#[task]` function take or give the type"
            ),
            Self::NotAsked { name, error } => {
                write!(f, "who has `{name}` could not be asked: {error}")
            }
            Self::Closed => f.write_str("the client is closed: start another one"),
        }
    }
}

impl Error for NameError {}

/// Why [`take`](crate::TaskFuture::take) gave no value.
pub enum TakeError<T> {
    /// The task has none.
    Failed(TaskError),
    /// Others want it too; here is the handle back.
    Shared(crate::TaskFuture<T>),
}

impl<T> fmt::Debug for TakeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::Shared(handle) => f.debug_tuple("Shared").field(handle).finish(),
        }
    }
}

impl<T> fmt::Display for TakeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Shared(handle) => {
                write!(
                    f,
                    "the result of `{}` is wanted by others too: use `result()`, or drop theirs",
                    handle.name()
                )
            }
        }
    }
}

impl<T> Error for TakeError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Shared(_) => None,
        }
    }
}

/// The current task could not have a queue, a variable or a published handle.
impl From<NameError> for TaskError {
    fn from(error: NameError) -> Self {
        let blame = crate::client::current_blame();
        Self::new(
            ErrorKind::Failed,
            blame,
            error.to_string(),
            Some(Box::new(error)),
        )
    }
}

/// The current task could not put an item, which is dropped.
impl<T> From<crate::PutError<T>> for TaskError {
    fn from(refused: crate::PutError<T>) -> Self {
        WaitError::from(refused).into()
    }
}

/// Keeps the culprit, for use with `?` in a task that returns [`TaskError`].
impl<T> From<TakeError<T>> for TaskError {
    fn from(error: TakeError<T>) -> Self {
        match error {
            TakeError::Failed(error) => error,
            TakeError::Shared(_) => {
                let text = "the result it wanted to take is wanted by others too";
                Self::new(
                    ErrorKind::Failed,
                    crate::client::current_blame(),
                    text,
                    None,
                )
            }
        }
    }
}
