//! `stats`: what is in the graph now, and the bytes of results.

use std::sync::Arc;
use std::thread;

use tenter::{Client, Nbytes, Status, TaskFuture, current};

use crate::support::{
    Gate, assert_nothing_left, assert_nothing_left_after, client_of, until, watched,
};

/// Edges and bytes are 0 when the graph is empty.
#[track_caller]
fn assert_adds_up(client: &Client) {
    assert_nothing_left(client);
    // The last want goes a moment before the destructor of what it wanted has run.
    until("all results are dropped", || client.stats().bytes == 0);
    let stats = client.stats();
    assert_eq!((stats.edges, stats.waiting, stats.queued), (0, 0, 0));
}

#[test]
fn nodes_edges_and_states_are_counted() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let a = client.submit(|| 1);
        let b = client.submit_with(&a, |a| a + 1);
        let c = client.submit_with((&a, &b, &a), |(a, b, c)| a + b + c);
        let given = client.scatter(5);
        let d = client.submit_with((&given, &c), |(given, c)| given + c);
        let stats = client.stats();
        assert_eq!((stats.live, stats.queued, stats.waiting), (6, 1, 3));
        assert_eq!(stats.edges, 1 + 3 + 1, "a finished input is no edge");
        c.cancel();
        let stats = client.stats();
        assert_eq!((stats.edges, stats.waiting), (1, 1), "c and d are settled");
        gate.open();
        assert_eq!(*b.result().unwrap(), 2);
        assert_eq!(client.stats().edges, 0);
        drop((a, b, c, d, given));
        assert_adds_up(&client);
    });
}

#[test]
fn results_count_with_what_they_own() {
    watched(|| {
        let client = client_of(1);
        let small = client.submit(|| 7u64);
        let text = client.submit(|| "x".repeat(1000));
        let vector = client.submit(|| vec![0f64; 1000]);
        let boxed = client.submit(|| [0u8; 5000]);
        let nested = client.scatter(vec![vec![1u16; 100]; 10]);
        let unknown = client.scatter(Some(Box::new([0u8; 1000])));
        let _ = (
            small.result(),
            text.result(),
            vector.result(),
            boxed.result(),
        );
        let sizes = [
            text.nbytes().unwrap(),
            vector.nbytes().unwrap(),
            boxed.nbytes().unwrap(),
            nested.nbytes().unwrap(),
            unknown.nbytes().unwrap(),
        ];
        assert_eq!(sizes, [1024, 8024, 5000, 24 + 10 * (24 + 200), 8]);
        assert_eq!(small.nbytes(), Some(8));
        let sum: usize = sizes.iter().sum();
        assert_eq!(
            client.stats().bytes,
            sum as u64,
            "the number is in its node"
        );
        drop(boxed);
        assert_eq!(client.stats().bytes, sum as u64 - 5000);
        assert_eq!(vector.take().unwrap().len(), 1000);
        assert_eq!(client.stats().bytes, (sum - 5000 - 8024) as u64);
        drop((small, text, nested, unknown));
        assert_adds_up(&client);
    });
}

#[test]
fn a_handle_without_a_result_has_no_bytes() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let later = client.submit(String::new);
        let bad = client.submit(|| -> String { panic!("no text") });
        assert_eq!(
            (later.nbytes(), later.type_name()),
            (None, "alloc::string::String")
        );
        gate.open();
        assert!(bad.result().is_err() && bad.nbytes().is_none());
        assert_eq!(later.result().unwrap().len(), 0);
        assert_eq!(later.nbytes(), Some(size_of::<String>()));
        drop((later, bad));
        assert_adds_up(&client);
    });
}

struct Frame {
    pixels: Vec<u16>,
    label: Option<Arc<str>>,
}

#[test]
fn declared_sizes_count() {
    watched(|| {
        let client = Client::builder()
            .threads(1)
            .nbytes(|frame: &Frame| frame.pixels.nbytes() + frame.label.nbytes())
            .nbytes(|_: &Option<Box<u8>>| panic!("nobody knows"))
            .nbytes(|number: &u64| 1000 + *number as usize)
            .build()
            .unwrap();
        let frame = client.scatter(Frame {
            pixels: vec![1; 500],
            label: Some("scan".into()),
        });
        assert_eq!(frame.nbytes(), Some(24 + 1000 + 16 + 4));
        let unknown = client.submit(|| Some(Box::new(1u8)));
        unknown.result().unwrap();
        assert_eq!(
            unknown.nbytes(),
            Some(8),
            "a size that panics is the value's own"
        );
        let number = client.scatter(7u64);
        assert_eq!(number.nbytes(), Some(1007));
        assert_eq!(client.stats().bytes, 1044 + 8);
        drop((frame, unknown, number));
        assert_adds_up(&client);
    });
}

