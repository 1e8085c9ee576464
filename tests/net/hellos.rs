//! Hellos survive their encoding, and what is not one is refused in one line.

use proptest::prelude::*;
use tenter::net::message::FunctionInfo;
use tenter::net::wire::{Greeting, HEADER, Hello, Limits, NoHello, Packer, Party, Unpacker};

use crate::any::Draw;
use crate::support::{bytes_of, hello_bytes};

/// Reads a hello as a peer does that has not said hello itself.
fn read(bytes: &[u8]) -> Result<Option<Hello>, NoHello> {
    let mut unpacker = Unpacker::new(Limits::HANDSHAKE);
    unpacker.feed(bytes);
    let mut greeting = Greeting::default();
    while let Some(frame) = unpacker.next_frame()? {
        if let Some(hello) = greeting.frame(&frame)? {
            return Ok(Some(hello));
        }
    }
    Ok(None)
}

fn written(hello: &Hello) -> Vec<u8> {
    let mut packer = Packer::new(Limits::HANDSHAKE);
    hello.write(&mut packer).unwrap();
    bytes_of(&mut packer)
}

fn refusal(bytes: &[u8]) -> String {
    match read(bytes) {
        Err(NoHello::Refuse(reason)) => reason,
        other => panic!("{other:?} instead of a refusal"),
    }
}

proptest! {
    #[test]
    fn every_hello_survives_its_encoding(seed in any::<u64>(), limit in any::<u32>()) {
        let mut draw = Draw::new(seed);
        let parties = [Party::Scheduler, Party::Client(draw.any()), Party::Worker(draw.any()), Party::Peer];
        for party in parties {
            let hello = Hello { frame_limit: limit, ..Hello::new(party) };
            prop_assert_eq!(read(&written(&hello)), Ok(Some(hello)));
        }
    }
}

#[test]
fn a_worker_may_have_more_functions_than_fit_into_a_frame() {
    let mut worker: tenter::net::message::WorkerHello = Draw::new(3).any();
    let name = |k| format!("some_crate::some_module::with_a_rather_long_name::task_number_{k}");
    worker.functions = (0..5000)
        .map(|k| FunctionInfo {
            name: name(k),
            signature: k,
        })
        .collect();
    let hello = Hello::new(Party::Worker(worker));
    let bytes = written(&hello);
    assert!(bytes.len() > 4 * Limits::HANDSHAKE.frame as usize);
    assert_eq!(read(&bytes), Ok(Some(hello)));
    for end in (0..bytes.len()).step_by(1009) {
        assert_eq!(read(&bytes[..end]), Ok(None), "cut off at {end}");
    }
}

#[test]
fn a_hello_with_too_long_a_name_is_refused_by_its_own_side() {
    let mut worker: tenter::net::message::WorkerHello = Draw::new(3).any();
    worker.host = "h".repeat(2000);
    let outcome = Hello::new(Party::Worker(worker)).write(&mut Packer::default());
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "a name in bytes of 2000 where at most 1024 are allowed"
    );
}

#[test]
fn a_stranger_is_told_what_this_is() {
    let mut bytes = hello_bytes();
    bytes[HEADER] = b'T';
    assert_eq!(
        refusal(&bytes),
        "this is a tenter, and the other side is not"
    );
}

#[test]
fn another_protocol_version_is_refused_with_both_numbers() {
    let mut bytes = hello_bytes();
    bytes[HEADER + 8] = 77;
    // What follows may look different in that version.
    bytes[HEADER + 13..].fill(0xee);
    assert_eq!(
        refusal(&bytes),
        "protocol version 77 meets version 1: start the same version of tenter on both sides"
    );
}

#[test]
fn another_version_of_the_crate_is_refused_with_both() {
    let hello = Hello {
        version: "0.999.0".into(),
        ..Hello::new(Party::Peer)
    };
    let here = env!("CARGO_PKG_VERSION");
    assert_eq!(
        refusal(&written(&hello)),
        format!("tenter 0.999.0 meets tenter {here}: start the same version on both sides")
    );
}

#[test]
fn encryption_that_this_version_does_not_have_is_refused() {
    let mut bytes = hello_bytes();
    bytes[HEADER + 12] = 1;
    assert_eq!(
        refusal(&bytes),
        "the other side asks for encryption, which this version does not have"
    );
}
