//! A whole cluster in one process: a scheduler, workers and clients, over real connections.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenter::net::server::{Scheduler, SchedulerOptions};
use tenter::net::worker::{Ended, Worker, WorkerOptions};
use tenter::{Anywhere, Client, ErrorKind, Reschedule, TaskError, TaskFuture, task};

use crate::support::until;

/// A scheduler with workers.
pub(crate) struct Cluster {
    pub(crate) workers: Vec<Worker>,
    scheduler: Scheduler,
}

impl Cluster {
    fn of(workers: usize) -> Self {
        Self::with((0..workers).map(|number| named(&format!("w{number}"))))
    }

    pub(crate) fn with(options: impl IntoIterator<Item = WorkerOptions>) -> Self {
        let scheduler = Scheduler::start("tcp://127.0.0.1:0", SchedulerOptions::default()).unwrap();
        let start = |options| Worker::start(scheduler.address(), options).unwrap();
        Self {
            workers: options.into_iter().map(start).collect(),
            scheduler,
        }
    }

    pub(crate) fn add(&mut self, options: WorkerOptions) {
        let worker = Worker::start(self.scheduler.address(), options);
        self.workers.push(worker.unwrap());
    }

    pub(crate) fn client(&self) -> Client<Anywhere> {
        Client::connect(self.scheduler.address()).unwrap()
    }
}

pub(crate) fn named(name: &str) -> WorkerOptions {
    WorkerOptions {
        name: name.into(),
        threads: Some(2),
        ..WorkerOptions::default()
    }
}

#[task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[task(pure)]
fn fib(n: u64) -> Result<u64, TaskError> {
    if n < 2 {
        return Ok(n);
    }
    let client = tenter::current();
    let (a, b) = (
        client.submit(fib::call(n - 1)),
        client.submit(fib::call(n - 2)),
    );
    Ok(a.result()? + b.result()?)
}

/// So many bytes, which tell where they were made.
#[task]
fn bulk(megabytes: usize) -> Vec<u8> {
    (0..megabytes << 20).map(|k| (k % 251) as u8).collect()
}

#[task]
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

#[task]
fn total(a: &[u8], b: &[u8]) -> u64 {
    [a, b].concat().iter().map(|&byte| u64::from(byte)).sum()
}

fn sum_of(megabytes: usize) -> u64 {
    (0..megabytes << 20).map(|k| (k % 251) as u64).sum()
}

static TOKENS: AtomicUsize = AtomicUsize::new(0);

#[task]
fn until_cancelled(started: u64) -> Result<(), TaskError> {
    TOKENS.fetch_add(started as usize, SeqCst);
    let client = tenter::current();
    while !client.is_cancelled() {
        std::thread::yield_now();
    }
    TOKENS.fetch_add(1, SeqCst);
    client.checkpoint()
}

#[task]
fn fails(how: &str) -> Result<u64, String> {
    match how {
        "panic" => panic!("the detector is cold"),
        _ => Err(format!("{how} is out of range")),
    }
}

#[task]
fn third_time(word: String) -> Result<String, String> {
    match tenter::attempt() {
        3 => Ok(word),
        other => Err(format!("attempt {other} failed")),
    }
}

static RESCHEDULED: AtomicUsize = AtomicUsize::new(0);

#[task]
fn later() -> Result<u64, Reschedule> {
    match RESCHEDULED.fetch_add(1, SeqCst) {
        3.. => Ok(7),
        _ => Err(Reschedule),
    }
}

#[task]
fn make_two() -> Vec<TaskFuture<u64>> {
    let client = tenter::current();
    vec![
        client.submit(add::call(1, 2)),
        client.submit(add::call(3, 4)),
    ]
}

#[task]
fn add_handles(handles: Vec<TaskFuture<u64>>) -> Result<u64, TaskError> {
    handles.iter().map(|handle| handle.result().copied()).sum()
}

#[task]
async fn doubled(x: u64) -> u64 {
    x * 2
}

#[task]
async fn doubled_twice(x: u64) -> Result<u64, TaskError> {
    let inner = tenter::current().submit(doubled::call(x));
    Ok(*inner.await? * 2)
}

