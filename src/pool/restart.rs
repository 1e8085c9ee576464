//! A new beginning for a client that goes on.
//!
//! 1. Every task that is there is cancelled, a running one too, and its key leaves the table, a settled one's too: what
//!    is submitted from here on is new, whatever its key.
//! 2. Named things are closed and their names freed, so that old bodies that wait there go on and end.
//! 3. Published handles and remembered results are let go.
//!
//! Tasks are taken by their ids: a slot that is freed meanwhile may already be a new task's.

use std::sync::Arc;

use super::Engine;
use super::local::{self, Local};
use crate::graph::Id;

impl Engine {
    /// Leaves a graph of nothing but bodies that have not returned and settled tasks that somebody holds.
    pub(crate) fn restart(self: &Arc<Self>) {
        local::with(self, |local| {
            self.abandon_all(local);
            self.named.restart();
            self.published.clear();
            self.forget_remembered(local);
            local.settle_all();
        });
    }

    fn abandon_all(&self, local: &Local) {
        let live: Vec<Id> = self
            .graph
            .live()
            .map(|index| self.graph.id(index))
            .collect();
        self.pins.raise();
        for id in live {
            self.abandon(local, id);
            local.settle_up();
        }
        self.pins.lower();
    }

    /// Cancels a task, if it is still there and not settled, and makes its key another's to have.
    fn abandon(&self, local: &Local, id: Id) {
        let pin = self.graph.pin(id, &mut local.state().fx);
        if let Some(pin) = pin {
            local.cancel_node(id.index);
            self.graph.unpublish(id.index);
            self.graph.unpin(pin, &mut local.state().fx);
            local.tell();
        }
    }
}
