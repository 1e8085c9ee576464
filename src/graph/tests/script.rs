//! A task's life, event by event.

use super::rig::Rig;
use crate::graph::State::{Cancelled, Failed, Finished, Queued, Running, Waiting};
use crate::graph::{GIVEN, Outcome, Spec};

#[test]
fn a_task_is_queued_run_and_freed_with_its_last_handle() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    assert_eq!((rig.state(task), rig.refs(task)), (Queued, 2));
    rig.start(task);
    assert!(!rig.graph.claim(task), "a task is claimed once");
    assert_eq!(rig.state(task), Running);
    rig.end(task, Outcome::Value);
    assert_eq!((rig.state(task), rig.refs(task)), (Finished, 1));
    rig.drop(task);
    assert!(rig.is_freed(task));
    rig.assert_over();
}

#[test]
fn a_dependent_waits_for_every_input_and_keeps_it() {
    let mut rig = Rig::new();
    let (a, b) = (rig.task(&[]), rig.task(&[]));
    let c = rig.task(&[a, b]);
    rig.drop_all(&[a, b]);
    assert_eq!(rig.take_ready(), [a, b], "wanted by the dependent");
    rig.run(a);
    assert_eq!(rig.state(c), Waiting);
    assert!(!rig.graph.claim(c));
    rig.run(b);
    assert_eq!((rig.state(c), rig.take_ready()), (Queued, vec![c]));
    assert_eq!((rig.refs(a), rig.refs(b)), (1, 1));
    rig.run(c);
    assert!(rig.is_freed(a) && rig.is_freed(b));
    rig.drop(c);
    rig.assert_over();
}

#[test]
fn settled_inputs_make_a_dependent_ready_at_once() {
    let mut rig = Rig::new();
    let (a, b) = (rig.settled(false), rig.task(&[]));
    rig.run(b);
    let c = rig.task(&[a, b]);
    assert_eq!(rig.take_ready(), [c]);
    rig.run(c);
    rig.drop_all(&[a, b, c]);
    rig.assert_over();
}

#[test]
fn an_input_given_several_times_counts_each_time() {
    let mut rig = Rig::new();
    let a = rig.task(&[]);
    let b = rig.task(&[a, a, a]);
    assert_eq!((rig.refs(a), rig.census().edges), (5, 3));
    rig.drop(a);
    rig.run(a);
    assert_eq!(rig.refs(a), 3);
    rig.run(b);
    assert!(rig.is_freed(a));
    let c = rig.task(&[b, b]);
    assert_eq!(rig.graph.inputs(c).to_vec(), [b, b]);
    rig.drop_all(&[c, b]);
    rig.assert_over();
}

#[test]
fn a_given_want_becomes_the_dependents() {
    let mut rig = Rig::new();
    let (pending, settled, bad) = (rig.task(&[]), rig.settled(false), rig.settled(true));
    let task = rig.task(&[pending | GIVEN, settled | GIVEN]);
    assert_eq!(rig.graph.inputs(task).to_vec(), [pending, settled]);
    assert_eq!((rig.refs(pending), rig.refs(settled)), (2, 1));
    rig.run(pending);
    rig.run(task);
    assert!(rig.is_freed(pending) && rig.is_freed(settled));
    let heir = rig.task(&[task | GIVEN, bad | GIVEN]);
    assert_eq!(rig.state(heir), Failed);
    assert!(rig.is_freed(task) && rig.is_freed(bad));
    rig.drop(heir);
    rig.assert_over();
}

#[test]
fn long_lists_of_inputs_are_kept_in_order() {
    for count in [5, 6, 7, 8, 100] {
        let mut rig = Rig::new();
        let inputs: Vec<u32> = (0..count).map(|_| rig.task(&[])).collect();
        let all = rig.task(&inputs);
        assert_eq!(rig.graph.inputs(all).to_vec(), inputs);
        let last = inputs.len() - 1;
        assert_eq!(rig.graph.input(all, last), inputs[last]);
        rig.drop_all(&inputs);
        assert_eq!(rig.run_all(), inputs.len() + 1);
        rig.drop(all);
        rig.assert_over();
    }
}

