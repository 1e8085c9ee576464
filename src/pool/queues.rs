//! Ready tasks: a deque for each place, sharded injectors for work from outside, the prioritised, the urgent.
//!
//! Entries are hints: a task may have been run, cancelled or freed since; the claim decides. An entry is a node's index,
//! marked if it asks for a poll ([`polled`](super::polled)).

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::time::{Duration, Instant};

use crossbeam::deque::{Injector, Steal, Stealer, Worker};

use super::baton::Baton;
use super::local::{Local, State};
use super::place::Place;
use super::priority::Priorities;

/// Every so many picks the oldest queued task goes first, whatever its priority. As in Go's and tokio's schedulers, a
/// prime, so that it does not fall in step with a program's own period.
pub(super) const OLDEST_EVERY: u32 = 61;
/// A batch from outside with fewer than so many tasks left is a thin one.
const THIN: usize = 15;
/// Injectors: enough that outside threads seldom meet, few enough to look through.
const MOST_INJECTORS: usize = 8;

/// Where ready tasks are.
#[derive(Debug)]
pub(crate) struct Queues {
    injectors: Box<[Injector<u32>]>,
    stealers: Box<[Stealer<u32>]>,
    priorities: Priorities,
    /// Ready tasks that blocked ones wait for, when there are too many blocked.
    urgent: Injector<u32>,
    urgents: AtomicUsize,
    next_injector: AtomicUsize,
    pub(super) baton: Option<Arc<Baton>>,
}

impl Queues {
    /// The queues for so many places, and the places.
    pub(super) fn new(places: usize, baton: Option<Arc<Baton>>) -> (Self, Vec<Place>) {
        let deques: Vec<_> = (0..places).map(|_| Worker::new_lifo()).collect();
        let stealers: Box<[_]> = deques.iter().map(Worker::stealer).collect();
        let places = deques
            .into_iter()
            .enumerate()
            .map(|(k, deque)| Place::new(k, deque))
            .collect();
        let queues = Self {
            injectors: (0..deques_len(&stealers))
                .map(|_| Injector::new())
                .collect(),
            stealers,
            priorities: Priorities::default(),
            urgent: Injector::new(),
            urgents: AtomicUsize::new(0),
            next_injector: AtomicUsize::new(0),
            baton,
        };
        (queues, places)
    }

    /// Whether the order of ready tasks must be looked up.
    #[inline]
    pub(super) fn has_special(&self) -> bool {
        self.priorities.any() || self.has_urgent() || self.baton.is_some()
    }

    /// Whether there is anything to pick. Stale entries count.
    pub(crate) fn has_work(&self) -> bool {
        self.injectors.iter().any(|injector| !injector.is_empty())
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
            || self.priorities.any()
            || self.has_urgent()
            || self.baton.as_ref().is_some_and(|baton| baton.has_work())
    }

    /// As [`has_work`](Self::has_work), but looks whether an entry is still good, and throws away those that are not: a
    /// body that runs what it waits for leaves a stale entry behind each time. A good one moves to the end; the caller
    /// notifies then, unless nobody can fall asleep meanwhile.
    pub(super) fn has_good_work(&self, is_good: impl Fn(u32) -> bool) -> bool {
        const LOOKS: usize = 1024;
        if self.has_special() {
            return self.has_work();
        }
        for _ in 0..LOOKS {
            let injected = self
                .injectors
                .iter()
                .find_map(|injector| steal(|| injector.steal()));
            let queued = || {
                self.stealers
                    .iter()
                    .find_map(|stealer| steal(|| stealer.steal()))
            };
            let Some(index) = injected.or_else(queued) else {
                return false;
            };
            if is_good(index) {
                self.injectors[0].push(index);
                return true;
            }
        }
        true
    }

    pub(crate) fn has_urgent(&self) -> bool {
        self.urgents.load(Relaxed) > 0
    }

    /// Puts a ready task, which may be queued already, before all others.
    pub(crate) fn push_urgent(&self, index: u32) {
        self.urgents.fetch_add(1, AcqRel);
        self.urgent.push(index);
    }

    #[inline]
    pub(super) fn push(&self, state: &mut State, index: u32, priority: i32) {
        if priority != 0 || self.baton.is_some() {
            self.push_special(index, priority, state.place.is_some());
        } else if let Some(deque) = state.place.as_ref().and_then(Place::deque) {
            deque.push(index);
        } else {
            self.injectors[self.injector_of(state)].push(index);
        }
    }

    /// As [`push`](Self::push), behind what is there already of this priority and the work from outside, whoever pushes.
    pub(super) fn push_last(&self, state: &mut State, index: u32, priority: i32) {
        if priority != 0 || self.baton.is_some() {
            self.push_special(index, priority, false);
        } else {
            self.injectors[self.injector_of(state)].push(index);
        }
    }

    #[cold]
    fn push_special(&self, index: u32, priority: i32, from_task: bool) {
        match &self.baton {
            Some(baton) => baton.push(index, priority),
            None => self.priorities.push(index, priority, from_task),
        }
    }

    /// Each visiting thread keeps to one injector.
    fn injector_of(&self, state: &mut State) -> usize {
        if state.injector == usize::MAX {
            state.injector = self.next_injector.fetch_add(1, Relaxed) % self.injectors.len();
        }
        state.injector
    }

