//! Submitting: what a task is given, what it gives, in which order tasks run.

use std::collections::HashSet;

use tenter::{Client, Key, Status, TaskFuture, current, gather};

use crate::support::{
    Counts, Gate, assert_nothing_left, assert_nothing_left_after, client_of, until, watched,
};

#[test]
fn a_task_gives_what_its_closure_returns() {
    watched(|| {
        let client = Client::new().unwrap();
        assert_eq!(*client.submit(|| 10 + 1).result().unwrap(), 11);
        let text = client.try_submit(|| "17".parse::<u32>());
        assert_eq!(*text.result().unwrap(), 17);
        assert_nothing_left_after(&client, text);
    });
}

#[test]
fn a_result_is_lent_and_not_copied() {
    let client = Client::new().unwrap();
    let big = client.submit(|| vec![1u8; 1 << 16]);
    let address = big.result().unwrap().as_ptr() as usize;
    let seen = client.submit_with(&big, |big| big.as_ptr() as usize);
    assert_eq!(*seen.result().unwrap(), address);
    let taken = big.take().unwrap();
    assert_eq!(taken.as_ptr() as usize, address);
}

#[test]
fn inputs_come_as_tuples_of_up_to_twelve() {
    let client = Client::new().unwrap();
    let h: Vec<TaskFuture<u64>> = client.map(0..12u64, |k| 1 << k);
    let one = client.submit_with((&h[0],), |(a,)| *a);
    assert_eq!(*one.result().unwrap(), 1);
    let all = client.submit_with(
        (
            &h[0], &h[1], &h[2], &h[3], &h[4], &h[5], &h[6], &h[7], &h[8], &h[9], &h[10], &h[11],
        ),
        |(a, b, c, d, e, f, g, h, i, j, k, l)| a + b + c + d + e + f + g + h + i + j + k + l,
    );
    assert_eq!(*all.result().unwrap(), 4095);
}

#[test]
fn inputs_nest_and_mix() {
    let client = Client::new().unwrap();
    let (a, b) = (client.submit(|| 1i32), client.submit(|| "two".to_owned()));
    let list = client.map([3i64, 4], |x| x);
    let mixed = client.submit_with(
        (&a, (&b, &list, (b.clone(), list.clone()))),
        |(a, (b, list, (own, owned)))| format!("{a} {b} {list:?} {own} {owned:?}"),
    );
    assert_eq!(*mixed.result().unwrap(), "1 two [3, 4] two [3, 4]");
}

#[test]
fn a_list_is_one_input() {
    fn sum(values: Vec<&u32>) -> u32 {
        values.into_iter().sum()
    }
    let client = Client::new().unwrap();
    let list = client.map(1..=100u32, |x| x);
    let slice = client.submit_with(&list[..10], sum);
    let borrowed = client.submit_with(&list, sum);
    let array = client.submit_with(&[list[0].clone(), list[1].clone()], move |values| {
        sum(values)
    });
    let owned = client.submit_with(list, sum);
    assert_eq!(
        [slice, borrowed, array, owned].map(|handle| handle.take().unwrap()),
        [55, 5050, 3, 5050]
    );
    let empty = client.submit_with(Vec::<TaskFuture<u32>>::new(), |values| values.len());
    assert_eq!(*empty.result().unwrap(), 0);
}

#[test]
fn the_same_handle_may_be_given_twice() {
    let client = Client::new().unwrap();
    let a = client.submit(|| 21);
    let both = client.submit_with((&a, &a, a.clone()), |(a, b, c)| a + b + c);
    assert_eq!(*both.result().unwrap(), 63);
}

#[test]
fn a_handle_moved_in_is_moved_on_when_it_is_the_last() {
    watched(|| {
        let client = Client::new().unwrap();
        let counts = Counts::new();
        for round in 0..2000 {
            let value = counts.counted();
            let a = client.submit(move || value);
            if round % 2 == 0 {
                a.result().unwrap();
            }
            let b = client.submit_with(a, |a| a);
            b.result().unwrap();
        }
        assert_eq!(counts.clones(), 0);
        assert_nothing_left(&client);
        assert_eq!((counts.alive(), counts.dropped()), (0, 2000));
    });
}

#[test]
fn a_handle_moved_in_is_cloned_when_others_want_it() {
    let client = Client::new().unwrap();
    let counts = Counts::new();
    let value = counts.counted();
    let a = client.submit(move || value);
    let b = client.submit_with(a.clone(), |a| a);
    b.result().unwrap();
    assert_eq!((counts.clones(), counts.alive()), (1, 2));
    assert_nothing_left_after(&client, (a, b));
    assert_eq!(counts.alive(), 0);
}

#[test]
fn then_follows() {
    let client = Client::new().unwrap();
    let c = client
        .submit(|| 1)
        .then(|x| x + 1)
        .then(|x| f64::from(*x) / 4.0);
    assert_eq!(*c.result().unwrap(), 0.5);
}

#[test]
fn map_keeps_the_order_of_the_items() {
    let client = Client::new().unwrap();
    let squares = client.map(0..1000u64, |x| x * x);
    let expected: Vec<u64> = (0..1000).map(|x| x * x).collect();
    assert_eq!(
        gather(&squares)
            .unwrap()
            .into_iter()
            .copied()
            .collect::<Vec<_>>(),
        expected
    );
    assert!(client.map(Vec::<u8>::new(), |x| x).is_empty());
}

