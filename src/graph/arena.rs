//! Slots that do not age: pages of slots, one bit a free slot, handed out in address order.
//!
//! 1. A slot is named by a `u32`: page number, then place in the page. Slot 0 is never handed out, so that 0 can
//!    end a list.
//! 2. A page's header has one bit a slot; a set bit is a free slot. Giving a slot back is one `fetch_or` there, and
//!    a [`Cache`] gathers neighbours first, so slots given back in order cost one `fetch_or` a 64.
//! 3. A thread takes a page whole: it swaps the page's words for 0 and hands their bits out from its own copy, in
//!    address order, without an atomic operation. Lists of free slots would hand addresses out in the order they
//!    were given back; after one release in random order every later walk is then a walk in random order.
//! 4. A page is worth taking when half of it is free. Each word counts once while at least half of its bits are
//!    set: the `fetch_or` that carries it over that line adds one to `half_free`, a taker subtracts the words it
//!    found over the line. Whoever moves `half_free` up to [`LIST_AT`] lists the page; a taker that leaves it at
//!    or above that (slots came back meanwhile) lists it again. A page listed twice is taken by whoever comes first
//!    and found empty by the other, who looks on.
//! 5. The table of pages is replaced by one of twice the size when it is full; the old ones stay until the arena ends,
//!    for those who are just reading them. Pages are added under a lock, so a new table has them all.
//! 6. Memory is never unmapped before the arena: a stale id may look at a slot at any time and finds its generation
//!    changed.
#![allow(unsafe_code)]

#[cfg(not(tenter_loom))]
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::fmt;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::primitive::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Mutex};

/// Slots a page: big enough that taking one is rare, small enough that a thread with a single task wastes little.
#[cfg(not(tenter_loom))]
const SHIFT: u32 = 10;
/// Models allocate every slot of a page in every interleaving, so their pages are tiny.
#[cfg(tenter_loom)]
const SHIFT: u32 = 2;
const SLOTS: usize = 1 << SHIFT;
const WORDS: usize = SLOTS.div_ceil(64);
const WORD_SLOTS: u32 = (SLOTS / WORDS) as u32;
const ALL_FREE: u64 = u64::MAX >> (64 - WORD_SLOTS);
/// Words over the line that make a page worth taking: half of them.
const LIST_AT: i32 = WORDS.div_ceil(2) as i32;
/// Pages an arena can have: 2^18 of 2^10 slots, 268 million slots at once.
const PAGES: usize = 1 << 18;
/// Pages the first table has room for.
const FIRST_PAGES: usize = if cfg!(tenter_loom) { 4 } else { 64 };

/// What may live in a slot.
///
/// # Safety
/// A value of all zero bytes must be valid and equal to [`fresh`](Slot::fresh); it must need no drop.
pub(super) unsafe trait Slot {
    /// A slot as it is before its first use.
    #[cfg(tenter_loom)]
    fn fresh() -> Self;
}

#[repr(C)]
struct Page<T> {
    free: [AtomicU64; WORDS],
    half_free: AtomicI32,
    slots: [T; SLOTS],
}

/// Slots in pages; see the head of this file.
pub(super) struct Arena<T> {
    /// The newest of `tables`.
    table: AtomicPtr<Table<T>>,
    len: AtomicU32,
    listed: Mutex<Vec<u32>>,
    tables: Mutex<Vec<*mut Table<T>>>,
}

/// A table of pages, null where there is none yet.
struct Table<T>(Box<[AtomicPtr<Page<T>>]>);

// SAFETY: the arena owns its tables and pages, and hands out shared references to slots only.
unsafe impl<T: Send + Sync> Send for Arena<T> {}
// SAFETY: as above; everything that changes is atomic or locked.
unsafe impl<T: Send + Sync> Sync for Arena<T> {}

/// One thread's copy of a page's free bits, and the slots it has gathered to give back.
///
/// Must be returned with [`Arena::flush`]; what is not is lost to the arena until its end.
#[derive(Debug)]
pub(super) struct Cache {
    page: u32,
    at: usize,
    free: [u64; WORDS],
    gathered_word: u32,
    gathered: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            page: 0,
            at: WORDS,
            free: [0; WORDS],
            gathered_word: 0,
            gathered: 0,
        }
    }
}

