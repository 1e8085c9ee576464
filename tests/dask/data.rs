//! Scattered data (notes 4.6).

use std::collections::{BTreeMap, HashSet};

use tenter::{Status, gather};

use crate::support::Counts;
use crate::with_client;

#[test]
fn a_scattered_value_is_finished_from_the_start() {
    with_client(|client| {
        let x = client.scatter(10);
        assert_eq!((x.status(), *x.result().unwrap()), (Status::Finished, 10));
        assert_eq!(client.stats().started, 0);
    });
}

#[test]
fn a_list_is_scattered_item_by_item_or_as_one() {
    with_client(|client| {
        let items: Vec<_> = [1, 2, 3].map(|x| client.scatter(x)).into();
        assert_eq!(gather(&items).unwrap(), [&1, &2, &3]);
        let one = client.scatter(vec![1, 2, 3]);
        assert_eq!(*one.then(|list| list.len()).result().unwrap(), 3);
    });
}

#[test]
fn a_map_is_scattered_by_its_values_and_gathered_under_its_keys() {
    with_client(|client| {
        let handles: BTreeMap<&str, _> = [("x", 1), ("y", 2)]
            .into_iter()
            .map(|(name, value)| (name, client.scatter(value)))
            .collect();
        let values: BTreeMap<&str, i32> = handles
            .iter()
            .map(|(name, handle)| (*name, *handle.result().unwrap()))
            .collect();
        assert_eq!(values, BTreeMap::from([("x", 1), ("y", 2)]));
    });
}

#[test]
fn any_type_can_be_scattered() {
    with_client(|client| {
        #[derive(Debug, PartialEq)]
        struct Point(f64, f64);
        let set = client.scatter(HashSet::from([1, 2]));
        let (point, text) = (client.scatter(Point(1.0, 2.0)), client.scatter("text"));
        let all = client.submit_with((&set, &point, &text), |(set, point, text)| {
            (set.len(), point.0 + point.1, text.len())
        });
        assert_eq!(*all.result().unwrap(), (2, 3.0, 4));
    });
}

#[test]
fn equal_values_scattered_twice_are_two() {
    with_client(|client| {
        let (a, b) = (client.scatter(vec![0u8; 16]), client.scatter(vec![0u8; 16]));
        assert!(!std::ptr::eq(a.result().unwrap(), b.result().unwrap()));
        assert!(a.key().is_none());
    });
}

#[test]
fn a_scattered_value_is_borrowed_by_its_tasks_and_never_copied() {
    with_client(|client| {
        let counts = Counts::new();
        let x = client.scatter(counts.counted());
        let tasks: Vec<_> = (0..10)
            .map(|_| client.submit_with(&x, |x| std::ptr::from_ref(x) as usize))
            .collect();
        let places: HashSet<usize> = gather(&tasks).unwrap().into_iter().copied().collect();
        assert_eq!((places.len(), counts.clones()), (1, 0));
    });
}
