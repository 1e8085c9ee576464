//! Queues: many items at once, one after the other, and in async code.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{join, join_all};
use futures::{Stream, StreamExt};
use tenter::{Client, ErrorKind, WaitError};

use crate::support::{Counts, assert_nothing_left, client_of, until, watched};

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn what_does_not_wait_says_empty_or_full() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 1).unwrap();
        assert_eq!(queue.try_get(), Err(WaitError::Empty));
        assert_eq!(queue.try_get_many(3), Ok(vec![]));
        queue.try_put(1).unwrap();
        let full = queue.try_put(2).unwrap_err();
        assert_eq!(full.error(), &WaitError::Full);
        assert_eq!(full.into_item(), 2);
        let gets = queue.clone();
        let drained = client.try_submit(move || {
            gets.try_get()?;
            gets.try_get()
        });
        let error = drained.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(error.downcast_ref(), Some(&WaitError::Empty));
        assert!(error.message().contains("the queue is empty"));
    });
}

#[test]
fn many_items_come_in_order_and_at_least_one() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 0).unwrap();
        (0..5).for_each(|k| queue.put(k).unwrap());
        assert_eq!(queue.get_many(2), Ok(vec![0, 1]));
        assert_eq!(queue.try_get_many(1), Ok(vec![2]));
        assert_eq!(queue.get_many(usize::MAX), Ok(vec![3, 4]));
        assert_eq!(queue.get_many(0), Ok(vec![]));
        for timeout in [Duration::ZERO, Duration::from_millis(2)] {
            assert_eq!(queue.get_many_timeout(2, timeout), Err(WaitError::TimedOut));
        }
        let gets = queue.clone();
        let waiting = client.submit(move || gets.get_many(10));
        until("it waits", || client.stats().blocked == 1);
        queue.put(5).unwrap();
        assert_eq!(*waiting.result().unwrap(), Ok(vec![5]));
        queue.put(6).unwrap();
        queue.close();
        assert_eq!(queue.get_many(3), Ok(vec![6]));
        assert_eq!(queue.get_many(3), Err(WaitError::Closed));
        assert_eq!(queue.try_get_many(3), Err(WaitError::Closed));
        assert_eq!(queue.get_many(0), Ok(vec![]));
    });
}

#[test]
fn taking_many_lets_as_many_put() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 3).unwrap();
        let puts = queue.clone();
        let producers = client.map(0..9, move |k| puts.put(k).unwrap());
        let mut came = Vec::new();
        for _ in 0..3 {
            until("it is full", || queue.len() == 3);
            came.extend(queue.try_get_many(3).unwrap());
        }
        tenter::gather(&producers).unwrap();
        came.sort_unstable();
        assert!(came.into_iter().eq(0..9));
    });
}

#[test]
fn a_queue_is_iterated_until_it_is_closed() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 2).unwrap();
        let gets = queue.clone();
        let sum = client.try_submit(move || gets.iter().sum::<Result<u32, WaitError>>());
        (0..100).for_each(|k| queue.put(k).unwrap());
        queue.close();
        assert_eq!(*sum.result().unwrap(), 4950);
        let mut ended = queue.iter();
        assert!(ended.next().is_none() && ended.next().is_none());
        let again = client.queue::<u32>("r", 0).unwrap();
        again.put(1).unwrap();
        for item in &again {
            assert_eq!(item, Ok(1));
            again.close();
        }
    });
}

#[test]
fn async_ends_of_a_queue_meet_on_one_thread() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u64>("q", 1).unwrap();
        let puts = async {
            for k in 0..1000 {
                queue.put_async(k).await.unwrap();
            }
            queue.close();
            queue.put_async(7).await.unwrap_err().into_item()
        };
        let gets = async {
            let mut sum = 0;
            while let Ok(item) = queue.get_async().await {
                sum += item;
            }
            sum + queue.get_many_async(0).await.unwrap().len() as u64
        };
        assert_eq!(block_on(join(puts, gets)), (7, 499_500));
        assert_eq!(block_on(queue.get_async()), Err(WaitError::Closed));
        assert_eq!(block_on(queue.get_many_async(3)), Err(WaitError::Closed));
    });
}

