//! A node: 128 bytes, a hot and a cold cache line; and the edge cell of 8 bytes.
//!
//! The hot line holds what submit, claim and finish touch: the packed word, the join counter, the generation and the
//! driver's payload. The cold line holds what is written once at submit and read rarely.
//!
//! Who may touch the payload is decided by the word alone:
//! * before the node is published: whoever took the slot;
//! * between winning RUNNING and setting DONE: the winner;
//! * after DONE, without FAILED, CANCELLED or TAKEN: anyone with a reference may read the value; with FAILED and not
//!   CANCELLED, the error;
//! * whoever wins TAKEN may move the value out; whoever brings the count to 0 may drop what is left.
#![allow(unsafe_code)]

use std::fmt;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32 as ColdI32, AtomicPtr as ColdPtr, AtomicU32 as ColdU32};

use smallvec::SmallVec;

use super::arena::Slot;
use super::key::KeyCell;
use super::submit::GIVEN;
use super::{Graph, Spec, word};
use crate::primitive::{AtomicU32, AtomicU64, Cell};

/// Inputs a node holds without an allocation.
pub(super) const INLINE_INPUTS: usize = 6;

/// The inputs of a node, in the order they were given.
pub type Inputs = SmallVec<[u32; INLINE_INPUTS]>;

/// A slot of the node arena.
#[repr(C, align(64))]
pub(super) struct Node<P> {
    pub(super) word: AtomicU64,
    /// Inputs that are not settled, plus one while they are being linked.
    pub(super) join: AtomicU32,
    /// How many tasks lived in this slot before.
    pub(super) generation: AtomicU32,
    payload: Cell<MaybeUninit<P>>,
    pub(super) cold: Cold,
}

/// What a transition never decides on.
#[repr(C)]
pub(super) struct Cold {
    inputs: [ColdU32; INLINE_INPUTS - 2],
    /// Two more inputs, or the list of all of them when they do not fit.
    last_inputs: LastInputs,
    input_count: ColdU32,
    pub(super) name: ColdU32,
    location: ColdPtr<Location<'static>>,
    key: ColdPtr<KeyCell>,
    pub(super) priority: ColdI32,
    /// Cells of this node's list whose owner has left.
    pub(super) dead: ColdU32,
    /// How many dead cells start a compaction; 0 stands for the least.
    pub(super) dead_limit: ColdU32,
    flags: ColdU32,
}

#[repr(C)]
union LastInputs {
    inline: std::mem::ManuallyDrop<[ColdU32; 2]>,
    spilled: std::mem::ManuallyDrop<ColdPtr<ColdU32>>,
}

// SAFETY: integers, null pointers and an uninitialised payload are all valid as zeroes, and nothing needs a drop:
// the payload and the lists are dropped by `Leaving::forget` before the slot is given back.
unsafe impl<P> Slot for Node<P> {
    #[cfg(tenter_loom)]
    fn fresh() -> Self {
        Self {
            word: AtomicU64::new(0),
            join: AtomicU32::new(0),
            generation: AtomicU32::new(0),
            payload: Cell::new(MaybeUninit::uninit()),
            cold: Cold::fresh(),
        }
    }
}

// SAFETY: the payload is reached only under the rules at the head of this file, which give each access either
// exclusive right or shared right after a release-acquire edge on the word.
unsafe impl<P: Send + Sync> Sync for Node<P> {}

impl<P> Node<P> {
    /// Writes the payload of a node that is not published yet, or that the caller has won.
    #[inline]
    pub(super) fn write(&self, payload: P) {
        // SAFETY: exclusive by the rules above; what the cell held before was moved out or never there.
        unsafe { (*self.payload.as_ptr()).write(payload) };
    }

    /// Where the payload is. Reading or writing through it is subject to the rules at the head of the file.
    #[inline]
    pub(super) fn payload(&self) -> *mut P {
        self.payload.as_ptr().cast()
    }

    /// As [`payload`](Self::payload), for reading beside other readers.
    #[inline]
    pub(super) fn payload_shared(&self) -> *const P {
        self.payload.as_const_ptr().cast()
    }
}

