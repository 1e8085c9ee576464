//! Several locks at once: all of them or any so many, without deadlocks between sets that overlap.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{Client, ErrorKind, LockGuard, WaitError, current, gather};

use crate::support::{Log, assert_nothing_left_after, client_of, until, watched};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Whether somebody is inside of each lock.
#[derive(Clone, Default)]
struct Inside(Arc<[AtomicBool; NAMES.len()]>);

impl Inside {
    fn visit(&self, guard: &LockGuard) {
        let flags = || {
            let place = |name: &String| NAMES.iter().position(|n| n == name).unwrap();
            guard
                .names()
                .into_iter()
                .map(move |name| &self.0[place(&name)])
        };
        flags().for_each(|flag| assert!(!flag.swap(true, SeqCst), "two are inside"));
        std::thread::yield_now();
        flags().for_each(|flag| flag.store(false, SeqCst));
    }
}

/// Some of the names, in any order.
fn some_names(random: &mut fastrand::Rng) -> Vec<&'static str> {
    let mut names = NAMES.to_vec();
    random.shuffle(&mut names);
    names.truncate(random.usize(1..=4));
    names
}

#[test]
fn overlapping_sets_exclude_each_other_and_all_get_their_turn() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let (inside, mut random) = (Inside::default(), fastrand::Rng::with_seed(7));
            let tasks: Vec<_> = (0..3000)
                .map(|_| {
                    let (names, inside) = (some_names(&mut random), inside.clone());
                    let need = random.usize(1..=names.len());
                    let timed = random.u8(..8) == 0;
                    let locks = client.multi_lock(names);
                    client.try_submit(move || {
                        let guard = match timed {
                            true => locks.lock_any_timeout(need, Duration::from_micros(50)),
                            false => locks.lock_any(need),
                        };
                        match guard {
                            Ok(guard) => {
                                assert_eq!(guard.names().len(), need);
                                inside.visit(&guard);
                                Ok(())
                            }
                            Err(WaitError::TimedOut) if timed => Ok(()),
                            Err(error) => Err(error),
                        }
                    })
                })
                .collect();
            gather(&tasks).unwrap();
            assert!(NAMES.iter().all(|name| !client.lock(name).is_locked()));
            assert_nothing_left_after(&client, tasks);
        }
    });
}

#[test]
fn all_are_taken_together_or_waited_for() {
    watched(|| {
        let client = client_of(2);
        let both = client.multi_lock(["a", "b"]);
        let guard = client.lock("b").lock().unwrap();
        assert_eq!(both.try_lock().unwrap_err(), WaitError::TimedOut);
        assert!(!client.lock("a").is_locked(), "nothing is kept by a try");
        assert_eq!(
            both.lock_timeout(Duration::from_millis(1)).unwrap_err(),
            WaitError::TimedOut
        );
        assert!(!client.lock("a").is_locked(), "nor by a wait that is over");
        let waits = both.clone();
        let task = client.try_submit(move || waits.lock().map(|guard| guard.names()));
        until("it keeps the one it could have", || {
            client.lock("a").is_locked()
        });
        drop(guard);
        assert_eq!(*task.result().unwrap(), ["a", "b"]);
        drop(both.try_lock().unwrap());
        assert!(!client.lock("a").is_locked() && !client.lock("b").is_locked());
    });
}

