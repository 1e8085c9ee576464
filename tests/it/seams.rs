//! Where the parts meet: futures with time limits, resources and pools; closes and restarts of all of it; scopes.

use std::future::{Future, poll_fn};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use tenter::{
    Client, ErrorKind, Reschedule, Status, TaskError, TaskFuture, WaitError, attempt, current,
    gather,
};

use crate::hand::Hand;
use crate::spawned::give_way;
use crate::support::{
    Counts, Gate, Log, assert_nothing_left, assert_nothing_left_after, client_of, until, watched,
};

/// Soon over.
const SHORT: Duration = Duration::from_millis(2);
/// Over long after the test.
const LONG: Duration = Duration::from_secs(3600);

fn client_with(threads: usize) -> Client {
    let builder = Client::builder().threads(threads).thread_name("t");
    builder.pool("io", 1).resource("gpu", 1).build().unwrap()
}

fn thread_name() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

fn until_in_line<T>(task: &TaskFuture<T>) {
    until("it is in line", || task.explain().contains("it needs"));
}

fn until_pool_line<T>(task: &TaskFuture<T>) {
    until("it is in the pool's line", || {
        task.explain().contains("pool `io`")
    });
}

/// Holds the only thread of the pool `io`.
fn occupy(client: &Client) -> (mpsc::Sender<()>, TaskFuture<()>) {
    let (end, ended) = mpsc::channel();
    let task = client.task("occupant").pool("io").submit(move || {
        let _ = ended.recv();
    });
    until("it runs", || task.status() == Status::Running);
    (end, task)
}

#[test]
fn the_time_of_a_future_counts_until_it_is_done() {
    watched(|| {
        let client = client_of(1);
        let input = client.submit(|| 1);
        let (alone, with) = (Hand::new(), Hand::new());
        let future = with.future();
        let tasks = [
            client.task("fetch").timeout(SHORT).spawn(alone.future()),
            client
                .task("fetch")
                .timeout(SHORT)
                .spawn_with(&input, |one| async move { *one + future.await }),
        ];
        let after = client.submit_with(&tasks[1], |polls| *polls);
        for task in &tasks {
            let error = task.result().unwrap_err();
            assert_eq!((error.kind(), error.task()), (ErrorKind::TimedOut, "fetch"));
            assert_eq!(error.message(), "it may run for 2ms");
            assert_eq!(task.status(), Status::Cancelled);
        }
        assert_eq!(after.result().unwrap_err().kind(), ErrorKind::TimedOut);
        alone.until_dropped();
        with.until_dropped();
        assert_nothing_left_after(&client, (input, tasks, after));
    });
}

