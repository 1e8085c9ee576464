//! Tasks that block, in ways the pool sees and in ways it does not, keep no other task from running.

use std::sync::{Arc, Barrier, mpsc};

use tenter::{Client, ErrorKind, Queue, TaskError, TaskFuture, as_completed, current, gather};

use crate::support::{Gate, assert_nothing_left, client_of, until, watched};

#[test]
fn blocked_tasks_give_their_place_to_others() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let queue = client.queue::<u64>("items", 0).unwrap();
            let consumers = client.map(0..20, {
                let queue = queue.clone();
                move |_| queue.get().unwrap()
            });
            until("all are blocked", || client.stats().blocked == 20);
            let others = client.map(0..1000u64, |x| x);
            assert_eq!(gather(&others).unwrap().into_iter().sum::<u64>(), 999 * 500);
            (0..20).for_each(|item| queue.put(item).unwrap());
            assert_eq!(gather(&consumers).unwrap().into_iter().sum::<u64>(), 190);
            assert_eq!(client.stats().blocked, 0);
            drop((consumers, others));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_recursion_of_waits_may_be_deep() {
    fn down(n: u64) -> Result<u64, TaskError> {
        if n == 0 {
            Ok(0)
        } else {
            Ok(current().try_submit(move || down(n - 1)).result()? + 1)
        }
    }
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            assert_eq!(
                *client.try_submit(|| down(20_000)).result().unwrap(),
                20_000
            );
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_tree_of_waits_ends() {
    fn count(depth: u32) -> Result<u64, TaskError> {
        if depth == 0 {
            return Ok(1);
        }
        let client = current();
        let children: Vec<_> = (0..3)
            .map(|_| client.try_submit(move || count(depth - 1)))
            .collect();
        Ok(gather(&children)?.into_iter().sum())
    }
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            assert_eq!(*client.try_submit(|| count(8)).result().unwrap(), 6561);
            assert_nothing_left(&client);
        }
    });
}

/// So many consumers, each of one item, that are submitted before the producer.
fn consumers_first(client: &Client, count: u64) -> (Vec<TaskFuture<u64>>, TaskFuture<()>) {
    let queue: Queue<u64> = client.queue("items", 0).unwrap();
    let eats = queue.clone();
    let consumers = (0..count).map(|_| {
        let eats = eats.clone();
        client
            .task("consumer")
            .try_submit(move || Ok::<_, TaskError>(eats.get()?))
    });
    let consumers = consumers.collect();
    let producer = client
        .task("producer")
        .submit(move || (0..count).for_each(|item| queue.put(item).unwrap()));
    (consumers, producer)
}

/// With a client of two threads: none of five thousand consumers hangs, since the producer that is waited for has its turn.
pub(crate) fn five_thousand_consumers(client: &Client) {
    let gates = [Gate::close(client), Gate::close(client)];
    let (consumers, producer) = consumers_first(client, 5000);
    gates.into_iter().for_each(Gate::open);
    producer.result().unwrap();
    let sum: u64 = gather(&consumers).unwrap().into_iter().sum();
    assert_eq!(sum, 4999 * 2500);
    drop((consumers, producer));
    assert_nothing_left(client);
}

#[test]
fn five_thousand_consumers_wait_for_a_producer_that_is_waited_for() {
    watched(|| five_thousand_consumers(&client_of(2)));
}

#[test]
fn five_thousand_consumers_wait_for_a_producer_that_nobody_waits_for() {
    watched(|| {
        let client = client_of(2);
        let (consumers, producer) = consumers_first(&client, 5000);
        producer.detach();
        until("none hangs", || consumers.iter().all(TaskFuture::is_done));
        for consumer in &consumers {
            assert!(
                consumer
                    .result()
                    .map_or_else(|error| error.kind() == ErrorKind::TooManyBlocked, |_| true)
            );
        }
        assert!(
            consumers
                .iter()
                .filter(|consumer| consumer.result().is_ok())
                .count()
                >= 4000
        );
        drop(consumers);
        client.queue::<u64>("items", 0).unwrap().close();
        assert_nothing_left(&client);
    });
}

#[test]
fn a_wide_tree_of_as_completed_ends() {
    fn drain(handles: Vec<TaskFuture<u64>>) -> u64 {
        let mut running = as_completed(handles);
        let mut sum = 0;
        while let Some(done) = running.next() {
            sum += done.result().unwrap();
        }
        assert!(running.is_empty(), "{:?}", running.refused());
        sum
    }
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let root = client.submit(|| {
                let middle = |k: u64| {
                    current().submit(move || drain(current().map(0..4, move |x| 4 * k + x)))
                };
                drain((0..1000u64).map(middle).collect())
            });
            assert_eq!(*root.result().unwrap(), 3999 * 2000);
            drop(root);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn tasks_may_block_on_foreign_channels() {
    watched(|| {
        let client = client_of(2);
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..8).map(|_| mpsc::channel::<u64>()).unzip();
        let receive = client.map(receivers, |receiver| receiver.recv().unwrap());
        let send = client.map(senders.into_iter().zip(0..), |(sender, k)| {
            sender.send(k).unwrap()
        });
        assert_eq!(gather(&receive).unwrap().into_iter().sum::<u64>(), 28);
        drop((receive, send));
        assert_nothing_left(&client);
    });
}

#[test]
fn tasks_may_meet_at_a_foreign_barrier() {
    watched(|| {
        let client = client_of(1);
        let barrier = Arc::new(Barrier::new(12));
        let tasks = client.map(0..12, move |_| barrier.wait().is_leader());
        gather(&tasks).unwrap();
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_may_wait_for_a_thread_that_waits_for_a_task() {
    watched(|| {
        let client = client_of(1);
        let other = client.clone();
        let outer = client.submit(move || {
            let thread = std::thread::spawn(move || *other.submit(|| 5).result().unwrap());
            thread.join().unwrap()
        });
        assert_eq!(*outer.result().unwrap(), 5);
    });
}
