//! A client's tickets: which task each is a want of.
//!
//! Tickets are given out in order and let go in any, so they live in pages of consecutive ones: four bytes for each of many,
//! and one page for one that outlives its neighbours.

use hashbrown::HashMap;

use crate::net::message::Ticket;

const PAGE: u64 = 256;

#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// Hashed with a seed: clients choose the numbers.
    pages: HashMap<u64, Page>,
    /// The newest ticket that was used.
    newest: u64,
    len: usize,
}

#[derive(Debug)]
struct Page {
    /// Node 0 is none.
    nodes: Box<[u32; PAGE as usize]>,
    used: u32,
}

impl Tickets {
    /// Enters a new ticket. No: it is not newer than those before.
    #[must_use]
    pub(super) fn insert(&mut self, ticket: Ticket, node: u32) -> bool {
        if !self.is_new(ticket) {
            return false;
        }
        self.newest = ticket.0;
        self.len += 1;
        let page = self.pages.entry(ticket.0 / PAGE).or_insert_with(|| Page {
            nodes: Box::new([0; PAGE as usize]),
            used: 0,
        });
        page.nodes[(ticket.0 % PAGE) as usize] = node;
        page.used += 1;
        true
    }

    /// Whether a ticket is newer than those before.
    pub(super) fn is_new(&self, ticket: Ticket) -> bool {
        ticket.0 > self.newest
    }

    /// Which task it is a want of, if it was not let go.
    #[inline]
    pub(super) fn node(&self, ticket: Ticket) -> Option<u32> {
        let page = self.pages.get(&(ticket.0 / PAGE))?;
        let node = page.nodes[(ticket.0 % PAGE) as usize];
        (node != 0).then_some(node)
    }

    /// Points a ticket that is in to another task.
    pub(super) fn replace(&mut self, ticket: Ticket, node: u32) {
        if let Some(page) = self.pages.get_mut(&(ticket.0 / PAGE)) {
            page.nodes[(ticket.0 % PAGE) as usize] = node;
        }
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<u32> {
        let page = self.pages.get_mut(&(ticket.0 / PAGE))?;
        let node = std::mem::take(&mut page.nodes[(ticket.0 % PAGE) as usize]);
        if node == 0 {
            return None;
        }
        page.used -= 1;
        if page.used == 0 {
            self.pages.remove(&(ticket.0 / PAGE));
        }
        self.len -= 1;
        Some(node)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Ticket, u32)> {
        let mut pages: Vec<(&u64, &Page)> = self.pages.iter().collect();
        pages.sort_unstable_by_key(|&(number, _)| number);
        pages.into_iter().flat_map(|(number, page)| {
            let tickets = (0..PAGE).map(move |at| Ticket(number * PAGE + at));
            let nodes = page.nodes.iter().copied();
            tickets.zip(nodes).filter(|&(_, node)| node != 0)
        })
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
        assert!(tickets.pages.is_empty());
    }
    #[test]
    fn the_largest_ticket_is_as_any() {
        let mut tickets = Tickets::default();
        assert!(tickets.insert(Ticket(u64::MAX), 7));
        let all: Vec<_> = tickets.iter().collect();
        assert_eq!(all, [(Ticket(u64::MAX), 7)]);
    }
}
