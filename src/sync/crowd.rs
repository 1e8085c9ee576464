//! Those who wait for one and the same thing, and are told together.

use std::sync::Arc;
use std::time::Instant;

use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::turn::{Calls, Told, Turn};
use crate::pool::waits::On;

/// They wait under the lock of the thing, until it is closed.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    turns: Vec<Arc<Turn>>,
    closed: bool,
}

impl Crowd {
    /// One more.
    pub(super) fn enter<C: Crowded>(&mut self, of: &Arc<C>) -> Entry<C> {
        let turn = Arc::new(Turn::default());
        self.turns.push(Arc::clone(&turn));
        Entry {
            of: Arc::clone(of),
            turn,
        }
    }

    pub(super) fn leave(&mut self, turn: &Arc<Turn>) {
        let mut turns = self.turns.iter();
        if let Some(place) = turns.position(|other| Arc::ptr_eq(other, turn)) {
            self.turns.remove(place);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.turns.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Nobody is to wait here from now on; tells all of them.
    pub(super) fn close(&mut self) -> Calls {
        self.closed = true;
        self.tell(&Err(WaitError::Closed))
    }

    /// Tells all of them; whom to wake comes back.
    pub(super) fn tell(&mut self, told: &Told) -> Calls {
        let all = self.turns.drain(..);
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

impl<C: Crowded> Entry<C> {
    /// Waits on this thread until told, at what `explain` calls `what`.
    pub(super) fn wait(
        &self,
        engine: &Arc<Engine>,
        what: &Arc<str>,
        deadline: Option<Instant>,
    ) -> Told {
        let on = |_: &_| On::Event(Arc::clone(what));
        let waited = self.turn.wait(engine, on, deadline);
        if waited.is_ok() {
            return waited;
        }
        // Nobody tells who has left: told or not is decided here, and not once the caller has been told otherwise.
        self.of.leave(&self.turn);
        self.turn.told().unwrap_or(waited)
    }
}

impl<C: Crowded> Drop for Entry<C> {
    fn drop(&mut self) {
        // Who was told has been taken out.
        if !self.turn.is_told() {
            self.of.leave(&self.turn);
        }
    }
}
