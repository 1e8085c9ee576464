//! Keys, and the memory of pure results.

use tenter::{Client, ErrorKind, TaskError, TaskFuture, current};

use crate::support::{Counts, Gate, assert_nothing_left, client_of, watched};

#[test]
fn the_same_key_is_the_same_task() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let (first, second) = (counts.counted(), counts.counted());
        let a = client.task("a").key("k").submit(move || (drop(first), 1).1);
        let b = client
            .task("b")
            .key("k")
            .submit(move || (drop(second), 2).1);
        assert!(a == b);
        assert_eq!(counts.alive(), 1, "the second closure is dropped");
        gate.open();
        assert_eq!((*a.result().unwrap(), *b.result().unwrap()), (1, 1));
        let again = client.task("c").key("k".to_owned()).submit(|| 3);
        assert!(again == a);
        drop((a, b, again));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_failed_task_keeps_its_key() {
    let client = Client::new().unwrap();
    let a = client.task("a").key(1).try_submit(|| Err::<u8, _>("first"));
    a.result().unwrap_err();
    let b = client.task("a").key(1).submit(|| 2u8);
    assert_eq!(b.result().unwrap_err().message(), "first");
    drop((a, b));
    let c = client.task("a").key(1).submit(|| 3u8);
    assert_eq!(*c.result().unwrap(), 3, "nobody wanted it any more");
}

#[test]
fn another_type_of_result_is_a_conflict() {
    let client = Client::new().unwrap();
    let number = client.task("number").key("k").submit(|| 1u32);
    let text = client.task("text").key("k").submit(|| "one");
    let error = text.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.task()),
        (ErrorKind::KeyConflict, "text")
    );
    assert!(error.to_string().contains('k'), "{error}");
    assert_eq!(*number.result().unwrap(), 1);
    drop((number, text));
    assert_nothing_left(&client);
}

#[test]
fn a_key_is_free_when_nobody_wants_its_task() {
    let client = Client::new().unwrap();
    for round in 0..1000u64 {
        let task = client.task("a").key("k").submit(move || round);
        assert_eq!(*task.result().unwrap(), round);
    }
    assert_nothing_left(&client);
}

#[test]
fn texts_numbers_and_pairs_are_different_keys() {
    let client = Client::new().unwrap();
    let t = |task: tenter::Task<'_>, value: u8| task.submit(move || value);
    let all = [
        t(client.task("a").key("7"), 0),
        t(client.task("a").key(7), 1),
        t(client.task("a").key(("7", 7)), 2),
        t(
            client
                .task("a")
                .key(("a-very-long-key-that-does-not-fit-anywhere-inline", 7)),
            3,
        ),
        t(
            client
                .task("a")
                .key(("a-very-long-key-that-does-not-fit-anywhere-inline", 8)),
            4,
        ),
    ];
    let values: Vec<u8> = all.into_iter().map(|task| task.take().unwrap()).collect();
    assert_eq!(values, [0, 1, 2, 3, 4]);
}

#[test]
fn a_number_is_one_key_whatever_its_type() {
    let client = Client::new().unwrap();
    let keys = [
        tenter::Key::from(7i32),
        7i64.into(),
        7u32.into(),
        7u64.into(),
        7usize.into(),
    ];
    let tasks = keys.map(|key| client.task("a").key(key).submit(|| 1));
    assert!(tasks.iter().all(|task| *task == tasks[0]));
    let below = [tenter::Key::from(-7), i64::MIN.into(), u64::MAX.into()];
    assert_eq!(
        below.each_ref().map(ToString::to_string),
        ["-7", "-9223372036854775808", "18446744073709551615"]
    );
    assert_eq!(tenter::Key::from(-7i32), tenter::Key::from(-7i64));
}

#[test]
fn keys_work_under_contention() {
    watched(|| {
        let client = client_of(2);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let client = client.clone();
                std::thread::spawn(move || {
                    for k in 0..5000u64 {
                        let task = client.task("a").key(k % 7).submit(move || k % 7);
                        assert_eq!(*task.result().unwrap(), k % 7);
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_nothing_left(&client);
    });
}

fn square(client: &Client, n: u64) -> TaskFuture<u64> {
    client
        .task("square")
        .pure(("square", n))
        .submit(move || n * n)
}

#[test]
fn a_pure_result_is_remembered() {
    let client = Client::new().unwrap();
    for _ in 0..10 {
        assert_eq!(*square(&client, 4).result().unwrap(), 16);
    }
    assert_eq!((client.stats().started, client.stats().remembered), (1, 1));
    client.forget_remembered();
    assert_eq!(*square(&client, 4).result().unwrap(), 16);
    assert_eq!(client.stats().started, 2);
    assert_nothing_left(&client);
    assert_eq!(client.stats().remembered, 0);
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let client = Client::builder().remember(10).build().unwrap();
    for n in 0..100 {
        square(&client, n).result().unwrap();
    }
    assert_eq!(client.stats().remembered, 10);
    square(&client, 99).result().unwrap();
    assert_eq!(client.stats().started, 100);
    square(&client, 0).result().unwrap();
    assert_eq!(client.stats().started, 101);
    assert_nothing_left(&client);
}

#[test]
fn remember_nothing_remembers_nothing() {
    let client = Client::builder().remember(0).build().unwrap();
    let held = square(&client, 3);
    held.result().unwrap();
    assert!(square(&client, 3) == held);
    drop(held);
    square(&client, 3).result().unwrap();
    assert_eq!((client.stats().started, client.stats().remembered), (2, 0));
    assert_nothing_left(&client);
}

#[test]
fn failed_and_unkeyed_results_are_not_remembered() {
    let client = Client::new().unwrap();
    for _ in 0..3 {
        let bad = client
            .task("bad")
            .pure("bad")
            .try_submit(|| Err::<u8, _>("no"));
        bad.result().unwrap_err();
        client
            .task("keyed")
            .key("keyed")
            .submit(|| 1)
            .result()
            .unwrap();
    }
    assert_eq!((client.stats().started, client.stats().remembered), (6, 0));
    assert_nothing_left(&client);
}

#[test]
fn fib_1000_runs_1001_tasks_every_time() {
    fn fib(n: u64) -> Result<u64, TaskError> {
        if n < 2 {
            return Ok(n);
        }
        let (a, b) = (submit(&current(), n - 1), submit(&current(), n - 2));
        Ok(a.result()?.wrapping_add(*b.result()?))
    }
    fn submit(client: &Client, n: u64) -> TaskFuture<u64> {
        client
            .task("fib")
            .pure(("fib", n))
            .try_submit(move || fib(n))
    }
    watched(|| {
        let expected = (0..1000)
            .fold((0u64, 1u64), |(a, b), _| (b, a.wrapping_add(b)))
            .0;
        for threads in [1, 2, 4, 8] {
            let mut many = Vec::new();
            for round in 0..50 {
                let client = client_of(threads);
                assert_eq!(*submit(&client, 1000).result().unwrap(), expected);
                let stats = client.stats();
                assert_eq!(stats.started, 1001, "{threads} threads, round {round}");
                many.extend((stats.threads_started > threads + 8).then_some(stats));
                assert_nothing_left(&client);
            }
            // A machine that stalls for a while looks like bodies that block unseen, and gets spares: not every round is
            // held to it.
            assert!(many.len() <= 25, "{threads} threads: {many:?}");
        }
    });
}
