//! A running task put back to wait: forwarded to another's result, tried again.

use super::rig::Rig;
use crate::graph::Outcome;
use crate::graph::State::{Cancelled, Failed, Finished, Queued, Running, Waiting};

#[test]
fn a_task_is_finished_by_anothers_result() {
    let mut rig = Rig::new();
    let input = rig.task(&[]);
    let outer = rig.task(&[input]);
    rig.run(input);
    rig.drop(input);
    rig.start(outer);
    let inner = rig.task(&[]);
    rig.rearm(outer, &[inner]);
    assert!(rig.is_freed(input), "its old inputs are let go");
    assert_eq!(rig.state(outer), Waiting);
    rig.drop(inner);
    rig.run(inner);
    assert_eq!(rig.state(outer), Queued);
    rig.run(outer);
    assert_eq!(rig.state(outer), Finished);
    rig.drop(outer);
    rig.assert_over();
}

#[test]
fn a_settled_target_makes_the_task_ready_at_once() {
    let mut rig = Rig::new();
    let (outer, inner) = (rig.task(&[]), rig.settled(false));
    rig.start(outer);
    rig.rearm(outer, &[inner]);
    assert_eq!((rig.state(outer), rig.take_ready()), (Queued, vec![outer]));
    rig.run(outer);
    rig.drop_all(&[outer, inner]);
    rig.assert_over();
}

#[test]
fn a_task_is_tried_again_without_inputs() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    for _ in 0..3 {
        rig.start(task);
        rig.rearm(task, &[]);
        assert_eq!((rig.state(task), rig.take_ready()), (Queued, vec![task]));
    }
    rig.run(task);
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn a_failed_target_fails_the_task() {
    for settled in [false, true] {
        let mut rig = Rig::new();
        let (outer, inner) = (rig.task(&[]), rig.task(&[]));
        let dependent = rig.task(&[outer]);
        rig.start(outer);
        if settled {
            rig.fail(inner);
        }
        rig.rearm(outer, &[inner]);
        if !settled {
            rig.fail(inner);
        }
        rig.assert_states(&[outer, dependent], Failed);
        rig.drop_all(&[outer, inner, dependent]);
        rig.assert_over();
    }
}

#[test]
fn a_task_cancelled_before_it_waits_again_is_settled_unrun() {
    let mut rig = Rig::new();
    let (outer, inner) = (rig.task(&[]), rig.task(&[]));
    rig.start(outer);
    assert!(rig.cancel(outer));
    rig.rearm(outer, &[inner]);
    assert_eq!(rig.state(outer), Cancelled);
    assert_eq!(rig.refs(inner), 2, "the cancelled task does not want it");
    rig.drop(inner);
    rig.drop(outer);
    rig.assert_over();
}

#[test]
fn a_task_nobody_wants_any_more_does_not_wait_again() {
    let mut rig = Rig::new();
    let (outer, inner) = (rig.task(&[]), rig.task(&[]));
    rig.start(outer);
    rig.drop(outer);
    assert_eq!(rig.take_unwanted(), [outer]);
    rig.rearm(outer, &[inner]);
    assert_eq!(rig.state(inner), Queued);
    rig.drop(inner);
    assert!(rig.is_freed(inner) && rig.is_freed(outer));
    rig.assert_over();
}

/// Its value will never be there: whoever holds it must see that it was cancelled, not finished.
#[test]
fn a_wanted_task_whose_token_was_set_is_cancelled_when_it_would_wait_again() {
    let mut rig = Rig::new();
    let (outer, inner) = (rig.task(&[]), rig.task(&[]));
    let dependent = rig.task(&[outer]);
    rig.start(outer);
    rig.graph.request_cancel(outer);
    assert_eq!(rig.state(outer), Running);
    rig.rearm(outer, &[inner]);
    assert_eq!(
        (rig.state(outer), rig.state(dependent)),
        (Cancelled, Failed)
    );
    rig.drop_all(&[outer, inner, dependent]);
    rig.assert_over();
}

#[test]
fn a_task_is_cancelled_while_it_waits_again() {
    let mut rig = Rig::new();
    let (outer, inner) = (rig.task(&[]), rig.task(&[]));
    rig.start(outer);
    rig.rearm(outer, &[inner]);
    rig.drop(inner);
    assert!(rig.cancel(outer));
    assert!(rig.is_freed(inner), "nobody else wants it");
    rig.drop(outer);
    rig.assert_over();
}

#[test]
fn losing_the_last_want_while_it_waits_again_cancels() {
    let mut rig = Rig::new();
    let (outer, inner) = (rig.task(&[]), rig.task(&[]));
    rig.start(outer);
    rig.rearm(outer, &[inner]);
    rig.drop_all(&[inner, outer]);
    rig.assert_over();
}

#[test]
fn a_long_list_of_inputs_replaces_a_short_one_and_is_used_again() {
    let mut rig = Rig::new();
    let inputs: Vec<u32> = (0..9).map(|_| rig.settled(false)).collect();
    let task = rig.task(&inputs[..2]);
    for count in [9, 3, 8, 9, 0, 7] {
        rig.start(task);
        rig.rearm(task, &inputs[..count]);
        assert_eq!(rig.graph.inputs(task).to_vec(), inputs[..count]);
    }
    rig.start(task);
    rig.end(task, Outcome::Value);
    rig.drop_all(&inputs);
    rig.drop(task);
    rig.assert_over();
}