/// For a driver that owns the graph alone and never moves a payload out through a pointer.
impl<P> Graph<P> {
    /// The payload of a node in use; `None` if the slot is free.
    #[inline]
    pub fn payload_mut(&mut self, index: u32) -> Option<&mut P> {
        let node = self.nodes.find(index)?;
        // A slot's word is 0 from when it is forgotten until its next payload is in place.
        if node.word.load(Relaxed) == 0 {
            return None;
        }
        // SAFETY: it was written before the word was, and `&mut self` says that nobody else has access.
        Some(unsafe { &mut *node.payload() })
    }

    /// Moves the payload out of a node that is to be freed next.
    ///
    /// # Panics
    /// If somebody has a reference to it, or it is free.
    pub(super) fn take_unreferenced(&mut self, index: u32) -> P {
        let word = self.node(index).word.load(Relaxed);
        assert!(word != 0 && word::refs(word) == 0, "node {index} is in use");
        // SAFETY: as above; the caller frees the slot, which sets its word to 0, so it is not moved out again.
        unsafe { self.node(index).payload().read() }
    }
}

impl Cold {
    #[cfg(tenter_loom)]
    fn fresh() -> Self {
        // SAFETY: integers and null pointers of std, all valid as zeroes.
        unsafe { std::mem::zeroed() }
    }

    /// Fills the line for a new task. The node is not published yet.
    #[inline]
    pub(super) fn set(&self, spec: &Spec) {
        self.name.store(spec.name, Relaxed);
        self.priority.store(spec.priority, Relaxed);
        let location = spec
            .location
            .map_or(std::ptr::null_mut(), |l| std::ptr::from_ref(l).cast_mut());
        self.location.store(location, Relaxed);
        self.dead.store(0, Relaxed);
        self.dead_limit.store(0, Relaxed);
        let pure = if spec.pure { PURE } else { 0 };
        self.flags
            .store(pure | (spec.extra << EXTRA_SHIFT), Relaxed);
    }

    /// The driver's number of what else it knows of the task.
    #[inline]
    pub(super) fn extra(&self) -> u32 {
        self.flags.load(Relaxed) >> EXTRA_SHIFT
    }

    /// Sets that number, if it was 0. Only by whoever won the node.
    pub(super) fn set_extra(&self, extra: u32) {
        if self.extra() == 0 {
            self.flags.fetch_or(extra << EXTRA_SHIFT, Release);
        }
    }

    /// Whether the result is worth remembering.
    #[inline]
    pub(super) fn is_pure(&self) -> bool {
        self.flags.load(Relaxed) & PURE != 0
    }

    pub(super) fn location(&self) -> Option<&'static Location<'static>> {
        let location = self.location.load(Relaxed);
        // SAFETY: null or made from a `&'static Location` in `set`.
        unsafe { location.as_ref() }
    }

    #[inline]
    pub(super) fn input_count(&self) -> usize {
        self.input_count.load(Acquire) as usize
    }

    /// Sets the inputs of a node that is not published, or that the caller has won and whose count it has cleared.
    #[inline]
    pub(super) fn set_inputs(&self, inputs: &[u32]) {
        if inputs.len() > INLINE_INPUTS {
            self.make_room(inputs.len());
        }
        for (k, &input) in inputs.iter().enumerate() {
            self.place(k).store(input & !GIVEN, Relaxed);
        }
        // Release: who reads this count (Acquire) sees the list.
        self.input_count.store(inputs.len() as u32, Release);
    }

    /// Forgets the inputs, so that who reads the list meanwhile sees that it no longer holds.
    pub(super) fn clear_inputs(&self) {
        self.input_count.store(0, Release);
    }

