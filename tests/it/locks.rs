//! Locks by name: one holder at a time, in the order of asking, and no silent deadlock.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{
    Client, ErrorKind, Lock, LockGuard, TaskError, TaskFuture, WaitError, current, gather,
};

use crate::support::{
    Gate, Log, assert_nothing_left, assert_nothing_left_after, client_of, until, watched,
};

/// Adds one in a way that loses counts unless it is done by one at a time.
fn add_one(count: &AtomicU64) {
    let seen = count.load(Relaxed);
    std::hint::spin_loop();
    count.store(seen + 1, Relaxed);
}

#[test]
fn eight_thousand_tasks_exclude_each_other() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let (lock, count) = (client.lock("count"), Arc::new(AtomicU64::new(0)));
            let counts = Arc::clone(&count);
            let tasks = client.map(0..8000, move |_| {
                let _guard = lock.lock().unwrap();
                add_one(&counts);
            });
            gather(&tasks).unwrap();
            assert_eq!(count.load(SeqCst), 8000);
            assert_nothing_left_after(&client, tasks);
        }
    });
}

#[test]
fn the_holder_may_wait_for_a_task() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let (lock, count) = (client.lock("count"), Arc::new(AtomicU64::new(0)));
            let counts = Arc::clone(&count);
            let tasks = client.map(0..300, move |_| {
                let _guard = lock.lock().unwrap();
                let seen = counts.load(Relaxed);
                let next = current().submit(move || seen + 1);
                counts.store(*next.result().unwrap(), Relaxed);
            });
            gather(&tasks).unwrap();
            assert_eq!(count.load(SeqCst), 300);
            assert_nothing_left_after(&client, tasks);
        }
    });
}

#[test]
fn threads_tasks_and_async_code_share_a_lock() {
    watched(|| {
        let client = client_of(2);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let add = |lock: Lock| {
            let counts = Arc::clone(&count);
            move || {
                let _guard = lock.lock().unwrap();
                add_one(&counts);
            }
        };
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let add = add(client.lock("shared"));
                std::thread::spawn(move || (0..200).for_each(|_| add()))
            })
            .collect();
        let tasks: Vec<_> = (0..800)
            .map(|_| client.submit(add(client.lock("shared"))))
            .collect();
        let futures: Vec<_> = (0..800)
            .map(|_| {
                let (lock, counts) = (client.lock("shared"), Arc::clone(&count));
                runtime.spawn(async move {
                    let _guard = lock.lock_async().await.unwrap();
                    let seen = counts.load(Relaxed);
                    tokio::task::yield_now().await;
                    counts.store(seen + 1, Relaxed);
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        gather(&tasks).unwrap();
        for future in futures {
            block_on(future).unwrap();
        }
        assert_eq!(count.load(SeqCst), 2400);
        assert!(!client.lock("shared").is_locked());
        assert_nothing_left_after(&client, tasks);
    });
}

/// Submits a task that takes the lock and writes its number, and waits until it waits.
fn writer(client: &Client, k: usize, log: &Log<usize>) -> TaskFuture<()> {
    let (lock, log, blocked) = (client.lock("line"), log.clone(), client.stats().blocked);
    let task = client.try_submit(move || {
        let _guard = lock.lock()?;
        log.write(k);
        Ok::<_, WaitError>(())
    });
    until("it waits", || client.stats().blocked == blocked + 1);
    task
}

#[test]
fn who_asks_first_has_it_first() {
    watched(|| {
        let deterministic = Client::builder().deterministic(5).build().unwrap();
        for client in [client_of(1), client_of(4), deterministic] {
            let (guard, log) = (client.lock("line").lock().unwrap(), Log::new());
            let tasks: Vec<_> = (0..20).map(|k| writer(&client, k, &log)).collect();
            assert_eq!(log.len(), 0);
            drop(guard);
            gather(&tasks).unwrap();
            assert_eq!(log.read(), (0..20).collect::<Vec<_>>());
            assert_nothing_left_after(&client, tasks);
        }
    });
}

#[test]
fn a_panic_gives_the_lock_back() {
    watched(|| {
        let client = client_of(1);
        let lock = client.lock("brittle");
        let holder = client.submit(move || {
            let _guard = lock.lock().unwrap();
            panic!("while it holds the lock");
        });
        let holder: &TaskFuture<()> = &holder;
        assert_eq!(holder.result().unwrap_err().kind(), ErrorKind::Panicked);
        let lock = client.lock("brittle");
        assert!(!lock.is_locked());
        drop(lock.lock().unwrap());
    });
}

#[test]
fn a_task_that_takes_a_lock_twice_is_told() {
    watched(|| {
        for client in [
            client_of(1),
            Client::builder().deterministic(1).build().unwrap(),
        ] {
            let lock = client.lock("narrow");
            let twice = client.task("greedy").key("g").try_submit(move || {
                let _guard = lock.lock()?;
                assert_eq!(lock.try_lock().unwrap_err(), WaitError::TimedOut);
                let timed = lock.lock_timeout(Duration::from_millis(1));
                assert_eq!(timed.unwrap_err(), WaitError::TimedOut);
                lock.lock().map(drop)
            });
            let error = twice.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock);
            for part in ["`greedy` (key g)", "lock `narrow`", "has `narrow` already"] {
                assert!(error.message().contains(part), "{part}: {error}");
            }
            assert!(!client.lock("narrow").is_locked());
        }
    });
}

/// A task that takes a lock of its own name, waits until the other one has done so, and then takes the other's.
fn crosses(client: &Client, own: &'static str, other: &'static str) -> TaskFuture<&'static str> {
    let client_too = client.clone();
    client.task(own).key(own).try_submit(move || {
        let _own = client_too.lock(own).lock()?;
        client_too.event(own).set();
        client_too.event(other).wait()?;
        let _other = client_too.lock(other).lock()?;
        Ok::<_, TaskError>(own)
    })
}

