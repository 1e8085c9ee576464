//! Finished, then lost: the driver keeps the inputs of finished tasks, and reopens what it needs again.

use super::rig::{Left, Rig};
use crate::graph::Outcome;
use crate::graph::State::{Finished, Queued, Waiting};

/// Finishes a started task without letting its inputs go, as a driver does that may have to run it again.
fn finish_keeping(rig: &mut Rig, index: u32) {
    rig.start(index);
    rig.payloads.insert(index, Left::Result(Outcome::Value));
    assert!(
        !rig.graph
            .finish(&mut rig.cache, index, Outcome::Value, &mut rig.fx),
        "it is wanted"
    );
    rig.settle();
}

fn reopen(rig: &mut Rig, index: u32) -> bool {
    rig.payloads.insert(index, Left::Task);
    rig.graph.reopen(&mut rig.cache, index)
}

/// A finished chain of `count` tasks, each keeping the one before.
fn chain(rig: &mut Rig, count: usize) -> Vec<u32> {
    let mut tasks: Vec<u32> = Vec::new();
    for _ in 0..count {
        let inputs: Vec<u32> = tasks.last().copied().into_iter().collect();
        tasks.push(rig.task(&inputs));
    }
    tasks.iter().for_each(|&task| finish_keeping(rig, task));
    tasks
}

/// Lets a finished chain go, last first.
fn let_chain_go(mut rig: Rig, tasks: &[u32]) {
    for &task in tasks.iter().rev() {
        rig.graph.let_go(task, &mut rig.fx);
        rig.settle();
        rig.drop(task);
    }
    rig.assert_over();
}

#[test]
fn a_lost_result_is_computed_again() {
    let mut rig = Rig::new();
    let tasks = chain(&mut rig, 1);
    assert!(reopen(&mut rig, tasks[0]), "ready: it has no inputs");
    rig.settle();
    assert_eq!((rig.state(tasks[0]), rig.refs(tasks[0])), (Queued, 2));
    finish_keeping(&mut rig, tasks[0]);
    assert_eq!(rig.state(tasks[0]), Finished);
    let_chain_go(rig, &tasks);
}

#[test]
fn a_lost_task_waits_for_lost_inputs() {
    let mut rig = Rig::new();
    let tasks = chain(&mut rig, 3);
    assert!(reopen(&mut rig, tasks[0]));
    assert!(!reopen(&mut rig, tasks[1]) && !reopen(&mut rig, tasks[2]));
    rig.settle();
    assert_eq!(
        (rig.state(tasks[1]), rig.state(tasks[2])),
        (Waiting, Waiting)
    );
    for &task in &tasks {
        finish_keeping(&mut rig, task);
    }
    let_chain_go(rig, &tasks);
}

/// A finish leaves the first cell of the list it took in the word; a reopened task begins with an empty list.
#[test]
fn a_reopened_task_has_no_dependents_of_its_first_life() {
    let mut rig = Rig::new();
    let tasks = chain(&mut rig, 2);
    assert!(reopen(&mut rig, tasks[0]));
    rig.settle();
    assert_eq!(rig.census().edges, 0);
    finish_keeping(&mut rig, tasks[0]);
    assert_eq!(rig.take_ready(), [], "the dependent is finished");
    let_chain_go(rig, &tasks);
}

#[test]
fn a_queued_task_waits_again_when_an_input_is_lost() {
    let mut rig = Rig::new();
    let input = rig.task(&[]);
    let task = rig.task(&[input, input]);
    finish_keeping(&mut rig, input);
    assert_eq!(rig.state(task), Queued);
    assert!(reopen(&mut rig, input));
    assert!(!rig.graph.relink(&mut rig.cache, task));
    rig.settle();
    assert_eq!((rig.state(task), rig.census().edges), (Waiting, 2));
    finish_keeping(&mut rig, input);
    assert_eq!(rig.state(task), Queued);
    rig.run(task);
    rig.drop_all(&[input, task]);
    rig.assert_over();
}

#[test]
fn a_token_of_the_first_life_does_not_reach_the_second() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.start(task);
    rig.graph.request_cancel(task);
    rig.end(task, Outcome::Value);
    assert!(reopen(&mut rig, task));
    assert!(!rig.graph.is_cancel_requested(task));
    rig.run(task);
    rig.drop(task);
    rig.assert_over();
}

#[test]
#[should_panic(expected = "only a finished task can be lost")]
fn an_unfinished_task_cannot_be_lost() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.graph.reopen(&mut rig.cache, task);
}
