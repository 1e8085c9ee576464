//! Counts far beyond what the word holds: from safe code, `mem::forget(handle.clone())` in a loop reaches any number.

use super::rig::Rig;
use crate::graph::word::HALF;
use crate::graph::{Outcome, Spec};

/// The full numbers take minutes; without them the limit is still passed several times.
fn soak() -> bool {
    std::env::var_os("TENTER_SOAK").is_some()
}

#[test]
fn millions_of_handles_of_one_task_are_counted_exactly() {
    let count: u64 = if soak() { 40_000_000 } else { 3_000_000 };
    assert!(count > 5 * HALF);
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    (0..count).for_each(|_| rig.graph.retain(task));
    assert_eq!(rig.refs(task), count + 2);
    rig.run(task);
    assert_eq!(rig.refs(task), count + 1);
    assert!(!rig.graph.try_take(task));
    for _ in 0..count {
        rig.graph.drop_want(task, &mut rig.fx);
    }
    assert!(rig.fx.is_empty());
    assert_eq!((rig.refs(task), rig.graph.shares.count()), (1, 0));
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn losing_the_last_of_millions_cancels_an_unstarted_task() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    let count = 3 * HALF;
    (0..count).for_each(|_| rig.graph.retain(task));
    (0..count).for_each(|_| rig.graph.drop_want(task, &mut rig.fx));
    assert!(rig.fx.is_empty());
    assert_eq!(rig.refs(task), 2);
    rig.drop(task);
    assert!(rig.is_freed(task));
    rig.assert_over();
}

#[test]
fn pins_by_slot_are_counted_as_exactly() {
    let mut rig = Rig::new();
    let task = rig.settled(false);
    let count = 2 * HALF;
    let pins: Vec<_> = (0..count).filter_map(|_| rig.graph.pin_any(task)).collect();
    assert_eq!((pins.len() as u64, rig.refs(task)), (count, count + 1));
    pins.into_iter()
        .for_each(|pin| rig.graph.unpin(pin, &mut rig.fx));
    rig.drop(task);
    rig.assert_over();
}

/// The books of a [`Rig`] would take most of the time here, so these dependents are driven by hand.
fn hub(dependents: usize, outcome: Outcome) {
    let mut rig = Rig::new();
    let hub = rig.task(&[]);
    let tasks: Vec<u32> = (0..dependents).map(|_| submit(&mut rig, &[hub])).collect();
    assert_eq!(rig.refs(hub), dependents as u64 + 2);
    assert!(rig.graph.claim(hub));
    rig.payloads.insert(hub, super::rig::Left::Result(outcome));
    assert!(!rig.graph.finish(&mut rig.cache, hub, outcome, &mut rig.fx));
    let Rig {
        graph, cache, fx, ..
    } = &mut rig;
    if outcome == Outcome::Value {
        assert_eq!(fx.ready.len(), dependents);
        for task in std::mem::take(&mut fx.ready) {
            assert!(graph.claim(task));
            assert!(!graph.finish(cache, task, outcome, fx));
            graph.drop_want(hub, fx);
        }
    } else {
        assert_eq!(fx.inherit.len(), dependents);
        for (task, _) in std::mem::take(&mut fx.inherit) {
            graph.finish_unrun(cache, task, true, fx);
        }
    }
    tasks.iter().for_each(|&task| graph.drop_want(task, fx));
    assert_eq!(fx.free.len(), dependents);
    std::mem::take(&mut fx.free)
        .into_iter()
        .for_each(|task| graph.leaving(task).forget(cache));
    assert_eq!((rig.refs(hub), rig.graph.shares.count()), (1, 0));
    rig.drop(hub);
    rig.assert_over();
}

fn submit(rig: &mut Rig, inputs: &[u32]) -> u32 {
    let Rig {
        graph, cache, fx, ..
    } = rig;
    graph
        .submit(cache, &Spec::default(), inputs, (), fx)
        .index()
}

#[test]
fn a_hub_has_more_dependents_than_the_word_counts() {
    let count = if soak() { 20_000_000 } else { 900_000 };
    assert!(count as u64 > HALF + 300_000);
    hub(count, Outcome::Value);
}

#[test]
fn a_hub_fails_more_dependents_than_the_word_counts() {
    hub(600_000, Outcome::Error);
}

/// Threads retain and drop across the line at which a part of the count moves.
#[test]
fn threads_retain_and_drop_across_the_limit() {
    let mut rig = Rig::new();
    let task = rig.settled(false);
    (0..HALF - 1000).for_each(|_| rig.graph.retain(task));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let graph = &rig.graph;
            scope.spawn(move || {
                let mut fx = crate::graph::Effects::default();
                for _ in 0..20 {
                    (0..40_000).for_each(|_| graph.retain(task));
                    (0..40_000).for_each(|_| graph.drop_want(task, &mut fx));
                }
                assert!(fx.is_empty());
            });
        }
    });
    assert_eq!(rig.refs(task), HALF - 1000 + 1);
    (0..HALF - 1000).for_each(|_| rig.graph.drop_want(task, &mut rig.fx));
    rig.drop(task);
    rig.assert_over();
}
