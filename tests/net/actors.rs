//! Actors on workers, over real connections.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tenter::net::worker::Worker;
use tenter::{Actor, Anywhere, ErrorKind, TaskError, TaskFuture, task};

use crate::support::until;
use crate::work::{Cluster, named};

struct Log {
    lines: Vec<u64>,
    _not_shared: std::cell::Cell<u8>,
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

impl Drop for Log {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.lines.iter().sum(), SeqCst);
    }
}

#[task(actor)]
fn log(first: u64) -> Log {
    Log {
        lines: vec![first],
        _not_shared: std::cell::Cell::default(),
    }
}

#[task]
fn push(log: &mut Log, line: u64) -> usize {
    log.lines.push(line);
    log.lines.len()
}

#[task]
fn lines(log: &mut Log) -> Vec<u64> {
    log.lines.clone()
}

#[task]
fn push_all(log: &mut Log, all: &[u64]) -> usize {
    log.lines.extend(all);
    log.lines.len()
}

/// Without the first and the last ones.
#[task]
fn push_all_but(log: &mut Log, first: usize, all: Vec<u64>, last: usize) -> usize {
    push_all(log, &all[first..all.len() - last])
}

#[task]
fn large(log: &mut Log, megabytes: usize) -> Vec<u8> {
    vec![log.lines[0] as u8; megabytes << 20]
}

#[task]
fn refuse(_log: &mut Log, text: &str) -> Result<(), String> {
    Err(text.to_owned())
}

#[task]
fn burn(_log: &mut Log) {
    panic!("out of paper")
}

/// It cannot be decoded.
#[derive(Clone)]
struct Sealed;

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("it is sealed")
    }
}

#[task]
fn open(_log: &mut Log, _sealed: Sealed) {}

#[task]
fn double(x: u64) -> u64 {
    2 * x
}

#[task]
fn bulk(count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// Gives handles of tasks that it submits.
#[task]
fn doubled(log: &mut Log) -> Vec<TaskFuture<u64>> {
    let client = tenter::current();
    let lines = log.lines.iter();
    lines
        .map(|&line| client.submit(double::call(line)))
        .collect()
}

/// Keeps handles, and gives the sum of what they give.
#[task]
fn sum(_log: &mut Log, handles: Vec<TaskFuture<u64>>) -> Result<u64, TaskError> {
    handles.iter().map(|handle| handle.result().copied()).sum()
}

#[task]
fn push_there(log: Actor<Log, Anywhere>, line: u64) -> Result<usize, TaskError> {
    log.call(push::call(line)).result().copied()
}

#[task]
fn make_one() -> Actor<Log, Anywhere> {
    tenter::current().anywhere().actor(log::call(70))
}

static STARTED: AtomicU64 = AtomicU64::new(0);

#[task]
fn until_cancelled(log: &mut Log) {
    STARTED.fetch_add(1, SeqCst);
    while !tenter::current().is_cancelled() {
        std::thread::yield_now();
    }
    log.lines.push(99);
}

fn cluster(workers: usize) -> Cluster {
    Cluster::with((0..workers).map(|number| named(&format!("w{number}"))))
}

#[test]
fn calls_run_in_order_on_the_one_state_there() {
    let cluster = cluster(2);
    let client = cluster.client();
    let actor = client.actor(log::call(1).on("w1"));
    let pushed: Vec<_> = (2..3000).map(|line| actor.call(push::call(line))).collect();
    let all = actor.call(lines::call());
    assert_eq!(*all.result().unwrap(), (1..3000).collect::<Vec<_>>());
    for (pushed, count) in pushed.iter().zip(2..) {
        assert_eq!(*pushed.result().unwrap(), count);
    }
}

#[test]
fn arguments_that_panic_as_they_are_decoded_leave_the_state_alone() {
    let cluster = cluster(1);
    let client = cluster.client();
    let actor = client.actor(log::call(1));
    let error = actor
        .call(open::call(Sealed))
        .result()
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is sealed"), "{error}");
    assert_eq!(*actor.call(push::call(2)).result().unwrap(), 2);
}

#[test]
fn arguments_are_handles_and_results_are_inputs_as_of_tasks() {
    let cluster = cluster(2);
    let client = cluster.client();
    let actor = client.actor(log::call(double::call(4)));
    let many = client.submit(bulk::call(50_000));
    let given = client.scatter(vec![5u64, 6]);
    let first = actor.call(push_all::call(&many));
    let second = actor.call(push_all::call(&given));
    let third = actor.call(push::call(double::call(double::call(3))));
    drop((many, given));
    assert_eq!(*third.result().unwrap(), 50_004);
    assert_eq!(*second.result().unwrap(), 50_003);
    let doubled = client.submit(double::call(7));
    let summed = actor.call(sum::call(vec![doubled]));
    assert_eq!(*summed.result().unwrap(), 14);
    let next = client.submit(double::call(&summed));
    assert_eq!(*next.result().unwrap(), 28);
    assert_eq!(*first.result().unwrap(), 50_001);
}

#[test]
fn a_list_of_handles_is_an_argument_of_a_method_there() {
    let cluster = cluster(2);
    let client = cluster.client();
    let log = client.actor(log::call(0));
    let parts = client.submit_many((1..=100).map(double::call));
    let pushed = log.call(push_all_but::call(1, &parts, 1));
    assert_eq!(*pushed.result().unwrap(), 99);
    let given = [1, 2, 3].map(|x| client.scatter(x));
    assert_eq!(*log.call(push_all::call(given)).result().unwrap(), 102);
    let lines = log.call(lines::call());
    let lines = lines.result().unwrap();
    let doubles = (2..100).map(|x| 2 * x);
    assert!(
        lines
            .iter()
            .copied()
            .eq([0].into_iter().chain(doubles).chain(1..4))
    );
}

#[test]
fn results_hold_handles_and_may_be_large() {
    let cluster = cluster(2);
    let client = cluster.client();
    let actor = client.actor(log::call(3));
    actor.call(push::call(4)).detach();
    let handles = actor.call(doubled::call());
    let of: Vec<u64> = handles
        .result()
        .unwrap()
        .iter()
        .map(|handle| *handle.result().unwrap())
        .collect();
    assert_eq!(of, [6, 8]);
    let large = actor.call(large::call(5));
    assert_eq!(*large.result().unwrap(), vec![3; 5 << 20]);
}

#[test]
fn errors_come_back_with_the_method_and_the_place_of_the_call() {
    let cluster = cluster(1);
    let client = cluster.client();
    let actor = client.actor(log::call(1));
    let error = actor.call(refuse::call("no lines")).result().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Failed, "no lines")
    );
    assert!(
        error.task().ends_with("::refuse") && !error.is_inherited(),
        "{error}"
    );
    assert!(error.to_string().contains("actors.rs"), "{error}");
    let (burnt, after) = (actor.call(burn::call()), actor.call(push::call(1)));
    assert_eq!(burnt.result().unwrap_err().message(), "out of paper");
    assert_eq!(after.result().unwrap_err().kind(), ErrorKind::Poisoned);
}

