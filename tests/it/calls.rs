//! Calls of `#[task]` functions: what goes in, what comes out, how they nest.

use serde::{Deserialize, Serialize};
use tenter::{Client, ErrorKind, TaskError, task};

#[task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[task]
fn inc(a: u64) -> u64 {
    a + 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Frame(Vec<f64>);

#[task]
fn brightest(frame: &Frame) -> f64 {
    frame.0.iter().copied().fold(f64::MIN, f64::max)
}

#[task]
fn join(words: &[String], with: &str) -> String {
    words.join(with)
}

#[task]
fn parse(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[task]
async fn wait_and_add(a: u64, b: &u64) -> u64 {
    a + *b
}

#[task]
async fn parse_later(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[task(pure)]
fn fib(n: u64) -> Result<u64, TaskError> {
    if n < 2 {
        return Ok(n);
    }
    let client = tenter::current();
    let (a, b) = (
        client.submit(fib::call(n - 1)),
        client.submit(fib::call(n - 2)),
    );
    Ok(a.result()? + b.result()?)
}

fn clients() -> [Client; 2] {
    let plain = Client::builder().threads(2).encode(false);
    let encoding = Client::builder().threads(2).encode(true);
    [plain.build().unwrap(), encoding.build().unwrap()]
}

#[test]
fn the_function_stays_callable() {
    assert_eq!(add(1, 2), 3);
}

#[test]
fn values_handles_and_calls_mix() {
    for client in clients() {
        let a = client.submit(|| 10);
        let sum = client.submit(add::call(inc::call(1), &a));
        assert_eq!(*sum.result().unwrap(), 12);
        let moved = client.submit(add::call(a, add::call(inc::call(inc::call(0)), 1)));
        assert_eq!(*moved.result().unwrap(), 13);
    }
}

#[test]
fn texts_and_slices_are_borrowed() {
    for client in clients() {
        let words = client.scatter(vec!["a".to_owned(), "b".to_owned()]);
        let joined = client.submit(join::call(&words, "-"));
        assert_eq!(joined.result().unwrap(), "a-b");
        let joined = client.submit(join::call(vec!["c".to_owned()], "-"));
        assert_eq!(joined.result().unwrap(), "c");
    }
}

#[test]
fn an_error_is_the_tasks_own() {
    for client in clients() {
        assert_eq!(*client.submit(parse::call("17")).result().unwrap(), 17);
        let error = client
            .submit(parse::call("x"))
            .result()
            .unwrap_err()
            .clone();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(error.task(), "it::calls::parse");
        assert_eq!(error.message(), "invalid digit found in string");
    }
}

#[test]
fn async_functions_are_tasks() {
    for client in clients() {
        let b = client.submit(|| 4u64);
        assert_eq!(
            *client.submit(wait_and_add::call(1, &b)).result().unwrap(),
            5
        );
        assert_eq!(
            *client.submit(wait_and_add::call(&b, 2)).result().unwrap(),
            6
        );
        assert_eq!(
            *client.submit(parse_later::call("17")).result().unwrap(),
            17
        );
        assert!(client.submit(parse_later::call("")).result().is_err());
    }
}

#[test]
fn a_pure_call_is_computed_once() {
    for client in clients() {
        let before = client.stats().started;
        assert_eq!(
            *client.submit(fib::call(90)).result().unwrap(),
            2_880_067_194_370_816_120
        );
        assert_eq!(client.stats().started - before, 91);
    }
}
