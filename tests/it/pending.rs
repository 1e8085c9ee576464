//! Limits on what is pending, and on spare threads.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};

use tenter::{Client, ErrorKind, StartError, TaskError, TaskFuture, WaitError, current, gather};

use crate::support::{Gate, assert_nothing_left_after, until, watched};

fn client_with(threads: usize, max_pending: usize) -> Client {
    Client::builder()
        .threads(threads)
        .max_pending(max_pending)
        .build()
        .unwrap()
}

#[test]
fn a_fast_producer_stays_near_the_limit() {
    watched(|| {
        let client = client_with(2, 100);
        let (submitted, started) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let tasks: Vec<_> = (0..20_000)
            .map(|_| {
                let (submits, starts) = (Arc::clone(&submitted), Arc::clone(&started));
                let task = client.submit(move || {
                    (0..200).for_each(|_| std::hint::spin_loop());
                    let started = starts.fetch_add(1, SeqCst);
                    submits.load(SeqCst).saturating_sub(started)
                });
                submitted.fetch_add(1, SeqCst);
                task
            })
            .collect();
        let most = gather(&tasks).unwrap().into_iter().max().unwrap();
        // A submit is let through each 10 ms that the machine gives the workers no time.
        assert!(*most < 2000, "{most} were pending");
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn a_submit_is_let_through_when_nothing_starts() {
    watched(|| {
        let client = client_with(1, 1);
        let gate = Gate::close(&client);
        let tasks: Vec<_> = (0..5).map(|k| client.submit(move || k)).collect();
        assert_eq!(client.stats().submitted, 6);
        gate.open();
        assert_eq!(gather(&tasks).unwrap().into_iter().sum::<i32>(), 10);
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn tasks_never_wait_to_submit() {
    watched(|| {
        let client = client_with(1, 1);
        let sum = client.try_submit(|| {
            let tasks = current().map(0..10_000u64, |k| k);
            Ok::<_, TaskError>(gather(&tasks)?.into_iter().sum::<u64>())
        });
        assert_eq!(*sum.result().unwrap(), 49_995_000);
        assert_nothing_left_after(&client, sum);
    });
}

#[test]
fn a_full_client_gives_the_closure_back() {
    watched(|| {
        let client = client_with(1, 2);
        let gate = Gate::close(&client);
        let first = client.try_submit_now(|| "first".to_owned()).unwrap();
        let second = client.try_submit_now(|| "second".to_owned()).unwrap();
        let kept = "kept".to_owned();
        let full = client.try_submit_now(move || kept).unwrap_err();
        assert!(full.to_string().contains("later"), "{full}");
        assert_eq!(full.into_inner()(), "kept");
        gate.open();
        second.result().unwrap();
        until("there is room again", || {
            client.try_submit_now(|| ()).is_ok()
        });
        assert_nothing_left_after(&client, (first, second));
    });
}

#[test]
fn what_never_starts_does_not_stay_pending() {
    watched(|| {
        let client = client_with(1, 4);
        for _ in 0..50 {
            let gate = Gate::close(&client);
            let failing = client.submit(|| -> u8 { panic!("it fails") });
            let heirs = [
                client.submit_with(&failing, |x| *x),
                client.submit_with(&failing, |x| *x),
            ];
            let cancelled = client.submit_with(&heirs[0], |x| *x);
            cancelled.cancel();
            gate.open();
            assert!(heirs.iter().all(|heir| heir.result().is_err()));
            let inner = client.submit(|| current().submit(|| 1)).flatten();
            assert_eq!(*inner.result().unwrap(), 1);
        }
        let gate = Gate::close(&client);
        let four: Vec<_> = (0..4)
            .map(|k| {
                client
                    .try_submit_now(move || k)
                    .expect("there is room for four")
            })
            .collect();
        assert!(client.try_submit_now(|| 4).is_err(), "and for no more");
        gate.open();
        gather(&four).unwrap();
        assert_nothing_left_after(&client, four);
    });
}

#[test]
fn a_huge_limit_is_none_and_no_room_at_all_is_refused() {
    watched(|| {
        let client = client_with(1, usize::MAX);
        let gate = Gate::close(&client);
        let tasks: Vec<_> = (0..10_000)
            .map(|k| client.try_submit_now(move || k).unwrap())
            .collect();
        gate.open();
        gather(&tasks).unwrap();
        let error = Client::builder().max_pending(0).build().unwrap_err();
        assert!(
            matches!(&error, StartError::Option(text) if text.contains("max_pending(0)")),
            "{error}"
        );
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn a_closed_client_lets_nobody_wait_for_room() {
    watched(|| {
        let client = client_with(1, 1);
        drop(client.close(std::time::Duration::ZERO));
        let late = client.submit(|| 1);
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
        let late = client
            .try_submit_now(|| 1)
            .expect("it is not full but closed");
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
    });
}

/// A task that waits for one that runs until it is told to end.
fn waits_for(task: &TaskFuture<()>, client: &Client) -> TaskFuture<()> {
    let task = task.clone();
    client
        .task("waits")
        .try_submit(move || task.result().copied())
}

fn gated(client: &Client, pool: Option<&str>) -> (mpsc::Sender<()>, TaskFuture<()>) {
    let (end, ended) = mpsc::channel();
    let (began, begun) = mpsc::channel();
    let task = client.task("gated");
    let task = pool.into_iter().fold(task, |task, pool| task.pool(pool));
    let task = task.submit(move || {
        began.send(()).unwrap();
        let _ = ended.recv();
    });
    begun.recv().unwrap();
    (end, task)
}

#[test]
fn without_spares_no_wait_blocks_a_thread() {
    watched(|| {
        let client = Client::builder().threads(2).max_spares(0).build().unwrap();
        let (end, task) = gated(&client, None);
        let refused = waits_for(&task, &client);
        let error = refused.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooManyBlocked);
        for part in [".await", "max_spares"] {
            assert!(
                error.message().contains(part),
                "`{part}` is missing in: {error}"
            );
        }
        assert!(matches!(
            error.downcast_ref(),
            Some(WaitError::TooManyBlocked)
        ));
        // What it waits for can be run here: no thread blocks.
        let helps = client.try_submit(|| current().submit(|| 1).result().copied());
        assert_eq!(*helps.result().unwrap(), 1);
        end.send(()).unwrap();
        assert_nothing_left_after(&client, (task, refused, helps));
    });
}

#[test]
fn as_many_block_as_there_may_be_spares() {
    watched(|| {
        let client = Client::builder().threads(2).max_spares(3).build().unwrap();
        let (end, task) = gated(&client, None);
        let blocked: Vec<_> = (0..3).map(|_| waits_for(&task, &client)).collect();
        until("three are blocked", || client.stats().blocked == 3);
        let refused = waits_for(&task, &client);
        assert_eq!(
            refused.result().unwrap_err().kind(),
            ErrorKind::TooManyBlocked
        );
        assert!(client.stats().threads_started <= 5, "{:?}", client.stats());
        end.send(()).unwrap();
        gather(&blocked).unwrap();
        assert_nothing_left_after(&client, (task, blocked, refused));
    });
}

#[test]
fn the_limit_on_spares_holds_for_a_named_pool_too() {
    watched(|| {
        let client = Client::builder()
            .threads(1)
            .pool("io", 1)
            .max_spares(1)
            .build()
            .unwrap();
        let (end, task) = gated(&client, None);
        let in_pool = || {
            client
                .annotate()
                .pool("io")
                .enter(|| waits_for(&task, &client))
        };
        let blocked = in_pool();
        until("it is blocked", || client.stats().blocked == 1);
        let refused = in_pool();
        assert_eq!(
            refused.result().unwrap_err().kind(),
            ErrorKind::TooManyBlocked
        );
        end.send(()).unwrap();
        blocked.result().unwrap();
        assert_nothing_left_after(&client, (task, blocked, refused));
    });
}