#[test]
fn a_future_that_is_done_in_time_has_not_timed_out() {
    watched(|| {
        let client = client_of(2);
        let hands: Vec<Hand> = (0..50).map(|_| Hand::new()).collect();
        let tasks: Vec<_> = hands
            .iter()
            .map(|hand| client.task("fetch").timeout(LONG).spawn(hand.future()))
            .collect();
        hands.iter().for_each(|hand| hand.until_pending(1));
        hands.iter().for_each(Hand::finish);
        let polls = gather(&tasks).unwrap();
        assert!(polls.into_iter().all(|polls| *polls == 2));
        let closed = client
            .task("late")
            .timeout(LONG)
            .spawn(Hand::new().future());
        until("it is pending", || closed.status() == Status::Running);
        drop(tasks);
        assert!(client.close(Duration::from_secs(60)).is_clean());
        assert_eq!(closed.result().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn a_poll_that_overruns_is_let_end_and_what_it_gives_is_dropped() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        for ready in [false, true] {
            let (end, ended) = mpsc::channel::<()>();
            let value = counts.counted();
            let task = client.task("deaf").timeout(SHORT).spawn(poll_fn(move |_| {
                let _ = ended.recv();
                assert_eq!(
                    current().checkpoint().unwrap_err().kind(),
                    ErrorKind::TimedOut
                );
                if ready {
                    Poll::Ready(value.clone())
                } else {
                    Poll::Pending
                }
            }));
            assert_eq!(task.result().unwrap_err().kind(), ErrorKind::TimedOut);
            assert_eq!(counts.alive(), 1, "the poll is under way");
            assert_eq!(*client.submit(|| 7).result().unwrap(), 7, "beside it");
            drop(end);
            until("all of it is dropped", || counts.alive() == 0);
            assert_nothing_left_after(&client, task);
        }
    });
}

#[test]
fn a_future_holds_its_resources_until_it_is_gone() {
    watched(|| {
        let client = client_with(2);
        let task = |timeout, future| {
            client
                .task("user")
                .resource("gpu", 1)
                .timeout(timeout)
                .spawn(future)
        };
        let next = || client.task("next").resource("gpu", 1).submit(|| 1);
        let hold = |timeout, end: &dyn Fn(&Hand, TaskFuture<usize>)| {
            let hand = Hand::new();
            let held = task(timeout, hand.future());
            hand.until_pending(1);
            let waits = (timeout == LONG).then(|| {
                let waits = next();
                until_in_line(&waits);
                hand.wake();
                hand.until_pending(2);
                assert_eq!(waits.status(), Status::Queued, "between polls too");
                waits
            });
            end(&hand, held);
            assert_eq!(*waits.unwrap_or_else(next).result().unwrap(), 1);
            hand.until_dropped();
        };
        hold(LONG, &|hand, _held| hand.finish());
        hold(LONG, &|_, held| held.cancel());
        hold(LONG, &|_, held| drop(held));
        hold(SHORT, &|_, held| {
            assert_eq!(held.result().unwrap_err().kind(), ErrorKind::TimedOut);
        });
        let panics = client.task("user").resource("gpu", 1).spawn(async {
            give_way().await;
            panic!("on purpose");
        });
        let after = next();
        assert_eq!(panics.result().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(*after.result().unwrap(), 1);
        assert_nothing_left_after(&client, (panics, after));
    });
}

#[test]
fn the_threads_of_a_pool_poll_its_futures() {
    watched(|| {
        let client = client_with(1);
        let gate = Gate::close(&client);
        let log = Log::new();
        let hand = Hand::new();
        let (write, mut held) = (log.clone(), Box::pin(hand.future()));
        let task = client.task("io").pool("io").spawn(async move {
            give_way().await;
            poll_fn(|context| {
                write.write(thread_name());
                held.as_mut().poll(context)
            })
            .await
        });
        let after = task.clone().then(|_| thread_name());
        hand.until_pending(1);
        let other = client.task("io").pool("io").submit(thread_name);
        assert_eq!(
            other.result().unwrap(),
            "t-io-0",
            "pending, it holds no thread"
        );
        hand.wake();
        hand.until_pending(2);
        hand.finish();
        assert_eq!(*task.result().unwrap(), 3, "while all own threads are busy");
        assert!(
            log.read().iter().all(|name| name == "t-io-0"),
            "{:?}",
            log.read()
        );
        gate.open();
        assert!(!after.result().unwrap().starts_with("t-io"));
        assert_nothing_left_after(&client, (task, after, other));
    });
}

#[test]
fn futures_of_a_pool_end_with_their_client() {
    watched(|| {
        for polled in [false, true] {
            let client = client_with(1);
            let hand = Hand::new();
            let (end, occupant) = occupy(&client);
            let task = client.task("io").pool("io").spawn(hand.future());
            if polled {
                end.send(()).unwrap();
                hand.until_pending(1);
            }
            let cancelled = client.task("io").pool("io").spawn(hand.future());
            cancelled.cancel();
            drop(end);
            assert!(client.close(Duration::from_secs(60)).is_clean());
            assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
            until("both are dropped", || hand.dropped_on().len() == 2);
            drop(occupant);
        }
    });
}

#[test]
fn a_rescheduled_task_of_a_pool_goes_back_to_it() {
    watched(|| {
        let client = client_with(1);
        let gate = Gate::close(&client);
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let task = client.task("io").pool("io").retries(1).try_submit(move || {
            match counter.fetch_add(1, SeqCst) {
                0 => Err(Box::<dyn std::error::Error + Send + Sync>::from(Reschedule)),
                1 => Err("a retry".into()),
                _ => Ok((thread_name(), attempt())),
            }
        });
        let (name, attempt) = task.result().unwrap();
        assert_eq!((name.as_str(), attempt), ("t-io-0", &2));
        gate.open();
        assert_nothing_left_after(&client, task);
    });
}

#[test]
fn a_rescheduled_task_gives_its_resources_back_and_asks_again() {
    watched(|| {
        let client = client_with(2);
        let log = Log::new();
        let (go, gone) = mpsc::channel::<()>();
        let gone = std::sync::Mutex::new(gone);
        let write = log.clone();
        let patient = client
            .task("patient")
            .resource("gpu", 1)
            .retries(0)
            .try_submit(move || {
                write.write("patient");
                match gone.lock().unwrap().recv() {
                    Ok(()) => Err(Reschedule),
                    Err(_) => Ok(()),
                }
            });
        until("it runs", || log.len() == 1);
        let write = log.clone();
        let other = client
            .task("other")
            .resource("gpu", 1)
            .submit(move || write.write("other"));
        until_in_line(&other);
        go.send(()).unwrap();
        other.result().unwrap();
        drop(go);
        patient.result().unwrap();
        assert_eq!(log.read(), ["patient", "other", "patient"]);
        assert_nothing_left_after(&client, (patient, other));
    });
}

#[test]
fn a_task_made_anew_has_its_pool_its_resources_and_its_label() {
    watched(|| {
        let client = client_with(1);
        let broken = Arc::new(AtomicUsize::new(1));
        let state = Arc::clone(&broken);
        let task = client
            .task("io")
            .pool("io")
            .resource("gpu", 1)
            .label("scan")
            .timeout(LONG)
            .retries(1)
            .try_submit(move || match state.load(SeqCst) {
                0 => Ok(thread_name()),
                _ => Err("broken"),
            });
        assert!(task.result().is_err());
        broken.store(0, SeqCst);
        let gate = Gate::close(&client);
        let hand = Hand::new();
        let holder = client
            .task("holder")
            .pool("io")
            .resource("gpu", 1)
            .spawn(hand.future());
        hand.until_pending(1);
        let anew = task.retry().unwrap();
        until_in_line(&anew);
        assert_eq!(anew.label().as_deref(), Some("scan"));
        hand.finish();
        assert_eq!(anew.result().unwrap(), "t-io-0");
        gate.open();
        assert_nothing_left_after(&client, (task, anew, holder));
    });
}

#[test]
fn polls_inherit_and_calls_of_actors_and_callbacks_do_not() {
    watched(|| {
        let client = client_with(2);
        let actor = client.actor(());
        let (send, received) = mpsc::channel();
        let settled = client.submit(|| ());
        settled.result().unwrap();
        let label = client.annotate().label("scan").enter(|| {
            client.spawn(async {
                give_way().await;
                let inner = current().spawn(async { give_way().await });
                (inner.label(), inner)
            })
        });
        assert_eq!(label.result().unwrap().0.as_deref(), Some("scan"));
        // There is no such pool: whatever is submitted in the scope has failed.
        let (called, inner) = client.annotate().pool("none").label("scan").enter(|| {
            settled.on_done(move |_| {
                send.send(current().submit(|| ()).label()).unwrap();
            });
            let called = actor.call(|()| current().submit(|| 1));
            (called, client.submit(|| 1))
        });
        assert_eq!(inner.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
        let submitted = called.result().unwrap();
        assert_eq!((submitted.label(), *submitted.result().unwrap()), (None, 1));
        assert_eq!(received.recv().unwrap(), None);
        assert_nothing_left_after(&client, (settled, label, called, inner));
    });
}

#[test]
fn a_body_in_a_scope_with_resources_may_wait_for_a_call() {
    watched(|| {
        let client = client_with(1);
        let actor = client.actor(0);
        let task = client.annotate().resource("gpu", 1).enter(|| {
            client.submit(move || {
                actor.call(|count| *count += 1).detach();
                *actor.call(|count| *count).result().unwrap()
            })
        });
        assert_eq!(*task.result().unwrap(), 1);
        assert_nothing_left_after(&client, task);
    });
}

#[test]
fn a_time_limit_is_inherited_and_a_tasks_own_goes_first() {
    watched(|| {
        let client = client_of(2);
        let (inherits, own) = client.annotate().timeout(SHORT).enter(|| {
            let own = client.task("own").timeout(LONG);
            let hand = Hand::new();
            let own = own.spawn(hand.future());
            (client.spawn(std::future::pending::<()>()), (hand, own))
        });
        assert_eq!(inherits.result().unwrap_err().kind(), ErrorKind::TimedOut);
        own.0.finish();
        assert!(own.1.result().is_ok());
        let nested = client.annotate().timeout(LONG).enter(|| {
            let inner = client.annotate().timeout(Duration::ZERO);
            inner.enter(|| client.submit(|| ()))
        });
        assert_eq!(nested.result().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_nothing_left_after(&client, (inherits, own.1, nested));
    });
}

#[test]
fn a_restart_ends_the_waits_at_what_tasks_coordinate_with() {
    watched(|| {
        let client = client_of(1);
        let semaphore = client.semaphore("s", 1).unwrap();
        let held = semaphore.acquire(1).unwrap();
        let (event, barrier) = (client.event("e"), client.barrier("b", 2).unwrap());
        let topic = client.topic::<u8>("t").unwrap();
        let mut subscriber = topic.subscribe(1).unwrap();
        let lock = client.lock("l");
        let guard = lock.lock().unwrap();
        let both = client.multi_lock(["l", "free"]);
        let wait = |wait: Box<dyn FnOnce() -> Option<WaitError> + Send>| std::thread::spawn(wait);
        let (s, e, b) = (semaphore.clone(), event.clone(), barrier.clone());
        let waits = [
            wait(Box::new(move || s.acquire(1).err())),
            wait(Box::new(move || e.wait().err())),
            wait(Box::new(move || b.wait().err())),
        ];
        let free = client.lock("free");
        let (mut one, mut two) = (Box::pin(lock.lock_async()), Box::pin(both.lock_async()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(one.as_mut().poll(&mut context).is_pending());
        assert!(two.as_mut().poll(&mut context).is_pending());
        until("it waits", || barrier.waiting() == 1);
        client.restart();
        assert_eq!(block_on(one).unwrap_err(), WaitError::Closed);
        assert!(!free.is_locked(), "before who was sent on has left");
        assert_eq!(block_on(two).unwrap_err(), WaitError::Closed);
        for wait in waits {
            assert_eq!(wait.join().unwrap(), Some(WaitError::Closed));
        }
        assert_eq!(subscriber.recv().unwrap_err(), WaitError::Closed);
        assert_eq!(
            lock.try_lock().unwrap_err(),
            WaitError::TimedOut,
            "one holder at a time"
        );
        drop(guard);
        drop(lock.try_lock().unwrap());
        let anew = client.semaphore("s", 2).unwrap();
        drop((anew.acquire(2).unwrap(), held));
        assert!(client.barrier("b", 3).is_ok() && client.topic::<String>("t").is_ok());
        client.event("e").set();
        assert!(client.event("e").wait().is_ok());
        assert_nothing_left(&client);
    });
}

#[test]
fn a_restart_empties_the_lines_and_all_quantities_are_there_again() {
    watched(|| {
        let client = client_with(2);
        let hand = Hand::new();
        let pending = client
            .task("user")
            .resource("gpu", 1)
            .timeout(LONG)
            .spawn(hand.future());
        hand.until_pending(1);
        let (end, occupant) = occupy(&client);
        let in_line: Vec<_> = (0..5)
            .map(|_| client.task("user").resource("gpu", 1).submit(|| 1))
            .collect();
        let in_pool: Vec<_> = (0..5)
            .map(|_| client.task("io").pool("io").resource("gpu", 1).submit(|| 1))
            .collect();
        in_line.iter().for_each(until_in_line);
        in_pool.iter().for_each(until_pool_line);
        client.restart();
        hand.until_dropped();
        for task in in_line.iter().chain(&in_pool) {
            assert_eq!(task.status(), Status::Cancelled);
        }
        let anew = client.task("user").resource("gpu", 1).submit(|| 2);
        assert_eq!(anew.take().unwrap(), 2);
        end.send(()).unwrap();
        let anew = client.task("io").pool("io").resource("gpu", 1).submit(|| 3);
        assert_eq!(*anew.result().unwrap(), 3);
        assert_nothing_left_after(&client, (pending, occupant, in_line, in_pool, anew));
    });
}

#[test]
fn a_restart_cancels_calls_and_leaves_actors_their_state() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let actor = client.actor(0);
            let begun = actor.call(|count| {
                *count += 1;
                let client = current();
                until("told to stop", || client.is_cancelled());
            });
            until("it has begun", || begun.status() == Status::Running);
            until("it runs", || actor.queued() == 0);
            let queued: Vec<_> = (0..50).map(|_| actor.call(|count| *count += 100)).collect();
            client.restart();
            for call in queued.iter().chain([&begun]) {
                assert_eq!(call.status(), Status::Cancelled);
            }
            assert_eq!(*actor.call(|count| *count).result().unwrap(), 1);
            assert_nothing_left_after(&client, (begun, queued));
        }
    });
}

#[test]
fn what_has_not_begun_never_begins_once_a_close_or_a_restart_has_told_a_body() {
    watched(|| {
        for round in 0..100 {
            let client = client_of(1 + round % 2);
            let late = Arc::new(AtomicUsize::new(0));
            let actor = client.actor(());
            let told = || {
                let client = current();
                until("told to stop", || client.is_cancelled());
            };
            let bodies: Vec<_> = (0..round % 2).map(|_| client.submit(told)).collect();
            let call = actor.call(move |()| told());
            until("all run", || {
                actor.queued() == 0 && bodies.iter().all(|body| body.status() == Status::Running)
            });
            for _ in 0..10 {
                let (one, two) = (Arc::clone(&late), Arc::clone(&late));
                client.submit(move || one.fetch_add(1, SeqCst)).detach();
                actor.call(move |()| two.fetch_add(1, SeqCst)).detach();
            }
            if round % 4 < 2 {
                client.restart();
            }
            assert!(client.close(Duration::from_secs(60)).is_clean());
            assert_eq!(late.load(SeqCst), 0, "round {round}");
            drop((bodies, call));
        }
    });
}

/// The order in which tasks of all kinds begin and end.
fn order_of(seed: u64) -> Vec<usize> {
    let builder = Client::builder().threads(3).deterministic(seed);
    let client = builder.pool("io", 2).resource("gpu", 2).build().unwrap();
    let log = Log::new();
    let hers = log.clone();
    let root = client.submit(move || {
        let actor = current().actor(0);
        let members: Vec<TaskFuture<()>> = (0..40)
            .map(|k| {
                let (log, actor, lock) = (hers.clone(), actor.clone(), current().lock("l"));
                let client = current();
                let mut task = client.task("member").priority((k % 3) as i32);
                if k % 2 == 0 {
                    task = task.pool("io");
                }
                if k % 3 == 0 {
                    task = task.resource("gpu", 1 + k as u64 % 2);
                }
                if k % 4 == 0 {
                    return task.try_spawn(async move {
                        log.write(k);
                        give_way().await;
                        let guard = lock.lock_async().await?;
                        actor.call(move |sum| *sum += k).await?;
                        drop(guard);
                        log.write(1000 + k);
                        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
                    });
                }
                task.try_submit(move || {
                    log.write(k);
                    let guard = lock.lock()?;
                    actor.call(move |sum| *sum += k).result()?;
                    drop(guard);
                    log.write(1000 + k);
                    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
                })
            })
            .collect();
        gather(&members)?;
        Ok::<usize, TaskError>(*actor.call(|sum| *sum).result()?)
    });
    assert_eq!(*root.result().unwrap().as_ref().unwrap(), 780);
    assert_nothing_left_after(&client, root);
    log.read()
}

#[test]
fn a_seed_decides_the_order_of_all_kinds_of_tasks() {
    watched(|| {
        for seed in 0..20 {
            let order = order_of(seed);
            assert_eq!(order.len(), 80);
            assert_eq!(order, order_of(seed), "seed {seed}");
        }
    });
}
