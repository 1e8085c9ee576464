//! Events: waits go on once they are set.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{Client, WaitError, gather};

use crate::support::{Log, assert_nothing_left_after, client_of, until, watched};

#[test]
fn all_who_wait_go_on_once_it_is_set() {
    watched(|| {
        let deterministic = Client::builder().deterministic(2).build().unwrap();
        for client in [client_of(1), client_of(4), deterministic] {
            let event = client.event("go");
            assert!(!event.is_set());
            let waits = event.clone();
            let tasks = client.map(0..50, move |_| waits.wait());
            until("all wait", || client.stats().blocked == 50);
            assert!(tasks[0].explain().contains("event `go`"));
            let set = client.submit(|| tenter::current().event("go").set());
            set.result().unwrap();
            assert!(gather(&tasks).unwrap().into_iter().all(Result::is_ok));
            assert!(event.is_set());
            event.wait().unwrap();
            block_on(event.wait_async()).unwrap();
            assert_nothing_left_after(&client, (tasks, set));
        }
    });
}

#[test]
fn who_waits_goes_on_also_if_it_is_cleared_at_once() {
    watched(|| {
        let client = client_of(2);
        for _ in 0..200 {
            let event = client.event("pulse");
            let waits = event.clone();
            let task = client.try_submit(move || waits.wait());
            until("it waits", || client.stats().blocked == 1);
            event.set();
            event.clear();
            task.result().unwrap();
            assert!(!event.is_set());
        }
    });
}

#[test]
fn a_cleared_event_is_waited_for_again() {
    watched(|| {
        let client = client_of(1);
        let event = client.event("gate");
        event.clear();
        event.set();
        event.set();
        event.wait_timeout(Duration::ZERO).unwrap();
        event.clear();
        for timeout in [Duration::ZERO, Duration::from_millis(2)] {
            assert_eq!(event.wait_timeout(timeout), Err(WaitError::TimedOut));
        }
        let waits = event.clone();
        let task = client.try_submit(move || waits.wait_timeout(Duration::MAX));
        until("it waits", || client.stats().blocked == 1);
        event.set();
        task.result().unwrap();
    });
}

#[test]
fn events_have_names_of_their_own() {
    let client = client_of(1);
    let _queue = client.queue::<u8>("same", 0).unwrap();
    client.event("same").set();
    assert!(client.event("same").is_set() && !client.event("other").is_set());
    assert_eq!(client.event("").name(), "");
    assert!(!client.lock("same").is_locked());
}

#[test]
fn waits_end_when_it_is_deleted_or_the_client_closes() {
    watched(|| {
        let client = client_of(1);
        let (old, log) = (client.event("gone"), Log::new());
        let wait = |event: &tenter::Event| {
            let (event, log) = (event.clone(), log.clone());
            let task = client.submit(move || log.write(event.wait()));
            until("it waits", || client.stats().blocked == 1);
            task
        };
        let first = wait(&old);
        old.delete();
        first.result().unwrap();
        let new = client.event("gone");
        let second = wait(&new);
        old.set();
        assert!(!new.is_set());
        drop(client.clone());
        assert!(client.close(Duration::MAX).is_clean());
        assert_eq!(log.read(), vec![Err(WaitError::Closed); 2]);
        assert_eq!(new.wait(), Err(WaitError::Closed));
        assert_eq!(client.event("late").wait(), Err(WaitError::Closed));
        assert_eq!(block_on(new.wait_async()), Err(WaitError::Closed));
        drop(second);
    });
}

#[test]
fn async_code_waits_too() {
    watched(|| {
        let client = client_of(1);
        let event = client.event("async");
        let waits = event.clone();
        let thread = std::thread::spawn(move || block_on(waits.wait_async()));
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut dropped = pin!(event.wait_async());
            assert!(dropped.as_mut().poll(&mut context).is_pending());
            assert!(dropped.as_mut().poll(&mut context).is_pending());
        }
        let mut kept = pin!(event.wait_async());
        assert!(kept.as_mut().poll(&mut context).is_pending());
        event.set();
        assert_eq!(thread.join().unwrap(), Ok(()));
        event.clear();
        assert!(kept.as_mut().poll(&mut context).is_ready());
    });
}

/// A waker that panics when it wakes.
struct Bomb;

impl std::task::Wake for Bomb {
    fn wake(self: std::sync::Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[test]
fn a_waker_that_panics_does_no_harm() {
    watched(|| {
        let client = client_of(1);
        let event = client.event("bomb");
        let waker = Waker::from(std::sync::Arc::new(Bomb));
        let mut first = pin!(event.wait_async());
        assert!(
            first
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let waits = event.clone();
        let task = client.try_submit(move || waits.wait());
        until("it waits", || client.stats().blocked == 1);
        event.set();
        task.result().unwrap();
    });
}
