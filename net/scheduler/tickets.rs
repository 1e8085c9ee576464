//! A client's tickets: which task each is a want of.
//!
//! Tickets are given out in order and let go in any.

use std::num::NonZeroU32;

use crate::net::message::Ticket;
use crate::net::pages::Pages;

#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// Node 0 is none.
    nodes: Pages<NonZeroU32>,
    /// The newest ticket that was used.
    newest: u64,
}

fn of(node: u32) -> NonZeroU32 {
    NonZeroU32::new(node).expect("node 0 is none")
}

impl Tickets {
    /// Enters a new ticket. No: it is not newer than those before.
    #[must_use]
    pub(super) fn insert(&mut self, ticket: Ticket, node: u32) -> bool {
        if !self.is_new(ticket) {
            return false;
        }
        self.newest = ticket.0;
        self.nodes.insert(ticket.0, of(node));
        true
    }

    /// Whether a ticket is newer than those before.
    pub(super) fn is_new(&self, ticket: Ticket) -> bool {
        ticket.0 > self.newest
    }

    /// Which task it is a want of, if it was not let go.
    #[inline]
    pub(super) fn node(&self, ticket: Ticket) -> Option<u32> {
        self.nodes.get(ticket.0).map(|node| node.get())
    }

    /// Points a ticket that is in to another task.
    pub(super) fn replace(&mut self, ticket: Ticket, node: u32) {
        if let Some(known) = self.nodes.get_mut(ticket.0) {
            *known = of(node);
        }
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<u32> {
        self.nodes.remove(ticket.0).map(NonZeroU32::get)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Ticket, u32)> {
        let nodes = self.nodes.iter();
        nodes.map(|(ticket, node)| (Ticket(ticket), node.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Ticket, Tickets};

    #[test]
    fn a_ticket_is_used_once_and_found_until_it_is_let_go() {
        let mut tickets = Tickets::default();
        for number in 1..=1000 {
            assert!(tickets.insert(Ticket(number), number as u32 + 7));
        }
        assert!(!tickets.insert(Ticket(1000), 1) && !tickets.insert(Ticket(0), 1));
        assert_eq!(tickets.node(Ticket(600)), Some(607));
        assert_eq!(tickets.remove(Ticket(600)), Some(607));
        assert_eq!(
            (tickets.remove(Ticket(600)), tickets.node(Ticket(600))),
            (None, None)
        );
        assert!(!tickets.insert(Ticket(600), 1), "never reused");
        assert_eq!((tickets.len(), tickets.iter().count()), (999, 999));
        for number in 1..=1000 {
            let _ = tickets.remove(Ticket(number));
        }
        assert_eq!((tickets.len(), tickets.iter().count()), (0, 0));
    }
    #[test]
    fn the_largest_ticket_is_as_any() {
        let mut tickets = Tickets::default();
        assert!(tickets.insert(Ticket(u64::MAX), 7));
        let all: Vec<_> = tickets.iter().collect();
        assert_eq!(all, [(Ticket(u64::MAX), 7)]);
    }
}
