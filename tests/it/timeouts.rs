//! Tasks that may run for so long only.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tenter::{Client, ErrorKind, Status, TaskFuture, attempt, current, gather};

use crate::support::{Counts, Log, assert_nothing_left_after, client_of, until, watched};

/// Soon over.
const SHORT: Duration = Duration::from_millis(2);
/// Over long after the test.
const LONG: Duration = Duration::from_secs(3600);

/// Until its client says that it should stop.
fn run_until_told() {
    let me = current();
    until("the time is over", || me.is_cancelled());
}

/// A body that runs on whatever it is told, until the sender is dropped.
fn deaf(client: &Client) -> (TaskFuture<u8>, mpsc::Sender<()>) {
    let (open, opened) = mpsc::channel::<()>();
    let task = client.task("deaf").timeout(SHORT).submit(move || {
        let _ = opened.recv();
        7
    });
    (task, open)
}

#[test]
fn a_body_is_told_that_its_time_is_over() {
    watched(|| {
        let client = client_of(1);
        let log = Log::new();
        let seen = log.clone();
        let task = client.task("slow").timeout(SHORT).try_submit(move || {
            run_until_told();
            let stop = current().checkpoint();
            seen.write(stop.as_ref().unwrap_err().kind());
            stop
        });
        let error = task.result().unwrap_err();
        assert_eq!((error.kind(), error.task()), (ErrorKind::TimedOut, "slow"));
        assert_eq!(error.message(), "it may run for 2ms");
        assert!(
            error
                .to_string()
                .contains("was not done in time: it may run for 2ms"),
            "{error}"
        );
        assert!(!error.is_cancelled());
        assert_eq!((task.status(), task.is_done()), (Status::Cancelled, true));
        assert!(
            task.explain().contains("was not done in time"),
            "{}",
            task.explain()
        );
        until("the body has ended", || log.len() == 1);
        assert_eq!(log.read(), [ErrorKind::TimedOut]);
        assert_nothing_left_after(&client, task);
    });
}

#[test]
fn the_handle_is_settled_while_the_body_runs_on() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let (open, opened) = mpsc::channel::<()>();
        let (input, value) = (counts.counted(), counts.counted());
        let input = client.scatter(input);
        let task = client
            .task("deaf")
            .key("k")
            .timeout(SHORT)
            .submit_with(&input, move |_| {
                let _ = opened.recv();
                value
            });
        drop(input);
        let middle = client.task("middle").submit_with(&task, |_| ());
        let last = middle.then(|()| ());
        let error = last.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task(), error.is_inherited()),
            (ErrorKind::TimedOut, "deaf", true)
        );
        assert_eq!(
            (task.status(), last.status()),
            (Status::Cancelled, Status::Failed)
        );
        let late = client.submit_with(&task, |_| ());
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(counts.alive(), 2, "a body keeps its inputs");
        let new = client.task("deaf").key("k").submit(|| 1);
        assert!(*new.result().unwrap() == 1, "its key is free");
        drop(open);
        until("what the body gave is dropped", || counts.alive() == 0);
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_nothing_left_after(&client, (task, last, late, new));
    });
}

#[test]
fn a_result_that_comes_in_time_wins() {
    watched(|| {
        let client = client_of(2);
        let tasks: Vec<_> = (0..1000u64)
            .map(|i| {
                let limit = if i % 2 == 0 { LONG } else { Duration::MAX };
                client.task("quick").timeout(limit).submit(move || i)
            })
            .collect();
        let sum: u64 = tasks.iter().map(|task| task.result().unwrap()).sum();
        assert_eq!(sum, 499_500);
        let failed = client
            .task("failed")
            .timeout(LONG)
            .try_submit(|| Err::<(), _>("early"));
        assert_eq!(
            (failed.result().unwrap_err().message(), failed.status()),
            ("early", Status::Failed)
        );
        assert_nothing_left_after(&client, (tasks, failed));
    });
}

