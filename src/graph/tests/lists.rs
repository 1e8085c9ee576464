//! The list of those who wait: waiters that come and leave, and compaction.

use super::rig::Rig;
use crate::graph::Outcome;
use crate::graph::State::{Failed, Queued};

#[test]
fn a_waiter_is_woken_however_the_task_is_settled() {
    let mut rig = Rig::new();
    let tasks: Vec<u32> = (0..3).map(|_| rig.task(&[])).collect();
    let heir = rig.task(&[tasks[1]]);
    for (waiter, &task) in tasks.iter().chain([&heir]).enumerate() {
        assert!(rig.watch(task, waiter as u32));
    }
    assert_eq!(rig.census().waiters, 4);
    rig.run(tasks[0]);
    assert_eq!(rig.take_woken(), [0]);
    rig.fail(tasks[1]);
    assert_eq!(rig.take_woken(), [1, 3]);
    rig.cancel(tasks[2]);
    assert_eq!(rig.take_woken(), [2]);
    assert!(
        !rig.watch(tasks[0], 7) && !rig.watch(tasks[2], 7) && !rig.watch(heir, 7),
        "settled"
    );
    rig.drop_all(&tasks);
    rig.drop(heir);
    rig.assert_over();
}

#[test]
fn a_waiter_does_not_want_the_task() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    assert!(rig.watch(task, 5));
    rig.drop(task);
    assert!(rig.is_freed(task));
    assert_eq!(rig.take_woken(), [5]);
    rig.assert_over();
}

#[test]
fn a_running_task_cancelled_wakes_at_once_and_only_once() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.start(task);
    assert!(rig.watch(task, 5));
    rig.cancel(task);
    assert_eq!(rig.take_woken(), [5]);
    rig.end(task, Outcome::Nothing);
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn dead_waiters_are_buried_after_64_and_the_living_stay() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    let dependent = rig.task(&[task]);
    assert!(rig.watch(task, 1000));
    for waiter in 0..63 {
        assert!(rig.watch(task, waiter));
        rig.leave(task, waiter);
    }
    assert_eq!((rig.census().waiters, rig.take_woken()), (64, vec![]));
    assert!(rig.watch(task, 63));
    rig.leave(task, 63);
    assert_eq!(rig.take_woken(), (0..64).collect::<Vec<u32>>());
    assert_eq!((rig.census().waiters, rig.census().edges), (1, 1));
    rig.run(task);
    assert_eq!(
        (rig.take_woken(), rig.state(dependent)),
        (vec![1000], Queued)
    );
    rig.drop_all(&[task, dependent]);
    rig.assert_over();
}

#[test]
fn with_many_alive_as_many_must_die_before_the_next_compaction() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    for waiter in 0..500 {
        assert!(rig.watch(task, waiter));
    }
    for waiter in 0..64 {
        rig.leave(task, waiter);
    }
    assert_eq!(rig.take_woken().len(), 64, "the first look");
    for waiter in 64..499 {
        rig.leave(task, waiter);
    }
    assert_eq!((rig.census().waiters, rig.take_woken().len()), (436, 0));
    rig.leave(task, 499);
    assert_eq!((rig.census().waiters, rig.take_woken().len()), (0, 436));
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn dependents_that_were_cancelled_are_buried() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    let alive = rig.task(&[task]);
    for _ in 0..300 {
        let dependent = rig.task(&[task]);
        rig.drop(dependent);
    }
    let census = rig.census();
    assert!(
        census.edges <= 65 && census.live <= 66,
        "dead cells keep their nodes: {census:?}"
    );
    rig.run(task);
    assert_eq!(rig.state(alive), Queued);
    rig.drop_all(&[task, alive]);
    rig.assert_over();
}

#[test]
fn a_dependent_in_many_lists_is_freed_when_the_last_lets_it_go() {
    let mut rig = Rig::new();
    let inputs: Vec<u32> = (0..20).map(|_| rig.task(&[])).collect();
    let dependent = rig.task(&inputs);
    rig.cancel(dependent);
    rig.drop(dependent);
    for &input in &inputs {
        assert!(!rig.is_freed(dependent), "a list still names it");
        rig.run(input);
    }
    assert!(rig.is_freed(dependent));
    rig.drop_all(&inputs);
    rig.assert_over();
}

#[test]
fn compaction_keeps_failures_travelling() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    let dependents: Vec<u32> = (0..10).map(|_| rig.task(&[task])).collect();
    for waiter in 0..64 {
        assert!(rig.watch(task, waiter));
        rig.leave(task, waiter);
    }
    assert_eq!((rig.take_woken().len(), rig.census().edges), (64, 10));
    rig.fail(task);
    rig.assert_states(&dependents, Failed);
    rig.drop_all(&dependents);
    rig.drop(task);
    rig.assert_over();
}
