//! Functions, resources and requirements that nobody uses any more.
//!
//! They are interned when somebody names them, and are few; so nobody counts who uses them. But clients come and go, each with
//! names of its own: when there are many, those in use are marked, and the others go. So there are never more than twice what is
//! in use, and what was named since the last tick.

use super::Machine;
use super::kinds::{LAST_CHANCE, NONE};
use crate::net::map::Set;

/// Fewer than this are not worth a sweep.
pub(super) const LEAST_SWEEP: usize = 1024;

/// What is in use, by number.
#[derive(Default)]
struct InUse {
    functions: Set<u32>,
    resources: Set<u32>,
    requirements: Set<u32>,
}

impl Machine {
    /// Sweeps if so much was interned since the last sweep that it costs little beside that.
    pub(super) fn sweep_if_many(&mut self) {
        if self.kinds.swept_len() < self.sweep_at {
            return;
        }
        let mut used = InUse::default();
        self.mark_requirements(&mut used);
        self.mark_functions(&mut used);
        self.mark_resources(&mut used);
        self.sweep(&used);
        self.sweep_at = LEAST_SWEEP.max(2 * self.kinds.swept_len());
    }

    /// A requirement is in use while tasks or data wait for who meets it. It is found anew when it is needed again.
    fn mark_requirements(&self, used: &mut InUse) {
        used.requirements.insert(NONE);
        for (number, requirement) in &self.kinds.requirements {
            if !requirement.queue.is_empty() {
                used.requirements.insert(number as u32);
            }
        }
        let puts = self.puts.values().map(|put| put.requirement);
        used.requirements.extend(puts);
    }

    fn mark_functions(&self, used: &mut InUse) {
        for (_, client) in &self.clients {
            used.functions.extend(client.functions.iter().copied());
        }
        for (_, worker) in &self.workers {
            used.functions.extend(worker.functions.keys().copied());
        }
        let kinds = self.kinds.kinds.iter().map(|(_, kind)| kind.function);
        used.functions.extend(kinds);
        for &number in &used.requirements {
            let needs = &self.kinds.requirements[number as usize].needs;
            used.functions.extend(needs.function);
        }
    }

    fn mark_resources(&self, used: &mut InUse) {
        used.resources.insert(LAST_CHANCE);
        let of = |resources: &[(u32, u64)], used: &mut InUse| {
            used.resources.extend(resources.iter().map(|&(id, _)| id));
        };
        for (_, kind) in &self.kinds.kinds {
            of(&kind.resources, used);
        }
        for (_, worker) in &self.workers {
            of(&worker.resources, used);
        }
        for number in used.requirements.clone() {
            let needs = &self.kinds.requirements[number as usize].needs;
            of(&needs.resources, used);
        }
    }

    fn sweep(&mut self, used: &InUse) {
        let kinds = &mut self.kinds;
        let keeps = |set: &Set<u32>, number: usize| set.contains(&(number as u32));
        kinds
            .functions
            .retain(|number, _| keeps(&used.functions, number));
        kinds
            .resource_names
            .retain(|number, _| keeps(&used.resources, number));
        kinds
            .requirements
            .retain(|number, _| keeps(&used.requirements, number));
        kinds
            .function_numbers
            .retain(|_, number| used.functions.contains(number));
        kinds
            .resource_numbers
            .retain(|_, number| used.resources.contains(number));
        kinds
            .requirement_numbers
            .retain(|_, number| used.requirements.contains(number));
        for (_, worker) in &mut self.workers {
            worker
                .met
                .retain(|requirement| used.requirements.contains(requirement));
        }
    }
}
