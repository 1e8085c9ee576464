//! The bounded memory of pure results.

use super::rig::Rig;
use crate::graph::State::Finished;

/// A pure task of this key, run and no longer wanted.
fn remember(rig: &mut Rig, key: u64, bytes: usize) -> u32 {
    let task = rig.pure(key);
    rig.start(task);
    rig.end_remembered(task, bytes);
    rig.drop(task);
    task
}

fn with_limit(limit: usize) -> Rig {
    let mut rig = Rig::new();
    rig.graph.set_remember(limit, &mut rig.fx);
    rig
}

fn forget_all(mut rig: Rig) {
    rig.graph.forget_remembered(&mut rig.fx);
    rig.settle();
    assert_eq!(rig.graph.remembered(), 0);
    rig.assert_over();
}

#[test]
fn a_remembered_result_is_found_by_its_key() {
    let mut rig = with_limit(2);
    let task = remember(&mut rig, 1, 8);
    assert_eq!(
        (rig.state(task), rig.refs(task), rig.graph.remembered()),
        (Finished, 1, 1)
    );
    assert_eq!(rig.keyed(1, &[]), Err(Some(task)));
    rig.drop(task);
    forget_all(rig);
}

#[test]
fn the_oldest_result_goes_first() {
    let mut rig = with_limit(2);
    let tasks: Vec<u32> = (0..3).map(|key| remember(&mut rig, key, 8)).collect();
    assert!(rig.is_freed(tasks[0]));
    assert_eq!((rig.graph.remembered(), rig.graph.key_count()), (2, 2));
    forget_all(rig);
}

#[test]
fn a_smaller_limit_lets_results_go_and_zero_remembers_nothing() {
    let mut rig = with_limit(4);
    (0..4).for_each(|key| {
        remember(&mut rig, key, 8);
    });
    rig.graph.set_remember(1, &mut rig.fx);
    rig.settle();
    assert_eq!(rig.graph.remembered(), 1);
    rig.graph.set_remember(0, &mut rig.fx);
    rig.settle();
    let task = remember(&mut rig, 9, 8);
    assert!(rig.is_freed(task));
    forget_all(rig);
}

#[test]
fn past_the_byte_bound_results_go_but_never_the_least_number() {
    let mut rig = with_limit(10_000);
    rig.checked = false;
    let large: Vec<u32> = (0..2)
        .map(|key| remember(&mut rig, key, 200 << 20))
        .collect();
    for key in 2..1024 {
        remember(&mut rig, key, 8);
    }
    assert_eq!(rig.graph.remembered(), 1024, "400 MiB are kept");
    remember(&mut rig, 1024, 8);
    assert_eq!(rig.graph.remembered(), 1024);
    assert!(rig.is_freed(large[0]) && !rig.is_freed(large[1]));
    for key in 1025..1100 {
        remember(&mut rig, key, 8);
    }
    assert_eq!(
        rig.graph.remembered(),
        1024 + 75,
        "200 MiB and more results are within the bound"
    );
    forget_all(rig);
}

#[test]
fn a_remembered_result_that_is_wanted_outlives_the_memory() {
    let mut rig = with_limit(8);
    let task = rig.pure(1);
    rig.start(task);
    rig.end_remembered(task, 8);
    assert!(!rig.graph.try_take(task), "the memory wants it too");
    rig.graph.forget_remembered(&mut rig.fx);
    rig.settle();
    assert_eq!((rig.state(task), rig.refs(task)), (Finished, 1));
    rig.drop(task);
    forget_all(rig);
}

/// A body whose token was set may have stopped half-way, so its key gives nobody its value.
#[test]
fn results_of_cancelled_and_unwanted_tasks_are_not_remembered() {
    let mut rig = with_limit(8);
    let (cancelled, unwanted) = (rig.pure(1), rig.pure(2));
    rig.start(cancelled);
    rig.start(unwanted);
    rig.cancel(cancelled);
    rig.drop(unwanted);
    assert_eq!(rig.take_unwanted(), [unwanted]);
    rig.end_remembered(cancelled, 8);
    rig.end_remembered(unwanted, 8);
    assert_eq!(rig.graph.remembered(), 0);
    rig.drop(cancelled);
    forget_all(rig);
}
