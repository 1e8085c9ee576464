//! Many handles at once: all together, or until some have completed.

use std::time::Duration;

use crate::as_completed::as_completed;
use crate::error::{TaskError, WaitError};
use crate::future::TaskFuture;
use crate::pool::clock::deadline;
use crate::pool::local;

/// Waits for all handles and lends their results, in the order of the handles.
///
/// # Errors
/// The first error in the order of the handles; the other tasks go on.
pub fn gather<T: Send + Sync + 'static>(handles: &[TaskFuture<T>]) -> Result<Vec<&T>, TaskError> {
    handles.iter().map(TaskFuture::result).collect()
}

/// Waits for all handles and lends what each came to, in the order of the handles: a result or an error.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let tasks = ["17", "x"].map(|text| client.try_submit(move || text.parse::<u32>()));
/// let results = tenter::gather_settled(&tasks);
/// assert_eq!(results[0].as_ref().unwrap(), &&17);
/// assert!(results[1].is_err());
/// # Ok::<(), tenter::StartError>(())
/// ```
pub fn gather_settled<T: Send + Sync + 'static>(
    handles: &[TaskFuture<T>],
) -> Vec<Result<&T, TaskError>> {
    handles.iter().map(TaskFuture::result).collect()
}

/// As [`gather`], in async code.
///
/// # Errors
/// As `gather`.
pub async fn gather_async<T: Send + Sync + 'static>(
    handles: &[TaskFuture<T>],
) -> Result<Vec<&T>, TaskError> {
    let mut results = Vec::with_capacity(handles.len());
    for handle in handles {
        results.push(handle.await?);
    }
    Ok(results)
}

/// As [`gather_settled`], in async code.
pub async fn gather_settled_async<T: Send + Sync + 'static>(
    handles: &[TaskFuture<T>],
) -> Vec<Result<&T, TaskError>> {
    let mut results = Vec::with_capacity(handles.len());
    for handle in handles {
        results.push(handle.await);
    }
    results
}

/// What [`wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitFor {
    /// Every task is settled.
    All,
    /// At least one is settled.
    FirstCompleted,
    /// One has failed or was cancelled, or every task is settled.
    FirstFailed,
}

impl WaitFor {
    /// Whether the wait ends with this task, which is settled.
    fn ends_with<T>(self, done: &TaskFuture<T>) -> bool {
        match self {
            Self::All => false,
            Self::FirstCompleted => true,
            Self::FirstFailed => done.has_failed(),
        }
    }
}

/// Handles of settled tasks, and of the others.
pub type DoneAndNot<T> = (Vec<TaskFuture<T>>, Vec<TaskFuture<T>>);

/// Waits until so many of the tasks are settled, or so long: then gives the handles of those that are, and of those
/// that are not. A timeout is no error.
///
/// # Errors
/// If the wait is refused, as [`TaskFuture::result`].
pub fn wait<T>(
    handles: &[TaskFuture<T>],
    until: WaitFor,
    timeout: Option<Duration>,
) -> Result<DoneAndNot<T>, WaitError> {
    if until == WaitFor::All && timeout.is_none() {
        // Each must settle whatever happens, so the body may help, and a cycle can be told. What is done elsewhere need not
        // come here for that.
        for task in handles
            .iter()
            .map(TaskFuture::task)
            .filter(|task| !task.is_settled() && !task.engine().is_elsewhere(task.index()))
        {
            local::with(task.engine(), |local| local.wait_task(task.index(), None))?;
        }
        if handles.iter().all(TaskFuture::is_done) {
            return Ok((handles.to_vec(), Vec::new()));
        }
    }
    let deadline = timeout.map(deadline);
    let mut running = as_completed(handles.iter().cloned());
    loop {
        match running.next_until(deadline) {
            Ok(Some(done)) if !until.ends_with(&done) => {}
            Ok(_) | Err(WaitError::TimedOut) => break,
            Err(error) => return Err(error),
        }
    }
    drop(running);
    Ok(parted(handles))
}

/// As [`wait`], in async code: no thread waits, so nothing is refused. For a limited time, give the future to your
/// executor's timeout; dropping it ends the wait.
///
/// ```
/// use tenter::{WaitFor, wait_async};
///
/// # let client = tenter::Client::new()?;
/// let tasks = client.map(0..3, |x| x);
/// let (done, not_done) = futures::executor::block_on(wait_async(&tasks, WaitFor::All));
/// assert_eq!((done.len(), not_done.len()), (3, 0));
/// # Ok::<(), tenter::StartError>(())
/// ```
pub async fn wait_async<T>(handles: &[TaskFuture<T>], until: WaitFor) -> DoneAndNot<T> {
    let mut running = as_completed(handles.iter().cloned());
    while let Some(done) = running.next_async().await {
        if until.ends_with(&done) {
            break;
        }
    }
    drop(running);
    parted(handles)
}

fn parted<T>(handles: &[TaskFuture<T>]) -> DoneAndNot<T> {
    handles.iter().cloned().partition(TaskFuture::is_done)
}
