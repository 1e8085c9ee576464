//! A hash table of nodes in chunks of one cache line, after Folly's F14 (Bronson and Shi, *Open-sourcing F14 for
//! faster, more memory-efficient hash tables*, 2019).
//!
//! A task's key is looked up when it is submitted and taken out when it is freed, each time at a random place of a
//! table that seldom fits the cache. A table with its control bytes apart reads two lines then, this one reads one,
//! and half as many bytes a key, since the key itself stands with the node.
//! 1. An entry stands in the first chunk of its probe sequence that had room when it came. The sequence begins at the
//!    low bits of the hash and goes on to the next chunk.
//! 2. A chunk counts its entries, which stand first in it, and those that found it full and stand further on: they have
//!    passed it. A look-up ends at a chunk that none has passed, and a removal takes one off each chunk on its way: no
//!    tombstones.
//! 3. A table doubles when five sevenths are in use, so an insertion always finds room.

/// Entries a chunk: as many as fit beside the count in a line.
const ENTRIES: usize = 7;
/// Entries a chunk has on average when the table doubles.
const FULL: usize = 5;

/// Nodes by the hash of something that they know.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// None, or a power of two.
    chunks: Box<[Chunk]>,
    len: usize,
}

/// Entry `k` is `hashes[k]` with `nodes[k]`.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Chunk {
    hashes: [u32; ENTRIES],
    nodes: [u32; ENTRIES],
    /// Entries in use, in the lowest bits, and [`PASSED`] for each that has passed.
    counts: u32,
}

/// One entry that has passed, in `counts`.
const PASSED: u32 = ENTRIES as u32 + 1;

#[cfg(not(tenter_loom))]
const _: () = assert!(size_of::<Chunk>() == 64);

impl Table {
    /// The node of this hash that is the same, of those that have it.
    #[inline]
    pub(super) fn find(&self, hash: u32, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
        let (at, k) = self.place(hash, |chunk| chunk.find(hash, &mut same))?;
        Some(self.chunks[at].nodes[k])
    }

    /// Adds a node that is not in.
    #[inline]
    pub(super) fn insert(&mut self, hash: u32, node: u32) {
        if self.len == self.chunks.len() * FULL {
            self.grow();
        }
        self.len += 1;
        self.put(hash, node);
    }

    /// Takes a node out, if it is in.
    #[inline]
    pub(super) fn remove(&mut self, hash: u32, node: u32) {
        let Some((at, k)) = self.place(hash, |chunk| chunk.place(node)) else {
            return;
        };
        self.chunks[at].remove(k);
        self.len -= 1;
        let mut passed = self.home(hash);
        while passed != at {
            self.chunks[passed].counts -= PASSED;
            passed = self.next(passed);
        }
    }

    /// The chunk and the entry of a node of this hash.
    #[inline]
    fn place(
        &self,
        hash: u32,
        mut find: impl FnMut(&Chunk) -> Option<usize>,
    ) -> Option<(usize, usize)> {
        let mut at = self.home(hash);
        for _ in 0..self.chunks.len() {
            let chunk = &self.chunks[at];
            if let Some(k) = find(chunk) {
                return Some((at, k));
            }
            if chunk.counts < PASSED {
                return None;
            }
            at = self.next(at);
        }
        None
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the probe sequence of a hash begins.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.chunks.len().wrapping_sub(1)
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.chunks.len() - 1)
    }

    /// Puts an entry where there is room, which there is.
    #[inline]
    fn put(&mut self, hash: u32, node: u32) {
        let mut at = self.home(hash);
        loop {
            let chunk = &mut self.chunks[at];
            if chunk.push(hash, node) {
                return;
            }
            chunk.counts += PASSED;
            at = self.next(at);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let chunks = (2 * self.chunks.len()).max(1);
        let old = std::mem::replace(&mut self.chunks, vec![Chunk::default(); chunks].into());
        for chunk in old {
            let entries = chunk.hashes.into_iter().zip(chunk.nodes);
            entries
                .take(chunk.used())
                .for_each(|(hash, node)| self.put(hash, node));
        }
    }
}

impl Chunk {
    #[inline]
    fn used(&self) -> usize {
        (self.counts % PASSED) as usize
    }

    #[inline]
    fn find(&self, hash: u32, same: &mut impl FnMut(u32) -> bool) -> Option<usize> {
        let mut alike = self.lanes(&self.hashes, hash);
        while alike != 0 {
            let k = alike.trailing_zeros() as usize;
            if same(self.nodes[k]) {
                return Some(k);
            }
            alike &= alike - 1;
        }
        None
    }

    /// The entry of a node.
    #[inline]
    fn place(&self, node: u32) -> Option<usize> {
        let found = self.lanes(&self.nodes, node);
        (found != 0).then(|| found.trailing_zeros() as usize)
    }

    /// A bit for each entry whose lane has this value: all at once, without a branch that nobody could foresee.
    #[inline]
    fn lanes(&self, lanes: &[u32; ENTRIES], value: u32) -> u32 {
        let bit = |k| u32::from(lanes[k] == value) << k;
        (0..ENTRIES).map(bit).sum::<u32>() & ((1 << self.used()) - 1)
    }

    /// Adds an entry. Says whether there was room.
    #[inline]
    fn push(&mut self, hash: u32, node: u32) -> bool {
        let k = self.used();
        let room = k < ENTRIES;
        if room {
            (self.hashes[k], self.nodes[k]) = (hash, node);
            self.counts += 1;
        }
        room
    }

    /// Takes an entry out; the last one takes its place.
    #[inline]
    fn remove(&mut self, k: usize) {
        self.counts -= 1;
        let last = self.used();
        (self.hashes[k], self.nodes[k]) = (self.hashes[last], self.nodes[last]);
    }
}

#[cfg(all(test, not(tenter_loom)))]
mod tests {
    use std::collections::HashMap;

    use super::Table;

    /// Few hashes and few of their bits, so that chunks overflow all the time.
    #[test]
    fn agrees_with_a_map_of_hashes() {
        let mut random = 1u32;
        let (mut table, mut hashes) = (Table::default(), HashMap::new());
        for _ in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (hash, node) = ((random >> 20) % 13, 1 + (random >> 8) % 300);
            if let Some(hash) = hashes.remove(&node) {
                table.remove(hash, node);
            } else {
                table.insert(hash, node);
                hashes.insert(node, hash);
            }
            assert_eq!(table.len(), hashes.len());
            for hash in 0..13 {
                let found = table.find(hash, |other| other == node).is_some();
                assert_eq!(found, hashes.get(&node) == Some(&hash), "{hash} {node}");
            }
        }
        hashes
            .drain()
            .for_each(|(node, hash)| table.remove(hash, node));
        assert!(table.chunks.iter().all(|chunk| chunk.counts == 0));
    }

    #[test]
    fn nothing_is_found_in_or_removed_from_an_empty_table() {
        let mut table = Table::default();
        table.remove(7, 1);
        assert_eq!((table.find(7, |_| true), table.len()), (None, 0));
    }
}
