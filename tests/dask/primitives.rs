//! Queues and variables (notes 4.11).

use std::time::Duration;

use tenter::{Status, TaskFuture, WaitError};

use crate::support::{Counts, Gate, until};
use crate::{div, inc_of, with_client, with_threads};

#[test]
fn a_queue_gives_what_was_put_in_order() {
    with_client(|client| {
        let queue = client.queue::<i32>("x", 0).unwrap();
        (0..3).for_each(|i| queue.put(i).unwrap());
        assert_eq!(queue.len(), 3);
        assert_eq!([0; 3].map(|_| queue.get().unwrap()), [0, 1, 2]);
        assert!(queue.is_empty());
    });
}

#[test]
fn a_queue_of_a_name_is_one_for_all_clients() {
    with_client(|client| {
        let (a, b) = (
            client.queue::<i32>("x", 2),
            client.clone().queue::<i32>("x", 2),
        );
        a.unwrap().put(1).unwrap();
        assert_eq!(b.unwrap().get().unwrap(), 1);
    });
}

#[test]
fn a_queue_holds_plain_values_and_futures() {
    with_client(|client| {
        let (data, futures) = (
            client.queue::<(i32, &str)>("data", 0).unwrap(),
            client.queue::<TaskFuture<i64>>("futures", 0).unwrap(),
        );
        data.put((1, "hello")).unwrap();
        futures.put(inc_of(client, 1)).unwrap();
        assert_eq!(data.get().unwrap(), (1, "hello"));
        assert_eq!(*futures.get().unwrap().result().unwrap(), 2);
    });
}

#[test]
fn the_same_future_can_be_in_a_queue_twice() {
    with_client(|client| {
        let queue = client.queue("x", 0).unwrap();
        let x = inc_of(client, 1);
        queue.put(x.clone()).unwrap();
        queue.put(x).unwrap();
        let both = [queue.get().unwrap(), queue.get().unwrap()];
        assert_eq!(tenter::gather(&both).unwrap(), [&2, &2]);
        assert_eq!(client.stats().started, 1);
    });
}

#[test]
fn a_get_of_an_empty_queue_times_out() {
    with_client(|client| {
        let queue = client.queue::<i32>("x", 0).unwrap();
        let error = queue.get_timeout(Duration::ZERO).unwrap_err();
        assert!(matches!(error, WaitError::TimedOut));
    });
}

#[test]
fn a_put_into_a_full_queue_times_out_and_gives_the_item_back() {
    with_client(|client| {
        let queue = client.queue("x", 1).unwrap();
        queue.put(1).unwrap();
        let error = queue.put_timeout(2, Duration::ZERO).unwrap_err();
        assert_eq!(error.into_item(), 2);
        assert_eq!((queue.get().unwrap(), queue.len()), (1, 0));
    });
}

#[test]
fn a_queue_keeps_its_futures() {
    with_client(|client| {
        let counts = Counts::new();
        let value = counts.counted();
        let queue = client.queue("x", 0).unwrap();
        queue.put(client.submit(move || value)).unwrap();
        until("it has run", || client.stats().finished == 1);
        assert_eq!(counts.alive(), 1);
        drop(queue.get().unwrap());
        until("it is dropped", || counts.alive() == 0);
    });
}

#[test]
fn a_future_from_a_queue_knows_its_status() {
    with_client(|client| {
        let queue = client.queue("x", 0).unwrap();
        queue.put(client.scatter(1)).unwrap();
        assert_eq!(queue.get().unwrap().status(), Status::Finished);
    });
}

#[test]
fn a_failed_future_from_a_queue_has_its_error() {
    with_client(|client| {
        let queue = client.queue("x", 0).unwrap();
        queue.put(div(client, 1, 0)).unwrap();
        let error = queue.get().unwrap().result().unwrap_err();
        assert_eq!(error.message(), "division by zero");
    });
}

#[test]
fn a_cancelled_future_can_be_put_and_comes_out_cancelled() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let queue = client.queue("x", 0).unwrap();
        let x = inc_of(client, 1);
        x.cancel();
        queue.put(x).unwrap();
        assert_eq!(queue.get().unwrap().status(), Status::Cancelled);
        gate.open();
    });
}

