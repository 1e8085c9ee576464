//! What is noted of a task's life: the public face of `pool/events.rs` and `pool/story.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::client::Client;
use crate::future::Status;
use crate::graph::{Id, Key, State};

/// Which task, as long as it is in the graph; prints as `t17.0`. Another task may later have the first number, but then
/// with another second one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskId(Id);

/// A step in a task's life: see [`Client::story`] and [`Builder::observer`](crate::Builder::observer).
#[derive(Clone, Debug)]
pub struct Transition {
    pub(crate) at: Instant,
    pub(crate) id: TaskId,
    pub(crate) task: TaskName,
    pub(crate) key: Option<Key>,
    pub(crate) from: Option<Status>,
    pub(crate) to: Option<Status>,
}

/// A task's name, as it was given or its closure's type.
#[derive(Clone, Debug)]
pub(crate) enum TaskName {
    Given(Arc<str>),
    Type(&'static str),
}

impl TaskName {
    fn text(&self) -> &str {
        match self {
            Self::Given(text) => text,
            Self::Type(text) => text,
        }
    }
}

impl Transition {
    /// When it happened.
    pub fn time(&self) -> Instant {
        self.at
    }

    /// The task.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The task's name: as given, or the type of its closure.
    pub fn name(&self) -> &str {
        self.task.text()
    }

    /// The task's key, if it has one.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// What it was before; `None`: it has just been submitted.
    pub fn from(&self) -> Option<Status> {
        self.from
    }

    /// What it is now; `None`: nobody wants it any more, and it was forgotten.
    pub fn to(&self) -> Option<Status> {
        self.to
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name())?;
        if let Some(key) = &self.key {
            write!(f, " (key {key})")?;
        }
        let from = self.from.map_or("new", status_word);
        let to = self.to.map_or("forgotten", status_word);
        write!(f, ": {from} -> {to}")
    }
}

impl<P> Client<P> {
    /// What has happened to the tasks of a key, oldest first, as far as it is among the newest transitions that
    /// [`Builder::story`](crate::Builder::story) keeps. Empty if it keeps none.
    ///
    /// ```
    /// use tenter::Client;
    ///
    /// let client = Client::builder().story(1000).build()?;
    /// let answer = client.task("answer").key("a").submit(|| 11);
    /// assert_eq!(*answer.result().unwrap(), 11);
    /// let story: Vec<String> = client.story("a").iter().map(|step| step.to_string()).collect();
    /// assert_eq!(story, [
    ///     "`answer` (key a): new -> queued",
    ///     "`answer` (key a): queued -> running",
    ///     "`answer` (key a): running -> finished",
    /// ]);
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn story(&self, key: impl Into<Key>) -> Vec<Transition> {
        let key = key.into();
        let mut story = self.transitions();
        story.retain(|transition| transition.key.as_ref() == Some(&key));
        story
    }

    /// The newest transitions of all tasks, oldest first, as many as [`Builder::story`](crate::Builder::story) keeps.
    pub fn transitions(&self) -> Vec<Transition> {
        self.engine().story.newest()
    }
}

/// A status as texts name it.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Waiting => "waiting",
        Status::Queued => "queued",
        Status::Running => "running",
        Status::Finished => "finished",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        Status::Lost => "lost",
    }
}

impl From<State> for Status {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Finished => Self::Finished,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Id> for TaskId {
    fn from(id: Id) -> Self {
        Self(id)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}.{}", self.0.index, self.0.generation)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