#[task]
fn local_closure(x: u64) -> Result<u64, TaskError> {
    let client = tenter::current();
    let closure = client.submit(move || x + 1);
    Ok(*client.submit(add::call(&closure, 1)).result()?)
}

#[task]
fn thread_name() -> String {
    std::thread::current().name().unwrap_or_default().into()
}

#[test]
fn calls_run_on_workers_and_their_results_come_back() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    assert_eq!(*client.submit(add::call(1, 2)).result().unwrap(), 3);
    let sums: Vec<_> = (0..2000).map(|k| client.submit(add::call(k, k))).collect();
    for (k, sum) in sums.iter().enumerate() {
        assert_eq!(*sum.result().unwrap(), 2 * k as u64);
    }
    let chain = (0..200).fold(client.submit(add::call(0, 0)), |sum, _| {
        client.submit(add::call(&sum, 1))
    });
    assert_eq!(*chain.result().unwrap(), 200);
    let nested = client.submit(add::call(add::call(1, 2), add::call(3, 4)));
    assert_eq!(*nested.result().unwrap(), 10);
}

#[test]
fn tasks_submit_tasks_and_wait_for_them_however_deep() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    assert_eq!(
        *client.submit(fib::call(60)).result().unwrap(),
        1_548_008_755_920
    );
    let twice = client.submit(doubled_twice::call(5));
    assert_eq!(*twice.result().unwrap(), 20);
    let mixed = client.submit(local_closure::call(5));
    assert_eq!(*mixed.result().unwrap(), 7);
}

#[test]
fn large_results_stay_where_they_are_until_somebody_needs_them() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    let (a, b) = (client.submit(bulk::call(3)), client.submit(bulk::call(5)));
    let both = client.submit(total::call(&a, &b));
    assert_eq!(*both.result().unwrap(), sum_of(3) + sum_of(5));
    let sums: Vec<_> = (0..20).map(|_| client.submit(sum::call(&a))).collect();
    for sum in &sums {
        assert_eq!(*sum.result().unwrap(), sum_of(3));
    }
    assert_eq!(a.result().unwrap().len(), 3 << 20);
    assert_eq!(b.take().unwrap().len(), 5 << 20);
    drop((a, both, sums));
    let held = || cluster.workers.iter().map(Worker::held_bytes).sum::<u64>();
    until("nothing is held any more", || held() == 0);
}

#[test]
fn results_of_any_size_travel_from_worker_to_worker() {
    let cluster = Cluster::with([
        WorkerOptions {
            resources: vec![("left".into(), 1)],
            ..named("left")
        },
        WorkerOptions {
            resources: vec![("right".into(), 1)],
            ..named("right")
        },
    ]);
    let client = cluster.client();
    let big = client.submit(bulk::call(64).resource("left", 1));
    let there = client.submit(sum::call(&big).resource("right", 1));
    assert_eq!(*there.result().unwrap(), sum_of(64));
}

#[test]
fn what_is_scattered_is_the_input_of_calls() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    let small = client.scatter(vec![1u8, 2, 3]);
    let large = client.scatter(vec![1u8; 2 << 20]);
    assert_eq!(*client.submit(sum::call(&small)).result().unwrap(), 6);
    assert_eq!(*client.submit(sum::call(&large)).result().unwrap(), 2 << 20);
    let both = client.submit(total::call(&small, &large));
    assert_eq!(*both.result().unwrap(), (2 << 20) + 6);
}

#[test]
fn errors_and_panics_say_which_task_and_why() {
    let cluster = Cluster::of(1);
    let client = cluster.client();
    let error = client.submit(fails::call("42")).result().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Failed, "42 is out of range")
    );
    assert!(error.task().ends_with("::fails"), "{error}");
    assert!(error.to_string().contains("work.rs"), "{error}");
    let panic = client.submit(fails::call("panic"));
    let after = client.submit(add::call(&panic, 1));
    let error = after.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.message(), "the detector is cold");
    assert!(error.is_inherited(), "{error}");
}

