//! Every invariant that can be seen in a graph at rest, as assertions.
//!
//! At rest: no thread is changing it, and no effect is left to be done.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use super::node::WAITER;
use super::word::{
    self, COMPACTING, DONE, FAILED, KEYED, LINKING, POSTPONED, QUEUED, RUNNING, SETTLED, UNRUN, has,
};
use super::{Graph, State, state_of};

/// How many nodes are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Nodes that are not free.
    pub live: usize,
    /// Of these, settled ones.
    pub settled: usize,
    /// Edges from an unsettled node to a dependent.
    pub edges: usize,
    /// Waiters in lists, dead ones included.
    pub waiters: usize,
}

impl<P> Graph<P> {
    /// Checks every node of a graph at rest, and counts.
    ///
    /// # Panics
    /// If an invariant is broken, naming it and the node.
    pub fn check(&self) -> Census {
        let mut census = Census::default();
        let mut cells: HashMap<u32, u32> = HashMap::new();
        let mut wants: HashMap<u32, u64> = HashMap::new();
        for index in self.live() {
            let word = self.node(index).word.load(Relaxed);
            check_word(index, word);
            census.live += 1;
            census.settled += usize::from(has(word, SETTLED));
            for target in self.targets(word) {
                if target & WAITER != 0 {
                    census.waiters += 1;
                } else {
                    census.edges += 1;
                    *cells.entry(target).or_insert(0) += 1;
                }
            }
            if !has(word, DONE) {
                self.inputs(index)
                    .iter()
                    .for_each(|&input| *wants.entry(input).or_insert(0) += 1);
            }
        }
        for index in self.live() {
            let cells = cells.get(&index).copied().unwrap_or(0);
            self.check_node(index, cells, wants.remove(&index).unwrap_or(0));
        }
        assert!(
            wants.is_empty(),
            "freed nodes that others wait for: {wants:?}"
        );
        census
    }

    /// How many nodes are not free, without checking them. Exact when no thread is changing the graph.
    pub fn live_count(&self) -> usize {
        self.live().count()
    }

    /// The nodes in a state, for those who look for work or for the reason of a standstill. A hint while it changes.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = u32> + '_ {
        self.live()
            .filter(move |&index| state_of(self.node(index).word.load(Relaxed)) == state)
    }

    /// Tasks whose body runs, cancelled ones too. A hint while it changes.
    pub fn bodies(&self) -> impl Iterator<Item = u32> + '_ {
        let word = |index: u32| self.node(index).word.load(Relaxed);
        self.live()
            .filter(move |&index| has(word(index), RUNNING) && !has(word(index), DONE))
    }

    /// Every slot that somebody refers to. A hint while it changes.
    pub fn live(&self) -> impl Iterator<Item = u32> + '_ {
        let exists = |&index: &u32| self.nodes.exists(index);
        (1..self.nodes.len())
            .filter(exists)
            .filter(|&index| word::refs(self.node(index).word.load(Relaxed)) > 0)
    }

    fn targets(&self, word: u64) -> Vec<u32> {
        let mut targets = Vec::new();
        let mut cell = if has(word, SETTLED) {
            0
        } else {
            word::head(word)
        };
        while cell != 0 {
            let edge = self.edges.get(cell);
            targets.push(edge.target.load(Relaxed));
            cell = edge.next.load(Relaxed);
        }
        targets
    }

    /// `cells`: the lists that `index` is in. `wants`: how often unfinished nodes name it as an input.
    fn check_node(&self, index: u32, cells: u32, wants: u64) {
        let word = self.node(index).word.load(Relaxed);
        let join = self.node(index).join.load(Relaxed);
        let refs = self.total_refs(index);
        assert!(
            join & LINKING == 0,
            "node {index} is being linked while nobody works"
        );
        let missing = join & !(UNRUN | POSTPONED);
        let postponed = join & POSTPONED != 0;
        assert_eq!(
            missing, cells,
            "node {index}: its missing inputs and the lists it is in"
        );
        let machine = u64::from(!has(word, DONE) || missing > 0 || postponed);
        assert!(
            refs >= machine + wants,
            "node {index} has {refs} references, {wants} wants by dependents"
        );
        let waits = !has(word, QUEUED | RUNNING | SETTLED);
        assert!(
            !waits || missing > 0 || postponed,
            "node {index} waits for nothing and is not queued"
        );
        assert!(
            !has(word, QUEUED) || missing == 0,
            "node {index} is queued before its inputs settled"
        );
        let keyed = self.node(index).cold.key().is_some();
        assert_eq!(
            has(word, KEYED),
            keyed,
            "node {index}: the key and its flag"
        );
    }
}

fn check_word(index: u32, word: u64) {
    let failed_early = has(word, FAILED) && !has(word, DONE);
    assert!(!failed_early, "node {index} failed without being done");
    let compacting = has(word, COMPACTING);
    assert!(
        !compacting,
        "node {index} is being compacted while nobody works"
    );
}