#[test]
fn async_and_blocking_ends_lose_nothing_between_them() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        for capacity in [0, 1, 7] {
            let client = client_of(2);
            let queue = client.queue::<u64>("q", capacity).unwrap();
            let puts = queue.clone();
            let blocking = client.map(0..4u64, move |p| {
                (0..500).for_each(|k| puts.put(500 * p + k).unwrap());
            });
            let puts: Vec<_> = (4..8u64)
                .map(|p| {
                    let queue = queue.clone();
                    runtime.spawn(async move {
                        for k in 0..500 {
                            queue.put_async(500 * p + k).await.unwrap();
                        }
                    })
                })
                .collect();
            let one_by_one = runtime.spawn(
                queue
                    .stream()
                    .fold((0, 0), async |(n, sum), x| (n + 1, sum + x)),
            );
            let gets = queue.clone();
            let by_many = client.submit(move || {
                let batches = std::iter::from_fn(|| gets.get_many(5).ok());
                batches
                    .flatten()
                    .fold((0, 0), |(n, sum), x| (n + 1, sum + x))
            });
            tenter::gather(&blocking).unwrap();
            runtime
                .block_on(join_all(puts))
                .into_iter()
                .for_each(Result::unwrap);
            queue.close();
            let (a, b) = (
                runtime.block_on(one_by_one).unwrap(),
                *by_many.result().unwrap(),
            );
            assert_eq!((a.0 + b.0, a.1 + b.1), (4000, 3999 * 2000));
            drop((blocking, by_many));
            assert_nothing_left(&client);
        }
    });
}

/// A getter that is dropped must not take a wake-up with it.
#[test]
fn a_pending_get_that_is_dropped_takes_nothing() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 0).unwrap();
        for round in 0..100 {
            let mut first = Box::pin(queue.get_async());
            let second = queue.get_async();
            assert!(poll(first.as_mut()).is_pending());
            let waiting = std::thread::spawn(move || block_on(second));
            assert!(poll(first.as_mut()).is_pending(), "it keeps its place");
            queue.put(round).unwrap();
            drop(first);
            assert_eq!(waiting.join().unwrap(), Ok(round));
        }
        assert!(queue.is_empty());
    });
}

#[test]
fn a_pending_put_that_is_dropped_puts_nothing_and_drops_its_item() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let queue = client.queue("q", 1).unwrap();
        queue.put(counts.counted()).unwrap();
        let mut put = Box::pin(queue.put_async(counts.counted()));
        assert!(poll(put.as_mut()).is_pending());
        assert_eq!((queue.len(), counts.alive()), (1, 2));
        drop(put);
        assert_eq!(counts.alive(), 1);
        drop(queue.get().unwrap());
        block_on(queue.put_async(counts.counted())).unwrap();
        assert_eq!((queue.len(), counts.alive()), (1, 1));
        queue.delete();
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn the_end_of_a_queue_ends_what_is_pending() {
    watched(|| {
        for end in [
            |client: Client| drop(client),
            |client: Client| client.queue::<u32>("q", 1).unwrap().delete(),
        ] {
            let client = client_of(1);
            let queue = client.queue::<u32>("q", 1).unwrap();
            let empty = client.queue::<u32>("empty", 0).unwrap();
            queue.put(1).unwrap();
            let mut put = Box::pin(queue.put_async(2));
            let mut get = Box::pin(empty.get_async());
            let mut stream = empty.stream();
            assert!(poll(put.as_mut()).is_pending() && poll(get.as_mut()).is_pending());
            assert!(
                pin!(&mut stream)
                    .poll_next(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            empty.close();
            end(client);
            assert_eq!(block_on(put).unwrap_err().into_item(), 2);
            assert_eq!(block_on(get), Err(WaitError::Closed));
            assert_eq!(block_on(stream.next()), None);
        }
    });
}
