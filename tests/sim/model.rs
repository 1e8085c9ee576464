//! What every task must come to: the reference. Tasks are numbers, results are numbers, and nothing is ever lost.

use std::collections::{HashMap, HashSet};

use tenter::net::message::{Failure, FailureKind, PeerId};

use crate::ledger::Ledger;

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
    /// Submits another task and returns its handle.
    Yield,
    /// Data of a client, put to a worker.
    Scattered,
    /// Data of a client, kept by the scheduler.
    Given,
}

pub(crate) const WORKS: [Work; 7] = [
    Work::Mix,
    Work::Big,
    Work::Fail,
    Work::Flaky,
    Work::Poison,
    Work::Yield,
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
    /// Its key may be taken by another.
    pub(crate) may_conflict: bool,
    /// Whose want it is.
    pub(crate) owner: Option<PeerId>,
    /// Its handle came in a result: others may have had it too.
    pub(crate) is_inside: bool,
    /// It was named by somebody who did not want it.
    pub(crate) may_be_forgotten: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) nodes: Vec<Node>,
    /// Of each number, how often its task has failed on purpose.
    pub(crate) failures: HashMap<u64, u32>,
    /// Numbers of tasks that somebody has cancelled.
    cancelled: HashSet<u64>,
    /// Few recipes are kept, so that anything may be lost for good.
    pub(crate) lineage_is_short: bool,
    /// Workers die of one task only.
    pub(crate) is_gentle: bool,
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
            Work::Mix | Work::Big | Work::Flaky | Work::Yield | Work::Scattered | Work::Given => {
                Ok(value(number, &values))
            }
        };
        let any = |flag: fn(&Node) -> bool| inputs.iter().map(of).any(flag);
        self.nodes.push(Node {
            work,
            number,
            outcome: failed.map_or(own, Err),
            may_be_cancelled: any(|node| node.may_be_cancelled),
            owner: None,
            is_inside: false,
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
        self.cancelled.insert(self.nodes[node].number);
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
    pub(crate) fn judge_failure(
        &self,
        node: usize,
        failure: &Failure,
        ledger: &Ledger,
    ) -> Result<(), String> {
        let its = &self.nodes[node];
        let kind = failure.kind;
        let allowed = match kind {
            FailureKind::Cancelled => {
                let inside = |node: &Node| node.is_inside && self.cancelled.contains(&node.number);
                its.may_be_cancelled || self.any_below(node, inside)
            }
            FailureKind::KeyConflict => its.may_conflict,
            FailureKind::Forgotten => its.may_be_forgotten || its.may_be_cancelled,
            FailureKind::DataLost => self.any_below(node, |node| self.may_be_lost(node, ledger)),
            FailureKind::WorkerDied => {
                self.any_below(node, |node| self.may_be_blamed(node, ledger))
            }
            FailureKind::Error => self.any_below(node, |node| node.work == Work::Fail),
            // Some workers do not have it, and may be the first to come.
            FailureKind::UnknownFunction => self.any_below(node, |node| node.work == Work::Nest),
            _ => false,
        };
        if allowed {
            Ok(())
        } else {
            let below = self.describe_below(node, ledger);
            Err(format!(
                "{its:?} has failed: {failure:?}; below it: {below}"
            ))
        }
    }

    /// Only what was on a worker is lost, and for good only what nobody has a recipe for.
    fn may_be_lost(&self, node: &Node, ledger: &Ledger) -> bool {
        let no_recipe = node.work == Work::Scattered || self.lineage_is_short;
        no_recipe && ledger.was_lost(node.number)
    }

    /// A task is stopped only if workers were lost where it was, or where the one was that it waited for.
    fn may_be_blamed(&self, node: &Node, ledger: &Ledger) -> bool {
        let inner = node.work == Work::Nest && ledger.may_be_blamed(node.number + 1);
        (node.work == Work::Poison || !self.is_gentle)
            && (inner || ledger.may_be_blamed(node.number))
    }

    fn describe_below(&self, node: usize, ledger: &Ledger) -> String {
        let text = std::cell::RefCell::new(String::new());
        self.any_below(node, |node| {
            let lost = if ledger.was_lost(node.number) {
                " lost"
            } else {
                ""
            };
            *text.borrow_mut() += &format!("{:?} {}{lost}, ", node.work, node.number);
            false
        });
        text.into_inner()
    }

    /// Whether this is so of a task or of anything that it needs.
    fn any_below(&self, node: usize, is_so: impl Fn(&Node) -> bool) -> bool {
        let (mut open, mut seen) = (vec![node], HashSet::new());
        while let Some(node) = open.pop() {
            if is_so(&self.nodes[node]) {
                return true;
            }
            let inputs = self.nodes[node].inputs.iter().copied();
            open.extend(inputs.filter(|&input| seen.insert(input)));
        }
        false
    }

    /// The same task, under another name.
    pub(crate) fn again(&mut self, node: usize) -> usize {
        let same = self.nodes[node].clone();
        self.nodes.push(same);
        self.nodes.len() - 1
    }
}
