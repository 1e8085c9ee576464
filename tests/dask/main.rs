//! What the tests of `dask.distributed` assert of its futures, asserted of ours; README.md maps one to the other.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start threads and bound their waits by the clock"
)]

mod annotating;
mod cancelling;
mod coordination;
mod data;
mod datasets;
mod errors;
mod events;
mod executing;
mod forgetting;
mod iterating;
mod order;
mod primitives;
mod resources;
mod retrying;
mod submitting;
mod waiting;

#[allow(dead_code, reason = "shared with other tests, which use more of it")]
#[path = "../it/support.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use tenter::{Builder, Client, TaskFuture};

/// A client of three threads, which must have nothing left when the test's body has dropped its handles.
fn with_client(body: impl FnOnce(&Client) + Send + 'static) {
    with_threads(3, body);
}

fn with_threads(threads: usize, body: impl FnOnce(&Client) + Send + 'static) {
    with_built(Client::builder().threads(threads), body);
}

/// As [`with_client`], of a client that this builder makes.
fn with_built(builder: Builder, body: impl FnOnce(&Client) + Send + 'static) {
    support::watched(move || {
        let client = builder.build().expect("threads are to be had");
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

/// The greatest number of many short bodies that run at once. Nobody waits for them, so none gets a thread beside the
/// client's own.
fn most_at_once(client: &Client) -> usize {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks = client.map(0..300, {
        let most = Arc::clone(&most);
        move |_| {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, SeqCst);
        }
    });
    support::until("all have run", || tasks.iter().all(TaskFuture::is_done));
    most.load(SeqCst)
}
