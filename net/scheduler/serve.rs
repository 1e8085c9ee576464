//! A worker gets what it has room for.

use super::kinds::{LAST_CHANCE, NONE};
use super::lanes::{Entry, Lanes, Rank};
use super::task::MENTIONS;
use super::worker::{Sent, Standing};
use super::{Effect, Machine};
use crate::net::message::{Assign, Run, RunKind, TaskId, ToWorker};

/// Where a worker's next task comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Line,
    Queue(u32),
}

impl Machine {
    pub(super) fn tell_worker(&mut self, worker: u32, words: ToWorker) {
        let peer = self.workers[worker as usize].peer;
        self.out.push(Effect::ToWorker(peer, words));
    }

    /// Has a worker looked at again before the stimulus is over.
    pub(super) fn touch(&mut self, worker: u32) {
        if self.touched.last() != Some(&worker) {
            self.touched.push(worker);
        }
    }

    /// Sends a worker what it has room for, and enters it in the lists that it now belongs in.
    pub(super) fn serve(&mut self, worker: u32) {
        if !self.workers.contains(worker as usize) {
            return;
        }
        while self.workers[worker as usize].has_room() {
            let Some(index) = self.take_for(worker).or_else(|| self.steal(worker)) else {
                break;
            };
            self.send(index, worker);
        }
        self.refresh(worker);
        if self.workers[worker as usize].standing == Standing::Leaving {
            self.see_off(worker);
        }
    }

    /// Enters a worker in the lists that it belongs in.
    pub(super) fn refresh(&mut self, worker: u32) {
        let its = &self.workers[worker as usize];
        let (idle, room) = (its.is_idle(), its.has_room());
        self.idle.set(worker, idle);
        let full = its.is_full();
        self.roomy.set(worker, room && !idle && !full);
        self.crowded.set(worker, its.is_crowded());
        self.lined.set(worker, !its.line.is_empty());
    }

    /// The most urgent task that a worker may take, claimed for it.
    fn take_for(&mut self, worker: u32) -> Option<u32> {
        loop {
            let entry = self.pop_for(worker)?;
            let index = entry.index;
            if !self.tasks.is_queued(&entry) || !self.admit(index) {
                continue;
            }
            if !self.has_function(worker, index) {
                // It came to the queue when everyone had the function; it finds its own now.
                self.tasks.fx.ready.push(index);
                continue;
            }
            if self.tasks.graph.claim(index) {
                return Some(index);
            }
        }
    }

    fn has_function(&mut self, worker: u32, index: u32) -> bool {
        let function = self.kinds.kind(self.tasks.task(index).kind).function;
        let everywhere =
            self.kinds.functions[function as usize].workers as usize == self.workers.len();
        everywhere
            || self.workers[worker as usize]
                .functions
                .contains_key(&function)
    }

    fn pop_for(&mut self, worker: u32) -> Option<Entry> {
        let its = &self.workers[worker as usize];
        let mut best: Option<(Rank, From)> = None;
        let mut offer = |lanes: &Lanes, from: From| {
            if let Some(rank) = lanes.rank()
                && best.is_none_or(|(greatest, _)| rank > greatest)
            {
                best = Some((rank, from));
            }
        };
        offer(&its.line, From::Line);
        let full = its.is_full();
        let leaves_to_others = |requirement: u32| full && self.others_have_memory(requirement);
        for &requirement in &its.met {
            let requirement_of = &self.kinds.requirements[requirement as usize];
            if its.has(&requirement_of.needs.resources) && !leaves_to_others(requirement) {
                offer(&requirement_of.queue, From::Queue(requirement));
            }
        }
        if !leaves_to_others(NONE) {
            let queue = &self.kinds.requirements[NONE as usize].queue;
            offer(queue, From::Queue(NONE));
        }
        match best?.1 {
            From::Line => self.workers[worker as usize].line.pop(),
            From::Queue(requirement) => self.kinds.requirements[requirement as usize].queue.pop(),
        }
    }

