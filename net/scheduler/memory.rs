//! Workers that hold almost as much as they may: see [`Worker::is_full`](super::worker::Worker::is_full).
//!
//! Such a worker is in none of the lists from which one is picked. It runs what stands in its own line, one at a time, since the
//! inputs of that are there, and others take from the line meanwhile. It takes from a queue only if all who could are full.

use super::Machine;
use super::kinds::NONE;

impl Machine {
    /// Those that meet a requirement.
    pub(super) fn meeting(&self, requirement: u32) -> &[u32] {
        match requirement {
            NONE => self.everyone.items(),
            other => &self.kinds.requirements[other as usize].workers,
        }
    }

    /// Whether somebody who meets a requirement is not full. Most are not, so this looks at one or two.
    pub(super) fn others_have_memory(&self, requirement: u32) -> bool {
        let mut meeting = self.meeting(requirement).iter();
        meeting.any(|&worker| !self.workers[worker as usize].is_full())
    }

    /// One that is full and takes from this queue all the same, since all are.
    pub(super) fn full_one_for(&self, requirement: u32) -> Option<u32> {
        if self.others_have_memory(requirement) {
            return None;
        }
        let resources = &self.kinds.requirements[requirement as usize]
            .needs
            .resources;
        let takes = |worker: &u32| {
            let its = &self.workers[*worker as usize];
            its.has_room() && its.has(resources)
        };
        self.meeting(requirement).iter().copied().find(takes)
    }

    pub(super) fn full_count(&self, requirement: u32) -> usize {
        let meeting = self.meeting(requirement).iter();
        meeting
            .filter(|&&worker| self.workers[worker as usize].is_full())
            .count()
    }

    /// Adds to what a worker holds.
    pub(super) fn hold(&mut self, worker: u32, bytes: u64) {
        let its = &mut self.workers[worker as usize];
        let was_full = its.is_full();
        its.held_bytes += bytes;
        if its.is_full() != was_full {
            self.touch(worker);
        }
    }

    /// Takes from what a worker holds.
    pub(super) fn unhold(&mut self, worker: u32, bytes: u64) {
        let its = &mut self.workers[worker as usize];
        let was_full = its.is_full();
        its.held_bytes -= bytes;
        if its.is_full() != was_full {
            self.touch(worker);
        }
    }

    /// Now and then: the last that was not full may have gone, or have become so.
    pub(super) fn relieve(&mut self) {
        let full: Vec<u32> = self
            .everyone
            .items()
            .iter()
            .copied()
            .filter(|&worker| self.workers[worker as usize].is_full())
            .collect();
        full.into_iter().for_each(|worker| self.touch(worker));
    }
}
