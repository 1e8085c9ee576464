//! The client: how it is built, how it ends, whose tasks are whose.

use std::sync::mpsc;
use std::time::Duration;

use tenter::{Client, ErrorKind, NameError, StartError, Status, TaskFuture, current};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn a_client_that_cannot_be_says_why() {
    let none = Client::builder().threads(0).build().unwrap_err();
    assert!(matches!(none, StartError::NoThreads) && none.to_string().contains("at least one"));
    let name = Client::builder().thread_name("a\0b").build().unwrap_err();
    assert!(matches!(&name, StartError::ThreadName(name) if name == "a\0b"));
}

#[test]
fn a_client_is_as_it_was_built() {
    watched(|| {
        let (starts, stops) = (Log::new(), Log::new());
        let (started, stopped) = (starts.clone(), stops.clone());
        let client = Client::builder()
            .threads(3)
            .thread_name("beam")
            .stack_size(1 << 20)
            .on_thread_start(move || started.write(()))
            .on_thread_stop(move || stopped.write(()))
            .build()
            .unwrap();
        assert_eq!(client.threads(), 3);
        let name = client.submit(|| std::thread::current().name().unwrap().to_owned());
        assert!(name.result().unwrap().starts_with("beam-"), "{name:?}");
        until("all threads have started", || starts.len() == 3);
        assert_eq!(
            (client.stats().threads, client.stats().threads_started),
            (3, 3)
        );
        drop(client);
        assert_eq!((starts.len(), stops.len()), (3, 3));
    });
}

#[test]
fn hooks_that_panic_do_no_harm() {
    watched(|| {
        let client = Client::builder()
            .threads(1)
            .on_thread_start(|| panic!("at the start"))
            .on_thread_stop(|| panic!("at the end"))
            .build()
            .unwrap();
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
    });
}

#[test]
fn statistics_count() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let kept = client.map(0..10, |x| x);
        let heir = client.submit_with(&client.submit(|| -> u8 { panic!("one") }), |x| *x);
        kept[0].cancel();
        drop(client.submit(|| 1));
        gate.open();
        until("all is settled", || {
            kept.iter().all(TaskFuture::is_done) && heir.is_done()
        });
        let stats = client.stats();
        assert_eq!(
            (stats.submitted, stats.started, stats.finished),
            (14, 11, 10)
        );
        assert_eq!((stats.failed, stats.cancelled, stats.blocked), (2, 2, 0));
        drop((kept, heir));
        assert_nothing_left(&client);
    });
}

#[test]
fn dropping_the_client_waits_for_running_bodies_and_cancels_the_rest() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let (at, end) = (counts.counted(), counts.counted());
        let running = client.submit(move || {
            until("the token is set", || current().is_cancelled());
            drop(at);
        });
        until("it runs", || running.status() == Status::Running);
        let queued = client.submit(move || drop(end));
        let dependent = queued.clone().then(|()| 1);
        drop(client.clone());
        assert_eq!(queued.status(), Status::Queued);
        drop(client);
        assert_eq!((counts.alive(), running.is_done()), (0, true));
        assert_eq!(queued.result().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(dependent.result().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn blocked_bodies_go_on_when_the_client_ends() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u8>("never", 0).unwrap();
        let variable = client.variable::<u8>("never").unwrap();
        let ended = Counts::new();
        let (a, b, c) = (ended.counted(), ended.counted(), ended.counted());
        let on_queue = client.submit(move || (queue.get().is_err(), a).0);
        let on_variable = client.submit(move || (variable.get().is_err(), b).0);
        let waited = on_queue.clone();
        let on_task = client.submit(move || (waited.result().is_ok(), c).0);
        until("all are blocked", || client.stats().blocked == 3);
        drop(client);
        assert_eq!(ended.alive(), 0);
        drop((on_queue, on_variable, on_task));
    });
}

#[test]
fn close_says_what_still_runs() {
    watched(|| {
        let client = client_of(2);
        let (open, opened) = mpsc::channel::<()>();
        let slow = client.task("slow").submit(move || {
            let _ = opened.recv();
        });
        until("it runs", || slow.status() == Status::Running);
        for timeout in [Duration::ZERO, Duration::from_millis(3)] {
            let report = client.close(timeout);
            assert_eq!(
                (report.is_clean(), report.still_running()),
                (false, &["slow".to_owned()][..])
            );
        }
        drop(open);
        let report = client.close(Duration::MAX);
        assert!(report.is_clean() && report.still_running().is_empty());
        assert_eq!(client.stats().threads, 0);
    });
}

#[test]
fn a_closed_client_refuses() {
    watched(|| {
        let client = client_of(1);
        let (done, counts) = (client.scatter(1), Counts::new());
        assert!(client.close(Duration::MAX).is_clean());
        let closed =
            |error: tenter::TaskError| assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        let counted = counts.counted();
        closed(client.submit(move || drop(counted)).result().unwrap_err());
        closed(client.task("t").key("k").submit(|| 1).result().unwrap_err());
        closed(client.submit_with(&done, |x| *x).result().unwrap_err());
        closed(
            client
                .try_submit(|| "7".parse::<u8>())
                .result()
                .unwrap_err(),
        );
        closed(client.map([1], |x| x)[0].result().unwrap_err());
        assert_eq!(client.queue::<u8>("q", 0).unwrap_err(), NameError::Closed);
        assert_eq!(client.variable::<u8>("v").unwrap_err(), NameError::Closed);
        assert_eq!((*done.result().unwrap(), counts.alive()), (1, 0));
    });
}

#[test]
fn submits_that_race_with_the_end_are_settled() {
    watched(|| {
        for _ in 0..50 {
            let client = client_of(2);
            let submitting = client.clone();
            let thread = std::thread::spawn(move || {
                let tasks: Vec<_> = (0..500u64).map(|k| submitting.submit(move || k)).collect();
                tasks
                    .into_iter()
                    .map(|task| task.then(|k| k + 1))
                    .collect::<Vec<_>>()
            });
            assert!(client.close(Duration::MAX).is_clean());
            for task in thread.join().unwrap() {
                if let Err(error) = task.result() {
                    assert!(
                        matches!(error.kind(), ErrorKind::Closed | ErrorKind::Cancelled),
                        "{error}"
                    );
                }
            }
        }
    });
}

#[test]
fn a_client_dropped_in_its_own_task_only_signals() {
    watched(|| {
        let client = client_of(1);
        let (stops, ended) = (Log::new(), Log::new());
        let (inner, log) = (client.clone(), ended.clone());
        let (go, told) = mpsc::channel::<()>();
        let task = client.submit(move || {
            let _ = told.recv();
            assert!(inner.close(Duration::MAX).still_running().len() <= 1);
            let cancelled = current().is_cancelled();
            drop(inner);
            log.write(cancelled);
        });
        task.clone().detach();
        drop(client);
        stops.write(());
        drop(go);
        until("the body has ended", || ended.len() == 1 && task.is_done());
        assert_eq!(ended.read(), [true]);
    });
}
