//! What tasks that are futures are made of: inputs that arrive as values, and submits that are refused.

use std::time::Duration;

use tenter::ErrorKind;

use crate::hand::Hand;
use crate::spawned::give_way;
use crate::support::{Counts, assert_nothing_left, client_of, watched};

#[test]
fn inputs_arrive_as_values_that_own_them() {
    watched(|| {
        let client = client_of(2);
        let (a, b) = (client.submit(|| 1), client.submit(|| "two".to_owned()));
        let list: Vec<_> = (0..3).map(|k| client.submit(move || k)).collect();
        let task = client.spawn_with(
            (&a, b, (&list, list.clone()), &list[1..]),
            |(a, b, (list, given), part)| async move {
                give_way().await;
                let sum = |values: &[tenter::Value<i32>]| values.iter().map(|v| **v).sum::<i32>();
                (*a, b.len(), sum(&list) + sum(&given), sum(&part))
            },
        );
        assert_eq!(*task.result().unwrap(), (1, 3, 6, 3));
        let failing = client
            .task("half")
            .try_spawn_with(&a, |a| async move { Err::<u8, _>(format!("not {}", *a)) });
        assert_eq!(failing.result().unwrap_err().message(), "not 1");
        let named = client.task("named").spawn_with(&a, |a| async move { *a });
        assert_eq!(
            (named.name().as_str(), *named.result().unwrap()),
            ("named", 1)
        );
        drop((a, list, task, failing, named));
        assert_nothing_left(&client);
    });
}

#[test]
fn an_input_lasts_as_long_as_the_future_keeps_it() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let counted = counts.counted();
        let input = client.submit(move || counted);
        let hands = [Hand::new(), Hand::new()];
        let (first, second) = (hands[0].future(), hands[1].future());
        let task = client.spawn_with(input, |input| async move {
            first.await;
            drop(input);
            second.await;
        });
        hands[0].until_pending(1);
        assert_eq!((counts.alive(), counts.clones()), (1, 0));
        hands[0].finish();
        hands[1].until_pending(1);
        assert_eq!(counts.alive(), 0, "nobody keeps it");
        hands[1].finish();
        task.result().unwrap();
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_future_of_a_failed_input_is_never_made() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let broken = client
            .task("broken")
            .submit(|| -> u8 { panic!("on purpose") });
        let counted = counts.counted();
        let after = client.spawn_with(&broken, |value| async move { (*value, drop(counted)).0 });
        let error = after.result().unwrap_err();
        assert!(error.is_inherited() && error.task() == "broken", "{error}");
        assert_eq!(counts.alive(), 0);
        drop((broken, after));
        assert_nothing_left(&client);
    });
}

#[test]
fn what_is_wrong_at_the_spawn_comes_back_as_a_failed_handle() {
    watched(|| {
        let (client, other) = (client_of(1), client_of(1));
        let hand = Hand::new();
        let foreign = other.submit(|| 1);
        let future = hand.future();
        let mixed = client.spawn_with(&foreign, |_| future);
        assert_eq!(mixed.result().unwrap_err().kind(), ErrorKind::ForeignHandle);
        let text = client.task("text").key("k").spawn(async { "text" });
        let number = client.task("number").key("k").spawn(hand.future());
        assert_eq!(number.result().unwrap_err().kind(), ErrorKind::KeyConflict);
        assert_eq!(*text.result().unwrap(), "text");
        assert!(client.close(Duration::from_secs(100)).is_clean());
        let late = client.spawn(hand.future());
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
        let late = client.try_spawn(async { Ok::<_, String>(1) });
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!((hand.polls(), hand.dropped_on().len()), (0, 3));
    });
}
