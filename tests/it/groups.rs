//! `groups`: tasks counted by name.

use std::thread;

use tenter::{Client, Group, Status, TaskFuture, current};

use crate::support::{
    Gate, assert_nothing_left, assert_nothing_left_after, client_of, until, watched,
};

#[track_caller]
fn group(client: &Client, name: Option<&str>) -> Group {
    let groups = client.groups();
    let found = groups.iter().find(|group| group.name.as_deref() == name);
    found
        .unwrap_or_else(|| panic!("no group {name:?}: {groups:?}"))
        .clone()
}

/// `(submitted, pending, running, finished, failed, cancelled)`.
#[track_caller]
fn counts(client: &Client, name: Option<&str>) -> [u64; 6] {
    let group = group(client, name);
    let settled = group.finished + group.failed + group.cancelled;
    assert_eq!(group.submitted, group.pending + group.running + settled);
    [
        group.submitted,
        group.pending,
        group.running,
        group.finished,
        group.failed,
        group.cancelled,
    ]
}

#[test]
fn a_group_counts_what_becomes_of_its_tasks() {
    watched(|| {
        let client = client_of(1);
        assert_eq!(client.groups(), []);
        let gate = Gate::close(&client);
        until("it is counted", || {
            counts(&client, Some("gate")) == [1, 0, 1, 0, 0, 0]
        });
        let good = client.task("load").submit(|| 1);
        let bad = client.task("load").submit(|| -> i32 { panic!("this one") });
        let heir = client
            .task("sum")
            .submit_with((&good, &bad), |(a, b)| a + b);
        let late = client.task("sum").submit_with(&good, |a| *a);
        let gone = client.task("load").submit(|| 2);
        gone.cancel();
        drop(client.task("load").submit(|| 3));
        assert_eq!(counts(&client, Some("load")), [4, 2, 0, 0, 0, 2]);
        assert_eq!(counts(&client, Some("sum")), [2, 2, 0, 0, 0, 0]);
        gate.open();
        until("all are settled", || heir.is_done() && late.is_done());
        assert_eq!(counts(&client, Some("gate")), [1, 0, 0, 1, 0, 0]);
        assert_eq!(counts(&client, Some("load")), [4, 0, 0, 1, 1, 2]);
        assert_eq!(counts(&client, Some("sum")), [2, 0, 0, 1, 1, 0]);
        assert_eq!(group(&client, Some("load")).started, 2);
        assert_nothing_left_after(&client, (good, bad, heir, late, gone));
        assert_eq!(counts(&client, Some("load")), [4, 0, 0, 1, 1, 2]);
    });
}

#[test]
fn groups_come_in_the_order_of_their_names_and_the_nameless_last() {
    watched(|| {
        let client = client_of(2);
        let plain = client.map(0..5, |x| x);
        tenter::gather(&plain).unwrap();
        for name in ["b", "a", "b", "", "nul\0"] {
            client.task(name).submit(|| 1).result().unwrap();
        }
        // Never submitted: no group.
        let _ = client.task("unused");
        let names: Vec<_> = client
            .groups()
            .into_iter()
            .map(|group| group.name)
            .collect();
        let named = ["b", "a", "", "nul\0"].map(|name| Some(name.to_owned()));
        assert_eq!(names, [&named[..], &[None]].concat());
        assert_eq!(counts(&client, None), [5, 0, 0, 5, 0, 0]);
        assert_eq!(counts(&client, Some("b")), [2, 0, 0, 2, 0, 0]);
        assert_nothing_left_after(&client, plain);
    });
}

