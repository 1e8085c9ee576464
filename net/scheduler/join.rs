//! Workers come and go.
//!
//! However a worker's end is noticed, it is one path: its data have one holder less; its runs are ready again; its line is
//! placed anew; what its tasks wanted is wanted by them no longer. In that order, so that a run whose inputs were there too
//! waits for these to be computed again.

use super::Machine;
use super::kinds::LAST_CHANCE;
use super::worker::{Sent, Standing, Worker};
use crate::driver::graph::State;
use crate::net::message::{
    Condition, FailureKind, InputData, PeerId, Source, ToClient, ToWorker, WorkerHello,
};

/// Threads that a worker may say it has.
const MOST_SLOTS: u32 = 1 << 16;

impl Machine {
    pub(super) fn worker_joined(&mut self, peer: PeerId, hello: WorkerHello) -> u32 {
        let mut worker = Worker::new(peer, hello);
        worker.slots = worker.slots.min(i64::from(MOST_SLOTS));
        for (number, function) in worker.hello.functions.iter().enumerate() {
            let function = self.kinds.function(function);
            if worker.functions.insert(function, number as u32).is_none() {
                let function = &mut self.kinds.functions[function as usize];
                function.workers += 1;
                function.is_known = true;
            }
        }
        worker.resources.push((LAST_CHANCE, 1));
        for (name, amount) in &worker.hello.resources {
            if !name.is_empty() {
                worker.resources.push((self.kinds.resource(name), *amount));
            }
        }
        worker.free = worker.resources.clone();
        let slot = self.workers.insert(worker) as u32;
        self.meet_requirements(slot);
        self.everyone.set(slot, true);
        if self.told_no_workers {
            self.told_no_workers = false;
            let workers = self.everyone.items().len() as u32;
            self.tell_clients(Condition::Workers { workers });
        }
        self.place_puts(None);
        self.touch(slot);
        slot
    }

    fn meet_requirements(&mut self, slot: u32) {
        let worker = &mut self.workers[slot as usize];
        for (number, requirement) in self.kinds.requirements.iter_mut().skip(1) {
            if worker.meets(&requirement.needs) {
                requirement.workers.push(slot);
                requirement.unmet_since_us = None;
                worker.met.push(number as u32);
            }
        }
    }

    /// A worker takes no new work: it is out of every list from which one is picked.
    fn retire_from_lists(&mut self, slot: u32) {
        for &requirement in &std::mem::take(&mut self.workers[slot as usize].met) {
            let workers = &mut self.kinds.requirements[requirement as usize].workers;
            workers.retain(|&worker| worker != slot);
        }
        for list in [
            &mut self.everyone,
            &mut self.idle,
            &mut self.roomy,
            &mut self.crowded,
            &mut self.lined,
        ] {
            list.set(slot, false);
        }
        for entry in self.workers[slot as usize].line.drain() {
            if self.tasks.is_queued(&entry) {
                self.tasks.fx.ready.push(entry.index);
            }
        }
    }

    pub(super) fn worker_gone(&mut self, slot: u32) {
        self.retire_from_lists(slot);
        for &function in self.workers[slot as usize].functions.keys() {
            self.kinds.functions[function as usize].workers -= 1;
        }
        let mut held: Vec<u32> = self.workers[slot as usize].held.iter().copied().collect();
        held.sort_unstable();
        held.into_iter()
            .for_each(|index| self.remove_holder(index, slot));
        let blamed = self.take_runs(slot);
        let gone = self.workers.remove(slot as usize);
        self.recover();
        for (index, blame) in blamed {
            self.run_lost(index, blame, gone.standing);
        }
        if let Some(client) = gone.client {
            self.client_gone(client);
        }
        self.place_puts(Some(slot));
        self.forget_copying();
    }

    /// Copies that a dead worker was to make are asked for anew.
    fn forget_copying(&mut self) {
        let leaving = |worker: &Worker| worker.standing == Standing::Leaving;
        let waiting: Vec<u32> = self
            .workers
            .iter()
            .filter(|(_, worker)| leaving(worker))
            .map(|(slot, _)| slot as u32)
            .collect();
        for slot in waiting {
            self.workers[slot as usize].copying.clear();
            self.touch(slot);
        }
    }

    /// Takes all runs out of a dead worker's books, in order, and says which had begun: those of which it said so, and, as
    /// its last words may be lost, those that were next as far as it had threads.
    fn take_runs(&mut self, slot: u32) -> Vec<(u32, bool)> {
        let worker = &mut self.workers[slot as usize];
        let mut sent: Vec<(u32, Sent)> = worker.sent.drain().collect();
        sent.sort_unstable_by_key(|(_, sent)| sent.order);
        let mut threads =
            worker.slots.max(0) - sent.iter().filter(|(_, sent)| sent.started).count() as i64;
        let mut blamed = Vec::with_capacity(sent.len());
        for (index, sent) in sent {
            let next = !sent.started && threads > 0;
            threads -= i64::from(next);
            self.tasks.task(index).at = None;
            blamed.push((index, sent.started || next));
        }
        blamed
    }