fn assert_crossing_is_named(client: &Client, names: &[&'static str]) {
    let next = |k: usize| names[(k + 1) % names.len()];
    let tasks: Vec<_> = (0..names.len())
        .map(|k| crosses(client, names[k], next(k)))
        .collect();
    let ends: Vec<_> = tasks.iter().map(TaskFuture::result).collect();
    let errors: Vec<_> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    assert_eq!(errors.len(), 1, "one gives way to the others: {ends:?}");
    assert_eq!(errors[0].kind(), ErrorKind::Deadlock);
    for name in names {
        for part in [format!("(key {name})"), format!("lock `{name}`")] {
            assert!(errors[0].message().contains(&part), "{part}: {}", errors[0]);
        }
    }
    names.iter().for_each(|name| client.event(name).delete());
    names
        .iter()
        .for_each(|name| assert!(!client.lock(name).is_locked()));
}

#[test]
fn locks_taken_crosswise_are_a_deadlock_that_names_both() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            (0..5).for_each(|_| assert_crossing_is_named(&client, &["left", "right"]));
            assert_crossing_is_named(&client, &["stone", "scissors", "paper"]);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn locks_taken_crosswise_are_a_deadlock_for_any_seed() {
    watched(|| {
        for seed in 0..20 {
            let client = Client::builder().deterministic(seed).build().unwrap();
            assert_crossing_is_named(&client, &["left", "right"]);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_cycle_through_a_lock_and_a_result_is_named() {
    watched(|| {
        for threads in [1, 3] {
            let client = client_of(threads);
            let holder = client.task("holder").try_submit(|| {
                let _guard = current().lock("cup").lock()?;
                let wants = current()
                    .task("wants")
                    .try_submit(|| current().lock("cup").lock().map(drop));
                wants.result().copied()
            });
            let error = holder.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock);
            for part in ["`holder`", "`wants`", "lock `cup`"] {
                assert!(error.message().contains(part), "{part}: {error}");
            }
            assert!(!client.lock("cup").is_locked());
        }
    });
}

#[test]
fn a_cycle_through_somebody_ahead_in_the_line_is_named() {
    watched(|| {
        let client = client_of(2);
        let outside = client.lock("first").lock().unwrap();
        let last = client.variable::<TaskFuture<()>>("last").unwrap();
        let given = last.clone();
        let holder = client.task("holder").try_submit(move || {
            let _second = current().lock("second").lock()?;
            given.get()?.result().copied()
        });
        until("it waits", || client.stats().blocked == 1);
        let ahead = client
            .task("ahead")
            .try_submit(|| current().multi_lock(["first", "second"]).lock().map(drop));
        until("it waits", || client.stats().blocked == 2);
        let behind = client
            .task("behind")
            .try_submit(|| current().lock("first").lock().map(drop));
        until("it waits", || client.stats().blocked == 3);
        last.set(behind.clone()).unwrap();
        let error = holder.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        for part in ["`holder`", "`ahead`", "`behind`"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        drop(outside);
        ahead.result().unwrap();
        behind.result().unwrap();
        last.delete();
        assert_nothing_left_after(&client, (holder, ahead, behind));
    });
}

#[test]
fn a_lock_that_is_held_outside_of_tasks_is_waited_for() {
    watched(|| {
        let client = client_of(2);
        let guard = client.lock("slow").lock().unwrap();
        let task = client
            .task("patient")
            .try_submit(|| current().lock("slow").lock().map(drop));
        let follower = client.task("follower").submit_with(&task, |()| 1);
        until("it says so", || {
            let text = task.explain();
            text.contains("blocked on lock `slow`") && text.contains("outside of tasks")
        });
        drop(guard);
        assert_eq!(*follower.result().unwrap(), 1);
        assert_nothing_left_after(&client, (task, follower));
    });
}

#[test]
fn explain_names_the_lock_and_its_holder() {
    watched(|| {
        let client = client_of(2);
        let hold = |client: &Client| {
            let go = client.event("go");
            client.task("holder").key("h").try_submit(move || {
                let guard = current().lock("door").lock()?;
                go.wait().map(|()| drop(guard))
            })
        };
        let holder = hold(&client);
        until("it holds", || client.lock("door").is_locked());
        let waits = client
            .task("waits")
            .try_submit(|| current().lock("door").lock().map(drop));
        let timed = client.task("timed").try_submit(|| {
            let door = current().lock("door");
            door.lock_timeout(Duration::MAX).map(drop)
        });
        let both = client
            .task("both")
            .try_submit(|| current().multi_lock(["door", "gate"]).lock().map(drop));
        let says = |task: &TaskFuture<()>, parts: &[&str]| {
            until(parts[0], || {
                let text = task.explain();
                parts.iter().all(|part| text.contains(part))
            });
        };
        says(&waits, &["lock `door`", "held by `holder` (key h)"]);
        says(&timed, &["lock `door`", "held by `holder`", "for a time"]);
        says(&both, &["the locks `door`, `gate`", "held by `holder`"]);
        client.event("go").set();
        for task in [&holder, &waits, &timed, &both] {
            task.result().unwrap();
        }
        assert_nothing_left_after(&client, (holder, waits, timed, both));
    });
}

#[test]
fn a_guard_that_outlives_its_task_holds_on() {
    watched(|| {
        let client = client_of(2);
        let keeps = client
            .task("keeps")
            .try_submit(|| current().lock("kept").lock().map(std::sync::Mutex::new));
        keeps.result().unwrap();
        let waits = client.try_submit(|| current().lock("kept").lock().map(drop));
        until("it waits", || waits.explain().contains("lock `kept`"));
        drop(keeps.take().unwrap());
        waits.result().unwrap();
        assert_nothing_left_after(&client, waits);
    });
}

#[test]
fn a_guard_may_be_handed_over() {
    watched(|| {
        let client = client_of(2);
        let given = client.queue::<LockGuard>("given", 0).unwrap();
        let takes = given.clone();
        let giver = client.try_submit(move || {
            let lock = current().lock("baton");
            given.put(lock.lock()?.hand_over())?;
            lock.lock().map(drop)
        });
        until("the giver waits", || {
            giver.explain().contains("outside of tasks")
        });
        let taker = client.try_submit(move || takes.get().map(drop));
        taker.result().unwrap();
        giver.result().unwrap();
        assert_nothing_left_after(&client, (giver, taker));
    });
}

#[test]
fn a_wait_that_times_out_leaves_the_line() {
    watched(|| {
        let client = client_of(2);
        let lock = client.lock("line");
        let guard = lock.lock().unwrap();
        for timeout in [Duration::ZERO, Duration::from_millis(2)] {
            assert_eq!(lock.lock_timeout(timeout).unwrap_err(), WaitError::TimedOut);
        }
        let waits = lock.clone();
        let impatient =
            client.try_submit(move || waits.lock_timeout(Duration::from_millis(1)).map(drop));
        assert_eq!(impatient.result().unwrap_err().kind(), ErrorKind::TimedOut);
        drop(guard);
        assert!(!lock.is_locked());
        drop(lock.lock_timeout(Duration::ZERO).unwrap());
        drop(lock.lock_timeout(Duration::MAX).unwrap());
    });
}

#[test]
fn waits_end_when_the_client_closes() {
    watched(|| {
        let client = client_of(1);
        let (lock, log) = (client.lock("closing"), Log::new());
        let guard = lock.lock().unwrap();
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let (lock, log) = (lock.clone(), log.clone());
                client.submit(move || log.write(lock.lock().map(drop)))
            })
            .collect();
        until("all wait", || client.stats().blocked == 3);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let lock = lock.clone();
                std::thread::spawn(move || block_on(lock.lock_async()).map(drop))
            })
            .collect();
        drop(client);
        assert_eq!(log.read(), vec![Err(WaitError::Closed); 3]);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Err(WaitError::Closed));
        }
        assert_eq!(lock.try_lock().unwrap_err(), WaitError::Closed);
        assert_eq!(lock.lock().unwrap_err(), WaitError::Closed);
        assert!(lock.is_locked());
        drop(guard);
        assert!(!lock.is_locked());
        drop(tasks);
    });
}