    /// The next task to try.
    #[inline]
    pub(super) fn pick(&self, state: &mut State) -> Option<u32> {
        if self.has_special() {
            return self.pick_special(state);
        }
        state.picks = state.picks.wrapping_add(1);
        if state.picks.is_multiple_of(OLDEST_EVERY)
            && let Some(index) = self.oldest(state)
        {
            return Some(index);
        }
        self.pick_plain(state)
    }

    #[inline]
    fn pick_plain(&self, state: &mut State) -> Option<u32> {
        let own = state
            .place
            .as_ref()
            .and_then(Place::deque)
            .and_then(Worker::pop);
        own.or_else(|| self.injected(state))
            .or_else(|| self.stolen(state))
    }

    #[cold]
    fn pick_special(&self, state: &mut State) -> Option<u32> {
        if let Some(baton) = &self.baton {
            return baton.pick();
        }
        state.picks = state.picks.wrapping_add(1);
        let oldest = if state.picks.is_multiple_of(OLDEST_EVERY) {
            self.oldest(state)
        } else {
            None
        };
        oldest
            .or_else(|| self.pick_urgent())
            .or_else(|| self.priorities.pop_high())
            .or_else(|| self.pick_plain(state))
            .or_else(|| self.priorities.pop_low())
    }

    fn pick_urgent(&self) -> Option<u32> {
        let index = steal(|| self.urgent.steal())?;
        self.urgents.fetch_sub(1, AcqRel);
        Some(index)
    }

    /// In turn: the first come of the prioritised, from outside, and of this place.
    fn oldest(&self, state: &State) -> Option<u32> {
        let turn = (state.picks / OLDEST_EVERY) as usize;
        let injector = &self.injectors[turn % self.injectors.len()];
        match turn % 3 {
            0 => self.priorities.pop_oldest(),
            1 => steal(|| injector.steal()),
            _ => {
                let place = state.place.as_ref().and_then(Place::number)?;
                steal(|| self.stealers[place].steal())
            }
        }
    }

    /// A batch from outside: the first to be run, the rest into this place's deque.
    fn injected(&self, state: &mut State) -> Option<u32> {
        state.pace.wait();
        let shards = self.injectors.len();
        let Some((own, deque)) = state.place.as_ref().and_then(Place::regular) else {
            return (0..shards).find_map(|k| steal(|| self.injectors[k].steal()));
        };
        let found = (0..shards).find_map(|k| {
            let injector = &self.injectors[(own + k) % shards];
            if injector.is_empty() {
                return None;
            }
            steal(|| injector.steal_batch_and_pop(deque))
        });
        if found.is_some() && deque.len() < THIN {
            state.pace.slow_down();
        }
        found
    }

    /// Another place's oldest, beginning with the last victim that had work.
    fn stolen(&self, state: &mut State) -> Option<u32> {
        let places = self.stealers.len();
        for k in 0..places {
            let victim = (state.victim + k) % places;
            if let Some(index) = steal(|| self.stealers[victim].steal()) {
                state.victim = victim;
                return Some(index);
            }
        }
        None
    }
}

/// How soon a thread looks again for work from outside, where it has just found little.
///
/// Each look takes the queue's memory away from who fills it. A thread that is faster than its producer would take one
/// task at a time and make both of them slower than either alone: it lets the producer get ahead instead.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Instant>);

impl Pace {
    /// From one thin batch to the next look. Bodies that take longer are not delayed.
    const PAUSE: Duration = Duration::from_micros(1);

    fn slow_down(&mut self) {
        self.0 = Some(Instant::now() + Self::PAUSE);
    }

    #[inline]
    fn wait(&mut self) {
        if let Some(until) = self.0.take() {
            while Instant::now() < until {
                std::hint::spin_loop();
            }
        }
    }
}

fn deques_len(stealers: &[Stealer<u32>]) -> usize {
    stealers.len().clamp(1, MOST_INJECTORS)
}

/// Tries again while another thread is in the way.
#[inline]
fn steal(mut attempt: impl FnMut() -> Steal<u32>) -> Option<u32> {
    loop {
        match attempt() {
            Steal::Success(index) => return Some(index),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

impl Local {
    /// Queues the tasks that events made ready: the last first, so that a place's deque, which is last in, first out,
    /// hands them out in the order in which they were submitted.
    #[inline]
    pub(crate) fn queue_ready(&self) {
        let mut state = self.state();
        if state.fx.ready.is_empty() {
            return;
        }
        let mut ready = std::mem::take(&mut state.fx.ready);
        if self.traced != 0 {
            drop(state);
            self.note_ready();
            state = self.state();
        }
        for index in ready.drain(..) {
            if self.engine.graph.extra(index) != 0 && self.is_sent_elsewhere(&mut state, index) {
                continue;
            }
            self.engine
                .queues
                .push(&mut state, index, self.engine.graph.priority(index));
        }
        // The observer may have made others ready meanwhile.
        if state.fx.ready.is_empty() {
            state.fx.ready = ready;
        }
        drop(state);
        self.engine.notify();
    }
}
