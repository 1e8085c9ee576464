//! Hash maps whose order depends on nothing but what was done to them: the same stimuli must give the same effects.
//! Their keys are numbers that the scheduler has given out, to workers too, so nobody can choose them to collide. What others
//! choose has no place here.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

pub(in crate::net) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;
pub(in crate::net) type Set<K> = HashSet<K, BuildHasherDefault<Mix>>;

/// Multiplies by an odd number and folds the high half down.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::net) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