#[test]
fn a_task_without_any_time_does_not_run() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let counted = counts.counted();
        let task = client
            .task("never")
            .timeout(Duration::ZERO)
            .submit(move || drop(counted));
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::TimedOut);
        until("its closure is dropped", || counts.alive() == 0);
        let again = client
            .task("never")
            .timeout(Duration::ZERO)
            .retries(5)
            .submit(|| -> u8 { unreachable!("it has no time") });
        let after = again.clone().then(|_| ());
        assert_eq!(
            after.result().unwrap_err().message(),
            "each of its 6 attempts may run for 0ns"
        );
        // It fails as any task when an input does, and is cancelled as any.
        let failed = client.submit(|| -> u8 { panic!("first") });
        let unrun = client
            .task("unrun")
            .timeout(Duration::ZERO)
            .submit_with(&failed, |_| ());
        assert_eq!(unrun.result().unwrap_err().message(), "first");
        assert_eq!(client.stats().finished, 0);
        assert_nothing_left_after(&client, (task, again, after, failed, unrun));
    });
}

#[test]
fn each_attempt_has_a_time_and_a_token_of_its_own() {
    watched(|| {
        let client = client_of(1);
        // One attempt may be given no time by the machine, but not thousands of them.
        let task = client
            .task("slow")
            .retries(10_000)
            .timeout(SHORT)
            .submit(|| {
                let told_before = current().is_cancelled();
                if attempt() < 3 || told_before {
                    run_until_told();
                }
                attempt()
            });
        assert!(*task.result().unwrap() >= 3);
        assert_nothing_left_after(&client, task);
    });
}

#[test]
fn what_an_attempt_gives_after_its_time_is_dropped_and_the_next_one_follows() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let made = Arc::clone(&counts);
        let task = client
            .task("slow")
            .retries(1)
            .timeout(Duration::from_millis(50))
            .submit(move || {
                let value = made.counted();
                if attempt() == 1 {
                    run_until_told();
                }
                value
            });
        let _ = task.result();
        until("the first attempt's value is gone", || {
            counts.dropped() >= 1
        });
        assert_nothing_left_after(&client, task);
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn the_last_attempt_settles_the_task_and_none_runs_at_the_same_time() {
    watched(|| {
        let client = client_of(2);
        let busy = Arc::new(AtomicBool::new(false));
        let task = client
            .task("slow")
            .retries(3)
            .timeout(SHORT)
            .try_submit(move || {
                assert!(!busy.swap(true, SeqCst), "the one before has not ended");
                run_until_told();
                busy.store(false, SeqCst);
                if attempt().is_multiple_of(2) {
                    Err("late")
                } else {
                    Ok(())
                }
            });
        let error = task.result().unwrap_err();
        assert_eq!(error.message(), "each of its 4 attempts may run for 2ms");
        until("the last one has ended", || client.stats().started == 4);
        assert_nothing_left_after(&client, task);
    });
}

#[test]
fn a_cancel_before_the_time_is_over_is_a_cancel() {
    watched(|| {
        let client = client_of(1);
        let task = client.task("cut").timeout(LONG).submit(run_until_told);
        until("it runs", || task.status() == Status::Running);
        task.cancel();
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
        let (late, open) = deaf(&client);
        late.result().unwrap_err();
        late.cancel();
        assert_eq!(
            late.result().unwrap_err().kind(),
            ErrorKind::TimedOut,
            "it is settled"
        );
        drop(open);
        assert_nothing_left_after(&client, (task, late));
    });
}

