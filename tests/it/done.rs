//! Callbacks of handles.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::time::Duration;

use tenter::{Client, Status, current, try_current};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn a_callback_hears_of_each_kind_of_end() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let finished = client.submit(|| 7);
        let failed = client.submit(|| -> i32 { panic!("on purpose") });
        let cancelled = client.submit(|| 8);
        let inherits = client.submit_with(&failed, |x| *x);
        let (send, received) = mpsc::channel();
        for (k, task) in [&finished, &failed, &cancelled, &inherits]
            .into_iter()
            .enumerate()
        {
            let send = send.clone();
            task.on_done(move |done| {
                send.send((k, done.status(), done.result().is_ok()))
                    .unwrap()
            });
        }
        cancelled.cancel();
        gate.open();
        let mut heard: Vec<_> = received.iter().take(4).collect();
        heard.sort_by_key(|(k, ..)| *k);
        assert_eq!(
            heard,
            [
                (0, Status::Finished, true),
                (1, Status::Failed, false),
                (2, Status::Cancelled, false),
                (3, Status::Failed, false)
            ]
        );
        drop((finished, failed, cancelled, inherits));
        assert_nothing_left(&client);
        drop(send);
        assert!(received.recv().is_err(), "each was called once");
    });
}

#[test]
fn a_callback_added_after_the_end_is_called_too() {
    watched(|| {
        let client = client_of(1);
        let task = client.submit(|| 7);
        task.result().unwrap();
        let (send, received) = mpsc::channel();
        task.on_done(move |done| send.send(*done.result().unwrap()).unwrap());
        assert_eq!(received.recv(), Ok(7));
        let given = client.scatter("given");
        let (send, received) = mpsc::channel();
        given.on_done(move |done| send.send(*done.result().unwrap()).unwrap());
        assert_eq!(received.recv(), Ok("given"));
        drop((task, given));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_callback_wants_its_task_and_lets_it_go() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let gate = Gate::close(&client);
        let (value, captured) = (counts.counted(), counts.counted());
        let (send, received) = mpsc::channel();
        client.submit(move || value).on_done(move |done| {
            let _captured = captured;
            send.send(done.status()).unwrap();
        });
        gate.open();
        assert_eq!(received.recv(), Ok(Status::Finished));
        until("both are dropped", || counts.alive() == 0);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_callback_is_a_task_and_may_do_what_tasks_do() {
    watched(|| {
        for client in [
            client_of(1),
            Client::builder().deterministic(3).build().unwrap(),
        ] {
            let (send, received) = mpsc::channel();
            let task = client.task("measured").submit(|| 5);
            task.on_done(move |done| {
                let x = *done.result().unwrap();
                let more = current().submit(move || x + 1);
                send.send(*more.result().unwrap()).unwrap();
            });
            assert_eq!(received.recv(), Ok(6));
            drop(task);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_callback_that_takes_long_holds_up_nobody_who_waits() {
    watched(|| {
        let client = client_of(2);
        let (open, opened) = mpsc::channel::<()>();
        let task = client.submit(|| 1);
        let dependent = client.submit_with(&task, |x| x + 1);
        task.on_done(move |_| assert!(opened.recv().is_err()));
        assert_eq!(
            (task.result().unwrap(), dependent.result().unwrap()),
            (&1, &2)
        );
        let later = client.map(0..100, |x| x);
        assert_eq!(tenter::gather(&later).unwrap().len(), 100);
        drop((task, dependent, later, open));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_callback_that_panics_harms_nothing() {
    watched(|| {
        let client = client_of(1);
        let task = client.submit(|| 1);
        task.on_done(|_| panic!("in a callback, on purpose"));
        let (send, received) = mpsc::channel();
        task.on_done(move |done| send.send(done.status()).unwrap());
        assert_eq!(received.recv(), Ok(Status::Finished));
        assert_eq!(*task.result().unwrap(), 1);
        assert_eq!(client.submit(|| 2).take().unwrap(), 2);
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn callbacks_that_race_with_the_end_are_called_exactly_once() {
    watched(|| {
        let client = client_of(2);
        let calls = Arc::new(AtomicUsize::new(0));
        for round in 0..3000 {
            let task = client.submit(move || round);
            for _ in 0..2 {
                let calls = Arc::clone(&calls);
                task.on_done(move |_| {
                    calls.fetch_add(1, SeqCst);
                });
            }
            if round % 3 == 0 {
                task.cancel();
            }
        }
        assert_nothing_left(&client);
        assert_eq!(calls.load(SeqCst), 6000);
    });
}

#[test]
fn the_end_of_the_client_calls_every_callback_once() {
    watched(|| {
        for _ in 0..50 {
            let client = client_of(1);
            let log = Log::new();
            let gate = Gate::close(&client);
            let settled = client.scatter(0);
            let queued = client.submit(|| 1);
            let waiting = client.submit_with(&queued, |x| *x);
            for (k, task) in [&settled, &queued, &waiting].into_iter().enumerate() {
                let log = log.clone();
                task.on_done(move |done| log.write((k, done.is_done())));
            }
            let closing = client.clone();
            let closed = std::thread::spawn(move || drop(closing.close(Duration::ZERO)));
            closed.join().unwrap();
            gate.open();
            drop(client);
            let mut heard = log.read();
            heard.sort_unstable();
            assert_eq!(heard, [(0, true), (1, true), (2, true)]);
        }
    });
}

#[test]
fn a_handle_whose_client_is_gone_calls_back_on_this_thread() {
    watched(|| {
        let client = client_of(1);
        let task = client.submit(|| 7);
        task.result().unwrap();
        drop(client);
        let (send, received) = mpsc::channel();
        task.on_done(move |done| {
            let here = (std::thread::current().id(), try_current().is_none());
            send.send((*done.result().unwrap(), here)).unwrap();
        });
        assert_eq!(
            received.try_recv(),
            Ok((7, (std::thread::current().id(), true)))
        );
        task.on_done(|_| panic!("in a callback, on purpose"));
        assert_eq!(*task.result().unwrap(), 7);
    });
}

#[test]
fn a_callback_may_add_a_callback() {
    watched(|| {
        let client = client_of(1);
        let (send, received) = mpsc::channel();
        client.submit(|| 1).on_done(move |done| {
            done.on_done(move |done| send.send(*done.result().unwrap()).unwrap());
        });
        assert_eq!(received.recv(), Ok(1));
        assert_nothing_left(&client);
    });
}
