//! Inputs that a run could not have.
//!
//! 1. A holder that answered and had none holds the data no longer.
//! 2. One that is alive and could not be reached is named last from then on, to this task. When that has happened to a
//!    task a few times, the data are taken for lost if they can be computed again; else the task tries on, elsewhere too.
//! 3. There is an end to that: a task that has missed inputs of live holders for many times fails, and says whom it could
//!    not reach.

use smallvec::SmallVec;

use super::Machine;
use super::task::MISSED;
use crate::net::message::{FailureKind, Missing, PeerId, Run};

/// After a run has missed its inputs this often, holders that could not be reached are taken to have lost them.
const MOST_MISSES: u8 = 3;
/// After this often, and this long, the task fails: a worker that is dead is noticed before.
const MOST_TRIES: u8 = 20;
const LONG_US: u64 = 20_000_000;

/// What a task has missed.
#[derive(Debug, Default)]
pub(super) struct Misses {
    count: u8,
    since_us: u64,
    /// Holders that could not be reached.
    unreached: SmallVec<[PeerId; 4]>,
}

impl Machine {
    pub(super) fn missing(&mut self, worker: u32, missing: Missing) {
        let Some(index) = self.current(missing.run, worker) else {
            return;
        };
        self.leave(index, worker);
        self.note_misses(index, &missing.data);
        self.recover();
        if self.tasks.graph.state(index) == crate::driver::graph::State::Cancelled {
            self.end_cancelled(index);
        } else if self.has_missed_enough(index) {
            self.fail_unreached(index, worker);
        } else {
            self.requeue(index);
        }
    }

    fn note_misses(&mut self, index: u32, data: &[(Run, PeerId, bool)]) {
        self.tasks.task(index).set(MISSED, true);
        let unreached = |&&(_, holder, absent): &&(Run, PeerId, bool)| {
            !absent && self.worker_slot(holder).is_some()
        };
        let unreached: Vec<PeerId> = data
            .iter()
            .filter(unreached)
            .map(|&(_, it, _)| it)
            .collect();
        let alive = |&(_, holder, _): &(Run, PeerId, bool)| self.worker_slot(holder).is_some();
        let counts = data.iter().any(alive);
        let since_us = self.now_us;
        let misses = self.misses.entry(index).or_insert_with(|| Misses {
            since_us,
            ..Misses::default()
        });
        misses.count = misses.count.saturating_add(u8::from(counts));
        for holder in unreached {
            if !misses.unreached.contains(&holder) {
                misses.unreached.push(holder);
            }
        }
        let often = misses.count >= MOST_MISSES && !self.has_missed_enough(index);
        for &(data, holder, absent) in data {
            if absent || (often && self.has_recipe(data)) {
                self.has_not(data, holder);
            }
        }
    }

    fn has_missed_enough(&self, index: u32) -> bool {
        let misses = self.misses.get(&index);
        misses.is_some_and(|misses| {
            misses.count >= MOST_TRIES && self.now_us - misses.since_us >= LONG_US
        })
    }

    /// Whether data that are named can be computed again.
    fn has_recipe(&mut self, data: Run) -> bool {
        self.tasks.is(data.task.slot, data.task.generation) && self.can_run_again(data.task.slot)
    }

    /// A worker was found to have data no longer.
    pub(super) fn has_not(&mut self, data: Run, holder: PeerId) {
        let Some(worker) = self.worker_slot(holder) else {
            return;
        };
        let index = data.task.slot;
        if self.workers[worker as usize].held.contains(&index)
            && !self.tasks.task(index).is_actor()
            && self.data_name(index) == data
        {
            // It may have them all the same: nobody could reach it.
            self.drop_data(worker, data);
            self.remove_holder(index, worker);
        }
    }

    fn fail_unreached(&mut self, index: u32, worker: u32) {
        let (here, mut unreached) = (self.place_name(worker), Vec::new());
        for peer in self.misses[&index].unreached.clone() {
            let slot = self.worker_slot(peer);
            unreached.extend(slot.map(|slot| self.place_name(slot)));
        }
        let count = self.misses[&index].count;
        let text = format!(
            "its inputs could not be had, {count} times, at last by {here} from {}: see that workers reach each other",
            unreached.join(", ")
        );
        let kind = self.tasks.task(index).kind;
        let failure = self.failure(kind, FailureKind::DataLost, text);
        self.fail(index, failure);
    }

    /// A worker, for people.
    pub(super) fn place_name(&self, worker: u32) -> String {
        let its = &self.workers[worker as usize];
        format!(
            "worker {} ({} at {})",
            its.peer, its.hello.name, its.hello.address
        )
    }

    /// Holders that a task's runs could not reach.
    #[inline]
    pub(super) fn unreached_for(&mut self, index: u32) -> SmallVec<[PeerId; 4]> {
        if !self.tasks.task(index).is(MISSED) {
            return SmallVec::new();
        }
        let misses = self.misses.get(&index);
        misses.map_or_else(SmallVec::new, |misses| misses.unreached.clone())
    }

    #[inline]
    pub(super) fn forget_misses(&mut self, index: u32) {
        if self.tasks.task(index).is(MISSED) {
            self.tasks.task(index).set(MISSED, false);
            self.misses.remove(&index);
        }
    }
}
