//! Variables, and what they have in common with queues.

use std::time::Duration;

use tenter::{Client, NameError, TaskFuture, Variable, WaitError, gather};

use crate::support::{Counts, assert_nothing_left, client_of, until, watched};

#[test]
fn handles_in_queues_and_variables_keep_their_tasks() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let value = counts.counted();
        let queue = client.queue("q", 0).unwrap();
        queue.put(client.submit(move || value)).unwrap();
        let variable = client.variable("v").unwrap();
        variable.set(client.submit(|| 5)).unwrap();
        until("both have run", || client.stats().finished == 2);
        assert_eq!((counts.alive(), client.stats().live), (1, 2));
        let back: TaskFuture<_> = queue.get().unwrap();
        drop(back.take().unwrap());
        assert_eq!(*variable.get().unwrap().result().unwrap(), 5);
        variable.set(client.submit(|| 6)).unwrap();
        assert_eq!(*variable.get().unwrap().result().unwrap(), 6);
        queue
            .put(client.submit(|| unreachable!("dropped with the queue's items")))
            .unwrap();
        queue.close();
        drop(queue.try_get());
        variable.delete();
        assert_eq!(counts.alive(), 0);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_variable_is_read_once_it_is_set() {
    watched(|| {
        let client = client_of(1);
        let variable: Variable<String> = client.variable("v").unwrap();
        assert_eq!(
            (variable.try_get(), variable.versioned(), variable.version()),
            (None, None, 0)
        );
        assert_eq!(
            variable.get_timeout(Duration::from_millis(1)),
            Err(WaitError::TimedOut)
        );
        let reads = variable.clone();
        let readers = client.map(0..10, move |_| reads.get().unwrap());
        until("all wait", || client.stats().blocked == 10);
        variable.set("one".to_owned()).unwrap();
        assert!(
            gather(&readers)
                .unwrap()
                .into_iter()
                .all(|text| text == "one")
        );
        variable.set("two".to_owned()).unwrap();
        assert_eq!(
            client.variable::<String>("v").unwrap().versioned(),
            Some(("two".to_owned(), 2))
        );
        assert_eq!(variable.get_timeout(Duration::ZERO), Ok("two".to_owned()));
    });
}

#[test]
fn a_value_and_its_version_belong_together() {
    watched(|| {
        let client = client_of(2);
        let variable = client.variable::<u64>("v").unwrap();
        let sets = variable.clone();
        let writer = client.submit(move || (1..=5000).for_each(|k| sets.set(k).unwrap()));
        until("all is written", || {
            if let Some((value, version)) = variable.versioned() {
                assert_eq!(value, version);
            }
            writer.is_done()
        });
        assert_eq!(variable.version(), 5000);
    });
}

#[test]
fn a_deleted_variable_is_closed_and_its_name_is_free() {
    watched(|| {
        let client = client_of(1);
        let old = client.variable::<u32>("v").unwrap();
        let waits = old.clone();
        let waiting = client.submit(move || waits.get());
        until("it waits", || client.stats().blocked == 1);
        old.delete();
        assert_eq!(waiting.result().unwrap(), &Err(WaitError::Closed));
        assert_eq!(old.set(1), Err(WaitError::Closed));
        let new = client.variable::<&str>("v").unwrap();
        new.set("another type").unwrap();
        old.delete();
        assert_eq!(
            client.variable::<&str>("v").unwrap().try_get(),
            Some("another type")
        );
    });
}

#[test]
fn a_name_stands_for_one_type_and_capacity() {
    let client = Client::new().unwrap();
    let _queue = client.queue::<u32>("q", 4).unwrap();
    let error = client.queue::<u64>("q", 4).unwrap_err();
    assert_eq!(
        error,
        NameError::OtherType {
            name: "q".to_owned(),
            holds: "u32".into(),
            asked: "u64"
        }
    );
    let error = client.queue::<u32>("q", 5).unwrap_err();
    assert_eq!(
        error,
        NameError::OtherCapacity {
            name: "q".to_owned(),
            has: 4,
            asked: 5
        }
    );
    let _variable = client.variable::<u32>("q").unwrap();
    assert!(matches!(
        client.variable::<u8>("q").unwrap_err(),
        NameError::OtherType { .. }
    ));
}

#[test]
fn items_left_in_a_queue_are_dropped_with_the_client() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let queue = client.queue("q", 0).unwrap();
        (0..10).for_each(|_| queue.put(counts.counted()).unwrap());
        let variable = client.variable("v").unwrap();
        variable.set(counts.counted()).unwrap();
        drop(client);
        assert_eq!(counts.alive(), 0);
        assert!(queue.is_closed());
        assert_eq!(
            queue.put(counts.counted()).unwrap_err().error(),
            &WaitError::Closed
        );
        assert_eq!(queue.get().unwrap_err(), WaitError::Closed);
        assert_eq!(variable.get().unwrap_err(), WaitError::Closed);
    });
}
