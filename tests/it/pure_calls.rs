//! Pure calls: what makes two of them one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde::{Deserialize, Serialize, Serializer};
use tenter::{Client, ErrorKind, TaskFuture, task};

#[task(pure)]
fn floor(x: f64) -> u64 {
    x as u64
}

#[task(pure)]
fn total(of: &[u64]) -> u64 {
    of.iter().sum()
}

#[task(pure)]
fn len(of: &HashMap<String, u64>) -> usize {
    of.len()
}

#[task(pure)]
fn values(of: BTreeMap<String, u64>) -> u64 {
    of.values().sum()
}

#[task(pure)]
fn inc(a: u64) -> u64 {
    a + 1
}

#[task(pure, version = 1, name = "pinned")]
fn pinned(a: u64, text: &str, pair: (u8, Option<i32>)) -> u64 {
    a + text.len() as u64 + u64::from(pair.0)
}

/// The key of a call, which is the same for the same content.
fn key<T: Send + Sync + 'static>(handle: &TaskFuture<T>) -> String {
    handle.key().expect("a pure call has a key").to_string()
}

#[test]
fn the_same_content_is_one_task() {
    let client = Client::new().unwrap();
    let (a, b) = (client.submit(inc::call(1)), client.submit(inc::call(1)));
    assert_eq!(a, b);
    assert_ne!(a, client.submit(inc::call(2)));
    assert!(key(&a).starts_with("it::pure_calls::inc-"));
}

/// Kept for ever: another hash is another format, and every remembered result and every cluster of two versions is lost.
#[test]
fn the_key_is_the_same_in_every_process_and_version() {
    let client = Client::new().unwrap();
    let handle = client.submit(pinned::call(7, "abc", (1, Some(-1))));
    assert_eq!(key(&handle), "pinned-f8d0140a7e8e9a14acdde6934f73094f");
}

/// As of a call with arguments; of one without, the hash is known with the function.
#[test]
fn a_call_without_arguments_has_one_key() {
    #[task(pure, name = "nothing")]
    fn nothing() -> u64 {
        7
    }

    #[task(pure, name = "nothing_else", version = 2)]
    fn nothing_else() -> u64 {
        8
    }

    let client = Client::new().unwrap();
    let handle = client.submit(nothing::call());
    assert_eq!(handle, client.submit(nothing::call()));
    assert_eq!(key(&handle), "nothing-2ab7ed7951a1ad4db18d3a058a20b005");
    let other = client.submit(nothing_else::call());
    assert_eq!(*handle.result().unwrap(), 7);
    assert_eq!(*other.result().unwrap(), 8);
    let plain = client.submit(nothing::call().label("plain"));
    assert_eq!(handle, plain, "options are no content");
}

#[test]
fn long_and_short_arguments_are_told_apart() {
    let client = Client::new().unwrap();
    let keys: Vec<_> = (0..200u64)
        .map(|n| {
            let handle = client.submit(total::call((0..n).collect::<Vec<_>>()));
            assert_eq!(*handle.result().unwrap(), n * n.saturating_sub(1) / 2);
            key(&handle)
        })
        .collect();
    let mut unique = keys.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), keys.len());
}

#[test]
fn a_result_that_nobody_wants_is_remembered() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[task(pure)]
    fn count(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n
    }

    let client = Client::new().unwrap();
    for _ in 0..3 {
        assert_eq!(*client.submit(count::call(1)).result().unwrap(), 1);
    }
    assert_eq!(RUNS.load(SeqCst), 1);
    client.forget_remembered();
    assert_eq!(*client.submit(count::call(1)).result().unwrap(), 1);
    assert_eq!(RUNS.load(SeqCst), 2);
}

#[test]
fn floats_count_by_their_bits() {
    let client = Client::new().unwrap();
    assert_eq!(
        client.submit(floor::call(f64::NAN)),
        client.submit(floor::call(f64::NAN))
    );
    assert_ne!(
        client.submit(floor::call(0.0)),
        client.submit(floor::call(-0.0))
    );
}

#[test]
fn the_order_of_a_maps_entries_does_not_count() {
    let client = Client::new().unwrap();
    let map = |names: &[&str]| {
        let entries = names
            .iter()
            .map(|name| ((*name).to_owned(), name.len() as u64));
        entries.collect::<HashMap<_, _>>()
    };
    // Each map has a seed of its own, so equal ones give their entries in different orders.
    let names = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff"];
    let first = client.submit(len::call(map(&names)));
    for _ in 0..20 {
        assert_eq!(first, client.submit(len::call(map(&names))));
    }
    assert_ne!(first, client.submit(len::call(map(&names[1..]))));
    let ordered = BTreeMap::from([("a".to_owned(), 1)]);
    let other = BTreeMap::from([("a".to_owned(), 2)]);
    assert_ne!(
        client.submit(values::call(ordered)),
        client.submit(values::call(other))
    );
}

