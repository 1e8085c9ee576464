//! The ends of tasks, and the graph's effects: done until none is left.

use std::sync::Arc;

use super::Machine;
use super::task::{KEEPS_INPUTS, KEYED, MENTIONS, NO_RECIPE, SCATTERED, Value};
use crate::driver::graph::{Inputs, Outcome, State};
use crate::net::message::{Failure, FailureKind, Run};

impl Machine {
    /// Does what the last stimulus has brought about, until nothing is left to do.
    pub(super) fn settle(&mut self) {
        loop {
            let fx = &mut self.tasks.fx;
            if let Some((index, input)) = fx.inherit.pop() {
                self.inherit(index, input);
            } else if let Some(index) = fx.unrun.pop() {
                self.unrun(index);
            } else if let Some(index) = fx.unwanted.pop() {
                self.stop_run(index);
            } else if let Some(index) = fx.free.pop() {
                self.free(index);
            } else if !self.lost.is_empty() {
                self.recover();
            } else if !fx.ready.is_empty() {
                let ready = std::mem::take(&mut fx.ready);
                ready.into_iter().for_each(|index| self.place(index));
            } else if let Some(worker) = self.touched.pop() {
                self.serve(worker);
            } else {
                return;
            }
        }
    }

    /// Settles a claimed task with a result that is in its value.
    pub(super) fn finish(&mut self, index: u32) {
        let inline = match &self.tasks.task(index).value {
            Value::Inline(bytes) => Some(bytes.len()),
            Value::Held(_) | Value::None | Value::Failed(_) => None,
        };
        self.forget_misses(index);
        match inline {
            Some(bytes) if self.tasks.graph.is_pure(index) => {
                let inputs = self.tasks.graph.inputs(index);
                let tasks = &mut self.tasks;
                tasks
                    .graph
                    .finish_remembered(&mut tasks.cache, index, bytes, &mut tasks.fx);
                self.let_inputs_go(index, &inputs);
            }
            Some(_) => self.end(index, Outcome::Value),
            None if self.tasks.task(index).is_actor() => self.end_for_good(index),
            None => self.end_keeping_inputs(index, Outcome::Value),
        }
        self.notify(index);
        let task = self.tasks.task(index);
        if task.users == 0 && matches!(task.value, Value::Held(_)) {
            self.release_data(index);
        }
    }

    /// Settles a claimed task with a failure.
    pub(super) fn fail(&mut self, index: u32, failure: Arc<Failure>) {
        self.tasks.task(index).value = Value::Failed(failure);
        self.forget_misses(index);
        self.end_keeping_inputs(index, Outcome::Error);
        self.notify(index);
    }

    /// Settles a task whose run has ended and that was cancelled, or that nobody wants.
    pub(super) fn end_cancelled(&mut self, index: u32) {
        self.forget_misses(index);
        if self.tasks.graph.state(index) == State::Cancelled {
            self.end(index, Outcome::Nothing);
            return;
        }
        let kind = self.tasks.task(index).kind;
        let failure = self.failure(
            kind,
            FailureKind::Cancelled,
            "nobody wanted it any more".into(),
        );
        self.fail(index, failure);
    }

    pub(super) fn end(&mut self, index: u32, outcome: Outcome) {
        let inputs = self.end_in_graph(index, outcome);
        self.let_inputs_go(index, &inputs);
    }

    /// Tells the graph that a claimed task has ended, and gives its inputs.
    fn end_in_graph(&mut self, index: u32, outcome: Outcome) -> Inputs {
        let inputs = self.tasks.graph.inputs(index);
        let tasks = &mut self.tasks;
        if tasks
            .graph
            .finish(&mut tasks.cache, index, outcome, &mut tasks.fx)
        {
            tasks.fx.free.push(index);
        }
        inputs
    }

    fn let_inputs_go(&mut self, index: u32, inputs: &[u32]) {
        inputs.iter().for_each(|&input| self.drop_user(input));
        if self.tasks.task(index).is(MENTIONS) {
            self.drop_mentions(index);
        }
    }

