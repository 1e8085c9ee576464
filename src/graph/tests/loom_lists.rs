//! Every interleaving of lists and their compaction, of counts and their side table, and of slots given back.
//!
//! Under loom a list is compacted at the first dead cell, a count spreads at 8 and refills at 3, and a page has 4 slots.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use super::loom::{Hand, bounded, model};
use crate::graph::Outcome::{Error, Value};
use crate::graph::State::{Failed, Queued};
use crate::graph::arena::Arena;
use crate::graph::node::Edge;

/// The waiters that have left, as a driver keeps them.
type Gone = Arc<Mutex<HashSet<u32>>>;

/// Waits and leaves again. Leaves a cell behind, or finds the task settled.
fn watch_and_leave(hand: &mut Hand, index: u32, waiter: u32, gone: &Gone) {
    if hand.graph.watch(&mut hand.cache, index, waiter) {
        gone.lock().unwrap().insert(waiter);
        let is_dead = |waiter| gone.lock().unwrap().contains(&waiter);
        hand.graph
            .leave(&mut hand.cache, index, is_dead, &mut hand.fx);
    }
    hand.perform();
}

#[test]
fn compaction_against_add() {
    bounded(3, |mut main| {
        let gone = Gone::default();
        let a = main.task(&[]);
        let other = main.spawn(move |hand| watch_and_leave(hand, a, 1, &gone));
        assert!(main.graph.watch(&mut main.cache, a, 2));
        let b = main.task(&[a]);
        main.join(other);
        assert!(main.run(a, Value));
        assert_eq!(
            (main.graph.state(b), main.ready.as_slice()),
            (Queued, [a, b].as_slice())
        );
        main.woken.sort_unstable();
        assert_eq!(main.woken, [1, 2], "each cell is buried or woken, once");
        main.assert_over(&[a, b]);
    });
}

#[test]
fn compaction_against_finish() {
    for outcome in [Value, Error] {
        bounded(3, move |mut main| {
            let gone = Gone::default();
            let a = main.task(&[]);
            let b = main.task(&[a]);
            assert!(main.graph.watch(&mut main.cache, a, 2));
            assert!(main.graph.watch(&mut main.cache, a, 1));
            gone.lock().unwrap().insert(1);
            let other = main.spawn(move |hand| {
                let is_dead = |waiter| gone.lock().unwrap().contains(&waiter);
                hand.graph.leave(&mut hand.cache, a, is_dead, &mut hand.fx);
                hand.perform();
            });
            assert!(main.run(a, outcome));
            main.join(other);
            main.woken.sort_unstable();
            assert_eq!(main.woken, [1, 2]);
            assert_eq!(
                main.graph.state(b),
                if outcome == Value { Queued } else { Failed }
            );
            main.assert_over(&[a, b]);
        });
    }
}

#[test]
fn compaction_against_cancel() {
    bounded(3, |mut main| {
        let a = main.task(&[]);
        let (b, c) = (main.task(&[a]), main.task(&[a]));
        // Letting `b` go leaves a dead cell, so this compacts.
        let other = main.spawn(move |hand| hand.drop(b));
        assert!(main.cancel(a));
        main.join(other);
        assert_eq!(main.graph.state(c), Failed);
        main.assert_over(&[a, c]);
    });
}

#[test]
fn two_compactions_and_a_finish() {
    bounded(2, |mut main| {
        let a = main.task(&[]);
        let (b, c) = (main.task(&[a]), main.task(&[a]));
        let first = main.spawn(move |hand| hand.drop(b));
        let second = main.spawn(move |hand| hand.drop(c));
        assert!(main.run(a, Value));
        main.join(first);
        main.join(second);
        assert_eq!(main.run_ready(), 0);
        main.assert_over(&[a]);
    });
}

#[test]
fn watch_against_finish() {
    model(|mut main| {
        let a = main.task(&[]);
        let other = main.spawn(move |hand| assert!(hand.run(a, Value)));
        let watching = main.graph.watch(&mut main.cache, a, 1);
        main.join(other);
        assert_eq!(main.woken.len(), usize::from(watching), "told either way");
        main.assert_over(&[a]);
    });
}