#[test]
fn a_handle_counts_as_its_key_or_as_itself() {
    let client = Client::new().unwrap();
    let keyed = client.submit(inc::call(1));
    let nested = client.submit(inc::call(inc::call(1)));
    assert_eq!(
        nested,
        client.submit(inc::call(&keyed)),
        "both depend on the same call"
    );
    assert_ne!(
        nested,
        client.submit(inc::call(2)),
        "a value is not the task that gives it"
    );
    let (one, other) = (client.scatter(1), client.scatter(1));
    let of_one = client.submit(inc::call(&one));
    assert_eq!(of_one, client.submit(inc::call(&one)));
    assert_ne!(
        of_one,
        client.submit(inc::call(&other)),
        "without a key each is itself"
    );
}

#[test]
fn a_handle_inside_of_a_value_counts_as_its_key() {
    #[task(pure)]
    fn first(of: Vec<TaskFuture<u64>>) -> Result<u64, tenter::TaskError> {
        of[0].result().copied()
    }

    let client = Client::new().unwrap();
    let handle = |n| client.submit(inc::call(n));
    let one = client.submit(first::call(vec![handle(1)]));
    assert_eq!(one, client.submit(first::call(vec![handle(1)])));
    assert_ne!(one, client.submit(first::call(vec![handle(2)])));
    assert_eq!(*one.result().unwrap(), 2);
    let elsewhere = Client::new().unwrap();
    let foreign = client.submit(first::call(vec![elsewhere.submit(inc::call(1))]));
    assert_eq!(foreign.result().unwrap_err().kind(), ErrorKind::Encoding);
}

#[derive(Clone, Serialize, Deserialize)]
struct Stack {
    frames: Vec<TaskFuture<u64>>,
    by: u64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Layer {
    Raw { of: TaskFuture<u64> },
}

#[test]
fn a_handle_in_a_struct_counts_as_its_key() {
    #[task(pure)]
    fn of_stack(stack: Stack) -> u64 {
        stack.by
    }

    #[task(pure)]
    fn of_layer(_layer: Layer) {}

    let client = Client::builder().encode(false).build().unwrap();
    let stack = |n, by| Stack {
        frames: vec![client.submit(inc::call(n))],
        by,
    };
    let one = client.submit(of_stack::call(stack(1, 2)));
    assert_eq!(one, client.submit(of_stack::call(stack(1, 2))));
    assert_ne!(one, client.submit(of_stack::call(stack(2, 2))));
    assert_ne!(one, client.submit(of_stack::call(stack(1, 3))));
    let layer = |n| Layer::Raw {
        of: client.submit(inc::call(n)),
    };
    let raw = client.submit(of_layer::call(layer(1)));
    assert_eq!(raw, client.submit(of_layer::call(layer(1))));
    assert_ne!(raw, client.submit(of_layer::call(layer(2))));
}

/// Submits a pure call of the handle in it whenever it is serialized, before it serializes the handle itself.
#[derive(Clone, Deserialize)]
struct Nosy(TaskFuture<u64>);

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Serialize for Nosy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let client = tenter::try_current().map_or_else(Client::new, Ok).unwrap();
        let nested = client.submit(look_at::call(vec![client.submit(inc::call(1))]));
        SEEN.lock().unwrap().push(key(&nested));
        self.0.serialize(serializer)
    }
}

#[task(pure)]
fn look_at(_of: Vec<TaskFuture<u64>>) {}

/// What is under way on a thread when a `Serialize` submits a pure call, hashing or packing, is so again afterwards.
#[test]
fn a_pure_call_in_a_serialize_is_hashed_for_itself() {
    #[task(pure)]
    fn of_nosy(of: Nosy, also: Vec<TaskFuture<u64>>) -> Result<u64, tenter::TaskError> {
        Ok(*of.0.result()? + *also[0].result()?)
    }

    for encode in [false, true] {
        let client = Client::builder().encode(encode).build().unwrap();
        let handle = |n| client.submit(inc::call(n));
        let submit = |n, m| client.submit(of_nosy::call(Nosy(handle(n)), vec![handle(m)]));
        let one = submit(1, 2);
        assert_eq!(one, submit(1, 2));
        assert_ne!(one, submit(2, 2));
        assert_ne!(one, submit(1, 1));
        assert_eq!(*one.result().unwrap(), 5);
    }
    let mut seen = SEEN.lock().unwrap().clone();
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[derive(Clone, Deserialize)]
struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it holds a socket"))
    }
}

