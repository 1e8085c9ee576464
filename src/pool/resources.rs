//! Resources: named quantities of which a client has so much, and who holds how much of each.
//!
//! Under one lock:
//! 1. What is free and what is held add up to what was declared. A task takes all that it needs at once, or nothing.
//! 2. Tasks that need the same set of resources wait in one line. A task goes when everything it needs is free and
//!    nobody whose turn is before its own waits for any of it: a large request is not overtaken by small ones for ever,
//!    and a line for one resource never holds up a task that needs another.
//! 3. Whoever gives back hands over at once, so nobody is in line who could go.
//!
//! Every 61st hand-over begins with whoever came first, whatever its priority.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use parking_lot::Mutex;

use super::gate::Gate;
use super::job::Job;
use super::line::{Line, Turn, rank};
use super::queues::OLDEST_EVERY;
use crate::graph::{Effects, Graph};

/// Holders that one sentence names.
const NAMED: usize = 3;

/// The resources of an engine.
#[derive(Debug)]
pub(crate) struct Resources {
    declared: Box<[(String, u64)]>,
    stock: Mutex<Stock>,
    /// Tasks in line, for those who ask whether there are any.
    waiting: AtomicUsize,
    /// Tasks that got into line so far: the detector looks again when it changes.
    arrivals: AtomicUsize,
}

#[derive(Debug, Default)]
struct Stock {
    free: Box<[u64]>,
    holders: HashMap<u32, Arc<Gate>>,
    waiters: HashMap<u32, Arc<Gate>>,
    lines: Vec<SetLine>,
    last_number: u64,
    hand_overs: u32,
}

/// The tasks that wait for one set of resources.
#[derive(Debug)]
struct SetLine {
    set: Box<[u32]>,
    line: Line,
}

/// What a task in line is told about.
pub(super) struct Lack {
    /// Name, how much it needs, how much is free, how much there is.
    pub(super) resources: Vec<(String, u64, u64, u64)>,
    pub(super) holders: Vec<u32>,
    pub(super) more_holders: usize,
    pub(super) ahead: usize,
}

impl Lack {
    /// The names of the resources, for texts.
    pub(super) fn names(&self) -> String {
        let names: Vec<String> = self
            .resources
            .iter()
            .map(|(name, ..)| format!("`{name}`"))
            .collect();
        names.join(" and ")
    }
}

impl Resources {
    pub(super) fn new(declared: &[(String, u64)]) -> Self {
        let stock = Stock {
            free: declared.iter().map(|(_, amount)| *amount).collect(),
            ..Stock::default()
        };
        Self {
            declared: declared.into(),
            stock: Mutex::new(stock),
            waiting: AtomicUsize::new(0),
            arrivals: AtomicUsize::new(0),
        }
    }

    /// The number of a resource, and how much of it there is.
    pub(crate) fn find(&self, name: &str) -> Option<(u32, u64)> {
        let number = self.declared.iter().position(|(other, _)| other == name)?;
        Some((number as u32, self.declared[number].1))
    }

    /// The names of all, for texts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a claimed task holds what it needs now. If not, it is in line, or was settled meanwhile.
    pub(super) fn admit(
        &self,
        graph: &Graph<Job>,
        task: u32,
        gate: &Arc<Gate>,
        fx: &mut Effects,
    ) -> bool {
        let stock = &mut *self.stock.lock();
        if gate.holds.load(Relaxed) {
            return true;
        }
        stock.line_up(task, gate, graph.priority(task));
        let mut admitted = false;
        // Whose turn it is may have changed with the last hand-over, so somebody else may be the one who can go.
        while let Some(next) = stock.hand_over() {
            if next == task {
                admitted = true;
            } else if graph.resume(next, fx) {
                fx.ready.push(next);
            }
        }
        if !admitted {
            if graph.postpone(task, fx) {
                self.arrivals.fetch_add(1, Release);
            } else {
                stock.step_out(task, gate);
                self.serve(stock, graph, fx);
            }
        }
        self.waiting.store(stock.waiters.len(), Release);
        admitted
    }