#[test]
fn counts_are_exact_from_many_threads_and_outlive_them() {
    watched(|| {
        let client = client_of(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for k in 0..1000 {
                        let inner = || current().task("inner").submit(|| 1).result().copied();
                        client.task("outer").try_submit(inner).detach();
                        client.submit(move || k).detach();
                    }
                });
            }
        });
        // A task is counted with all before it is counted with those of its name.
        let names = [Some("inner"), Some("outer"), None];
        until("all are counted", || {
            client
                .groups()
                .iter()
                .map(|group| group.finished)
                .eq([4000; 3])
        });
        for name in names {
            assert_eq!(counts(&client, name), [4000, 0, 0, 4000, 0, 0]);
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_finished_by_another_is_started_twice_and_runs_no_more() {
    watched(|| {
        let client = client_of(2);
        let outer = client
            .task("outer")
            .submit(|| current().task("inner").submit(|| 5));
        let flat = outer.flatten();
        assert_eq!(*flat.result().unwrap(), 5);
        assert_eq!(group(&client, Some("flatten")).started, 2);
        assert_eq!(counts(&client, Some("flatten")), [1, 0, 0, 1, 0, 0]);
        assert_nothing_left_after(&client, flat);
    });
}

#[test]
fn a_cancelled_body_is_running_until_it_returns() {
    watched(|| {
        let client = client_of(1);
        let task: TaskFuture<()> = client.task("stopped").submit(|| {
            until("it is cancelled", || current().is_cancelled());
            until("the other is there", || client_has(&current(), "after"));
        });
        until("it runs", || counts(&client, Some("stopped"))[2] == 1);
        task.cancel();
        assert_eq!(task.status(), Status::Cancelled);
        assert_eq!(counts(&client, Some("stopped")), [1, 0, 1, 0, 0, 0]);
        let after = client.task("after").submit(|| ());
        after.result().unwrap();
        assert_eq!(counts(&client, Some("stopped")), [1, 0, 0, 0, 0, 1]);
        assert_nothing_left_after(&client, (task, after));
    });
}

fn client_has(client: &Client, name: &str) -> bool {
    let groups = client.groups();
    groups
        .iter()
        .any(|group| group.name.as_deref() == Some(name))
}

#[test]
fn names_past_the_limit_count_as_none() {
    watched(|| {
        const LIMIT: usize = 16_320;
        let client = client_of(1);
        for k in 0..LIMIT + 10 {
            client.task(&format!("name {k}")).submit(|| ()).detach();
        }
        let finished = |client: &Client| client.groups().iter().map(|g| g.finished).sum::<u64>();
        until("all are counted", || {
            client.stats().live == 0 && finished(&client) as usize == LIMIT + 10
        });
        let groups = client.groups();
        assert_eq!(groups.len(), LIMIT + 1);
        assert!(
            groups[..LIMIT]
                .iter()
                .all(|group| group.name.is_some() && group.finished == 1)
        );
        assert_eq!((&groups[LIMIT].name, groups[LIMIT].finished), (&None, 10));
        assert_nothing_left(&client);
    });
}

#[test]
fn tasks_that_run_again_are_futures_or_calls_add_up() {
    watched(|| {
        let client = client_of(2);
        let again = client.task("again").retries(2);
        let again = again.try_submit(|| match tenter::attempt() {
            3 => Ok(3),
            _ => Err("not yet"),
        });
        let never = client
            .task("never")
            .retries(1)
            .try_submit(|| Err::<u8, _>("no"));
        let later = client.task("later").retries(0).try_submit({
            let calls = std::sync::atomic::AtomicU32::new(0);
            move || match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Err(tenter::Reschedule.into()),
                calls => Ok::<_, Box<dyn std::error::Error + Send + Sync>>(calls),
            }
        });
        let future = client.task("future").spawn(async { vec![1u8; 1000] });
        let pending = client.task("pending").spawn(std::future::pending::<()>());
        let actor = client.actor(0u64);
        let call = actor.call(|sum| *sum + 1);
        assert_eq!(*again.result().unwrap(), 3);
        assert!(never.result().is_err() && later.result().is_ok());
        assert_eq!(
            (future.result().unwrap().len(), *call.result().unwrap()),
            (1000, 1)
        );
        assert_eq!(group(&client, Some("again")).started, 3);
        for name in ["again", "later", "future"] {
            assert_eq!(counts(&client, Some(name)), [1, 0, 0, 1, 0, 0], "{name}");
        }
        assert_eq!(counts(&client, Some("never")), [1, 0, 0, 0, 1, 0]);
        until("it is pending", || counts(&client, Some("pending"))[2] == 1);
        pending.cancel();
        until("its future is dropped", || {
            counts(&client, Some("pending")) == [1, 0, 0, 0, 0, 1]
        });
        drop((again, never, later, future, pending, call, actor));
        assert_nothing_left(&client);
        until("all results are dropped", || client.stats().bytes == 0);
        for group in client.groups() {
            assert_eq!((group.pending, group.running), (0, 0), "{group:?}");
        }
    });
}

#[test]
fn an_actors_name_counts_its_calls_alone() {
    watched(|| {
        let client = client_of(2);
        let store = client.actor_builder("store").build(0u32);
        for _ in 0..10 {
            store.call(|stored| *stored += 1).result().unwrap();
        }
        assert_eq!(counts(&client, Some("store")), [10, 0, 0, 10, 0, 0]);
        assert!(group(&client, Some("actor turn")).started > 0);
    });
}
