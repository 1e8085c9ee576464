//! Alive is who sends bytes; who is busy is alive.

use std::sync::mpsc::channel;
use std::time::Duration;

use tenter::net::transport::{LostKind, Settings};

use crate::support::{Bare, Event, NEVER, Note, Side, hasty};

/// What may pass without a sign of life, many times over.
const LONG: Duration = Duration::from_secs(2);

#[test]
fn idle_connections_stay() {
    let server = Side::start(hasty());
    let client = Side::start(hasty());
    let link = client.connect(server.listen());
    server.opened();
    server.is_quiet_for(LONG);
    client.is_quiet_for(Duration::from_millis(1));
    link.send_now([&Note::of(1)]).unwrap();
    assert_eq!(server.batch(), [Note::of(1)]);
}

#[test]
fn a_peer_that_falls_silent_is_lost_once() {
    let server = Side::start(hasty());
    let _bare = Bare::greeted(server.listen());
    server.opened();
    assert_eq!(server.lost().kind, LostKind::Silent);
    server.is_quiet_for(hasty().silence * 2);
}

#[test]
fn a_side_whose_handler_is_busy_goes_on_beating_and_loses_nobody_for_it() {
    let (release, held) = channel::<()>();
    let server = Side::with(hasty(), move |_, _| held.recv().unwrap());
    let client = Side::start(hasty());
    let link = client.connect(server.listen());
    server.opened();
    link.send_now([&Note::of(1)]).unwrap();
    // The client hears the server's heart, though its one thread that serves connections hangs.
    client.is_quiet_for(LONG);
    release.send(()).unwrap();
    // And the server, which has not heard anything for long, knows that it did not listen.
    assert_eq!(server.batch(), [Note::of(1)]);
    server.is_quiet_for(hasty().silence * 2);
    client.is_quiet_for(Duration::from_millis(1));
}

#[test]
fn a_peer_that_neither_reads_nor_sends_is_lost_though_it_is_not_read_either() {
    let settings = Settings {
        queue_limit: 100_000,
        ..hasty()
    };
    let server = Side::start(settings);
    let _bare = Bare::greeted(server.listen());
    let link = server.opened();
    // More than the system keeps for it.
    for _ in 0..64 {
        link.send([&Note::sized(1_000_000)]).unwrap();
    }
    assert_eq!(server.lost().kind, LostKind::Silent);
}

#[test]
fn heartbeats_come_between_large_payloads_and_do_not_spoil_them() {
    let quick = Settings {
        heartbeat: Duration::from_millis(1),
        silence: NEVER,
        ..Settings::default()
    };
    let server = Side::start(quick.clone());
    let client = Side::start(quick);
    let link = client.connect(server.listen());
    server.opened();
    for k in 0..300 {
        let notes = [Note::of(k), Note::sized(200_000)];
        link.send(&notes).unwrap();
        let mut got = Vec::new();
        while got.len() < 2 {
            match server.next() {
                Event::Batch(_, notes) => got.extend(notes),
                other => panic!("{other:?}"),
            }
        }
        assert!(got == notes, "round {k}");
    }
}
