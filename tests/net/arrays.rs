//! Arrays of numbers move as what they are: from the value that a task gave into the value that another borrows.

use std::sync::mpsc::channel;

use bytes::Bytes;
use tenter::driver::{Array, Room};
use tenter::net::data::{Content, NotFetched, PIECE, PeerMessage, Peers, RESERVED, Shelf};
use tenter::net::message::{Holder, PeerId, Run, TaskId};
use tenter::net::transport::{Address, Reach};
use tenter::net::wire::{Hello, Party};
use tenter::task;

use crate::support::{SOON, Side, hasty, timeless};
use crate::work::{Cluster, named};

/// Of `u16`, on the wire.
const U16: u8 = 2;
/// Of `f64`.
const F64: u8 = 12;

const DATA: Run = Run {
    task: TaskId {
        slot: 1,
        generation: 0,
    },
    attempt: 1,
};

fn bytes(number: usize) -> Vec<u8> {
    (0..number).map(|k| (k % 251) as u8).collect()
}

/// The array that these are the numbers of, whatever memory is taken at once.
fn array(code: u8, numbers: &[u8], reserved: usize) -> Array {
    let head = (1..10).find_map(|len| {
        let room = Room::new(code, (numbers.len() + len) as u64, reserved)?;
        (room.head().len() == len).then_some(room)
    });
    let mut room = head.expect("there is one of this length");
    for (k, piece) in numbers.chunks(100_001).enumerate() {
        let place = room.after(k * 100_001, piece.len()).unwrap();
        place.copy_from_slice(piece);
    }
    room.into_array()
}

/// Gives out this, whatever it is called.
struct Holds(Content);

impl Shelf for Holds {
    fn get(&self, _: Run) -> Option<Content> {
        Some(self.0.clone())
    }

    fn put(&self, _: Run, _: Content) -> Result<(), String> {
        Err("it has enough".into())
    }
}

fn fetch(holder: Address, bytes: u64) -> Result<Content, NotFetched> {
    let peers = Peers::start(hasty(), Reach::Loopback).unwrap();
    let (tell, told) = channel();
    let holder = Holder {
        worker: PeerId(1),
        address: holder.to_string(),
    };
    peers.fetch(DATA, bytes, vec![holder], move |fetched| {
        let _ = tell.send(fetched);
    });
    told.recv_timeout(SOON).unwrap()
}

fn fetched_from(content: Content) -> Content {
    let bytes = content.bytes();
    let at = Address::loopback();
    let shelf = Box::new(Holds(content));
    let (_peers, addr) = Peers::serve(timeless(), Reach::Loopback, &at, shelf).unwrap();
    fetch(addr.into(), bytes).unwrap()
}

#[test]
fn an_array_arrives_as_an_array_whatever_its_size() {
    let piece = PIECE as usize;
    for size in [8, 96, 8000, 80_000, piece, 3 * piece - 8, 9 * piece + 80] {
        let numbers = bytes(size);
        let sent = array(F64, &numbers, RESERVED);
        let Content::Array(came) = fetched_from(Content::Array(sent.clone())) else {
            panic!("{size} bytes came as bytes");
        };
        assert_eq!((came.code(), came.encoded_len()), (F64, sent.encoded_len()));
        assert!(came.as_ref() == numbers, "{size} bytes");
    }
}

#[test]
fn the_encoding_of_an_array_is_that_of_its_bytes() {
    let numbers = bytes(3 << 20);
    let content = Content::Array(array(U16, &numbers, RESERVED));
    let encoded = content.clone().into_bytes();
    assert_eq!(content.bytes(), encoded.len() as u64);
    assert!(encoded.ends_with(&numbers));
    let came = fetched_from(Content::Bytes(encoded.clone()));
    assert!(matches!(came, Content::Bytes(came) if came == encoded));
}

#[test]
fn memory_for_an_array_grows_with_what_has_come() {
    let numbers = bytes(1 << 20);
    let grown = array(F64, &numbers, 4096);
    assert!(grown.as_ref() == numbers);
    let mut room = Room::new(F64, u64::MAX / 2 + 2, 4096).unwrap();
    assert!(room.after(0, 4096).is_some());
    assert!(room.after(4096, 4096).is_some());
}

#[test]
fn what_is_no_array_of_these_numbers_is_none() {
    let none = |code, encoded| Room::new(code, encoded, RESERVED).is_none();
    assert!(none(0, 9) && none(13, 9));
    // Seven bytes are no `f64`; no array is encoded in 129 bytes, nor in none.
    assert!(none(F64, 8) && none(U16, 129) && none(U16, 0));
    assert!(!none(F64, 9) && !none(U16, 1));
}

#[test]
fn a_holder_that_gives_an_array_of_another_length_is_not_believed() {
    let side = Side::of(hasty(), |link, messages| {
        for message in messages.drain(..) {
            if let PeerMessage::Get { request, .. } = message {
                let mut content = vec![1; 100_003];
                content[..3].copy_from_slice(&[0xa1, 0x8d, 0x06]);
                let piece = PeerMessage::Piece {
                    request,
                    total: 100_003,
                    array: 1,
                    content: Bytes::from(content),
                };
                link.send([&piece]).unwrap();
            }
        }
    });
    let (at, hello) = (Address::loopback(), Hello::new(Party::Peer));
    let addr = side.hub.listen(&at, Reach::Loopback, hello).unwrap();
    let failure = fetch(addr.into(), 100_003).unwrap_err();
    assert!(failure.reason.contains("another length"), "{failure}");
}

#[task]
fn ramp(numbers: usize) -> Vec<f64> {
    (0..numbers).map(|k| k as f64).collect()
}

#[task]
fn halves(ramp: &[f64]) -> Box<[f32]> {
    ramp.iter().map(|x| *x as f32 / 2.0).collect()
}

#[task]
#[allow(clippy::borrowed_box, reason = "the result of another task is one")]
fn last(ramp: &[f64], halves: &Box<[f32]>) -> (f64, f32) {
    (ramp[ramp.len() - 1], halves[halves.len() - 1])
}

#[task]
fn raised(mut ramp: Vec<f64>) -> Vec<f64> {
    ramp.iter_mut().for_each(|x| *x += 1.0);
    ramp
}

#[test]
fn arrays_are_borrowed_taken_and_fetched_on_other_workers() {
    let cluster = Cluster::with(["w0", "w1"].map(named));
    let client = cluster.client();
    for numbers in [10, 10_000, 400_000] {
        let ramp = client.submit(ramp::call(numbers).on("w0"));
        let halves = client.submit(halves::call(&ramp).on("w1"));
        let end = (numbers - 1) as f64;
        for place in ["w0", "w1"] {
            let last = client.submit(last::call(&ramp, &halves).on(place));
            assert_eq!(*last.result().unwrap(), (end, end as f32 / 2.0));
        }
        let raised = client.submit(raised::call(&ramp).on("w1"));
        assert_eq!(raised.result().unwrap().last(), Some(&(end + 1.0)));
        assert_eq!(ramp.result().unwrap().last(), Some(&end));
        assert_eq!(halves.take().unwrap().len(), numbers);
    }
}