#[test]
fn the_memory_of_pure_results_is_bounded_by_declared_bytes() {
    watched(|| {
        struct Large(#[allow(dead_code, reason = "only its size matters")] Box<u8>);
        let remembered = |builder: tenter::Builder| {
            let client = builder.threads(1).build().unwrap();
            for k in 0..1500u64 {
                let large = client.task("large").pure(("large", k));
                large.submit(|| Large(Box::new(0))).result().unwrap();
            }
            let remembered = client.stats().remembered;
            assert_adds_up(&client);
            remembered
        };
        assert_eq!(remembered(Client::builder()), 1500);
        let declared = Client::builder().nbytes(|_: &Large| 1 << 20);
        assert_eq!(
            remembered(declared),
            1024,
            "more than 256 MiB: only the least"
        );
    });
}

#[test]
fn what_values_own_adds_up() {
    assert_eq!((1u8, 2u64).nbytes(), 16);
    assert_eq!([vec![1u8; 10], vec![2u8; 20]].nbytes(), 48 + 30);
    assert_eq!(
        Some("abc".to_owned()).nbytes(),
        size_of::<Option<String>>() + 3
    );
    let results: [Result<String, u8>; 2] = [Ok("abcd".into()), Err(1)];
    assert_eq!(results.nbytes(), 2 * size_of::<Result<String, u8>>() + 4);
    assert_eq!(Arc::new(vec![0u32; 3]).nbytes(), 8 + 24 + 12);
    assert_eq!(Box::<str>::from("abc").nbytes(), 16 + 3);
    let mut spare = Vec::with_capacity(100);
    spare.push(());
    assert_eq!(spare.nbytes(), 24, "of nothing, any number takes nothing");
    assert_eq!(Vec::<u64>::with_capacity(100).nbytes(), 24 + 800);
}

#[test]
fn another_tasks_result_counts_once() {
    watched(|| {
        let client = client_of(2);
        let outer = client.submit(|| current().submit(|| vec![0u8; 4000]));
        let flat = outer.flatten();
        assert_eq!(flat.result().unwrap().len(), 4000);
        assert_eq!(flat.nbytes(), Some(4024));
        // The outer task has a handle as its result, which takes memory of its own.
        until("the outer result is gone", || client.stats().bytes <= 4024);
        drop(flat);
        assert_adds_up(&client);
    });
}

#[test]
fn bytes_add_up_whatever_becomes_of_results() {
    watched(|| {
        let client = client_of(4);
        thread::scope(|scope| {
            for seed in 0..4u64 {
                let client = &client;
                scope.spawn(move || shuffle(client, seed));
            }
        });
        assert_adds_up(&client);
    });
}

/// Makes results and takes, moves, drops, cancels, inherits and forgets them.
fn shuffle(client: &Client, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut kept: Vec<TaskFuture<Vec<u8>>> = Vec::new();
    for _ in 0..2000 {
        let length = random.usize(0..2000);
        let made = client.submit(move || vec![0; length]);
        match random.u8(0..8) {
            0 => drop(made),
            1 => made.cancel(),
            2 => drop(made.take()),
            3 => kept.push(made.then(|bytes| bytes[..bytes.len() / 2].to_vec())),
            4 => kept.push(client.submit_with(made, |bytes| bytes)),
            5 => kept.push(client.submit_with(&made, |_| panic!("not this one"))),
            6 => made.detach(),
            _ => kept.push(made),
        }
        if kept.len() > 50 {
            drop(kept.swap_remove(random.usize(0..kept.len())));
        }
        if kept.len().is_multiple_of(10) {
            let stats = client.stats();
            assert!(stats.live >= kept.len(), "{stats:?}");
        }
    }
}

#[test]
fn a_running_task_that_is_cancelled_counts_when_it_returns() {
    watched(|| {
        let client = client_of(1);
        let task = client.submit(|| {
            until("it is cancelled", || current().is_cancelled());
            vec![0u8; 100]
        });
        until("it runs", || task.status() == Status::Running);
        task.cancel();
        until("it has returned", || client.stats().cancelled == 1);
        assert_eq!((client.stats().finished, client.stats().bytes), (0, 0));
        assert_nothing_left_after(&client, task);
    });
}
