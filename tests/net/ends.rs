//! Every connection ends once, with a reason.

use std::io::Read;
use std::net::Shutdown;

use tenter::net::transport::{ConnectError, LostKind, Reach};
use tenter::net::wire::{HEADER, Header, Hello, Kind, Party, read_reason};

use crate::support::{Bare, Note, Side, hasty, hello_bytes, packed, timeless};

#[test]
fn a_close_comes_after_all_that_was_sent_and_says_why() {
    let server = Side::start(timeless());
    let client = Side::start(timeless());
    let link = client.connect(server.listen());
    let notes: Vec<Note> = (0..10).map(|_| Note::sized(1_000_000)).collect();
    link.send(&notes).unwrap();
    link.close("done for today");
    link.send([&Note::of(1)]).unwrap();
    link.close("done twice");
    server.opened();
    assert!(server.notes(10) == notes, "payloads differ");
    let there = server.lost();
    assert_eq!(
        (there.kind, &*there.reason),
        (LostKind::Closed, "done for today")
    );
    let here = client.lost();
    assert_eq!(
        (here.kind, &*here.reason),
        (LostKind::ClosedHere, "done for today")
    );
    drop((client.hub, server.hub));
    assert!(
        server.events.try_recv().is_err() && client.events.try_recv().is_err(),
        "a second end"
    );
}

#[test]
fn both_sides_may_close_at_once() {
    for _ in 0..20 {
        let server = Side::with(timeless(), |link, _| link.close("closed by the one"));
        let client = Side::start(timeless());
        let link = client.connect(server.listen());
        server.opened();
        link.send_now([&Note::of(1)]).unwrap();
        link.close("closed by the other");
        server.batch();
        let ends = [server.lost().kind, client.lost().kind];
        assert!(
            ends.iter()
                .all(|kind| matches!(kind, LostKind::Closed | LostKind::ClosedHere)),
            "{ends:?}"
        );
    }
}

#[test]
fn the_end_of_the_stream_is_noticed_without_waiting_for_silence() {
    let server = Side::start(timeless());
    let bare = Bare::greeted(server.listen());
    server.opened();
    drop(bare);
    let lost = server.lost();
    assert_eq!(lost.kind, LostKind::Broken);
    assert_eq!(
        lost.to_string(),
        "the connection ended without a word: has the other process died?"
    );
    drop(server.hub);
    assert!(server.events.try_recv().is_err(), "a second end");
}

#[test]
fn half_a_frame_and_then_the_end_is_a_broken_connection() {
    let server = Side::start(timeless());
    let mut bare = Bare::greeted(server.listen());
    server.opened();
    let bytes = packed([&Note::of(1), &Note::sized(10_000)]);
    bare.send(&bytes[..5000]);
    drop(bare);
    let lost = server.lost();
    assert_eq!(
        lost.to_string(),
        "the connection ended in the middle of a frame: has the other process died?"
    );
}

#[test]
fn half_a_frame_and_then_silence_is_the_end() {
    let server = Side::start(hasty());
    let mut bare = Bare::greeted(server.listen());
    server.opened();
    let bytes = packed([&Note::of(1)]);
    bare.send(&bytes[..20]);
    let lost = server.lost();
    assert_eq!(lost.kind, LostKind::Silent);
    assert_eq!(
        lost.to_string(),
        "nothing was heard from the other side for 600ms"
    );
}

#[test]
fn nonsense_ends_the_connection_with_a_reason_on_both_sides_and_what_came_before_it_counts() {
    let nonsense = [
        (
            Header::plain(Kind::Messages, 1, 3).to_bytes().to_vec(),
            vec![9, 9, 9],
            "message 1 of 1 in a frame: the bytes end within a payload",
        ),
        (vec![0xff; HEADER], vec![], "there is no kind of frame 255"),
        (hello_bytes(), vec![], "a second hello on one connection"),
    ];
    for (header, body, why) in nonsense {
        let server = Side::start(timeless());
        let mut bare = Bare::greeted(server.listen());
        server.opened();
        let mut bytes = packed([&Note::of(1)]);
        bytes.extend(header);
        bytes.extend(body);
        // More than the server will ever look at.
        bytes.extend([0; 100_000]);
        bare.send(&bytes);
        assert_eq!(server.batch(), [Note::of(1)]);
        let lost = server.lost();
        assert_eq!(lost.kind, LostKind::Protocol);
        assert!(lost.reason.ends_with(why), "{lost}");
        let close = bare.frame().unwrap();
        assert_eq!(
            (close.kind, read_reason(&close)),
            (Kind::Close, lost.reason)
        );
        assert!(bare.frame().is_none());
    }
}

#[test]
fn a_connection_that_is_cut_ends_without_a_word() {
    let server = Side::start(timeless());
    let client = Side::start(timeless());
    let link = client.connect(server.listen());
    server.opened();
    link.cut("enough");
    assert_eq!(client.lost().to_string(), "closed: enough");
    assert_eq!(server.lost().kind, LostKind::Broken);
}

#[test]
fn a_hub_that_ends_closes_its_connections_even_if_somebody_still_holds_them() {
    let server = Side::start(timeless());
    let client = Side::start(timeless());
    let held = client.connect(server.listen());
    server.opened();
    let dialer = client.hub.dialer();
    drop(client.hub);
    assert_eq!(
        server.lost().to_string(),
        "the other side has closed the connection: the process is ending"
    );
    held.send([&Note::of(1)]).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let nowhere = "tcp://127.0.0.1:1".parse().unwrap();
    dialer.connect(
        &nowhere,
        Reach::Loopback,
        Hello::new(Party::Peer),
        move |outcome| {
            tell.send(outcome).unwrap();
        },
    );
    assert_eq!(told.recv(), Ok(Err(ConnectError::Ended)));
}

#[test]
fn a_peer_that_only_stops_sending_is_gone() {
    let server = Side::start(timeless());
    let mut bare = Bare::greeted(server.listen());
    server.opened();
    bare.socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.lost().kind, LostKind::Broken);
    let mut rest = Vec::new();
    bare.socket.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}