    /// What made an actor is not run again. The node forgets its inputs: it ends once more when the actor is lost.
    fn end_for_good(&mut self, index: u32) {
        let inputs = self.end_in_graph(index, Outcome::Value);
        inputs.iter().for_each(|&input| self.lower_users(input));
        self.tasks.graph.let_go(index, &mut self.tasks.fx);
        if self.tasks.task(index).is(MENTIONS) {
            self.drop_mentions(index);
        }
    }

    /// Its recipe may be needed again: lost data are computed anew, what has failed is retried.
    fn end_keeping_inputs(&mut self, index: u32, outcome: Outcome) {
        let inputs = self.end_in_graph(index, outcome);
        inputs.iter().for_each(|&input| self.lower_users(input));
        if !inputs.is_empty() && self.can_run_again(index) {
            self.keep_inputs(index);
        }
    }

    /// A task was won before it ran, for an input of it has failed.
    fn inherit(&mut self, index: u32, input: u32) {
        let failure = match &self.tasks.task(input).value {
            Value::Failed(failure) => failure.clone(),
            Value::None | Value::Inline(_) | Value::Held(_) => {
                let kind = self.tasks.task(input).kind;
                self.failure(kind, FailureKind::Cancelled, "it was cancelled".into())
            }
        };
        self.tasks.task(index).value = Value::Failed(failure);
        self.settle_unrun(index, true);
        self.notify(index);
    }

    /// A task was won before it ran: cancelled, or let go by the last who wanted it.
    fn unrun(&mut self, index: u32) {
        let task = self.tasks.task(index);
        // Somebody may have come to want it after its token was set and before its run came to nothing.
        let late = task.users > 0 && matches!(task.value, Value::None);
        let kind = task.kind;
        if late {
            let text = "nobody wanted it any more".to_owned();
            let failure = self.failure(kind, FailureKind::Cancelled, text);
            self.tasks.task(index).value = Value::Failed(failure);
            self.notify(index);
        }
        self.settle_unrun(index, false);
    }

    fn settle_unrun(&mut self, index: u32, failed: bool) {
        self.forget_misses(index);
        self.unwatch(index);
        let inputs = self.tasks.graph.inputs(index);
        for &input in &inputs {
            self.lower_users(input);
            if failed {
                // The graph gives a want of it up, and the recipe is kept.
                self.tasks.graph.retain(input);
            }
        }
        let tasks = &mut self.tasks;
        tasks
            .graph
            .finish_unrun(&mut tasks.cache, index, failed, &mut tasks.fx);
        if failed {
            self.keep_inputs(index);
        } else if self.tasks.task(index).is(MENTIONS) {
            self.drop_mentions(index);
        }
    }

    /// Nobody refers to a task any more.
    fn free(&mut self, index: u32) {
        self.unwatch(index);
        let data = Run {
            task: self.tasks.id(index),
            attempt: self.tasks.task(index).attempt,
        };
        let kept = if self.tasks.task(index).is(KEEPS_INPUTS) {
            self.tasks.graph.inputs(index)
        } else {
            Inputs::new()
        };
        let tasks = &mut self.tasks;
        let task = tasks.graph.remove(&mut tasks.cache, index);
        debug_assert!(task.at.is_none() && task.users == 0, "{task:?}");
        if task.is(KEEPS_INPUTS) {
            self.off_account(task.kind);
        }
        for input in kept {
            self.tasks.graph.drop_want(input, &mut self.tasks.fx);
        }
        if task.is(MENTIONS) {
            self.drop_mentions(index);
        }
        if task.is(KEYED) {
            self.kins.remove(&index);
        }
        if task.is(SCATTERED) {
            self.scattered_names.remove(&index);
        }
        if task.is(NO_RECIPE) {
            self.graves.remove(&index);
        }
        if matches!(task.value, Value::Failed(_)) {
            self.drop_successor(index);
        }
        match task.value {
            Value::Held(held) => self.forget_data(index, data, *held),
            Value::None | Value::Inline(_) | Value::Failed(_) => {
                self.drop_mentions_of_result(index)
            }
        }
        self.release_kind(task.kind);
    }
}
