//! The deterministic host: one body runs at a time, and a seeded baton decides whose turn it is.
//!
//! There is one place, the baton. At every task boundary and at every wait that blocks, the next turn is drawn among
//! the ready tasks of the highest priority and the blocked bodies whose wait is over. As long as only tasks submit tasks, the same seed gives
//! the same order. It knows only our own blocking: a body that blocks on anything else keeps the baton.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::Engine;
use super::parker::Parker;
use super::queues::OLDEST_EVERY;

/// Whose turn it may be.
#[derive(Debug)]
pub(crate) struct Baton {
    turns: Mutex<Turns>,
    engine: OnceLock<Weak<Engine>>,
}

#[derive(Debug)]
struct Turns {
    random: u64,
    /// By priority, the highest first; no list is empty.
    ready: BTreeMap<Reverse<i32>, Vec<u32>>,
    turns: u32,
    resumable: Vec<Arc<Parker>>,
    /// Drawn, and to be picked next.
    drawn: Option<u32>,
}

impl Turns {
    /// The priority of the tasks whose turn it may be: the highest, and now and then the lowest, so that none starves.
    fn candidates(&mut self) -> Option<Reverse<i32>> {
        self.turns = self.turns.wrapping_add(1);
        let lowest = self.turns.is_multiple_of(OLDEST_EVERY);
        let entry = if lowest {
            self.ready.last_key_value()
        } else {
            self.ready.first_key_value()
        };
        entry.map(|(priority, _)| *priority)
    }

    /// A number below `limit`. SplitMix64 (Steele, Lea and Flood, 2014): any seed will do, 0 too.
    fn below(&mut self, limit: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

impl Baton {
    pub(super) fn new(seed: u64) -> Self {
        let turns = Turns {
            random: seed,
            ready: BTreeMap::new(),
            turns: 0,
            resumable: Vec::new(),
            drawn: None,
        };
        Self {
            turns: Mutex::new(turns),
            engine: OnceLock::new(),
        }
    }

    /// Tells the baton whose threads to wake.
    pub(super) fn serve(&self, engine: &Arc<Engine>) {
        self.engine.get_or_init(|| Arc::downgrade(engine));
    }

    pub(super) fn push(&self, index: u32, priority: i32) {
        let ready = &mut self.turns.lock().ready;
        ready.entry(Reverse(priority)).or_default().push(index);
    }

    pub(super) fn has_work(&self) -> bool {
        let turns = self.turns.lock();
        !turns.ready.is_empty() || !turns.resumable.is_empty() || turns.drawn.is_some()
    }

    /// A blocked body's wait is over.
    pub(super) fn resumable(&self, parker: Arc<Parker>) {
        self.turns.lock().resumable.push(parker);
        if let Some(engine) = self.engine.get().and_then(Weak::upgrade) {
            engine.notify();
            if engine.is_closed() {
                engine.resume_last();
            }
        }
    }

    /// A body to resume, when no more tasks begin.
    pub(super) fn last_turn(&self) -> Option<Arc<Parker>> {
        self.turns.lock().resumable.pop()
    }

    /// Draws the next turn: a body to resume, or `None`: then [`pick`](Self::pick) has the task, if there is one.
    pub(super) fn turn(&self) -> Option<Arc<Parker>> {
        let turns = &mut *self.turns.lock();
        let candidates = turns.candidates();
        let ready = candidates.map_or(0, |priority| turns.ready[&priority].len());
        let all = ready + turns.resumable.len();
        if turns.drawn.is_some() || all == 0 {
            return None;
        }
        let k = turns.below(all);
        if k >= ready {
            return Some(turns.resumable.remove(k - ready));
        }
        let priority = candidates?;
        let of_priority = turns.ready.get_mut(&priority)?;
        turns.drawn = Some(of_priority.swap_remove(k));
        if of_priority.is_empty() {
            turns.ready.remove(&priority);
        }
        None
    }

    /// Whether a body that waits runs a task that it needs on its own stack, rather than wait for its turn.
    pub(super) fn helps(&self) -> bool {
        self.turns.lock().below(2) == 0
    }

    /// The task whose turn it is.
    pub(super) fn pick(&self) -> Option<u32> {
        self.turns.lock().drawn.take()
    }
}
