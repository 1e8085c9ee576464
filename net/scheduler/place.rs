//! Which worker a ready task goes to, in the step that made it ready.
//!
//! The cost of a placement depends neither on the number of workers nor on that of tasks:
//! 1. A task whose inputs stay on workers is compared on the holders of these and two others: how long it would wait, and
//!    how long its missing inputs would travel. It goes to that one's line.
//! 2. Any other task is put in the queue of its requirement; the worker whose run has just ended, else a random one of those
//!    that have room, takes the most urgent of that queue. If nobody has room, nothing else happens: who gets room looks there. This is also what keeps
//!    tasks without inputs from flooding the workers' memory with results: they leave the scheduler one by one, behind
//!    whatever is made of the results that are there.
//! 3. A worker that has nothing to do takes from a line, or asks a run back, of a few random others (`steal.rs`).
//!
//! So between stimuli: if a queue is not empty, then no worker that could take from it has room.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Machine;
use super::kinds::{LAST_CHANCE, NONE, Needs};
use super::lanes::Entry;
use super::task::{INNER, Value};
use super::worker::{Standing, Worker};
use crate::driver::graph::State;
use crate::net::message::{Failure, FailureKind};

/// Inputs whose size counts.
const MOST_INPUTS: usize = 64;
/// Holders of inputs that are compared.
const MOST_HOLDERS: usize = 8;
/// Others that are compared with them.
const OTHERS: usize = 2;
/// Workers looked at for a preferred one with room.
const MOST_PREFERRED: usize = 16;
/// Half a gigabyte a second: slower than memory and faster than most networks.
const BYTES_PER_US: u64 = 500;
/// What fetching any input costs.
const FETCH_US: u64 = 100;

type Workers = SmallVec<[u32; MOST_HOLDERS + OTHERS]>;
/// The size of each input, and who holds it.
type HeldInputs = SmallVec<[(u64, SmallVec<[u32; 4]>); 4]>;

fn travel_us(bytes: u64) -> u64 {
    FETCH_US + bytes / BYTES_PER_US
}

impl Machine {
    /// Sends a ready task to a worker, or has it wait for one.
    pub(super) fn place(&mut self, index: u32) {
        if self.tasks.graph.state(index) != State::Queued || !self.admit(index) {
            return;
        }
        self.tell_stage(index);
        let requirement = match self.requirement_of(index) {
            Ok(requirement) => requirement,
            Err(failure) => {
                let claimed = self.tasks.graph.claim(index);
                debug_assert!(claimed, "it was queued");
                self.fail(index, failure);
                return;
            }
        };
        if let Some(worker) = self.best_place(index, requirement) {
            self.line_up(index, worker);
        } else {
            self.enqueue(index, requirement);
        }
    }

    /// Whether a queued task can run: its inputs' data are somewhere. If not it waits again, or fails.
    pub(super) fn admit(&mut self, index: u32) -> bool {
        let inputs = self.tasks.graph.inputs(index);
        let mut failed = None;
        for &input in &inputs {
            match &self.tasks.task(input).value {
                Value::Inline(_) | Value::Held(_) => {}
                Value::Failed(failure) => failed = Some(failure.clone()),
                Value::None => {
                    let tasks = &mut self.tasks;
                    let ready = tasks.graph.relink(&mut tasks.cache, index);
                    debug_assert!(!ready || !self.lost.is_empty(), "an input that is nowhere");
                    if ready {
                        // The input is on the list of lost ones: once it is reopened, this waits for it.
                        self.tasks.fx.ready.push(index);
                    }
                    self.tell_stage(index);
                    return false;
                }
            }
        }
        let Some(failure) = failed else {
            return true;
        };
        let claimed = self.tasks.graph.claim(index);
        debug_assert!(claimed, "it was queued");
        self.fail(index, failure);
        false
    }

    fn entry(&mut self, index: u32) -> (i32, bool, Entry) {
        let task = self.tasks.task(index);
        let (inner, kind) = (task.is(INNER), task.kind);
        let function = self.kinds.kind(kind).function;
        let entry = Entry {
            index,
            generation: self.tasks.graph.generation(index),
            cost_us: self.kinds.functions[function as usize].cost_us(),
        };
        let descends = inner || !self.tasks.graph.inputs(index).is_empty();
        (self.tasks.graph.priority(index), descends, entry)
    }