    /// The `k`-th input.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub(super) fn input(&self, k: usize) -> u32 {
        let count = self.input_count();
        assert!(k < count, "input {k} of {count}");
        self.place(k).load(Relaxed)
    }

    #[inline]
    pub(super) fn inputs(&self) -> Inputs {
        let count = self.input_count();
        if count == 0 {
            return Inputs::new();
        }
        (0..count).map(|k| self.place(k).load(Relaxed)).collect()
    }

    /// Frees the list of inputs, when it is on the heap. Only by whoever brought the count of references to 0.
    #[inline]
    pub(super) fn free_inputs(&self) {
        if self.flags.load(Relaxed) & SPILLED != 0 {
            let list = self.spilled().load(Relaxed);
            // SAFETY: made in `make_room`, with its length in its first entry; the flag is cleared just below.
            drop(unsafe {
                Box::from_raw(std::ptr::slice_from_raw_parts_mut(
                    list,
                    (*list).load(Relaxed) as usize,
                ))
            });
            self.flags.fetch_and(!SPILLED, Relaxed);
        }
        self.input_count.store(0, Relaxed);
    }

    /// Moves the list to the heap, with room for `count` inputs behind one entry that holds the list's own length.
    #[cold]
    fn make_room(&self, count: usize) {
        if self.flags.load(Relaxed) & SPILLED != 0 {
            let room = self.place_spilled(0).load(Relaxed) as usize - 1;
            assert!(
                count <= room,
                "a list on the heap is never replaced: others may be reading it"
            );
            return;
        }
        let list: Box<[ColdU32]> = (0..=count)
            .map(|_| ColdU32::new(count as u32 + 1))
            .collect();
        self.spilled().store(Box::into_raw(list).cast(), Relaxed);
        // Release: who sees the flag sees the list.
        self.flags.fetch_or(SPILLED, Release);
    }

    /// Where the `k`-th input is kept.
    #[inline]
    fn place(&self, k: usize) -> &ColdU32 {
        if self.flags.load(Acquire) & SPILLED == 0 {
            return self.inline(k);
        }
        self.place_spilled(k + 1)
    }

    /// The `k`-th entry of the list on the heap.
    fn place_spilled(&self, k: usize) -> &ColdU32 {
        // SAFETY: the list was made in `make_room` with room for every count stored since, and is freed with the slot.
        unsafe { &*self.spilled().load(Relaxed).add(k) }
    }

    #[inline]
    fn inline(&self, k: usize) -> &ColdU32 {
        match k.checked_sub(INLINE_INPUTS - 2) {
            None => &self.inputs[k],
            // SAFETY: both fields of the union are atomics over the same bytes, and any bytes are valid integers.
            Some(k) => unsafe { &self.last_inputs.inline[k] },
        }
    }

    #[inline]
    fn spilled(&self) -> &ColdPtr<ColdU32> {
        // SAFETY: any bytes are a valid atomic pointer; it is followed only when the count says that it was stored.
        unsafe { &self.last_inputs.spilled }
    }

    /// Gives the node its key. Not published yet.
    pub(super) fn set_key(&self, key: Box<KeyCell>) {
        self.key.store(Box::into_raw(key), Relaxed);
    }

    /// The node's key, readable while the node is pinned.
    pub(super) fn key(&self) -> Option<&KeyCell> {
        let key = self.key.load(Acquire);
        // SAFETY: null, or made in `set_key` and freed only with the slot.
        unsafe { key.as_ref() }
    }

    /// Takes the key out. Only by whoever brought the count of references to 0.
    pub(super) fn take_key(&self) -> Option<Box<KeyCell>> {
        let key = self.key.load(Relaxed);
        self.key.store(std::ptr::null_mut(), Relaxed);
        // SAFETY: made in `set_key`; the caller is the only one who may take it, and it is not there any more.
        (!key.is_null()).then(|| unsafe { Box::from_raw(key) })
    }
}

impl<P> fmt::Debug for Node<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("word", &self.word)
            .field("join", &self.join)
            .finish_non_exhaustive()
    }
}

/// In `Cold::flags`: the inputs are in a list on the heap.
const SPILLED: u32 = 1;
/// In `Cold::flags`: the result is worth remembering.
const PURE: u32 = 2;
/// In `Cold::flags`, from this bit on: the number of the driver's extra data.
const EXTRA_SHIFT: u32 = 4;

/// A cell of a node's list of those who wait for it.
#[repr(C)]
pub(super) struct Edge {
    pub(super) target: AtomicU32,
    pub(super) next: AtomicU32,
}

// SAFETY: two integers.
unsafe impl Slot for Edge {
    #[cfg(tenter_loom)]
    fn fresh() -> Self {
        Self {
            target: AtomicU32::new(0),
            next: AtomicU32::new(0),
        }
    }
}

/// In `Edge::target`: the target is a waiter of the driver's, not a node.
pub(super) const WAITER: u32 = 1 << 31;

#[cfg(not(tenter_loom))]
const _: () = assert!(size_of::<Node<[u64; 6]>>() == 128 && size_of::<Edge>() == 8);
