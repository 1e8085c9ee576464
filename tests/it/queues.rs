//! Queues.

use std::time::Duration;

use tenter::{Client, WaitError, gather};

use crate::support::{assert_nothing_left, client_of, until, watched};

#[test]
fn a_queue_gives_first_what_came_first() {
    let client = Client::new().unwrap();
    let queue = client.queue::<u32>("q", 0).unwrap();
    (0..1000).for_each(|k| queue.put(k).unwrap());
    assert_eq!(
        (queue.len(), queue.is_empty(), queue.capacity()),
        (1000, false, 0)
    );
    let same = client.queue::<u32>("q", 0).unwrap();
    assert!((0..1000).all(|k| same.get() == Ok(k)));
    assert!(queue.is_empty());
}

#[test]
fn a_full_queue_holds_puts_back_until_a_get() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let queue = client.queue::<u32>("q", 2).unwrap();
            let puts = queue.clone();
            let producer = client.submit(move || (0..100).for_each(|k| puts.put(k).unwrap()));
            until("the producer is held back", || client.stats().blocked == 1);
            assert_eq!(queue.len(), 2);
            assert_eq!(queue.try_put(7).unwrap_err().into_item(), 7);
            assert!((0..100).all(|k| queue.get() == Ok(k)));
            producer.result().unwrap();
            drop(producer);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_closed_queue_drains_and_then_says_so() {
    watched(|| {
        let client = client_of(2);
        let queue = client.queue::<u32>("q", 2).unwrap();
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        let puts = queue.clone();
        let held_back = client.submit(move || {
            puts.put(3)
                .map_err(|error| (error.error().clone(), error.into_item()))
        });
        until("the put waits", || client.stats().blocked == 1);
        queue.close();
        assert_eq!(held_back.result().unwrap(), &Err((WaitError::Closed, 3)));
        assert!(queue.is_closed());
        let refused = queue.try_put(4).unwrap_err();
        assert_eq!(
            (refused.error(), refused.to_string().is_empty()),
            (&WaitError::Closed, false)
        );
        assert_eq!(
            [queue.get(), queue.try_get(), queue.get()],
            [Ok(1), Ok(2), Err(WaitError::Closed)]
        );
        assert_eq!(queue.try_get(), Err(WaitError::Closed));
        assert_eq!(
            queue.put_timeout(5, Duration::MAX).unwrap_err().into_item(),
            5
        );
    });
}

#[test]
fn closing_a_queue_ends_waiting_gets() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 0).unwrap();
        let gets = queue.clone();
        let waiting = client.map(0..10, move |_| gets.get());
        until("all wait", || client.stats().blocked == 10);
        queue.close();
        assert!(
            gather(&waiting)
                .unwrap()
                .into_iter()
                .all(|got| *got == Err(WaitError::Closed))
        );
    });
}

#[test]
fn timed_forms_end_with_the_time() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<u32>("q", 1).unwrap();
        let timed = move || {
            assert_eq!(queue.try_get(), Err(WaitError::Empty));
            assert_eq!(queue.get_timeout(Duration::ZERO), Err(WaitError::TimedOut));
            assert_eq!(
                queue.get_timeout(Duration::from_millis(3)),
                Err(WaitError::TimedOut)
            );
            queue.put_timeout(1, Duration::ZERO).unwrap();
            for timeout in [Duration::ZERO, Duration::from_millis(3)] {
                let full = queue.put_timeout(2, timeout).unwrap_err();
                assert_eq!(full.error(), &WaitError::TimedOut);
                assert_eq!(full.into_item(), 2);
            }
            assert_eq!(queue.get_timeout(Duration::MAX), Ok(1));
        };
        timed();
        client.submit(timed).result().unwrap();
    });
}

/// A getter that gives up must not take a wake-up with it.
#[test]
fn a_get_that_gives_up_loses_no_item() {
    watched(|| {
        let client = client_of(2);
        let queue = client.queue::<u32>("q", 0).unwrap();
        for round in 0..200 {
            let (brief, patient) = (queue.clone(), queue.clone());
            let gives_up =
                client.submit(move || brief.get_timeout(Duration::from_micros(300)).ok());
            let stays = client.submit(move || patient.get().unwrap());
            queue.put(round).unwrap();
            if gives_up.result().unwrap().is_some() {
                queue.put(round).unwrap();
            }
            assert_eq!(*stays.result().unwrap(), round);
        }
        assert!(queue.is_empty());
    });
}

#[test]
fn many_producers_and_consumers_lose_nothing() {
    watched(|| {
        for capacity in [0, 1, 7] {
            let client = client_of(2);
            let queue = client.queue::<u64>("q", capacity).unwrap();
            let (puts, gets) = (queue.clone(), queue.clone());
            let producers = client.map(0..8u64, move |p| {
                (0..500).for_each(|k| puts.put(500 * p + k).unwrap())
            });
            let sum = move |_| {
                std::iter::from_fn(|| gets.get().ok())
                    .fold((0u64, 0u64), |(n, sum), x| (n + 1, sum + x))
            };
            let outside = std::thread::spawn({
                let sum = sum.clone();
                move || sum(0)
            });
            let consumers = client.map(0..5, sum);
            gather(&producers).unwrap();
            queue.close();
            let inside = gather(&consumers).unwrap().into_iter().copied();
            let all = inside
                .chain([outside.join().unwrap()])
                .fold((0, 0), |(n, sum), (m, more)| (n + m, sum + more));
            assert_eq!(all, (4000, 3999 * 2000));
            drop((producers, consumers));
            assert_nothing_left(&client);
        }
    });
}
