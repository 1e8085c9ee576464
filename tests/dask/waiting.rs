//! Waiting and iterating (notes 4.5).

use std::time::Duration;

use tenter::{ErrorKind, Status, WaitFor, as_completed, wait};

use crate::support::Gate;
use crate::{div, inc, inc_of, with_client, with_threads};

#[test]
fn wait_waits_for_all() {
    with_client(|client| {
        let futures = client.map(0..3, inc);
        let (done, not) = wait(&futures, WaitFor::All, None).unwrap();
        assert_eq!((done.len(), not.len()), (3, 0));
        assert!(futures.iter().all(|f| f.status() == Status::Finished));
    });
}

#[test]
fn wait_for_the_first_leaves_the_others() {
    with_threads(2, |client| {
        let gate = Gate::close(client);
        let quick = inc_of(client, 1);
        quick.result().unwrap();
        let second = Gate::close(client);
        let futures = [inc_of(client, 2), quick];
        let (done, not) = wait(&futures, WaitFor::FirstCompleted, None).unwrap();
        assert_eq!((*done[0].result().unwrap(), not.len()), (2, 1));
        second.open();
        gate.open();
    });
}

#[test]
fn wait_that_times_out_says_what_is_not_done() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let futures = [inc_of(client, 1), client.scatter(7)];
        let (done, not) = wait(&futures, WaitFor::All, Some(Duration::ZERO)).unwrap();
        assert_eq!((done.len(), not.len()), (1, 1));
        gate.open();
    });
}

#[test]
fn a_result_that_times_out_says_so_and_the_task_goes_on() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let x = inc_of(client, 1);
        let error = x.result_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        gate.open();
        assert_eq!(*x.result().unwrap(), 2);
    });
}

#[test]
fn as_completed_gives_what_is_done_already_first() {
    with_threads(1, |client| {
        let done = client.scatter(1);
        let gate = Gate::close(client);
        let mut seq = as_completed([inc_of(client, 5), done]);
        assert_eq!(*seq.next().unwrap().result().unwrap(), 1);
        gate.open();
        assert_eq!(*seq.next().unwrap().result().unwrap(), 6);
        assert!(seq.next().is_none());
    });
}

#[test]
fn more_can_be_added_while_they_are_taken() {
    with_client(|client| {
        let mut budget = 100;
        let mut total = 0;
        let mut seq = as_completed([inc_of(client, 0)]);
        while let Some(done) = seq.next() {
            total += done.result().unwrap().signum();
            for _ in 0..2.min(budget) {
                budget -= 1;
                seq.push(inc_of(client, budget));
            }
        }
        assert_eq!((total, budget, seq.len()), (101, 0, 0));
    });
}

#[test]
fn a_handle_added_twice_comes_twice() {
    with_client(|client| {
        let x = inc_of(client, 1);
        let seq = &mut as_completed([x.clone(), x]);
        let count = std::iter::from_fn(|| seq.next()).count();
        assert_eq!(count, 2);
    });
}

#[test]
fn cancelled_tasks_come_out() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let (x, y) = (inc_of(client, 1), inc_of(client, 2));
        let mut seq = as_completed([x.clone(), y.clone()]);
        x.cancel();
        assert_eq!(seq.next().unwrap().status(), Status::Cancelled);
        y.cancel();
        assert_eq!(seq.next().unwrap().status(), Status::Cancelled);
        assert!(seq.next().is_none());
        gate.open();
    });
}

#[test]
fn failed_tasks_come_out() {
    with_client(|client| {
        let mut seq = as_completed([div(client, 1, 0)]);
        let failed = seq.next().unwrap();
        assert_eq!(failed.status(), Status::Failed);
        failed.result().unwrap_err();
    });
}

#[test]
fn as_completed_knows_whether_anything_is_left() {
    with_client(|client| {
        let mut seq = as_completed([]);
        assert!(seq.is_empty() && seq.next().is_none());
        seq.push(inc_of(client, 1));
        assert!(!seq.is_empty());
        assert_eq!(*seq.next().unwrap().result().unwrap(), 2);
        assert!(seq.is_empty());
    });
}

#[test]
fn as_completed_waits_no_longer_than_told() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let mut seq = as_completed([inc_of(client, 1)]);
        seq.next_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(seq.len(), 1, "it is still to come");
        gate.open();
        assert_eq!(*seq.next().unwrap().result().unwrap(), 2);
    });
}
