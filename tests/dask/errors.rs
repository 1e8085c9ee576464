//! Results and errors (notes 4.2).

use std::num::ParseIntError;

use tenter::{ErrorKind, Status, WaitFor, gather, gather_settled, wait};

use crate::support::{Gate, until};
use crate::{div, inc_of, with_client, with_threads};

#[test]
fn the_error_of_a_task_is_raised_by_its_result() {
    with_client(|client| {
        let error = div(client, 1, 0).result().unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Failed, "division by zero")
        );
    });
}

#[test]
fn the_original_error_can_be_had_back() {
    with_client(|client| {
        let future = client.try_submit(|| "x".parse::<i32>());
        let error = future.result().unwrap_err();
        assert_eq!(
            error.downcast_ref::<ParseIntError>(),
            "x".parse::<i32>().as_ref().err()
        );
    });
}

#[test]
fn a_panic_is_an_error_with_its_text() {
    with_client(|client| {
        let future = client.submit(|| -> i32 { panic!("no such frame: {}", 7) });
        let error = future.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Panicked, "no such frame: 7")
        );
    });
}

#[test]
fn waiting_for_a_failing_task_raises_nothing() {
    with_client(|client| {
        let futures = [div(client, 1, 0), div(client, 1, 1)];
        let (done, not) = wait(&futures, WaitFor::All, None).unwrap();
        assert_eq!((done.len(), not.len()), (2, 0));
    });
}

#[test]
fn gather_raises_the_first_error() {
    with_client(|client| {
        let futures = [inc_of(client, 1), div(client, 1, 0), inc_of(client, 2)];
        assert_eq!(gather(&futures).unwrap_err().message(), "division by zero");
    });
}

#[test]
fn other_tasks_go_on_beside_a_failing_one() {
    with_client(|client| {
        let bad = div(client, 1, 0);
        let good = [inc_of(client, 1), inc_of(client, 2)];
        assert_eq!(gather(&good).unwrap(), [&2, &3]);
        assert_eq!(bad.result().unwrap_err().kind(), ErrorKind::Failed);
    });
}

#[test]
fn an_error_says_where_its_task_was_submitted() {
    with_client(|client| {
        let line = line!() + 1;
        let future = client.submit(|| -> i32 { panic!("here") });
        let error = future.result().unwrap_err();
        let location = error.location().unwrap();
        assert_eq!((location.file(), location.line()), (file!(), line));
    });
}

#[test]
fn an_error_text_names_the_task_and_the_text() {
    with_client(|client| {
        let text = div(client, 1, 0).result().unwrap_err().to_string();
        assert!(
            text.contains("div") && text.contains("division by zero"),
            "{text}"
        );
    });
}

#[test]
fn a_long_error_text_is_kept_whole() {
    with_client(|client| {
        let future = client.try_submit(|| Err::<(), _>("x".repeat(100_000)));
        assert_eq!(future.result().unwrap_err().message().len(), 100_000);
    });
}

#[test]
fn a_dependent_has_the_error_of_the_culprit() {
    with_client(|client| {
        let x = div(client, 1, 0);
        let z = x.clone().then(|x| x + 1).then(|y| y + 1);
        let error = z.result().unwrap_err();
        assert_eq!((error.task(), error.message()), ("div", "division by zero"));
        assert!(error.is_inherited());
        assert_eq!(client.stats().started, 1, "the dependents never ran");
    });
}

#[test]
fn a_task_submitted_on_a_failed_one_fails_at_once() {
    with_client(|client| {
        let x = div(client, 1, 0);
        x.result().unwrap_err();
        let y = client.submit_with(&x, |x| x + 1);
        until("it has failed", || y.is_done());
        assert_eq!((y.status(), client.stats().started), (Status::Failed, 1));
    });
}

#[test]
fn waiting_for_the_first_failure_does_not_wait_for_the_rest() {
    with_threads(2, |client| {
        let gate = Gate::close(client);
        let futures = [inc_of(client, 1), div(client, 1, 0)];
        let pending = client.submit_with(&futures[1], |x| *x);
        let slow = client.submit_with(&futures[0], |x| *x);
        let (done, _) = wait(&futures, WaitFor::FirstFailed, None).unwrap();
        assert!(done.iter().any(|future| future.status() == Status::Failed));
        gate.open();
        assert_eq!(*slow.result().unwrap(), 2, "what is held goes on");
        pending.result().unwrap_err();
    });
}

#[test]
fn what_failed_can_be_left_out() {
    with_client(|client| {
        let futures = [inc_of(client, 1), div(client, 1, 0), inc_of(client, 2)];
        let settled = gather_settled(&futures);
        assert_eq!(
            settled[1].as_ref().unwrap_err().message(),
            "division by zero"
        );
        let good: Vec<_> = settled.into_iter().filter_map(Result::ok).collect();
        assert_eq!(good, [&2, &3]);
    });
}