#[test]
fn each_lock_goes_in_the_order_of_asking() {
    watched(|| {
        let client = client_of(3);
        let log = Log::new();
        let outside = client.multi_lock(["a", "b"]).lock().unwrap();
        let ask = |names: &'static [&'static str], entry: &'static str| {
            let (log, blocked) = (log.clone(), client.stats().blocked);
            let task = client.try_submit(move || {
                let _guard = current().multi_lock(names).lock()?;
                log.write(entry);
                Ok::<_, WaitError>(())
            });
            until("it waits", || client.stats().blocked == blocked + 1);
            task
        };
        let tasks = [
            ask(&["a"], "first"),
            ask(&["b", "a"], "second"),
            ask(&["b"], "third"),
            ask(&["a", "b", "c"], "fourth"),
            ask(&["c"], "fifth"),
        ];
        drop(outside);
        gather(&tasks).unwrap();
        assert_eq!(log.read(), ["first", "second", "third", "fourth", "fifth"]);
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn any_so_many_leave_the_others() {
    watched(|| {
        let client = client_of(1);
        let three = client.multi_lock(["a", "b", "c"]);
        let taken = client.lock("a").lock().unwrap();
        let two = three.lock_any(2).unwrap();
        assert_eq!(two.names(), ["b", "c"]);
        assert_eq!(three.try_lock_any(1).unwrap_err(), WaitError::TimedOut);
        let waits = three.clone();
        let task = client.try_submit(move || waits.lock_any(1).map(|guard| guard.names()));
        until("it waits", || task.explain().contains("1 of the locks `a`"));
        drop(taken);
        assert_eq!(*task.result().unwrap(), ["a"]);
        drop(two);
        assert!(three.try_lock().is_ok());
        let none = three.lock_any(0).unwrap();
        assert!(none.names().is_empty());
    });
}

#[test]
fn odd_sets_are_taken_as_they_are() {
    let client = client_of(1);
    let none = client.multi_lock(Vec::<String>::new());
    assert!(none.lock().unwrap().names().is_empty());
    let error = none.lock_any(1).unwrap_err();
    assert!(matches!(
        error,
        WaitError::Exceeds {
            asked: 1,
            most: 0,
            ..
        }
    ));
    let twice = client.multi_lock(["a", "a", "b", "a"]);
    assert_eq!(twice.names(), ["a", "b"]);
    assert_eq!(twice.lock().unwrap().names(), ["a", "b"]);
    let error = twice.lock_any(3).unwrap_err();
    assert!(error.to_string().contains("ask for 2 or fewer"), "{error}");
    assert_eq!(block_on(twice.lock_any_async(3)).unwrap_err(), error);
    let many: Vec<String> = (0..5000).map(|k| k.to_string()).collect();
    assert_eq!(client.multi_lock(&many).lock().unwrap().names().len(), 5000);
    assert!(!client.lock("4999").is_locked());
}

#[test]
fn a_task_that_has_one_already_is_told_unless_others_will_do() {
    watched(|| {
        let client = client_of(1);
        let task = client.task("has one").submit(|| {
            let client = current();
            let _one = client.lock("a").lock().unwrap();
            let both = client.multi_lock(["a", "b"]);
            assert_eq!(both.lock_any(1).unwrap().names(), ["b"]);
            both.lock().map(drop)
        });
        let Err(WaitError::Deadlock(text)) = task.result().unwrap() else {
            panic!("it waits for itself");
        };
        for part in ["`has one`", "the locks `a`, `b`", "has `a` already"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    });
}

#[test]
fn sets_taken_crosswise_with_single_locks_are_a_deadlock() {
    watched(|| {
        for client in [
            client_of(2),
            Client::builder().deterministic(3).build().unwrap(),
        ] {
            let crosses = |own: &'static str, others: [&'static str; 2]| {
                client.task(own).try_submit(move || {
                    let _own = current().lock(own).lock()?;
                    current().event(own).set();
                    others
                        .iter()
                        .try_for_each(|name| current().event(name).wait())?;
                    current().multi_lock(others).lock().map(drop)
                })
            };
            let tasks = [
                crosses("a", ["b", "c"]),
                crosses("b", ["c", "a"]),
                crosses("c", ["a", "b"]),
            ];
            let errors: Vec<_> = tasks
                .iter()
                .filter_map(|task| task.result().err())
                .collect();
            assert_eq!(errors.len(), 2, "one of the three can go on");
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::Deadlock, "{error}");
            }
            assert!(NAMES.iter().all(|name| !client.lock(name).is_locked()));
        }
    });
}

#[test]
fn async_code_takes_sets_too() {
    watched(|| {
        let client = client_of(1);
        let both = client.multi_lock(["a", "b"]);
        let guard = client.lock("a").lock().unwrap();
        {
            let mut waits = pin!(both.lock_async());
            let mut context = Context::from_waker(Waker::noop());
            assert!(waits.as_mut().poll(&mut context).is_pending());
            assert!(client.lock("b").is_locked());
        }
        assert!(!client.lock("b").is_locked(), "a dropped future leaves");
        assert_eq!(block_on(both.lock_any_async(1)).unwrap().names(), ["b"]);
        let waits = both.clone();
        let thread = std::thread::spawn(move || block_on(waits.lock_async()).unwrap().names());
        until("it keeps what it has", || client.lock("b").is_locked());
        drop(guard);
        assert_eq!(thread.join().unwrap(), ["a", "b"]);
    });
}

#[test]
fn a_closed_client_ends_waits_for_sets() {
    watched(|| {
        let client = client_of(1);
        let both = client.multi_lock(["a", "b"]);
        let guard = client.lock("b").lock().unwrap();
        let (waits, log) = (both.clone(), Log::new());
        let wrote = log.clone();
        let task = client.submit(move || wrote.write(waits.lock().map(drop)));
        until("it waits", || client.stats().blocked == 1);
        drop(client);
        assert_eq!(log.read(), [Err(WaitError::Closed)]);
        assert_eq!(both.try_lock().unwrap_err(), WaitError::Closed);
        drop((guard, task));
    });
}
