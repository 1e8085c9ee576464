//! Where connections may go, and what is said where they may not.

use std::net::TcpListener;

use tenter::net::transport::{Address, ConnectError, Reach};
use tenter::net::wire::{Hello, Party};

use crate::support::{Side, timeless};

fn hello() -> Hello {
    Hello::new(Party::Peer)
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

#[test]
fn texts_that_are_no_addresses_say_why() {
    let wrong = [
        ("10.0.0.1", "the port is missing"),
        ("http://10.0.0.1:80", "only tcp:// is known"),
        (
            "tcp://10.0.0.1:port",
            "the port is not a number up to 65535",
        ),
        ("10.0.0.1:70000", "the port is not a number up to 65535"),
        ("tcp://::1:80", "an IPv6 address needs brackets"),
        ("tcp://:80", "the host is missing or is none"),
        ("tcp://a b:80", "the host is missing or is none"),
    ];
    for (text, what) in wrong {
        let said = text.parse::<Address>().unwrap_err().to_string();
        assert_eq!(
            said,
            format!("`{text}` is not an address like tcp://127.0.0.1:8786: {what}")
        );
    }
    for right in [
        "tcp://127.0.0.1:8786",
        "tcp://[::1]:8786",
        "tcp://node-17.local:1",
    ] {
        assert_eq!(address(right).to_string(), right);
    }
    assert_eq!(address("localhost:1").to_string(), "tcp://localhost:1");
}

#[test]
fn off_loopback_nothing_is_bound_or_connected_to() {
    let side = Side::start(timeless());
    let far = address("tcp://192.0.2.1:8786");
    let bound = side
        .hub
        .listen(&address("tcp://0.0.0.0:0"), Reach::Loopback, hello());
    let connected = side.hub.connect(&far, Reach::Loopback, hello());
    let Err(ConnectError::NotLoopback(bind)) = bound else {
        panic!("{bound:?}")
    };
    assert_eq!(
        bind,
        "refused to listen on 0.0.0.0:0: connections are neither authenticated nor encrypted yet, so only loopback addresses are allowed; say `insecure` to use this one all the same, on a network that you trust"
    );
    let Err(ConnectError::NotLoopback(connect)) = connected else {
        panic!("{connected:?}")
    };
    assert!(
        connect.starts_with("refused to connect to 192.0.2.1:8786: "),
        "{connect}"
    );
}

#[test]
fn who_says_insecure_may_bind_any_address() {
    let server = Side::start(timeless());
    let everywhere = address("tcp://0.0.0.0:0");
    let bound = server
        .hub
        .listen(&everywhere, Reach::Insecure, hello())
        .unwrap();
    let client = Side::start(timeless());
    client.connect(([127, 0, 0, 1], bound.port()).into());
}

#[test]
fn an_address_where_nobody_listens_says_so() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let side = Side::start(timeless());
    let outcome = side.hub.connect(&free.into(), Reach::Loopback, hello());
    let Err(ConnectError::Unreachable(text)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        text.starts_with(&format!("cannot connect to tcp://{free}: ")),
        "{text}"
    );
}

#[test]
fn an_address_that_is_taken_says_so() {
    let side = Side::start(timeless());
    let taken = side.listen();
    let outcome = side.hub.listen(&taken.into(), Reach::Loopback, hello());
    let text = outcome.unwrap_err().to_string();
    assert!(
        text.starts_with(&format!("cannot listen on tcp://{taken}: ")),
        "{text}"
    );
}

#[test]
fn a_name_that_does_not_resolve_says_so() {
    let side = Side::start(timeless());
    // Two dots in a row are no name, so no server is asked.
    let outcome = side
        .hub
        .connect(&address("no..name:1"), Reach::Loopback, hello());
    let text = outcome.unwrap_err().to_string();
    assert!(
        text.starts_with("cannot connect to tcp://no..name:1: "),
        "{text}"
    );
}
