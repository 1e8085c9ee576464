//! Messages into frames and back, however the bytes arrive.

use bytes::Bytes;
use tenter::net::message::FromWorker;
use tenter::net::wire::{HEADER, Kind, Limits, OUT_OF_LINE, Packer, Unpacker, WireError};

use crate::any::Draw;
use crate::support::{Note, bytes_of, packed, received};

#[test]
fn bytes_may_come_in_any_pieces() {
    for seed in 0..200 {
        let mut draw = Draw::new(seed);
        let sent: Vec<FromWorker> = (0..draw.below(40)).map(|_| draw.any()).collect();
        let bytes = packed(&sent);
        let mut unpacker = Unpacker::new(Limits::default());
        let mut got = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + draw.below(rest.len()));
            unpacker.feed(piece);
            got.extend(received::<FromWorker>(&mut unpacker).unwrap());
            rest = after;
        }
        assert_eq!(got, sent, "seed {seed}");
        assert!(unpacker.is_between_frames());
    }
}

#[test]
fn many_messages_share_a_frame() {
    let notes: Vec<Note> = (0..1000).map(Note::of).collect();
    let bytes = packed(&notes);
    assert_eq!(bytes.len(), HEADER + 1000 * 9);
}

#[test]
fn a_frame_has_at_most_as_many_messages_as_its_header_can_say() {
    let notes = vec![Note(Bytes::new()); 200_000];
    let mut unpacker = Unpacker::new(Limits::default());
    unpacker.feed(&packed(&notes));
    let mut frames = 0;
    let mut got = Vec::<Note>::new();
    while let Some(frame) = unpacker.next_frame().unwrap() {
        frame
            .decode(&mut got, tenter::net::wire::Message::decode)
            .unwrap();
        frames += 1;
    }
    assert_eq!(frames, 4);
    assert_eq!(got, notes);
}

#[test]
fn a_large_payload_is_received_into_a_buffer_of_its_own() {
    let large = Note::sized(100_000);
    let small = Note::sized(OUT_OF_LINE - 1);
    let mut unpacker = Unpacker::new(Limits::default());
    unpacker.feed(&packed([&large, &small, &large]));
    let got = received::<Note>(&mut unpacker).unwrap();
    assert_eq!(got, [large.clone(), small, large]);
    let alone = |note: &Note| note.0.is_unique();
    assert!(
        got.iter().all(alone),
        "a payload keeps more than itself in memory"
    );
}

#[test]
fn a_large_payload_is_written_from_where_it_is() {
    let large = Note::sized(100_000);
    let mut packer = Packer::default();
    packer.push(&large).unwrap();
    let mut pieces = std::collections::VecDeque::new();
    packer.take(&mut pieces, &mut Vec::new());
    let at = |bytes: &[u8]| bytes.as_ptr();
    assert!(
        pieces
            .iter()
            .any(|piece| at(piece.as_ref()) == at(&large.0))
    );
}

#[test]
fn a_message_too_large_for_the_other_side_is_refused_here_and_nothing_else_is_lost() {
    let limits = Limits::of_frame(100_000);
    let mut packer = Packer::new(limits);
    let small = Note::of(1);
    packer.push(&small).unwrap();
    let refused = packer.push(&Note::sized(100_000));
    assert!(matches!(refused, Err(WireError::TooLong { .. })));
    packer.push(&small).unwrap();
    let mut unpacker = Unpacker::new(limits);
    unpacker.feed(&bytes_of(&mut packer));
    assert_eq!(received(&mut unpacker), Ok(vec![small.clone(), small]));
}

#[test]
fn the_largest_message_that_fits_is_taken_and_one_byte_more_is_not() {
    let limits = Limits::of_frame(100_000);
    let mut packer = Packer::new(limits);
    assert!(packer.push(&Note::sized(99_996)).is_err());
    let largest = Note::sized(99_995);
    packer.push(&largest).unwrap();
    let mut unpacker = Unpacker::new(limits);
    unpacker.feed(&bytes_of(&mut packer));
    assert_eq!(received(&mut unpacker), Ok(vec![largest]));
}

#[test]
fn messages_that_do_not_fit_together_go_in_frames_of_their_own() {
    let limits = Limits::of_frame(100_000);
    let mut packer = Packer::new(limits);
    let notes: Vec<Note> = [60_000, 10, 60_000, 4_000, 99_000, 4_095, 4_096]
        .map(Note::sized)
        .into();
    for note in &notes {
        packer.push(note).unwrap();
    }
    let said = packer.bytes();
    let bytes = bytes_of(&mut packer);
    assert!(said <= bytes.len() && bytes.len() < said + 100);
    let mut unpacker = Unpacker::new(limits);
    unpacker.feed(&bytes);
    assert_eq!(received(&mut unpacker), Ok(notes));
}

#[test]
fn frames_of_other_kinds_keep_their_place_between_messages() {
    let mut packer = Packer::default();
    packer.push(&Note::sized(10_000)).unwrap();
    packer.frame(Kind::Heartbeat, &[]);
    packer.push(&Note::of(1)).unwrap();
    packer.frame(Kind::Close, b"done");
    let mut unpacker = Unpacker::new(Limits::default());
    unpacker.feed(&bytes_of(&mut packer));
    let kinds: Vec<Kind> = std::iter::from_fn(|| unpacker.next_frame().unwrap())
        .map(|frame| frame.kind)
        .collect();
    assert_eq!(
        kinds,
        [Kind::Messages, Kind::Heartbeat, Kind::Messages, Kind::Close]
    );
}