    /// A task gives back what it holds, if it does.
    pub(super) fn release(&self, graph: &Graph<Job>, task: u32, gate: &Gate, fx: &mut Effects) {
        if gate.needs.is_empty() {
            return;
        }
        let stock = &mut *self.stock.lock();
        if gate.holds.load(Relaxed) {
            stock.put_back(task, gate);
            self.serve(stock, graph, fx);
        }
    }

    /// A task that is being settled unrun leaves the line, or gives back what it was handed.
    pub(super) fn withdraw(&self, graph: &Graph<Job>, task: u32, gate: &Gate, fx: &mut Effects) {
        let stock = &mut *self.stock.lock();
        if gate.holds.load(Relaxed) {
            stock.put_back(task, gate);
        } else if gate.stock_number.load(Relaxed) != 0 {
            stock.step_out(task, gate);
            let _ = graph.resume(task, fx); // Not ready: it has been won.
        } else {
            return;
        }
        self.serve(stock, graph, fx);
    }

    /// Hands over what is free to those whose turn it is.
    fn serve(&self, stock: &mut Stock, graph: &Graph<Job>, fx: &mut Effects) {
        while let Some(task) = stock.hand_over() {
            if graph.resume(task, fx) {
                fx.ready.push(task);
            }
        }
        self.waiting.store(stock.waiters.len(), Release);
    }

    /// Whether this task is in line.
    pub(super) fn is_waiting(&self, task: u32) -> bool {
        self.has_waiters() && self.stock.lock().waiters.contains_key(&task)
    }

    /// Whether any task is in line.
    pub(super) fn has_waiters(&self) -> bool {
        self.waiting.load(Acquire) > 0
    }

    /// How many tasks have got into line so far.
    pub(super) fn arrivals(&self) -> usize {
        self.arrivals.load(Acquire)
    }

    /// Those without whom a task in line cannot go: all who hold something that it needs, and who is just before it.
    pub(super) fn before(&self, task: u32) -> Vec<u32> {
        if !self.has_waiters() {
            return Vec::new();
        }
        let stock = &*self.stock.lock();
        let Some(gate) = stock.waiters.get(&task) else {
            return Vec::new();
        };
        let mut before = stock.just_before(task, gate);
        before.extend(stock.holders_of(gate));
        before
    }

    /// Whether a task in line can go once these tasks have ended.
    pub(super) fn is_enough(&self, task: u32, ends: &HashSet<u32>) -> bool {
        let stock = &*self.stock.lock();
        let Some(gate) = stock.waiters.get(&task) else {
            return true;
        };
        let comes_back = |resource: u32| -> u64 {
            let holders = stock
                .holders
                .iter()
                .filter(|(holder, _)| ends.contains(holder));
            holders.map(|(_, gate)| amount_of(gate, resource)).sum()
        };
        let enough = gate.needs.iter().all(|&(resource, amount)| {
            stock.free[resource as usize] + comes_back(resource) >= amount
        });
        enough
            && stock
                .just_before(task, gate)
                .iter()
                .all(|task| ends.contains(task))
    }

    /// What a task in line lacks; `None`: it is in none.
    pub(super) fn lack(&self, task: u32) -> Option<Lack> {
        let stock = &*self.stock.lock();
        let gate = stock.waiters.get(&task)?;
        let mut holders: Vec<u32> = stock.holders_of(gate).collect();
        holders.sort_unstable();
        let more_holders = holders.len().saturating_sub(NAMED);
        holders.truncate(NAMED);
        let resources = gate.needs.iter().map(|&(resource, amount)| {
            let (name, all) = &self.declared[resource as usize];
            (name.clone(), amount, stock.free[resource as usize], *all)
        });
        Some(Lack {
            resources: resources.collect(),
            holders,
            more_holders,
            ahead: stock.ahead(task, gate),
        })
    }
}

impl Stock {
    fn line_up(&mut self, task: u32, gate: &Arc<Gate>, priority: i32) {
        self.last_number += 1;
        let number = self.last_number;
        gate.stock_number.store(number, Relaxed);
        self.waiters.insert(task, Arc::clone(gate));
        let turn = (Reverse(priority), rank(number, false));
        self.line_of(gate).push(turn, task);
    }

