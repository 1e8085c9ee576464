//! Attempts, retries and rescheduling (notes 4.2 and 4.7).

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use tenter::{Client, Reschedule, Status, TaskFuture, attempt, current, gather};

use crate::support::{Log, assert_nothing_left, until};
use crate::{inc_of, with_client, with_threads};

/// A task that fails while this is false, and may be made anew.
fn needs(works: &Arc<AtomicBool>, client: &Client) -> TaskFuture<i64> {
    let works = Arc::clone(works);
    let task = client.task("needs").retries(0);
    task.try_submit(move || works.load(SeqCst).then_some(10).ok_or("it does not work"))
}

/// Fails with E1, then with E2, then gives 42.
fn outcomes(client: &Client, retries: u32) -> TaskFuture<i32> {
    let task = client.task("outcomes").retries(retries);
    task.try_submit(|| match attempt() {
        1 => Err("E1"),
        2 => Err("E2"),
        _ => Ok(42),
    })
}

/// A running task that asks to be run again once it is told to stop.
fn asks_when_told(client: &Client, log: &Log<()>) -> TaskFuture<()> {
    let writes = log.clone();
    let task = client.task("asks").key("asks").retries(0);
    let future = task.try_submit(move || {
        writes.write(());
        until("it is told", || current().is_cancelled());
        Err::<(), _>(Reschedule)
    });
    until("it runs", || log.len() == 1);
    future
}

#[test]
fn a_failed_task_that_is_retried_may_succeed() {
    with_client(|client| {
        let works = Arc::default();
        let x = needs(&works, client);
        assert_eq!(x.result().unwrap_err().message(), "it does not work");
        works.store(true, SeqCst);
        assert_eq!(*x.retry().unwrap().result().unwrap(), 10);
    });
}

#[test]
fn retrying_a_dependent_retries_the_root_it_failed_through() {
    with_client(|client| {
        let works = Arc::default();
        let x = needs(&works, client);
        let y = x.clone().then(|x| x + 1);
        y.result().unwrap_err();
        works.store(true, SeqCst);
        assert_eq!(*y.retry().unwrap().result().unwrap(), 11);
        assert_eq!(*x.retry().unwrap().result().unwrap(), 10);
        assert_eq!(
            client.stats().started,
            3,
            "the root twice, its dependent once"
        );
    });
}

#[test]
fn retrying_what_has_finished_is_harmless() {
    with_client(|client| {
        let x = inc_of(client, 1);
        x.result().unwrap();
        assert!(x.retry().unwrap() == x);
        assert_eq!((x.status(), client.stats().started), (Status::Finished, 1));
    });
}

#[test]
fn a_task_is_tried_as_often_as_it_may_be_and_has_its_last_error() {
    with_client(|client| {
        let outcome = |retries| {
            let result = outcomes(client, retries).result().copied();
            result.map_err(|error| error.message().to_owned())
        };
        assert_eq!((outcome(3), outcome(2)), (Ok(42), Ok(42)));
        assert_eq!(outcome(1), Err("E2".to_owned()));
        assert_eq!(outcome(0), Err("E1".to_owned()));
    });
}

#[test]
fn each_task_of_a_list_has_its_own_retries() {
    with_client(|client| {
        let tasks: Vec<_> = (0..4).map(|retries| outcomes(client, retries)).collect();
        let results = tenter::gather_settled(&tasks);
        let of = |k: usize| results[k].as_ref().ok().copied();
        assert_eq!(
            [of(0), of(1), of(2), of(3)],
            [None, None, Some(&42), Some(&42)]
        );
    });
}

#[test]
fn a_graph_of_tasks_that_fail_at_first_is_computed() {
    with_client(|client| {
        let inputs = [outcomes(client, 2), outcomes(client, 2)];
        let sum = client.task("sum").retries(1);
        let sum = sum.try_submit_with(&inputs, |inputs| match attempt() {
            1 => Err("once more"),
            _ => Ok(inputs.into_iter().sum::<i32>()),
        });
        assert_eq!(*sum.result().unwrap(), 84);
    });
}

#[test]
fn a_task_that_asks_for_it_is_run_again() {
    with_client(|client| {
        let calls = AtomicUsize::new(0);
        let task = client.task("asks").retries(0);
        let future = task.try_submit(move || match calls.fetch_add(1, SeqCst) {
            0 => Err(Reschedule),
            calls => Ok(calls),
        });
        assert_eq!(*future.result().unwrap(), 1);
    });
}

#[test]
fn a_cancelled_task_that_asks_for_it_is_not_run_again() {
    with_threads(1, |client| {
        let log = Log::new();
        let x = asks_when_told(client, &log);
        x.cancel();
        assert_eq!(*inc_of(client, 1).result().unwrap(), 2);
        assert_eq!((x.status(), log.len()), (Status::Cancelled, 1));
    });
}

#[test]
fn a_released_task_that_asks_for_it_vanishes() {
    with_threads(1, |client| {
        let log = Log::new();
        drop(asks_when_told(client, &log));
        assert_nothing_left(client);
        assert_eq!((log.len(), client.stats().started), (1, 1));
    });
}

#[test]
fn a_key_wanted_again_before_its_body_asks_is_a_new_task() {
    with_threads(1, |client| {
        let log = Log::new();
        drop(asks_when_told(client, &log));
        let again = client.task("asks").key("asks").submit(|| 2);
        let after = again.clone().then(|x| x + 1);
        assert_eq!(gather(&[again, after]).unwrap(), [&2, &3]);
        assert_eq!(log.len(), 1);
    });
}
