//! Calls in calls: the graph that a submit makes, how deep it may be, and what becomes of it when something is wrong.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde::{Deserialize, Serialize};
use tenter::{Call, Client, ErrorKind, TaskError, task};

#[task]
fn inc(a: u64) -> u64 {
    a + 1
}

#[task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

#[task]
fn fail(text: String) -> Result<u64, String> {
    Err(text)
}

fn nested(depth: u64) -> Call<u64> {
    (1..depth).fold(inc::call(0), |inner, _| inc::call(inner))
}

#[test]
fn calls_nest_a_hundred_thousand_deep() {
    let client = Client::builder().threads(2).build().unwrap();
    let deep = client.submit(nested(100_000));
    assert_eq!(*deep.result().unwrap(), 100_000);
    assert_eq!(client.stats().submitted, 100_000);
}

#[test]
fn a_deep_call_that_is_never_submitted_is_dropped() {
    drop(nested(100_000));
}

#[test]
fn nothing_runs_until_the_outermost_call_is_submitted() {
    static RAN: AtomicUsize = AtomicUsize::new(0);

    #[task]
    fn count(a: u64) -> u64 {
        RAN.fetch_add(1, SeqCst);
        a
    }

    let client = Client::new().unwrap();
    let call = count::call(count::call(count::call(7)));
    assert_eq!((RAN.load(SeqCst), client.stats().submitted), (0, 0));
    assert_eq!(*client.submit(call).result().unwrap(), 7);
    assert_eq!(RAN.load(SeqCst), 3);
}

#[test]
fn a_call_fails_with_the_error_of_one_inside_of_it() {
    let client = Client::new().unwrap();
    let line = line!() + 1;
    let broken = fail::call("broken");
    let sum = client.submit(add::call(inc::call(broken), 1));
    let error = sum.result().unwrap_err().clone();
    assert_eq!(
        (error.task(), error.message()),
        ("it::call_graphs::fail", "broken")
    );
    assert!(error.is_inherited());
    assert_eq!(
        error.location().unwrap().line(),
        line,
        "an inner call is located where it was described"
    );
}

#[test]
fn a_handle_of_another_client_is_refused() {
    let (here, there) = (Client::new().unwrap(), Client::new().unwrap());
    let far = there.submit(|| 1u64);
    for call in [inc::call(&far), inc::call(inc::call(&far))] {
        let error = here.submit(call).result().unwrap_err().clone();
        assert_eq!(error.kind(), ErrorKind::ForeignHandle);
    }
}

#[test]
fn a_closed_client_refuses_calls() {
    let client = Client::new().unwrap();
    let _ = client.close(std::time::Duration::MAX);
    let error = client
        .submit(inc::call(inc::call(1)))
        .result()
        .unwrap_err()
        .clone();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

/// Counts its clones.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counted(u64);

static CLONES: AtomicUsize = AtomicUsize::new(0);

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, SeqCst);
        Self(self.0)
    }
}

#[task]
fn make(n: u64) -> Counted {
    Counted(n)
}

#[task]
fn consume(counted: Counted) -> u64 {
    counted.0
}

#[task]
fn look(counted: &Counted) -> u64 {
    counted.0
}

/// One test, since all of it counts the same clones.
#[test]
fn what_is_given_is_moved_and_cloned_only_when_shared() {
    let client = Client::builder().threads(1).encode(false).build().unwrap();
    let clones = |call: Call<u64>| {
        CLONES.store(0, SeqCst);
        assert_eq!(*client.submit(call).result().unwrap(), 3);
        CLONES.load(SeqCst)
    };
    assert_eq!(clones(consume::call(Counted(3))), 0, "a value is moved in");
    assert_eq!(
        clones(consume::call(make::call(3))),
        0,
        "the result of a call inside is nobody else's"
    );
    let handle = client.submit(make::call(3));
    handle.result().unwrap();
    assert_eq!(
        clones(look::call(&handle)),
        0,
        "a borrowed result stays in the graph"
    );
    assert_eq!(
        clones(consume::call(&handle)),
        1,
        "a handle that was kept keeps its result"
    );
    assert_eq!(
        clones(consume::call(handle)),
        0,
        "a handle that was given was the last one"
    );
}

#[test]
fn a_task_may_submit_calls_and_give_a_handle() -> Result<(), TaskError> {
    #[task]
    fn spread(n: u64) -> tenter::TaskFuture<u64> {
        tenter::current().submit(inc::call(n))
    }

    #[task]
    fn gather(of: &[tenter::TaskFuture<u64>]) -> Result<u64, TaskError> {
        let mut sum = 0;
        for one in of {
            sum += one.result()?;
        }
        Ok(sum)
    }

    for encode in [false, true] {
        let client = Client::builder().threads(2).encode(encode).build().unwrap();
        let inner = client.submit(spread::call(4)).flatten();
        assert_eq!(*inner.result()?, 5);
        let parts: Vec<_> = (0..10).map(|n| client.submit(inc::call(n))).collect();
        assert_eq!(*client.submit(gather::call(parts)).result()?, 55);
    }
    Ok(())
}
