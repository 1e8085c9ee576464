//! Counting what is in the graph while it changes, from the words alone: nothing is pinned and nobody is disturbed.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::word::{self, DONE, LINKING, POSTPONED, QUEUED, RUNNING, SETTLED, UNRUN, has};
use super::{Graph, State, state_of};

/// How many nodes are in which state, and how many edges there are. Exact when no thread is changing the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Nodes that are not free.
    pub live: usize,
    /// Of these, those that lack inputs.
    pub waiting: usize,
    /// Ready to be claimed.
    pub queued: usize,
    /// Claimed.
    pub running: usize,
    /// Inputs that waiting nodes lack.
    pub edges: usize,
}

impl<P> Graph<P> {
    /// Counts the nodes and edges.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for index in self.live() {
            let node = self.node(index);
            let word = node.word.load(Acquire);
            let join = node.join.load(Relaxed);
            tally.live += 1;
            match state_of(word) {
                State::Waiting if join & POSTPONED != 0 => tally.queued += 1,
                State::Waiting => tally.waiting += 1,
                State::Queued => tally.queued += 1,
                State::Running => tally.running += 1,
                _ => {}
            }
            if !has(word, SETTLED) {
                tally.edges += (join & !(LINKING | UNRUN | POSTPONED)) as usize;
            }
        }
        tally
    }

    /// Whether the body of a pinned node has been started and has not ended.
    pub fn has_body(&self, index: u32) -> bool {
        let word = self.node(index).word.load(Acquire);
        has(word, RUNNING) && !has(word, DONE)
    }

    /// Of a pinned node that was settled unrun: whether it was ready by then, or has lost its last input since.
    pub fn was_ready(&self, index: u32) -> bool {
        word::has(self.node(index).word.load(Relaxed), QUEUED) || self.is_postponed(index)
    }
}
