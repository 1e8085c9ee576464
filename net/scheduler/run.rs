//! What workers say of their runs.
//!
//! A run is known by its task, in one life of its slot, and its attempt; and it must be in the books of the worker that speaks
//! of it. Anything else is out of date: a result that nobody asked for is dropped, and nothing else happens.
//!
//! A worker's death counts against the runs that had begun there. A task that has so been struck often enough that one more
//! would stop it runs beside no other such: so the task that kills workers is told from those that were there by chance.

use std::sync::Arc;

use super::client::Fault;
use super::task::Value;
use super::worker::Sent;
use super::{Machine, task};
use crate::driver::graph::{Born, GIVEN, State};
use crate::net::message::{
    Done, Failure, FailureKind, Finished, FromWorker, INLINE_LIMIT, PeerId, Run,
};

impl Machine {
    /// Does what a worker says.
    ///
    /// # Errors
    /// What no worker may say.
    pub(super) fn worker_says(&mut self, worker: u32, words: FromWorker) -> Result<(), Fault> {
        match words {
            FromWorker::Started { run } => {
                if let Some(index) = self.current(run, worker)
                    && let Some(sent) = self.workers[worker as usize].sent.get_mut(&index)
                {
                    sent.started = true;
                    self.tell_stage(index);
                }
            }
            FromWorker::Done(done) => return self.done(worker, done),
            FromWorker::Failed { run, failure } => self.run_failed(worker, run, failure),
            FromWorker::Cancelled { run } => {
                if let Some(index) = self.current(run, worker) {
                    self.leave(index, worker);
                    self.end_cancelled(index);
                }
            }
            FromWorker::Missing(missing) => self.missing(worker, missing),
            FromWorker::Returned { runs, kept } => self.returned(worker, runs, kept),
            FromWorker::Slots { delta } => {
                let its = &mut self.workers[worker as usize];
                // The run is in the books, and its thread is free for another.
                its.slots = (its.slots - i64::from(delta)).clamp(0, 1 << 20);
                self.touch(worker);
            }
            FromWorker::Stored { data, bytes } => self.stored(worker, data, bytes),
            FromWorker::NotCopied { data } => self.not_copied(worker, data),
            FromWorker::Leaving => self.start_leaving(worker),
            FromWorker::Client(words) => {
                let client = self.client_of(worker);
                return self.client_says(client, words);
            }
        }
        Ok(())
    }

    /// The client that a worker's tasks are.
    fn client_of(&mut self, worker: u32) -> u32 {
        if let Some(client) = self.workers[worker as usize].client {
            return client;
        }
        let peer = self.workers[worker as usize].peer;
        let client = self.client_joined(peer, true, None);
        self.workers[worker as usize].client = Some(client);
        client
    }

    /// The task of a run, if it is the current one and this worker has it.
    pub(super) fn current(&mut self, run: Run, worker: u32) -> Option<u32> {
        let index = run.task.slot;
        if !self.tasks.is(index, run.task.generation) {
            return None;
        }
        let task = self.tasks.task(index);
        (task.at == Some(worker) && task.attempt == run.attempt).then_some(index)
    }

    fn done(&mut self, worker: u32, done: Done) -> Result<(), Fault> {
        let held = !matches!(done.result, Finished::Inline(_));
        if let Finished::Inline(bytes) = &done.result
            && bytes.len() > INLINE_LIMIT
        {
            return Err(format!("an inline result of {} bytes", bytes.len()));
        }
        let Some(index) = self.current(done.run, worker) else {
            if held {
                self.drop_data(worker, done.run);
            }
            return Ok(());
        };
        if let Some(sent) = self.leave(index, worker) {
            self.measure(index, worker, &sent, &done);
        }
        if self.tasks.graph.state(index) == State::Cancelled {
            if held {
                self.drop_data(worker, done.run);
            }
            self.end_cancelled(index);
            return Ok(());
        }
        self.keep_result(index, worker, done);
        self.finish(index);
        Ok(())
    }

    fn keep_result(&mut self, index: u32, worker: u32, done: Done) {
        let is_actor = matches!(done.result, Finished::Actor);
        let task = self.tasks.task(index);
        task.value = match done.result {
            Finished::Inline(bytes) => Value::Inline(bytes),
            Finished::Held { bytes } => Value::held(bytes, false),
            Finished::Actor => Value::held(0, true),
        };
        if is_actor {
            // Another one would not be what it has become.
            task.set(task::NO_RECIPE, true);
        }
        self.add_holder(index, worker);
        if done.mentions.is_empty() {
            return;
        }
        let client = self.client_of(worker);
        let mentioned = done.mentions.iter();
        let mentioned = mentioned
            .map(|&mention| self.take_mention(client, mention))
            .collect();
        self.result_mentions.insert(index, mentioned);
    }

