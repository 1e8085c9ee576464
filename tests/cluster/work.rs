//! The tasks.

use std::hint::black_box;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tenter::{TaskError, task};

/// More than travels through the scheduler.
const BIG: usize = 100_000;

/// Part of every result, so that a wrong input is seen at the end.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    (a ^ b.rotate_left(17))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
}

#[task]
pub(crate) fn leaf(n: u64, us: u64) -> u64 {
    spin(us);
    mix(n, 1)
}

#[task]
pub(crate) fn node(a: &u64, b: &u64, us: u64) -> u64 {
    spin(us);
    mix(*a, *b)
}

/// The same number many times: the result stays on its worker.
#[task]
pub(crate) fn spread(n: &u64) -> Vec<u64> {
    vec![*n; BIG / 8]
}

#[task]
pub(crate) fn gathered(many: &[u64]) -> u64 {
    assert!(many.len() == BIG / 8 && many.iter().all(|n| *n == many[0]));
    many[0]
}

/// Submits tasks of its own and waits for them.
#[task]
pub(crate) fn nested(n: u64, us: u64) -> Result<u64, TaskError> {
    let client = tenter::current();
    let left = client.submit(leaf::call(n, us));
    let right = client.submit(leaf::call(n + 1, us));
    Ok(*client.submit(node::call(left, right, us)).result()?)
}

#[task]
pub(crate) fn process() -> u32 {
    std::process::id()
}

/// Knocks at this port of this machine when it begins.
#[task]
pub(crate) fn process_after(us: u64, port: u16) -> u32 {
    // A test that has ended does not answer.
    drop(TcpStream::connect(("127.0.0.1", port)));
    spin(us);
    std::process::id()
}

#[task]
pub(crate) fn abort_the_worker() -> u64 {
    std::process::abort()
}

#[task]
pub(crate) fn as_number(n: u64) -> u64 {
    n
}

#[task]
pub(crate) fn as_text(n: u64) -> String {
    n.to_string()
}

/// Works for about so long.
fn spin(us: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(us) {
        black_box(us);
    }
}

/// What can be written and not be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unreadable;

impl Serialize for Unreadable {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(0)
    }
}

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u8::deserialize(from)?;
        Err(serde::de::Error::custom("this is never read"))
    }
}

#[task]
pub(crate) fn take_unreadable(_what: Unreadable) -> u64 {
    1
}

#[task]
pub(crate) fn give_unreadable() -> Unreadable {
    Unreadable
}
