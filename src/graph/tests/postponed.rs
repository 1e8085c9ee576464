//! Ready tasks in a line of the driver's.

use super::rig::Rig;
use crate::graph::Outcome;
use crate::graph::State::{Cancelled, Failed, Finished, Queued, Running, Waiting};

#[test]
fn a_postponed_task_cannot_be_claimed_until_it_is_resumed() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.start(task);
    assert!(rig.postpone(task));
    assert_eq!(rig.state(task), Waiting);
    assert!(rig.graph.is_postponed(task) && !rig.graph.claim(task));
    assert!(rig.resume(task));
    assert_eq!(rig.state(task), Queued);
    assert!(!rig.graph.is_postponed(task));
    rig.run(task);
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn a_postponed_task_may_be_claimed_by_whoever_takes_it_out_of_its_line() {
    let mut rig = Rig::new();
    let input = rig.task(&[]);
    let task = rig.task(&[input]);
    rig.run(input);
    rig.start(task);
    assert!(rig.postpone(task));
    assert!(rig.reclaim(task));
    assert_eq!(rig.state(task), Running);
    rig.end(task, Outcome::Value);
    assert_eq!(rig.state(task), Finished);
    rig.drop_all(&[input, task]);
    rig.assert_over();
}

#[test]
fn a_cancelled_task_stays_until_it_has_left_its_line() {
    for claims in [false, true] {
        let mut rig = Rig::new();
        let input = rig.task(&[]);
        let (task, dependent) = {
            let task = rig.task(&[input]);
            (task, rig.task(&[task]))
        };
        rig.run(input);
        rig.start(task);
        assert!(rig.postpone(task));
        assert!(rig.cancel(task));
        assert_eq!((rig.state(task), rig.state(dependent)), (Cancelled, Failed));
        rig.drop_all(&[task, dependent]);
        assert!(!rig.is_freed(task), "the line names it");
        if claims {
            assert!(!rig.reclaim(task));
        } else {
            assert!(!rig.resume(task));
        }
        assert!(rig.is_freed(task));
        rig.drop(input);
        rig.assert_over();
    }
}

#[test]
fn a_task_that_was_settled_meanwhile_is_not_postponed() {
    let mut rig = Rig::new();
    let (cancelled, unwanted) = (rig.task(&[]), rig.task(&[]));
    rig.start(cancelled);
    rig.start(unwanted);
    rig.cancel(cancelled);
    rig.drop(unwanted);
    assert_eq!(rig.take_unwanted(), [unwanted]);
    assert!(!rig.postpone(cancelled) && !rig.postpone(unwanted));
    assert_eq!(rig.state(cancelled), Cancelled);
    assert!(rig.is_freed(unwanted));
    rig.drop(cancelled);
    rig.assert_over();
}

#[test]
fn the_last_want_of_a_postponed_task_cancels_it() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.start(task);
    assert!(rig.postpone(task));
    rig.drop(task);
    assert_eq!(rig.state(task), Cancelled);
    assert!(!rig.reclaim(task));
    assert!(rig.is_freed(task));
    rig.assert_over();
}