impl<T: Slot> Arena<T> {
    pub(super) fn new() -> Self {
        let table = Table::new(FIRST_PAGES);
        let tables = Mutex::new(vec![table]);
        Self {
            table: AtomicPtr::new(table),
            len: AtomicU32::new(0),
            listed: Mutex::new(Vec::new()),
            tables,
        }
    }

    /// The slot named `index`.
    ///
    /// # Panics
    /// If no such slot was ever handed out.
    #[inline]
    pub(super) fn get(&self, index: u32) -> &T {
        let page = self.page((index >> SHIFT) as usize);
        &page.slots[index as usize % SLOTS]
    }

    /// As [`get`](Self::get); `None` if no such slot was ever handed out.
    #[inline]
    pub(super) fn find(&self, index: u32) -> Option<&T> {
        let page = self.table().0.get((index >> SHIFT) as usize)?;
        // SAFETY: null, or a published page, which is a valid allocation that lives as long as the arena.
        let page = unsafe { page.load(Acquire).as_ref() }?;
        Some(&page.slots[index as usize % SLOTS])
    }

    /// Takes a free slot; its contents are as its last owner left them, or zero.
    #[inline]
    pub(super) fn take(&self, cache: &mut Cache) -> u32 {
        loop {
            while cache.at < WORDS {
                let bits = cache.free[cache.at];
                if bits != 0 {
                    cache.free[cache.at] = bits & (bits - 1);
                    return (cache.page << SHIFT)
                        | ((cache.at as u32) << 6)
                        | bits.trailing_zeros();
                }
                cache.at += 1;
            }
            self.refill(cache);
        }
    }

    /// Gives a slot back. The caller has finished with it and nobody else refers to it.
    #[inline]
    pub(super) fn give(&self, cache: &mut Cache, index: u32) {
        let (word, bit) = (index / WORD_SLOTS, 1 << (index % WORD_SLOTS));
        if cache.gathered_word != word {
            self.give_gathered(cache);
            cache.gathered_word = word;
        }
        cache.gathered |= bit;
    }

    /// Returns everything `cache` holds.
    pub(super) fn flush(&self, cache: &mut Cache) {
        self.give_gathered(cache);
        for (k, bits) in std::mem::take(&mut cache.free).into_iter().enumerate() {
            self.give_word((cache.page << SHIFT) / WORD_SLOTS + k as u32, bits);
        }
        cache.at = WORDS;
    }

    /// How many slots exist, free or not; indices are below this.
    pub(super) fn len(&self) -> u32 {
        self.len.load(Acquire) << SHIFT
    }

    /// How many slots are free and in no cache.
    #[cfg(test)]
    pub(super) fn free_slots(&self) -> u32 {
        let pages = (0..self.len.load(Acquire)).map(|number| self.page(number as usize));
        let words = pages.flat_map(|page| &page.free);
        words.map(|word| word.load(Acquire).count_ones()).sum()
    }

    /// Whether the slot's page has been published (a page in the making is skipped by scans).
    pub(super) fn exists(&self, index: u32) -> bool {
        let pages = &self.table().0;
        pages
            .get((index >> SHIFT) as usize)
            .is_some_and(|page| !page.load(Acquire).is_null())
    }

    #[inline]
    fn table(&self) -> &Table<T> {
        // SAFETY: tables live as long as the arena. Acquire: who learnt of a page sees a table that has it.
        unsafe { &*self.table.load(Acquire) }
    }

    #[inline]
    fn page(&self, number: usize) -> &Page<T> {
        let page = self.table().0[number].load(Acquire);
        assert!(
            !page.is_null(),
            "an index of a slot that was never handed out"
        );
        // SAFETY: a published page is a valid allocation that lives as long as the arena.
        unsafe { &*page }
    }

    fn give_gathered(&self, cache: &mut Cache) {
        let bits = std::mem::take(&mut cache.gathered);
        self.give_word(cache.gathered_word, bits);
    }

