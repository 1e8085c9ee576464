//! Finding cycles of waits.
//!
//! A body parked for 10 ms is walked from once, whatever else runs. Edges: a parked body to the task it waits for, or to
//! those that have the locks it waits for; a waiting task to its unsettled inputs; a call in an actor's mailbox, and who
//! waits for room there, to the call in progress. All of them are waits for all, so a way back to the start is a
//! deadlock. A task that waits for resources has edges to their holders and to who is before it in line; since any
//! holder may give back enough, a way back over those counts only among tasks that are [`stuck`](super::stuck). Waits
//! with a deadline, for any of a set, or for queues and variables end the walk: something else may end them. A cycle
//! counts only if a second walk finds the same parks; then the body that parked last gets the error.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::local::Local;
use super::stuck::stuck;
use super::waits::{On, Records};
use crate::error::WaitError;
use crate::graph::{Id, State as TaskState};
use crate::sync::Claim;

/// How long a body must have been parked before it is worth a walk.
const PARKED: Duration = Duration::from_millis(10);

/// A parked body: its task, the park's number, what it waits for.
struct Parked {
    epoch: u64,
    on: On,
}

/// The tasks of a cycle in order, and the last park among them.
#[derive(PartialEq)]
struct Cycle {
    tasks: Vec<u32>,
    last: u64,
}

impl Engine {
    /// Looks for cycles from each body that has been parked long enough and was not walked from. Says whether some
    /// are still too fresh.
    pub(super) fn detect(&self, local: &Local) -> bool {
        let in_turn = self.queues.baton.is_some();
        let arrivals = self.resources.arrivals();
        self.waits.with(|records| {
            // A task that got into line for resources may have closed a cycle of parks that were walked from already.
            let again = std::mem::replace(&mut records.arrivals, arrivals) != arrivals;
            let mut fresh = false;
            let mut starts = Vec::new();
            for (key, record) in &mut records.slab {
                let ripe = in_turn || record.since.elapsed() >= PARKED;
                if record.is_in_task() && (again || !record.walked) && ripe {
                    record.walked = true;
                    starts.push(key);
                }
                fresh |= !ripe;
            }
            let stuck = self.stuck_among(local, records, &starts);
            for key in starts {
                self.judge(local, records, stuck.as_ref(), key);
            }
            fresh
        })
    }

    /// While tasks are in line for resources: those that can never end, of what these parks wait for.
    fn stuck_among(
        &self,
        local: &Local,
        records: &Records,
        starts: &[usize],
    ) -> Option<HashSet<u32>> {
        if starts.is_empty() || !self.resources.has_waiters() {
            return None;
        }
        let parked = parked(records);
        let starts = starts.iter().filter_map(|&key| records.slab[key].task());
        let next = |task| self.waits_or_lacks(local, &parked, task);
        Some(stuck(starts, &self.resources, next))
    }

    fn judge(
        &self,
        local: &Local,
        records: &mut Records,
        stuck: Option<&HashSet<u32>>,
        key: usize,
    ) {
        let Some(start) = records.slab[key].task() else {
            return;
        };
        if stuck.is_some_and(|stuck| !stuck.contains(&start)) {
            return;
        }
        let parked = parked(records);
        let Some(cycle) = self.cycle(local, &parked, start) else {
            return;
        };
        // The records are locked, so the parks are the same; the tasks between them are looked at again.
        if self.cycle(local, &parked, start)
            != Some(Cycle {
                tasks: cycle.tasks.clone(),
                last: cycle.last,
            })
        {
            return;
        }
        let text = self.describe(local, &parked, &cycle);
        for (_, record) in &mut records.slab {
            if record.epoch == cycle.last {
                record.end(WaitError::Deadlock(text.clone()));
            } else if record
                .frames
                .iter()
                .any(|frame| cycle.tasks.contains(&frame.task))
            {
                // A body that waits for several locks may be in another cycle too.
                record.walked = false;
            }
        }
    }

    /// Whether the first task cannot settle before the second.
    pub(super) fn needs(&self, local: &Local, task: u32, other: u32) -> bool {
        let parked = self.waits.with(|records| parked(records));
        way(task, other, |task| self.waits_for(local, &parked, task)).is_some()
    }

