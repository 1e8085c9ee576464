//! The status of a task on a cluster is what the scheduler knows of it.

use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tenter::net::worker::WorkerOptions;
use tenter::{ErrorKind, Status, task};

use crate::support::until;
use crate::work::{Cluster, named};

/// Bodies that wait for this test alone, by its number.
static OPEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static OPENED: Condvar = Condvar::new();

fn open(door: u32) {
    OPEN.lock().unwrap().push(door);
    OPENED.notify_all();
}

#[task]
fn enter(door: u32, after: u64) -> Vec<u8> {
    let shut = |open: &mut Vec<u32>| !open.contains(&door);
    drop(OPENED.wait_while(OPEN.lock().unwrap(), shut).unwrap());
    vec![1; after as usize]
}

#[task]
fn size(of: &[u8]) -> u64 {
    of.len() as u64
}

fn alone(name: &str) -> WorkerOptions {
    WorkerOptions {
        threads: Some(1),
        ..named(name)
    }
}

#[test]
fn a_task_is_seen_to_wait_to_be_ready_to_run_and_to_finish() {
    let cluster = Cluster::with([alone("w0")]);
    let client = cluster.client();
    let first = client.submit(enter::call(1, 3));
    until("it runs", || first.status() == Status::Running);
    let ready = client.submit(size::call(vec![1]));
    let waits = client.submit(size::call(&first));
    assert_eq!(
        (ready.status(), waits.status(), first.status()),
        (Status::Queued, Status::Waiting, Status::Running)
    );
    open(1);
    assert_eq!(*waits.result().unwrap(), 3);
    assert_eq!(waits.status(), Status::Finished);
}

#[test]
fn a_task_whose_likes_were_all_short_is_seen_to_run() {
    let cluster = Cluster::with([alone("w0")]);
    let client = cluster.client();
    open(2);
    for _ in 0..20 {
        client.submit(enter::call(2, 1)).result().unwrap();
    }
    let long = client.submit(enter::call(3, 1));
    until("it runs", || long.status() == Status::Running);
    open(3);
    assert_eq!(long.result().unwrap().len(), 1);
}

#[test]
fn a_task_whose_worker_dies_is_seen_to_be_ready_again() {
    let mut cluster = Cluster::with([alone("w0")]);
    let client = cluster.client();
    let task = client.submit(enter::call(4, 1));
    until("it runs", || task.status() == Status::Running);
    let gone = cluster.workers.remove(0);
    thread::scope(|scope| {
        scope.spawn(move || drop(gone));
        until("it is ready", || task.status() == Status::Queued);
        open(4);
    });
}

#[test]
fn a_result_that_is_computed_again_is_seen_to_be_lost() {
    let mut cluster = Cluster::with([alone("w0")]);
    let client = cluster.client();
    open(5);
    let large = client.submit(enter::call(5, 1 << 20));
    until("it is there", || large.status() == Status::Finished);
    OPEN.lock().unwrap().retain(|&door| door != 5);
    drop(cluster.workers.remove(0));
    until("it is lost", || large.status() == Status::Lost);
    cluster.add(alone("w1"));
    let again = client.submit(size::call(&large));
    assert_eq!(again.status(), Status::Waiting);
    assert_eq!(large.status(), Status::Lost);
    open(5);
    assert_eq!(*again.result().unwrap(), 1 << 20);
    assert_eq!(large.status(), Status::Finished);
}

#[test]
fn a_task_whose_time_was_over_is_cancelled_and_can_be_made_anew() {
    let cluster = Cluster::with([alone("w0")]);
    let client = cluster.client();
    let call = || enter::call(6, 2).key("slow");
    let slow = client.submit(call().timeout(Duration::from_millis(20)));
    let after = client.submit(size::call(&slow));
    let error = slow.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::TimedOut, "it may run for 20ms")
    );
    assert_eq!(slow.status(), Status::Cancelled);
    let error = after.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.is_inherited()),
        (ErrorKind::TimedOut, true)
    );
    open(6);
    // Its key is free.
    assert_eq!(client.submit(call()).result().unwrap().len(), 2);
    assert_eq!(slow.retry().unwrap().result().unwrap().len(), 2);
}

#[test]
fn all_of_many_tasks_are_asked_about_at_little_cost() {
    let cluster = Cluster::with([]);
    let client = cluster.client();
    let tasks: Vec<_> = (0..5000)
        .map(|_| client.submit(size::call(Vec::<u8>::new())))
        .collect();
    assert!(tasks.iter().all(|task| task.status() == Status::Queued));
}