#[test]
fn handles_of_actors_travel() {
    let cluster = cluster(2);
    let (client, other) = (cluster.client(), cluster.client());
    let actor = client.actor(log::call(1).on("w0"));
    let there = client.submit(push_there::call(actor.clone(), 2).on("w1"));
    let here = client.submit(push_there::call(actor.clone(), 3).on("w0"));
    assert_eq!(there.result().unwrap() + here.result().unwrap(), 5);
    let logs = client.queue::<Actor<Log, Anywhere>>("logs", 0).unwrap();
    logs.put(actor).unwrap();
    let theirs = other
        .queue::<Actor<Log, Anywhere>>("logs", 0)
        .unwrap()
        .get()
        .unwrap();
    assert_eq!(*theirs.call(push::call(4)).result().unwrap(), 4);
    let made = client.submit(make_one::call());
    let made = made.result().unwrap();
    assert_eq!(*made.call(lines::call()).result().unwrap(), [70]);
}

#[test]
fn calls_run_when_all_handles_are_gone_and_then_the_state_is_dropped() {
    let cluster = cluster(1);
    let client = cluster.client();
    let actor = client.actor(log::call(1_000_000_000));
    for _ in 0..10 {
        actor.call(push::call(100_000_000)).detach();
    }
    drop(actor);
    until("the state is dropped", || {
        DROPPED.load(SeqCst) >= 2_000_000_000
    });
}

#[test]
fn a_cancelled_call_does_not_begin_and_one_that_runs_sees_its_token() {
    let cluster = cluster(1);
    let client = cluster.client();
    let actor = client.actor(log::call(1));
    let running = actor.call(until_cancelled::call());
    let (off, kept) = (actor.call(push::call(2)), actor.call(push::call(3)));
    until("it runs", || STARTED.load(SeqCst) == 1);
    // What is taken back first is off before the one that runs sees its token.
    off.cancel();
    running.cancel();
    assert_eq!(off.result().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(running.result().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(*kept.result().unwrap(), 3);
    assert_eq!(*actor.call(lines::call()).result().unwrap(), [1, 99, 3]);
}

#[test]
fn an_actor_is_lost_with_its_worker_and_says_so() {
    let mut cluster = cluster(2);
    let client = cluster.client();
    let (lost, held) = (
        client.actor(log::call(1).on("w0")),
        client.actor(log::call(2).on("w1")),
    );
    assert_eq!(*lost.call(push::call(2)).result().unwrap(), 2);
    let stranger = cluster.client();
    let logs = client.variable::<Actor<Log, Anywhere>>("lost log").unwrap();
    logs.set(lost.clone()).unwrap();
    drop(cluster.workers.remove(0));
    let error = lost.call(push::call(3)).result().unwrap_err();
    let kinds = [ErrorKind::DataLost, ErrorKind::Disconnected];
    assert!(kinds.contains(&error.kind()), "{error}");
    assert!(error.to_string().contains("::log`"), "{error}");
    let error = lost.call(push::call(3)).result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataLost);
    // A new state is never made in its place.
    let theirs = stranger
        .variable::<Actor<Log, Anywhere>>("lost log")
        .unwrap();
    let error = theirs
        .get()
        .unwrap()
        .call(lines::call())
        .result()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataLost);
    assert!(error.to_string().contains("w0"), "{error}");
    assert_eq!(*held.call(push::call(2)).result().unwrap(), 2);
}

#[test]
fn a_worker_that_leaves_takes_its_actors_with_it() {
    let mut cluster = cluster(2);
    let client = cluster.client();
    let actor = client.actor(log::call(1).on("w0"));
    assert_eq!(*actor.call(push::call(2)).result().unwrap(), 2);
    let leaving: Worker = cluster.workers.remove(0);
    leaving.leave();
    leaving.wait();
    drop(leaving);
    let error = actor.call(push::call(3)).result().unwrap_err();
    let kinds = [ErrorKind::DataLost, ErrorKind::Disconnected];
    assert!(kinds.contains(&error.kind()), "{error}");
}

#[test]
fn an_actor_of_this_process_cannot_be_sent() {
    let cluster = cluster(1);
    let client = cluster.client();
    let local = tenter::Client::new().unwrap().actor(log(1)).anywhere();
    let sent = client.submit(push_there::call(local, 2));
    let error = sent.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignHandle);
}
