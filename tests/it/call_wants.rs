//! What calls want: whatever becomes of one, it lets its inputs and the handles in its arguments go.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tenter::{Call, Client, Status, TaskFuture, task};

use crate::support::{assert_nothing_left_after, until};

#[task]
async fn for_ever(of: TaskFuture<u64>, and: &u64) -> u64 {
    std::future::pending::<()>().await;
    drop(of);
    *and
}

#[task]
async fn fail_later(_of: TaskFuture<u64>, _and: &u64) -> Result<u64, String> {
    Err("broken".into())
}

#[task]
fn fail(_of: TaskFuture<u64>, _and: &u64) -> Result<u64, String> {
    Err("broken".into())
}

#[task]
fn panics(_of: TaskFuture<u64>, _and: u64) -> u64 {
    panic!("broken")
}

/// Cannot be decoded.
#[derive(Clone, Serialize)]
struct Lopsided(u8);

impl<'de> Deserialize<'de> for Lopsided {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u64; 4]>::deserialize(deserializer).map(|_| Self(0))
    }
}

/// Cannot be encoded.
#[derive(Clone, Deserialize)]
struct Socket;

impl Serialize for Socket {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it holds a socket"))
    }
}

#[task]
fn undecodable(_of: TaskFuture<u64>, _and: &u64, _it: Lopsided) -> u64 {
    0
}

#[task(pure)]
fn unencodable(_of: TaskFuture<u64>, _and: &u64, _it: Socket) -> u64 {
    0
}

/// Each way to the end of a call, with and without a second attempt, encoded and not.
fn each_way(end: impl Fn(&Client, &dyn Fn() -> TaskFuture<u64>, &dyn Fn(Call<u64>) -> Call<u64>)) {
    for (encode, retries) in [
        (false, None),
        (false, Some(1)),
        (true, None),
        (true, Some(1)),
    ] {
        let client = Client::builder().threads(2).encode(encode).build().unwrap();
        let handle = || client.submit(|| 1u64);
        let options = |call: Call<u64>| match retries {
            Some(retries) => call.retries(retries),
            None => call,
        };
        end(&client, &handle, &options);
        assert_nothing_left_after(&client, ());
    }
}

#[test]
fn a_call_that_fails_lets_go() {
    each_way(|client, handle, options| {
        let calls = [
            fail::call(handle(), handle()),
            fail_later::call(handle(), handle()),
            panics::call(handle(), handle()),
            undecodable::call(handle(), handle(), Lopsided(1)),
            unencodable::call(handle(), handle(), Socket),
            fail::call(handle(), handle()).pool("none"),
        ];
        for call in calls {
            let failed = client.submit(options(call));
            let _ = failed.result();
            if let Ok(anew) = failed.retry() {
                let _ = anew.result();
            }
        }
    });
}

#[test]
fn a_call_that_is_ended_lets_go() {
    each_way(|client, handle, options| {
        let running = || {
            let running = client.submit(options(for_ever::call(handle(), handle())));
            until("it runs", || running.status() == Status::Running);
            running
        };
        drop(running());
        let cancelled = running();
        cancelled.cancel();
        let restarted = running();
        client.restart();
        let timeout = Duration::from_millis(2);
        let late = client.submit(options(for_ever::call(handle(), handle()).timeout(timeout)));
        assert!(late.result().is_err());
        drop((cancelled, restarted));
    });
}

#[test]
fn a_call_that_is_never_submitted_lets_go() {
    each_way(|_, handle, options| {
        drop(options(fail::call(
            handle(),
            fail::call(handle(), handle()),
        )));
    });
}