#[test]
fn a_cancelled_holder_keeps_the_lock_until_it_ends() {
    watched(|| {
        let client = client_of(2);
        let go = client.event("go");
        let goes = go.clone();
        let holder = client.try_submit(move || {
            let guard = current().lock("mine").lock()?;
            goes.wait().map(|()| drop(guard))
        });
        until("it holds", || client.lock("mine").is_locked());
        holder.cancel();
        assert_eq!(holder.result().unwrap_err().kind(), ErrorKind::Cancelled);
        let next = client.try_submit(|| current().lock("mine").lock().map(drop));
        until("it waits", || client.stats().blocked == 2);
        go.set();
        next.result().unwrap();
        assert_nothing_left_after(&client, (holder, next));
    });
}

#[test]
fn a_dropped_future_leaves_the_line() {
    watched(|| {
        let client = client_of(1);
        let lock = client.lock("line");
        let guard = lock.lock().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut first = pin!(lock.lock_async());
            assert!(first.as_mut().poll(&mut context).is_pending());
            let mut second = pin!(lock.lock_async());
            assert!(second.as_mut().poll(&mut context).is_pending());
            drop(guard);
            assert!(second.as_mut().poll(&mut context).is_pending());
            let Poll::Ready(granted) = first.as_mut().poll(&mut context) else {
                panic!("the first is next");
            };
            drop(granted.unwrap());
            // The second has it now, and goes without having looked.
            assert!(lock.is_locked());
        }
        assert!(!lock.is_locked());
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_may_wait_for_a_lock_of_another_client() {
    watched(|| {
        let (client, other) = (client_of(1), client_of(1));
        let lock = other.lock("theirs");
        let guard = lock.lock().unwrap();
        let waits = client
            .task("guest")
            .try_submit(move || lock.lock().map(drop));
        until("it says so", || waits.explain().contains("lock `theirs`"));
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
        drop(guard);
        waits.result().unwrap();
    });
}

#[test]
fn any_text_is_a_name() {
    let client = client_of(1);
    let long = "x".repeat(100_000);
    for name in ["", "a\0b", "snow ❄ man", &long] {
        let guard = client.lock(name).lock().unwrap();
        assert_eq!(
            (guard.names(), client.lock(name).name()),
            (vec![name.to_owned()], name)
        );
        assert!(client.lock(name).is_locked() && !client.lock("other").is_locked());
    }
}

#[test]
fn a_lock_is_not_given_to_a_task_that_has_not_started() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let late = client.try_submit(|| current().lock("busy").lock().map(drop));
        drop(client.lock("busy").try_lock().unwrap());
        gate.open();
        late.result().unwrap();
    });
}
