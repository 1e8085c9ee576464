//! Tasks that are futures.

use std::future::{Future, IntoFuture, poll_fn, ready};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use tenter::{
    Client, ErrorKind, Status, TaskError, TaskFuture, WaitFor, as_completed, current, try_current,
    wait,
};

use crate::hand::Hand;
use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, watched};

/// Pending once, and woken by itself.
pub(crate) fn give_way() -> impl Future<Output = ()> + Send {
    let mut first = true;
    poll_fn(move |context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
}

#[test]
fn a_future_is_a_task_like_any_other() {
    watched(|| {
        let client = client_of(2);
        let plain = client.spawn(async { 20 });
        let named = client.task("sum").key("sum").priority(3).spawn({
            let plain = plain.clone();
            async move { *plain.await.unwrap() + 1 }
        });
        assert_eq!((*named.result().unwrap(), named.name()), (21, "sum".into()));
        assert_eq!(named.key().unwrap().to_string(), "sum");
        assert_eq!(named.status(), Status::Finished);
        let again = client.task("sum").key("sum").spawn(async { 0 });
        assert_eq!((*again.result().unwrap(), again == named), (21, true));
        let after = client.submit_with((&plain, &named), |(a, b)| a + b);
        assert_eq!(*after.then(|sum| sum + 1).result().unwrap(), 42);
        let nested = client.spawn(async { current().spawn(async { 5 }) });
        assert_eq!(*nested.flatten().result().unwrap(), 5);
        assert_eq!(client.spawn(ready(vec![1])).take().unwrap(), [1]);
        drop((plain, named, again));
        assert_nothing_left(&client);
        let stats = client.stats();
        assert_eq!(stats.failed + stats.cancelled, 0);
        assert_eq!(stats.submitted, stats.finished);
    });
}

#[test]
fn an_error_of_a_future_is_the_tasks() {
    watched(|| {
        let client = client_of(1);
        let broken = client.task("parse").try_spawn(async { "x".parse::<u32>() });
        let error = broken.result().unwrap_err();
        assert_eq!((error.kind(), error.task()), (ErrorKind::Failed, "parse"));
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert!(error.location().unwrap().file().ends_with("spawned.rs"));
        let after = broken.clone();
        let awaits = client.task("awaits").try_spawn(async move {
            give_way().await;
            Ok::<_, TaskError>(*(&after).await? + 1)
        });
        let error = awaits.result().unwrap_err();
        assert!(error.is_inherited() && error.task() == "parse", "{error}");
        let text = client.try_spawn(async { Err::<u8, _>("a text") });
        assert_eq!(text.result().unwrap_err().message(), "a text");
        drop((broken, awaits, text));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_panic_in_any_poll_is_the_tasks_error() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        for polls in 0..3 {
            let counted = counts.counted();
            let task = client.spawn(async move {
                for _ in 0..polls {
                    give_way().await;
                }
                let _counted = counted;
                panic!("on purpose");
            });
            let error = task.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked);
            assert!(error.message().contains("on purpose"), "{error}");
            assert_eq!(counts.alive(), 0, "the future is dropped before it settles");
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn a_pending_task_holds_no_thread() {
    watched(|| {
        let client = client_of(1);
        let hands: Vec<Hand> = (0..1000).map(|_| Hand::new()).collect();
        let tasks: Vec<_> = hands
            .iter()
            .map(|hand| client.task("pending").spawn(hand.future()))
            .collect();
        assert_eq!(*client.submit(|| 7).result().unwrap(), 7);
        hands.iter().for_each(|hand| hand.until_pending(1));
        for task in &tasks {
            assert_eq!(task.status(), Status::Running);
        }
        let text = tasks[0].explain();
        assert!(text.contains("`pending` is async and pending"), "{text}");
        assert_eq!(
            (client.stats().blocked, client.stats().threads_started),
            (0, 1)
        );
        let gate = Gate::close(&client);
        hands[0].wake();
        let text = tasks[0].explain();
        assert!(text.contains("queued to go on"), "{text}");
        gate.open();
        hands.iter().for_each(Hand::finish);
        for (k, task) in tasks.iter().enumerate() {
            let polls = *task.result().unwrap();
            assert!(polls == 2 || k == 0, "polled {polls} times");
        }
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn thousands_of_wakes_queue_one_poll() {
    watched(|| {
        let client = client_of(1);
        let hand = Hand::new();
        let task = client.spawn(hand.future());
        hand.until_pending(1);
        let gate = Gate::close(&client);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2000).for_each(|_| hand.wake()));
            }
        });
        assert_eq!(hand.polls(), 1);
        gate.open();
        hand.until_pending(2);
        let after = Gate::close(&client); // Everything queued before it has been picked, or comes after it.
        after.open();
        assert_eq!(hand.polls(), 2);
        hand.finish();
        assert_eq!(*task.result().unwrap(), 3);
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_wake_during_a_poll_is_not_lost() {
    watched(|| {
        let client = client_of(1);
        for _ in 0..200 {
            let (ask, asked) = mpsc::channel();
            let (answer, answered) = mpsc::channel::<()>();
            let mut first = true;
            let task = client.spawn(poll_fn(move |context| {
                if !std::mem::take(&mut first) {
                    return Poll::Ready(());
                }
                ask.send(context.waker().clone()).unwrap();
                answered.recv().unwrap();
                Poll::Pending
            }));
            let waker: std::task::Waker = asked.recv().unwrap();
            waker.wake();
            answer.send(()).unwrap();
            task.result().unwrap();
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn a_future_is_never_polled_twice_at_once_and_sees_what_its_wakers_did() {
    const WAKES: usize = 20_000;
    watched(|| {
        let client = client_of(3);
        for _ in 0..3 {
            let (signals, inside) = (Arc::new(AtomicUsize::new(0)), AtomicBool::new(false));
            let (send, wakers) = mpsc::channel();
            let seen = Arc::clone(&signals);
            let task = client.spawn(poll_fn(move |context| {
                assert!(!inside.swap(true, SeqCst), "polled twice at once");
                let _ = send.send(context.waker().clone());
                // Relaxed: that it is seen is the wake-up's doing.
                let all = seen.load(std::sync::atomic::Ordering::Relaxed) == 2 * WAKES;
                inside.store(false, SeqCst);
                if all { Poll::Ready(()) } else { Poll::Pending }
            }));
            let waker = wakers.recv().unwrap();
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..WAKES {
                            signals.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            waker.wake_by_ref();
                        }
                    });
                }
            });
            task.result().unwrap();
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn a_future_that_wakes_itself_gives_way() {
    watched(|| {
        let client = client_of(1);
        let (done, turns) = (Arc::new(AtomicBool::new(false)), Log::new());
        let (seen, log) = (Arc::clone(&done), turns.clone());
        let waits = client.spawn(async move {
            let sets = current().submit(move || done.store(true, SeqCst));
            while !seen.load(SeqCst) {
                log.write(());
                give_way().await;
            }
            sets.is_done()
        });
        waits.result().unwrap();
        // Every 61st pick is the oldest entry's.
        assert!(turns.len() <= 3, "what was queued goes first");
        drop(waits);
        assert_nothing_left(&client);
    });
}

#[test]
fn the_client_is_current_after_every_await() {
    watched(|| {
        let client = client_of(2);
        let hand = Hand::new();
        let future = hand.future();
        let task = client.task("asks").spawn(async move {
            let before = current().threads();
            future.await;
            let client = current();
            let inner = client.submit(|| 1).await.unwrap();
            (
                before,
                *inner,
                client.is_cancelled(),
                client.checkpoint().is_ok(),
            )
        });
        hand.finish();
        assert_eq!(*task.result().unwrap(), (2, 1, false, true));
        drop(task);
        assert!(try_current().is_none());
        assert_nothing_left(&client);
    });
}

#[test]
fn a_pure_future_is_remembered() {
    watched(|| {
        let client = client_of(1);
        let runs = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let runs = Arc::clone(&runs);
            let task = client.task("pure").pure("pure").spawn(async move {
                give_way().await;
                runs.fetch_add(1, SeqCst)
            });
            assert_eq!(*task.result().unwrap(), 0);
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn futures_await_futures_at_any_depth() {
    watched(|| {
        let client = client_of(2);
        let hand = Hand::new();
        let mut last = client.spawn(hand.future());
        for _ in 0..10_000 {
            last = client.spawn(async move { *last.await.unwrap() + 1 });
        }
        hand.finish();
        assert!(*last.result().unwrap() >= 10_001);
        assert!(client.stats().threads_started <= 3, "no thread waits");
        drop(last);
        assert_nothing_left(&client);
    });
}

fn fib(client: &Client, n: u64) -> TaskFuture<u64> {
    client.task("fib").pure(("fib", n)).spawn(async move {
        if n < 2 {
            return n;
        }
        let client = current();
        let (a, b) = (fib(&client, n - 1), fib(&client, n - 2));
        *a.await.unwrap() + *b.await.unwrap()
    })
}

#[test]
fn futures_spawn_futures_and_await_them() {
    watched(|| {
        let client = client_of(2);
        assert_eq!(*fib(&client, 80).result().unwrap(), 23_416_728_348_467_685);
        assert_eq!(client.stats().started, 81);
        let joined = client.spawn(async {
            let client = current();
            let parts: Vec<_> = (0..500u64).map(|k| client.submit(move || k)).collect();
            join_all(parts.into_iter().map(IntoFuture::into_future))
                .await
                .into_iter()
                .map(|part| *part.unwrap())
                .sum::<u64>()
        });
        assert_eq!(*joined.result().unwrap(), 124_750);
        drop(joined);
        assert_nothing_left(&client);
    });
}

#[test]
fn futures_are_waited_for_in_every_way() {
    watched(|| {
        let client = client_of(1);
        let hands: Vec<Hand> = (0..3).map(|_| Hand::new()).collect();
        let tasks: Vec<_> = hands
            .iter()
            .map(|hand| client.spawn(hand.future()))
            .collect();
        let timed = tasks[0].result_timeout(Duration::from_millis(1));
        assert_eq!(timed.unwrap_err().kind(), ErrorKind::TimedOut);
        hands[1].finish();
        let (done, open) = wait(&tasks, WaitFor::FirstCompleted, None).unwrap();
        assert_eq!((done, open.len()), (vec![tasks[1].clone()], 2));
        hands.iter().for_each(Hand::finish);
        let mut completed = as_completed(tasks);
        let mut count = 0;
        while let Some(task) = completed.next() {
            count += usize::from(task.result().is_ok());
        }
        assert_eq!(count, 3);
        drop(hands);
    });
}
