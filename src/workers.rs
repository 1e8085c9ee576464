//! What a client can ask of a cluster, and have done there.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::blocking::blocking;
use crate::call::{AnyHandle, Call, Portable};
use crate::client::Client;
use crate::elsewhere::{Gone, tickets};
use crate::error::{TaskError, WaitError};
use crate::future::{Status, TaskFuture};
use crate::gather::{WaitFor, wait};
use crate::pool::clock::deadline;

/// Between two looks whether workers have come.
const LOOK: Duration = Duration::from_millis(5);

/// A worker of a cluster: the number of its connection, which no other worker has had. Prints as `w3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u32);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.0)
    }
}

/// What is known of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// Which.
    pub id: WorkerId,
    /// What people call it; may be empty.
    pub name: String,
    /// The machine that it is on.
    pub host: String,
    /// Where it gives data out.
    pub address: String,
    /// How many tasks it runs at the same time.
    pub threads: u32,
    /// Tasks that it was given and has not answered.
    pub assigned: u32,
    /// Bytes of results that it holds.
    pub bytes: u64,
}

impl WorkerInfo {
    /// A worker of this number.
    pub fn new(id: u32) -> Self {
        Self {
            id: WorkerId(id),
            name: String::new(),
            host: String::new(),
            address: String::new(),
            threads: 0,
            assigned: 0,
            bytes: 0,
        }
    }
}

/// Why something could not be asked of a cluster, or done there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClusterError {
    /// This client's tasks run in this process.
    NoCluster,
    /// The cluster does not answer; the text says why, and what to do.
    Disconnected(String),
    /// So many workers have not come in time.
    TooFewWorkers {
        /// How many were waited for.
        asked: usize,
        /// How many there are.
        there: usize,
    },
    /// The task that it is about has no result.
    Task(TaskError),
    /// The call that a task is of was not kept.
    NotKept,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCluster => f.write_str(
                "this client's tasks run in this process: connect to a cluster, as with `Client::connect(\"tcp://127.0.0.1:8786\")`",
            ),
            Self::Disconnected(text) => f.write_str(text),
            Self::TooFewWorkers { asked, there } => write!(
                f,
                "{asked} workers were waited for, and {there} are there: start more, or ask `workers()` which are missing"
            ),
            Self::Task(error) => error.fmt(f),
            Self::NotKept => f.write_str(
                "the call is not kept here: `.retries(0)` or more at its submit, in this process, keeps it",
            ),
        }
    }
}

