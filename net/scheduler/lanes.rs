//! A line of ready tasks: higher priority first; of one priority, what descends from tasks before what came from outside,
//! the former newest first (depth first), the latter in order.
//!
//! 1. Entries are hints: a task may have left its state, and who takes an entry looks. [`Lanes::purge`] takes out those
//!    that came to nothing.
//! 2. Every 61st pick takes the oldest entry of another priority than the last such pick did, going down and around: so
//!    nothing waits for ever behind a stream of more urgent work.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// A prime, so that it does not fall into step with patterns of the work.
const FAIR: u32 = 61;
/// Empty levels kept for their buffers.
const KEPT_LEVELS: usize = 16;
/// Fewer entries than this are not worth a purge.
const LEAST_PURGE: usize = 4096;

/// A task that was ready when the entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) index: u32,
    pub(super) generation: u32,
    /// How long it is thought to run.
    pub(super) cost_us: u32,
}

/// How urgent an entry is: greater goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    priority: i32,
    descends: bool,
}

#[derive(Debug, Default)]
struct Level {
    descending: VecDeque<Entry>,
    outer: VecDeque<Entry>,
}

#[derive(Debug)]
pub(super) struct Lanes {
    levels: BTreeMap<Reverse<i32>, Level>,
    len: usize,
    cost_us: u64,
    picks: u32,
    fair_level: Reverse<i32>,
    purge_at: usize,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            levels: BTreeMap::new(),
            len: 0,
            cost_us: 0,
            picks: 0,
            fair_level: Reverse(i32::MAX),
            purge_at: LEAST_PURGE,
        }
    }
}

impl Lanes {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How long its entries are thought to run, one after the other.
    pub(super) fn cost_us(&self) -> u64 {
        self.cost_us
    }

    #[inline]
    pub(super) fn push(&mut self, priority: i32, descends: bool, entry: Entry) {
        let level = self.levels.entry(Reverse(priority)).or_default();
        if descends {
            level.descending.push_back(entry);
        } else {
            level.outer.push_back(entry);
        }
        self.len += 1;
        self.cost_us += u64::from(entry.cost_us);
    }

    /// The rank of what [`pop`](Self::pop) takes, the fair picks apart.
    #[inline]
    pub(super) fn rank(&self) -> Option<Rank> {
        if self.len == 0 {
            return None;
        }
        let (&Reverse(priority), level) =
            self.levels.iter().find(|(_, level)| !level.is_empty())?;
        Some(Rank {
            priority,
            descends: !level.descending.is_empty(),
        })
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        if self.len == 0 {
            return None;
        }
        self.picks = self.picks.wrapping_add(1);
        if self.picks.is_multiple_of(FAIR) {
            return self.pop_fair();
        }
        let (&key, level) = self
            .levels
            .iter_mut()
            .find(|(_, level)| !level.is_empty())?;
        let entry = level
            .descending
            .pop_back()
            .or_else(|| level.outer.pop_front());
        self.popped(key, entry)
    }

    fn pop_fair(&mut self) -> Option<Entry> {
        let after = (
            std::ops::Bound::Excluded(self.fair_level),
            std::ops::Bound::Unbounded,
        );
        let below = self
            .levels
            .range(after)
            .find(|(_, level)| !level.is_empty());
        let next = below.or_else(|| self.levels.iter().find(|(_, level)| !level.is_empty()));
        let key = *next?.0;
        self.fair_level = key;
        let level = self.levels.get_mut(&key)?;
        let entry = level
            .outer
            .pop_front()
            .or_else(|| level.descending.pop_front());
        self.popped(key, entry)
    }

    /// What [`pop_last`](Self::pop_last) takes.
    pub(super) fn last(&self) -> Option<Entry> {
        let (_, level) = self
            .levels
            .iter()
            .rev()
            .find(|(_, level)| !level.is_empty())?;
        level
            .outer
            .back()
            .or_else(|| level.descending.front())
            .copied()
    }

