//! What a cluster is to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use parking_lot::Mutex;

use super::child::Child;
use super::spec::LocalWorker;
use super::{LocalCluster, asked};
use crate::net::server::{Log, NotStarted, Notice, Scheduler, SchedulerOptions};
use crate::net::wire::Role;

/// What a [`LocalCluster`] is to be.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing starts before `start`"]
pub struct LocalClusterBuilder {
    workers: Vec<LocalWorker>,
    threads: Option<usize>,
    scheduler: SchedulerOptions,
}

impl LocalClusterBuilder {
    /// Adds this many workers without anything special.
    pub fn workers(mut self, number: usize) -> Self {
        let workers = self.workers.len() + number;
        self.workers.resize(workers, LocalWorker::new());
        self
    }

    /// Adds one worker as described.
    pub fn worker(mut self, worker: LocalWorker) -> Self {
        self.workers.push(worker);
        self
    }

    /// How many threads a worker has that does not say so itself: by default its share of the cores, at least one.
    pub fn threads(mut self, number: usize) -> Self {
        self.threads = Some(number);
        self
    }

    /// How the scheduler runs. It listens on this machine's loopback alone, whatever these say.
    #[doc(hidden)]
    pub fn scheduler(mut self, options: SchedulerOptions) -> Self {
        self.scheduler = options;
        self
    }

    /// Starts it, and waits until every worker is there.
    ///
    /// # Errors
    /// If a worker ends before it is there, with its own words; if two have one name; if the system has no process or port
    /// to give.
    pub fn start(self) -> Result<LocalCluster, NotStarted> {
        asked::refuse_to_multiply()?;
        let (tell, joined) = channel();
        let ending = Arc::new(AtomicBool::new(false));
        let mut options = self.scheduler;
        options.log = listen_in(options.log, tell, ending.clone());
        let scheduler = Scheduler::start("tcp://127.0.0.1:0", options)?;
        let threads = self.threads.unwrap_or_else(|| share(self.workers.len()));
        let cluster = LocalCluster {
            address: scheduler.address().to_owned(),
            scheduler: Some(scheduler),
            children: Mutex::default(),
            joined: Mutex::new(joined),
            ending,
            threads,
        };
        cluster.start_all(&self.workers)?;
        Ok(cluster)
    }
}

impl LocalCluster {
    /// Starts all at once, and waits for them together.
    fn start_all(&self, workers: &[LocalWorker]) -> Result<(), NotStarted> {
        let mut newest = None;
        for worker in workers {
            newest = Some(self.start_one(worker)?);
        }
        newest.map_or(Ok(()), |newest| self.wait_until_joined(0..=newest))
    }

    /// Starts one more, without waiting for it, and gives its number.
    pub(super) fn start_one(&self, worker: &LocalWorker) -> Result<usize, NotStarted> {
        let children = &mut *self.children.lock();
        let args = worker.args(self.address(), children.len(), self.threads);
        let name = args.name.as_deref().unwrap_or_default();
        if children.iter().any(|child| child.name() == name) {
            let text = format!("two workers are to have the name `{name}`: give each its own");
            return Err(NotStarted::saying(text));
        }
        children.push(Child::start(&args)?);
        Ok(children.len() - 1)
    }
}

/// What each of so many workers has of the cores.
fn share(workers: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / workers.max(1)).max(1)
}

/// Tells of workers that have joined, and keeps quiet about those that are lost when all is ending.
fn listen_in(log: Log, joined: Sender<String>, ending: Arc<AtomicBool>) -> Log {
    Log::new(move |notice| {
        if let Notice::Joined(who) = notice
            && who.role == Role::Worker
        {
            // Nobody waits for it any more.
            let _ = joined.send(who.name.clone());
        }
        if !ending.load(Ordering::SeqCst) {
            log.note(notice);
        }
    })
}
