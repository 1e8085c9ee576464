//! Published handles (notes 4.11).

use tenter::{NameError, TaskError, current};

use crate::support::{Counted, Counts, until};
use crate::{inc_of, with_client};

#[test]
fn a_published_handle_has_a_name_that_is_taken_from_then_on() {
    with_client(|client| {
        client.publish("data", inc_of(client, 1)).unwrap();
        let error = client.publish("data", inc_of(client, 2)).unwrap_err();
        assert!(matches!(error, NameError::Taken { .. }));
        assert_eq!(client.published_names(), ["data"]);
        let data = client.published::<i64>("data").unwrap();
        assert_eq!(*data.result().unwrap(), 2);
        assert!(client.unpublish("data"));
    });
}

#[test]
fn others_find_what_is_published() {
    with_client(|client| {
        client.publish("data", inc_of(client, 1)).unwrap();
        let theirs = client.clone().published::<i64>("data").unwrap();
        let inside = client.submit(|| {
            let data = current().published::<i64>("data")?;
            Ok::<_, TaskError>(data.result()? + 1)
        });
        assert_eq!(*theirs.result().unwrap(), 2);
        assert_eq!(*inside.result().unwrap().as_ref().unwrap(), 3);
        assert!(client.unpublish("data"));
    });
}

#[test]
fn what_is_published_is_kept_until_it_is_not() {
    with_client(|client| {
        let counts = Counts::new();
        let value = counts.counted();
        client
            .publish("data", client.submit(move || value))
            .unwrap();
        client
            .published::<Counted>("data")
            .unwrap()
            .result()
            .unwrap();
        assert_eq!(counts.alive(), 1);
        assert!(client.unpublish("data"));
        until("it is dropped", || counts.alive() == 0);
        assert!(client.published_names().is_empty());
    });
}

#[test]
fn what_is_not_published_is_not_found_and_unpublishing_it_is_harmless() {
    with_client(|client| {
        let error = client.published::<i64>("nothing").unwrap_err();
        assert!(matches!(error, NameError::Unknown { .. }));
        assert!(error.to_string().contains("`nothing`"), "{error}");
        assert!(!client.unpublish("nothing"));
    });
}

#[test]
fn a_name_may_be_published_anew_which_releases_the_old_one() {
    with_client(|client| {
        let counts = Counts::new();
        client
            .publish("data", client.scatter(counts.counted()))
            .unwrap();
        client.republish("data", client.scatter("new")).unwrap();
        assert_eq!(counts.alive(), 0);
        let new = client.published::<&str>("data").unwrap();
        assert_eq!(*new.result().unwrap(), "new");
        assert!(client.unpublish("data"));
    });
}

#[test]
fn the_names_are_listed_in_their_order() {
    with_client(|client| {
        for name in ["b", "c", "a"] {
            client.publish(name, client.scatter(name)).unwrap();
        }
        assert_eq!(client.published_names(), ["a", "b", "c"]);
        assert!(client.unpublish("b"));
        assert_eq!(client.published_names(), ["a", "c"]);
        let default = client.published("b").unwrap_or(client.scatter("default"));
        assert_eq!(*default.result().unwrap(), "default");
        assert!(client.unpublish("a") && client.unpublish("c"));
    });
}