    fn line_up(&mut self, index: u32, worker: u32) {
        let (priority, descends, entry) = self.entry(index);
        let line = &mut self.workers[worker as usize].line;
        line.push(priority, descends, entry);
        if line.is_long() {
            let tasks = &self.tasks;
            line.purge(|entry| tasks.is_queued(entry));
        }
        if self.workers[worker as usize].has_room() {
            self.serve(worker);
            return;
        }
        self.lined.set(worker, true);
        if let Some(thief) = self.idle.random(&mut self.random) {
            self.serve(thief);
        }
    }

    fn enqueue(&mut self, index: u32, requirement: u32) {
        let (priority, descends, entry) = self.entry(index);
        let queue = &mut self.kinds.requirements[requirement as usize].queue;
        let was_empty = queue.is_empty();
        queue.push(priority, descends, entry);
        if queue.is_long() {
            let tasks = &self.tasks;
            queue.purge(|entry| tasks.is_queued(entry));
        }
        if was_empty {
            self.offer(requirement);
        }
    }

    /// Has workers take from a queue until it is empty or nobody has room. The first one may turn out to have none: the lists
    /// are brought up to date only when it is served.
    fn offer(&mut self, requirement: u32) {
        while !self.kinds.requirements[requirement as usize]
            .queue
            .is_empty()
        {
            let Some(worker) = self.worker_with_room(requirement) else {
                return;
            };
            self.serve(worker);
        }
    }

    /// Some worker that can take from a queue now: one with a free thread if there is one.
    fn worker_with_room(&mut self, requirement: u32) -> Option<u32> {
        if requirement == NONE {
            let one = self.just_freed();
            let one = one.or_else(|| self.idle.random(&mut self.random));
            let one = one.or_else(|| self.less_busy_of_two());
            return one.or_else(|| self.full_one_for(requirement));
        }
        let known = &self.kinds.requirements[requirement as usize];
        let workers = &known.workers;
        let takes = |&&worker: &&u32| {
            let worker = &self.workers[worker as usize];
            worker.has_room() && !worker.is_full() && worker.has(&known.needs.resources)
        };
        let idle = |worker: &&u32| self.workers[**worker as usize].is_idle() && takes(worker);
        let found = workers
            .iter()
            .find(idle)
            .or_else(|| workers.iter().find(takes));
        found.copied().or_else(|| self.full_one_for(requirement))
    }

    /// A worker that has just ended a run and has a free thread: that one is awake, and a chain stays where it is.
    fn just_freed(&self) -> Option<u32> {
        let worker = *self.touched.last()?;
        let its = self.workers.get(worker as usize)?;
        its.is_idle().then_some(worker)
    }

    fn less_busy_of_two(&mut self) -> Option<u32> {
        let one = self.roomy.random(&mut self.random)?;
        let other = self.roomy.random(&mut self.random)?;
        let wait = |worker: u32| self.workers[worker as usize].wait_us();
        Some(if wait(other) < wait(one) { other } else { one })
    }

    /// The worker whose line a task belongs in, if it is not the same to it.
    fn best_place(&mut self, index: u32, requirement: u32) -> Option<u32> {
        let kind = self.kinds.kind(self.tasks.task(index).kind);
        let needs = &self.kinds.requirements[requirement as usize].needs;
        // Resources are given out as they come free, by the queue of the requirement.
        if !needs.resources.is_empty() {
            return None;
        }
        if !kind.info.prefer.is_empty() {
            let prefer = kind.info.prefer.clone();
            if let Some(worker) = self.preferred(prefer, requirement) {
                return Some(worker);
            }
        }
        if self.tasks.graph.inputs(index).is_empty() {
            return None;
        }
        let inputs = self.held_inputs(index);
        let holders = self.holders_of(&inputs, requirement);
        if holders.is_empty() {
            return None;
        }
        self.cheapest(&inputs, holders, requirement)
    }

    fn preferred(&mut self, names: Vec<String>, requirement: u32) -> Option<u32> {
        let preferred = self.hosts_requirement(names);
        let workers = &self.kinds.requirements[preferred as usize].workers;
        if workers.is_empty() {
            return None;
        }
        let first = self.random.below(workers.len());
        let (after, before) = workers.split_at(first);
        let mut some = before.iter().chain(after).copied().take(MOST_PREFERRED);
        some.find(|&worker| {
            let its = &self.workers[worker as usize];
            its.has_room() && !its.is_full() && self.meets(worker, requirement)
        })
    }

