//! Destructors that panic harm nobody.

use std::panic::panic_any;

use tenter::{Client, ErrorKind, TaskError};

use crate::support::{Counts, Gate, assert_nothing_left, client_of, watched};

/// Panics whenever it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a destructor panics");
        }
    }
}

fn panics(client: &Client, body: impl FnOnce() + Send + 'static) -> TaskError {
    client.submit(body).result().unwrap_err()
}

#[test]
fn a_panic_payload_may_panic_when_dropped() {
    watched(|| {
        let client = Client::new().unwrap();
        let error = panics(&client, || panic_any(Bomb));
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
        drop(error);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_result_may_panic_when_dropped() {
    watched(|| {
        let client = Client::new().unwrap();
        let counts = Counts::new();
        for _ in 0..10 {
            let counted = counts.counted();
            let value = client.submit(move || (Bomb, counted));
            value.result().unwrap();
            drop(value);
        }
        let counted = counts.counted();
        drop(client.scatter((Bomb, counted)));
        let pure = client.task("pure").pure("bomb").submit(|| Bomb);
        pure.result().unwrap();
        drop(pure);
        assert_nothing_left(&client);
        assert_eq!(counts.alive(), 0);
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
    });
}

#[test]
fn a_closure_may_panic_when_dropped() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        for _ in 0..10 {
            let bomb = Bomb;
            drop(client.submit(move || drop(bomb)));
            let bomb = Bomb;
            client.submit(move || drop(bomb)).cancel();
        }
        let bad = client.submit(|| -> u8 { panic!("first") });
        let bomb = Bomb;
        let after = client.submit_with(&bad, move |_| drop(bomb));
        gate.open();
        assert_eq!(after.result().unwrap_err().message(), "first");
        let bomb = Bomb;
        let during = client.submit(move || {
            let _moved = &bomb;
        });
        assert_eq!(
            during.result().unwrap_err().message(),
            "a destructor panics"
        );
        drop((bad, after, during));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_handle_may_be_dropped_while_its_holder_panics() {
    watched(|| {
        let client = Client::new().unwrap();
        let inner = client.clone();
        let error = panics(&client, move || {
            let value = inner.scatter(Bomb);
            let other = inner.submit(|| Bomb);
            let _held = (value, other, inner);
            panic!("the body");
        });
        assert_eq!(error.message(), "the body");
        drop(error);
        assert_nothing_left(&client);
    });
}
