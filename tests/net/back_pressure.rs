//! Nothing queues without bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tenter::net::transport::Settings;

use crate::support::{Bare, Note, SOON, Side, packed, timeless};

const LIMIT: usize = 1 << 20;

fn tight() -> Settings {
    Settings {
        queue_limit: LIMIT,
        ..timeless()
    }
}

#[test]
fn who_does_not_read_answers_is_not_asked_for_more_questions() {
    const ROUNDS: usize = 1500;
    let most = Arc::new(AtomicUsize::new(0));
    let seen = most.clone();
    let server = Side::with(tight(), move |link, notes| {
        link.send(&*notes).unwrap();
        seen.fetch_max(link.queued_bytes(), Ordering::Relaxed);
        // Else the test's own record of it would be what grows.
        notes.clear();
    });
    let mut bare = Bare::greeted(server.listen());
    let mut asking = bare.socket.try_clone().unwrap();
    let asked = thread::spawn(move || {
        let question = packed([&Note::sized(32 * 1024)]);
        for _ in 0..ROUNDS {
            std::io::Write::write_all(&mut asking, &question).unwrap();
        }
    });
    server.opened();
    // Until the server stops reading, the thread that asks does not stop; nothing is read here meanwhile.
    let full = std::iter::repeat_with(|| server.events.recv_timeout(SOON).unwrap());
    let _ = full
        .take_while(|_| most.load(Ordering::Relaxed) <= LIMIT)
        .count();
    let mut answers = 0;
    while answers < ROUNDS {
        let frame = bare.frame().expect("every question is answered");
        assert!(frame.tails.iter().all(|tail| tail.len() == 32 * 1024));
        answers += frame.tails.len();
    }
    asked.join().unwrap();
    let most = most.load(Ordering::Relaxed);
    assert!(
        most > LIMIT && most < LIMIT + (3 << 20),
        "{most} bytes were queued"
    );
}

#[test]
fn who_produces_can_wait_for_room() {
    const ROUNDS: usize = 200;
    let client = Side::start(tight());
    let server = Side::start(timeless());
    let link = client.connect(server.listen());
    server.opened();
    let mut most = 0;
    for _ in 0..ROUNDS {
        link.wait_for_room();
        link.send([&Note::sized(500_000)]).unwrap();
        most = most.max(link.queued_bytes());
    }
    assert!(most <= LIMIT + 600_000, "{most} bytes were queued");
    assert_eq!(server.notes(ROUNDS).len(), ROUNDS);
}

#[test]
fn who_waits_for_room_is_let_go_when_the_connection_ends() {
    let server = Side::start(tight());
    let bare = Bare::greeted(server.listen());
    let link = server.opened();
    while !link.is_full() {
        link.send([&Note::sized(500_000)]).unwrap();
    }
    let waiting = thread::spawn({
        let link = link.clone();
        move || link.wait_for_room()
    });
    drop(bare);
    waiting.join().unwrap();
}

#[test]
fn two_sides_that_flood_each_other_both_get_everything() {
    const ROUNDS: usize = 300;
    let server = Side::start(tight());
    let client = Side::start(tight());
    let here = client.connect(server.listen());
    let there = server.opened();
    for link in [&here, &there] {
        for _ in 0..ROUNDS {
            link.send([&Note::sized(100_000)]).unwrap();
        }
    }
    assert_eq!(client.notes(ROUNDS).len(), ROUNDS);
    assert_eq!(server.notes(ROUNDS).len(), ROUNDS);
}
