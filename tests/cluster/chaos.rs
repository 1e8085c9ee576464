//! A job of every kind of task on workers that are killed and frozen at random moments: the answers are those of a loop, and
//! each comes once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use tenter::net::scheduler::Config;
use tenter::{Anywhere, Client, TaskFuture, as_completed};

use crate::signals;
use crate::support::{Noted, SILENCE, seed, until, value};
use crate::work::{gathered, leaf, mix, nested, node, spread};

const WORKERS: usize = 3;
const TASKS: usize = 1500;
/// What is done to workers in one job.
const BLOWS: u64 = 6;

pub(crate) fn killed_workers_change_no_answer() {
    run(seed(), &[Blow::Kill]);
}

pub(crate) fn killed_and_frozen_workers_change_no_answer() {
    run(seed(), &[Blow::Kill, Blow::Freeze, Blow::FreezeLong]);
}

#[derive(Clone, Copy, Debug)]
enum Blow {
    Kill,
    /// For less than it takes to be noticed.
    Freeze,
    /// Until it is noticed.
    FreezeLong,
}

/// A job: handles, and what each is to give.
#[derive(Default)]
struct Job {
    tasks: Vec<(TaskFuture<u64>, u64)>,
}

impl Job {
    fn submit(client: &Client<Anywhere>, rng: &mut Rng) -> Self {
        let mut job = Self::default();
        for _ in 0..TASKS {
            let task = job.next(client, rng);
            job.tasks.push(task);
        }
        job
    }

    /// One more task, of those that there are.
    fn next(&self, client: &Client<Anywhere>, rng: &mut Rng) -> (TaskFuture<u64>, u64) {
        let (n, us) = (rng.u64(..1000), rng.u64(..2000));
        let some = |rng: &mut Rng| &self.tasks[rng.usize(..self.tasks.len())];
        match rng.u8(..10) {
            _ if self.tasks.is_empty() => (client.submit(leaf::call(n, us)), mix(n, 1)),
            0..3 => (client.submit(leaf::call(n, us)), mix(n, 1)),
            3 => {
                let task = client.submit(nested::call(n, us));
                (task, mix(mix(n, 1), mix(n + 1, 1)))
            }
            4..6 => {
                let (task, number) = some(rng);
                let spread = client.submit(spread::call(task));
                (client.submit(gathered::call(spread)), *number)
            }
            _ => {
                let (a, b) = (some(rng), some(rng));
                let task = client.submit(node::call(&a.0, &b.0, us));
                (task, mix(a.1, b.1))
            }
        }
    }
}

fn run(seed: u64, blows: &[Blow]) {
    let mut rng = Rng::with_seed(seed);
    // However often a task is on a worker that dies, it is not to blame.
    let config = Config {
        deaths: 0,
        ..Config::default()
    };
    let noted = Noted::with(WORKERS, config);
    let client = noted.cluster.client().expect("the scheduler listens");
    let job = Job::submit(&client, &mut rng);
    let (finished, over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| strike(&noted, &mut rng, blows, &finished, &over));
        let mut running = as_completed(job.tasks.iter().map(|(task, _)| task.clone()));
        while let Some(task) = running.next() {
            task.result().expect("nothing fails");
            finished.fetch_add(1, SeqCst);
        }
        over.store(true, SeqCst);
    });
    assert_eq!(finished.into_inner(), TASKS as u64);
    for (place, (task, number)) in job.tasks.iter().enumerate() {
        assert_eq!(value(task), *number, "task {place}");
    }
}

/// Does something to a worker whenever a random number of tasks has finished.
fn strike(noted: &Noted, rng: &mut Rng, blows: &[Blow], finished: &AtomicU64, over: &AtomicBool) {
    let mut alive: Vec<usize> = (0..WORKERS).collect();
    for _ in 0..BLOWS {
        let goal = finished.load(SeqCst) + rng.u64(..TASKS as u64 / BLOWS);
        let is_over = || over.load(SeqCst);
        until("the job goes on", || {
            finished.load(SeqCst) >= goal || is_over()
        });
        thread::park_timeout(Duration::from_micros(rng.u64(..3000)));
        if is_over() {
            return;
        }
        let worker = alive[rng.usize(..alive.len())];
        let process = noted.cluster.pids()[worker];
        let blow = *rng.choice(blows).expect("there are blows");
        println!("{blow:?} w{worker} after {} tasks", finished.load(SeqCst));
        match blow {
            Blow::Kill => noted.cluster.kill(worker),
            Blow::Freeze => {
                signals::freeze(process);
                thread::park_timeout(SILENCE / 10);
                signals::thaw(process);
                continue;
            }
            Blow::FreezeLong => {
                signals::freeze(process);
                let name = format!("worker w{worker} ");
                noted.note_with(&[&name, "is lost"]);
                signals::thaw(process);
                until("who was given up ends", || signals::has_ended(process));
            }
        }
        alive.retain(|other| *other != worker);
        let another = noted.cluster.add_worker();
        alive.push(another.expect("processes can be started"));
    }
}
