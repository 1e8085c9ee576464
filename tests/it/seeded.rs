//! The deterministic host: a seed decides the order.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::Duration;

use tenter::{Client, ErrorKind, Status, TaskError, TaskFuture, as_completed, current, gather};

use crate::support::{Log, assert_nothing_left, until, watched};

fn client_of(seed: u64) -> Client {
    Client::builder()
        .threads(4)
        .deterministic(seed)
        .build()
        .unwrap()
}

/// One of fifty tasks: some wait for an earlier one, some put into a queue, as many get from it.
fn member(k: usize, earlier: &[TaskFuture<usize>], log: Log<usize>) -> TaskFuture<usize> {
    let client = current();
    let queue = client.queue::<usize>("items", 0).unwrap();
    let before = earlier.get(k / 2).cloned();
    client.task("member").try_submit(move || {
        log.write(k);
        if k > 0 && k.is_multiple_of(3) {
            before.expect("an earlier one").result()?;
        }
        match k % 5 {
            0 => queue.put(k).unwrap(),
            1 => _ = queue.get()?,
            _ => {}
        }
        log.write(1000 + k);
        Ok::<_, TaskError>(k)
    })
}

/// The order in which the bodies began and ended.
fn order_of(seed: u64) -> Vec<usize> {
    let client = client_of(seed);
    let log = Log::new();
    let hers = log.clone();
    let root = client.submit(move || {
        let mut members: Vec<TaskFuture<usize>> = Vec::new();
        for k in 0..50 {
            let next = member(k, &members, hers.clone());
            members.push(next);
        }
        gather(&members).unwrap().into_iter().sum::<usize>()
    });
    assert_eq!(*root.result().unwrap(), 1225);
    drop(root);
    assert_nothing_left(&client);
    log.read()
}

#[test]
fn the_same_seed_gives_the_same_order() {
    watched(|| {
        let mut orders = HashSet::new();
        for seed in 0..100 {
            let order = order_of(seed);
            assert_eq!(order, order_of(seed), "seed {seed}");
            assert_eq!(order.len(), 100);
            orders.insert(order);
        }
        assert!(
            orders.len() > 90,
            "only {} orders in 100 seeds",
            orders.len()
        );
    });
}

/// The order of tasks that nobody inside waits for.
fn order_of_detached(seed: u64) -> Vec<usize> {
    let client = client_of(seed);
    let log = Log::new();
    let hers = log.clone();
    let root = client.submit(move || {
        for k in 0..30 {
            let (log, logs_too) = (hers.clone(), hers.clone());
            let first = current().submit(move || log.write(k));
            first.then(move |()| logs_too.write(100 + k)).detach();
        }
    });
    root.result().unwrap();
    until("all have run", || log.len() == 60);
    log.read()
}

#[test]
fn tasks_that_nobody_waits_for_run_in_an_order_of_the_seed_too() {
    watched(|| {
        let orders: HashSet<_> = (0..50).map(order_of_detached).collect();
        assert!(
            orders.len() > 45,
            "only {} orders in 50 seeds",
            orders.len()
        );
        assert!((0..50).all(|seed| orders.contains(&order_of_detached(seed))));
    });
}

#[test]
fn one_body_runs_at_a_time() {
    watched(|| {
        let client = client_of(7);
        let inside = std::sync::Arc::new(std::sync::Mutex::new(()));
        let root = client.submit(move || {
            let tasks = current().map(0..50, move |_| {
                let alone = inside
                    .try_lock()
                    .map(|_guard| std::thread::yield_now())
                    .is_ok();
                current().submit(|| ()).result().unwrap();
                alone
            });
            gather(&tasks).unwrap().into_iter().all(|alone| *alone)
        });
        assert!(root.result().unwrap());
    });
}

/// The host knows only tenter's own blocking.
#[test]
fn a_body_that_blocks_unseen_keeps_its_turn() {
    watched(|| {
        let client = client_of(7);
        let blocks = client.submit(|| {
            let other = current().submit(|| ());
            let (_never, told) = mpsc::channel::<()>();
            let _ = told.recv_timeout(Duration::from_millis(100));
            other.status()
        });
        assert_eq!(*blocks.result().unwrap(), Status::Queued);
    });
}

#[test]
fn a_deadlock_is_found() {
    watched(|| {
        for seed in 0..50 {
            let client = client_of(seed);
            let root = client.submit(|| {
                let client = current();
                let waits = |name: &'static str, other: &'static str| {
                    let given = client.variable::<TaskFuture<u8>>(other).unwrap();
                    let task = client
                        .task(name)
                        .try_submit(move || given.get()?.result().copied());
                    client.variable(name).unwrap().set(task.clone()).unwrap();
                    task
                };
                let tasks = [waits("left", "right"), waits("right", "left")];
                tasks.map(|task| task.result().unwrap_err())
            });
            for error in root.result().unwrap() {
                assert_eq!(error.kind(), ErrorKind::Deadlock, "seed {seed}");
                assert!(
                    error.message().contains("left") && error.message().contains("right"),
                    "seed {seed}: {error}"
                );
            }
        }
    });
}

#[test]
fn sets_of_tasks_and_panics_work() {
    watched(|| {
        for seed in 0..50 {
            let client = client_of(seed);
            let root = client.submit(|| {
                let mut running = as_completed(current().map(0..20, |k| {
                    assert!(k % 4 != 1, "a quarter fails");
                    current().submit(move || k).take().unwrap()
                }));
                let (mut good, mut bad) = (0, 0);
                while let Some(done) = running.next() {
                    match done.result() {
                        Ok(_) => good += 1,
                        Err(_) => bad += 1,
                    }
                }
                (good, bad)
            });
            assert_eq!(*root.result().unwrap(), (15, 5), "seed {seed}");
            drop(root);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn what_a_task_feeds_ends_the_waits_of_others() {
    watched(|| {
        for seed in 0..50 {
            let client = client_of(seed);
            let queue = client.queue::<u64>("feed", 2).unwrap();
            let eats = queue.clone();
            let eaters = client.map(0..5, move |_| {
                std::iter::from_fn(|| eats.get().ok()).sum::<u64>()
            });
            let feeder = client.submit(move || {
                (0..100).for_each(|k| queue.put(k).unwrap());
                queue.close();
            });
            feeder.result().unwrap();
            assert_eq!(
                gather(&eaters).unwrap().into_iter().sum::<u64>(),
                4950,
                "seed {seed}"
            );
        }
    });
}