#[test]
fn attempts_follow_each_other_as_often_as_was_asked() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    let lucky = client.submit(third_time::call("done").retries(2));
    assert_eq!(lucky.result().unwrap(), "done");
    let later = client.submit(later::call().retries(0));
    assert_eq!(*later.result().unwrap(), 7);
}

#[test]
fn a_body_that_is_cancelled_or_too_slow_sees_its_token() {
    let cluster = Cluster::of(1);
    let client = cluster.client();
    let running = client.submit(until_cancelled::call(100));
    until("it runs", || TOKENS.load(SeqCst) >= 100);
    running.cancel();
    assert_eq!(running.result().unwrap_err().kind(), ErrorKind::Cancelled);
    until("it has seen its token", || TOKENS.load(SeqCst) == 101);
    let slow = client.submit(until_cancelled::call(0).timeout(Duration::from_millis(20)));
    assert_eq!(slow.result().unwrap_err().kind(), ErrorKind::TimedOut);
    until("it has seen its token", || TOKENS.load(SeqCst) == 102);
    // The threads are free again.
    assert_eq!(*client.submit(add::call(1, 1)).result().unwrap(), 2);
}

#[test]
fn handles_in_results_and_arguments_are_handles_everywhere() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    let made = client.submit(make_two::call());
    let handles = made.result().unwrap();
    assert_eq!(*handles[0].result().unwrap(), 3);
    let again = client.submit(add_handles::call(handles.clone()));
    assert_eq!(*again.result().unwrap(), 10);
    let chained = client.submit(add_handles::call(&made));
    assert_eq!(*chained.result().unwrap(), 10);
}

#[test]
fn resources_pools_and_names_say_where_a_call_runs() {
    let cluster = Cluster::with([
        WorkerOptions {
            resources: vec![("gpu".into(), 1)],
            pools: vec![("io".into(), 1)],
            ..named("a")
        },
        named("b"),
    ]);
    let client = cluster.client();
    let pooled = client.submit(thread_name::call().resource("gpu", 1).pool("io"));
    assert_eq!(pooled.result().unwrap(), "tenter-task-io-0");
    let nowhere = client.submit(thread_name::call().on("b").pool("io"));
    assert_eq!(nowhere.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
}

#[test]
fn a_set_up_function_runs_once_before_the_first_task_or_is_the_end() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let cluster = Cluster::with([WorkerOptions {
        setup: Some(Arc::new(move || {
            count.fetch_add(1, SeqCst);
            Ok(())
        })),
        ..named("a")
    }]);
    let client = cluster.client();
    assert_eq!(*client.submit(add::call(1, 1)).result().unwrap(), 2);
    assert_eq!(calls.load(SeqCst), 1);
    let broken = WorkerOptions {
        setup: Some(Arc::new(|| Err("there is no calibration file".into()))),
        ..named("b")
    };
    let error = Worker::start(cluster.scheduler.address(), broken).unwrap_err();
    assert!(error.to_string().contains("no calibration file"), "{error}");
}

#[test]
fn a_worker_that_leaves_hands_over_what_only_it_holds() {
    let mut cluster = Cluster::of(1);
    let client = cluster.client();
    let big = client.submit(bulk::call(2));
    let size = client.submit(sum::call(&big));
    assert_eq!(*size.result().unwrap(), sum_of(2));
    let heir = Worker::start(cluster.scheduler.address(), named("heir")).unwrap();
    let leaving = cluster.workers.remove(0);
    leaving.leave();
    assert_eq!(leaving.wait(), Ended::Left);
    drop(leaving);
    assert_eq!(heir.held_bytes(), (2 << 20) + 4);
    assert_eq!(big.result().unwrap().len(), 2 << 20);
}

#[test]
fn what_a_dead_worker_held_is_computed_again() {
    let mut cluster = Cluster::of(2);
    let client = cluster.client();
    let bulks: Vec<_> = (1..5).map(|k| client.submit(bulk::call(k))).collect();
    let sums: Vec<_> = bulks
        .iter()
        .map(|bulk| client.submit(sum::call(bulk)))
        .collect();
    for (sum, k) in sums.iter().zip(1..) {
        assert_eq!(*sum.result().unwrap(), sum_of(k));
    }
    drop(cluster.workers.remove(0));
    for (bulk, k) in bulks.iter().zip(1..) {
        let sum = client.submit(sum::call(bulk));
        assert_eq!(*sum.result().unwrap(), sum_of(k));
        assert_eq!(bulk.result().unwrap().len(), k << 20);
    }
}

