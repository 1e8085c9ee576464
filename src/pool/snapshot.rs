//! What is in the graph, looked at while it changes.
//!
//! Each task is pinned while it is read, so what is told of one task is true of it at one moment; of two tasks, at two.
//! The inputs of a task are wanted by it as long as it is not settled: what it still names after it was seen to be
//! unsettled is an input, and is the task that its id says.

use super::Engine;
use super::local::Local;
use crate::graph::{Id, Key, State as TaskState};

/// A task as it was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) id: Id,
    /// The name that was given.
    pub(crate) group: Option<String>,
    pub(crate) name: String,
    pub(crate) key: Option<Key>,
    pub(crate) state: TaskState,
    pub(crate) priority: i32,
    /// Those of a task that is not settled; others have none any more.
    pub(crate) inputs: Vec<Id>,
}

/// Some of the tasks in the graph.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) tasks: Vec<Seen>,
    /// How many more there were.
    pub(crate) left_out: usize,
}

impl Engine {
    /// Looks at so many tasks, first at those that are not settled.
    pub(crate) fn snapshot(&self, local: &Local, limit: usize) -> Snapshot {
        let mut live: Vec<u32> = self.graph.live().collect();
        if live.len() > limit {
            live.sort_by_cached_key(|&index| self.graph.is_settled(index));
        }
        let looked_at = live.iter().take(limit);
        let tasks = looked_at
            .filter_map(|&index| {
                let seen = local.pinned(index, || self.see(local, index));
                local.settle_up();
                seen
            })
            .collect();
        Snapshot {
            tasks,
            left_out: live.len().saturating_sub(limit),
        }
    }

    /// Reads a pinned task.
    fn see(&self, local: &Local, index: u32) -> Seen {
        let graph = &self.graph;
        let name = self.names.text(graph.name(index));
        Seen {
            id: graph.id(index),
            group: name.map(|name| name.to_string()),
            name: self.name(index),
            key: graph.key(index),
            state: self.state_seen(index),
            priority: graph.priority(index),
            inputs: self.inputs_of(local, index),
        }
    }

    fn inputs_of(&self, local: &Local, index: u32) -> Vec<Id> {
        let graph = &self.graph;
        if graph.is_settled(index) {
            return Vec::new();
        }
        let inputs = graph.inputs(index);
        let ids = inputs
            .iter()
            .filter_map(|&input| local.pinned(input, || graph.id(input)))
            .collect();
        if graph.is_settled(index) || graph.inputs(index) != inputs {
            return Vec::new();
        }
        ids
    }
}
