//! A client that begins anew.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tenter::{ErrorKind, NameError, Status, TaskFuture, WaitError, current, gather_settled};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn what_has_not_settled_is_cancelled_and_what_has_stays_readable() {
    watched(|| {
        let client = client_of(1);
        let finished = client.submit(|| 7);
        let failed = client.submit(|| -> i32 { panic!("on purpose") });
        gather_settled(&[finished.clone(), failed.clone()]);
        let gate = Gate::close(&client);
        let queued = client.task("queued").submit(|| 1);
        let waiting = client.submit_with(&queued, |x| *x);
        client.submit(|| unreachable!("cancelled")).detach();
        client.restart();
        assert_eq!(queued.status(), Status::Cancelled);
        assert_eq!(waiting.result().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(*finished.result().unwrap(), 7);
        assert_eq!(failed.result().unwrap_err().message(), "on purpose");
        gate.open();
        assert_eq!(*client.submit(|| 2).result().unwrap(), 2);
        drop((finished, failed, queued, waiting));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_running_body_is_told_let_end_and_its_result_dropped() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let value = counts.counted();
        let task = client.submit(move || {
            until("it is told", || current().is_cancelled());
            value
        });
        until("it runs", || task.status() == Status::Running);
        client.restart();
        assert_eq!(task.status(), Status::Cancelled);
        until("its result is dropped", || counts.alive() == 0);
        assert!(task.result().is_err());
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn keys_of_before_are_new_tasks() {
    watched(|| {
        let client = client_of(1);
        let log = Log::new();
        let submit = |key: &'static str, round| -> [TaskFuture<i32>; 2] {
            let (keyed, pure) = (log.clone(), log.clone());
            [
                client.task("keyed").key(key).submit(move || {
                    keyed.write(round);
                    round
                }),
                client.task("pure").pure((key, 1)).submit(move || {
                    pure.write(round);
                    round
                }),
            ]
        };
        let old = submit("k", 1);
        gather_settled(&old);
        drop(submit("remembered", 1));
        let gate = Gate::close(&client);
        let queued = submit("queued", 1);
        client.restart();
        assert_eq!(client.stats().remembered, 0);
        let new: Vec<_> = ["k", "remembered", "queued"]
            .map(|key| submit(key, 2))
            .into_iter()
            .flatten()
            .collect();
        assert!(old.iter().all(|task| *task.result().unwrap() == 1));
        drop((old, queued));
        let again = submit("k", 3);
        gate.open();
        assert!(
            gather_settled(&new)
                .into_iter()
                .all(|result| *result.unwrap() == 2)
        );
        assert!(
            gather_settled(&again)
                .into_iter()
                .all(|result| *result.unwrap() == 2),
            "the key is the new task's"
        );
        let rounds = log.read();
        assert_eq!(rounds.iter().filter(|round| **round == 2).count(), 6);
        assert!(!rounds.contains(&3));
        drop((new, again));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_key_may_have_another_type_afterwards() {
    watched(|| {
        let client = client_of(1);
        let old = client.task("a").key("k").submit(|| 1);
        old.result().unwrap();
        client.restart();
        let new = client.task("a").key("k").submit(|| "text");
        assert_eq!(*new.result().unwrap(), "text");
        assert_eq!(old.take().unwrap(), 1);
        let same = client.task("a").key("k").submit(|| "another");
        assert_eq!(
            *same.result().unwrap(),
            "text",
            "taking the old one leaves the key"
        );
    });
}

#[test]
fn named_things_are_closed_and_their_names_free() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let queue = client.queue("q", 1).unwrap();
        queue.put(counts.counted()).unwrap();
        let variable = client.variable("v").unwrap();
        variable.set(counts.counted()).unwrap();
        client
            .publish("p", client.scatter(counts.counted()))
            .unwrap();
        client.restart();
        assert_eq!(counts.alive(), 0);
        assert_eq!(queue.try_get().unwrap_err(), WaitError::Closed);
        assert_eq!(variable.set(counts.counted()), Err(WaitError::Closed));
        assert_eq!(
            client.published::<u8>("p").unwrap_err(),
            NameError::Unknown {
                name: "p".to_owned()
            }
        );
        let queue = client.queue::<u8>("q", 7).unwrap();
        queue.put(1).unwrap();
        assert_eq!(queue.get(), Ok(1));
        client.variable::<u8>("v").unwrap().set(2).unwrap();
        client.publish("p", client.scatter(3u8)).unwrap();
        assert_eq!(*client.published::<u8>("p").unwrap().result().unwrap(), 3);
        assert!(client.unpublish("p"));
        assert_nothing_left(&client);
    });
}

#[test]
fn blocked_bodies_of_before_go_on_and_end() {
    watched(|| {
        let client = client_of(1);
        let ends = Log::new();
        let (gets, changes, waits) = (ends.clone(), ends.clone(), ends.clone());
        let queue = client.queue::<u8>("q", 0).unwrap();
        let variable = client.variable::<u8>("v").unwrap();
        let never = client.queue::<u8>("never", 0).unwrap();
        let all = [
            client.submit(move || gets.write(queue.get() == Err(WaitError::Closed))),
            client.submit(move || changes.write(variable.changed(0) == Err(WaitError::Closed))),
            client.submit(move || {
                let inner = current().submit(move || never.get());
                waits.write(inner.result().is_err());
            }),
        ];
        until("all wait", || client.stats().blocked >= 3);
        client.restart();
        drop(all);
        assert_nothing_left(&client);
        assert_eq!(ends.read(), [true; 3]);
    });
}

#[test]
fn waits_from_outside_end() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let task = client.submit(|| 1);
        let queue = client.queue::<u8>("q", 0).unwrap();
        let (send, going) = mpsc::channel();
        let tell = send.clone();
        let result = std::thread::spawn(move || {
            tell.send(()).unwrap();
            task.result().unwrap_err().kind()
        });
        let got = std::thread::spawn(move || {
            send.send(()).unwrap();
            queue.get()
        });
        going.iter().take(2).for_each(drop);
        client.restart();
        assert_eq!(result.join().unwrap(), ErrorKind::Cancelled);
        assert_eq!(got.join().unwrap(), Err(WaitError::Closed));
        gate.open();
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_may_restart_its_own_client() {
    watched(|| {
        let client = client_of(1);
        let task = client.submit(|| {
            current().restart();
            (
                current().is_cancelled(),
                *current().submit(|| 5).result().unwrap(),
            )
        });
        until("it is cancelled", || task.status() == Status::Cancelled);
        drop(task);
        assert_nothing_left(&client);
        assert_eq!(*client.submit(|| 6).result().unwrap(), 6);
    });
}

#[test]
fn callbacks_of_before_are_called_once() {
    watched(|| {
        for _ in 0..50 {
            let client = client_of(1);
            let log = Log::new();
            let gate = Gate::close(&client);
            let (settled, queued) = (client.scatter(0), client.submit(|| 1));
            for (k, task) in [&settled, &queued].into_iter().enumerate() {
                let log = log.clone();
                task.on_done(move |done| log.write((k, done.status())));
            }
            client.restart();
            gate.open();
            drop((settled, queued));
            assert_nothing_left(&client);
            let mut heard = log.read();
            heard.sort_by_key(|(k, _)| *k);
            assert_eq!(heard, [(0, Status::Finished), (1, Status::Cancelled)]);
        }
    });
}

#[test]
fn submits_that_race_with_restarts_are_settled() {
    watched(|| {
        let client = client_of(2);
        let over = Arc::new(AtomicBool::new(false));
        let submitter = std::thread::spawn({
            let (client, over) = (client.clone(), Arc::clone(&over));
            move || {
                let mut rounds = 0u64;
                while !over.load(SeqCst) || rounds < 100 {
                    let a = client.task("a").key(("k", rounds % 7)).submit(|| 1);
                    let b = client.submit_with(&a, |a| a + 1);
                    for settled in [a.result().copied().map(|a| a + 1), b.result().copied()] {
                        match settled {
                            Ok(value) => assert_eq!(value, 2),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled),
                        }
                    }
                    rounds += 1;
                }
            }
        });
        (0..300).for_each(|_| client.restart());
        over.store(true, SeqCst);
        submitter.join().unwrap();
        assert_nothing_left(&client);
        assert_eq!(*client.submit(|| 7).result().unwrap(), 7);
    });
}

#[test]
fn restarting_a_closed_client_does_nothing() {
    watched(|| {
        let client = client_of(1);
        let task = client.submit(|| 1);
        task.result().unwrap();
        assert!(client.close(Duration::MAX).is_clean());
        client.restart();
        assert_eq!(*task.result().unwrap(), 1);
        assert_eq!(
            client.submit(|| 1).result().unwrap_err().kind(),
            ErrorKind::Closed
        );
        assert_eq!(client.queue::<u8>("q", 0).unwrap_err(), NameError::Closed);
    });
}
