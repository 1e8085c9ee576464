//! Many handles at once: gathered, awaited together, submitted together.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{
    Client, ErrorKind, TaskFuture, WaitFor, current, gather, gather_async, gather_settled,
    gather_settled_async, wait, wait_async,
};

use crate::support::{Gate, assert_nothing_left, client_of, watched};

/// A finished, a failed and a cancelled task.
fn three_ends(client: &Client) -> [TaskFuture<i32>; 3] {
    let gate = Gate::close(client);
    let ends = [
        client.submit(|| 7),
        client.submit(|| panic!("on purpose")),
        client.submit(|| 8),
    ];
    ends[2].cancel();
    gate.open();
    ends
}

fn kinds(results: Vec<Result<&i32, tenter::TaskError>>) -> Vec<Result<i32, ErrorKind>> {
    let kind = |result: Result<&i32, tenter::TaskError>| result.copied().map_err(|e| e.kind());
    results.into_iter().map(kind).collect()
}

#[test]
fn gather_settled_gives_what_each_came_to() {
    watched(|| {
        let client = client_of(1);
        let ends = three_ends(&client);
        let expected = [Ok(7), Err(ErrorKind::Panicked), Err(ErrorKind::Cancelled)];
        assert_eq!(kinds(gather_settled(&ends)), expected);
        assert_eq!(kinds(block_on(gather_settled_async(&ends))), expected);
        let none: [TaskFuture<i32>; 0] = [];
        assert!(gather_settled(&none).is_empty());
        let inside = client.submit(move || kinds(gather_settled(&ends)));
        assert_eq!(*inside.result().unwrap(), expected);
        drop(inside);
        assert_nothing_left(&client);
    });
}

#[test]
fn gather_settled_in_a_task_waits_for_tasks_of_its_own() {
    watched(|| {
        let client = client_of(1);
        let sum = client.submit(|| {
            let parts = current().map(0..100, |x| assert_ne!(x, 50));
            gather_settled(&parts)
                .into_iter()
                .filter(Result::is_ok)
                .count()
        });
        assert_eq!(*sum.result().unwrap(), 99);
    });
}

#[test]
fn gather_async_gives_all_results_or_the_first_error() {
    watched(|| {
        let client = client_of(2);
        let gate = Gate::close(&client);
        let tasks = client.map(0..100, |x| x);
        let opener = std::thread::spawn(move || gate.open());
        let sum: i32 = block_on(async { gather_async(&tasks).await.unwrap().into_iter().sum() });
        assert_eq!(sum, 4950);
        opener.join().unwrap();
        let error = block_on(async { gather_async(&three_ends(&client)).await.unwrap_err() });
        assert_eq!(error.kind(), ErrorKind::Panicked);
        let none: [TaskFuture<i32>; 0] = [];
        assert!(block_on(gather_async(&none)).unwrap().is_empty());
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn async_waits_may_move_between_threads() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    watched(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let client = client_of(2);
        let tasks = client.map(0..100, |x| x);
        let gathered = runtime.spawn(sent(async move {
            let (done, not_done) = wait_async(&tasks, WaitFor::All).await;
            gather_settled_async(&tasks).await.len() + done.len() + not_done.len()
        }));
        assert_eq!(runtime.block_on(gathered).unwrap(), 200);
        assert_nothing_left(&client);
    });
}

#[test]
fn each_way_to_wait_has_its_async_form() {
    watched(|| {
        let client = client_of(1);
        let failed = client.submit(|| -> i32 { panic!("on purpose") });
        gather_settled(std::slice::from_ref(&failed));
        let gate = Gate::close(&client);
        let queued = client.submit(|| 1);
        let given = client.scatter(2);
        let handles = [queued.clone(), given.clone(), failed];
        let numbers = |(done, not): (Vec<_>, Vec<TaskFuture<i32>>)| (done.len(), not.len());
        assert_eq!(
            numbers(block_on(wait_async(&handles, WaitFor::FirstCompleted))),
            (2, 1)
        );
        assert_eq!(
            numbers(block_on(wait_async(&handles, WaitFor::FirstFailed))),
            (2, 1)
        );
        let mut context = Context::from_waker(Waker::noop());
        let two = [queued.clone(), given];
        for until in [WaitFor::All, WaitFor::FirstFailed] {
            assert!(
                pin!(wait_async(&two, until))
                    .as_mut()
                    .poll(&mut context)
                    .is_pending()
            );
        }
        assert!(!queued.is_done(), "a wait that was dropped changes nothing");
        let opener = std::thread::spawn(move || gate.open());
        assert_eq!(numbers(block_on(wait_async(&two, WaitFor::All))), (2, 0));
        assert_eq!(
            numbers(block_on(wait_async(&two, WaitFor::FirstFailed))),
            (2, 0)
        );
        assert_eq!(
            numbers(block_on(wait_async(&[], WaitFor::FirstCompleted))),
            (0, 0)
        );
        opener.join().unwrap();
        drop((handles, two, queued));
        assert_nothing_left(&client);
    });
}

#[test]
fn each_way_to_wait_may_have_an_end() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let handles = [client.submit(|| 1), client.scatter(2)];
        for until in [WaitFor::All, WaitFor::FirstFailed] {
            for timeout in [Duration::ZERO, Duration::from_millis(2)] {
                let (done, not_done) = wait(&handles, until, Some(timeout)).unwrap();
                assert_eq!((done.len(), not_done.len()), (1, 1));
            }
        }
        gate.open();
        let (done, _) = wait(&handles, WaitFor::All, Some(Duration::MAX)).unwrap();
        assert_eq!(done.len(), 2);
        drop((done, handles));
        assert_nothing_left(&client);
    });
}

#[test]
fn submit_many_gives_the_handles_in_the_order_of_the_closures() {
    watched(|| {
        let client = client_of(2);
        let tasks = client.submit_many((0..1000u64).map(|k| move || k * k));
        assert!(
            gather(&tasks)
                .unwrap()
                .into_iter()
                .copied()
                .eq((0..1000).map(|k| k * k))
        );
        let boxed: Vec<Box<dyn FnOnce() -> &'static str + Send>> =
            vec![Box::new(|| "a"), Box::new(|| panic!("on purpose"))];
        let mixed = client.submit_many(boxed);
        assert_eq!(*mixed[0].result().unwrap(), "a");
        let error = mixed[1].result().unwrap_err();
        assert!(error.location().unwrap().file().ends_with("gathering.rs"));
        assert!(
            client
                .submit_many(std::iter::empty::<fn() -> u8>())
                .is_empty()
        );
        drop((tasks, mixed));
        assert_nothing_left(&client);
        assert!(client.close(Duration::MAX).is_clean());
        let refused = client.submit_many([|| 1, || 2]);
        let kinds = refused.iter().map(|task| task.result().unwrap_err().kind());
        assert!(kinds.eq([ErrorKind::Closed; 2]));
    });
}
