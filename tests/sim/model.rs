//! What every task must come to: the reference. Tasks are numbers, results are numbers, and nothing is ever lost.

use std::collections::HashMap;

use tenter::net::message::FailureKind;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// A small result of its number and its inputs.
    Mix,
    /// The same, as a result that stays on a worker.
    Big,
    /// An error.
    Fail,
    /// An error at first, then a small result.
    Flaky,
    /// The death of the worker.
    Poison,
    /// Submits another task and waits for it.
    Nest,
    /// Data of a client.
    Scattered,
}

pub(crate) const WORKS: [Work; 6] = [
    Work::Mix,
    Work::Big,
    Work::Fail,
    Work::Flaky,
    Work::Poison,
    Work::Nest,
];

/// A task of the reference.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) work: Work,
    pub(crate) number: u64,
    pub(crate) inputs: Vec<usize>,
    /// The same task, as it was submitted.
    pub(crate) origin: usize,
    pub(crate) outcome: Result<u64, FailureKind>,
    /// Somebody has cancelled it, or something that it needs.
    pub(crate) may_be_cancelled: bool,
    /// It needs data that cannot be computed again.
    pub(crate) may_be_lost: bool,
    /// Its key may be taken by another.
    pub(crate) may_conflict: bool,
    /// It was named by somebody who did not want it.
    pub(crate) may_be_forgotten: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) nodes: Vec<Node>,
    /// Of each number, how often its task has failed on purpose.
    pub(crate) failures: HashMap<u64, u32>,
    /// Few recipes are kept, so that anything may be lost for good.
    pub(crate) lineage_is_short: bool,
    /// So many workers die that any task may be taken for the cause.
    pub(crate) anyone_may_die: bool,
    pub(crate) poisons: usize,
}

/// The result of a task.
pub(crate) fn value(number: u64, inputs: &[u64]) -> u64 {
    inputs.iter().fold(number ^ 0x5bd1_e995, |mixed, &input| {
        (mixed.rotate_left(13) ^ input).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

/// The result of a task that waits for another.
pub(crate) fn nested(number: u64) -> u64 {
    value(number, &[value(number + 1, &[])])
}

impl Model {
    pub(crate) fn add(&mut self, work: Work, number: u64, inputs: &[usize]) -> usize {
        let of = |input: &usize| &self.nodes[*input];
        let failed = inputs.iter().map(of).find_map(|node| node.outcome.err());
        let values: Vec<u64> = inputs
            .iter()
            .map(of)
            .filter_map(|node| node.outcome.ok())
            .collect();
        let own = match work {
            Work::Fail => Err(FailureKind::Error),
            Work::Poison => Err(FailureKind::WorkerDied),
            Work::Nest => Ok(nested(number)),
            Work::Mix | Work::Big | Work::Flaky | Work::Scattered => Ok(value(number, &values)),
        };
        let any = |flag: fn(&Node) -> bool| inputs.iter().map(of).any(flag);
        self.nodes.push(Node {
            work,
            number,
            outcome: failed.map_or(own, Err),
            may_be_cancelled: any(|node| node.may_be_cancelled),
            may_be_lost: work == Work::Scattered || any(|node| node.may_be_lost),
            may_conflict: any(|node| node.may_conflict),
            may_be_forgotten: any(|node| node.may_be_forgotten),
            inputs: inputs.to_vec(),
            origin: self.nodes.len(),
        });
        self.nodes.len() - 1
    }

    /// Somebody cancels a task: what is made of it may end as cancelled too.
    pub(crate) fn cancel(&mut self, node: usize) {
        let origin = self.nodes[node].origin;
        for later in origin..self.nodes.len() {
            let inputs = &self.nodes[later].inputs;
            if self.nodes[later].origin == origin
                || inputs
                    .iter()
                    .any(|&input| self.nodes[input].may_be_cancelled)
            {
                self.nodes[later].may_be_cancelled = true;
            }
        }
    }

    /// # Errors
    /// What a result has to do with this task.
    pub(crate) fn judge_value(&self, node: usize, found: u64) -> Result<(), String> {
        let node = &self.nodes[node];
        if node.outcome == Ok(found) {
            return Ok(());
        }
        Err(format!("{node:?} has finished with {found}"))
    }

    /// # Errors
    /// What a failure has to do with this task.
    pub(crate) fn judge_failure(&self, node: usize, kind: FailureKind) -> Result<(), String> {
        let node = &self.nodes[node];
        let allowed = match kind {
            FailureKind::Cancelled => node.may_be_cancelled,
            FailureKind::DataLost => node.may_be_lost || self.lineage_is_short,
            FailureKind::WorkerDied if self.anyone_may_die => true,
            FailureKind::KeyConflict => node.may_conflict,
            FailureKind::Forgotten => node.may_be_forgotten || node.may_be_cancelled,
            _ => node.fails_as(self, kind),
        };
        if allowed {
            Ok(())
        } else {
            Err(format!("{node:?} has failed with {kind:?}"))
        }
    }
}

impl Node {
    /// Of several failures among its inputs, any may come first.
    fn fails_as(&self, model: &Model, kind: FailureKind) -> bool {
        let own = match self.work {
            Work::Fail => kind == FailureKind::Error,
            Work::Poison => kind == FailureKind::WorkerDied,
            // Some workers do not have it, and may be the first to come.
            Work::Nest => kind == FailureKind::UnknownFunction,
            Work::Mix | Work::Big | Work::Flaky | Work::Scattered => false,
        };
        own || self
            .inputs
            .iter()
            .any(|&input| model.nodes[input].fails_as(model, kind))
    }
}
