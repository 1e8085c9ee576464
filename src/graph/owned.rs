//! What only a driver with a single owner may do besides undoing a finish: look into payloads by reference, and see who waits.

use std::sync::atomic::Ordering::Relaxed;

use super::node::WAITER;
use super::word;
use super::{Cache, Graph};

impl<P> Graph<P> {
    /// Takes the payload out of a node whose count is 0, which the caller was told to free, and frees the slot.
    ///
    /// # Panics
    /// If somebody has a reference to it, or it was freed before.
    pub fn remove(&mut self, cache: &mut Cache, index: u32) -> P {
        let payload = self.take_unreferenced(index);
        self.leaving(index).forget(cache);
        payload
    }

    /// The unsettled node's dependents, those that were settled unrun included; each as often as it names the node.
    pub fn dependents(&mut self, index: u32) -> Vec<u32> {
        let mut dependents = Vec::new();
        if self.is_settled(index) {
            return dependents;
        }
        let mut cell = word::head(self.node(index).word.load(Relaxed));
        while cell != 0 {
            let edge = self.edges.get(cell);
            let target = edge.target.load(Relaxed);
            if target & WAITER == 0 {
                dependents.push(target);
            }
            cell = edge.next.load(Relaxed);
        }
        dependents
    }
}