    fn cycle(&self, local: &Local, parked: &HashMap<u32, Parked>, start: u32) -> Option<Cycle> {
        let tasks = if self.resources.has_waiters() {
            let next = |task| self.waits_or_lacks(local, parked, task);
            let stuck = stuck([start], &self.resources, next);
            way(start, start, |task| {
                let mut on = next(task);
                on.retain(|other| stuck.contains(other));
                on
            })
        } else {
            way(start, start, |task| self.waits_for(local, parked, task))
        }?;
        let last = tasks
            .iter()
            .filter_map(|task| parked.get(task))
            .map(|p| p.epoch)
            .max()?;
        Some(Cycle { tasks, last })
    }

    /// As [`waits_for`](Self::waits_for), and those who hold what a task in line for resources needs.
    fn waits_or_lacks(&self, local: &Local, parked: &HashMap<u32, Parked>, task: u32) -> Vec<u32> {
        let mut on = self.waits_for(local, parked, task);
        on.extend(self.resources.before(task));
        on
    }

    /// The tasks without which this one cannot go on.
    fn waits_for(&self, local: &Local, parked: &HashMap<u32, Parked>, task: u32) -> Vec<u32> {
        if let Some(Parked { on, .. }) = parked.get(&task) {
            return match on {
                &On::Task(on) if !self.graph.is_settled(on) => vec![on],
                On::Lock(claim) => self.holders(local, claim),
                &On::Room(actor) => self.call_at(actor).into_iter().collect(),
                _ => Vec::new(),
            };
        }
        // Pinned: its list of inputs must not be freed while it is read.
        let waiting = || self.graph.state(task) == TaskState::Waiting;
        let inputs = local.pinned(task, || {
            if waiting() {
                self.graph.inputs(task)
            } else {
                self.call_ahead(task).into_iter().collect()
            }
        });
        let unsettled = |input: &u32| !self.graph.is_settled(*input);
        inputs.into_iter().flatten().filter(unsettled).collect()
    }

    /// The tasks that have the locks of a claim. A holder is known by its id: it may have ended, and its slot may be
    /// another task's by now; that the walk is done twice covers the time after this look.
    fn holders(&self, local: &Local, claim: &Arc<Claim>) -> Vec<u32> {
        let is_live = |id: &Id| local.pinned(id.index, || self.graph.id(id.index) == *id);
        let ids = self.coordination.locks.holders(claim).into_iter();
        ids.filter(|id| is_live(id) == Some(true))
            .map(|id| id.index)
            .collect()
    }

    fn describe(&self, local: &Local, parked: &HashMap<u32, Parked>, cycle: &Cycle) -> String {
        let label = |task: u32| {
            let label = local.pinned(task, || self.label(task)).unwrap_or_default();
            match self.resources.lack(task) {
                Some(lack) => format!("{label} (waits for {})", lack.names()),
                None => label,
            }
        };
        let step = |&task: &u32| match parked.get(&task).map(|parked| &parked.on) {
            Some(On::Lock(claim)) => format!("{} -({})-> ", label(task), claim.what()),
            _ => format!("{} -> ", label(task)),
        };
        let steps: String = cycle.tasks.iter().map(step).collect();
        steps + &label(cycle.tasks[0])
    }

    /// A task as texts name it: its name, and its key if it has one.
    pub(crate) fn label(&self, task: u32) -> String {
        match self.graph.key(task) {
            Some(key) => format!("`{}` (key {key})", self.name(task)),
            None => format!("`{}`", self.name(task)),
        }
    }
}

/// The tasks on a way from `start` to `end`, without `end`; depth first and without recursion.
fn way(start: u32, end: u32, waits_for: impl Fn(u32) -> Vec<u32>) -> Option<Vec<u32>> {
    let mut seen = HashSet::new();
    let mut path: Vec<(u32, Vec<u32>)> = vec![(start, waits_for(start))];
    while let Some((_, next)) = path.last_mut() {
        match next.pop() {
            None => {
                path.pop();
            }
            Some(task) if task == end => {
                return Some(path.iter().map(|(task, _)| *task).collect());
            }
            Some(task) if seen.insert(task) => path.push((task, waits_for(task))),
            Some(_) => {}
        }
    }
    None
}

/// All bodies on the stacks of parked threads, but for those that are about to go on with an error.
fn parked(records: &Records) -> HashMap<u32, Parked> {
    let mut parked = HashMap::new();
    for (_, record) in records.slab.iter().filter(|(_, record)| !record.is_ended()) {
        for frame in record.frames.iter().filter(|frame| frame.task != 0) {
            parked.insert(
                frame.task,
                Parked {
                    epoch: record.epoch,
                    on: frame.on.clone(),
                },
            );
        }
    }
    parked
}
