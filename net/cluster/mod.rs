//! A whole cluster on this machine: a scheduler in this process, and worker processes that are copies of this program.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `builder.rs`, `spec.rs` | what is asked for |
//! | `child.rs` | a worker process, as its parent sees it |
//! | `asked.rs` | the same, as it sees itself |
//!
//! # How a worker comes and goes
//! 1. The parent starts its own program with `TENTER_WORKER` in the environment, which says what the worker is to be, and
//!    holds the other end of its standard input.
//! 2. The child becomes a worker where it calls [`worker_if_asked`], which does not return. One that gets to starting a
//!    cluster instead has not called it: it ends with a sentence, so that no program starts itself without end.
//! 3. However the parent ends, its end of the pipe is closed by the system. The child reads that, and ends at once.

mod asked;
mod builder;
mod child;
mod spec;

pub(super) use asked::become_worker_if_asked;
pub use asked::{worker_if_asked, worker_if_asked_with};
pub use builder::LocalClusterBuilder;
pub use spec::LocalWorker;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::server::{NotStarted, Scheduler};
use crate::{Anywhere, Client, StartError};
use child::Child;

/// A scheduler in this process with worker processes on this machine, which run this same program.
///
/// The program's `main` has to begin with [`worker_if_asked`] or [`worker_if_asked_with`], or be [`cli::main`](crate::net::cli::main).
///
/// ```no_run
/// use tenter::{LocalCluster, task};
///
/// #[task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     tenter::worker_if_asked();
///     let cluster = LocalCluster::new(2)?;
///     let client = cluster.client()?;
///     assert_eq!(*client.submit(square::call(12)).result()?, 144);
///     Ok(())
/// }
/// ```
///
/// The workers end with this process, however it ends. Dropping the cluster ends its workers at once, what they run included;
/// what clients still wait for ends with an error.
pub struct LocalCluster {
    /// `None` only while it is dropped.
    scheduler: Option<Scheduler>,
    children: Mutex<Vec<Child>>,
    joined: Mutex<Receiver<String>>,
    /// From now on it is no news that a worker is lost.
    ending: Arc<AtomicBool>,
    threads: usize,
    address: String,
}

impl LocalCluster {
    /// Starts a scheduler and this many workers, which share the machine's cores, and waits until all are there.
    ///
    /// # Errors
    /// If a worker ends before it is there, with its own words; if the system has no process or port to give.
    pub fn new(workers: usize) -> Result<Self, NotStarted> {
        Self::builder().workers(workers).start()
    }

    /// A cluster to be configured.
    pub fn builder() -> LocalClusterBuilder {
        LocalClusterBuilder::default()
    }

    /// Where the scheduler listens, for more clients and workers: `tcp://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A new client of this cluster.
    ///
    /// # Errors
    /// If the system has no thread or socket to give.
    pub fn client(&self) -> Result<Client<Anywhere>, StartError> {
        Client::connect(self.address())
    }

    /// The process numbers of all workers that were started here, in that order, those included that have ended.
    pub fn pids(&self) -> Vec<u32> {
        self.children.lock().iter().map(Child::pid).collect()
    }

    /// Kills a worker's process without a warning, as a test of what follows.
    ///
    /// # Panics
    /// If there never was a worker of this number, which counts from 0.
    pub fn kill(&self, worker: usize) {
        self.children.lock()[worker].kill();
    }

    /// Starts one more worker, waits until it is there, and gives its number.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn add_worker(&self) -> Result<usize, NotStarted> {
        self.add(&LocalWorker::new())
    }

    /// Starts one more worker as described, waits until it is there, and gives its number.
    ///
    /// # Errors
    /// As [`new`](Self::new), or if its name is taken.
    pub fn add(&self, worker: &LocalWorker) -> Result<usize, NotStarted> {
        let number = self.start_one(worker)?;
        self.wait_until_joined(number..=number)?;
        Ok(number)
    }

    /// Waits until these have connected, or one of them has ended, or it has taken too long. Those that are not there then are
    /// killed, and their names are free.
    fn wait_until_joined(&self, numbers: RangeInclusive<usize>) -> Result<(), NotStarted> {
        let joined = self.joined.lock();
        let deadline = Instant::now() + PATIENCE;
        let waited = loop {
            match self.has_joined(numbers.clone(), Instant::now() > deadline) {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(error) => break Err(error),
            }
            match joined.recv_timeout(GLANCE) {
                Ok(name) => self.note_joined(&name),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(NotStarted::saying("the scheduler has ended"));
                }
            }
        };
        if waited.is_err() {
            self.children.lock()[numbers]
                .iter_mut()
                .for_each(Child::discard);
        }
        waited
    }

    /// Whether these have all connected.
    fn has_joined(
        &self,
        numbers: RangeInclusive<usize>,
        is_late: bool,
    ) -> Result<bool, NotStarted> {
        let children = &mut self.children.lock()[numbers];
        let Some(missing) = children.iter().find(|child| !child.has_joined()) else {
            return Ok(true);
        };
        if is_late {
            return Err(missing.is_late(PATIENCE));
        }
        children.iter_mut().try_for_each(Child::check)?;
        Ok(false)
    }

    fn note_joined(&self, name: &str) {
        let children = &mut *self.children.lock();
        children.iter_mut().for_each(|child| child.joined(name));
    }
}

/// For how long a worker may take to connect.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look whether one has died before it connected.
const GLANCE: Duration = Duration::from_millis(20);

impl Drop for LocalCluster {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Clients hear the scheduler's own reason; then the workers see their standard input end.
        drop(self.scheduler.take());
        let children = self.children.get_mut();
        children.iter_mut().for_each(Child::let_go);
        children.iter_mut().for_each(Child::end);
    }
}

impl fmt::Debug for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCluster")
            .field("address", &self.address)
            .field("workers", &self.pids())
            .finish_non_exhaustive()
    }
}
