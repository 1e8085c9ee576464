//! Bytes that nobody vouches for: whatever comes, it is an error or something else that is allowed, never a panic, and never
//! more memory than there are bytes for.

use tenter::net::message::{FromClient, FromWorker, ToClient, ToWorker};
use tenter::net::wire::{
    Greeting, Header, Hello, Kind, Limits, Message, Packer, Party, Unpacker, WireError,
};

use crate::any::{Any, Draw};
use crate::support::{bytes_of, packed, received};

/// Reads all frames as messages of every kind and as hellos. Gives how the reading of frames ended.
fn read_as_anything(bytes: &[u8]) -> Result<(), WireError> {
    let mut unpacker = Unpacker::new(Limits::default());
    unpacker.feed(bytes);
    let mut greeting = Greeting::default();
    while let Some(frame) = unpacker.next_frame()? {
        let _ = frame.decode(&mut Vec::new(), FromClient::decode);
        let _ = frame.decode(&mut Vec::new(), ToClient::decode);
        let _ = frame.decode(&mut Vec::new(), FromWorker::decode);
        let _ = frame.decode(&mut Vec::new(), ToWorker::decode);
        let _ = greeting.frame(&frame);
    }
    Ok(())
}

fn messages<M: Message + Any>(seed: u64, number: usize) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    let messages: Vec<M> = (0..number).map(|_| draw.any()).collect();
    packed(&messages)
}

fn a_hello() -> Vec<u8> {
    let mut packer = Packer::default();
    let worker = Party::Worker(Draw::new(1).any());
    Hello::new(worker).write(&mut packer).unwrap();
    bytes_of(&mut packer)
}

fn seeds(number: u64) -> std::ops::Range<u64> {
    let soaking = std::env::var_os("TENTER_SOAK").is_some();
    0..if soaking { number * 100 } else { number }
}

#[test]
fn random_bytes_are_no_frames() {
    for seed in seeds(3000) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let length = rng.usize(..300);
        let bytes: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        let _ = read_as_anything(&bytes);
    }
}

#[test]
fn random_bodies_are_read_without_a_panic() {
    for seed in seeds(20_000) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let length = rng.usize(1..200);
        // Small numbers make more of a body valid.
        let small = rng.u8(1..);
        let mut body: Vec<u8> = std::iter::repeat_with(|| rng.u8(..=small))
            .take(length)
            .collect();
        let count = rng.u16(1..=length as u16);
        let mut bytes = Header::plain(Kind::Messages, count, length as u32)
            .to_bytes()
            .to_vec();
        bytes.append(&mut body);
        assert_eq!(
            read_as_anything(&bytes),
            Ok(()),
            "seed {seed}: the frame itself is right"
        );
    }
}

#[test]
fn messages_cut_off_anywhere_wait_for_the_rest() {
    let sent = {
        let mut draw = Draw::new(5);
        (0..6).map(|_| draw.any()).collect::<Vec<FromClient>>()
    };
    // One frame a message, so that some are whole.
    let frames: Vec<Vec<u8>> = sent.iter().map(|message| packed([message])).collect();
    let bytes = frames.concat();
    for end in 0..bytes.len() {
        let mut unpacker = Unpacker::new(Limits::default());
        unpacker.feed(&bytes[..end]);
        let got = received::<FromClient>(&mut unpacker).unwrap();
        assert_eq!(got, sent[..got.len()]);
        unpacker.feed(&bytes[end..]);
        let rest = received::<FromClient>(&mut unpacker).unwrap();
        assert_eq!(rest, sent[got.len()..]);
    }
}

#[test]
fn a_frame_cut_short_and_said_to_be_whole_is_an_error() {
    for seed in seeds(50) {
        let mut draw = Draw::new(seed);
        let message: ToClient = draw.any();
        let bytes = packed([&message]);
        let header = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
        for body in 1..header {
            let mut cut = Header::plain(Kind::Messages, 1, body as u32)
                .to_bytes()
                .to_vec();
            cut.extend(&bytes[16..16 + body]);
            let mut unpacker = Unpacker::new(Limits::default());
            unpacker.feed(&cut);
            assert!(
                received::<ToClient>(&mut unpacker).is_err(),
                "seed {seed}, {body} of {header} bytes"
            );
        }
    }
}

#[test]
fn flipped_bits_are_survived() {
    let streams = [
        messages::<FromClient>(1, 8),
        messages::<ToClient>(2, 8),
        messages::<FromWorker>(3, 8),
        messages::<ToWorker>(4, 8),
        a_hello(),
    ];
    for mut bytes in streams {
        bytes.truncate(3000);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = read_as_anything(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn spliced_streams_are_survived() {
    let one = messages::<FromWorker>(7, 20);
    let other = messages::<ToClient>(8, 20);
    for seed in seeds(2000) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut bytes = one[..rng.usize(..one.len())].to_vec();
        bytes.extend(&other[rng.usize(..other.len())..]);
        let _ = read_as_anything(&bytes);
    }
}

#[test]
fn a_length_of_four_gigabytes_is_refused_by_its_header_alone() {
    for (limits, limit) in [(Limits::HANDSHAKE, 65_536), (Limits::default(), 64 << 20)] {
        let header = Header {
            len: u32::MAX,
            kind: Kind::Messages,
            count: 1,
            body: 10,
            tails: 1,
        };
        let mut unpacker = Unpacker::new(limits);
        unpacker.feed(&header.to_bytes());
        let refused = unpacker.next_frame().unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("a frame in bytes of 4294967295 where at most {limit} are allowed")
        );
    }
}

#[test]
fn a_header_that_contradicts_itself_is_refused() {
    let right = Header {
        len: 30,
        kind: Kind::Messages,
        count: 2,
        body: 10,
        tails: 1,
    };
    let wrong = [
        Header { len: 9, ..right },
        Header { len: 13, ..right },
        Header { count: 11, ..right },
        Header {
            kind: Kind::Heartbeat,
            ..right
        },
        Header {
            kind: Kind::Close,
            ..right
        },
        Header {
            body: 20 << 20,
            len: 21 << 20,
            ..right
        },
        Header { tails: 6, ..right },
    ];
    let limits = Limits::default();
    assert_eq!(Header::of(&right.to_bytes(), &limits), Ok(right));
    for header in wrong {
        assert!(
            Header::of(&header.to_bytes(), &limits).is_err(),
            "{header:?}"
        );
    }
    for (at, what) in [
        (4, "kind"),
        (5, "flags"),
        (14, "reserved bytes"),
        (15, "reserved bytes"),
    ] {
        let mut bytes = right.to_bytes();
        bytes[at] = 200;
        assert!(Header::of(&bytes, &limits).is_err(), "{what}");
    }
}

#[test]
fn a_table_of_payloads_that_contradicts_its_frame_is_refused() {
    for lengths in [[0, 8], [4, 5], [8, 8], [u32::MAX, 9]] {
        let header = Header {
            len: 2 + 8 + 8,
            kind: Kind::Messages,
            count: 2,
            body: 2,
            tails: 2,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(lengths.into_iter().flat_map(u32::to_le_bytes));
        bytes.extend([0; 8]);
        let mut unpacker = Unpacker::new(Limits::default());
        unpacker.feed(&bytes);
        assert!(unpacker.next_frame().is_err(), "{lengths:?}");
    }
}
