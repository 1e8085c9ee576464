//! What the tests of `dask.distributed` assert of its futures, asserted of ours; README.md maps one to the other.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads and bound their waits by the clock"
)]

mod cancelling;
mod data;
mod errors;
mod forgetting;
mod order;
mod primitives;
mod submitting;
mod waiting;

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "../it/support.rs"]
mod support;

use tenter::{Client, TaskFuture};

/// A client of three threads, which must have nothing left when the test's body has dropped its handles.
fn with_client(body: impl FnOnce(&Client) + Send + 'static) {
    with_threads(3, body);
}

fn with_threads(threads: usize, body: impl FnOnce(&Client) + Send + 'static) {
    support::watched(move || {
        let client = support::client_of(threads);
        body(&client);
        support::assert_nothing_left(&client);
    });
}

fn inc(x: i64) -> i64 {
    x + 1
}

/// A handle of `inc(x)`.
fn inc_of(client: &Client, x: i64) -> TaskFuture<i64> {
    client.task("inc").submit(move || inc(x))
}

/// As [`inc_of`], keyed by its content.
fn pure_inc(client: &Client, x: i64) -> TaskFuture<i64> {
    client
        .task("inc")
        .pure(("inc", x as u64))
        .submit(move || inc(x))
}

fn div(client: &Client, x: i64, y: i64) -> TaskFuture<i64> {
    client.task("div").try_submit(move || {
        x.checked_div(y)
            .ok_or_else(|| "division by zero".to_owned())
    })
}