    fn measure(&mut self, index: u32, worker: u32, sent: &Sent, done: &Done) {
        let function = self.kinds.kind(self.tasks.task(index).kind).function;
        self.kinds.functions[function as usize].measure(done.run_us);
        let took = self.now_us.saturating_sub(sent.at_us);
        let known = u64::from(done.run_us) + u64::from(done.lay_us);
        self.workers[worker as usize].measure(took, known);
    }

    fn run_failed(&mut self, worker: u32, run: Run, failure: Arc<Failure>) {
        let Some(index) = self.current(run, worker) else {
            return;
        };
        self.leave(index, worker);
        if self.tasks.graph.state(index) == State::Cancelled {
            self.end_cancelled(index);
        } else if self.may_try_again(index, failure.kind) {
            self.requeue(index);
        } else {
            if failure.kind == FailureKind::TimedOut {
                // As after a cancel, the next submit of its key is a new task.
                self.tasks.graph.unpublish(index);
            }
            self.fail(index, failure);
        }
    }

    /// Whether a failed attempt is followed by another.
    fn may_try_again(&mut self, index: u32, kind: FailureKind) -> bool {
        let task = self.tasks.task(index);
        let Some(retries) = self.kinds.kind(task.kind).info.retries else {
            return false;
        };
        match kind {
            FailureKind::Reschedule => true,
            FailureKind::Error | FailureKind::Panicked | FailureKind::TimedOut => {
                let again = u32::from(task.failures) < retries;
                task.failures = task.failures.saturating_add(1);
                again
            }
            FailureKind::Cancelled
            | FailureKind::Encoding
            | FailureKind::KeyConflict
            | FailureKind::UnknownFunction
            | FailureKind::NoSuchPool
            | FailureKind::DataLost
            | FailureKind::WorkerDied
            | FailureKind::NoWorkers
            | FailureKind::Forgotten
            | FailureKind::Deadlock
            | FailureKind::Poisoned => false,
        }
    }

    /// A claimed task whose run has come to nothing is ready again, or waits again if inputs were lost.
    pub(super) fn requeue(&mut self, index: u32) {
        let mut inputs = self.tasks.graph.inputs(index);
        // It still wants its inputs: the wants are given to itself.
        inputs.iter_mut().for_each(|input| *input |= GIVEN);
        let tasks = &mut self.tasks;
        let born = tasks
            .graph
            .rearm(&mut tasks.cache, index, &inputs, &mut tasks.fx);
        match born {
            Born::Ready(index) => self.tasks.fx.ready.push(index),
            _ => self.tell_stage(index),
        }
    }

    fn returned(&mut self, worker: u32, runs: Vec<Run>, kept: Vec<Run>) {
        for run in kept {
            if let Some(index) = self.current(run, worker)
                && let Some(sent) = self.workers[worker as usize].sent.get_mut(&index)
            {
                // It runs, or is about to.
                (sent.asked_for, sent.started) = (None, true);
                self.tell_stage(index);
            }
        }
        for run in runs {
            let Some(index) = self.current(run, worker) else {
                continue;
            };
            let sent = self.leave(index, worker);
            let thief = sent.and_then(|sent| sent.asked_for);
            if self.tasks.graph.state(index) == State::Cancelled {
                self.end_cancelled(index);
            } else if !thief.is_some_and(|thief| self.hand_over(index, thief)) {
                self.requeue(index);
            }
        }
    }

    /// Gives a run that was asked back to the worker that it was asked for, if that still has nothing better to do.
    fn hand_over(&mut self, index: u32, thief: PeerId) -> bool {
        let Some(thief) = self.worker_slot(thief) else {
            return false;
        };
        let inputs = self.tasks.graph.inputs(index);
        let all_there = inputs
            .iter()
            .all(|&input| self.tasks.task(input).has_data());
        let Ok(requirement) = self.requirement_of(index) else {
            return false;
        };
        let needs = &self.kinds.requirements[requirement as usize].needs;
        let its = &self.workers[thief as usize];
        let takes = all_there && its.is_idle() && its.meets(needs) && its.has(&needs.resources);
        if takes && !self.tasks.graph.is_cancel_requested(index) {
            self.send(index, thief);
            self.touch(thief);
            return true;
        }
        false
    }

    /// Data has arrived at a worker: what a client puts, or a copy.
    fn stored(&mut self, worker: u32, data: Run, bytes: u64) {
        let index = data.task.slot;
        if self.is_put(index, data, worker) {
            self.put_arrived(index, worker, bytes);
            return;
        }
        let known = self.tasks.is(index, data.task.generation)
            && self.tasks.graph.state(index) == State::Finished
            && self.data_name(index) == data
            && matches!(&self.tasks.task(index).value, Value::Held(held) if !held.is_actor);
        if !known {
            self.drop_data(worker, data);
            return;
        }
        self.add_holder(index, worker);
        self.copied(index);
    }
}
