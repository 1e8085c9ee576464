//! Locks and events (notes 4.11).

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tenter::{WaitError, current, gather};

use crate::support::until;
use crate::{with_client, with_threads};

#[test]
fn a_lock_lets_one_in_at_a_time() {
    with_client(|client| {
        let sum = Arc::new(AtomicU64::new(0));
        let adds = Arc::clone(&sum);
        let tasks = client.map(0..50, move |_| {
            let _guard = current().lock("x").lock().unwrap();
            let before = adds.load(SeqCst);
            std::thread::yield_now();
            adds.store(before + 1, SeqCst);
        });
        gather(&tasks).unwrap();
        assert_eq!(sum.load(SeqCst), 50);
    });
}

#[test]
fn a_lock_of_a_name_is_one_for_all() {
    with_client(|client| {
        let guard = client.lock("x").lock().unwrap();
        let other = client.clone();
        assert!(other.lock("x").is_locked() && !other.lock("y").is_locked());
        let inside = client.submit(|| current().lock("x").is_locked());
        assert!(inside.result().unwrap());
        drop(guard);
        assert!(!other.lock("x").is_locked());
    });
}

#[test]
fn a_wait_for_a_lock_times_out() {
    with_client(|client| {
        let guard = client.lock("x").lock().unwrap();
        let waits = client.submit(|| {
            let lock = current().lock("x");
            lock.lock_timeout(Duration::from_millis(1)).map(drop)
        });
        assert_eq!(*waits.result().unwrap(), Err(WaitError::TimedOut));
        drop(guard);
        drop(client.lock("x").lock().unwrap());
    });
}

#[test]
fn a_free_lock_is_had_without_any_time() {
    with_client(|client| {
        let lock = client.lock("x");
        let guard = lock.lock_timeout(Duration::ZERO).unwrap();
        assert_eq!(
            lock.lock_timeout(Duration::ZERO).unwrap_err(),
            WaitError::TimedOut
        );
        drop(guard);
        drop(lock.lock_timeout(Duration::ZERO).unwrap());
    });
}

#[test]
fn a_lock_that_is_taken_is_refused_at_once_if_asked_so() {
    with_client(|client| {
        let lock = client.lock("x");
        let guard = lock.try_lock().unwrap();
        assert_eq!(lock.try_lock().unwrap_err(), WaitError::TimedOut);
        drop(guard);
        drop(lock.try_lock().unwrap());
    });
}

#[test]
fn a_lock_is_kept_as_long_as_its_guard() {
    with_client(|client| {
        let task = client.submit(|| current().lock("x").lock().unwrap());
        task.result().unwrap();
        assert!(client.lock("x").is_locked(), "the guard is in the result");
        drop(task);
        drop(client.lock("x").lock().unwrap());
    });
}

#[test]
fn a_set_of_one_lock_is_that_lock() {
    with_client(|client| {
        let guard = client.multi_lock(["x"]).lock().unwrap();
        assert!(client.lock("x").is_locked());
        assert_eq!(
            client.lock("x").try_lock().unwrap_err(),
            WaitError::TimedOut
        );
        drop(guard);
        drop(client.lock("x").try_lock().unwrap());
    });
}

#[test]
fn a_set_is_taken_as_a_whole() {
    with_threads(2, |client| {
        let guard = client.lock("x").lock().unwrap();
        let both = client.submit(|| current().multi_lock(["x", "y"]).lock().unwrap().names());
        until("it waits", || client.stats().blocked == 1);
        assert!(!both.is_done());
        drop(guard);
        assert_eq!(*both.result().unwrap(), ["x", "y"]);
    });
}

#[test]
fn a_wait_for_a_set_times_out_and_takes_nothing() {
    with_client(|client| {
        let guard = client.lock("x").lock().unwrap();
        let both = client.multi_lock(["x", "y"]);
        let error = both.lock_timeout(Duration::from_millis(1)).unwrap_err();
        assert_eq!(error, WaitError::TimedOut);
        assert!(!client.lock("y").is_locked());
        drop(guard);
        assert_eq!(both.lock().unwrap().names(), ["x", "y"]);
    });
}

#[test]
fn a_wait_for_a_set_that_times_out_lets_the_next_one_through() {
    with_client(|client| {
        let guard = client.lock("x").lock().unwrap();
        let gives_up = client.submit(|| {
            let both = current().multi_lock(["x", "y"]);
            both.lock_timeout(Duration::from_millis(10)).map(drop)
        });
        let next = client.submit(|| current().multi_lock(["y", "z"]).lock().map(drop));
        assert_eq!(*next.result().unwrap(), Ok(()));
        assert_eq!(*gives_up.result().unwrap(), Err(WaitError::TimedOut));
        drop(guard);
    });
}

#[test]
fn any_so_many_of_a_set_may_be_asked_for() {
    with_client(|client| {
        let guard = client.lock("y").lock().unwrap();
        let three = client.multi_lock(["x", "y", "z"]);
        let two = three.lock_any(2).unwrap();
        assert_eq!(two.names(), ["x", "z"]);
        assert_eq!(three.try_lock_any(1).unwrap_err(), WaitError::TimedOut);
        assert!(matches!(three.lock_any(4), Err(WaitError::Exceeds { .. })));
        drop((guard, two));
    });
}

#[test]
fn an_event_is_not_set_at_first() {
    with_client(|client| {
        let event = client.event("x");
        assert!(!event.is_set());
        assert_eq!(event.wait_timeout(Duration::ZERO), Err(WaitError::TimedOut));
        event.set();
        assert!(client.clone().event("x").is_set());
        assert_eq!(event.wait_timeout(Duration::ZERO), Ok(()));
        event.clear();
        assert!(!event.is_set());
    });
}

#[test]
fn tasks_go_on_once_their_event_is_set() {
    with_threads(1, |client| {
        let tasks = client.map(0..5, |_| current().event("x").wait());
        until("all wait", || client.stats().blocked == 5);
        client.event("x").set();
        assert!(gather(&tasks).unwrap().into_iter().all(Result::is_ok));
    });
}

#[test]
fn many_events_are_set_and_cleared_on_their_own() {
    with_client(|client| {
        let name = |k: usize| format!("event {k}");
        let waits = client.map(0..20, move |k| current().event(&name(k)).wait());
        let sets = client.map(0..20, move |k| current().event(&name(k)).set());
        gather(&sets).unwrap();
        assert!(gather(&waits).unwrap().into_iter().all(Result::is_ok));
        (0..20)
            .step_by(2)
            .for_each(|k| client.event(&name(k)).clear());
        assert!((0..20).all(|k| client.event(&name(k)).is_set() == (k % 2 == 1)));
    });
}

#[test]
fn a_wait_for_an_event_times_out_in_a_task() {
    with_threads(1, |client| {
        let waits = client.submit(|| {
            let event = current().event("x");
            event.wait_timeout(Duration::from_millis(1))
        });
        assert_eq!(*waits.result().unwrap(), Err(WaitError::TimedOut));
    });
}

#[test]
fn two_tasks_take_turns_by_two_events() {
    with_threads(1, |client| {
        let player = |mine: &'static str, theirs: &'static str| {
            client.submit(move || {
                let (mine, theirs) = (current().event(mine), current().event(theirs));
                for _ in 0..20 {
                    mine.wait()?;
                    mine.clear();
                    theirs.set();
                }
                Ok::<_, WaitError>(())
            })
        };
        let players = [player("ping", "pong"), player("pong", "ping")];
        client.event("ping").set();
        assert_eq!(gather(&players).unwrap(), [&Ok(()), &Ok(())]);
    });
}