    fn give_word(&self, word: u32, bits: u64) {
        if bits == 0 {
            return;
        }
        let number = (word * WORD_SLOTS) >> SHIFT;
        let page = self.page(number as usize);
        // Release: pairs with the swap in `adopt`; the next owner sees the slot as we left it.
        let old = page.free[word as usize % WORDS].fetch_or(bits, AcqRel);
        if !over_line(old)
            && over_line(old | bits)
            && page.half_free.fetch_add(1, AcqRel) + 1 == LIST_AT
        {
            self.listed.lock().push(number);
        }
    }

    #[cold]
    fn refill(&self, cache: &mut Cache) {
        let listed = self.listed.lock().pop();
        match listed {
            Some(number) => self.adopt(cache, number),
            None => self.add_page(cache),
        }
        cache.at = 0;
    }

    fn adopt(&self, cache: &mut Cache, number: u32) {
        let page = self.page(number as usize);
        cache.page = number;
        let mut crossed = 0;
        for (mine, word) in cache.free.iter_mut().zip(&page.free) {
            *mine = word.swap(0, AcqRel);
            crossed += i32::from(over_line(*mine));
        }
        let left = page.half_free.fetch_sub(crossed, AcqRel) - crossed;
        if left >= LIST_AT {
            self.listed.lock().push(number);
        }
    }

    fn add_page(&self, cache: &mut Cache) {
        let page = new_page();
        let mut tables = self.tables.lock();
        let number = self.len.load(Relaxed);
        assert!(
            (number as usize) < PAGES,
            "more than 268 million tasks or edges at once: let some finish first"
        );
        if number as usize == self.table().0.len() {
            let larger = self.table().grown();
            tables.push(larger);
            self.table.store(larger, Release);
        }
        self.table().0[number as usize].store(page, Release);
        self.len.store(number + 1, Release);
        drop(tables);
        cache.page = number;
        cache.free = [ALL_FREE; WORDS];
        if number == 0 {
            cache.free[0] &= !1;
        }
    }
}

impl<T> Table<T> {
    fn new(pages: usize) -> *mut Self {
        let pages = (0..pages)
            .map(|_| AtomicPtr::new(std::ptr::null_mut()))
            .collect();
        Box::into_raw(Box::new(Self(pages)))
    }

    /// A table of twice the size with the same pages.
    fn grown(&self) -> *mut Self {
        let larger = Self::new(2 * self.0.len());
        // SAFETY: just made, and nobody else has it.
        let entries = unsafe { &(*larger).0 };
        for (entry, page) in entries.iter().zip(&self.0) {
            entry.store(page.load(Relaxed), Relaxed);
        }
        larger
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        let newest = self.table.load(Relaxed);
        for table in self.tables.lock().drain(..) {
            // SAFETY: made by `Table::new`, dropped once, and nobody else can reach it.
            let table = unsafe { Box::from_raw(table) };
            if std::ptr::from_ref(&*table) == newest {
                table.drop_pages();
            }
        }
    }
}

impl<T> Table<T> {
    fn drop_pages(&self) {
        let pages = self.0.iter().map(|page| page.load(Relaxed));
        for page in pages.take_while(|page| !page.is_null()) {
            // SAFETY: made by `new_page` with the layout of its type, dropped once, and nobody else can reach it;
            // slots need no drop (contract of `Slot`), loom's are dropped for its bookkeeping.
            drop(unsafe { Box::from_raw(page) });
        }
    }
}

impl<T> fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("pages", &self.len.load(Relaxed))
            .finish_non_exhaustive()
    }
}

fn over_line(bits: u64) -> bool {
    bits.count_ones() >= WORD_SLOTS / 2
}

/// Zeroed memory comes untouched from the system: a page costs what is used of it.
#[cfg(not(tenter_loom))]
fn new_page<T: Slot>() -> *mut Page<T> {
    let layout = Layout::new::<Page<T>>();
    // SAFETY: the layout is not of size zero.
    let page = unsafe { alloc_zeroed(layout) };
    if page.is_null() {
        handle_alloc_error(layout);
    }
    page.cast()
}

#[cfg(tenter_loom)]
fn new_page<T: Slot>() -> *mut Page<T> {
    Box::into_raw(Box::new(Page {
        free: std::array::from_fn(|_| AtomicU64::new(0)),
        half_free: AtomicI32::new(0),
        slots: std::array::from_fn(|_| T::fresh()),
    }))
}