#[test]
fn a_scattered_value_is_finished_from_the_start() {
    let client = Client::new().unwrap();
    let value = client.scatter(vec![1, 2, 3]);
    assert_eq!(value.status(), Status::Finished);
    assert_eq!(*value.clone().then(Vec::len).result().unwrap(), 3);
    assert_eq!(value.take().unwrap(), [1, 2, 3]);
}

#[test]
fn flatten_finishes_with_the_inner_result() {
    watched(|| {
        let client = client_of(1);
        let deep = client.submit(|| current().submit(|| current().submit(|| 7)));
        assert_eq!(*deep.flatten().flatten().result().unwrap(), 7);
        let failed = client
            .submit(|| current().try_submit(|| "x".parse::<u32>()))
            .flatten();
        assert!(
            failed
                .result()
                .unwrap_err()
                .message()
                .contains("invalid digit")
        );
        assert_nothing_left_after(&client, failed);
    });
}

#[test]
fn a_task_that_returns_a_handle_can_be_one_task() {
    watched(|| {
        let client = client_of(1);
        let sum = client.submit_flat(|| current().submit(|| 5));
        assert_eq!(
            (*sum.result().unwrap(), sum.name()),
            (5, "submit_flat".to_owned())
        );
        let named = client.task("sum").key("key").submit_flat(move || sum);
        assert_eq!(
            (*named.result().unwrap(), named.name()),
            (5, "sum".to_owned())
        );
        let bad = || {
            current()
                .task("bad")
                .retries(0)
                .try_submit(|| Err::<u8, _>("bad"))
        };
        let failed = client.submit_flat(bad);
        assert_eq!(failed.result().unwrap_err().task(), "bad");
        assert_eq!(failed.retry().unwrap().result().unwrap_err().task(), "bad");
        assert_nothing_left_after(&client, (named, failed));
    });
}

#[test]
fn a_cycle_of_forwards_is_a_deadlock() {
    watched(|| {
        let client = client_of(2);
        let own = client.variable::<TaskFuture<u32>>("own").unwrap();
        let hers = own.clone();
        let flat = client.submit(move || hers.get().unwrap()).flatten();
        own.set(flat.clone()).unwrap();
        assert_eq!(
            flat.result().unwrap_err().kind(),
            tenter::ErrorKind::Deadlock
        );
        own.delete();
        assert_nothing_left_after(&client, (flat, own));
    });
}

#[test]
fn closures_and_values_may_be_of_any_size_and_alignment() {
    #[derive(Clone, Copy)]
    #[repr(align(128))]
    struct Aligned([u8; 128]);
    let client = Client::new().unwrap();
    let large = [7u64; 500];
    let a = client.submit(move || large);
    assert_eq!(a.result().unwrap().iter().sum::<u64>(), 3500);
    let aligned = Aligned([3; 128]);
    let b = client.submit(move || Aligned([aligned.0[127] + 1; 128]));
    let at = std::ptr::from_ref(b.result().unwrap()).addr();
    assert_eq!((at % 128, b.result().unwrap().0[0]), (0, 4));
    assert_eq!(
        b.clone()
            .then(|b| std::ptr::from_ref(b).addr() % 128)
            .take()
            .unwrap(),
        0
    );
    assert_eq!(client.submit_with(b, |b| b.0[5]).take().unwrap(), 4);
    let nothing = client.submit(|| ());
    assert_eq!(nothing.take().unwrap(), ());
}

#[test]
fn values_without_size_are_dropped_once() {
    static DROPS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let client = Client::new().unwrap();
    let handles: Vec<_> = (0..100).map(|_| client.submit(|| Nothing)).collect();
    gather(&handles).unwrap();
    assert_eq!(DROPS.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_nothing_left_after(&client, handles);
    assert_eq!(DROPS.load(std::sync::atomic::Ordering::SeqCst), 100);
}

#[test]
fn names_and_keys_are_shown() {
    let client = Client::new().unwrap();
    let named = client.task("load").key(("frame", 17)).submit(|| 1u8);
    assert_eq!(named.name(), "load");
    assert_eq!(named.key(), Some(Key::from(("frame", 17))));
    named.result().unwrap();
    let shown = format!("{named:?}");
    for part in ["load", "frame-17", "Finished", "u8"] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    let plain = client.submit(|| 1u8);
    assert!(
        plain.name().contains("names_and_keys_are_shown"),
        "{}",
        plain.name()
    );
    assert_eq!(plain.key(), None);
}

#[test]
fn keys_are_equal_when_their_texts_and_numbers_are() {
    let keys = [
        Key::from("a"),
        Key::from("a".to_owned()),
        Key::from(7u64),
        Key::from(("a", 7)),
        Key::from(("b", 7)),
    ];
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 4);
    assert_eq!(keys.map(|key| key.to_string())[..3], ["a", "a", "7"]);
}

#[test]
fn handles_are_equal_when_their_task_is() {
    let client = Client::new().unwrap();
    let (a, b) = (client.submit(|| 1), client.submit(|| 1));
    assert!(a == a.clone() && a != b);
    assert_eq!(HashSet::from([a.clone(), a.clone(), b.clone()]).len(), 2);
}

#[test]
fn a_status_follows_the_task() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let a = client.submit(|| 1);
        let b = a.clone().then(|a| a + 1);
        assert_eq!(
            (a.status(), b.status(), b.is_done()),
            (Status::Queued, Status::Waiting, false)
        );
        assert!(b.try_result().is_none());
        gate.open();
        until("both have finished", || a.is_done() && b.is_done());
        assert_eq!(
            (a.status(), b.status()),
            (Status::Finished, Status::Finished)
        );
        assert_eq!(b.try_result().unwrap().copied().unwrap(), 2);
    });
}
