//! Awaiting handles, on any executor.

use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};

use futures::executor::block_on;
use futures::future::{Either, join_all, select};
use tenter::{Client, ErrorKind, current};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn a_borrowed_handle_lends_its_result() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let task = client.submit(|| 7);
        let open = std::thread::spawn(move || gate.open());
        assert_eq!(block_on(async { *(&task).await.unwrap() }), 7);
        assert_eq!(
            block_on(async { (&task).await.copied() }).unwrap(),
            7,
            "it may be awaited again"
        );
        let failed = client.submit(|| -> u8 { panic!("on purpose") });
        assert_eq!(
            block_on(async { (&failed).await.unwrap_err() }).kind(),
            ErrorKind::Panicked
        );
        open.join().unwrap();
    });
}

#[test]
fn an_owned_handle_gives_a_value_that_keeps_the_result() {
    watched(|| {
        let client = client_of(2);
        let counts = Counts::new();
        let made = counts.counted();
        let value = block_on(client.submit(move || (made, 5)).into_future()).unwrap();
        let other = value.clone();
        assert_eq!((value.1, counts.alive()), (5, 1));
        drop(value);
        assert_eq!((other.1, counts.alive()), (5, 1));
        drop(other);
        assert_eq!(counts.alive(), 0);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_thousand_may_be_awaited_together() {
    watched(|| {
        let client = client_of(2);
        let tasks = client.map(0..1000u64, |x| x);
        let sum = block_on(async { join_all(tasks.iter().map(IntoFuture::into_future)).await })
            .into_iter()
            .map(|x| *x.unwrap())
            .sum::<u64>();
        assert_eq!(sum, 499_500);
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn tokio_tasks_may_await() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let client = client_of(2);
        let sums = (0..50u64).map(|k| {
            let client = client.clone();
            runtime.spawn(async move {
                let a = client.submit(move || k);
                let b = client.submit_with(&a, |a| a + 1);
                *a.await.unwrap() + *(&b).await.unwrap()
            })
        });
        let sums: Vec<_> = sums.collect();
        let sum: u64 = runtime
            .block_on(join_all(sums))
            .into_iter()
            .map(Result::unwrap)
            .sum();
        assert_eq!(sum, 2 * 1225 + 50);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_body_may_block_on_a_future() {
    watched(|| {
        let client = client_of(1);
        let outer = client.submit(|| {
            let inner = current().submit(|| 3);
            let other = std::thread::spawn(move || block_on(async { *inner.await.unwrap() }));
            other.join().unwrap()
        });
        assert_eq!(*outer.result().unwrap(), 3);
    });
}

#[test]
fn select_gives_the_first() {
    watched(|| {
        let client = client_of(2);
        for _ in 0..200 {
            let never = client.queue::<u8>("never", 0).unwrap();
            let waits = never.clone();
            let (quick, slow) = (
                client.submit(|| 1),
                client.submit(move || waits.get().unwrap()),
            );
            let first = block_on(async {
                match select((&slow).into_future(), (&quick).into_future()).await {
                    Either::Left(_) => "slow",
                    Either::Right((value, _)) => {
                        if *value.unwrap() == 1 {
                            "quick"
                        } else {
                            "wrong"
                        }
                    }
                }
            });
            assert_eq!(first, "quick");
            never.put(1).unwrap();
            slow.result().unwrap();
        }
        assert_nothing_left(&client);
    });
}

/// Counts how often it is woken.
struct Bell(Log<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.write(());
    }
}

#[test]
fn a_pending_future_that_is_dropped_leaves_nothing() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let task = client.submit(|| 1);
        let rings = Log::new();
        let bell = Arc::new(Bell(rings.clone()));
        let waker = Arc::clone(&bell).into();
        for _ in 0..1000 {
            let mut pending = pin!((&task).into_future());
            assert!(
                pending
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            assert!(
                pending
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        drop(waker);
        until("the wakers are let go", || Arc::strong_count(&bell) == 1);
        drop((&client.submit(|| 2)).into_future());
        gate.open();
        assert_eq!((*task.result().unwrap(), rings.len()), (1, 0));
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn dropping_an_owned_future_drops_its_want() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let counted = counts.counted();
        {
            let mut pending = pin!(client.submit(move || drop(counted)).into_future());
            let waker = Arc::new(Bell(Log::new())).into();
            assert!(
                pending
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            assert_eq!(counts.alive(), 1);
        }
        until("the closure is dropped", || counts.alive() == 0);
        gate.open();
        assert_nothing_left(&client);
    });
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let task = client.submit(|| 1);
        let logs = [Log::new(), Log::new()];
        let mut pending = pin!((&task).into_future());
        for log in &logs {
            let waker = Arc::new(Bell(log.clone())).into();
            assert!(
                pending
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        gate.open();
        until("it is woken", || logs[1].len() == 1);
        assert_eq!(logs[0].len(), 0);
        let waker = Arc::new(Bell(Log::new())).into();
        let Poll::Ready(Ok(1)) = pending.poll(&mut Context::from_waker(&waker)) else {
            panic!("woken, so ready")
        };
    });
}

#[test]
fn awaiting_ends_when_the_client_does() {
    watched(|| {
        let client = Client::builder().threads(1).build().unwrap();
        let gate = Gate::close(&client);
        let task = client.submit(|| 1);
        let ends = std::thread::spawn(move || block_on(async { (&task).await.copied() }));
        let closes = std::thread::spawn(move || drop(client));
        assert_eq!(
            ends.join().unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
        gate.open();
        closes.join().unwrap();
    });
}
