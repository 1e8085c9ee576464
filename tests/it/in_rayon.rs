//! Waits inside of and around rayon's parallel iterators, on the global pool that the tests share.

use std::sync::Arc;

use rayon::prelude::*;
use tenter::{Client, TaskFuture, gather};

use crate::support::{assert_nothing_left, client_of, watched};

/// So often, pieces of an iterator wait for tasks that use one.
pub(crate) fn pieces_wait_for_iterators(client: &Client, rounds: usize) {
    let inner =
        |i: u64| client.submit(move || (0..100u64).into_par_iter().map(|j| i * j).sum::<u64>());
    for _ in 0..rounds {
        let sum: u64 = (0..8u64)
            .into_par_iter()
            .map(|i| *inner(i).result().unwrap())
            .sum();
        assert_eq!(sum, 28 * 4950);
    }
    assert_nothing_left(client);
}

/// So often, every thread of the client waits for an iterator, and every thread of rayon's for a task.
pub(crate) fn tasks_wait_for_pieces_that_wait(client: &Client, rounds: usize) {
    let outer = |_| -> TaskFuture<u64> {
        let inner = client.clone();
        client.submit(move || {
            let wait = |i| *inner.submit(move || i).result().unwrap();
            (0..64u64).into_par_iter().map(wait).sum()
        })
    };
    for _ in 0..rounds {
        let tasks: Vec<_> = (0..4).map(outer).collect();
        assert_eq!(gather(&tasks).unwrap(), [&2016; 4]);
    }
    assert_nothing_left(client);
}

#[test]
fn a_parallel_iterator_may_wait_for_tasks_that_use_one() {
    watched(|| pieces_wait_for_iterators(&client_of(2), 20));
}

#[test]
fn tasks_may_use_parallel_iterators_that_wait_for_tasks() {
    watched(|| tasks_wait_for_pieces_that_wait(&client_of(2), 20));
}

#[test]
fn waits_may_nest_in_both() {
    watched(|| {
        let client = client_of(1);
        let middle = |i: u64| {
            let inner = client.clone();
            client.submit(move || {
                let deep = |j| {
                    inner.submit(move || (0..10u64).into_par_iter().map(|k| i * j * k).sum::<u64>())
                };
                (0..10u64)
                    .into_par_iter()
                    .map(|j| *deep(j).result().unwrap())
                    .sum::<u64>()
            })
        };
        let sum: u64 = (0..10u64)
            .into_par_iter()
            .map(|i| *middle(i).result().unwrap())
            .sum();
        assert_eq!(sum, 45 * 45 * 45);
        assert_nothing_left(&client);
    });
}

/// Each waiting thread of rayon's takes up the next iterator: that must not nest without end.
#[test]
fn hundreds_of_parallel_iterators_may_wait_at_once() {
    watched(|| {
        // Its own threads, so that what nests on them is this alone.
        let pool = Arc::new(
            rayon::ThreadPoolBuilder::new()
                .num_threads(2)
                .build()
                .unwrap(),
        );
        let client = client_of(2);
        let go = client.variable::<u64>("go").unwrap();
        let outer = |_| -> TaskFuture<u64> {
            let (pool, inner, go) = (Arc::clone(&pool), client.clone(), go.clone());
            client.submit(move || {
                let wait = |_| {
                    let go = go.clone();
                    *inner.submit(move || go.get().unwrap()).result().unwrap()
                };
                pool.install(|| (0..2u64).into_par_iter().map(wait).sum())
            })
        };
        let tasks: Vec<_> = (0..400).map(outer).collect();
        let mut last = 0;
        while client.stats().started > last {
            last = client.stats().started;
            (0..100_000).for_each(|_| std::thread::yield_now());
        }
        go.set(1).unwrap();
        assert_eq!(gather(&tasks).unwrap(), [&2; 400]);
        drop(tasks);
        assert_nothing_left(&client);
    });
}

/// A piece that waits must not have another piece on top of it that waits behind it.
#[test]
fn pieces_take_locks_and_permits_in_turn() {
    watched(|| {
        let client = client_of(1);
        let (lock, permits) = (client.lock("one"), client.semaphore("one", 1).unwrap());
        let piece = |k: usize| {
            let guard = k.is_multiple_of(2).then(|| lock.lock().unwrap());
            let permit = (!k.is_multiple_of(2)).then(|| permits.acquire(1).unwrap());
            std::thread::yield_now();
            drop((guard, permit));
        };
        (0..20_000).into_par_iter().for_each(piece);
        assert!(!lock.is_locked());
        assert_eq!(permits.available(), 1);
    });
}