#[test]
fn the_end_of_the_scheduler_is_an_end_with_a_reason_everywhere() {
    let cluster = Cluster::of(1);
    let client = cluster.client();
    let waiting = client.submit(until_cancelled::call(0));
    let Cluster { workers, scheduler } = cluster;
    drop(scheduler);
    let Ended::Lost(reason) = workers[0].wait() else {
        panic!("it was not told to leave");
    };
    assert!(reason.contains("the scheduler has ended"), "{reason}");
    assert_eq!(
        waiting.result().unwrap_err().kind(),
        ErrorKind::Disconnected
    );
}

#[test]
fn clients_of_one_cluster_share_its_workers() {
    let cluster = Cluster::of(2);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for number in 0..4u64 {
            let (cluster, results) = (&cluster, &results);
            scope.spawn(move || {
                let client = cluster.client();
                let sums: Vec<_> = (0..100)
                    .map(|k| client.submit(add::call(k, number)))
                    .collect();
                let all = sums.iter().map(|sum| *sum.result().unwrap()).sum::<u64>();
                results.lock().unwrap().push(all - 100 * number);
            });
        }
    });
    assert_eq!(*results.lock().unwrap(), [4950; 4]);
}

#[test]
fn a_worker_that_nobody_answers_does_not_start() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", free.local_addr().unwrap());
    drop(free);
    let error = Worker::start(&address, named("lost")).unwrap_err();
    assert!(error.to_string().contains("cannot connect"), "{error}");
}

#[test]
fn a_value_that_is_let_go_at_once_reaches_who_it_was_given_to() {
    let cluster = Cluster::of(1);
    let (giver, taker) = (cluster.client(), cluster.client());
    let given = giver.queue::<TaskFuture<Vec<u8>>>("values", 0).unwrap();
    let taken = taker.queue::<TaskFuture<Vec<u8>>>("values", 0).unwrap();
    for _ in 0..20 {
        let value = giver.scatter(vec![7; 1_000_000]);
        given.put(value).unwrap();
        assert_eq!(taken.get().unwrap().result().unwrap().len(), 1_000_000);
    }
    drop((taken, given, taker, giver));
    until("everything is let go", || {
        cluster.scheduler.census().tasks == 0
    });
}

#[task]
fn sizes(of: Vec<Vec<u8>>) -> Vec<u64> {
    of.iter().map(|one| one.len() as u64).collect()
}

#[task]
fn sum_all(of: &[u64]) -> u64 {
    of.iter().sum()
}

/// A list of what closures of this process give.
#[task]
fn gathered_here(n: u64) -> Result<u64, TaskError> {
    let client = tenter::current();
    let parts = client.map(0..n, |x| x);
    Ok(*client.submit(sum_all::call(parts)).result()?)
}

#[test]
fn a_list_of_handles_is_gathered_where_the_call_runs() {
    let cluster = Cluster::of(2);
    let client = cluster.client();
    let parts = client.submit_many((0..1000).map(|k| add::call(k, 1)));
    assert_eq!(
        *client.submit(sum_all::call(&parts)).result().unwrap(),
        500_500
    );
    assert_eq!(
        *client.submit(sum_all::call(parts)).result().unwrap(),
        500_500
    );
    let parts = [
        client.submit(bulk::call(1)),
        client.submit(bulk::call(2)),
        client.scatter(vec![1; 5]),
    ];
    let sizes = client.submit(sizes::call(parts));
    assert_eq!(sizes.result().unwrap(), &[1 << 20, 2 << 20, 5]);
    let here = client.submit(gathered_here::call(100));
    assert_eq!(*here.result().unwrap(), 4950);
    let bad = [
        client.submit(add::call(1, 1)),
        client.submit(fails::call("4")),
    ];
    let error = client
        .submit(sum_all::call(bad))
        .result()
        .unwrap_err()
        .clone();
    assert!(error.is_inherited(), "{error}");
}
