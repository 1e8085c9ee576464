//! Names that get in each other's way, and how they do not.
#![forbid(unsafe_code)]
#![deny(warnings)]

use tenter::{Client, task};

mod parse {
    #[tenter::task(call = ParseTask)]
    pub fn parse(text: &str) -> u64 {
        text.len() as u64
    }
}
use parse::parse;

#[task(crate = ::tenter, name = "named", version = 3)]
pub(crate) fn add(add: u64, r#type: u64, mut call: u64) -> u64 {
    call += add;
    call + r#type
}

#[task]
fn r#move(#[allow(unused)] __parts: u64) -> u64 {
    1
}

#[task]
#[cfg(any())]
fn left_out(_of: Missing) -> Missing {}

#[task]
async fn nothing() {}

fn main() {
    #[task]
    fn local(a: u64) -> u64 {
        a
    }

    let client = Client::new().unwrap();
    let length = client.submit(parse::ParseTask::call("three"));
    let sum = client.submit(add::call(&length, local::call(1), r#move::call(2)));
    assert_eq!(*sum.result().unwrap(), 7);
    assert_eq!((parse(""), add(1, 2, 3)), (0, 6));
    client.submit(nothing::call()).result().unwrap();
}
