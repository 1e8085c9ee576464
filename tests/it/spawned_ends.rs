//! How tasks that are futures end before they are ready.

use std::future::{Future, pending, poll_fn};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::time::Duration;

use tenter::{Client, ErrorKind, Status, TaskFuture, current};

use crate::hand::Hand;
use crate::spawned::give_way;
use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

/// A client whose threads have this name.
fn named(threads: usize) -> Client {
    let builder = Client::builder().threads(threads).thread_name("own");
    builder.build().unwrap()
}

#[track_caller]
fn assert_dropped_by_the_pool(hand: &Hand) {
    hand.until_dropped();
    let thread = hand.dropped_on().remove(0);
    assert!(thread.starts_with("own-"), "dropped on `{thread}`");
}

#[test]
fn a_cancelled_pending_future_is_dropped_by_the_pool_without_a_wake() {
    watched(|| {
        let client = named(1);
        let hand = Hand::new();
        let task = client.task("held").spawn(hand.future());
        let after = task.clone().then(|polls| polls + 1);
        hand.until_pending(1);
        let gate = Gate::close(&client);
        task.cancel();
        assert_eq!(task.status(), Status::Cancelled, "at once");
        let error = after.result().unwrap_err();
        assert_eq!((error.kind(), error.task()), (ErrorKind::Cancelled, "held"));
        assert!(
            hand.dropped_on().is_empty(),
            "the pool's only thread is busy"
        );
        gate.open();
        assert_dropped_by_the_pool(&hand);
        hand.finish();
        task.cancel();
        assert_eq!((hand.polls(), task.status()), (1, Status::Cancelled));
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
        drop((task, after));
        assert_nothing_left(&client);
        assert_eq!(client.stats().cancelled, 1);
    });
}

#[test]
fn a_pending_future_that_nobody_wants_is_dropped_by_the_pool() {
    watched(|| {
        let client = named(2);
        let hands: Vec<Hand> = (0..100).map(|_| Hand::new()).collect();
        let tasks: Vec<_> = hands
            .iter()
            .map(|hand| client.spawn(hand.future()))
            .collect();
        hands.iter().for_each(|hand| hand.until_pending(1));
        drop(tasks);
        hands.iter().for_each(assert_dropped_by_the_pool);
        assert_nothing_left(&client);
        assert_eq!(client.stats().cancelled, 100);
    });
}

