//! What time alone brings about, and what everyone should know. Who is alive the connections know, which see every byte:
//! a peer that is silent for too long is [`Gone`](super::Stimulus::Gone), as one whose connection broke.

use super::{Effect, Machine};
use crate::net::message::{Condition, FailureKind, PeerId};

/// Time that passes without a word counts as no more than so many ticks.
const LONGEST_STEP: u64 = 5;

impl Machine {
    /// The machine's own clock goes on by what the clock that it is told does, but never back, and never far at once: a clock
    /// that jumps makes nothing seem to have taken long.
    pub(super) fn advance(&mut self, told_us: u64) {
        let step = told_us.saturating_sub(self.told_us);
        self.told_us = told_us;
        let longest = self.config.tick_us.saturating_mul(LONGEST_STEP);
        self.now_us = self.now_us.saturating_add(step.min(longest));
    }

    pub(super) fn tick(&mut self) {
        self.answer_later();
        self.balance();
        self.relieve();
        self.fail_unmet();
        self.sweep_if_many();
    }

    /// How many tasks wait in queues.
    pub(super) fn ready_count(&self) -> u64 {
        let queues = self.kinds.requirements.iter();
        queues
            .map(|(_, requirement)| requirement.queue.len() as u64)
            .sum()
    }

    /// Tells everyone, once, that tasks are ready and there is no worker that takes any.
    pub(super) fn tell_if_no_workers(&mut self) {
        if self.told_no_workers || !self.everyone.items().is_empty() {
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
        let all: Vec<usize> = self
            .kinds
            .requirements
            .iter()
            .map(|(number, _)| number)
            .collect();
        for number in all {
            let nobody = self.meeting(number as u32).is_empty();
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
