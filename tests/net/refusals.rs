//! Who is not let in is told why.

use std::time::Duration;

use tenter::net::transport::{ConnectError, Reach, Settings};
use tenter::net::wire::{HEADER, Header, Hello, Kind, Party, read_reason};

use crate::support::{Bare, Side, hello_bytes, timeless};

/// What a server says to these bytes, before it hangs up.
fn answer(settings: Settings, bytes: &[u8]) -> String {
    let server = Side::start(settings);
    let mut bare = Bare::connect(server.listen());
    bare.send(bytes);
    let refusal = bare.frame().expect("a refusal");
    assert_eq!(refusal.kind, Kind::Refuse);
    assert!(bare.frame().is_none(), "the connection ends");
    drop(server.hub);
    assert!(server.events.try_recv().is_err(), "nobody was let in");
    read_reason(&refusal)
}

#[test]
fn an_old_version_is_told_so() {
    let mut bytes = hello_bytes();
    bytes[HEADER + 8] = 0;
    assert_eq!(
        answer(timeless(), &bytes),
        "protocol version 0 meets version 1: start the same version of tenter on both sides"
    );
}

#[test]
fn a_browser_is_told_what_this_is() {
    let said = answer(timeless(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        said.starts_with("this is a tenter, and the other side does not speak like one: "),
        "{said}"
    );
}

#[test]
fn a_frame_too_large_before_the_hello_is_refused() {
    let header = Header::plain(Kind::Hello, 0, 70_000);
    let said = answer(timeless(), &header.to_bytes());
    assert!(
        said.ends_with("a frame in bytes of 70000 where at most 65536 are allowed"),
        "{said}"
    );
}

#[test]
fn messages_before_the_hello_are_refused() {
    let said = answer(
        timeless(),
        &crate::support::packed([&crate::support::Note::of(1)]),
    );
    assert_eq!(said, "a hello was expected, not a frame of kind Messages");
}

#[test]
fn silence_before_the_hello_is_refused() {
    let settings = Settings {
        handshake: Duration::from_millis(50),
        ..timeless()
    };
    assert_eq!(answer(settings.clone(), b""), "no hello came within 50ms");
    assert_eq!(
        answer(settings, &hello_bytes()[..20]),
        "no hello came within 50ms"
    );
}

#[test]
fn silent_strangers_do_not_keep_others_out_for_long() {
    let server = Side::start(Settings {
        handshake: Duration::from_millis(50),
        greeting_limit: 2,
        ..timeless()
    });
    let addr = server.listen();
    let _silent: Vec<Bare> = (0..5).map(|_| Bare::connect(addr)).collect();
    Bare::greeted(addr);
}

#[test]
fn a_handler_that_refuses_is_heard() {
    let server = Side::start(timeless());
    let client = Side::start(timeless());
    let addr = server.listen().into();
    server.hub.handler().refuse = Some("no room\nfor \x1b[31mpeers".into());
    let refused = client
        .hub
        .connect(&addr, Reach::Loopback, Hello::new(Party::Peer));
    assert_eq!(
        refused,
        Err(ConnectError::Refused("no room for  [31mpeers".into())),
        "one line, no escapes"
    );
    server.hub.handler().refuse = None;
    client.hub.handler().refuse = Some("not you".into());
    let unwanted = client
        .hub
        .connect(&addr, Reach::Loopback, Hello::new(Party::Peer));
    assert_eq!(unwanted, Err(ConnectError::Unwanted("not you".into())));
    server.opened();
    assert_eq!(server.lost().reason, "not you");
    client.hub.handler().refuse = None;
    client
        .hub
        .connect(&addr, Reach::Loopback, Hello::new(Party::Peer))
        .unwrap();
}

#[test]
fn a_listener_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap();
    let client = Side::start(Settings {
        handshake: Duration::from_millis(50),
        ..timeless()
    });
    let outcome = client
        .hub
        .connect(&addr.into(), Reach::Loopback, Hello::new(Party::Peer));
    let text = format!("tcp://{addr} did not answer within 50ms: is a tenter listening there?");
    assert_eq!(outcome, Err(ConnectError::TimedOut(text)));
}