#[test]
fn failure_reaches_dependents_that_wait_for_others_too() {
    let mut rig = Rig::new();
    let (a, b) = (rig.task(&[]), rig.task(&[]));
    let c = rig.task(&[a, b]);
    let d = rig.task(&[c, b]);
    rig.fail(a);
    rig.assert_states(&[a, c, d], Failed);
    assert_eq!(rig.state(b), Queued, "its handle wants it");
    assert_eq!(rig.refs(c), 2, "the list of b still names it");
    rig.drop_all(&[c, d]);
    assert!(!rig.is_freed(c), "the list of b still names it");
    rig.run(b);
    assert!(rig.is_freed(c) && rig.is_freed(d));
    rig.drop_all(&[a, b]);
    rig.assert_over();
}

#[test]
fn failure_lets_go_of_inputs_that_nobody_else_wants() {
    let mut rig = Rig::new();
    let (a, b) = (rig.task(&[]), rig.task(&[]));
    let c = rig.task(&[a, b]);
    rig.drop(b);
    rig.fail(a);
    assert_eq!(rig.state(c), Failed);
    assert!(rig.is_freed(b), "it will not run");
    rig.drop_all(&[a, c]);
    rig.assert_over();
}

#[test]
fn a_failed_or_cancelled_input_fails_a_new_dependent_at_once() {
    let mut rig = Rig::new();
    let (failed, cancelled, pending) = (rig.settled(true), rig.task(&[]), rig.task(&[]));
    assert!(rig.cancel(cancelled));
    for bad in [failed, cancelled] {
        let heir = rig.task(&[pending, bad]);
        assert_eq!(rig.state(heir), Failed);
        rig.drop(heir);
    }
    rig.drop_all(&[failed, cancelled, pending]);
    rig.assert_over();
}

#[test]
fn cancel_of_a_waiting_task_fails_its_dependents_and_frees_its_inputs() {
    let mut rig = Rig::new();
    let a = rig.task(&[]);
    let b = rig.task(&[a]);
    let c = rig.task(&[b]);
    rig.drop(a);
    assert!(rig.cancel(b));
    assert_eq!((rig.state(b), rig.state(c)), (Cancelled, Failed));
    assert!(rig.is_freed(a));
    assert!(
        !rig.cancel(b) && !rig.cancel(c),
        "settled tasks stay as they are"
    );
    rig.drop_all(&[b, c]);
    rig.assert_over();
}

#[test]
fn cancel_of_a_queued_task_keeps_it_from_starting() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    assert!(rig.cancel(task));
    assert_eq!(rig.state(task), Cancelled);
    assert!(!rig.graph.claim(task));
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn cancel_of_a_running_task_settles_it_at_once_and_keeps_its_inputs() {
    let mut rig = Rig::new();
    let a = rig.task(&[]);
    let b = rig.task(&[a]);
    let c = rig.task(&[b]);
    rig.run(a);
    rig.drop(a);
    rig.start(b);
    assert!(rig.cancel(b));
    assert_eq!((rig.state(b), rig.state(c)), (Cancelled, Failed));
    assert!(rig.graph.is_cancel_requested(b));
    assert_eq!(rig.refs(a), 1, "the body may be reading it");
    rig.drop_all(&[b, c]);
    assert_eq!(rig.take_unwanted(), [b]);
    assert!(!rig.is_freed(b), "its body still runs");
    rig.end(b, Outcome::Nothing);
    assert!(rig.is_freed(a) && rig.is_freed(b));
    rig.assert_over();
}

