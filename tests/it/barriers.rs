//! Barriers: nobody goes on before all parties are there.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{Client, NameError, WaitError, gather};

use crate::support::{Log, assert_nothing_left_after, client_of, until, watched};

#[test]
fn nobody_goes_on_before_all_are_there_in_each_generation() {
    watched(|| {
        const PARTIES: usize = 20;
        const ROUNDS: u64 = 30;
        let deterministic = Client::builder().deterministic(4).build().unwrap();
        for client in [client_of(1), client_of(4), deterministic] {
            let barrier = client.barrier("step", PARTIES).unwrap();
            let arrived = Arc::new(AtomicUsize::new(0));
            let tasks = client.map(0..PARTIES, move |_| {
                let mut led = 0;
                for round in 0..ROUNDS {
                    arrived.fetch_add(1, SeqCst);
                    let here = barrier.wait().unwrap();
                    assert!(arrived.load(SeqCst) >= PARTIES * (round as usize + 1));
                    assert_eq!(here.generation(), round);
                    led += u64::from(here.is_leader());
                }
                led
            });
            let led: u64 = gather(&tasks).unwrap().into_iter().sum();
            assert_eq!(led, ROUNDS, "one leader a round");
            assert_nothing_left_after(&client, tasks);
        }
    });
}

#[test]
fn who_gives_up_has_never_been_there() {
    watched(|| {
        let client = client_of(2);
        let barrier = client.barrier("three", 3).unwrap();
        assert_eq!(
            barrier.wait_timeout(Duration::from_millis(1)),
            Err(WaitError::TimedOut)
        );
        assert_eq!(
            barrier.wait_timeout(Duration::ZERO),
            Err(WaitError::TimedOut)
        );
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut dropped = pin!(barrier.wait_async());
            assert!(dropped.as_mut().poll(&mut context).is_pending());
            assert_eq!(barrier.waiting(), 1);
        }
        assert_eq!(barrier.waiting(), 0);
        let waits = barrier.clone();
        let tasks = client.map(0..2, move |_| waits.wait());
        until("both are there", || barrier.waiting() == 2);
        let says_so = || tasks[0].explain().contains("barrier `three`");
        until("it is known what it waits for", says_so);
        let here = barrier.wait().unwrap();
        assert!(here.is_leader());
        for task in &tasks {
            assert!(!task.result().unwrap().clone().unwrap().is_leader());
        }
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn one_party_never_waits() {
    let client = client_of(1);
    let alone = client.barrier("alone", 1).unwrap();
    for round in 0..3 {
        let here = alone.wait_timeout(Duration::ZERO).unwrap();
        assert_eq!((here.is_leader(), here.generation()), (true, round));
    }
    assert_eq!(block_on(alone.wait_async()).unwrap().generation(), 3);
}

#[test]
fn a_barrier_has_one_number_of_parties() {
    let client = client_of(1);
    let nobody = client.barrier("b", 0).unwrap_err();
    assert!(
        nobody.to_string().contains("0 parties: ask for 1"),
        "{nobody}"
    );
    let barrier = client.barrier("b", usize::MAX).unwrap();
    assert_eq!(
        client.barrier("b", 2).unwrap_err(),
        NameError::OtherNumber {
            name: "b".to_owned(),
            what: "parties",
            has: usize::MAX,
            asked: 2
        }
    );
    barrier.delete();
    assert_eq!(client.barrier("b", 2).unwrap().parties(), 2);
}

#[test]
fn waits_at_a_barrier_end_when_the_client_closes() {
    watched(|| {
        let client = client_of(1);
        let (barrier, log) = (client.barrier("never", 9).unwrap(), Log::new());
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let (barrier, log) = (barrier.clone(), log.clone());
                client.submit(move || log.write(barrier.wait()))
            })
            .collect();
        until("all wait", || barrier.waiting() == 3);
        let waits = barrier.clone();
        let thread = std::thread::spawn(move || block_on(waits.wait_async()));
        until("it waits, too", || barrier.waiting() == 4);
        drop(client);
        assert_eq!(log.read(), vec![Err(WaitError::Closed); 3]);
        assert_eq!(thread.join().unwrap(), Err(WaitError::Closed));
        assert_eq!(barrier.wait(), Err(WaitError::Closed));
        drop(tasks);
    });
}

#[test]
fn threads_tasks_and_async_code_meet() {
    watched(|| {
        let client = client_of(1);
        let barrier = client.barrier("all", 3).unwrap();
        let (a, b) = (barrier.clone(), barrier.clone());
        let task = client.submit(move || a.wait().unwrap());
        let thread = std::thread::spawn(move || b.wait().unwrap());
        let here = block_on(barrier.wait_async()).unwrap();
        let leaders = [*task.result().unwrap(), thread.join().unwrap(), here];
        assert_eq!(leaders.iter().filter(|here| here.is_leader()).count(), 1);
    });
}

/// The last party may arrive just when the time of another is over.
#[test]
fn whose_time_is_over_as_the_last_arrives_is_there_for_both_or_for_none() {
    const TRIES: usize = 100_000;
    watched(|| {
        let client = client_of(1);
        let barrier = client.barrier("two", 2).unwrap();
        let party = || {
            let here = |_| barrier.wait_timeout(Duration::ZERO).ok();
            let generations = (0..TRIES).filter_map(here).map(|here| here.generation());
            generations.collect::<Vec<_>>()
        };
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(party);
            (party(), one.join().unwrap())
        });
        assert_eq!(one, other);
    });
}
