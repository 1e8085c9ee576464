//! Why a task has failed, as it travels.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::error::{Blame, ErrorKind, Failure, TaskError};

/// Why a task has failed, without anything of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What kind of end it was.
    pub kind: ErrorKind,
    /// The name of the task that is to blame.
    pub task: String,
    /// Where that was submitted; may be empty.
    pub submitted_at: String,
    /// The text of the error or panic.
    pub text: String,
    /// The causes of the error, outermost first.
    pub causes: Vec<String>,
}

/// Why a backend takes no more: its connection has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Of the error that each task then fails with.
    pub kind: ErrorKind,
    /// What has happened, and what to do.
    pub text: Cow<'static, str>,
}

/// Causes that are followed: an error whose cause is itself has no end.
const CAUSES: usize = 32;

impl From<&TaskError> for Report {
    fn from(error: &TaskError) -> Self {
        let original = error.source();
        let causes =
            std::iter::successors(original.and_then(Error::source), |&cause| cause.source());
        Self {
            kind: error.kind(),
            task: error.task().to_owned(),
            submitted_at: error.place(),
            text: error.message().to_owned(),
            causes: causes.take(CAUSES).map(ToString::to_string).collect(),
        }
    }
}

impl Report {
    /// The error of an actor's call, which failed by itself if no task is named.
    pub(crate) fn of_call(&self, own: &Blame) -> TaskError {
        if self.task.is_empty() {
            return TaskError::new(self.kind, own.clone(), &*self.text, self.source());
        }
        self.error_of(own)
    }

    /// The error of the task of this name and place, which failed by itself or through another.
    pub(super) fn error_of(&self, own: &Blame) -> TaskError {
        let place = own.location.map_or_else(String::new, ToString::to_string);
        let itself = self.task == own.task && self.submitted_at == place;
        if itself {
            return TaskError::new(self.kind, own.clone(), &*self.text, self.source());
        }
        let blame = (self.kind, &*self.task, &*self.submitted_at);
        TaskError::from_elsewhere(blame, &self.text, self.source()).inherited()
    }

    /// What stands for the original error. A panic has none.
    fn source(&self) -> Option<Failure> {
        if self.kind != ErrorKind::Failed && self.causes.is_empty() {
            return None;
        }
        let mut chain = None;
        for text in self.causes.iter().rev().chain([&self.text]) {
            chain = Some(Box::new(Told {
                text: text.clone(),
                cause: chain,
            }));
        }
        chain.map(|told| told as Failure)
    }
}

/// An error of another process: its text, and its cause's.
#[derive(Debug)]
struct Told {
    text: String,
    cause: Option<Box<Self>>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Told {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