impl Error for ClusterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Task(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Gone> for ClusterError {
    fn from(gone: Gone) -> Self {
        Self::Disconnected(gone.text.into_owned())
    }
}

impl From<TaskError> for ClusterError {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl From<WaitError> for ClusterError {
    fn from(error: WaitError) -> Self {
        Self::Task(error.into())
    }
}

/// Of a cluster. In one process, this process is the only worker.
#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
impl<P> Client<P> {
    /// The workers that are there now.
    ///
    /// # Errors
    /// If the cluster does not answer.
    pub fn workers(&self) -> Result<Vec<WorkerInfo>, ClusterError> {
        match self.engine().backend() {
            Some(backend) => Ok(blocking(|| backend.workers())?),
            None => Ok(vec![self.itself()]),
        }
    }

    /// This process, as a worker.
    fn itself(&self) -> WorkerInfo {
        WorkerInfo {
            name: "inproc".to_owned(),
            host: "localhost".to_owned(),
            threads: u32::try_from(self.threads()).unwrap_or(u32::MAX),
            ..WorkerInfo::new(0)
        }
    }

    /// Waits until so many workers are there. In one process it returns at once: all the workers that there will be are there.
    ///
    /// # Errors
    /// [`ClusterError::TooFewWorkers`], if it takes longer than that; if the cluster does not answer.
    pub fn wait_for_workers(&self, workers: usize, timeout: Duration) -> Result<(), ClusterError> {
        if self.engine().backend().is_none() {
            return Ok(());
        }
        let deadline = deadline(timeout);
        loop {
            let there = self.workers()?.len();
            if there >= workers {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(ClusterError::TooFewWorkers {
                    asked: workers,
                    there,
                });
            }
            blocking(|| std::thread::park_timeout(LOOK));
        }
    }

    /// Asks a worker to leave: it takes no more tasks, finishes those that it runs, hands over what only it has, and ends. One
    /// that has gone is no error.
    ///
    /// # Errors
    /// In one process; if the connection has ended.
    pub fn retire_worker(&self, worker: WorkerId) -> Result<(), ClusterError> {
        let backend = self.engine().backend().ok_or(ClusterError::NoCluster)?;
        Ok(backend.retire(worker)?)
    }

    /// Which workers hold a task's result. None before it is finished, and of a small result, which the scheduler has.
    ///
    /// # Errors
    /// If the cluster does not answer; if the task has not left this process, and never will.
    pub fn who_has<T: Portable>(
        &self,
        handle: &TaskFuture<T>,
    ) -> Result<Vec<WorkerId>, ClusterError> {
        let Some(backend) = self.engine().backend() else {
            let here = handle.status() == Status::Finished;
            return Ok(here.then_some(WorkerId(0)).into_iter().collect());
        };
        let ticket = ticket_of(handle)?;
        Ok(blocking(|| backend.holders(ticket))?)
    }

    /// Waits for a task, and has at least so many copies of its result kept on workers, as far as there are as many, so that the
    /// loss of one loses nothing. `usize::MAX` is one on each. The copies are made while this returns. Of a small result the
    /// scheduler has one, which is enough; in one process there is nothing to do.
    ///
    /// # Errors
    /// If the task fails; if the connection has ended.
    pub fn replicate<T: Portable>(
        &self,
        handle: &TaskFuture<T>,
        copies: usize,
    ) -> Result<(), ClusterError> {
        wait(std::slice::from_ref(handle), WaitFor::All, None)?;
        if handle.has_failed() {
            return Err(handle.task().error().into());
        }
        let Some(backend) = self.engine().backend() else {
            return Ok(());
        };
        let ticket = ticket_of(handle)?;
        Ok(backend.replicate(ticket, u32::try_from(copies).unwrap_or(u32::MAX))?)
    }

    /// Runs a call once on each worker that is there now; the handles are in the order of [`workers`](Self::workers). A key, its
    /// content's too, is of no account. In one process it runs once.
    ///
    /// # Errors
    /// If the cluster does not answer.
    #[track_caller]
    pub fn run_everywhere<T: Send + Sync + 'static>(
        &self,
        call: Call<T>,
    ) -> Result<Vec<TaskFuture<T>>, ClusterError> {
        let location = Location::caller();
        if self.engine().backend().is_none() {
            return Ok(vec![self.submit_call(call, location)]);
        }
        let workers = self.workers()?;
        let names: Vec<String> = workers.into_iter().map(|worker| worker.address).collect();
        Ok(call.launch_on_each(self.engine(), &names, location))
    }

    /// Runs the call of a task of a cluster once more, in this process, under a debugger for example: its inputs are fetched, and
    /// nothing of the task itself changes. Of one that has failed through an input, run that one's.
    ///
    /// # Errors
    /// [`ClusterError::NotKept`], if the task was not submitted in this process with [`retries`](crate::Task::retries), of 0
    /// too, which keeps its call; in one process, where a [`retry`](TaskFuture::retry) does the same.
    #[track_caller]
    pub fn rerun_here<T: Send + Sync + 'static>(
        &self,
        failed: &TaskFuture<T>,
    ) -> Result<TaskFuture<T>, ClusterError> {
        if self.engine().backend().is_none() {
            return Err(ClusterError::NoCluster);
        }
        let rerun = failed.task().rerun_here(Location::caller());
        rerun.map(TaskFuture::own).ok_or(ClusterError::NotKept)
    }
}

/// What the cluster calls a task, once it has left this process.
fn ticket_of<T: Portable>(handle: &TaskFuture<T>) -> Result<u64, ClusterError> {
    let (send, named) = channel();
    let handle = AnyHandle::portable(handle.clone());
    tickets(
        std::slice::from_ref(&handle),
        Box::new(move |tickets| {
            // Whoever asked waits for this.
            let _ = send.send(tickets);
        }),
    );
    let closed = |_| ClusterError::Disconnected("the client is closed: start another one".into());
    let tickets = blocking(|| named.recv()).map_err(closed)??;
    Ok(tickets[0])
}
