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
//! 5. Memory is never unmapped before the arena: a stale id may look at a slot at any time and finds its generation
//!    changed.
#![allow(unsafe_code)]

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
/// Pages an arena can have: 2^18 of 2^10 slots, 268 million slots at once. The table is 2 MiB of untouched zeroes.
#[cfg(not(tenter_loom))]
const PAGES: usize = 1 << 18;
#[cfg(tenter_loom)]
const PAGES: usize = 4;

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
    pages: Box<[AtomicPtr<Page<T>>]>,
    len: AtomicU32,
    listed: Mutex<Vec<u32>>,
}

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
        Self { page: 0, at: WORDS, free: [0; WORDS], gathered_word: 0, gathered: 0 }
    }
}

impl<T: Slot> Arena<T> {
    pub(super) fn new() -> Self {
        Self { pages: page_table(), len: AtomicU32::new(0), listed: Mutex::new(Vec::new()) }
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

    /// Takes a free slot; its contents are as its last owner left them, or zero.
    #[inline]
    pub(super) fn take(&self, cache: &mut Cache) -> u32 {
        loop {
            while cache.at < WORDS {
                let bits = cache.free[cache.at];
                if bits != 0 {
                    cache.free[cache.at] = bits & (bits - 1);
                    return (cache.page << SHIFT) | ((cache.at as u32) << 6) | bits.trailing_zeros();
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

    /// Whether the slot's page has been published (a page in the making is skipped by scans).
    pub(super) fn exists(&self, index: u32) -> bool {
        !self.pages[(index >> SHIFT) as usize].load(Acquire).is_null()
    }

    #[inline]
    fn page(&self, number: usize) -> &Page<T> {
        let page = self.pages[number].load(Acquire);
        assert!(!page.is_null(), "an index of a slot that was never handed out");
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
        let number = word * WORD_SLOTS >> SHIFT;
        let page = self.page(number as usize);
        // Release: pairs with the swap in `adopt`; the next owner sees the slot as we left it.
        let old = page.free[word as usize % WORDS].fetch_or(bits, AcqRel);
        if !over_line(old) && over_line(old | bits) && page.half_free.fetch_add(1, AcqRel) + 1 == LIST_AT {
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
        let number = self.len.fetch_add(1, Relaxed);
        assert!((number as usize) < PAGES, "more than 268 million tasks or edges at once: let some finish first");
        self.pages[number as usize].store(new_page(), Release);
        cache.page = number;
        cache.free = [ALL_FREE; WORDS];
        if number == 0 {
            cache.free[0] &= !1;
        }
    }
}

impl<T> Drop for Arena<T> {
    fn drop(&mut self) {
        for page in &self.pages {
            let page = page.load(Relaxed);
            if !page.is_null() {
                // SAFETY: made by `new_page` with this layout, never freed before, and nobody else can reach it;
                // slots need no drop (contract of `Slot`), loom's are dropped for its bookkeeping.
                drop(unsafe { Box::from_raw(page) });
            }
        }
    }
}

impl<T> fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("pages", &self.len.load(Relaxed)).finish_non_exhaustive()
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

#[cfg(not(tenter_loom))]
fn page_table<T>() -> Box<[AtomicPtr<Page<T>>]> {
    let layout = Layout::array::<AtomicPtr<Page<T>>>(PAGES).expect("2 MiB");
    // SAFETY: the layout is not of size zero.
    let table = unsafe { alloc_zeroed(layout) };
    if table.is_null() {
        handle_alloc_error(layout);
    }
    let table = std::ptr::slice_from_raw_parts_mut(table.cast::<AtomicPtr<Page<T>>>(), PAGES);
    // SAFETY: allocated just above with the layout of such a slice; zero bytes are null pointers.
    unsafe { Box::from_raw(table) }
}

#[cfg(tenter_loom)]
fn page_table<T>() -> Box<[AtomicPtr<Page<T>>]> {
    (0..PAGES).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect()
}
