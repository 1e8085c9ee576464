//! Every interleaving of a task in a line of the driver's with what may settle it meanwhile.

use super::loom::{Hand, model};
use crate::graph::Outcome;

/// What one thread does with a claimed task: puts it into a line, and takes it out again.
fn through_the_line(hand: &mut Hand, task: u32, claims: bool) {
    if !hand.graph.postpone(task, &mut hand.fx) {
        return hand.perform();
    }
    hand.perform();
    if claims {
        if hand.graph.reclaim(task, &mut hand.fx) {
            hand.end(task, Outcome::Value);
        }
    } else if hand.graph.resume(task, &mut hand.fx) {
        hand.ready.push(task);
    }
    hand.perform();
}

#[test]
fn a_line_against_cancel() {
    for claims in [false, true] {
        model(move |mut main| {
            let task = main.task(&[]);
            assert!(main.graph.claim(task));
            main.ready.clear();
            let other = main.spawn(move |hand| through_the_line(hand, task, claims));
            main.cancel(task);
            main.join(other);
            main.run_ready();
            main.assert_over(&[task]);
        });
    }
}

#[test]
fn a_line_against_the_last_handle() {
    for claims in [false, true] {
        model(move |mut main| {
            let task = main.task(&[]);
            assert!(main.graph.claim(task));
            main.ready.clear();
            let other = main.spawn(move |hand| through_the_line(hand, task, claims));
            main.drop(task);
            main.join(other);
            main.run_ready();
            main.assert_over(&[]);
        });
    }
}

#[test]
fn a_line_against_a_claim_and_a_new_dependent() {
    model(|mut main| {
        let task = main.task(&[]);
        assert!(main.graph.claim(task));
        main.ready.clear();
        let other = main.spawn(move |hand| through_the_line(hand, task, false));
        let dependent = main.task(&[task]);
        main.run(task, Outcome::Value);
        main.join(other);
        while main.run_ready() > 0 {}
        main.assert_over(&[task, dependent]);
    });
}
