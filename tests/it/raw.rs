//! Arrays of numbers travel as raw bytes, alone and as a part of something larger.

use serde::{Deserialize, Serialize};
use tenter::{Client, ErrorKind, driver, task};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Frame {
    width: u32,
    #[serde(with = "tenter::raw")]
    pixels: Vec<u16>,
    #[serde(with = "tenter::raw")]
    weights: Box<[f64]>,
}

#[task]
fn scaled(frame: &Frame, by: f64) -> Frame {
    Frame {
        weights: frame.weights.iter().map(|weight| weight * by).collect(),
        ..frame.clone()
    }
}

#[task]
fn reversed(numbers: Vec<i64>) -> Box<[i64]> {
    numbers.into_iter().rev().collect()
}

#[task]
fn bytes_back(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

fn encoding() -> Client {
    Client::builder().encode(true).build().unwrap()
}

#[test]
fn arrays_come_back_as_they_were() {
    let client = encoding();
    let numbers = vec![i64::MIN, -1, 0, 1, i64::MAX];
    let back = client.submit(reversed::call(numbers.clone()));
    let there: Vec<i64> = back.result().unwrap().iter().rev().copied().collect();
    assert_eq!(there, numbers);
    let empty = client.submit(bytes_back::call(Vec::<u8>::new()));
    assert_eq!(empty.result().unwrap(), &Vec::<u8>::new());
    let frame = Frame {
        width: 2,
        pixels: vec![0, 300, 65_535],
        weights: [0.5, -2.0].into(),
    };
    let doubled = client.submit(scaled::call(frame.clone(), 2.0));
    let doubled = doubled.result().unwrap();
    assert_eq!(
        (&doubled.pixels, &*doubled.weights),
        (&frame.pixels, &[1.0, -4.0][..])
    );
}

#[test]
fn their_size_is_that_of_their_numbers_and_its_length() {
    let client = encoding();
    let args = |numbers: usize| {
        let call = reversed::call(vec![-1i64; numbers]);
        driver::describe(&client, call).unwrap().args.bytes
    };
    // A byte says that it is a value.
    assert_eq!(args(3).len(), 1 + 1 + 3 * 8);
    assert_eq!(args(3)[1], 24);
    assert_eq!(args(16).len(), 1 + 2 + 16 * 8);
    assert_eq!(args(1 << 18).len(), 1 + 4 + (8 << 18));
    let frame = Frame {
        width: 1,
        pixels: vec![1, 2, 3],
        weights: [1.0].into(),
    };
    let call = scaled::call(frame, 1.0);
    let bytes = driver::describe(&client, call).unwrap().args.bytes;
    assert_eq!(bytes[2..9], [6, 1, 0, 2, 0, 3, 0]);
    assert_eq!(bytes.len(), 1 + 1 + (1 + 6) + (1 + 8) + 1 + 8);
}

#[test]
fn bytes_that_are_no_whole_numbers_are_refused() {
    let client = encoding();
    let mut call = driver::describe(&client, reversed::call(vec![1i64])).unwrap();
    call.args.bytes.truncate(9);
    call.args.bytes[1] = 7;
    let hash = call.signature_hash;
    let running = driver::submit(&client, call.name, hash, call.args, vec![]).unwrap();
    let error = running.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert!(serde_json::from_str::<Frame>(r#"{"width":1,"pixels":[1,0,2],"weights":[]}"#).is_err());
}

#[test]
fn other_formats_have_the_same_bytes() {
    let frame = Frame {
        width: 1,
        pixels: vec![1, 258],
        weights: [].into(),
    };
    let text = serde_json::to_string(&frame).unwrap();
    assert_eq!(text, r#"{"width":1,"pixels":[1,0,2,1],"weights":[]}"#);
    assert_eq!(serde_json::from_str::<Frame>(&text).unwrap(), frame);
}
