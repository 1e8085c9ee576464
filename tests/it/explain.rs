//! `explain` in each state, and the report of a standstill.

use std::time::Duration;

use tenter::{Client, TaskFuture, as_completed, current};

use crate::support::{Gate, Log, assert_nothing_left_after, client_of, until, watched};

fn assert_says<T>(task: &TaskFuture<T>, parts: &[&str]) {
    let text = task.explain();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn explain_says_what_a_task_that_has_not_run_lacks() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let ready = client.task("ready").key("r").submit(|| 1);
        assert_says(&ready, &["`ready`", "key r", "queued", "busy"]);
        let other = client.task("other").submit(|| 1);
        let waiting = client
            .task("late")
            .submit_with((&ready, &other), |(a, b)| a + b);
        assert_says(
            &waiting,
            &[
                "`late`",
                "waiting for",
                "`ready` (key r) (queued)",
                "`other` (queued)",
            ],
        );
        let many = client.map(0..10, |x| x);
        let wide = client.submit_with(&many, |values| values.len());
        assert_says(&wide, &["and 7 more"]);
        gate.open();
        wide.result().unwrap();
        assert_nothing_left_after(&client, (ready, other, waiting, many, wide));
    });
}

#[test]
fn explain_says_how_a_task_ended() {
    let client = Client::new().unwrap();
    let done = client.task("done").submit(|| 1);
    done.result().unwrap();
    assert_says(&done, &["`done`", "finished"]);
    let bad = client.task("bad").submit(|| -> u8 { panic!("the reason") });
    bad.result().unwrap_err();
    assert_says(&bad, &["`bad`", "failed", "the reason"]);
    let heir = client.task("heir").submit_with(&bad, |x| *x);
    heir.result().unwrap_err();
    assert_says(&heir, &["`heir`", "failed", "`bad`", "the reason"]);
    let cancelled = client.task("gone").submit_with(&done, |x| *x);
    cancelled.cancel();
    if cancelled.try_result().is_some_and(|result| result.is_err()) {
        assert_says(&cancelled, &["`gone`", "cancelled"]);
    }
}

/// Waits until the task's explanation has all these parts.
fn until_says<T>(task: &TaskFuture<T>, parts: &[&str]) {
    until(&format!("{parts:?}, last: {}", task.explain()), || {
        let text = task.explain();
        parts.iter().all(|part| text.contains(part))
    });
}

#[test]
fn explain_says_what_a_running_task_is_blocked_on() {
    watched(|| {
        let client = client_of(2);
        let feed = client.queue::<u32>("feed", 0).unwrap();
        let fed = feed.clone();
        let on_queue = client.task("eater").submit(move || fed.get().unwrap());
        until_says(&on_queue, &["`eater`", "blocked on", "queue `feed`"]);
        let eater = on_queue.clone();
        let on_task = client
            .task("follower")
            .submit(move || *eater.result().unwrap());
        until_says(&on_task, &["`follower`", "blocked on", "`eater`"]);
        let eater = on_queue.clone();
        let timed = client
            .task("timed")
            .submit(move || *eater.result_timeout(Duration::MAX).unwrap());
        until_says(&timed, &["blocked on", "`eater`", "for a time"]);
        let both = [on_queue.clone(), on_task.clone()];
        let any = client.task("any").submit(move || {
            as_completed(both)
                .next()
                .map(|done| *done.result().unwrap())
        });
        until_says(&any, &["blocked on", "first of 2 tasks"]);
        let switch = client.variable::<u32>("switch").unwrap();
        let switched = switch.clone();
        let on_variable = client
            .task("watcher")
            .submit(move || switched.get().unwrap());
        until_says(&on_variable, &["blocked on", "variable `switch`"]);
        feed.put(5).unwrap();
        switch.set(6).unwrap();
        assert_eq!(
            (
                *on_task.result().unwrap(),
                *timed.result().unwrap(),
                *any.result().unwrap()
            ),
            (5, 5, Some(5))
        );
        assert_eq!(*on_variable.result().unwrap(), 6);
        assert_nothing_left_after(&client, (on_queue, on_task, timed, any, on_variable));
    });
}