#[task(pure)]
fn of_unserializable(_a: u64, _it: Unserializable) {}

#[task]
fn takes_unserializable(_a: u64, _it: Unserializable) {}

#[test]
fn an_argument_that_cannot_be_encoded_fails_the_call() {
    let client = Client::builder().encode(false).build().unwrap();
    let error = client
        .submit(of_unserializable::call(1, Unserializable))
        .result()
        .unwrap_err()
        .clone();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert_eq!(
        error.message(),
        "argument 2 of `it::pure_calls::of_unserializable` cannot be encoded: it holds a socket"
    );
    let plain = client.submit(takes_unserializable::call(1, Unserializable));
    assert!(
        plain.result().is_ok(),
        "a call that is not pure is never encoded in process"
    );
    let encoding = Client::builder().encode(true).build().unwrap();
    let error = encoding
        .submit(takes_unserializable::call(1, Unserializable))
        .result()
        .unwrap_err()
        .clone();
    assert_eq!(error.kind(), ErrorKind::Encoding);
}

#[derive(Clone, Deserialize)]
struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("no")
    }
}

#[test]
fn a_serialize_that_panics_fails_the_call() {
    #[task(pure)]
    fn of_panics(_it: Panics) {}

    let client = Client::new().unwrap();
    let error = client
        .submit(of_panics::call(Panics))
        .result()
        .unwrap_err()
        .clone();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Encoding, "no"));
}

#[derive(Clone, Deserialize)]
struct Ticket;

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        serializer.serialize_u64(NEXT.fetch_add(1, SeqCst))
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_serialize_that_says_something_else_each_time_is_caught_in_debug_builds() {
    #[task(pure)]
    fn of_ticket(_it: Ticket) {}

    let client = Client::new().unwrap();
    let error = client
        .submit(of_ticket::call(Ticket))
        .result()
        .unwrap_err()
        .clone();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert!(error.message().contains("do not serialize the same twice"));
}

#[derive(Clone, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<u64>,
}

#[test]
fn a_field_that_is_skipped_is_not_the_one_that_is_there() {
    #[task(pure)]
    fn of_sparse(_it: Sparse) {}

    let client = Client::builder().encode(false).build().unwrap();
    let a = client.submit(of_sparse::call(Sparse {
        a: Some(1),
        b: None,
    }));
    let b = client.submit(of_sparse::call(Sparse {
        a: None,
        b: Some(1),
    }));
    assert_ne!(a, b);
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Size {
    Pixels { pixels: u32 },
    Points { points: u32 },
}

#[test]
fn what_serializes_as_it_likes_is_told_apart() {
    #[task(pure)]
    fn json(of: serde_json::Value) -> String {
        of.to_string()
    }

    #[task(pure)]
    fn size(of: &Size) -> String {
        match of {
            Size::Pixels { pixels } => format!("{pixels} pixels"),
            Size::Points { points } => format!("{points} points"),
        }
    }

    let client = Client::builder().encode(false).build().unwrap();
    let texts = [
        "0",
        "-1",
        "18446744073709551615",
        "0.0",
        "\"\"",
        "null",
        "false",
        "[]",
        "{}",
        "[null,true]",
        "[true,null]",
        "[[],1]",
        "[[1]]",
        "{\"a\":null}",
        "{\"a\":{}}",
    ];
    let value = |text: &&str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let handles = client.submit_many(texts.iter().map(|text| json::call(value(text))));
    for (handle, text) in handles.iter().zip(texts) {
        assert_eq!(handle.result().unwrap(), text);
    }
    let pixels = client.submit(size::call(Size::Pixels { pixels: 1 }));
    let points = client.submit(size::call(Size::Points { points: 1 }));
    assert_eq!(pixels.result().unwrap(), "1 pixels");
    assert_eq!(points.result().unwrap(), "1 points");
}

#[test]
fn a_pure_call_that_is_refused_does_not_take_the_key() {
    let (here, there) = (Client::new().unwrap(), Client::new().unwrap());
    let foreign = here.submit(inc::call(there.submit(inc::call(1))));
    let kind = foreign.result().unwrap_err().kind();
    assert_eq!(kind, ErrorKind::ForeignHandle);
    assert_eq!(*here.submit(inc::call(inc::call(1))).result().unwrap(), 3);
    let no_pool = here.submit(inc::call(9).pool("none"));
    assert!(no_pool.result().is_err());
    assert_eq!(*here.submit(inc::call(9)).result().unwrap(), 10);
}
