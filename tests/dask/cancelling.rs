//! Cancelling (notes 4.4).

use std::sync::mpsc;

use tenter::{Client, ErrorKind, Status, TaskFuture, blocking, current, gather};

use crate::support::{Counts, Gate, Log, assert_nothing_left, until};
use crate::{inc, inc_of, most_at_once, with_threads};

#[test]
fn a_cancelled_task_is_cancelled_at_once_and_never_starts() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let x = inc_of(client, 1);
        x.cancel();
        assert_eq!(x.status(), Status::Cancelled);
        assert_eq!(x.result().unwrap_err().kind(), ErrorKind::Cancelled);
        gate.open();
        drop(x);
        assert_nothing_left(client);
        assert_eq!(client.stats().started, 1, "the gate alone");
    });
}

#[test]
fn a_cancel_right_after_the_submit_is_respected() {
    with_threads(2, |client| {
        let log = Log::new();
        for i in 0..1000 {
            let log = log.clone();
            let x = client.submit(move || log.write(i));
            x.cancel();
            assert!(matches!(x.status(), Status::Cancelled | Status::Finished));
        }
        assert_nothing_left(client);
        let stats = client.stats();
        assert_eq!(log.len() as u64, stats.started);
    });
}

#[test]
fn all_tasks_of_a_list_can_be_cancelled() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let futures = client.map(0..10, inc);
        futures.iter().for_each(TaskFuture::cancel);
        assert!(futures.iter().all(|f| f.status() == Status::Cancelled));
        assert_eq!(gather(&futures).unwrap_err().kind(), ErrorKind::Cancelled);
        gate.open();
    });
}

#[test]
fn a_task_submitted_on_a_cancelled_one_fails_as_cancelled() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let x = inc_of(client, 1);
        x.cancel();
        let y = client.submit_with(&x, |x| x + 1);
        let error = y.result().unwrap_err();
        assert_eq!((error.kind(), error.task()), (ErrorKind::Cancelled, "inc"));
        gate.open();
    });
}

#[test]
fn the_dependents_of_a_cancelled_task_fail_and_its_inputs_are_let_go() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let counts = Counts::new();
        let input = client.scatter(counts.counted());
        let x = client.submit_with(&input, |_| 1);
        drop(input);
        let y = x.clone().then(|x| x + 1);
        x.cancel();
        assert_eq!((y.status(), counts.alive()), (Status::Failed, 0));
        gate.open();
    });
}

#[test]
fn no_thread_stays_busy_with_a_cancelled_task() {
    with_threads(1, |client| {
        let x = client.submit(|| until("cancelled", || current().is_cancelled()));
        until("it runs", || x.status() == Status::Running);
        x.cancel();
        assert_eq!(*inc_of(client, 1).result().unwrap(), 2);
        drop(x);
        assert_nothing_left(client);
    });
}

#[test]
fn the_error_of_a_cancelled_task_names_it_and_its_key() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let x = client.task("load").key("frame-7").submit(|| 1);
        x.cancel();
        let text = x.result().unwrap_err().to_string();
        assert!(
            ["load", "frame-7", "cancel"]
                .iter()
                .all(|part| text.contains(part)),
            "{text}"
        );
        gate.open();
    });
}

#[test]
fn a_released_running_task_vanishes_when_its_body_ends() {
    with_threads(1, |client| {
        let (open, opened) = mpsc::channel::<()>();
        let x = client
            .task("x")
            .key("x")
            .submit(move || opened.recv().is_err());
        until("it runs", || x.status() == Status::Running);
        drop(x);
        assert_eq!(client.stats().live, 1);
        drop(open);
        assert_nothing_left(client);
    });
}

#[test]
fn a_key_wanted_again_after_its_release_is_a_new_task() {
    with_threads(2, |client| {
        let (open, opened) = mpsc::channel::<()>();
        let old = client.task("x").key("x").submit(move || {
            let _ = opened.recv();
            1
        });
        until("it runs", || old.status() == Status::Running);
        drop(old);
        let new = client.task("x").key("x").submit(|| 2);
        let after = new.clone().then(|x| x + 1);
        assert_eq!((*new.result().unwrap(), *after.result().unwrap()), (2, 3));
        drop(open);
    });
}

#[test]
fn a_cancel_is_the_same_for_every_holder() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let mine = inc_of(client, 1);
        let theirs = mine.clone();
        mine.cancel();
        assert_eq!(theirs.status(), Status::Cancelled);
        gate.open();
    });
}

#[test]
fn a_finished_task_is_not_cancelled() {
    with_threads(1, |client| {
        let x = inc_of(client, 1);
        x.result().unwrap();
        x.cancel();
        assert_eq!((x.status(), *x.result().unwrap()), (Status::Finished, 2));
    });
}

#[test]
fn handles_of_a_closed_client_say_so() {
    crate::support::watched(|| {
        let client = crate::support::client_of(1);
        let gate = Gate::close(&client);
        let finished = client.scatter(7);
        let waiting = inc_of(&client, 1);
        let closer = client.clone();
        let closing = std::thread::spawn(move || closer.close(std::time::Duration::from_secs(100)));
        until("it is cancelled", || waiting.is_done());
        gate.open();
        assert!(closing.join().unwrap().is_clean());
        assert_eq!(waiting.result().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(*finished.result().unwrap(), 7);
        assert_eq!(
            inc_of(&client, 1).result().unwrap_err().kind(),
            ErrorKind::Closed
        );
    });
}

#[test]
fn handles_of_before_a_restart_are_cancelled_and_say_which_they_are() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let x = client.task("load").key("frame-7").submit(|| 1);
        let y = x.clone().then(|x| x + 1);
        client.restart();
        assert_eq!(x.status(), Status::Cancelled);
        for error in [x.result().unwrap_err(), y.result().unwrap_err()] {
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert!(
                ["load", "frame-7"].iter().all(|part| text.contains(part)),
                "{text}"
            );
        }
        gate.open();
        assert_eq!(*inc_of(client, 1).result().unwrap(), 2);
    });
}

/// A task of the key `x` that blocks until the sender is dropped.
fn blocks(client: &Client) -> (TaskFuture<i32>, mpsc::Sender<()>) {
    let (open, opened) = mpsc::channel::<()>();
    let x = client.task("x").key("x").submit(move || {
        blocking(|| opened.recv()).unwrap_err();
        1
    });
    until("it blocks", || client.stats().blocked == 1);
    (x, open)
}

#[test]
fn a_task_cancelled_while_it_blocks_stays_cancelled_and_leaves_no_thread_too_many() {
    with_threads(1, |client| {
        let (x, open) = blocks(client);
        x.cancel();
        assert_eq!(*inc_of(client, 1).result().unwrap(), 2);
        drop(open);
        until("its body has ended", || client.stats().blocked == 0);
        assert_eq!(most_at_once(client), 1);
        assert_eq!(x.status(), Status::Cancelled);
    });
}

#[test]
fn a_key_wanted_again_while_its_old_body_blocks_is_a_new_task() {
    with_threads(1, |client| {
        let (x, open) = blocks(client);
        drop(x);
        let again = client.task("x").key("x").submit(|| 2);
        assert_eq!(*again.result().unwrap(), 2);
        drop(open);
        until("its body has ended", || client.stats().blocked == 0);
        assert_eq!((most_at_once(client), *again.result().unwrap()), (1, 2));
    });
}