#[test]
fn a_detached_future_goes_on() {
    watched(|| {
        let client = client_of(1);
        let (hand, log) = (Hand::new(), Log::new());
        let (future, write) = (hand.future(), log.clone());
        let task = client.spawn(async move { write.write(future.await) });
        task.detach();
        hand.until_pending(1);
        client.submit(|| ()).result().unwrap();
        assert!(hand.dropped_on().is_empty());
        hand.finish();
        until("it has run", || log.len() == 1);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_poll_that_is_under_way_ends_before_its_future_is_dropped() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        for ready in [false, true] {
            let (begin, begun) = mpsc::channel();
            let (end, ended) = mpsc::channel::<()>();
            let counted = counts.counted();
            let task = client.spawn(poll_fn(move |_| {
                begin.send(()).unwrap();
                ended.recv().unwrap();
                assert!(current().is_cancelled() && current().checkpoint().is_err());
                if ready {
                    Poll::Ready(counted.clone())
                } else {
                    Poll::Pending
                }
            }));
            begun.recv().unwrap();
            task.cancel();
            assert_eq!(task.status(), Status::Cancelled);
            assert_eq!(counts.alive(), 1);
            end.send(()).unwrap();
            until("the future and its value are dropped", || {
                counts.alive() == 0
            });
            assert!(begun.recv().is_err(), "it is not polled again");
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn a_future_cancelled_before_it_began_is_never_polled() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let hands = [Hand::new(), Hand::new()];
        let cancelled = client.spawn(hands[0].future());
        cancelled.cancel();
        drop(client.spawn(hands[1].future()));
        hands.iter().for_each(Hand::until_dropped);
        gate.open();
        assert_eq!((hands[0].polls(), hands[1].polls()), (0, 0));
        drop(cancelled);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_cancelled_future_lets_go_of_what_it_awaits() {
    watched(|| {
        let client = client_of(1);
        let (hand, counts) = (Hand::new(), Counts::new());
        let inner = client.spawn(hand.future());
        let counted = counts.counted();
        let outer = client.spawn(async move {
            let _counted = counted;
            inner.await.map(|polls| *polls).unwrap_or(0)
        });
        hand.until_pending(1);
        until("it awaits", || {
            outer.explain().contains("is async and pending")
        });
        drop(outer);
        hand.until_dropped();
        assert_eq!(counts.alive(), 0);
        assert_nothing_left(&client);
    });
}

#[test]
fn closing_drops_what_never_wakes() {
    watched(|| {
        for threads in [1, 2] {
            let client = named(threads);
            let hands: Vec<Hand> = (0..500).map(|_| Hand::new()).collect();
            let mut tasks: Vec<_> = hands
                .iter()
                .map(|hand| client.spawn(hand.future()))
                .collect();
            hands.iter().for_each(|hand| hand.until_pending(1));
            tasks
                .split_off(250)
                .into_iter()
                .for_each(TaskFuture::detach);
            assert!(client.close(Duration::from_secs(100)).is_clean());
            for hand in &hands {
                assert_eq!(hand.dropped_on().len(), 1, "before the close returns");
                assert!(hand.dropped_on()[0].starts_with("own-"));
            }
            for task in &tasks {
                assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
            }
            hands.iter().for_each(Hand::finish);
            drop(tasks);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_body_blocked_on_a_future_that_never_wakes_does_not_keep_the_client() {
    watched(|| {
        for seed in [None, Some(7)] {
            let builder = Client::builder().threads(1);
            let client = match seed {
                None => builder.build().unwrap(),
                Some(seed) => builder.deterministic(seed).build().unwrap(),
            };
            let hand = Hand::new();
            let future = hand.future();
            let body = client.submit(move || {
                let task = current().spawn(future);
                task.result().map(|_| ()).unwrap_err().kind()
            });
            hand.until_pending(1);
            drop(client);
            assert_eq!(*body.result().unwrap(), ErrorKind::Cancelled);
            assert_eq!(hand.dropped_on().len(), 1);
        }
    });
}

#[test]
fn closing_while_futures_are_polled_and_woken_ends() {
    watched(|| {
        for round in 0..30 {
            let client = client_of(2);
            let counts = Counts::new();
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let counted = counts.counted();
                    client.spawn(async move {
                        let _counted = counted;
                        loop {
                            give_way().await;
                        }
                    })
                })
                .collect();
            if round % 2 == 0 {
                until("some are polled", || client.stats().started > 5);
            }
            drop(client);
            let tasks: Vec<TaskFuture<()>> = tasks;
            for task in &tasks {
                assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
            }
            assert_eq!(counts.alive(), 0);
        }
    });
}

#[test]
fn a_future_polled_at_the_close_may_still_be_ready() {
    watched(|| {
        for ready in [true, false] {
            let client = client_of(1);
            let (begin, begun) = mpsc::channel();
            let task = client.spawn(poll_fn(move |_| {
                begin.send(()).unwrap();
                until("the client closes", || current().is_cancelled());
                if ready { Poll::Ready(4) } else { Poll::Pending }
            }));
            begun.recv().unwrap();
            assert!(client.close(Duration::from_secs(100)).is_clean());
            match task.result() {
                Ok(value) => assert!(ready && *value == 4),
                Err(error) => assert!(!ready && error.kind() == ErrorKind::Cancelled),
            }
            assert!(begun.recv().is_err(), "polled once, and dropped");
        }
    });
}

#[test]
fn a_future_may_hold_the_last_client() {
    watched(|| {
        let client = client_of(1);
        let (hand, counts) = (Hand::new(), Counts::new());
        let (future, counted) = (hand.future(), counts.counted());
        let own = client.clone();
        let task = client.spawn(async move {
            future.await;
            drop(own);
            drop(counted);
        });
        hand.until_pending(1);
        drop(client);
        hand.finish();
        until("it has dropped the client", || counts.alive() == 0);
        task.result().unwrap();
    });
}

#[test]
fn wakers_outlive_their_task_and_keep_nothing_alive() {
    watched(|| {
        let counts = Counts::new();
        let counted = counts.counted();
        let client = Client::builder()
            .threads(1)
            .on_thread_start(move || drop(counted.clone()))
            .build()
            .unwrap();
        let hands = [Hand::new(), Hand::new(), Hand::new()];
        let tasks: Vec<_> = hands
            .iter()
            .map(|hand| client.spawn(hand.future()))
            .collect();
        let wakers: Vec<Waker> = hands.iter().map(Hand::waker).collect();
        hands[0].finish();
        tasks[0].result().unwrap();
        tasks[1].cancel();
        hands[1].until_dropped();
        let wake_all = || (0..100).for_each(|_| wakers.iter().for_each(Waker::wake_by_ref));
        wake_all();
        drop(client);
        drop(tasks);
        wake_all();
        assert_eq!(hands[2].dropped_on().len(), 1);
        // This thread's share of the engine goes when it next comes to another engine.
        drop(client_of(1));
        until("the engine is gone", || counts.alive() == 0);
        wake_all();
    });
}

/// Panics, and tells, when it is dropped.
struct Bomb(Log<()>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.write(());
        panic!("on purpose, in a destructor");
    }
}

#[test]
fn a_destructor_of_a_future_may_panic_and_may_use_the_client() {
    watched(|| {
        let client = client_of(1);
        let log = Log::new();
        for _ in 0..3 {
            let bomb = Bomb(log.clone());
            let task = client.spawn(async move {
                let _bomb = bomb;
                pending::<()>().await;
            });
            until("it is pending", || {
                task.explain().contains("is async and pending")
            });
            task.cancel();
        }
        until("all are dropped", || log.len() == 3);
        struct Submits(mpsc::Sender<TaskFuture<u8>>);
        impl Drop for Submits {
            fn drop(&mut self) {
                self.0.send(current().submit(|| 9)).unwrap();
            }
        }
        let (send, sent) = mpsc::channel();
        let submits = Submits(send);
        let task = client.spawn(async move {
            let _submits = submits;
            pending::<()>().await;
        });
        until("it is pending", || {
            task.explain().contains("is async and pending")
        });
        drop(task);
        assert_eq!(*sent.recv().unwrap().result().unwrap(), 9);
        assert_nothing_left(&client);
    });
}

/// Pending, and woken by whoever draws its waker from the pot, so many times.
fn drawn(pot: Arc<Mutex<Vec<Waker>>>, times: usize) -> impl Future<Output = usize> + Send {
    let mut left = times;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(times);
        }
        left -= 1;
        pot.lock().unwrap().push(context.waker().clone());
        Poll::Pending
    })
}

#[test]
fn wakes_cancels_and_drops_cross_in_every_order() {
    const TASKS: usize = 3000;
    watched(|| {
        for threads in [1, 3] {
            let client = client_of(threads);
            let pot: Arc<Mutex<Vec<Waker>>> = Arc::default();
            let counts = Counts::new();
            let tasks: Vec<TaskFuture<usize>> = (0..TASKS)
                .map(|k| {
                    let (counted, inner) = (counts.counted(), drawn(Arc::clone(&pot), k % 4));
                    client.spawn(async move {
                        let _counted = counted;
                        inner.await
                    })
                })
                .collect();
            let over = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while over.load(SeqCst) == 0 || !pot.lock().unwrap().is_empty() {
                        let wakers = std::mem::take(&mut *pot.lock().unwrap());
                        wakers.iter().rev().for_each(Waker::wake_by_ref);
                        wakers.into_iter().for_each(Waker::wake);
                    }
                });
                for (k, task) in tasks.into_iter().enumerate() {
                    match k % 5 {
                        0 => task.cancel(),
                        1 => drop(task),
                        2 => assert_eq!(*task.result().unwrap(), k % 4),
                        3 => task.detach(),
                        _ => assert_eq!(task.take().unwrap(), k % 4),
                    }
                }
                until("all futures are gone", || counts.alive() == 0);
                over.store(1, SeqCst);
            });
            assert_nothing_left(&client);
            let stats = client.stats();
            assert!(stats.finished >= 3 * TASKS as u64 / 5, "{stats:?}");
            assert!(
                stats.finished + stats.cancelled >= TASKS as u64,
                "{stats:?}"
            );
            assert_eq!(stats.failed, 0);
        }
    });
}
