//! Our side: a scheduler in this process, two workers in processes of their own, each with one thread, and a client.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tenter::{Anywhere, Client, LocalCluster, TaskFuture, as_completed, gather, task};

use crate::copy::BYTES;
use crate::peers::WORKERS;

/// Nothing.
#[task]
fn same(n: u64) -> u64 {
    n
}

#[task]
fn next(n: u64) -> u64 {
    n + 1
}

#[task]
fn make(byte: u8) -> Vec<u8> {
    vec![byte; BYTES]
}

#[task]
fn measure(bulk: &[u8]) -> u64 {
    black_box(bulk).len() as u64
}

/// Works for about this many microseconds.
#[task]
fn work(us: u64) -> u64 {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(us) {
        black_box(us);
    }
    us
}

pub(crate) struct Cluster {
    client: Client<Anywhere>,
    local: LocalCluster,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let local = LocalCluster::builder().threads(1).workers(WORKERS);
        let local = local.start().expect("processes can be started");
        let client = local.client().expect("the scheduler listens");
        Self { client, local }
    }

    /// Tasks that do nothing, and their results.
    pub(crate) fn noop(&self, tasks: u64) {
        noop(&self.client, tasks);
    }

    /// Tasks that each need the one before, and the last one's result.
    pub(crate) fn chain(&self, links: u64) {
        let mut last = self.client.submit(next::call(0));
        for _ in 1..links {
            last = self.client.submit(next::call(last));
        }
        assert_eq!(value(&last), links);
    }

    /// How long it takes until one worker has seen a result that another has.
    pub(crate) fn transfer(&self) -> Duration {
        let made = self.client.submit(make::call(3).on("w0"));
        // What it is made into there is finished when it is.
        let seen = self.client.submit(measure::call(&made).on("w0"));
        assert_eq!(value(&seen), (BYTES as u64));
        let start = Instant::now();
        let there = self.client.submit(measure::call(&made).on("w1"));
        assert_eq!(value(&there), (BYTES as u64));
        start.elapsed()
    }

    /// The longest time without a finished task, of a job of tasks of this length one of whose two workers is killed. Ends with
    /// one worker.
    pub(crate) fn longest_gap(self, tasks: u64, us: u64) -> Duration {
        let mut job = as_completed((0..tasks).map(|_| self.client.submit(work::call(us))));
        let (mut finished, mut gap, mut last) = (0, Duration::ZERO, Instant::now());
        while let Some(task) = job.next() {
            gap = gap.max(last.elapsed());
            last = Instant::now();
            assert_eq!(value(&task), us);
            finished += 1;
            if finished == tasks / 3 {
                self.local.kill(0);
                gap = Duration::ZERO;
            }
        }
        assert_eq!(finished, tasks);
        gap
    }
}

fn value(task: &TaskFuture<u64>) -> u64 {
    *task.result().expect("nothing fails")
}

pub(crate) fn noop(client: &Client<Anywhere>, tasks: u64) {
    let handles: Vec<_> = (0..tasks).map(|n| client.submit(same::call(n))).collect();
    let results = gather(&handles).expect("nothing fails");
    assert_eq!(results.into_iter().sum::<u64>(), tasks * (tasks - 1) / 2);
}

/// Submits tasks, which no worker is there for, and returns when the scheduler has them.
pub(crate) fn pending(client: &Client<Anywhere>, tasks: u64) -> Vec<TaskFuture<u64>> {
    let handles: Vec<_> = (0..tasks).map(|n| client.submit(same::call(n))).collect();
    // Whoever answers why the last one does not run has it.
    let why = handles.last().map(TaskFuture::explain);
    black_box(why);
    handles
}
