//! Ready tasks with a priority. Nobody looks here while there are none.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Relaxed, Release};

use parking_lot::Mutex;

use super::line::rank;

/// Above the unprioritised (`high`) and below them (`low`), and all of them in the order they came.
#[derive(Debug, Default)]
pub(super) struct Priorities {
    queued: AtomicUsize,
    queues: Mutex<Queues>,
}

/// Higher priority first, then the lower rank: work of tasks before work from outside, depth first; then first come,
/// first served.
type Heap = BinaryHeap<(i32, Reverse<i64>, u32)>;

#[derive(Debug, Default)]
struct Queues {
    high: Heap,
    low: Heap,
    /// By their numbers; those that a heap has handed out are `None`, and never the first.
    arrival: VecDeque<(u64, Option<u32>)>,
    last: u64,
}

impl Priorities {
    /// Whether any is queued.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.queued.load(Relaxed) != 0
    }

    pub(super) fn push(&self, index: u32, priority: i32, from_task: bool) {
        let queues = &mut *self.queues.lock();
        queues.last += 1;
        let number = queues.last;
        let heap = if priority > 0 {
            &mut queues.high
        } else {
            &mut queues.low
        };
        heap.push((priority, Reverse(rank(number, from_task)), index));
        queues.arrival.push_back((number, Some(index)));
        queues.tidy();
        self.queued.store(queues.len(), Release);
    }

    /// The highest above the unprioritised.
    pub(super) fn pop_high(&self) -> Option<u32> {
        self.pop(|queues| queues.high.pop().map(|next| queues.leave(next)))
    }

    /// The highest below the unprioritised.
    pub(super) fn pop_low(&self) -> Option<u32> {
        self.pop(|queues| queues.low.pop().map(|next| queues.leave(next)))
    }

    /// Whichever came first. Its heap may hand it out once more: entries are hints.
    pub(super) fn pop_oldest(&self) -> Option<u32> {
        self.pop(|queues| {
            let (_, index) = queues.arrival.pop_front()?;
            queues.trim();
            index
        })
    }

    fn pop(&self, take: impl FnOnce(&mut Queues) -> Option<u32>) -> Option<u32> {
        if !self.any() {
            return None;
        }
        let queues = &mut *self.queues.lock();
        let index = take(queues);
        queues.tidy();
        self.queued.store(queues.len(), Release);
        index
    }
}

impl Queues {
    fn len(&self) -> usize {
        self.high.len() + self.low.len()
    }

    /// A heap hands an entry out: it is no longer among those who came.
    fn leave(&mut self, (_, Reverse(rank), index): (i32, Reverse<i64>, u32)) -> u32 {
        let number = rank.unsigned_abs();
        if let Ok(place) = self.arrival.binary_search_by_key(&number, |&(of, _)| of) {
            self.arrival[place].1 = None;
            self.trim();
        }
        index
    }

    /// Whoever is first is still to be handed out.
    fn trim(&mut self) {
        while let Some((_, None)) = self.arrival.front() {
            self.arrival.pop_front();
        }
    }

    /// Forgets arrivals that the heaps have handed out, once they are most of them.
    fn tidy(&mut self) {
        if self.arrival.len() <= 2 * self.len() + 64 {
            return;
        }
        let both = self.high.iter().chain(&self.low);
        let mut left: Vec<_> = both
            .map(|&(_, Reverse(rank), index)| (rank.unsigned_abs(), Some(index)))
            .collect();
        left.sort_unstable();
        self.arrival = left.into();
    }
}