    fn line_of(&mut self, gate: &Gate) -> &mut Line {
        let of_set = |line: &SetLine| line.set.iter().eq(gate.needs.iter().map(|(r, _)| r));
        let place = self.lines.iter().position(of_set).unwrap_or_else(|| {
            self.lines.push(SetLine {
                set: gate.needs.iter().map(|&(resource, _)| resource).collect(),
                line: Line::default(),
            });
            self.lines.len() - 1
        });
        &mut self.lines[place].line
    }

    fn step_out(&mut self, task: u32, gate: &Gate) {
        let number = gate.stock_number.swap(0, Relaxed);
        self.line_of(gate).remove(number);
        self.waiters.remove(&task);
    }

    fn put_back(&mut self, task: u32, gate: &Gate) {
        gate.holds.store(false, Relaxed);
        self.holders.remove(&task);
        for &(resource, amount) in &gate.needs {
            self.free[resource as usize] += amount;
        }
    }

    /// Hands what it needs to one task in line, if there is one that can go.
    fn hand_over(&mut self) -> Option<u32> {
        let task = self.next()?;
        let gate = self.waiters.get(&task).map(Arc::clone)?;
        self.step_out(task, &gate);
        for &(resource, amount) in &gate.needs {
            self.free[resource as usize] -= amount;
        }
        gate.holds.store(true, Relaxed);
        self.holders.insert(task, gate);
        self.hand_overs = self.hand_overs.wrapping_add(1);
        Some(task)
    }

    /// The first in its line and in turn whose needs are free and whom nobody else in line comes before.
    fn next(&self) -> Option<u32> {
        let by_age = self.hand_overs % OLDEST_EVERY == OLDEST_EVERY - 1;
        let first = |line: &Line| if by_age { line.oldest() } else { line.first() };
        let mut heads: Vec<(Turn, u32, &SetLine)> = self
            .lines
            .iter()
            .filter_map(|of| first(&of.line).map(|(turn, task)| (turn, task, of)))
            .collect();
        heads.sort_unstable_by_key(|&((priority, rank), ..)| {
            (if by_age { Reverse(0) } else { priority }, rank)
        });
        let mut spoken_for = HashSet::new();
        for (_, task, of) in heads {
            let is_free = |&(resource, amount): &(u32, u64)| {
                self.free[resource as usize] >= amount && !spoken_for.contains(&resource)
            };
            if self.waiters[&task].needs.iter().all(is_free) {
                return Some(task);
            }
            spoken_for.extend(of.set.iter().copied());
        }
        None
    }

    fn holders_of(&self, gate: &Gate) -> impl Iterator<Item = u32> {
        let holders = self.holders.iter().filter(|(_, other)| share(gate, other));
        holders.map(|(task, _)| *task)
    }

    /// In each line that has something to do with this task: the last before it.
    fn just_before(&self, task: u32, gate: &Gate) -> Vec<u32> {
        let Some(turn) = self.turn_of(task, gate) else {
            return Vec::new();
        };
        let lines = self.lines.iter().filter(|of| touches(gate, &of.set));
        lines.filter_map(|of| of.line.before(turn)).collect()
    }

    fn ahead(&self, task: u32, gate: &Gate) -> usize {
        let Some(turn) = self.turn_of(task, gate) else {
            return 0;
        };
        let lines = self.lines.iter().filter(|of| touches(gate, &of.set));
        lines.map(|of| of.line.count_before(turn)).sum()
    }

    fn turn_of(&self, task: u32, gate: &Gate) -> Option<Turn> {
        let of_set = |line: &&SetLine| line.set.iter().eq(gate.needs.iter().map(|(r, _)| r));
        let line = &self.lines.iter().find(of_set)?.line;
        line.turn(gate.stock_number.load(Relaxed))
            .filter(|_| self.waiters.contains_key(&task))
    }
}

fn amount_of(gate: &Gate, resource: u32) -> u64 {
    let needs = gate.needs.iter().find(|(other, _)| *other == resource);
    needs.map_or(0, |(_, amount)| *amount)
}

fn touches(gate: &Gate, set: &[u32]) -> bool {
    gate.needs
        .iter()
        .any(|(resource, _)| set.contains(resource))
}

fn share(gate: &Gate, other: &Gate) -> bool {
    gate.needs
        .iter()
        .any(|&(resource, _)| amount_of(other, resource) > 0)
}