#[test]
fn a_closed_queue_gives_what_is_left_and_then_says_so() {
    with_client(|client| {
        let queue = client.queue("x", 0).unwrap();
        queue.put(1).unwrap();
        queue.close();
        assert_eq!(queue.put(2).unwrap_err().into_item(), 2);
        assert_eq!(queue.get().unwrap(), 1);
        assert!(matches!(queue.get(), Err(WaitError::Closed)));
    });
}

#[test]
fn a_queue_works_inside_tasks() {
    with_threads(1, |client| {
        let queue = client.queue::<i32>("x", 1).unwrap();
        let (source, sink) = (queue.clone(), queue);
        let consumer = client.submit(move || (0..10).map(|_| source.get().unwrap()).sum::<i32>());
        let producer = client.submit(move || (0..10).for_each(|i| sink.put(i).unwrap()));
        assert_eq!(*consumer.result().unwrap(), 45);
        producer.result().unwrap();
    });
}

#[test]
fn a_variable_is_one_for_all_clients() {
    with_client(|client| {
        let x = client.variable::<i32>("x").unwrap();
        x.set(1).unwrap();
        assert_eq!(
            client.clone().variable::<i32>("x").unwrap().get().unwrap(),
            1
        );
        x.set(2).unwrap();
        assert_eq!(x.get().unwrap(), 2);
    });
}

#[test]
fn a_get_of_an_unset_variable_times_out() {
    with_client(|client| {
        let x = client.variable::<i32>("x").unwrap();
        let error = x.get_timeout(Duration::ZERO).unwrap_err();
        assert!(matches!(error, WaitError::TimedOut));
    });
}

#[test]
fn an_unset_variable_can_be_deleted() {
    with_client(|client| {
        let x = client.variable::<i32>("x").unwrap();
        x.delete();
        assert!(x.try_get().is_none());
    });
}

#[test]
fn a_variable_keeps_its_future_until_it_is_set_again() {
    with_client(|client| {
        let counts = Counts::new();
        let variable = client.variable("x").unwrap();
        variable.set(client.scatter(counts.counted())).unwrap();
        assert_eq!(counts.alive(), 1);
        variable.set(client.scatter(counts.counted())).unwrap();
        assert_eq!(counts.alive(), 1);
        variable.delete();
        until("it is dropped", || counts.alive() == 0);
    });
}

#[test]
fn a_failed_future_in_a_variable_has_its_error() {
    with_client(|client| {
        let variable = client.variable("x").unwrap();
        variable.set(div(client, 1, 0)).unwrap();
        assert_eq!(variable.get().unwrap().result().unwrap_err().task(), "div");
        variable.delete();
    });
}

#[test]
fn a_cancelled_future_in_a_variable_is_cancelled() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let variable = client.variable("x").unwrap();
        let x = inc_of(client, 1);
        x.cancel();
        variable.set(x).unwrap();
        assert_eq!(variable.get().unwrap().status(), Status::Cancelled);
        variable.delete();
        gate.open();
    });
}

#[test]
fn a_waiting_get_sees_the_value_that_is_set() {
    with_threads(1, |client| {
        let x = client.variable::<i32>("x").unwrap();
        let reader = x.clone();
        let task = client.submit(move || reader.get().unwrap());
        x.set(7).unwrap();
        assert_eq!(*task.result().unwrap(), 7);
    });
}

#[test]
fn handles_of_a_variable_do_not_keep_the_client() {
    crate::support::watched(|| {
        let client = crate::support::client_of(1);
        let x = client.variable::<i32>("x").unwrap();
        drop(client);
        assert!(matches!(x.get(), Err(WaitError::Closed)));
    });
}

#[test]
fn many_items_can_be_taken_at_once() {
    with_client(|client| {
        let queue = client.queue("x", 0).unwrap();
        assert_eq!(queue.try_get_many(10), Ok(Vec::new()));
        (0..5).for_each(|i| queue.put(i).unwrap());
        assert_eq!(queue.get_many(2), Ok(vec![0, 1]));
        assert_eq!(
            queue.get_many(10),
            Ok(vec![2, 3, 4]),
            "those that are there"
        );
        let error = queue.get_many_timeout(1, Duration::ZERO).unwrap_err();
        assert_eq!(error, WaitError::TimedOut);
    });
}
