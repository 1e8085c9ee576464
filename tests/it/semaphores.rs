//! Semaphores: never more at once than there are permits, and nobody is passed over.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{Client, ErrorKind, NameError, TaskFuture, WaitError, current, gather};

use crate::support::{Log, assert_nothing_left_after, client_of, until, watched};

/// Counts who is inside, and how many that were at most.
#[derive(Clone, Default)]
struct Room(Arc<(AtomicUsize, AtomicUsize)>);

impl Room {
    fn visit(&self, weight: usize) {
        let (inside, most) = &*self.0;
        most.fetch_max(inside.fetch_add(weight, SeqCst) + weight, SeqCst);
        std::thread::yield_now();
        inside.fetch_sub(weight, SeqCst);
    }

    fn most(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}

#[test]
fn no_more_are_inside_than_there_are_permits() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let (room, permits) = (Room::default(), client.semaphore("room", 3).unwrap());
            let tasks: Vec<_> = (0..4000)
                .map(|k: usize| {
                    let (room, permits, weight) = (room.clone(), permits.clone(), k % 4);
                    client.try_submit(move || {
                        let guard = permits.acquire(weight)?;
                        assert_eq!(guard.permits(), weight);
                        if k.is_multiple_of(16) {
                            current().submit(|| ()).result().unwrap();
                        }
                        room.visit(weight);
                        Ok::<_, WaitError>(())
                    })
                })
                .collect();
            gather(&tasks).unwrap();
            assert!((1..=3).contains(&room.most()), "{}", room.most());
            assert_eq!(permits.available(), 3);
            assert_nothing_left_after(&client, tasks);
        }
    });
}

/// Submits a task that takes so many permits and writes that, and waits until it waits.
fn taker(client: &Client, count: usize, log: &Log<usize>) -> TaskFuture<()> {
    let (log, blocked) = (log.clone(), client.stats().blocked);
    let permits = client.semaphore("line", 4).unwrap();
    let task = client.try_submit(move || {
        let _guard = permits.acquire(count)?;
        log.write(count);
        // Keeps the others out until they are let in one after the other.
        current().event("go").wait()
    });
    until("it waits", || client.stats().blocked == blocked + 1);
    task
}