    /// Sends a claimed task to a worker.
    pub(super) fn send(&mut self, index: u32, worker: u32) {
        let task = self.tasks.task(index);
        task.attempt += 1;
        task.at = Some(worker);
        let (kind, args) = (task.kind, task.args.clone());
        let (attempt, mentions) = (task.attempt, task.is(MENTIONS));
        let tries = 1 + u32::from(task.failures) + u32::from(task.deaths);
        let run = Run {
            task: self.tasks.id(index),
            attempt,
        };
        let number = self.kind_for(worker, kind);
        let inputs = self.tasks.graph.inputs(index);
        let avoid = self.unreached_for(index);
        let inputs = inputs
            .into_iter()
            .map(|input| self.input_data(input, worker, &avoid))
            .collect();
        let mentions = if mentions {
            self.mentioned(index)
        } else {
            Vec::new()
        };
        self.enter(index, worker, attempt);
        let assign = Assign {
            run,
            tries,
            kind: number,
            args,
            inputs,
            mentions,
        };
        self.tell_worker(worker, ToWorker::Assign(assign));
    }

    fn mentioned(&self, index: u32) -> Vec<TaskId> {
        let mentioned = self.mentions.get(&index).into_iter().flatten();
        mentioned.map(|&task| self.tasks.id(task)).collect()
    }

    /// The handles inside a result.
    #[inline]
    pub(super) fn mentioned_by_result(&self, index: u32) -> Vec<TaskId> {
        if self.result_mentions.is_empty() {
            return Vec::new();
        }
        let mentioned = self.result_mentions.get(&index).into_iter().flatten();
        mentioned.map(|&task| self.tasks.id(task)).collect()
    }

    /// Enters a run in the books of its worker.
    fn enter(&mut self, index: u32, worker: u32, attempt: u32) {
        let resources = self.resources_of(index);
        let function = self.kinds.kind(self.tasks.task(index).kind).function;
        let cost_us = self.kinds.functions[function as usize].cost_us();
        self.order += 1;
        let sent = Sent {
            attempt,
            order: self.order,
            at_us: self.now_us,
            cost_us,
            started: false,
            asked_for: None,
        };
        let its = &mut self.workers[worker as usize];
        its.occupy(&resources);
        its.sent_us += u64::from(cost_us);
        its.sent.insert(index, sent);
    }

    /// Takes a run out of the books of its worker.
    pub(super) fn leave(&mut self, index: u32, worker: u32) -> Option<Sent> {
        let resources = self.resources_of(index);
        let its = &mut self.workers[worker as usize];
        let sent = its.sent.remove(&index)?;
        its.vacate(&resources);
        its.sent_us -= u64::from(sent.cost_us);
        self.tasks.task(index).at = None;
        self.touch(worker);
        Some(sent)
    }

    #[inline]
    fn resources_of(&mut self, index: u32) -> smallvec::SmallVec<[(u32, u64); 2]> {
        let last_chance = self.has_last_chance(index);
        let kind = self.kinds.kind(self.tasks.task(index).kind);
        if kind.resources.is_empty() && !last_chance {
            return smallvec::SmallVec::new();
        }
        let mut resources = smallvec::SmallVec::from_slice(&kind.resources);
        if last_chance {
            resources.push((LAST_CHANCE, 1));
        }
        resources
    }

    /// A worker's number for a kind, which it is told of first.
    fn kind_for(&mut self, worker: u32, kind: u32) -> u32 {
        let its = &mut self.workers[worker as usize];
        if let Some(&number) = its.kinds.get(&kind) {
            return number;
        }
        let number = its.kinds_told;
        its.kinds_told += 1;
        its.kinds.insert(kind, number);
        let its_function = |function: u32| its.functions.get(&function).copied();
        let known = self.kinds.kind(kind);
        let (info, function) = (&known.info, known.function);
        let name = if info.name.is_empty() {
            self.kinds.function_name(function).to_owned()
        } else {
            info.name.clone()
        };
        let told = RunKind {
            function: its_function(function).expect("a worker is sent what it has"),
            name,
            submitted_at: info.submitted_at.clone(),
            priority: info.priority,
            timeout_ms: info.timeout_ms,
            pool: info.pool.clone(),
            resources: info.resources.clone(),
        };
        self.tell_worker(worker, ToWorker::Kind(Box::new(told)));
        number
    }
}
