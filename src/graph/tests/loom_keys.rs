//! Every interleaving of those who find a task by its key or by a stale id, and of values moved out.

use super::loom::{Hand, bounded, model};
use crate::graph::Outcome::{Error, Nothing, Value};
use crate::graph::State::{Failed, Finished, Queued};

/// A finished task that only its handle wants.
fn finished(main: &mut Hand) -> u32 {
    let a = main.task(&[]);
    assert!(main.run(a, Value));
    a
}

#[test]
fn weak_id_against_reuse_of_the_slot() {
    model(|mut main| {
        let a = finished(&mut main);
        let id = main.graph.id(a);
        let other = main.spawn(move |hand| {
            if let Some(pin) = hand.graph.pin(id, &mut hand.fx) {
                assert_eq!(hand.graph.generation(pin.0), id.generation);
                assert_eq!(
                    hand.graph.state(pin.0),
                    Finished,
                    "the task of the id, not the next"
                );
                hand.drop(pin.0);
            }
            hand.perform();
        });
        main.drop(a);
        main.graph.flush(&mut main.cache);
        // The thread's next slots: that of `a`, if the pin did not keep it.
        let next = [main.task(&[]), main.task(&[])];
        main.join(other);
        main.assert_over(&next);
    });
}

#[test]
fn weak_id_against_last_want_of_an_unstarted_task() {
    model(|mut main| {
        let a = main.task(&[]);
        let id = main.graph.id(a);
        let other = main.spawn(move |hand| {
            if let Some(pin) = hand.graph.pin(id, &mut hand.fx) {
                hand.drop(pin.0);
            }
        });
        main.drop(a);
        main.join(other);
        main.assert_over(&[]);
    });
}

#[test]
fn key_lookup_against_drop_to_zero() {
    for settled in [false, true] {
        model(move |mut main| {
            let a = main.keyed(1, &[]).expect("a new key");
            if settled {
                main.run(a, Value);
            }
            let other = main.spawn(move |hand| {
                let (Ok(b) | Err(b)) = hand.keyed(1, &[]);
                assert_eq!(hand.graph.key(b), Some(1.into()));
                assert_ne!(
                    hand.graph.state(b),
                    crate::graph::State::Cancelled,
                    "wanted"
                );
                hand.drop(b);
            });
            main.drop(a);
            main.join(other);
            main.assert_over(&[]);
        });
    }
}

#[test]
fn two_submits_of_one_key() {
    model(|mut main| {
        let other = main.spawn(|hand| {
            let (Ok(a) | Err(a)) = hand.keyed(1, &[]);
            hand.drop(a);
        });
        let (Ok(b) | Err(b)) = main.keyed(1, &[]);
        main.run_ready();
        main.join(other);
        main.assert_over(&[b]);
    });
}

/// Who finds a task by its key while it is being linked may cancel it.
#[test]
fn keyed_submit_with_inputs_against_cancel() {
    for settled in [false, true] {
        model(move |mut main| {
            let a = main.task(&[]);
            if settled {
                main.run(a, Value);
            }
            let other = main.spawn(move |hand| {
                let (Ok(b) | Err(b)) = hand.keyed(1, &[]);
                hand.cancel(b);
                hand.drop(b);
            });
            let (Ok(b) | Err(b)) = main.keyed(1, &[a, a]);
            main.join(other);
            assert_eq!(main.graph.state(a), if settled { Finished } else { Queued });
            main.assert_over(&[a, b]);
        });
    }
}

#[test]
fn keyed_submit_against_its_failing_input() {
    bounded(3, |mut main| {
        let (a, b) = (main.task(&[]), main.task(&[]));
        let failer = main.spawn(move |hand| assert!(hand.run(a, Error)));
        let c = main.keyed(1, &[a, b]).expect("a new key");
        main.join(failer);
        assert_eq!((main.graph.state(b), main.graph.state(c)), (Queued, Failed));
        main.assert_over(&[a, b, c]);
    });
}

#[test]
fn value_moved_out_against_a_pin() {
    model(|mut main| {
        let a = finished(&mut main);
        let id = main.graph.id(a);
        let other = main.spawn(move |hand| {
            let pin = hand.graph.pin(id, &mut hand.fx);
            pin.into_iter().for_each(|pin| hand.drop(pin.0));
        });
        if main.graph.try_take(a) {
            main.graph.payload(a);
            main.taken(a);
        }
        main.drop(a);
        main.join(other);
        main.assert_over(&[]);
    });
}

/// Who gets a handle by the key may read the value: it was not moved out, and never will be meanwhile.
#[test]
fn value_moved_out_against_a_key_lookup() {
    model(|mut main| {
        let a = main.keyed(1, &[]).expect("a new key");
        assert!(main.run(a, Value));
        let other = main.spawn(move |hand| {
            let (Ok(b) | Err(b)) = hand.keyed(1, &[]);
            if hand.graph.state(b) == Finished {
                assert_ne!(hand.graph.leaving(b).remains(), Nothing);
                hand.graph.payload_shared(b);
            }
            hand.drop(b);
        });
        if main.graph.try_take(a) {
            main.graph.payload(a);
            main.taken(a);
        }
        main.drop(a);
        main.join(other);
        main.assert_over(&[]);
    });
}

#[test]
fn value_moved_out_against_another_handle_going() {
    model(|mut main| {
        let a = finished(&mut main);
        main.graph.retain(a);
        let other = main.spawn(move |hand| {
            hand.graph.payload_shared(a);
            hand.drop(a);
        });
        if main.graph.try_take(a) {
            main.graph.payload(a);
            main.taken(a);
        }
        main.drop(a);
        main.join(other);
        main.assert_over(&[]);
    });
}

#[test]
fn remembered_result_against_its_last_handle_and_a_lookup() {
    bounded(3, |mut main| {
        main.graph.set_remember(1, &mut main.fx);
        let a = main.keyed(1, &[]).expect("a new key");
        assert!(main.graph.claim(a));
        let finisher = main.spawn(move |hand| hand.end_remembered(a));
        let finder = main.spawn(move |hand| {
            let (Ok(b) | Err(b)) = hand.keyed(1, &[]);
            hand.drop(b);
        });
        main.drop(a);
        main.join(finisher);
        main.join(finder);
        main.graph.forget_remembered(&mut main.fx);
        main.assert_over(&[]);
    });
}
