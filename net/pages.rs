//! What is open, by its ticket.
//!
//! Tickets are given out in order and end in about the same, so they live in pages of consecutive ones: neighbours are beside each
//! other in memory, and to find that one is not there any more takes a look into a short list of pages. One that outlives its
//! neighbours keeps one page.

use crate::net::scheduler::map::Map;

const PAGE: u64 = 64;

/// Things by their tickets.
#[derive(Debug)]
pub(super) struct Table<T> {
    pages: Map<u64, Page<T>>,
}

#[derive(Debug)]
struct Page<T> {
    entries: Box<[Option<T>]>,
    used: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            pages: Map::default(),
        }
    }
}

impl<T> Page<T> {
    fn new() -> Self {
        Self {
            entries: (0..PAGE).map(|_| None).collect(),
            used: 0,
        }
    }
}

fn place(ticket: u64) -> (u64, usize) {
    (ticket / PAGE, (ticket % PAGE) as usize)
}

impl<T> Table<T> {
    /// Enters a ticket that is not in.
    pub(super) fn insert(&mut self, ticket: u64, entry: T) {
        let (page, at) = place(ticket);
        let page = self.pages.entry(page).or_insert_with(Page::new);
        page.used += 1;
        let before = page.entries[at].replace(entry);
        debug_assert!(before.is_none(), "a ticket is used once");
    }

    pub(super) fn get(&self, ticket: u64) -> Option<&T> {
        let (page, at) = place(ticket);
        self.pages.get(&page)?.entries[at].as_ref()
    }

    pub(super) fn get_mut(&mut self, ticket: u64) -> Option<&mut T> {
        let (page, at) = place(ticket);
        self.pages.get_mut(&page)?.entries[at].as_mut()
    }

    pub(super) fn remove(&mut self, ticket: u64) -> Option<T> {
        let (number, at) = place(ticket);
        let page = self.pages.get_mut(&number)?;
        let entry = page.entries[at].take()?;
        page.used -= 1;
        if page.used == 0 {
            self.pages.remove(&number);
        }
        Some(entry)
    }

    /// All of them, in the order of their tickets.
    pub(super) fn into_ordered(self) -> impl Iterator<Item = T> {
        let mut pages: Vec<(u64, Page<T>)> = self.pages.into_iter().collect();
        pages.sort_unstable_by_key(|&(number, _)| number);
        let entries = pages.into_iter().flat_map(|(_, page)| page.entries);
        entries.flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGE, Table};

    #[test]
    fn what_is_open_is_found_until_it_is_closed_and_leaves_nothing_behind() {
        let mut table = Table::default();
        (1..=1000).for_each(|ticket| table.insert(ticket, ticket + 7));
        assert_eq!((table.get(600), table.get(1001)), (Some(&607), None));
        *table.get_mut(600).expect("it is open") += 1;
        assert_eq!((table.remove(600), table.remove(600)), (Some(608), None));
        for ticket in 1..1000 {
            let _ = table.remove(ticket);
        }
        assert_eq!(table.pages.len(), 1, "one ticket, one page");
        table.insert(1000 + PAGE, 1);
        assert_eq!(table.into_ordered().collect::<Vec<_>>(), [1007, 1]);
    }
}