    /// A run has died with its worker.
    fn run_lost(&mut self, index: u32, blame: bool, standing: Standing) {
        if self.tasks.graph.state(index) == State::Cancelled {
            self.end_cancelled(index);
            return;
        }
        let task = self.tasks.task(index);
        if blame && standing == Standing::Working {
            task.deaths = task.deaths.saturating_add(1);
        }
        let (deaths, kind) = (task.deaths, task.kind);
        if self.config.deaths > 0 && deaths >= self.config.deaths {
            let text =
                format!("{deaths} workers died while it ran there, so it is not tried again");
            let failure = self.failure(kind, FailureKind::WorkerDied, text);
            self.fail(index, failure);
        } else {
            self.requeue(index);
        }
    }

    pub(super) fn tell_clients(&mut self, condition: Condition) {
        let clients: Vec<u32> = self
            .clients
            .iter()
            .map(|(client, _)| client as u32)
            .collect();
        for client in clients {
            self.tell_client(client, ToClient::Condition(condition));
        }
    }

    // Leaving.

    /// A client asks a worker to leave.
    pub(super) fn retire(&mut self, peer: PeerId) {
        if let Some(worker) = self.worker_slot(peer) {
            self.start_leaving(worker);
        }
    }

    /// A worker leaves: what it has not begun goes to others, and so do copies of what only it holds.
    pub(super) fn start_leaving(&mut self, slot: u32) {
        if self.workers[slot as usize].standing != Standing::Working {
            return;
        }
        self.workers[slot as usize].standing = Standing::Leaving;
        self.retire_from_lists(slot);
        let its = &self.workers[slot as usize];
        let mut open: Vec<u32> = its
            .sent
            .iter()
            .filter(|(_, sent)| !sent.started)
            .map(|(&index, _)| index)
            .collect();
        open.sort_unstable();
        let peer = its.peer;
        self.ask_for(slot, &open, peer);
        self.touch(slot);
    }

    /// Lets a leaving worker go when nothing runs there and others have what it holds. If there are no others, it goes
    /// all the same: a cluster that stops has nobody to hand over to.
    pub(super) fn see_off(&mut self, slot: u32) {
        if self.everyone.items().is_empty() {
            self.let_leave(slot);
            return;
        }
        let mut sole = Vec::new();
        for &index in &self.workers[slot as usize].held {
            let task = self.tasks.task(index);
            if task.users > 0
                && let super::task::Value::Held(held) = &task.value
                && held.holders.len() == 1
                && !held.is_actor
            {
                sole.push(index);
            }
        }
        sole.sort_unstable();
        for &index in &sole {
            if !self.workers[slot as usize].copying.contains(&index) {
                self.copy_from(index, slot);
            }
        }
        if sole.is_empty() {
            self.let_leave(slot);
        }
    }

    fn let_leave(&mut self, slot: u32) {
        let its = &mut self.workers[slot as usize];
        if its.sent.is_empty() && its.standing == Standing::Leaving {
            its.standing = Standing::Left;
            self.tell_worker(slot, ToWorker::Leave);
        }
    }

    fn copy_from(&mut self, index: u32, slot: u32) {
        let Some(heir) = self.everyone.random(&mut self.random) else {
            return;
        };
        self.workers[slot as usize].copying.insert(index);
        let data = self.data_name(index);
        let super::task::Value::Held(held) = &self.tasks.task(index).value else {
            return;
        };
        let bytes = held.bytes;
        let holders = vec![self.holder(slot)];
        let source = Source::At { bytes, holders };
        let mentions = self.mentioned_by_result(index);
        let copy = InputData {
            data,
            source,
            mentions,
        };
        self.tell_worker(heir, ToWorker::Copy(copy));
    }

    /// A copy has been made: those who wait for it to leave are looked at again.
    pub(super) fn copied(&mut self, index: u32) {
        let super::task::Value::Held(held) = &self.tasks.task(index).value else {
            return;
        };
        for worker in held.holders.clone() {
            if self.workers[worker as usize].copying.remove(&index) {
                self.touch(worker);
            }
        }
    }

    /// A copy could not be made: another try.
    pub(super) fn not_copied(&mut self, _worker: u32, data: crate::net::message::Run) {
        let index = data.task.slot;
        if self.tasks.is(index, data.task.generation) {
            self.copied(index);
        }
    }
}
