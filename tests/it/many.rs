//! Many handles at once: `as_completed`, `wait`, waits with a deadline.

use std::time::Duration;

use tenter::{
    Client, ErrorKind, Status, TaskFuture, Variable, WaitError, WaitFor, as_completed, current,
    wait,
};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn handles_come_in_the_order_in_which_they_complete() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let log = Log::new();
        let priorities = [1, 5, 3, 2, 4];
        let tasks: Vec<_> = priorities
            .iter()
            .map(|&p| {
                let log = log.clone();
                client.task("p").priority(p).submit(move || {
                    log.write(p);
                    p
                })
            })
            .collect();
        let mut running = as_completed(tasks.iter().cloned());
        assert_eq!((running.len(), running.is_empty()), (5, false));
        assert!(running.try_next().is_none());
        gate.open();
        until("all have run", || tasks.iter().all(TaskFuture::is_done));
        let mut came = Vec::new();
        while let Some(done) = running.next() {
            came.push(*done.result().unwrap());
            assert_eq!(running.len(), 5 - came.len());
        }
        assert_eq!(came, log.read());
        assert!(running.is_empty() && running.next().is_none() && running.refused().is_none());
    });
}

#[test]
fn each_handle_comes_as_often_as_it_was_pushed() {
    watched(|| {
        let client = client_of(2);
        let slow = client.submit(|| 1u64);
        let mut running = as_completed([slow.clone(), slow.clone()]);
        running.push(client.submit(|| 10));
        slow.result().unwrap();
        running.push(slow.clone());
        let (mut count, mut sum) = (0, 0);
        while let Some(done) = running.next() {
            (count, sum) = (count + 1, sum + done.result().unwrap());
            if count == 4 {
                running.push(slow.clone());
            }
        }
        assert_eq!((count, sum), (5, 14));
        drop((slow, running));
        assert_nothing_left(&client);
    });
}

#[test]
fn failed_and_cancelled_handles_come_too() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let good = client.submit(|| 1);
        let bad = client.submit(|| -> i32 { panic!("on purpose") });
        let heir = client.submit_with(&bad, |x| *x);
        let gone = client.submit(|| 2);
        let mut running = as_completed([good, bad, heir, gone.clone()]);
        gone.cancel();
        assert!(running.next().unwrap() == gone);
        gate.open();
        let mut ends: Vec<_> = std::iter::from_fn(|| running.next())
            .map(|done| format!("{:?}", done.status()))
            .collect();
        ends.sort();
        assert_eq!(ends, ["Failed", "Failed", "Finished"]);
        drop((gone, running));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_search_is_steered_while_it_runs() {
    watched(|| {
        let client = client_of(2);
        let mut running = as_completed(client.map(0..20u64, |x| x));
        let (mut seen, mut pushed) = (0, 20);
        while let Some(done) = running.next() {
            seen += 1;
            if *done.result().unwrap() < 5000 {
                running.push(client.submit(move || 2 * *done.result().unwrap() + 1));
                pushed += 1;
            }
        }
        assert_eq!(seen, pushed);
        drop(running);
        assert_nothing_left(&client);
    });
}

#[test]
fn cancel_cancels_all_that_has_not_come() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let values: Vec<_> = (0..50).map(|_| counts.counted()).collect();
        let tasks = client.map(values, drop);
        as_completed(tasks.iter().cloned()).cancel();
        assert!(tasks.iter().all(|task| task.status() == Status::Cancelled));
        until("closures are dropped", || counts.alive() == 0);
        gate.open();
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn dropping_it_drops_its_handles() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let kept = client.submit(|| 1);
        let counts = Counts::new();
        let counted = counts.counted();
        let running = as_completed([kept.clone(), client.submit(move || (drop(counted), 2).1)]);
        drop(running);
        until("the unwanted is gone", || counts.alive() == 0);
        assert_eq!(kept.status(), Status::Queued);
        for _ in 0..1000 {
            drop(as_completed([kept.clone(), kept.clone()]));
        }
        gate.open();
        assert_eq!(*kept.result().unwrap(), 1);
        drop(kept);
        assert_nothing_left(&client);
    });
}

