//! Every invariant that can be seen in a graph at rest, as assertions.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

use super::node::WAITER;
use super::word::{self, COMPACTING, DONE, FAILED, KEYED, QUEUED, RUNNING, SETTLED, has};
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
    /// Checks every node of a graph that no thread is changing, and counts.
    ///
    /// # Panics
    /// If an invariant is broken, naming it and the node.
    pub fn check(&self) -> Census {
        let mut census = Census::default();
        let mut expected: HashMap<u32, u32> = HashMap::new();
        for index in self.live() {
            self.check_node(index);
            let word = self.node(index).word.load(Relaxed);
            census.live += 1;
            census.settled += usize::from(has(word, SETTLED));
            for target in self.targets(word::head(word)) {
                if target & WAITER != 0 {
                    census.waiters += 1;
                } else {
                    census.edges += 1;
                    *expected.entry(target).or_insert(0) += 1;
                }
            }
        }
        for index in self
            .live()
            .filter(|&index| !has(self.node(index).word.load(Relaxed), DONE | RUNNING))
        {
            let (join, cells) = (
                self.node(index).join.load(Relaxed),
                expected.get(&index).copied().unwrap_or(0),
            );
            let queued = has(self.node(index).word.load(Relaxed), QUEUED);
            assert!(
                queued || join == cells,
                "node {index} waits for {join} inputs but is in {cells} lists"
            );
        }
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

    /// Every slot that somebody refers to. A hint while it changes.
    pub fn live(&self) -> impl Iterator<Item = u32> + '_ {
        let exists = |&index: &u32| self.nodes.exists(index);
        (1..self.nodes.len())
            .filter(exists)
            .filter(|&index| word::refs(self.node(index).word.load(Relaxed)) > 0)
    }

    fn targets(&self, head: u32) -> Vec<u32> {
        let mut targets = Vec::new();
        let mut cell = head;
        while cell != 0 {
            let edge = self.edges.get(cell);
            targets.push(edge.target.load(Relaxed));
            cell = edge.next.load(Relaxed);
        }
        targets
    }

    fn check_node(&self, index: u32) {
        let word = self.node(index).word.load(Relaxed);
        let machine = u64::from(!has(word, DONE));
        assert!(
            self.total_refs(index) >= machine,
            "node {index} lost the machine's reference"
        );
        assert!(
            !has(word, SETTLED) || word::head(word) == 0,
            "node {index} is settled and still has a list"
        );
        assert!(
            !has(word, FAILED) || has(word, DONE),
            "node {index} failed without being done"
        );
        assert!(
            !has(word, COMPACTING),
            "node {index} is being compacted while nobody works"
        );
        let waits = !has(word, QUEUED | RUNNING | SETTLED);
        assert!(
            !waits || self.node(index).join.load(Relaxed) > 0,
            "node {index} waits for nothing and is not queued"
        );
        if has(word, QUEUED) {
            assert_eq!(
                self.node(index).join.load(Relaxed),
                0,
                "node {index} is queued before its inputs settled"
            );
        }
        assert_eq!(
            has(word, KEYED),
            self.node(index).cold.key().is_some(),
            "node {index}: the key and its flag"
        );
        if !has(word, SETTLED) {
            for input in self.inputs(index) {
                let pinned = word::refs(self.node(input).word.load(Relaxed)) > 0;
                assert!(
                    pinned,
                    "node {index} waits for node {input}, which was freed"
                );
            }
        }
    }
}
