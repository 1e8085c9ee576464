//! Published handles.

use std::time::Duration;

use tenter::{Client, ErrorKind, NameError, Status, TaskError, current};

use crate::support::{Counts, Gate, assert_nothing_left, client_of, until, watched};

#[test]
fn a_published_handle_is_found_by_all() {
    watched(|| {
        let client = client_of(1);
        client
            .publish("frames", client.submit(|| vec![1, 2, 3]))
            .unwrap();
        let other = client.clone();
        let found = std::thread::spawn(move || other.published::<Vec<i32>>("frames").unwrap());
        assert_eq!(*found.join().unwrap().result().unwrap(), [1, 2, 3]);
        let inside = client.try_submit(|| {
            let frames = current().published::<Vec<i32>>("frames")?;
            current().publish("sum", frames.clone().then(|all| all.iter().sum::<i32>()))?;
            Ok::<_, TaskError>(frames.result()?.len())
        });
        assert_eq!(*inside.result().unwrap(), 3);
        assert_eq!(
            *client.published::<i32>("sum").unwrap().result().unwrap(),
            6
        );
        assert_eq!(client.published_names(), ["frames", "sum"]);
    });
}

#[test]
fn a_published_handle_keeps_its_task_until_it_is_unpublished() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let gate = Gate::close(&client);
        let value = counts.counted();
        client.publish("x", client.submit(move || value)).unwrap();
        gate.open();
        let found = client.published::<crate::support::Counted>("x").unwrap();
        found.result().unwrap();
        drop(found);
        assert_eq!(counts.alive(), 1);
        assert!(client.unpublish("x"));
        until("it is dropped", || counts.alive() == 0);
        assert!(!client.unpublish("x"), "it is gone already");
        assert!(client.published_names().is_empty());
        assert_nothing_left(&client);
    });
}

#[test]
fn a_name_that_is_taken_is_an_error_and_may_be_replaced() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        client
            .publish("x", client.scatter(counts.counted()))
            .unwrap();
        let error = client.publish("x", client.scatter(2)).unwrap_err();
        assert_eq!(
            error,
            NameError::Taken {
                name: "x".to_owned()
            }
        );
        assert!(error.to_string().contains("`x` is published already"));
        assert_eq!(counts.alive(), 1, "what is there stays");
        client
            .republish("x", client.scatter("another type"))
            .unwrap();
        assert_eq!(counts.alive(), 0);
        assert_eq!(
            *client.published::<&str>("x").unwrap().result().unwrap(),
            "another type"
        );
        client.republish("new", client.scatter(3)).unwrap();
        assert!(client.unpublish("x") && client.unpublish("new"));
        client.publish("x", client.scatter(4)).unwrap();
        assert!(client.unpublish("x"));
        assert_nothing_left(&client);
    });
}

#[test]
fn what_is_asked_for_wrongly_says_so() {
    let client = client_of(1);
    let error = client.published::<i32>("nothing").unwrap_err();
    assert_eq!(
        error,
        NameError::Unknown {
            name: "nothing".to_owned()
        }
    );
    assert!(
        error
            .to_string()
            .contains("nothing is published as `nothing`")
    );
    client.publish("", client.scatter(1u8)).unwrap();
    let error = client.published::<u16>("").unwrap_err();
    let other = NameError::OtherType {
        name: String::new(),
        holds: "u8".into(),
        asked: "u16",
    };
    assert_eq!(error, other);
    assert_eq!(*client.published::<u8>("").unwrap().result().unwrap(), 1);
    let inside = client.try_submit(|| {
        current()
            .published::<u8>("nothing")?
            .take()
            .map_err(TaskError::from)
    });
    let error = inside.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.downcast_ref::<NameError>().is_some());
}

#[test]
fn failed_and_cancelled_tasks_may_be_published() {
    watched(|| {
        let client = client_of(1);
        client
            .publish("failed", client.submit(|| -> i32 { panic!("on purpose") }))
            .unwrap();
        let cancelled = client.submit(|| 1);
        cancelled.cancel();
        client.publish("cancelled", cancelled).unwrap();
        let failed = client.published::<i32>("failed").unwrap();
        assert_eq!(failed.result().unwrap_err().message(), "on purpose");
        let cancelled = client.published::<i32>("cancelled").unwrap();
        assert!(matches!(
            cancelled.status(),
            Status::Cancelled | Status::Finished
        ));
    });
}

#[test]
fn the_end_of_the_client_drops_what_is_published() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        client
            .publish("x", client.scatter(counts.counted()))
            .unwrap();
        let found = client.published::<crate::support::Counted>("x").unwrap();
        assert!(client.close(Duration::MAX).is_clean());
        assert_eq!(counts.alive(), 1, "a handle keeps it readable");
        found.result().unwrap();
        drop(found);
        assert_eq!(counts.alive(), 0);
        assert_eq!(
            client.publish("x", client.scatter(1)),
            Err(NameError::Closed)
        );
        assert_eq!(
            client.republish("x", client.scatter(1)),
            Err(NameError::Closed)
        );
        assert_eq!(client.published::<i32>("x").unwrap_err(), NameError::Closed);
        assert!(!client.unpublish("x") && client.published_names().is_empty());
    });
}

#[test]
fn one_of_many_that_publish_a_name_wins() {
    watched(|| {
        let client = client_of(2);
        let tries = client.map(0..200, |k| {
            current().publish("x", current().scatter(k)).is_ok()
        });
        let winners = tenter::gather(&tries)
            .unwrap()
            .into_iter()
            .filter(|won| **won);
        assert_eq!(winners.count(), 1);
        let winner = *client.published::<i32>("x").unwrap().result().unwrap();
        assert!(*tries[winner as usize].result().unwrap());
    });
}

#[test]
fn published_handles_do_not_keep_the_client() {
    watched(|| {
        let counts = Counts::new();
        let client = Client::new().unwrap();
        client
            .publish("x", client.scatter(counts.counted()))
            .unwrap();
        drop(client);
        assert_eq!(counts.alive(), 0);
    });
}