#[test]
fn others_work_in_the_place_of_a_body_that_runs_on() {
    watched(|| {
        let client = client_of(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        // Busy, so that it does not look blocked.
        let busy = client.task("busy").timeout(SHORT).submit(move || {
            while !stopped.load(SeqCst) {
                std::hint::spin_loop();
            }
        });
        busy.result().unwrap_err();
        // Nobody waits meanwhile: nothing but the spare runs these, also after it found nothing to do.
        for round in 0..100 {
            let task = client.submit(move || round);
            until("it has run", || task.is_done());
            assert_eq!(*task.result().unwrap(), round);
        }
        // The spare may block in turn.
        let queue = client.queue::<u32>("q", 1).unwrap();
        let (get, put) = (queue.clone(), queue);
        let got = client.submit(move || get.get().unwrap());
        let sent = client.submit(move || put.put(5).unwrap());
        assert_eq!(*got.result().unwrap(), 5);
        until("it has put", || sent.is_done());
        stop.store(true, SeqCst);
        let both: Vec<_> = (0..100).map(|i| client.submit(move || i)).collect();
        assert_eq!(
            both.iter().map(|task| task.result().unwrap()).sum::<i32>(),
            4950
        );
        assert_nothing_left_after(&client, (busy, got, sent, both));
    });
}

#[test]
fn many_bodies_run_on_at_once() {
    watched(|| {
        let client = client_of(2);
        let deaf: Vec<_> = (0..20).map(|_| deaf(&client)).collect();
        for (task, _) in &deaf {
            assert_eq!(task.result().unwrap_err().kind(), ErrorKind::TimedOut);
        }
        let quick = client.submit(|| 3);
        until("there is a thread for it", || quick.is_done());
        let (tasks, gates): (Vec<_>, Vec<_>) = deaf.into_iter().unzip();
        drop(gates);
        assert_nothing_left_after(&client, (tasks, quick));
    });
}

#[test]
fn the_earliest_timer_goes_off_first_however_they_were_started() {
    watched(|| {
        let client = client_of(3);
        let (ends, opened) = mpsc::channel::<()>();
        let opened = Arc::new(Mutex::new(opened));
        let hold = |limit| {
            let opened = Arc::clone(&opened);
            client.task("held").timeout(limit).submit(move || {
                let me = current();
                until("told, or the end", || {
                    me.is_cancelled()
                        || opened.lock().unwrap().try_recv()
                            == Err(mpsc::TryRecvError::Disconnected)
                });
            })
        };
        let long = hold(LONG);
        until("it runs", || long.status() == Status::Running);
        let short = hold(SHORT);
        assert_eq!(short.result().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(long.status(), Status::Running);
        drop(ends);
        long.result().unwrap();
        assert_nothing_left_after(&client, (long, short));
    });
}

#[test]
fn a_timer_goes_off_also_when_the_client_has_closed() {
    watched(|| {
        let client = client_of(1);
        let (task, open) = deaf(&client);
        until("it has started", || client.stats().started == 1);
        let _ = client.close(Duration::ZERO);
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::TimedOut);
        drop(open);
        assert!(client.close(Duration::from_secs(100)).is_clean());
    });
}

#[test]
fn a_detached_task_times_out_too() {
    watched(|| {
        let client = client_of(1);
        let log = Log::new();
        let seen = log.clone();
        client
            .task("detached")
            .timeout(SHORT)
            .submit(move || {
                run_until_told();
                seen.write(current().checkpoint().unwrap_err().kind());
            })
            .detach();
        until("it has ended", || log.len() == 1);
        assert_eq!(log.read(), [ErrorKind::TimedOut]);
        crate::support::assert_nothing_left(&client);
    });
}

#[test]
fn nobody_stands_in_for_a_body_that_is_blocked_until_it_goes_on() {
    watched(|| {
        let client = client_of(1);
        let (go, end) = (client.event("go"), Arc::new(AtomicBool::new(false)));
        let waits = go.clone();
        let ends = Arc::clone(&end);
        let deaf = client.task("deaf").timeout(SHORT).submit(move || {
            let _ = waits.wait();
            while !ends.load(SeqCst) {
                std::hint::spin_loop();
            }
        });
        until("its time is over", || deaf.is_done());
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let others = client.map(0..200, move |_| {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            (0..2000).for_each(|_| std::hint::spin_loop());
            now.fetch_sub(1, SeqCst);
            most.load(SeqCst)
        });
        let most = gather(&others).unwrap().into_iter().max();
        assert_eq!(most, Some(&1), "one thread, one body at a time");
        go.set();
        for k in 0..10 {
            assert_eq!(*client.submit(move || k).result().unwrap(), k);
        }
        end.store(true, SeqCst);
    });
}