    /// The least urgent entry: what a thief is given.
    pub(super) fn pop_last(&mut self) -> Option<Entry> {
        let (&key, level) = self
            .levels
            .iter_mut()
            .rev()
            .find(|(_, level)| !level.is_empty())?;
        let entry = level
            .outer
            .pop_back()
            .or_else(|| level.descending.pop_front());
        self.popped(key, entry)
    }

    #[inline]
    fn popped(&mut self, key: Reverse<i32>, entry: Option<Entry>) -> Option<Entry> {
        let entry = entry?;
        self.len -= 1;
        self.cost_us -= u64::from(entry.cost_us);
        if self.levels.len() > KEPT_LEVELS && self.levels[&key].is_empty() {
            self.levels.remove(&key);
        }
        Some(entry)
    }

    /// Whether so much was pushed since the last purge that another one costs little beside it.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.len >= self.purge_at
    }

    /// Keeps the entries that `holds` says still hold.
    pub(super) fn purge(&mut self, mut holds: impl FnMut(&Entry) -> bool) {
        let (mut len, mut cost) = (0, 0);
        for level in self.levels.values_mut() {
            for lane in [&mut level.descending, &mut level.outer] {
                lane.retain(&mut holds);
                len += lane.len();
                cost += lane
                    .iter()
                    .map(|entry| u64::from(entry.cost_us))
                    .sum::<u64>();
            }
        }
        self.levels.retain(|_, level| !level.is_empty());
        (self.len, self.cost_us) = (len, cost);
        self.purge_at = LEAST_PURGE.max(2 * len);
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        let levels = std::mem::take(&mut self.levels);
        (self.len, self.cost_us) = (0, 0);
        let entries = |level: Level| level.descending.into_iter().chain(level.outer);
        levels.into_values().flat_map(entries).collect()
    }

    /// The entries, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.levels
            .values()
            .flat_map(|level| level.descending.iter().chain(level.outer.iter()))
    }
}

impl Level {
    fn is_empty(&self) -> bool {
        self.descending.is_empty() && self.outer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Lanes};

    fn entry(index: u32) -> Entry {
        Entry {
            index,
            generation: 0,
            cost_us: 1,
        }
    }

    fn order(lanes: &mut Lanes) -> Vec<u32> {
        std::iter::from_fn(|| lanes.pop())
            .map(|entry| entry.index)
            .collect()
    }

    #[test]
    fn descendants_go_first_newest_first_and_the_rest_in_order() {
        let mut lanes = Lanes::default();
        for (index, priority, descends) in [
            (1, 0, false),
            (2, 0, false),
            (3, 0, true),
            (4, 0, true),
            (5, 9, false),
            (6, -9, true),
        ] {
            lanes.push(priority, descends, entry(index));
        }
        assert_eq!((lanes.len(), lanes.cost_us()), (6, 6));
        assert_eq!(order(&mut lanes), [5, 4, 3, 1, 2, 6]);
        assert_eq!((lanes.len(), lanes.cost_us()), (0, 0));
    }

    #[test]
    fn the_least_urgent_waits_for_a_bounded_number_of_picks() {
        let mut lanes = Lanes::default();
        lanes.push(-1, false, entry(0));
        for index in 1..200 {
            lanes.push(1, true, entry(index));
        }
        let at = order(&mut lanes).iter().position(|&index| index == 0);
        assert!(at < Some(122), "{at:?}");
    }

    #[test]
    fn a_purge_keeps_what_holds() {
        let mut lanes = Lanes::default();
        (0..10).for_each(|index| lanes.push(0, index % 3 == 0, entry(index)));
        lanes.purge(|entry| entry.index < 5);
        assert_eq!((lanes.len(), lanes.cost_us()), (5, 5));
        assert_eq!(order(&mut lanes), [3, 0, 1, 2, 4]);
    }
}