#[test]
fn a_value_that_comes_after_the_cancel_is_disposed_of_with_the_slot() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.start(task);
    rig.cancel(task);
    rig.end(task, Outcome::Value);
    assert_eq!(rig.state(task), Cancelled);
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn losing_the_last_want_before_the_start_cancels() {
    let mut rig = Rig::new();
    let a = rig.task(&[]);
    let b = rig.task(&[a]);
    rig.drop(a);
    rig.drop(b);
    assert!(rig.is_freed(a) && rig.is_freed(b), "neither runs");
    assert_eq!(rig.run_all(), 0);
    rig.assert_over();
}

#[test]
fn losing_the_last_want_while_running_sets_the_token() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.graph.retain(task);
    rig.start(task);
    rig.drop(task);
    assert!(!rig.graph.is_cancel_requested(task), "one want is left");
    rig.drop(task);
    assert_eq!(rig.take_unwanted(), [task]);
    assert_eq!(rig.state(task), Running);
    assert!(rig.graph.is_cancel_requested(task));
    rig.end(task, Outcome::Value);
    rig.assert_over();
}

#[test]
fn a_detached_task_runs_for_its_effects() {
    let mut rig = Rig::new();
    let a = rig.task(&[]);
    let b = rig.task(&[a]);
    rig.drop(a);
    rig.detach(b);
    assert_eq!(rig.run_all(), 2);
    rig.assert_over();
}

#[test]
fn a_detached_task_can_be_cancelled_and_can_fail() {
    let mut rig = Rig::new();
    let (a, b) = (rig.task(&[]), rig.task(&[]));
    let c = rig.task(&[b]);
    rig.graph.retain(a);
    rig.detach(a);
    rig.detach(c);
    assert!(rig.cancel(a));
    rig.fail(b);
    assert!(rig.is_freed(c));
    rig.drop_all(&[a, b]);
    rig.assert_over();
}

#[test]
fn an_external_node_is_finished_from_outside() {
    let mut rig = Rig::new();
    let (fetched, lost) = (rig.external(), rig.external());
    let (a, b) = (rig.task(&[fetched]), rig.task(&[lost]));
    assert!(!rig.graph.claim(fetched));
    rig.end(fetched, Outcome::Value);
    rig.end(lost, Outcome::Error);
    assert_eq!((rig.state(a), rig.state(b)), (Queued, Failed));
    rig.drop_all(&[a, b, fetched, lost]);
    rig.assert_over();
}

#[test]
fn an_external_node_that_nobody_wants_is_reported() {
    let mut rig = Rig::new();
    let (unwanted, cancelled) = (rig.external(), rig.external());
    rig.drop(unwanted);
    assert_eq!(rig.take_unwanted(), [unwanted]);
    assert!(rig.cancel(cancelled));
    rig.end(unwanted, Outcome::Nothing);
    rig.end(cancelled, Outcome::Nothing);
    rig.drop(cancelled);
    rig.assert_over();
}

#[test]
fn what_is_said_at_submit_can_be_read() {
    let mut rig = Rig::new();
    let location = Some(std::panic::Location::caller());
    let spec = Spec {
        name: 7,
        priority: -3,
        location,
        pure: true,
        extra: 77,
    };
    let task = rig.graph.settled(&mut rig.cache, &spec, (), false);
    let graph = &rig.graph;
    assert_eq!(
        (graph.name(task), graph.priority(task), graph.is_pure(task)),
        (7, -3, true)
    );
    assert_eq!(graph.location(task), location);
    assert_eq!((graph.key(task), graph.extra(task)), (None, 77));
    let plain = rig.settled(false);
    assert_eq!(
        (
            rig.graph.location(plain),
            rig.graph.is_pure(plain),
            rig.graph.extra(plain)
        ),
        (None, false, 0)
    );
}

#[test]
fn a_hint_to_a_freed_or_settled_task_is_not_claimed() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.run(task);
    assert!(!rig.graph.claim(task));
    rig.drop(task);
    assert!(!rig.graph.claim(task));
    let reused = rig.settled(false);
    assert!(!rig.graph.claim(reused));
    rig.drop(reused);
    rig.assert_over();
}
