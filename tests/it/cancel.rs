//! Cancelling, in each state of a task.

use std::sync::mpsc;

use tenter::{Client, ErrorKind, Status, TaskFuture, current};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

/// A task that runs until it sees its cancel token, then writes whether `checkpoint` was an error.
fn looks_at_its_token(client: &Client, log: &Log<bool>) -> TaskFuture<()> {
    let log = log.clone();
    client.task("looks").submit(move || {
        let me = current();
        until("the token is set", || me.is_cancelled());
        log.write(
            me.checkpoint().is_err_and(|error| {
                error.kind() == ErrorKind::Cancelled && error.task() == "looks"
            }),
        );
    })
}

#[test]
fn a_running_task_sees_that_nobody_wants_it() {
    watched(|| {
        let client = client_of(1);
        let log = Log::new();
        let dropped = looks_at_its_token(&client, &log);
        until("it runs", || dropped.status() == Status::Running);
        drop(dropped);
        until("it has ended", || log.len() == 1);
        let cancelled = looks_at_its_token(&client, &log);
        until("it runs", || cancelled.status() == Status::Running);
        cancelled.cancel();
        assert_eq!(cancelled.status(), Status::Cancelled);
        until("it has ended", || log.len() == 2);
        assert_eq!(log.read(), [true, true]);
        let detached =
            client.submit(|| current().is_cancelled() || current().checkpoint().is_err());
        assert!(!detached.result().unwrap());
        drop((cancelled, detached));
        assert_nothing_left(&client);
    });
}

#[test]
fn the_result_of_a_cancelled_body_is_dropped() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let (open, opened) = mpsc::channel::<()>();
        let value = counts.counted();
        let task = client.submit(move || {
            let _ = opened.recv();
            value
        });
        until("it runs", || task.status() == Status::Running);
        let after = task.clone().then(|_| ());
        task.cancel();
        assert_eq!(after.status(), Status::Failed);
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
        drop(open);
        until("the value is dropped", || counts.alive() == 0);
        assert_eq!(task.status(), Status::Cancelled);
        drop((task, after));
        assert_nothing_left(&client);
    });
}

#[test]
fn cancelling_fails_dependents_and_lets_inputs_go() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let counted = counts.counted();
        let input = client.submit(move || drop(counted));
        let middle = client.task("middle").submit_with(&input, |()| 1);
        drop(input);
        let last = client.submit_with(&middle, |x| x + 1);
        let untouched = client.submit(|| 5);
        assert_eq!(
            (middle.status(), last.status()),
            (Status::Waiting, Status::Waiting)
        );
        middle.cancel();
        assert_eq!(
            (middle.status(), last.status()),
            (Status::Cancelled, Status::Failed)
        );
        until("the input is let go", || counts.alive() == 0);
        let error = last.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task(), error.is_inherited()),
            (ErrorKind::Cancelled, "middle", true)
        );
        let late = client.submit_with(&middle, |x| x + 1);
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Cancelled);
        gate.open();
        assert_eq!(*untouched.result().unwrap(), 5);
        drop((middle, last, untouched, late));
        assert_nothing_left(&client);
    });
}

#[test]
fn cancelling_a_settled_task_changes_nothing() {
    let client = Client::new().unwrap();
    let done = client.submit(|| 7);
    let lent = done.result().unwrap();
    done.cancel();
    assert_eq!((*lent, done.status()), (7, Status::Finished));
    let failed = client.submit(|| -> u8 { panic!("kept") });
    failed.result().unwrap_err();
    failed.cancel();
    assert_eq!(
        (failed.status(), failed.result().unwrap_err().message()),
        (Status::Failed, "kept")
    );
}

#[test]
fn a_key_is_free_again_after_a_cancel() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let first = client.task("a").key("k").submit(|| 1);
        first.cancel();
        let second = client.task("a").key("k").submit(|| 2);
        assert!(first != second);
        gate.open();
        assert_eq!(*second.result().unwrap(), 2);
        assert_eq!(first.status(), Status::Cancelled);
        drop((first, second));
        assert_nothing_left(&client);
    });
}
