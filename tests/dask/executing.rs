//! What Dask's `Executor` does, done with a client (notes 4.11).

use std::time::Duration;

use tenter::{ErrorKind, Status, TaskFuture};

use crate::support::{Gate, until};
use crate::{inc, inc_of, with_threads};

#[test]
fn results_of_a_map_come_in_order_each_with_a_time_limit() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let futures = client.map(0..3, inc);
        let first = futures[0].result_timeout(Duration::ZERO);
        assert_eq!(first.unwrap_err().kind(), ErrorKind::TimedOut);
        gate.open();
        let limited = |future: &TaskFuture<i64>| *future.result_timeout(Duration::MAX).unwrap();
        assert_eq!(futures.iter().map(limited).collect::<Vec<_>>(), [1, 2, 3]);
    });
}

#[test]
fn dropping_what_a_map_gave_cancels_the_rest() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let mut futures = client.map(0..10, inc).into_iter();
        let first = futures.next().unwrap();
        drop(futures);
        gate.open();
        assert_eq!(*first.result().unwrap(), 1);
        drop(first);
        crate::support::assert_nothing_left(client);
        assert_eq!(client.stats().started, 2, "the gate and the first");
    });
}

#[test]
fn closing_waits_for_what_runs_and_cancels_the_rest() {
    with_threads(1, |client| {
        let running = client.submit(|| {
            until("the client closes", || tenter::current().is_cancelled());
            7
        });
        until("it runs", || running.status() == Status::Running);
        let queued = inc_of(client, 1);
        assert!(client.close(Duration::MAX).is_clean());
        assert_eq!(*running.result().unwrap(), 7);
        assert_eq!(queued.result().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn closing_without_waiting_names_what_still_runs() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let report = client.close(Duration::ZERO);
        assert_eq!(report.still_running(), ["gate"]);
        gate.open();
        assert!(client.close(Duration::MAX).is_clean());
    });
}

#[test]
fn a_closed_client_takes_no_work() {
    with_threads(1, |client| {
        assert!(client.close(Duration::MAX).is_clean());
        let error = inc_of(client, 1).result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    });
}
