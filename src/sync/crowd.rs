//! Those who wait for one and the same thing, and are told together.

use std::sync::Arc;

use crate::pool::turn::{Calls, Told, Turn};

/// They wait under the lock of the thing.
#[derive(Debug, Default)]
pub(super) struct Crowd(Vec<Arc<Turn>>);

impl Crowd {
    /// One more.
    pub(super) fn enter<C: Crowded>(&mut self, of: &Arc<C>) -> Entry<C> {
        let turn = Arc::new(Turn::default());
        self.0.push(Arc::clone(&turn));
        Entry {
            of: Arc::clone(of),
            turn,
        }
    }

    pub(super) fn leave(&mut self, turn: &Arc<Turn>) {
        if let Some(place) = self.0.iter().position(|other| Arc::ptr_eq(other, turn)) {
            self.0.remove(place);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells all of them; whom to wake comes back.
    pub(super) fn tell(&mut self, told: &Told) -> Calls {
        let all = self.0.drain(..);
        all.filter_map(|turn| turn.tell(told.clone())).collect()
    }
}

/// A thing with a crowd.
pub(super) trait Crowded {
    /// Takes this one out of the crowd.
    fn leave(&self, turn: &Arc<Turn>);
}

/// A place in a crowd; dropping it leaves.
#[derive(Debug)]
pub(super) struct Entry<C: Crowded> {
    of: Arc<C>,
    pub(super) turn: Arc<Turn>,
}

impl<C: Crowded> Drop for Entry<C> {
    fn drop(&mut self) {
        // Who was told has been taken out.
        if !self.turn.is_told() {
            self.of.leave(&self.turn);
        }
    }
}
