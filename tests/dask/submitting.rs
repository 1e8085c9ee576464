//! Submitting, mapping, keys (notes 4.1).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use tenter::{Status, TaskFuture, gather};

use crate::support::Gate;
use crate::{inc, inc_of, pure_inc, with_client, with_threads};

#[test]
fn submit_gives_a_handle_of_the_result() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let future = inc_of(client, 10);
        assert!(!future.is_done());
        gate.open();
        assert_eq!(*future.result().unwrap(), 11);
        assert!(future.is_done());
    });
}

#[test]
fn a_handle_shows_its_name_and_status() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let future = client.task("inc").key("x").submit(|| inc(1));
        let before = format!("{future:?}").to_lowercase();
        assert!(
            before.contains("inc") && before.contains("queued"),
            "{before}"
        );
        gate.open();
        future.result().unwrap();
        let after = format!("{future:?}").to_lowercase();
        assert!(after.contains('x') && after.contains("finished"), "{after}");
    });
}

#[test]
fn map_gives_the_handles_in_the_order_of_the_items() {
    with_client(|client| {
        let futures = client.map(0..50, inc);
        let results: Vec<i64> = gather(&futures).unwrap().into_iter().copied().collect();
        assert_eq!(results, (1..51).collect::<Vec<_>>());
    });
}

#[test]
fn map_of_nothing_is_nothing() {
    with_client(|client| {
        assert!(client.map(Vec::<i64>::new(), inc).is_empty());
        assert_eq!(client.stats().submitted, 0);
    });
}

#[test]
fn map_of_two_lists_ends_with_the_shorter() {
    with_client(|client| {
        let sums = client.map((0..3).zip(10..100), |(a, b)| a + b);
        let sums: Vec<i64> = gather(&sums).unwrap().into_iter().copied().collect();
        assert_eq!(sums, [10, 12, 14]);
    });
}

#[test]
fn map_in_batches_gives_what_one_map_gives() {
    with_client(|client| {
        let batches = (0..20).collect::<Vec<i64>>();
        let batches = batches.chunks(7).map(<[i64]>::to_vec);
        let futures: Vec<_> = batches.flat_map(|batch| client.map(batch, inc)).collect();
        let results: Vec<i64> = gather(&futures).unwrap().into_iter().copied().collect();
        assert_eq!(results, (1..21).collect::<Vec<_>>());
    });
}

#[test]
fn each_item_of_a_map_can_have_its_key() {
    with_client(|client| {
        let futures: Vec<_> = (0..4)
            .map(|i| client.task("inc").key(("x", i)).submit(move || i + 1))
            .collect();
        let keys: Vec<_> = futures
            .iter()
            .map(|f| f.key().unwrap().to_string())
            .collect();
        assert_eq!(keys, ["x-0", "x-1", "x-2", "x-3"]);
    });
}

#[test]
fn items_of_a_map_can_hold_handles() {
    with_client(|client| {
        let (a, b) = (inc_of(client, 1), inc_of(client, 2));
        let pairs = [vec![a.clone(), b.clone()], vec![b, a]];
        let sums = pairs.map(|pair| client.submit_with(&pair, |p| p[0] * 10 + p[1]));
        assert_eq!(gather(&sums).unwrap(), [&23, &32]);
    });
}

#[test]
fn the_same_pure_call_has_one_key_and_runs_once() {
    with_client(|client| {
        let (a, b) = (pure_inc(client, 1), pure_inc(client, 1));
        assert_eq!((a.key(), *a.result().unwrap()), (b.key(), 2));
        assert_eq!(client.stats().started, 1);
        assert_ne!(pure_inc(client, 2).key(), a.key());
    });
}

#[test]
fn calls_that_are_not_pure_run_each_time() {
    with_client(|client| {
        let futures = [inc_of(client, 1), inc_of(client, 1)];
        assert_eq!(gather(&futures).unwrap(), [&2, &2]);
        assert!(futures.iter().all(|future| future.key().is_none()));
        assert_eq!(client.stats().started, 2);
    });
}

#[test]
fn a_pure_map_shares_the_tasks_of_the_pure_calls() {
    with_client(|client| {
        let first: Vec<_> = (0..5).map(|i| pure_inc(client, i)).collect();
        gather(&first).unwrap();
        let second: Vec<_> = (0..5).map(|i| pure_inc(client, i)).collect();
        gather(&second).unwrap();
        assert_eq!(client.stats().started, 5);
    });
}

#[test]
fn two_clients_share_a_pure_result() {
    with_client(|client| {
        let other = client.clone();
        let calls = Arc::new(AtomicUsize::new(0));
        let draw = |client: &tenter::Client| {
            let calls = Arc::clone(&calls);
            client
                .task("draw")
                .pure("draw")
                .submit(move || calls.fetch_add(1, SeqCst))
        };
        let (a, b) = (draw(client), draw(&other));
        assert_eq!(a.result().unwrap(), b.result().unwrap());
        assert_eq!(calls.load(SeqCst), 1);
    });
}

