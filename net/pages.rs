//! Things by numbers that are given out in order and end in about the same.
//!
//! They live in pages of consecutive numbers: neighbours are beside each other in memory, and to find that one is not there any
//! more takes a look into a short list of pages. One that outlives its neighbours keeps one page. Pages are hashed with a seed,
//! since another process may choose the numbers.

use hashbrown::HashMap;

const PAGE: u64 = 64;

/// Things by their numbers.
#[derive(Debug)]
pub(in crate::net) struct Pages<T> {
    pages: HashMap<u64, Page<T>>,
}

#[derive(Debug)]
struct Page<T> {
    entries: Box<[Option<T>]>,
    used: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            pages: HashMap::new(),
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

fn place(number: u64) -> (u64, usize) {
    (number / PAGE, (number % PAGE) as usize)
}

impl<T> Pages<T> {
    /// Enters one that is not in.
    pub(in crate::net) fn insert(&mut self, number: u64, entry: T) {
        let (page, at) = place(number);
        let page = self.pages.entry(page).or_insert_with(Page::new);
        page.used += 1;
        let before = page.entries[at].replace(entry);
        debug_assert!(before.is_none(), "a number is used once");
    }

    #[inline]
    pub(in crate::net) fn get(&self, number: u64) -> Option<&T> {
        let (page, at) = place(number);
        self.pages.get(&page)?.entries[at].as_ref()
    }

    pub(in crate::net) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let (page, at) = place(number);
        self.pages.get_mut(&page)?.entries[at].as_mut()
    }

    pub(in crate::net) fn remove(&mut self, number: u64) -> Option<T> {
        let (page_number, at) = place(number);
        let page = self.pages.get_mut(&page_number)?;
        let entry = page.entries[at].take()?;
        page.used -= 1;
        if page.used == 0 {
            self.pages.remove(&page_number);
        }
        Some(entry)
    }

    pub(in crate::net) fn len(&self) -> usize {
        self.pages.values().map(|page| page.used).sum()
    }

    /// All of them, in the order of their numbers.
    pub(in crate::net) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let mut pages: Vec<(&u64, &Page<T>)> = self.pages.iter().collect();
        pages.sort_unstable_by_key(|&(number, _)| number);
        pages.into_iter().flat_map(|(number, page)| {
            let numbered = (0..PAGE)
                .map(move |at| number * PAGE + at)
                .zip(&page.entries);
            numbered.filter_map(|(number, entry)| Some((number, entry.as_ref()?)))
        })
    }

    /// As [`iter`](Self::iter), of what they are.
    pub(in crate::net) fn into_ordered(self) -> impl Iterator<Item = T> {
        let mut pages: Vec<(u64, Page<T>)> = self.pages.into_iter().collect();
        pages.sort_unstable_by_key(|&(number, _)| number);
        let entries = pages.into_iter().flat_map(|(_, page)| page.entries);
        entries.flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGE, Pages};

    #[test]
    fn what_is_in_is_found_until_it_is_taken_out_and_leaves_nothing_behind() {
        let mut pages = Pages::default();
        (1..=1000).for_each(|number| pages.insert(number, number + 7));
        assert_eq!((pages.get(600), pages.get(1001)), (Some(&607), None));
        *pages.get_mut(600).expect("it is in") += 1;
        assert_eq!((pages.remove(600), pages.remove(600)), (Some(608), None));
        assert_eq!((pages.len(), pages.iter().count()), (999, 999));
        for number in 1..1000 {
            let _ = pages.remove(number);
        }
        assert_eq!(pages.pages.len(), 1, "one number, one page");
        let _ = pages.remove(1000);
        assert!(pages.pages.is_empty());
        pages.insert(1000, 1007);
        pages.insert(1000 + PAGE, 1);
        assert_eq!(pages.into_ordered().collect::<Vec<_>>(), [1007, 1]);
    }
}