#[test]
fn a_large_request_is_not_passed_by_small_ones() {
    watched(|| {
        let client = client_of(2);
        let (permits, log) = (client.semaphore("line", 4).unwrap(), Log::new());
        let outside = permits.acquire(2).unwrap();
        let tasks = [taker(&client, 4, &log), taker(&client, 1, &log)];
        assert_eq!(permits.try_acquire(1).unwrap_err(), WaitError::TimedOut);
        assert_eq!((log.len(), permits.available()), (0, 2));
        client.event("go").set();
        drop(outside);
        gather(&tasks).unwrap();
        assert_eq!(log.read(), [4, 1]);
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn a_large_request_that_gives_up_lets_small_ones_through() {
    watched(|| {
        let client = client_of(2);
        let permits = client.semaphore("line", 4).unwrap();
        let _outside = permits.acquire(2).unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let small = {
            let mut large = pin!(permits.acquire_async(4));
            assert!(large.as_mut().poll(&mut context).is_pending());
            let waits = permits.clone();
            let small = client.try_submit(move || waits.acquire(1).map(drop));
            until("it waits", || small.explain().contains("semaphore `line`"));
            small
        };
        small.result().unwrap();
        let timed = permits.acquire_timeout(4, Duration::from_millis(1));
        assert_eq!(timed.unwrap_err(), WaitError::TimedOut);
        assert_eq!(permits.available(), 2);
    });
}

#[test]
fn a_panic_gives_permits_back() {
    watched(|| {
        let client = client_of(1);
        let permits = client.semaphore("brittle", 2).unwrap();
        let takes = permits.clone();
        let task = client.submit(move || -> u8 {
            let _guard = takes.acquire(2).unwrap();
            panic!("while it holds permits");
        });
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(permits.available(), 2);
    });
}

#[test]
fn more_permits_than_there_are_is_an_error() {
    let client = client_of(1);
    let permits = client.semaphore("small", 2).unwrap();
    for refused in [
        permits.acquire(3),
        permits.try_acquire(usize::MAX),
        permits.acquire_timeout(3, Duration::MAX),
        block_on(permits.acquire_async(3)),
    ] {
        let error = refused.unwrap_err();
        assert!(
            matches!(error, WaitError::Exceeds { most: 2, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("semaphore `small`"), "{error}");
    }
    let all = permits.acquire(2).unwrap();
    assert_eq!(permits.acquire(0).unwrap().permits(), 0);
    drop(all);
    let nobody = client.semaphore("nobody", 0).unwrap_err();
    assert!(
        matches!(
            nobody,
            NameError::Zero {
                what: "permits",
                ..
            }
        ),
        "{nobody}"
    );
    let other = client.semaphore("small", 3).unwrap_err();
    assert!(
        matches!(
            other,
            NameError::OtherNumber {
                has: 2,
                asked: 3,
                ..
            }
        ),
        "{other}"
    );
    assert!(
        other.to_string().contains("`small` has 2 permits, not 3"),
        "{other}"
    );
}

#[test]
fn only_what_was_forgotten_can_be_released() {
    watched(|| {
        let client = client_of(2);
        let permits = client.semaphore("tokens", 3).unwrap();
        let error = permits.release(1).unwrap_err();
        assert!(error.to_string().contains("only 0 are missing"), "{error}");
        permits.acquire(2).unwrap().forget();
        let guard = permits.acquire(1).unwrap();
        assert_eq!(permits.available(), 0);
        let waits = permits.clone();
        let task = client.try_submit(move || waits.acquire(2).map(drop));
        until("it waits", || client.stats().blocked == 1);
        assert!(permits.release(3).is_err());
        permits.release(2).unwrap();
        task.result().unwrap();
        drop(guard);
        assert_eq!(permits.available(), 3);
        permits.release(0).unwrap();
    });
}

#[test]
fn waits_for_permits_end_when_the_client_closes_or_it_is_deleted() {
    watched(|| {
        let client = client_of(1);
        let permits = client.semaphore("closing", 1).unwrap();
        let guard = permits.acquire(1).unwrap();
        let (waits, log) = (permits.clone(), Log::new());
        let wrote = log.clone();
        let task = client.submit(move || wrote.write(waits.acquire(1).map(drop)));
        until("it waits", || client.stats().blocked == 1);
        permits.delete();
        task.result().unwrap();
        let new = client.semaphore("closing", 2).unwrap();
        let both = new.acquire(2).unwrap();
        let (waits, wrote) = (new.clone(), log.clone());
        let task = client.submit(move || wrote.write(waits.acquire(1).map(drop)));
        until("it waits", || client.stats().blocked == 1);
        let closed = client.clone();
        drop(client);
        assert!(closed.close(Duration::MAX).is_clean());
        assert_eq!(log.read(), vec![Err(WaitError::Closed); 2]);
        assert_eq!(new.try_acquire(1).unwrap_err(), WaitError::Closed);
        assert_eq!(closed.semaphore("late", 1).unwrap_err(), NameError::Closed);
        drop((guard, both, task));
        assert_eq!((permits.available(), new.available()), (1, 2));
    });
}

#[test]
fn async_code_shares_permits() {
    watched(|| {
        let client = client_of(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let (room, permits) = (Room::default(), client.semaphore("room", 2).unwrap());
        let futures: Vec<_> = (0..200)
            .map(|_| {
                let (room, permits) = (room.clone(), permits.clone());
                runtime.spawn(async move {
                    let _guard = permits.acquire_async(1).await.unwrap();
                    tokio::task::yield_now().await;
                    room.visit(1);
                })
            })
            .collect();
        for future in futures {
            block_on(future).unwrap();
        }
        assert!(room.most() <= 2);
        assert_eq!(permits.available(), 2);
    });
}
