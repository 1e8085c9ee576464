//! Futures among bodies: blocking in a poll, waiting for one, and whose turn it is on a deterministic client.

use std::cell::Cell;
use std::future::IntoFuture;

use futures::future::join_all;
use tenter::{Client, current};

use crate::spawned::give_way;
use crate::support::{Log, assert_nothing_left, client_of, watched};

#[test]
fn a_future_that_blocks_does_so_as_a_body_does() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let queue = client.queue::<u8>("late", 0).unwrap();
            let (gets, puts) = (queue.clone(), queue);
            let task = client.spawn(async move {
                give_way().await;
                let inner = current().submit(|| 2);
                let put = current().submit(move || puts.put(3).unwrap());
                give_way().await;
                let got = gets.get().unwrap();
                put.result().unwrap();
                inner.result().unwrap() + got
            });
            assert_eq!(*task.result().unwrap(), 5);
            drop(task);
            assert_nothing_left(&client);
        }
    });
}

thread_local! {
    static WAITS: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn who_waits_for_a_future_does_not_poll_it_on_its_own_stack() {
    watched(|| {
        for seed in [None, Some(1), Some(2), Some(3)] {
            let builder = Client::builder().threads(1);
            let client = match seed {
                None => builder.build().unwrap(),
                Some(seed) => builder.deterministic(seed).build().unwrap(),
            };
            let task = client.submit(|| {
                let inner = current().spawn(async {
                    assert!(!WAITS.get(), "on the stack of a body that waits");
                    give_way().await;
                    assert!(!WAITS.get(), "on the stack of a body that waits");
                    3
                });
                let outer = inner.then(|x| x + 1);
                WAITS.set(true);
                let result = *outer.result().unwrap();
                WAITS.set(false);
                result
            });
            assert_eq!(*task.result().unwrap(), 4);
            drop(task);
            assert_nothing_left(&client);
        }
    });
}

/// What a seed makes of tasks whose polls take turns.
fn turns_of(seed: u64) -> Vec<(usize, usize)> {
    let client = Client::builder()
        .threads(4)
        .deterministic(seed)
        .build()
        .unwrap();
    let log = Log::new();
    let hers = log.clone();
    let root = client.spawn(async move {
        let client = current();
        let member = |k| {
            let log = hers.clone();
            client.spawn(async move {
                for turn in 0..4 {
                    log.write((k, turn));
                    give_way().await;
                }
                k
            })
        };
        let members: Vec<_> = (0..5).map(member).collect();
        join_all(members.into_iter().map(IntoFuture::into_future))
            .await
            .into_iter()
            .map(|k| *k.unwrap())
            .sum::<usize>()
    });
    assert_eq!(*root.result().unwrap(), 10);
    drop(root);
    assert_nothing_left(&client);
    log.read()
}

#[test]
fn polls_take_turns_as_the_seed_says() {
    watched(|| {
        let orders: std::collections::HashSet<_> = (0..8)
            .map(|seed| {
                let order = turns_of(seed);
                assert_eq!(order, turns_of(seed));
                assert_eq!(order.len(), 20);
                order
            })
            .collect();
        assert!(orders.len() > 1, "other seeds give other orders");
    });
}
