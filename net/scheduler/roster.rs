//! Lists of workers from which one is picked at random, each worker in or out in constant time.

use super::random::Random;

/// Some of the workers.
#[derive(Debug, Default)]
pub(super) struct Roster {
    items: Vec<u32>,
    /// Of each worker, where it is in `items`, plus 1.
    places: Vec<u32>,
}

impl Roster {
    /// Puts the worker in, or out.
    #[inline]
    pub(super) fn set(&mut self, worker: u32, member: bool) {
        let place = self.place(worker);
        if member && place == 0 {
            self.insert(worker);
        } else if !member && place != 0 {
            self.items.swap_remove(place as usize - 1);
            if let Some(&moved) = self.items.get(place as usize - 1) {
                self.places[moved as usize] = place;
            }
            self.places[worker as usize] = 0;
        }
    }

    fn insert(&mut self, worker: u32) {
        if self.places.len() <= worker as usize {
            self.places.resize(worker as usize + 1, 0);
        }
        self.items.push(worker);
        self.places[worker as usize] = self.items.len() as u32;
    }

    #[inline]
    fn place(&self, worker: u32) -> u32 {
        self.places.get(worker as usize).copied().unwrap_or(0)
    }

    pub(super) fn contains(&self, worker: u32) -> bool {
        self.place(worker) != 0
    }

    #[inline]
    pub(super) fn random(&self, random: &mut Random) -> Option<u32> {
        match self.items.len() {
            0 => None,
            count => Some(self.items[random.below(count)]),
        }
    }

    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }
}
