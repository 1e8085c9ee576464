//! Those who wait for one thing, in the order in which they came.

use std::collections::VecDeque;

use crate::pool::waiters::Wake;

/// A line of waiters. Who is told has left it.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By ticket, which only grow.
    waiting: VecDeque<(u64, Wake)>,
    last: u64,
}

impl Line {
    /// Enters a waiter at the end; the ticket is its place.
    pub(super) fn enter(&mut self, wake: Wake) -> u64 {
        self.last += 1;
        self.waiting.push_back((self.last, wake));
        self.last
    }

    /// Whether the waiter was not told yet.
    pub(super) fn has(&self, ticket: u64) -> bool {
        self.place(ticket).is_some()
    }

    /// Exchanges what wakes a waiter, in its place. No: it was told already.
    pub(super) fn renew(&mut self, ticket: u64, wake: &mut Wake) -> bool {
        let place = self.place(ticket);
        let entry = place.and_then(|place| self.waiting.get_mut(place));
        entry.map(|(_, old)| std::mem::swap(old, wake)).is_some()
    }

    /// Takes a waiter out, if it was not told yet.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Wake> {
        let place = self.place(ticket)?;
        self.waiting.remove(place).map(|(_, wake)| wake)
    }

    /// Takes the first out, to be told.
    pub(super) fn first(&mut self) -> Option<Wake> {
        self.waiting.pop_front().map(|(_, wake)| wake)
    }

    /// Takes all out, to be told.
    pub(super) fn all(&mut self) -> impl Iterator<Item = Wake> {
        self.waiting.drain(..).map(|(_, wake)| wake)
    }

    fn place(&self, ticket: u64) -> Option<usize> {
        self.waiting
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket)
            .ok()
    }
}
