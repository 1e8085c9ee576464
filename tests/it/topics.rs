//! Topics: every subscriber gets what is published from then on, and nobody holds a publisher up.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::executor::block_on;
use tenter::{NameError, TaskFuture, WaitError, current};

use crate::support::{Counts, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn each_subscriber_gets_every_message_from_then_on_in_order() {
    watched(|| {
        for threads in [1, 4] {
            let client = client_of(threads);
            let topic = client.topic::<u32>("numbers").unwrap();
            topic.publish(0).unwrap();
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    let mut seen = topic.subscribe(5000).unwrap();
                    client.submit(move || {
                        let message = |_| seen.recv().unwrap();
                        (0..3000).map(message).map(|m| (*m, m.missed())).collect()
                    })
                })
                .collect();
            let publishes = topic.clone();
            let writer =
                client.submit(move || (1..=3000).for_each(|k| publishes.publish(k).unwrap()));
            let expected: Vec<_> = (1..=3000).map(|k| (k, 0)).collect();
            for reader in &readers {
                let seen: &Vec<(u32, u64)> = reader.result().unwrap();
                assert_eq!(*seen, expected);
            }
            writer.result().unwrap();
            drop((readers, writer));
            assert_eq!(topic.subscribers(), 0);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_slow_subscriber_is_told_how_many_it_missed() {
    let client = client_of(1);
    let topic = client.topic::<u32>("fast").unwrap();
    let (mut slow, mut large) = (topic.subscribe(3).unwrap(), topic.subscribe(4000).unwrap());
    (0..3000).for_each(|k| topic.publish(k).unwrap());
    let message = slow.recv().unwrap();
    assert_eq!(
        (*message, message.missed(), message.number()),
        (2997, 2997, 2997)
    );
    topic.publish(3000).unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| slow.try_recv().ok())
        .map(|message| (*message, message.missed()))
        .collect();
    assert_eq!(rest, [(2998, 0), (2999, 0), (3000, 0)]);
    assert_eq!(slow.try_recv().unwrap_err(), WaitError::TimedOut);
    assert_eq!(
        slow.recv_timeout(Duration::from_millis(1)).unwrap_err(),
        WaitError::TimedOut
    );
    let message = large.recv().unwrap();
    assert_eq!((*message, message.missed()), (0, 0));
    let mut late = topic.subscribe(1).unwrap();
    assert_eq!(late.try_recv().unwrap_err(), WaitError::TimedOut);
    topic.publish(3001).unwrap();
    assert_eq!(*late.recv().unwrap(), 3001);
}

#[test]
fn the_last_thousand_are_history() {
    let client = client_of(1);
    let topic = client.topic::<usize>("long").unwrap();
    assert!(topic.history().is_empty());
    (0..2500).for_each(|k| topic.publish(k).unwrap());
    let history = topic.history();
    assert!(history.iter().map(|message| **message).eq(1500..2500));
    let in_order = |pair: &[tenter::Message<usize>]| pair[0].number() + 1 == pair[1].number();
    assert!(history.windows(2).all(in_order));
}

#[test]
fn values_are_dropped_when_nobody_can_get_them() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let topic = client.topic("counted").unwrap();
        let seen = topic.subscribe(1500).unwrap();
        (0..3000).for_each(|_| topic.publish(counts.counted()).unwrap());
        assert_eq!(counts.alive(), 1500);
        drop(seen);
        topic.publish(counts.counted()).unwrap();
        assert_eq!(counts.alive(), 1000);
        drop(client);
        assert_eq!(counts.alive(), 0);
        assert!(topic.publish(counts.counted()).is_err());
        assert_eq!((counts.alive(), counts.clones()), (0, 0));
    });
}

/// A value whose destructor panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a message that panics");
    }
}

#[test]
fn messages_whose_destructors_panic_do_no_harm() {
    watched(|| {
        let client = client_of(1);
        let topic = client.topic::<Bomb>("bombs").unwrap();
        (0..1005).for_each(|_| topic.publish(Bomb).unwrap());
        topic.delete();
        assert!(topic.history().is_empty());
    });
}

#[test]
fn a_published_handle_keeps_its_task_as_long_as_it_is_history() {
    watched(|| {
        let client = client_of(1);
        let topic = client.topic::<TaskFuture<u8>>("handles").unwrap();
        let mut seen = topic.subscribe(4).unwrap();
        topic.publish(client.submit(|| 7)).unwrap();
        let message = seen.recv().unwrap();
        assert_eq!(*message.result().unwrap(), 7);
        topic.delete();
        assert_eq!(client.stats().live, 1);
        drop(message);
        assert_nothing_left(&client);
    });
}

#[test]
fn an_iterator_ends_with_the_topic() {
    watched(|| {
        let client = client_of(2);
        let topic = client.topic::<u32>("ends").unwrap();
        let (seen, log) = (topic.subscribe(100).unwrap(), Log::new());
        let wrote = log.clone();
        let reader = client.submit(move || {
            for message in seen {
                wrote.write(*message.unwrap());
            }
        });
        (0..10).for_each(|k| topic.publish(k).unwrap());
        until("all have come", || log.len() == 10);
        until("it waits", || reader.explain().contains("topic `ends`"));
        topic.delete();
        reader.result().unwrap();
        assert_eq!(log.read(), (0..10).collect::<Vec<_>>());
        let again = client.topic::<String>("ends").unwrap();
        assert!(again.history().is_empty());
    });
}

