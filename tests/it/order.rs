//! In which order ready tasks run.

use std::collections::HashSet;

use tenter::{Client, TaskFuture, current, gather};

use crate::support::{Gate, Log, assert_nothing_left_after, client_of, until, watched};

/// Runs tasks of these priorities, submitted in this order behind a gate, on one thread; gives the order they ran in.
fn order_of(priorities: impl IntoIterator<Item = i32>) -> Vec<usize> {
    let client = client_of(1);
    let gate = Gate::close(&client);
    let log = Log::new();
    let tasks: Vec<_> = priorities
        .into_iter()
        .enumerate()
        .map(|(k, priority)| {
            let log = log.clone();
            client
                .task("entry")
                .priority(priority)
                .submit(move || log.write(k))
        })
        .collect();
    gate.open();
    until("all have run", || tasks.iter().all(TaskFuture::is_done));
    log.read()
}

/// How many entries have to go for the rest to stand in order.
fn out_of_order(order: &[usize], expected: &[usize]) -> usize {
    assert_eq!(
        order.iter().collect::<HashSet<_>>(),
        expected.iter().collect::<HashSet<_>>()
    );
    let place: Vec<_> = order
        .iter()
        .map(|k| expected.iter().position(|e| e == k).unwrap())
        .collect();
    let mut best = vec![1usize; place.len()];
    for k in 0..place.len() {
        let before = (0..k).filter(|&j| place[j] < place[k]).map(|j| best[j] + 1);
        best[k] = before.max().unwrap_or(1);
    }
    place.len() - best.into_iter().max().unwrap_or(0)
}

#[test]
fn higher_priority_runs_first() {
    watched(|| {
        let order = order_of([-5, 0, 3, 1, 9, 0, -1]);
        // Every 61st pick takes the oldest: at most one of seven.
        assert!(
            out_of_order(&order, &[4, 2, 3, 1, 5, 6, 0]) <= 1,
            "{order:?}"
        );
    });
}

#[test]
fn equal_priorities_run_first_come_first_served() {
    watched(|| {
        let expected: Vec<usize> = (0..200).collect();
        assert_eq!(order_of([5; 200]), expected);
        let plain = order_of([0; 30]);
        assert!(out_of_order(&plain, &expected[..30]) <= 1, "{plain:?}");
    });
}

#[test]
fn a_low_priority_does_not_starve() {
    watched(|| {
        for low in [0, -1, i32::MIN] {
            let order = order_of(std::iter::once(low).chain([i32::MAX; 1000]));
            let place = order.iter().position(|&k| k == 0).unwrap();
            assert!(place <= 3 * 61, "priority {low} ran as number {place}");
        }
    });
}

#[test]
fn work_of_a_task_goes_before_work_from_outside() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let log = Log::new();
        let branch = |name: &'static str| {
            let log = log.clone();
            client.submit(move || {
                log.write(name);
                for _ in 0..3 {
                    let log = log.clone();
                    current().submit(move || log.write(name)).detach();
                }
            })
        };
        let branches = [branch("a"), branch("b"), branch("c")];
        gate.open();
        until("all have run", || log.len() == 12);
        let names = log.read();
        let switches = names.windows(2).filter(|pair| pair[0] != pair[1]).count();
        // One pick in 61 takes the oldest, which may come between.
        assert!(switches <= 4, "{names:?}");
        assert_nothing_left_after(&client, branches);
    });
}

#[test]
fn of_one_priority_work_of_a_task_goes_before_work_from_outside_depth_first() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let log = Log::new();
        let branch = |name: &'static str| {
            let log = log.clone();
            client.task("branch").priority(3).submit(move || {
                log.write(name);
                for _ in 0..3 {
                    let log = log.clone();
                    let leaf = move || log.write(name);
                    let twig = move || current().task("leaf").priority(3).submit(leaf).detach();
                    current().task("twig").priority(3).submit(twig).detach();
                }
            })
        };
        let branches = [branch("a"), branch("b"), branch("c")];
        gate.open();
        until("all have run", || log.len() == 12);
        let names = log.read();
        let switches = names.windows(2).filter(|pair| pair[0] != pair[1]).count();
        // One pick in 61 takes the oldest, which may come between.
        assert!(switches <= 4, "{names:?}");
        assert_nothing_left_after(&client, branches);
    });
}

#[test]
fn with_a_seed_the_highest_priority_goes_first_and_none_starves() {
    watched(|| {
        for seed in 0..10 {
            let client = Client::builder().deterministic(seed).build().unwrap();
            let log = Log::new();
            let wrote = log.clone();
            let all = client.submit(move || {
                let submit = |k: i32| {
                    let log = wrote.clone();
                    let client = current();
                    let task = client.task("member").priority(k % 3);
                    task.submit(move || log.write(k % 3)).detach();
                };
                (0..30).for_each(submit);
            });
            until("all have run", || log.len() == 30);
            let order = log.read();
            let falls = order.windows(2).filter(|pair| pair[0] < pair[1]).count();
            assert!(falls <= 1, "one turn in 61 goes to the lowest: {order:?}");
            assert_nothing_left_after(&client, all);
        }
    });
}

#[test]
fn the_oldest_one_is_found_behind_many_that_have_run() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let before: Vec<_> = (0..64)
            .map(|_| client.task("before").priority(1).submit(|| ()))
            .collect();
        gate.open();
        gather(&before).unwrap();
        let gate = Gate::close(&client);
        let log = Log::new();
        let write = |entry| {
            let log = log.clone();
            move || log.write(entry)
        };
        let low = client.task("low").priority(-1).submit(write(0));
        let high: Vec<_> = (1..20_000)
            .map(|k| client.task("high").priority(1).submit(write(k)))
            .collect();
        gate.open();
        gather(&high).unwrap();
        low.result().unwrap();
        let place = log.read().iter().position(|&entry| entry == 0);
        assert!(place.is_some_and(|place| place < 1000), "{place:?}");
    });
}
