//! The newest transitions of an engine's tasks, in a ring for each thread, merged when they are asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::transition::Transition;

/// One thread's newest transitions.
#[derive(Debug)]
pub(crate) struct Ring {
    limit: usize,
    newest: Mutex<VecDeque<Transition>>,
}

impl Ring {
    pub(super) fn push(&self, transition: Transition) {
        let newest = &mut *self.newest.lock();
        if newest.len() >= self.limit {
            newest.pop_front();
        }
        newest.push_back(transition);
    }
}

/// The rings of living threads, and what those of ended threads have left.
#[derive(Debug, Default)]
pub(crate) struct Story {
    limit: usize,
    rings: Mutex<(Vec<Arc<Ring>>, Vec<Transition>)>,
}

impl Story {
    /// A story of so many transitions; 0 is none.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            rings: Mutex::default(),
        }
    }

    /// A thread's ring, if a story is kept.
    pub(super) fn join(&self) -> Option<Arc<Ring>> {
        if self.limit == 0 {
            return None;
        }
        let ring = Arc::new(Ring {
            limit: self.limit,
            newest: Mutex::default(),
        });
        self.rings.lock().0.push(Arc::clone(&ring));
        Some(ring)
    }

    pub(super) fn leave(&self, ring: &Arc<Ring>) {
        let (rings, past) = &mut *self.rings.lock();
        rings.retain(|other| !Arc::ptr_eq(other, ring));
        past.extend(ring.newest.lock().drain(..));
        keep_newest(past, self.limit);
    }

    /// The newest transitions, oldest first. Each ring has its newest, so the newest of all are among them.
    pub(crate) fn newest(&self) -> Vec<Transition> {
        let (rings, past) = &*self.rings.lock();
        let mut all = past.clone();
        for ring in rings {
            all.extend(ring.newest.lock().iter().cloned());
        }
        keep_newest(&mut all, self.limit);
        all
    }
}

/// Sorts by time; what one thread has noted at one time stays in its order.
fn keep_newest(transitions: &mut Vec<Transition>, limit: usize) {
    transitions.sort_by_key(|transition| transition.at);
    transitions.drain(..transitions.len().saturating_sub(limit));
}
