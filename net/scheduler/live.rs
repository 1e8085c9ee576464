//! What time alone brings about, and what everyone should know. Who is alive the connections know, which see every byte:
//! a peer that is silent for too long is [`Gone`](super::Stimulus::Gone), as one whose connection broke.

use super::kinds::NONE;
use super::{Effect, Machine};
use crate::net::message::{Condition, FailureKind, PeerId};

impl Machine {
    /// When the next [`Tick`](super::Stimulus::Tick) is due.
    pub fn next_tick_us(&self) -> u64 {
        self.ticked_us + self.config.tick_us
    }

    /// The clock, which never goes back.
    pub(super) fn advance(&mut self, now_us: u64) {
        self.now_us = self.now_us.max(now_us);
    }

    pub(super) fn tick(&mut self) {
        self.ticked_us = self.now_us;
        self.balance();
        self.fail_unmet();
    }

    /// How many tasks wait in queues.
    pub(super) fn ready_count(&self) -> u64 {
        let queues = self.kinds.requirements.iter();
        queues
            .map(|requirement| requirement.queue.len() as u64)
            .sum()
    }

    /// Tells everyone, once, that tasks are ready and there is no worker.
    pub(super) fn tell_if_no_workers(&mut self) {
        if self.told_no_workers || !self.workers.is_empty() {
            return;
        }
        let ready = self.ready_count();
        if ready > 0 {
            self.told_no_workers = true;
            self.tell_clients(Condition::NoWorkers { ready });
        }
    }

    /// Fails tasks that no worker could run for longer than the scheduler was told to wait.
    fn fail_unmet(&mut self) {
        let Some(timeout) = self.config.no_workers_us else {
            return;
        };
        for number in 0..self.kinds.requirements.len() {
            let nobody = if number == NONE as usize {
                self.everyone.items().is_empty()
            } else {
                self.kinds.requirements[number].workers.is_empty()
            };
            let now = self.now_us;
            let requirement = &mut self.kinds.requirements[number];
            if !nobody || requirement.queue.is_empty() {
                requirement.unmet_since_us = None;
                continue;
            }
            let since = *requirement.unmet_since_us.get_or_insert(now);
            if now - since >= timeout {
                self.fail_queue(number);
            }
        }
    }

    fn fail_queue(&mut self, number: usize) {
        let requirement = &mut self.kinds.requirements[number];
        requirement.unmet_since_us = None;
        for entry in requirement.queue.drain() {
            if self.tasks.is_queued(&entry) && self.tasks.graph.claim(entry.index) {
                let kind = self.tasks.task(entry.index).kind;
                let text = "no worker came that could run it".to_owned();
                let failure = self.failure(kind, FailureKind::NoWorkers, text);
                self.fail(entry.index, failure);
            }
        }
    }

    /// Ends a connection for a reason.
    pub(super) fn disconnect(&mut self, peer: PeerId, reason: String) {
        self.out.push(Effect::Disconnect(peer, reason));
        self.gone(peer);
    }
}
