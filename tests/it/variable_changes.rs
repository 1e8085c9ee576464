//! Variables: waiting for a newer value.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{Variable, WaitError, gather};

use crate::support::{assert_nothing_left, client_of, until, watched};

#[test]
fn a_value_that_is_new_to_the_reader_comes_at_once() {
    let client = client_of(1);
    let variable = client.variable::<&str>("v").unwrap();
    variable.set("one").unwrap();
    assert_eq!(variable.changed(0), Ok(("one", 1)));
    variable.set("two").unwrap();
    variable.set("three").unwrap();
    assert_eq!(variable.changed(1), Ok(("three", 3)), "a slow reader skips");
    assert_eq!(block_on(variable.changed_async(2)), Ok(("three", 3)));
    assert_eq!(block_on(variable.get_async()), Ok("three"));
    for (version, timeout) in [(3, Duration::ZERO), (u64::MAX, Duration::from_millis(2))] {
        assert_eq!(
            variable.changed_timeout(version, timeout),
            Err(WaitError::TimedOut)
        );
    }
    assert_eq!(
        variable.changed_timeout(2, Duration::ZERO),
        Ok(("three", 3))
    );
}

#[test]
fn a_reader_waits_for_what_it_does_not_know() {
    watched(|| {
        let client = client_of(1);
        let variable = client.variable::<u32>("v").unwrap();
        let reads = variable.clone();
        let first = client.map(0..10, {
            let reads = reads.clone();
            move |_| reads.changed(0).unwrap()
        });
        until("all wait", || client.stats().blocked == 10);
        variable.set(5).unwrap();
        assert!(
            gather(&first)
                .unwrap()
                .into_iter()
                .all(|read| *read == (5, 1))
        );
        let second = client.map(0..10, move |_| reads.changed(1).unwrap());
        until("all wait", || client.stats().blocked == 10);
        variable.set(6).unwrap();
        assert!(
            gather(&second)
                .unwrap()
                .into_iter()
                .all(|read| *read == (6, 2))
        );
        drop((first, second));
        assert_nothing_left(&client);
    });
}

const LAST: u64 = 3000;

/// Follows the variable to its last value, and checks that nothing comes twice or out of order.
fn follow(mut changed: impl FnMut(u64) -> Result<(u64, u64), WaitError>) -> u64 {
    let mut known = 0;
    while known < LAST {
        let (value, version) = changed(known).unwrap();
        assert!(version > known && value == version);
        known = version;
    }
    known
}

#[test]
fn no_reader_misses_the_last_value() {
    watched(|| {
        let client = client_of(2);
        let variable: Variable<u64> = client.variable("v").unwrap();
        let (blocking, asynchronous, sets) = (variable.clone(), variable.clone(), variable.clone());
        let inside = client.map(0..3, move |_| follow(|known| blocking.changed(known)));
        let polled: Vec<_> = (0..3)
            .map(|_| {
                let variable = asynchronous.clone();
                std::thread::spawn(move || follow(|known| block_on(variable.changed_async(known))))
            })
            .collect();
        let writer = client.submit(move || (1..=LAST).for_each(|k| sets.set(k).unwrap()));
        assert_eq!(follow(|known| variable.changed(known)), LAST);
        writer.result().unwrap();
        assert!(
            gather(&inside)
                .unwrap()
                .into_iter()
                .all(|last| *last == LAST)
        );
        assert!(
            polled
                .into_iter()
                .all(|reader| reader.join().unwrap() == LAST)
        );
        drop((inside, writer));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_reader_that_is_dropped_takes_no_news_with_it() {
    watched(|| {
        let client = client_of(1);
        let variable = client.variable::<u32>("v").unwrap();
        let mut context = Context::from_waker(Waker::noop());
        for round in 1..=50 {
            {
                let mut dropped = pin!(variable.changed_async(u64::from(round) - 1));
                assert!(dropped.as_mut().poll(&mut context).is_pending());
            }
            let reads = variable.clone();
            let waiting =
                std::thread::spawn(move || block_on(reads.changed_async(u64::from(round) - 1)));
            variable.set(round).unwrap();
            assert_eq!(waiting.join().unwrap(), Ok((round, u64::from(round))));
        }
    });
}

#[test]
fn a_deleted_variable_ends_every_wait_for_it() {
    watched(|| {
        let client = client_of(1);
        let variable = client.variable::<u32>("v").unwrap();
        variable.set(1).unwrap();
        let reads = variable.clone();
        let blocked = client.submit(move || reads.changed(1));
        until("it waits", || client.stats().blocked == 1);
        let mut pending = Box::pin(variable.changed_async(1));
        let mut context = Context::from_waker(Waker::noop());
        assert!(pending.as_mut().poll(&mut context).is_pending());
        variable.delete();
        assert_eq!(*blocked.result().unwrap(), Err(WaitError::Closed));
        assert_eq!(block_on(pending), Err(WaitError::Closed));
        assert_eq!(variable.changed(0), Err(WaitError::Closed));
        assert_eq!(block_on(variable.get_async()), Err(WaitError::Closed));
    });
}