#[test]
fn a_stream_gives_the_same_and_ends_with_the_topic() {
    watched(|| {
        let client = client_of(2);
        let topic = client.topic::<u32>("stream").unwrap();
        let (stream, log) = (topic.subscribe(1000).unwrap().stream(), Log::new());
        let wrote = log.clone();
        let thread = std::thread::spawn(move || {
            block_on(stream.for_each(|message| {
                wrote.write(*message);
                std::future::ready(())
            }));
        });
        let publishes = topic.clone();
        let writer = client.submit(move || (0..500).for_each(|k| publishes.publish(k).unwrap()));
        writer.result().unwrap();
        until("all have come", || log.len() == 500);
        topic.delete();
        thread.join().unwrap();
        assert_eq!(log.read(), (0..500).collect::<Vec<_>>());
        assert_eq!(topic.subscribers(), 0);
    });
}

#[test]
fn a_dropped_wait_loses_nothing() {
    watched(|| {
        let client = client_of(1);
        let topic = client.topic::<u32>("kept").unwrap();
        let mut seen = topic.subscribe(10).unwrap();
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut dropped = pin!(seen.recv_async());
            assert!(dropped.as_mut().poll(&mut context).is_pending());
            topic.publish(1).unwrap();
        }
        let message = block_on(seen.recv_async()).unwrap();
        assert_eq!((*message, message.missed()), (1, 0));
    });
}

#[test]
fn tokio_tasks_may_subscribe() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let client = client_of(1);
        let topic = client.topic::<u64>("sums").unwrap();
        let sums: Vec<_> = (0..10)
            .map(|_| {
                let mut seen = topic.subscribe(1000).unwrap();
                runtime.spawn(async move {
                    let mut sum = 0;
                    for _ in 0..1000 {
                        sum += *seen.recv_async().await.unwrap();
                    }
                    sum
                })
            })
            .collect();
        (0..1000).for_each(|k| topic.publish(k).unwrap());
        for sum in sums {
            assert_eq!(block_on(sum).unwrap(), 499_500);
        }
    });
}

#[test]
fn logged_events_have_their_times() {
    watched(|| {
        let client = client_of(1);
        let before = SystemTime::now();
        assert!(client.events("beam").unwrap().is_empty());
        client.log_event("beam", "open").unwrap();
        let task = client.submit(|| current().log_event("beam", String::from("frame")).unwrap());
        task.result().unwrap();
        client.log_event("other", "elsewhere").unwrap();
        let events = client.events("beam").unwrap();
        assert!(
            events
                .iter()
                .map(|event| event.as_str())
                .eq(["open", "frame"])
        );
        assert!(events[0].at() <= events[1].at() && before <= events[0].at());
        (0..2000).for_each(|k| client.log_event("beam", k.to_string()).unwrap());
        assert_eq!(client.events("beam").unwrap().len(), 1000);
    });
}

#[test]
fn a_topic_has_messages_of_one_type() {
    let client = client_of(1);
    assert!(client.events("typed").unwrap().is_empty());
    let _numbers = client.topic::<u32>("typed").unwrap();
    let other = |error: NameError| matches!(error, NameError::OtherType { .. });
    assert!(other(client.topic::<u64>("typed").unwrap_err()));
    assert!(other(client.log_event("typed", "text").unwrap_err()));
    assert!(other(client.events("typed").unwrap_err()));
}

#[test]
fn odd_subscriptions_are_refused() {
    watched(|| {
        let client = client_of(1);
        let topic = client.topic::<u32>("odd").unwrap();
        let none = topic.subscribe(0).unwrap_err();
        assert!(none.to_string().contains("0 messages: ask for 1"), "{none}");
        let mut boundless = topic.subscribe(usize::MAX).unwrap();
        (0..1500).for_each(|k| topic.publish(k).unwrap());
        assert_eq!(*boundless.recv().unwrap(), 0);
        assert!(client.close(Duration::MAX).is_clean());
        assert_eq!(boundless.recv().unwrap_err(), WaitError::Closed);
        assert!(boundless.next().is_none());
        assert_eq!(topic.subscribe(1).unwrap_err(), NameError::Closed);
        assert_eq!(topic.publish(1), Err(WaitError::Closed));
        assert_eq!(client.log_event("odd", "late"), Err(NameError::Closed));
        assert_eq!(client.topic::<u32>("new").unwrap_err(), NameError::Closed);
    });
}

#[test]
fn what_a_large_buffer_kept_goes_with_its_subscriber() {
    watched(|| {
        let (client, counts) = (client_of(1), Counts::new());
        let topic = client.topic("large").unwrap();
        let subscriber = topic.subscribe(5000).unwrap();
        (0..3000).for_each(|_| topic.publish(counts.counted()).unwrap());
        assert_eq!(counts.alive(), 3000);
        drop(subscriber);
        assert_eq!((counts.alive(), topic.history().len()), (1000, 1000));
    });
}
