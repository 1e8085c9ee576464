//! What fails, with what, and who is told.

use std::fmt;
use std::panic::panic_any;

use tenter::{Client, ErrorKind, Status, TakeError, TaskError, TaskFuture, current, gather};

use crate::support::{Counts, Gate, assert_nothing_left, client_of, until, watched};

#[derive(Debug, PartialEq)]
struct Broken(u32);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken in place {}", self.0)
    }
}

impl std::error::Error for Broken {}

fn panics(client: &Client, body: impl FnOnce() + Send + 'static) -> TaskError {
    client.submit(body).result().unwrap_err()
}

#[test]
fn a_panic_is_the_tasks_error_with_its_text() {
    let client = Client::new().unwrap();
    let text = panics(&client, || panic!("plain text"));
    assert_eq!(
        (text.kind(), text.message()),
        (ErrorKind::Panicked, "plain text")
    );
    assert_eq!(
        panics(&client, || panic!("number {}", 7)).message(),
        "number 7"
    );
    let other = panics(&client, || panic_any(17u32));
    assert_eq!(
        (other.kind(), other.message().is_empty()),
        (ErrorKind::Panicked, false)
    );
    assert!(!text.is_inherited() && text.downcast_ref::<Broken>().is_none());
    assert_eq!(
        *client.submit(|| 1).result().unwrap(),
        1,
        "the client goes on"
    );
    assert_nothing_left(&client);
}

#[test]
fn a_returned_error_can_be_had_back() {
    let client = Client::new().unwrap();
    let failed = client.task("bad").try_submit(|| Err::<u8, _>(Broken(3)));
    let error = failed.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.task(), error.message()),
        (ErrorKind::Failed, "bad", "broken in place 3")
    );
    assert_eq!(error.downcast_ref::<Broken>(), Some(&Broken(3)));
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "broken in place 3"
    );
    let text = client.try_submit(|| Err::<u8, _>("just text"));
    assert_eq!(text.result().unwrap_err().message(), "just text");
    assert_eq!(failed.status(), Status::Failed);
}

#[test]
fn an_error_says_where_its_task_was_submitted() {
    let client = Client::new().unwrap();
    let c = &client;
    let one = c.submit(|| 1);
    let at = |line: u32, task: TaskFuture<()>| {
        let error = task.result().unwrap_err();
        let place = error.location().unwrap();
        assert_eq!((place.file(), place.line()), (file!(), line));
        assert!(
            error.to_string().contains(&format!("{}:{line}", file!())),
            "{error}"
        );
    };
    at(line!(), c.submit(|| panic!("1")));
    at(line!(), c.task("a").submit(|| panic!("2")));
    at(line!(), c.submit_with(&one, |_| panic!("3")));
    at(line!(), one.then(|_| panic!("4")));
    at(line!(), c.map([1], |_| panic!("5")).remove(0));
    at(line!(), c.try_submit(|| Err("6")));
    let (line, flat) = (line!() + 1, client.scatter(()));
    let flat = flat.then(|()| current().submit(|| panic!("8"))).flatten();
    at(line, flat);
}

#[test]
fn dependents_inherit_the_error_and_name_the_culprit() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let bad = client
            .task("culprit")
            .key("k")
            .try_submit(|| Err::<u32, _>(Broken(1)));
        let good = client.submit(|| 1u32);
        let ran = Counts::new();
        let (first, second) = (ran.counted(), ran.counted());
        let a = client
            .task("first")
            .submit_with((&good, &bad), move |(x, y)| (drop(first), x + y).1);
        let b = client
            .task("second")
            .submit_with(&a, move |x| (drop(second), *x).1);
        gate.open();
        let error = b.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task(), error.message()),
            (ErrorKind::Failed, "culprit", "broken in place 1")
        );
        assert_eq!(error.location(), bad.result().unwrap_err().location());
        assert_eq!(error.key(), bad.key().as_ref());
        assert_eq!(error.downcast_ref::<Broken>(), Some(&Broken(1)));
        assert!(
            error.is_inherited() && error.to_string().contains("second"),
            "{error}"
        );
        assert!(!bad.result().unwrap_err().is_inherited());
        assert_eq!([a.status(), b.status()], [Status::Failed; 2]);
        assert_eq!(ran.alive(), 0, "closures of dependents are dropped");
        let late = client.submit_with(&b, |x| *x);
        assert_eq!(late.result().unwrap_err().task(), "culprit");
        assert!(late.result().unwrap_err().is_inherited());
        drop((bad, good, a, b, late));
        assert_nothing_left(&client);
    });
}

#[test]
fn an_error_crosses_a_long_chain() {
    watched(|| {
        let client = client_of(2);
        let gate = Gate::close(&client);
        let held = Gate::close(&client);
        let mut tip = client
            .task("root")
            .submit(|| -> u64 { panic!("at the root") });
        for _ in 0..100_000 {
            tip = tip.then(|x| x + 1);
        }
        gate.open();
        held.open();
        let error = tip.result().unwrap_err();
        assert_eq!((error.task(), error.message()), ("root", "at the root"));
        drop(tip);
        assert_nothing_left(&client);
    });
}

#[test]
fn gather_gives_the_first_error_in_the_order_of_the_handles() {
    watched(|| {
        let client = client_of(2);
        let handles = client.map(0..20u32, |k| {
            assert!(k != 7 && k != 12, "member {k}");
            k
        });
        assert!(gather(&handles).unwrap_err().message().contains("member 7"));
        assert_eq!(gather(&handles[13..]).unwrap().len(), 7);
        assert!(gather::<u8>(&[]).unwrap().is_empty());
    });
}

#[test]
fn an_error_passed_on_with_a_question_mark_keeps_its_culprit() {
    watched(|| {
        let client = client_of(2);
        let outer: TaskFuture<u32> = client.task("outer").try_submit(|| {
            let inner = current()
                .task("inner")
                .try_submit(|| Err::<u32, _>(Broken(9)));
            Ok::<_, TaskError>(*inner.result()? + 1)
        });
        let error = outer.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task(), error.message()),
            (ErrorKind::Failed, "inner", "broken in place 9")
        );
        assert!(error.is_inherited() && error.downcast_ref::<Broken>().is_some());
        assert!(error.to_string().contains("outer"), "{error}");
        let outermost = client.task("outermost").submit_with(&outer, |x| *x);
        assert_eq!(outermost.result().unwrap_err().task(), "inner");
    });
}

#[test]
fn take_of_a_failed_task_is_its_error() {
    let client = Client::new().unwrap();
    let bad = client.task("bad").submit(|| -> u8 { panic!("no value") });
    let TakeError::Failed(error) = bad.take().unwrap_err() else {
        panic!("it has no value to share")
    };
    assert_eq!(error.message(), "no value");
    assert_nothing_left(&client);
}

#[test]
fn panics_are_counted_and_do_not_end_threads() {
    watched(|| {
        let client = client_of(2);
        let bad = client.map(0..200, |k| -> u8 { panic!("{k}") });
        until("all have failed", || bad.iter().all(TaskFuture::is_done));
        assert_eq!(
            (client.stats().failed, client.stats().threads_started),
            (200, 2)
        );
    });
}