#[test]
fn count_spreads_and_refills_against_drops() {
    bounded(3, |mut main| {
        let a = main.task(&[]);
        (0..6).for_each(|_| main.graph.retain(a));
        let dropper = main.spawn(move |hand| (0..4).for_each(|_| hand.drop(a)));
        (0..3).for_each(|_| main.graph.retain(a));
        (0..5).for_each(|_| main.drop(a));
        main.join(dropper);
        assert_eq!(main.graph.total_refs(a), 2);
        assert_eq!(main.graph.state(a), Queued);
        main.assert_over(&[a]);
    });
}

#[test]
fn spread_count_against_finish_and_the_last_drops() {
    bounded(2, |mut main| {
        let a = main.task(&[]);
        (0..8).for_each(|_| main.graph.retain(a));
        assert!(main.graph.claim(a));
        let finisher = main.spawn(move |hand| hand.end(a, Value));
        let dropper = main.spawn(move |hand| (0..4).for_each(|_| hand.drop(a)));
        (0..5).for_each(|_| main.drop(a));
        main.join(finisher);
        main.join(dropper);
        main.assert_over(&[]);
    });
}

#[test]
fn hub_spreads_while_edges_are_added() {
    bounded(3, |mut main| {
        let a = main.task(&[]);
        (0..5).for_each(|_| main.graph.retain(a));
        let other = main.spawn(move |hand| {
            let b = hand.task(&[a]);
            hand.drop(b);
        });
        let c = main.task(&[a, a]);
        main.join(other);
        assert_eq!(main.graph.total_refs(a), 9);
        (0..6).for_each(|_| main.drop(a));
        assert!(main.run(a, Value));
        assert_eq!(main.run_ready(), 1);
        main.assert_over(&[c]);
    });
}

/// A page of 4 slots: one thread gives back what another took, while that one takes more.
#[test]
fn slots_given_back_against_take() {
    bounded(3, |mut main| {
        let tasks = [main.task(&[]), main.task(&[]), main.task(&[])];
        tasks
            .iter()
            .for_each(|&task| assert!(main.run(task, Value)));
        let [a, b, c] = tasks;
        let first = main.spawn(move |hand| {
            hand.drop(a);
            hand.drop(b);
            hand.graph.flush(&mut hand.cache);
        });
        let second = main.spawn(move |hand| {
            hand.drop(c);
            hand.graph.flush(&mut hand.cache);
        });
        let more = [main.task(&[]), main.task(&[])];
        main.join(first);
        main.join(second);
        main.assert_over(&more);
    });
}

/// Half a page free lists the page; nobody who comes later makes a new one while it lasts.
#[test]
fn a_listed_page_is_not_lost() {
    bounded(3, |mut main| {
        let tasks = [main.task(&[]), main.task(&[]), main.task(&[])];
        tasks
            .iter()
            .for_each(|&task| assert!(main.run(task, Value)));
        let [a, b, c] = tasks;
        let first = main.spawn(move |hand| {
            hand.drop(a);
            hand.graph.flush(&mut hand.cache);
        });
        let second = main.spawn(move |hand| {
            hand.drop(b);
            hand.graph.flush(&mut hand.cache);
        });
        main.drop(c);
        main.graph.flush(&mut main.cache);
        main.join(first);
        main.join(second);
        assert_eq!(main.graph.nodes.len(), 4);
        let next = [main.task(&[]), main.task(&[])];
        assert_eq!(main.graph.nodes.len(), 4, "the page was listed");
        main.assert_over(&next);
    });
}

/// Slots come back to a page while it is being taken: who takes it lists it again for them.
#[test]
fn slots_given_back_to_a_page_that_is_being_taken() {
    model(|_| {
        let (arena, mut cache) = (Arc::new(Arena::<Edge>::new()), Default::default());
        let slots: Vec<u32> = (0..7).map(|_| arena.take(&mut cache)).collect();
        let giver = |slots: [u32; 2]| {
            let arena = Arc::clone(&arena);
            move || {
                let mut cache = Default::default();
                slots.iter().for_each(|&slot| arena.give(&mut cache, slot));
                arena.flush(&mut cache);
            }
        };
        // The second page: slots 4 to 7.
        giver([slots[3], slots[4]])();
        let other = loom::thread::spawn(giver([slots[5], slots[6]]));
        let first = arena.take(&mut cache);
        other.join().unwrap();
        let mut taken: Vec<u32> = (0..3).map(|_| arena.take(&mut cache)).collect();
        taken.push(first);
        taken.sort_unstable();
        assert_eq!(taken, slots[3..], "no other page was needed");
    });
}
