//! The end of a node: its last reference is gone, and whoever dropped it disposes of the payload and frees the slot.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::node::Node;
use super::word::{FAILED, OVERFLOW, TAKEN, has};
use super::{Cache, Graph, Outcome};

/// A node whose count is 0, the holder's alone. Dropping this leaves the slot to be freed by its index.
#[must_use]
#[derive(Debug)]
pub struct Leaving<'g, P> {
    graph: &'g Graph<P>,
    node: &'g Node<P>,
    index: u32,
    word: u64,
}

/// What has become of a want that was dropped.
#[must_use]
#[derive(Debug)]
pub enum Dropped<'g, P> {
    /// It is still there: the task is not settled, or its count is not all in its word.
    Not,
    /// It is gone, and there are others.
    OneOfMany,
    /// It was the last.
    Last(Leaving<'g, P>),
}

impl<P> Graph<P> {
    /// The node of this index, whose count is 0 and which the caller was told to free.
    #[inline]
    pub fn leaving(&self, index: u32) -> Leaving<'_, P> {
        let node = self.node(index);
        let word = node.word.load(Acquire);
        self.leaving_as(node, index, word)
    }

    #[inline]
    pub(super) fn leaving_as<'g>(
        &'g self,
        node: &'g Node<P>,
        index: u32,
        word: u64,
    ) -> Leaving<'g, P> {
        Leaving {
            graph: self,
            node,
            index,
            word,
        }
    }
}

impl<P> Leaving<'_, P> {
    /// The slot.
    #[inline]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Where the payload is: the holder's alone.
    #[inline]
    pub fn payload(&self) -> *mut P {
        self.node.payload()
    }

    /// What is left in the payload.
    #[inline]
    pub fn remains(&self) -> Outcome {
        match (has(self.word, TAKEN), has(self.word, FAILED)) {
            (true, _) => Outcome::Nothing,
            (_, true) => Outcome::Error,
            _ => Outcome::Value,
        }
    }

    /// The number of what else the driver knows of the task.
    #[inline]
    pub fn extra(&self) -> u32 {
        self.node.cold.extra()
    }

    /// Frees the slot. The driver has disposed of the payload.
    #[inline]
    pub fn forget(self, cache: &mut Cache) {
        let (graph, node) = (self.graph, self.node);
        let generation = node.generation.load(Relaxed);
        if let Some(cell) = node.cold.take_key() {
            graph.keys.remove(cell.hash, self.index);
            cache.keep_key_cell(cell);
        }
        node.cold.free_inputs();
        debug_assert!(
            !has(node.word.load(Relaxed), OVERFLOW),
            "a freed node with references in the side table"
        );
        let Some(next) = generation.checked_add(1) else {
            // A slot whose generation would wrap is retired.
            node.word.store(0, Release);
            return;
        };
        node.generation.store(next, Relaxed);
        // Release: who pins the next life of the slot sees its generation.
        node.word.store(0, Release);
        graph.nodes.give(&mut cache.nodes, self.index);
    }
}