#[test]
fn explain_works_from_inside_and_while_all_changes() {
    watched(|| {
        let client = client_of(2);
        let mut tip = client.submit(|| 0u64);
        for _ in 0..3000 {
            let before = tip.clone();
            tip = tip.then(move |x| x + current().submit(|| 1).take().unwrap());
            assert!(!before.explain().is_empty() && !tip.explain().is_empty());
        }
        assert_eq!(*tip.result().unwrap(), 3000);
        assert_nothing_left_after(&client, tip);
    });
}

#[test]
fn a_standstill_is_reported_once_and_ends_with_the_queue() {
    watched(|| {
        let log = Log::new();
        let reports = log.clone();
        let client = Client::builder()
            .threads(2)
            .stall_after(Duration::from_millis(30))
            .on_stall(move |text| reports.write(text.to_owned()))
            .build()
            .unwrap();
        let starved = client.queue::<u32>("starved", 0).unwrap();
        let eats = starved.clone();
        let eater = client.task("eater").try_submit(move || eats.get());
        until("the standstill is reported", || log.len() == 1);
        let text = log.read().remove(0);
        assert!(
            ["`eater`", "queue `starved`", "explain"]
                .iter()
                .all(|part| text.contains(part)),
            "{text}"
        );
        starved.close();
        assert!(eater.result().is_err());
        assert_eq!(log.len(), 1);
        assert_nothing_left_after(&client, eater);
    });
}

#[test]
fn a_hook_that_panics_does_no_harm() {
    watched(|| {
        let log = Log::new();
        let reports = log.clone();
        let client = Client::builder()
            .threads(1)
            .stall_after(Duration::from_millis(1))
            .on_stall(move |_| {
                reports.write(());
                panic!("in the hook");
            })
            .build()
            .unwrap();
        let never = client.variable::<u8>("never").unwrap();
        let waits = never.clone();
        let task = client.try_submit(move || waits.get());
        until("it is reported", || log.len() > 0);
        never.set(1).unwrap();
        assert_eq!(*task.result().unwrap(), 1);
    });
}

#[test]
fn explain_says_who_is_busy_and_what_else_is_queued() {
    watched(|| {
        let client = client_of(2);
        let gates = [Gate::close(&client), Gate::close(&client)];
        let first = client.task("first").priority(1).submit(|| 1);
        let second = client.task("second").submit(|| 1);
        assert_says(
            &first,
            &[
                "`first`",
                "queued with 1 others:",
                "all 2 threads",
                "`gate`",
            ],
        );
        assert_says(
            &second,
            &["queued with 1 others, 1 of them of higher priority"],
        );
        gates.into_iter().for_each(Gate::open);
        second.result().unwrap();
        assert_nothing_left_after(&client, (first, second));
    });
}

#[test]
fn explain_says_what_an_input_is_blocked_on() {
    watched(|| {
        let client = client_of(1);
        let feed = client.queue::<u32>("feed", 0).unwrap();
        let fed = feed.clone();
        let eater = client.task("eater").try_submit(move || fed.get());
        let heir = client.task("heir").submit_with(&eater, |x| *x);
        until_says(
            &heir,
            &["waiting for `eater` (running, blocked on", "queue `feed`"],
        );
        feed.put(1).unwrap();
        assert_eq!(*heir.result().unwrap(), 1);
        assert_nothing_left_after(&client, (eater, heir));
    });
}

#[test]
fn explain_says_that_a_cancelled_body_has_not_returned() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let stopped = gate.task().clone();
        stopped.cancel();
        assert_says(&stopped, &["`gate`", "cancelled", "not returned"]);
        gate.open();
        until("it has returned", || {
            !stopped.explain().contains("not returned")
        });
        assert_nothing_left_after(&client, stopped);
    });
}
