//! What has failed, made anew: the tasks that failed by themselves, and those that failed through them.
//!
//! 1. A failed task keeps its recipe as a finished one does: arguments, and its inputs' tasks on its client's account. What
//!    failed through an input keeps that too, so the failed part of the graph can be walked down to where it began.
//! 2. Everything failed that is found on the way is a new task, inputs first. Inputs that have not failed are shared. A key names
//!    the new task from then on, unless it has come to name another one.
//! 3. A failed task is made anew once: it wants its successor, and a second retry, also of another task that failed through
//!    it, finds that, unless it has failed in turn.
//! 4. If one of those that began it has no recipe, or was cancelled, nothing is made, and the client is told which and why.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Machine;
use super::client::Fault;
use super::submit::forgotten;
use super::task::{INNER, KEYED, MENTIONS, NO_RECIPE, SCATTERED, Task, Value};
use crate::driver::graph::{Born, Entry, GIVEN, State};
use crate::net::map::Set;
use crate::net::message::{Failure, FailureKind, Ticket};

impl Machine {
    pub(super) fn retry(&mut self, client: u32, ticket: Ticket, of: Ticket) -> Result<(), Fault> {
        self.expect_new(client, ticket)?;
        let Some(index) = self.clients[client as usize].tickets.node(of) else {
            let failure = forgotten(of.to_string(), "the task to be retried was released");
            let node = self.failed_node(failure);
            self.give_ticket(node, client, ticket);
            return Ok(());
        };
        let index = match self.make_anew(self.newest(index)) {
            Ok(index) => index,
            Err(failure) => self.failed_node(failure),
        };
        self.give_ticket(index, client, ticket);
        Ok(())
    }

    /// What a task has been made anew as, if it was.
    fn newest(&self, mut index: u32) -> u32 {
        while let Some(&successor) = self.successors.get(&index) {
            index = successor;
        }
        index
    }

    fn has_failed(&self, index: u32) -> bool {
        matches!(
            self.tasks.graph.state(index),
            State::Failed | State::Cancelled
        )
    }

    /// A want of a task that takes a failed one's place; of that itself if it has not failed.
    fn make_anew(&mut self, index: u32) -> Result<u32, Arc<Failure>> {
        for old in self.failed_below(index)? {
            self.renew(old);
        }
        let index = self.newest(index);
        self.tasks.graph.retain(index);
        Ok(index)
    }

    /// The failed tasks that a task failed through, inputs first, itself last. Walks with a list of its own: it may be long.
    fn failed_below(&mut self, index: u32) -> Result<Vec<u32>, Arc<Failure>> {
        let (mut order, mut seen) = (Vec::new(), Set::default());
        let mut open = vec![(index, false)];
        while let Some((index, done)) = open.pop() {
            if done {
                order.push(index);
                continue;
            }
            if !self.has_failed(index) || !seen.insert(index) {
                continue;
            }
            if let Some(reason) = self.not_retryable(index) {
                return Err(self.refusal(index, reason));
            }
            open.push((index, true));
            for input in self.tasks.graph.inputs(index) {
                open.push((self.newest(input), false));
            }
        }
        Ok(order)
    }

    fn not_retryable(&mut self, index: u32) -> Option<&'static str> {
        let cancelled = self.tasks.graph.state(index) == State::Cancelled;
        let task = self.tasks.task(index);
        // What failed through a task that was cancelled has its failure too: there the walk finds the task itself.
        if cancelled || (task.kind == u32::MAX && is_cancelled(task)) {
            return Some("it was cancelled, which is for good: submit it again");
        }
        if task.is(SCATTERED) {
            return Some("it is data that was scattered: scatter it again");
        }
        if task.is(NO_RECIPE) {
            return Some("its recipe was forgotten: raise `lineage_limit`, or submit it again");
        }
        (task.kind == u32::MAX).then_some("there is nothing that could run: submit it again")
    }

    fn refusal(&mut self, index: u32, reason: &str) -> Arc<Failure> {
        let mut failure = match &self.tasks.task(index).value {
            Value::Failed(failure) => Failure::clone(failure),
            Value::None | Value::Inline(_) | Value::Held(_) => {
                Failure::clone(&forgotten(String::new(), "nobody wanted it any more"))
            }
        };
        failure.text = format!(
            "it cannot be run again: {reason}; it had failed: {}",
            failure.text
        );
        Arc::new(failure)
    }

    /// Makes a new task like a failed one. Those of its inputs that have failed were made anew before.
    fn renew(&mut self, old: u32) {
        let mut given: SmallVec<[u32; 6]> = SmallVec::new();
        for input in self.tasks.graph.inputs(old) {
            let input = self.newest(input);
            self.tasks.graph.retain(input);
            self.add_user(input);
            given.push(input | GIVEN);
        }
        let new = self.resubmit(old, &given);
        self.copy_mentions(old, new);
        // The want of whoever submits is the old task's.
        self.add_user(new);
        self.successors.insert(old, new);
    }

    fn resubmit(&mut self, old: u32, given: &[u32]) -> u32 {
        let task = self.tasks.task(old);
        let again = Task {
            kind: task.kind,
            args: task.args.clone(),
            flags: task.flags & INNER,
            ..Task::default()
        };
        self.kinds.retain(again.kind);
        let spec = self.spec(again.kind);
        let key = self
            .tasks
            .graph
            .key(old)
            .filter(|_| self.tasks.task(old).is(KEYED));
        let kin = self.kins.get(&old).copied();
        let tasks = &mut self.tasks;
        let (graph, cache, fx) = (&tasks.graph, &mut tasks.cache, &mut tasks.fx);
        let (born, is_keyed) = {
            let at = key.and_then(|key| {
                graph.unpublish(old);
                match graph.entry(&key, |_| false, fx) {
                    Entry::Vacant(vacant) => Some((vacant, key)),
                    Entry::Same(_) | Entry::Conflict => None,
                }
            });
            match at {
                Some(at) => (graph.submit_at(at, cache, &spec, given, again, fx), true),
                None => (graph.submit(cache, &spec, given, again, fx), false),
            }
        };
        if let Born::Ready(index) = born {
            tasks.fx.ready.push(index);
        }
        if let Some(kin) = kin.filter(|_| is_keyed) {
            self.kins.insert(born.index(), kin);
            self.tasks.task(born.index()).set(KEYED, true);
        }
        born.index()
    }

    fn copy_mentions(&mut self, old: u32, new: u32) {
        let Some(mentioned) = self.mentions.get(&old).cloned() else {
            return;
        };
        for &index in &mentioned {
            self.tasks.graph.retain(index);
            self.add_user(index);
        }
        self.tasks.task(new).set(MENTIONS, true);
        self.mentions.insert(new, mentioned);
    }

    /// A failed task is freed, and wants its successor no longer.
    pub(super) fn drop_successor(&mut self, old: u32) {
        if let Some(successor) = self.successors.remove(&old) {
            self.drop_user(successor);
        }
    }
}

fn is_cancelled(task: &Task) -> bool {
    matches!(&task.value, Value::Failed(failure) if failure.kind == FailureKind::Cancelled)
}
