//! Priorities, order, tasks in tasks (notes 4.7).

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use tenter::{TaskFuture, blocking, current, gather};

use crate::support::{Gate, Log};
use crate::{inc, inc_of, most_at_once, with_client, with_threads};

#[test]
fn higher_priorities_go_first() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let log = Log::new();
        let tasks: Vec<_> = [0, -1, 5, 1, 0]
            .into_iter()
            .enumerate()
            .map(|(k, priority)| {
                let log = log.clone();
                client
                    .task("p")
                    .priority(priority)
                    .submit(move || log.write((priority, k)))
            })
            .collect();
        gate.open();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), [(5, 2), (1, 3), (0, 0), (0, 4), (-1, 1)]);
    });
}

#[test]
fn equal_priorities_go_in_the_order_of_their_submits() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let log = Log::new();
        let tasks: Vec<_> = (0..20)
            .map(|k| {
                let log = log.clone();
                client.task("p").priority(3).submit(move || log.write(k))
            })
            .collect();
        gate.open();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn a_dependent_runs_right_after_its_input() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let log = Log::new();
        let chains: Vec<TaskFuture<()>> = (0..3)
            .map(|k| {
                let (first, second) = (log.clone(), log.clone());
                client
                    .submit(move || first.write((k, 1)))
                    .then(move |()| second.write((k, 2)))
            })
            .collect();
        gate.open();
        gather(&chains).unwrap();
        assert_eq!(log.read(), [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]);
    });
}

#[test]
fn a_wide_graph_of_chains_holds_few_results_at_once() {
    with_threads(2, |client| {
        let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let gates = [Gate::close(client), Gate::close(client)];
        let chains: Vec<_> = (0..32)
            .map(|i| {
                let (up, down, most) = (Arc::clone(&alive), Arc::clone(&alive), Arc::clone(&most));
                let root = client.submit(move || {
                    most.fetch_max(up.fetch_add(1, SeqCst) + 1, SeqCst);
                    i
                });
                let last = root.then(|x| inc(*x)).then(|x| inc(*x));
                last.then(move |x| {
                    down.fetch_sub(1, SeqCst);
                    *x
                })
            })
            .collect();
        gates.into_iter().for_each(Gate::open);
        gather(&chains).unwrap();
        assert!(
            most.load(SeqCst) <= 2,
            "{} roots at once",
            most.load(SeqCst)
        );
    });
}

#[test]
fn a_task_submits_tasks_and_waits_for_them() {
    with_threads(1, |client| {
        let outer = client.task("outer").try_submit(|| {
            let (x, y) = (inc_of(&current(), 1), inc_of(&current(), 2));
            Ok::<_, tenter::TaskError>(x.result()? + y.result()?)
        });
        assert_eq!(*outer.result().unwrap(), 5);
    });
}

#[test]
fn tasks_in_tasks_in_tasks() {
    with_threads(2, |client| {
        fn fib(n: u64) -> u64 {
            if n < 2 {
                return n;
            }
            let client = current();
            let (a, b) = (
                client.submit(move || fib(n - 1)),
                client.submit(move || fib(n - 2)),
            );
            a.result().unwrap() + b.result().unwrap()
        }
        assert_eq!(*client.submit(|| fib(12)).result().unwrap(), 144);
    });
}

#[test]
fn every_blocked_task_lets_another_run() {
    with_threads(1, |client| {
        let (stop, started) = (client.variable::<()>("stop").unwrap(), Log::new());
        let tasks: Vec<_> = (0..5)
            .map(|k| {
                let (stop, started) = (stop.clone(), started.clone());
                client.submit(move || {
                    started.write(k);
                    stop.get().unwrap();
                })
            })
            .collect();
        crate::support::until("all have started", || started.len() == 5);
        stop.set(()).unwrap();
        gather(&tasks).unwrap();
        stop.delete();
    });
}

#[test]
fn the_current_client_is_known_in_tasks_alone() {
    with_client(|client| {
        assert!(tenter::try_current().is_none());
        assert!(
            *client
                .submit(|| tenter::try_current().is_some())
                .result()
                .unwrap()
        );
    });
}

#[test]
fn two_graphs_over_the_same_inputs_both_get_on() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let log = Log::new();
        let inputs = client.map(0..4, inc);
        let over = |name: &'static str| -> Vec<TaskFuture<()>> {
            let write = |x: &TaskFuture<i64>| {
                let log = log.clone();
                client.submit_with(x, move |_| log.write(name))
            };
            inputs.iter().map(write).collect()
        };
        let (first, second) = (over("first"), over("second"));
        gate.open();
        gather(&first).unwrap();
        gather(&second).unwrap();
        let half = &log.read()[..4];
        assert!(
            half.contains(&"first") && half.contains(&"second"),
            "{half:?}"
        );
    });
}

#[test]
fn a_task_that_blocks_on_something_foreign_lets_another_run() {
    with_threads(1, |client| {
        let (send, received) = std::sync::mpsc::channel();
        let waits = client.submit(move || blocking(|| received.recv()).unwrap());
        let sends = client.submit(move || send.send(7).unwrap());
        assert_eq!(*waits.result().unwrap(), 7);
        sends.result().unwrap();
    });
}

#[test]
fn many_tasks_that_each_wait_for_a_task_all_end() {
    with_threads(2, |client| {
        let outer = client.map(0..100, |x| *inc_of(&current(), x).result().unwrap());
        let sum: i64 = gather(&outer).unwrap().into_iter().sum();
        assert_eq!(sum, 5050);
    });
}

#[test]
fn who_has_waited_takes_its_place_again() {
    with_threads(1, |client| {
        let outer = client.map(0..20, |x| *inc_of(&current(), x).result().unwrap());
        gather(&outer).unwrap();
        drop(outer);
        crate::support::assert_nothing_left(client);
        assert_eq!(most_at_once(client), 1);
    });
}
