//! `par_map`: tasks submitted from a parallel iterator.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rayon::prelude::*;
use tenter::{Client, ErrorKind, TaskFuture, current, gather};

use crate::support::{assert_nothing_left, client_of, rayon_client_of, watched};

#[test]
fn handles_are_in_the_order_of_the_items() {
    watched(|| {
        for client in [client_of(2), rayon_client_of(2)] {
            let all = client.par_map(0..10_000u64, |x| x);
            let values: Vec<u64> = gather(&all).unwrap().into_iter().copied().collect();
            assert_eq!(values, (0..10_000).collect::<Vec<_>>());
            let odd = (0..1000u64).into_par_iter().filter(|x| x % 2 == 1);
            let odd = client.par_map(odd, |x| x);
            let values: Vec<u64> = gather(&odd).unwrap().into_iter().copied().collect();
            assert_eq!(values, (0..1000).filter(|x| x % 2 == 1).collect::<Vec<_>>());
            drop((all, odd));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn no_items_are_no_tasks() {
    watched(|| {
        let client = client_of(1);
        assert!(client.par_map(Vec::<u64>::new(), |x| x).is_empty());
        assert_eq!(client.stats().submitted, 0);
    });
}

#[test]
fn a_task_may_submit_so() {
    watched(|| {
        let client = client_of(1);
        let outer = client.submit(|| {
            let inner = tenter::current().par_map(vec![1u64, 2, 3], |x| x * x);
            gather(&inner).unwrap().into_iter().sum::<u64>()
        });
        assert_eq!(*outer.result().unwrap(), 14);
    });
}

#[test]
fn an_iterator_that_panics_leaves_no_task() {
    watched(|| {
        let client = client_of(2);
        let items = (0..1000u64).into_par_iter().map(|x| {
            assert_ne!(x, 777, "a bad item");
            x
        });
        let panics = catch_unwind(AssertUnwindSafe(|| client.par_map(items, |x| x)));
        let payload = panics.map(drop).unwrap_err();
        assert!(
            payload
                .downcast_ref::<String>()
                .unwrap()
                .contains("a bad item")
        );
        assert_nothing_left(&client);
    });
}

#[test]
fn on_a_closed_client_every_handle_has_failed() {
    watched(|| {
        let client = client_of(1);
        assert!(client.close(Duration::from_secs(60)).is_clean());
        for handle in client.par_map(0..10u64, |x| x) {
            assert_eq!(handle.result().unwrap_err().kind(), ErrorKind::Closed);
        }
    });
}

#[test]
fn tasks_have_the_options_of_the_scope_that_the_call_is_in() {
    watched(|| {
        for client in [client_of(2), rayon_client_of(2)] {
            let scope = client.annotate().label("frames");
            let tasks = scope.enter(|| client.par_map(0..1000u64, |x| x));
            let label = |task: &TaskFuture<u64>| task.label().as_deref() == Some("frames");
            assert!(tasks.iter().all(label));
            let outside = client.par_map(0..1000u64, |x| x);
            assert!(!outside.iter().any(label));
        }
    });
}

/// Waits of 10 ms each, with nothing started, would take longer than a test may.
#[test]
fn a_task_that_submits_so_never_waits_for_others_to_start() {
    watched(|| {
        let client = Client::builder().threads(1).max_pending(1).build().unwrap();
        let outer = client.submit(|| current().par_map(0..50_000u64, |x| x).len());
        assert_eq!(*outer.result().unwrap(), 50_000);
    });
}
