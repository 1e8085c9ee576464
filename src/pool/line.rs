//! A line of tasks: higher priority first, then by rank; any of them can leave it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// When it is a task's turn: the least first.
pub(super) type Turn = (Reverse<i32>, i64);

/// Among tasks of one priority: those that other tasks made go first, the newest of them first (depth first), then
/// those from outside, the oldest first. The size of a rank is the number of the task's arrival.
pub(super) fn rank(number: u64, from_task: bool) -> i64 {
    let number = number as i64;
    if from_task { -number } else { number }
}

/// Tasks that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Line {
    turns: BTreeMap<Turn, u32>,
    arrivals: BTreeMap<u64, Turn>,
}

impl Line {
    pub(super) fn push(&mut self, turn: Turn, task: u32) {
        self.turns.insert(turn, task);
        self.arrivals.insert(turn.1.unsigned_abs(), turn);
    }

    /// Takes out the task that came as this number.
    pub(super) fn remove(&mut self, number: u64) -> Option<u32> {
        let turn = self.arrivals.remove(&number)?;
        self.turns.remove(&turn)
    }

    pub(super) fn first(&self) -> Option<(Turn, u32)> {
        self.turns
            .first_key_value()
            .map(|(turn, task)| (*turn, *task))
    }

    /// Whoever came first, whatever its priority.
    pub(super) fn oldest(&self) -> Option<(Turn, u32)> {
        let (_, turn) = self.arrivals.first_key_value()?;
        Some((*turn, self.turns[turn]))
    }

    /// The last one whose turn is before this one.
    pub(super) fn before(&self, turn: Turn) -> Option<u32> {
        self.turns.range(..turn).next_back().map(|(_, task)| *task)
    }

    pub(super) fn count_before(&self, turn: Turn) -> usize {
        self.turns.range(..turn).count()
    }

    /// The turn of the task that came as this number.
    pub(super) fn turn(&self, number: u64) -> Option<Turn> {
        self.arrivals.get(&number).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.turns.len()
    }
}