    /// The inputs whose data are on workers, as far as they count.
    fn held_inputs(&mut self, index: u32) -> HeldInputs {
        let mut found = HeldInputs::new();
        for &input in self.tasks.graph.inputs(index).iter().take(MOST_INPUTS) {
            if let Value::Held(held) = &self.tasks.task(input).value {
                found.push((held.bytes, held.holders.clone()));
            }
        }
        found
    }

    fn holders_of(&self, inputs: &HeldInputs, requirement: u32) -> Workers {
        let mut found = Workers::new();
        for (_, holders) in inputs {
            for &worker in holders.iter().take(2) {
                let working = self.everyone.contains(worker);
                if working && !found.contains(&worker) && self.meets(worker, requirement) {
                    found.push(worker);
                }
            }
            if found.len() >= MOST_HOLDERS {
                break;
            }
        }
        found
    }

    fn cheapest(
        &mut self,
        inputs: &HeldInputs,
        mut candidates: Workers,
        requirement: u32,
    ) -> Option<u32> {
        for _ in 0..OTHERS {
            let other = self.idle.random(&mut self.random);
            let other = other.or_else(|| self.everyone.random(&mut self.random));
            candidates.extend(other.filter(|&other| self.meets(other, requirement)));
        }
        let lacks = |worker: u32| {
            let lacks = inputs
                .iter()
                .filter(move |(_, holders)| !holders.contains(&worker));
            lacks.map(|&(bytes, _)| travel_us(bytes)).sum::<u64>()
        };
        let mut best: Option<(u64, u32)> = None;
        for worker in candidates {
            let cost = lacks(worker) + self.workers[worker as usize].backlog_us();
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, worker));
            }
        }
        best.map(|(_, worker)| worker)
    }

    /// How long the inputs that a worker lacks would travel.
    pub(super) fn transfer_us(&mut self, index: u32, worker: u32) -> u64 {
        let mut total = 0;
        for &input in self.tasks.graph.inputs(index).iter().take(MOST_INPUTS) {
            if let Value::Held(held) = &self.tasks.task(input).value
                && !held.holders.contains(&worker)
            {
                total += travel_us(held.bytes);
            }
        }
        total
    }

    /// What a task requires of a worker now.
    pub(super) fn requirement_of(&mut self, index: u32) -> Result<u32, Arc<Failure>> {
        let kind_number = self.tasks.task(index).kind;
        let last_chance = self.has_last_chance(index);
        let kind = self.kinds.kind(kind_number);
        let function = &self.kinds.functions[kind.function as usize];
        let everywhere = function.workers as usize == self.workers.len();
        if everywhere && !last_chance && kind.resources.is_empty() && kind.info.on.is_empty() {
            return Ok(NONE);
        }
        // One that a worker had may come again.
        if !function.is_known && !self.workers.is_empty() {
            let text = format!(
                "no worker has the task `{}` with this signature: start the same version of the program on all sides",
                function.info.name
            );
            return Err(self.failure(kind_number, FailureKind::UnknownFunction, text));
        }
        let mut resources = kind.resources.clone();
        if last_chance {
            resources.push((LAST_CHANCE, 1));
        }
        let needs = Needs {
            function: (!everywhere).then_some(kind.function),
            on: kind.info.on.clone(),
            resources,
        };
        Ok(self.requirement(needs))
    }

    /// Whether one more death of a worker would stop the task: then it runs beside no other such, so that only one is blamed.
    pub(super) fn has_last_chance(&mut self, index: u32) -> bool {
        let deaths = self.tasks.task(index).deaths;
        deaths > 0 && deaths.saturating_add(1) == self.config.deaths
    }

    /// The number of a requirement. A new one finds those who meet it.
    pub(super) fn requirement(&mut self, needs: Needs) -> u32 {
        let workers = &self.workers;
        let (number, new) = self.kinds.requirement(needs, |needs| {
            let meets =
                |worker: &Worker| worker.standing == Standing::Working && worker.meets(needs);
            let meeting = workers.iter().filter(|(_, worker)| meets(worker));
            meeting.map(|(worker, _)| worker as u32).collect()
        });
        if new {
            for &worker in &self.kinds.requirements[number as usize].workers {
                self.workers[worker as usize].met.push(number);
            }
        }
        number
    }

    pub(super) fn meets(&self, worker: u32, requirement: u32) -> bool {
        requirement == NONE || {
            let needs = &self.kinds.requirements[requirement as usize].needs;
            self.workers[worker as usize].meets(needs)
        }
    }
}
