//! Scopes of options, and labels.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tenter::{Client, ErrorKind, Status, TaskError, TaskFuture, current};

use crate::support::{Gate, Log, assert_nothing_left_after, client_of, until, watched};

fn label<T>(task: &TaskFuture<T>) -> String {
    task.label().unwrap_or_default()
}

#[test]
fn submits_in_a_scope_and_those_of_their_tasks_inherit() {
    watched(|| {
        let client = Client::builder()
            .threads(2)
            .thread_name("t")
            .pool("io", 1)
            .build()
            .unwrap();
        let names = client.annotate().label("scan").pool("io").enter(|| {
            client.submit(|| {
                let inner = current().submit(|| {
                    let innermost = current()
                        .task("leaf")
                        .submit(|| std::thread::current().name().map(str::to_owned));
                    (label(&innermost), innermost)
                });
                (label(&inner), inner)
            })
        });
        let outside = client.submit(|| ());
        assert_eq!(
            (label(&names), label(&outside)),
            ("scan".to_owned(), String::new())
        );
        let (inner_label, inner) = names.result().unwrap();
        let (leaf_label, leaf) = inner.result().unwrap();
        assert_eq!(
            (inner_label.as_str(), leaf_label.as_str()),
            ("scan", "scan")
        );
        assert_eq!(leaf.result().unwrap().as_deref(), Some("t-io-0"));
        assert_nothing_left_after(&client, (names, outside));
    });
}

#[test]
fn every_way_of_submitting_inherits() {
    watched(|| {
        let client = client_of(2);
        let outside = client.submit(|| 1);
        let labels = client.annotate().label("x").enter(|| {
            let with = client.submit_with(&outside, |x| *x);
            let mapped = client.map(0..2, |x| x);
            let keyed = client.task("keyed").key("k").submit(|| 1);
            let again = client.task("again").key("k").submit(|| 1);
            let then = outside.clone().then(|x| *x);
            let tried = client.try_submit(|| Ok::<_, TaskError>(1));
            [
                label(&with),
                label(&mapped[1]),
                label(&keyed),
                label(&again),
                label(&then),
                label(&tried),
            ]
        });
        assert_eq!(labels, ["x"; 6]);
        assert_nothing_left_after(&client, outside);
    });
}

#[test]
fn the_tasks_own_options_go_first_and_labels_are_joined() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let log = Log::new();
        let submit = |name: &'static str, priority: Option<i32>| {
            let log = log.clone();
            let task = client.task(name).label("fit");
            let task = match priority {
                Some(priority) => task.priority(priority),
                None => task,
            };
            task.submit(move || log.write(name))
        };
        let tasks = client.annotate().priority(5).label("scan 7").enter(|| {
            let tasks = [submit("own", Some(0)), submit("scope", None)];
            let inner = client
                .annotate()
                .priority(9)
                .label("b")
                .enter(|| submit("inner", None));
            assert_eq!(
                (label(&tasks[0]), label(&inner)),
                ("scan 7 / fit".to_owned(), "scan 7 / b / fit".to_owned())
            );
            assert!(
                inner.explain().contains("[scan 7 / b / fit]"),
                "{}",
                inner.explain()
            );
            (tasks, inner)
        });
        gate.open();
        until("all have run", || log.len() == 3);
        // One pick in 61 takes the oldest; here that is the first at most.
        let order = log.read();
        assert!(
            order == ["inner", "scope", "own"] || order[0] == "own",
            "{order:?}"
        );
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn a_scope_ends_with_its_closure_also_when_that_panics() {
    let client = client_of(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        client.annotate().label("x").enter(|| {
            client
                .annotate()
                .label("y")
                .enter(|| panic!("in the scope"));
        });
    }));
    assert!(panicked.is_err());
    let after = client.submit(|| ());
    assert_eq!(after.label(), None);
    client.annotate().label("x").enter(|| {
        client.annotate().label("y").enter(|| ());
        assert_eq!(label(&client.submit(|| ())), "x", "the outer scope is back");
    });
    let bodies = client
        .annotate()
        .label("x")
        .enter(|| client.submit(|| panic!("in the body")));
    assert!(bodies.result().is_err());
    let after_body = client.submit(|| label(&current().submit(|| ())));
    assert_eq!(after_body.result().unwrap(), "");
    assert_nothing_left_after(&client, (after, bodies, after_body));
}

#[test]
fn a_scope_holds_for_its_thread_and_its_client_alone() {
    watched(|| {
        let (client, other) = (client_of(1), client_of(1));
        let (here, elsewhere, clone) = client.annotate().label("x").enter(|| {
            let elsewhere = std::thread::scope(|scope| {
                scope.spawn(|| label(&client.submit(|| ()))).join().unwrap()
            });
            (
                label(&other.submit(|| ())),
                elsewhere,
                label(&client.clone().submit(|| ())),
            )
        });
        assert_eq!(
            (here.as_str(), elsewhere.as_str(), clone.as_str()),
            ("", "", "x")
        );
    });
}

#[test]
fn a_task_that_is_run_by_a_waiting_one_does_not_inherit_from_it() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let plain = client
            .task("plain")
            .submit(|| current().submit(|| ()).label());
        let given = plain.clone();
        let scoped = client.annotate().label("x").priority(1).enter(|| {
            client.try_submit(move || {
                let inside = given.result().cloned()?;
                Ok::<_, TaskError>((inside, current().submit(|| ()).label()))
            })
        });
        gate.open();
        let (inside, after) = scoped.result().unwrap();
        assert_eq!((inside.as_deref(), after.as_deref()), (None, Some("x")));
        assert_nothing_left_after(&client, (plain, scoped));
    });
}

#[test]
fn a_scope_with_what_there_is_not_fails_all_that_is_submitted_in_it() {
    let client = client_of(1);
    let (pool, resource, keyed) = client.annotate().pool("io").enter(|| {
        let resource = client
            .annotate()
            .resource("gpu", 1)
            .enter(|| client.submit(|| 1));
        (
            client.submit(|| 1),
            resource,
            client.task("t").key("k").submit(|| 1),
        )
    });
    for task in [&pool, &resource, &keyed] {
        assert_eq!(task.status(), Status::Failed);
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
    }
    assert_nothing_left_after(&client, (pool, resource, keyed));
}

#[test]
fn resources_of_a_scope_are_needed_by_each_task_in_it() {
    watched(|| {
        let client = Client::builder()
            .threads(3)
            .resource("gpu", 1)
            .resource("net", 1)
            .build()
            .unwrap();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let (holder, next, free) = client
            .annotate()
            .resources(&[("gpu", 1), ("net", 1)])
            .enter(|| {
                let holder = client.submit(move || {
                    let _ = ended.recv();
                });
                until("it holds", || holder.status() == Status::Running);
                let free = client
                    .task("free")
                    .resources(&[("gpu", 0), ("net", 0)])
                    .submit(|| 2);
                (holder, client.submit(|| 1), free)
            });
        assert_eq!(*free.result().unwrap(), 2);
        until("it is in line", || next.explain().contains("1 of `gpu`"));
        end.send(()).unwrap();
        assert_eq!(*next.result().unwrap(), 1);
        assert_nothing_left_after(&client, (holder, next, free));
    });
}