#[test]
fn a_handle_stands_for_its_key_in_the_key_of_a_call() {
    with_client(|client| {
        let x = pure_inc(client, 1);
        let double = |x: &TaskFuture<i64>| {
            let key = format!("double({})", x.key().unwrap());
            client.task("double").pure(key).submit_with(x, |x| 2 * x)
        };
        let (a, b) = (double(&x), double(&x.clone()));
        assert_eq!((*a.result().unwrap(), a.key()), (4, b.key()));
        assert_eq!(client.stats().started, 2);
    });
}

#[test]
fn a_clone_is_the_same_task() {
    with_client(|client| {
        let x = inc_of(client, 1);
        let alias = x.clone();
        let y = client.submit_with((&x, &alias), |(x, y)| x + y);
        assert_eq!(*y.result().unwrap(), 4);
        assert_eq!(client.stats().started, 2);
    });
}

#[test]
fn handles_and_plain_values_mix_in_a_call() {
    with_client(|client| {
        let x = inc_of(client, 1);
        let (name, scale) = ("x".to_owned(), 2.5);
        let y = client.submit_with((&x, &client.scatter(10)), move |(x, y)| {
            format!("{name}={}", (x + y) as f64 * scale)
        });
        assert_eq!(y.result().unwrap(), "x=30");
    });
}

#[test]
fn a_finished_key_submitted_again_changes_nothing() {
    with_client(|client| {
        let x = pure_inc(client, 1);
        x.result().unwrap();
        let before = client.stats();
        let again = pure_inc(client, 1);
        assert_eq!(again.status(), Status::Finished);
        assert_eq!(client.stats(), before);
    });
}

#[test]
fn a_failed_key_submitted_again_is_the_failed_task() {
    with_client(|client| {
        let fail = || client.task("f").key("f").try_submit(|| Err::<(), _>("no"));
        let first = fail();
        first.result().unwrap_err();
        let before = client.stats();
        let again = fail();
        assert_eq!(again.status(), Status::Failed);
        assert_eq!(client.stats(), before);
    });
}

#[test]
fn results_that_are_there_are_not_computed_again_for_a_new_dependent() {
    with_client(|client| {
        let x = pure_inc(client, 1);
        let y = client.task("y").pure("y").submit_with(&x, |x| x + 1);
        y.result().unwrap();
        let (x2, y2) = (pure_inc(client, 1), y.clone());
        let z = client.submit_with((&x2, &y2), |(x, y)| x + y);
        assert_eq!(*z.result().unwrap(), 5);
        assert_eq!(client.stats().started, 3);
    });
}

#[test]
fn a_result_is_kept_while_only_its_dependent_is_computed() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let x = pure_inc(client, 1);
        let y = client.submit_with(&x, |x| x + 1);
        drop(x);
        gate.open();
        assert_eq!(*y.result().unwrap(), 3);
        assert_eq!(client.stats().started, 3, "the gate, x and y");
    });
}

#[test]
fn as_many_tasks_run_at_once_as_there_are_threads() {
    with_threads(4, |client| {
        let together = Arc::new(Barrier::new(4));
        let tasks = client.map(0..8, move |_| together.wait().is_leader());
        let leaders = gather(&tasks).unwrap().into_iter().filter(|l| **l).count();
        assert_eq!(leaders, 2);
    });
}

#[test]
fn work_from_one_task_spreads_over_the_threads() {
    with_threads(3, |client| {
        let together = Arc::new(Barrier::new(3));
        let outer = client.submit(move || {
            let tasks = tenter::current().map(0..3, move |_| together.wait().is_leader());
            tasks.into_iter().for_each(TaskFuture::detach);
        });
        outer.result().unwrap();
        crate::support::until("all have met", || client.stats().finished == 4);
    });
}

#[test]
fn a_closure_may_hold_what_has_no_hash() {
    with_client(|client| {
        let table: HashMap<String, f64> = HashMap::from([("gain".to_owned(), 2.5)]);
        assert_eq!(*client.submit(move || table["gain"]).result().unwrap(), 2.5);
    });
}

#[test]
fn a_list_of_handles_is_one_argument_and_a_list_of_values_stays_one() {
    with_client(|client| {
        let handles = client.map(0..3, inc);
        let values = vec![10, 20, 30];
        let sum = client.submit_with(&handles, move |handles| {
            handles
                .into_iter()
                .zip(values)
                .map(|(a, b)| a * b)
                .sum::<i64>()
        });
        assert_eq!(*sum.result().unwrap(), 10 + 40 + 90);
    });
}
