//! Waits that can never end are errors that name who waits for whom; all others end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tenter::{Client, ErrorKind, Status, TaskError, TaskFuture, current};

use crate::support::{Gate, assert_nothing_left, client_of, until, watched};

/// A task that gets a handle from the variable of its name, waits for it, and adds one to its result.
fn waits_for_the_given(client: &Client, name: &str) -> TaskFuture<u64> {
    let given = client.variable::<TaskFuture<u64>>(name).unwrap();
    client
        .task(name)
        .key(name)
        .try_submit(move || Ok::<_, TaskError>(given.get()?.result()? + 1))
}

fn give(client: &Client, name: &str, handle: &TaskFuture<u64>) {
    client.variable(name).unwrap().set(handle.clone()).unwrap();
}

fn forget(client: &Client, names: &[&str]) {
    for name in names {
        client.variable::<TaskFuture<u64>>(name).unwrap().delete();
    }
}

#[test]
fn a_wait_for_itself_is_a_deadlock() {
    watched(|| {
        for threads in [1, 3] {
            let client = client_of(threads);
            let own = waits_for_the_given(&client, "narcissus");
            give(&client, "narcissus", &own);
            let error = own.result().unwrap_err();
            assert_eq!(
                (error.kind(), error.task()),
                (ErrorKind::Deadlock, "narcissus")
            );
            assert!(error.message().contains("narcissus"), "{error}");
            drop(own);
            forget(&client, &["narcissus"]);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_timed_wait_for_itself_ends_with_the_time() {
    watched(|| {
        let client = client_of(1);
        let own = client.variable::<TaskFuture<bool>>("own").unwrap();
        let given = own.clone();
        let task = client.submit(move || {
            let waited = given
                .get()
                .unwrap()
                .result_timeout(Duration::from_millis(1))
                .map(|_| ());
            waited.is_err_and(|error| error.kind() == ErrorKind::TimedOut)
        });
        own.set(task.clone()).unwrap();
        assert!(task.result().unwrap());
    });
}

fn assert_cycle(client: &Client, names: &[&str]) {
    let tasks: Vec<_> = names
        .iter()
        .map(|name| waits_for_the_given(client, name))
        .collect();
    let outsider = tasks[0].clone().then(|x| x + 1);
    for (k, name) in names.iter().enumerate() {
        give(client, name, &tasks[(k + 1) % tasks.len()]);
    }
    for task in &tasks {
        let error = task.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        for name in names {
            assert!(
                error.message().contains(&format!("key {name}")),
                "{name} is missing in: {error}"
            );
        }
    }
    assert_eq!(outsider.result().unwrap_err().kind(), ErrorKind::Deadlock);
    assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
    forget(client, names);
}

#[test]
fn a_cycle_of_two_is_named() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            (0..5).for_each(|_| assert_cycle(&client, &["left", "right"]));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_cycle_of_three_is_named() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            (0..5).for_each(|_| assert_cycle(&client, &["stone", "scissors", "paper"]));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_cycle_through_an_input_is_named() {
    watched(|| {
        let client = client_of(2);
        let first = waits_for_the_given(&client, "first");
        let second = client.task("second").submit_with(&first, |x| x + 1);
        give(&client, "first", &second);
        let error = second.result().unwrap_err();
        assert_eq!((error.kind(), error.task()), (ErrorKind::Deadlock, "first"));
        assert!(error.message().contains("second"), "{error}");
        drop((first, second));
        forget(&client, &["first"]);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_cycle_does_not_stop_others() {
    watched(|| {
        let client = client_of(2);
        let busy = client.map(0..2000u64, |x| x);
        assert_cycle(&client, &["left", "right"]);
        let sums = client.submit_with(&busy, |values| values.into_iter().sum::<u64>());
        assert_eq!(*sums.result().unwrap(), 1999 * 1000);
    });
}

#[test]
fn a_cycle_is_found_while_the_pool_is_busy() {
    watched(|| {
        let client = client_of(2);
        let stop = client.variable::<bool>("stop").unwrap();
        let stopped = stop.clone();
        let busy = client.submit(move || until("told to stop", || stopped.try_get().is_some()));
        assert_cycle(&client, &["left", "right"]);
        stop.set(true).unwrap();
        busy.result().unwrap();
    });
}

/// T1 waits for A; T2, which waits for T1, must not be run on T1's stack meanwhile.
#[test]
fn a_join_is_not_buried() {
    watched(|| {
        let client = client_of(2);
        for _ in 0..50 {
            let gate = Gate::close(&client);
            let opened = client.variable::<()>("opened").unwrap();
            let wait = opened.clone();
            let a = client.submit(move || wait.get().unwrap());
            let t1 = client.try_submit(move || a.result().copied());
            until("T1 waits", || {
                client.stats().blocked == 2 || t1.explain().contains("blocked")
            });
            let inner = t1.clone();
            let t2 = client.try_submit(move || inner.result().copied());
            gate.open();
            opened.set(()).unwrap();
            t2.result().unwrap();
            t1.result().unwrap();
            opened.delete();
        }
        assert_nothing_left(&client);
    });
}

/// A task that holds a lock and waits must not run, on its stack, another that takes the lock.
#[test]
fn a_lock_may_be_held_during_a_wait() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let sum = Arc::new(Mutex::new(0u64));
            let tasks = client.map(0..40u64, {
                let sum = Arc::clone(&sum);
                move |k| {
                    let mut sum = sum.lock().unwrap();
                    *sum += *current().submit(move || k).result().unwrap();
                }
            });
            tenter::gather(&tasks).unwrap();
            assert_eq!(*sum.lock().unwrap(), 39 * 20);
            drop(tasks);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_cycle_of_waits_nested_on_two_stacks_is_named() {
    watched(|| {
        let client = client_of(2);
        let names = ["one", "two", "three", "four", "five", "six"];
        for _ in 0..5 {
            assert_cycle(&client, &names);
        }
    });
}

/// `full` has told its first waiter of room by ending a call, but the seed lets others go first: a long task, and a call
/// that waits for the call which waits for that room.
#[test]
fn who_has_room_but_does_not_know_it_yet_is_in_no_cycle() {
    watched(|| {
        for seed in 0..8 {
            let client = Client::builder().deterministic(seed).build().unwrap();
            let mailbox = |name| client.actor_builder(name).mailbox(1).build(());
            let (full, other) = (mailbox("full"), mailbox("other"));
            let go = client.event("go");
            let waits = go.clone();
            let first = full.call(move |()| waits.wait().unwrap());
            until("the first call runs", || first.status() == Status::Running);
            let calls = other.clone();
            let next = full.call(move |()| {
                let start = Instant::now();
                let long = move || while start.elapsed() < Duration::from_millis(30) {};
                current().submit(long).detach();
                calls.call(|()| ())
            });
            let calls = full.clone();
            let told = other.call(move |()| calls.call(|()| ()));
            until("it waits for room", || {
                told.explain().contains("blocked on room")
            });
            let last = other.call(|()| ());
            go.set();
            first.result().unwrap();
            next.flatten().result().unwrap();
            told.flatten().result().unwrap();
            last.result().unwrap();
        }
    });
}