#[test]
fn the_next_may_be_waited_for_with_a_deadline() {
    watched(|| {
        let client = client_of(1);
        let (task, go) = late(&client, 1);
        let mut running = as_completed([task]);
        for timeout in [Duration::ZERO, Duration::from_millis(3)] {
            assert_eq!(
                running.next_timeout(timeout).unwrap_err(),
                WaitError::TimedOut
            );
        }
        assert_eq!(running.len(), 1);
        go.set(()).unwrap();
        assert_eq!(
            *running
                .next_timeout(Duration::MAX)
                .unwrap()
                .unwrap()
                .result()
                .unwrap(),
            1
        );
        assert!(running.next_timeout(Duration::ZERO).unwrap().is_none());
    });
}

#[test]
fn results_may_be_waited_for_with_a_deadline() {
    watched(|| {
        let client = client_of(1);
        let (task, go) = late(&client, 1);
        for timeout in [Duration::ZERO, Duration::from_millis(3)] {
            let error = task.result_timeout(timeout).unwrap_err();
            assert_eq!((error.kind(), error.task()), (ErrorKind::TimedOut, "late"));
        }
        assert!(!task.is_done());
        go.set(()).unwrap();
        assert_eq!(*task.result_timeout(Duration::MAX).unwrap(), 1);
        assert_eq!(*task.result_timeout(Duration::ZERO).unwrap(), 1);
        let inside = client.submit(|| {
            *current()
                .submit(|| 2)
                .result_timeout(Duration::MAX)
                .unwrap()
        });
        assert_eq!(*inside.result().unwrap(), 2);
    });
}

/// A task that ends when its variable is set.
fn late<T: Send + Sync + 'static>(client: &Client, value: T) -> (TaskFuture<T>, Variable<()>) {
    let go = client.variable("go").unwrap();
    let told = go.clone();
    let task = client.task("late").submit(move || {
        told.get().unwrap();
        value
    });
    (task, go)
}

/// The numbers of done and not done.
fn numbers<T>((done, not): &(Vec<TaskFuture<T>>, Vec<TaskFuture<T>>)) -> (usize, usize) {
    (done.len(), not.len())
}

#[test]
fn wait_parts_the_done_from_the_others() {
    watched(|| {
        let client = client_of(2);
        let (a, (b, go)) = (client.scatter(1), late(&client, 2));
        let tasks = [b.clone(), a.clone()];
        for timeout in [Duration::ZERO, Duration::from_millis(3)] {
            assert_eq!(
                numbers(&wait(&tasks, WaitFor::All, Some(timeout)).unwrap()),
                (1, 1)
            );
        }
        let (done, not) = wait(&tasks, WaitFor::FirstCompleted, None).unwrap();
        assert!(done == [a] && not == [b]);
        assert_eq!(
            numbers(&wait(&not, WaitFor::FirstCompleted, Some(Duration::ZERO)).unwrap()),
            (0, 1)
        );
        go.set(()).unwrap();
        assert_eq!(
            numbers(&wait(&tasks, WaitFor::All, Some(Duration::MAX)).unwrap()),
            (2, 0)
        );
        assert_eq!(numbers(&wait(&tasks, WaitFor::All, None).unwrap()), (2, 0));
        assert_eq!(
            numbers(&wait::<u8>(&[], WaitFor::FirstCompleted, None).unwrap()),
            (0, 0)
        );
    });
}

#[test]
fn wait_ends_with_the_first_that_fails() {
    watched(|| {
        let client = client_of(2);
        let gate = Gate::close(&client);
        let stays = client.submit(|| ());
        let never = client.queue::<()>("never", 0).unwrap();
        let waits = never.clone();
        let blocked = client.submit(move || drop(waits.get()));
        let bad = client.submit(|| panic!("on purpose"));
        let tasks = [stays.clone(), blocked.clone(), bad];
        let (done, not) = wait(&tasks, WaitFor::FirstFailed, None).unwrap();
        assert!(done.iter().any(|task| task.status() == Status::Failed) && not.contains(&blocked));
        never.close();
        gate.open();
        let fine = [stays, blocked];
        assert_eq!(
            numbers(&wait(&fine, WaitFor::FirstFailed, None).unwrap()),
            (2, 0)
        );
    });
}

#[test]
fn a_timed_wait_leaves_nothing_behind() {
    watched(|| {
        let client = Client::new().unwrap();
        let (task, go) = late(&client, 1);
        for _ in 0..2000 {
            task.result_timeout(Duration::ZERO).unwrap_err();
            wait(
                &[task.clone(), task.clone()],
                WaitFor::All,
                Some(Duration::ZERO),
            )
            .unwrap();
        }
        go.set(()).unwrap();
        assert_eq!(*task.result().unwrap(), 1);
        drop(task);
        assert_nothing_left(&client);
    });
}
