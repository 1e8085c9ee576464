//! What is sent arrives, in order, once, and together if it came together.

use std::thread;

use tenter::net::wire::{Kind, Limits, Packer};

use crate::support::{Bare, Note, Side, bytes_of, packed, timeless};

#[test]
fn messages_arrive_in_order_both_ways() {
    let server = Side::with(timeless(), |link, notes| link.send(&*notes).unwrap());
    let client = Side::start(timeless());
    let link = client.connect(server.listen());
    let sent: Vec<Note> = (0..50_000).map(Note::of).collect();
    for notes in sent.chunks(700) {
        link.send(notes).unwrap();
    }
    server.opened();
    assert_eq!(server.notes(sent.len()), sent);
    assert_eq!(client.notes(sent.len()), sent);
}

#[test]
fn what_comes_together_is_one_batch() {
    let server = Side::start(timeless());
    let mut bare = Bare::connect(server.listen());
    // Behind the hello, in one write and in several frames.
    let mut bytes = crate::support::hello_bytes();
    let notes: Vec<Note> = (0..500).map(Note::of).collect();
    for notes in notes.chunks(100) {
        bytes.extend(packed(notes));
    }
    bare.send(&bytes);
    server.opened();
    assert_eq!(server.batch(), notes);
}

#[test]
fn what_a_handler_answers_to_a_batch_is_one_frame() {
    let server = Side::with(timeless(), |link, notes| {
        for note in notes {
            link.send([&*note]).unwrap();
        }
    });
    let mut bare = Bare::greeted(server.listen());
    let notes: Vec<Note> = (0..500).map(Note::of).collect();
    bare.send(&packed(&notes));
    let frame = bare.frame().unwrap();
    assert_eq!((frame.kind, frame.count), (Kind::Messages, 500));
}

#[test]
fn threads_that_send_on_one_connection_do_not_disturb_each_other() {
    const THREADS: u64 = 4;
    const EACH: u64 = 5_000;
    let server = Side::start(timeless());
    let client = Side::start(timeless());
    let link = client.connect(server.listen());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let link = &link;
            scope.spawn(move || {
                for k in 0..EACH {
                    let note = [Note::of(thread << 32 | k)];
                    match k % 3 {
                        0 => link.send(&note).unwrap(),
                        _ => link.send_now(&note).unwrap(),
                    }
                }
            });
        }
    });
    server.opened();
    let got = server.notes((THREADS * EACH) as usize);
    for thread in 0..THREADS {
        let of_thread = got
            .iter()
            .map(Note::number)
            .filter(|number| number >> 32 == thread);
        assert!(of_thread.map(|number| number & 0xffff_ffff).eq(0..EACH));
    }
}

#[test]
fn large_payloads_arrive_whole_between_small_ones() {
    let server = Side::start(timeless());
    let client = Side::start(timeless());
    let link = client.connect(server.listen());
    let mut notes: Vec<Note> = (0..40).map(|k| Note::sized(k * 100_000)).collect();
    notes.insert(20, Note::of(1));
    link.send_now(&notes).unwrap();
    server.opened();
    let got = server.notes(notes.len());
    assert!(got == notes, "payloads differ");
}

#[test]
fn each_side_says_which_frames_it_takes() {
    let server = Side::start(tenter::net::transport::Settings {
        frame_limit: 100_000,
        ..timeless()
    });
    let client = Side::start(timeless());
    let link = client.connect(server.listen());
    let refused = link.send([&Note::sized(100_000)]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a message in bytes of 100005 where at most 100000 are allowed"
    );
    link.send([&Note::sized(90_000)]).unwrap();
    server.opened();
    assert_eq!(server.batch(), [Note::sized(90_000)]);
}

#[test]
fn messages_may_follow_the_hello_before_it_is_answered() {
    let server = Side::start(timeless());
    let mut bare = Bare::connect(server.listen());
    let mut packer = Packer::new(Limits::default());
    tenter::net::wire::Hello::new(tenter::net::wire::Party::Peer)
        .write(&mut packer)
        .unwrap();
    packer.push(&Note::sized(500_000)).unwrap();
    bare.send(&bytes_of(&mut packer));
    server.opened();
    assert_eq!(server.batch(), [Note::sized(500_000)]);
    assert_eq!(bare.frame().unwrap().kind, Kind::Hello);
}
