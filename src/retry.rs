//! Making a failed task anew.

use std::error::Error;
use std::fmt;

use crate::error::{ErrorKind, TaskError};
use crate::future::TaskFuture;
use crate::pool::local;

impl<T: Send + Sync + 'static> TaskFuture<T> {
    /// Makes a failed task anew, and with it the tasks that it failed through: those that failed by themselves, and those
    /// between. Gives a handle of the new task.
    ///
    /// A cluster keeps what it takes to run a task again, so there any that has failed by itself can be made anew.
    ///
    /// A task that failed by itself can be made anew if it was submitted with [`retries`](crate::Task::retries), of 0 too,
    /// since its closure is kept then; so can one whose time was over. What failed through such tasks has not run, and
    /// keeps its closure and its inputs as long as it has a handle. New tasks have the options, the name and the key of
    /// the old ones: the key names the new task from then on, unless it has come to name another one meanwhile. Inputs that
    /// have not failed stay as they are.
    ///
    /// Of a task that has not failed this is a clone of the handle. A failed task is made anew once: while its successor
    /// has not failed in turn, a second call, or a retry of another task that failed through it, finds that one. The old
    /// task wants its successor as long as it has handles itself.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    /// # let client = tenter::Client::new()?;
    /// static PLUGGED_IN: AtomicBool = AtomicBool::new(false);
    /// let frame = client.task("camera").retries(0).try_submit(|| match PLUGGED_IN.load(SeqCst) {
    ///     true => Ok(vec![1, 2, 3]),
    ///     false => Err("no camera"),
    /// });
    /// let sum = frame.then(|frame| frame.iter().sum::<i32>());
    /// assert_eq!(sum.result().unwrap_err().message(), "no camera");
    ///
    /// PLUGGED_IN.store(true, SeqCst);
    /// assert_eq!(*sum.retry()?.result()?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NotRetryable`] if the closure of a task that failed by itself is gone, or that task was cancelled, or the client
    /// is closed. Nothing has changed then.
    pub fn retry(&self) -> Result<Self, NotRetryable> {
        if !self.has_failed() {
            return Ok(self.clone());
        }
        let engine = self.task().engine();
        if engine.is_closed() {
            return Err(NotRetryable {
                error: self.task().error(),
                reason: Reason::Closed,
            });
        }
        let renewed = local::with(engine, |local| local.retry(self.task()));
        renewed.map(Self::own).map_err(|error| {
            let reason = match error.kind() {
                ErrorKind::Cancelled => Reason::Cancelled,
                _ => Reason::NotKept,
            };
            NotRetryable { error, reason }
        })
    }
}

/// Why a failed task cannot be made anew; see [`TaskFuture::retry`].
#[derive(Clone, Debug)]
pub struct NotRetryable {
    error: TaskError,
    reason: Reason,
}

#[derive(Clone, Copy, Debug)]
enum Reason {
    NotKept,
    Cancelled,
    Closed,
}

impl NotRetryable {
    /// The name of the task that failed by itself and cannot be made anew.
    pub fn task(&self) -> &str {
        self.error.task()
    }

    /// The error of that task.
    pub fn error(&self) -> &TaskError {
        &self.error
    }
}

impl fmt::Display for NotRetryable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            Reason::NotKept => {
                "its closure is gone: `.retries(0)` or more at its submit keeps it; a future is spawned again"
            }
            Reason::Cancelled => "it was cancelled, which is for good: submit it again",
            Reason::Closed => "the client is closed: start another one",
        };
        write!(f, "task `{}` cannot be run again: {reason}", self.task())
    }
}

impl Error for NotRetryable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
