//! A worker with nothing to do takes from others: what was not sent from their lines; what was sent and has not begun by
//! asking for it back. A run that has begun stays: the worker decides, and its answer is what counts.

use super::Machine;
use super::worker::{Standing, Worker};
use crate::net::message::{PeerId, Run, ToWorker};

/// Random others looked at.
const LOOKED_AT: usize = 3;

impl Machine {
    /// A task from another worker's line, claimed for `thief`. If there is none worth its way, runs are asked back for it.
    pub(super) fn steal(&mut self, thief: u32) -> Option<u32> {
        if !self.workers[thief as usize].is_idle() {
            return None;
        }
        let taken = self.take_from_line(thief);
        if taken.is_none() {
            self.ask_back(thief);
        }
        taken
    }

    fn take_from_line(&mut self, thief: u32) -> Option<u32> {
        for _ in 0..LOOKED_AT {
            let victim = self.lined.random(&mut self.random)?;
            if victim == thief {
                continue;
            }
            if let Some(index) = self.take_last(victim, thief) {
                return Some(index);
            }
        }
        None
    }

    /// The least urgent task of a line, if it is worth its way.
    fn take_last(&mut self, victim: u32, thief: u32) -> Option<u32> {
        while let Some(entry) = self.workers[victim as usize].line.last() {
            let queued = self.tasks.is_queued(&entry);
            if queued && !self.is_worth(entry.index, victim, thief) {
                return None;
            }
            let _ = self.workers[victim as usize].line.pop_last();
            if queued && self.admit(entry.index) && self.tasks.graph.claim(entry.index) {
                self.touch(victim);
                return Some(entry.index);
            }
        }
        self.lined.set(victim, false);
        None
    }

    /// Whether a task is sooner begun by the thief, whose way to its inputs counts.
    fn is_worth(&mut self, index: u32, victim: u32, thief: u32) -> bool {
        let Ok(requirement) = self.requirement_of(index) else {
            return false;
        };
        let wait = self.real_wait_us(victim) + self.workers[victim as usize].backlog_us();
        let free = &self.kinds.requirements[requirement as usize]
            .needs
            .resources;
        self.meets(thief, requirement)
            && self.workers[thief as usize].has(free)
            && self.transfer_us(index, thief) < wait
    }

    /// How long runs wait there by what is thought of their length, or as long as the oldest has taken already.
    fn real_wait_us(&self, worker: u32) -> u64 {
        let its = &self.workers[worker as usize];
        let oldest = its.sent.values().map(|sent| sent.at_us).min();
        let age = oldest.map_or(0, |at| self.now_us.saturating_sub(at));
        its.wait_us().max(age)
    }

    fn ask_back(&mut self, thief: u32) {
        let mut victim: Option<(u64, u32)> = None;
        for _ in 0..LOOKED_AT {
            let Some(one) = self.crowded.random(&mut self.random) else {
                return;
            };
            let wait = self.real_wait_us(one);
            if one != thief && victim.is_none_or(|(longest, _)| wait > longest) {
                victim = Some((wait, one));
            }
        }
        let Some((wait, victim)) = victim else {
            return;
        };
        if wait > (2.0 * self.workers[victim as usize].round_trip_us) as u64 {
            self.ask(victim, thief);
        }
    }

    /// Asks a worker for half of what it has too much of, the newest first.
    fn ask(&mut self, victim: u32, thief: u32) {
        let its = &self.workers[victim as usize];
        let surplus = its.surplus();
        let mut open: Vec<(u64, u32)> = its
            .sent
            .iter()
            .filter(|(_, sent)| !sent.started && sent.asked_for.is_none())
            .map(|(&index, sent)| (sent.order, index))
            .collect();
        open.sort_unstable();
        let newest: Vec<u32> = open.into_iter().rev().map(|(_, index)| index).collect();
        let asked: Vec<u32> = newest
            .into_iter()
            .filter(|&index| self.is_worth(index, victim, thief))
            .take(surplus.div_ceil(2))
            .collect();
        let peer = self.workers[thief as usize].peer;
        self.ask_for(victim, &asked, peer);
    }

    /// Asks runs back, for a worker that is to have them.
    pub(super) fn ask_for(&mut self, victim: u32, asked: &[u32], peer: PeerId) {
        let mut runs = Vec::new();
        for &index in asked {
            let task = self.tasks.id(index);
            let its = &mut self.workers[victim as usize];
            if let Some(sent) = its.sent.get_mut(&index) {
                sent.asked_for = Some(peer);
                runs.push(Run {
                    task,
                    attempt: sent.attempt,
                });
            }
        }
        if !runs.is_empty() {
            self.tell_worker(victim, ToWorker::Return { runs });
        }
    }

    /// Now and then: estimates may have been wrong, and nothing else happens where nothing ends.
    pub(super) fn balance(&mut self) {
        let idle: Vec<u32> = self.idle.items().iter().copied().take(16).collect();
        if !self.crowded.items().is_empty() || !self.lined.items().is_empty() {
            idle.into_iter().for_each(|worker| self.serve(worker));
        }
    }
}

impl Worker {
    /// Runs beyond what its threads can take at once.
    pub(super) fn surplus(&self) -> usize {
        match self.standing {
            Standing::Working => self.sent.len().saturating_sub(self.slots.max(0) as usize),
            Standing::Leaving | Standing::Left => self.sent.len(),
        }
    }
}
