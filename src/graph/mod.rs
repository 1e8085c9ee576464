//! The graph: one state machine for every task's life, driven by the pool in process and by a scheduler elsewhere.
//!
//! It has no threads, clock, sockets or randomness and runs no user code. Each event in a task's life is one method;
//! what the driver must do next is written into [`Effects`], which the driver owns and must empty. The graph never
//! looks into the payload `P`: what a task is, and what its result is, are the driver's.
//!
//! # Life of a task
//! ```text
//! submit ─> waiting ─(last input settles)─> queued ─claim─> running ─finish─> finished | failed
//!              │ ▲                            │                │ │
//!              │ └───── rearm, postpone ──────┼────────────────┘ │
//!              └──── cancel, an input failed, last want gone ────┴──> cancelled | failed, without running
//! ```
//!
//! # Invariants
//! 1. `refs` of a node = wants + 1 while the machine holds its reference. At 0 the slot is the zeroer's to free.
//! 2. The machine's reference goes when the task is settled, its join counter is 0 and its inputs are let go: an edge
//!    cell that names a dependent therefore always names the same life of its slot.
//! 3. RUNNING is won once: by a claim (which needs QUEUED), by a cancel, or by a failing input. Who wins it owns the
//!    payload until it sets DONE.
//! 4. A task that ran finishes with one `fetch_add(DONE - REF)`. A task settled unrun finishes with
//!    `fetch_add(DONE)`, and whoever comes second, that or the last input's QUEUED, drops the machine's reference.
//!    Its inputs are let go by the same call; while they are still being linked, by the linker.
//! 5. The settling operation takes the list, and an adder that sees SETTLED does not link: the head that a settled
//!    node keeps is nobody's.
//! 6. A transition that changes the count and decides something is one compare-and-swap; nothing is written to a node
//!    after the reference that pinned it was given up.
//! 7. An id held without a reference is used by pinning first (only if refs > 0), then comparing the generation; the
//!    pin is given back through the same path as any want. Queue entries are hints: a claim decides.
//!
//! Methods with `&self` may be called from many threads; [`Graph::reopen`] takes `&mut self`, so only a driver with
//! a single owner can undo a finish.

mod arena;
mod cancel;
mod check;
mod effects;
mod finish;
mod key;
mod leaving;
mod list;
mod node;
mod overflow;
mod owned;
mod postpone;
mod remember;
mod reopen;
mod submit;
mod table;
mod tally;
mod want;
mod word;

#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use arena::Arena;
use key::{KeyCell, KeyTable};
use node::{Edge, Node};
use overflow::Shares;
use remember::Memory;

pub use check::Census;
pub use effects::Effects;
pub use finish::Outcome;
pub use key::Key;
pub use leaving::{Dropped, Leaving};
pub use node::Inputs;
pub use submit::{Born, Entry, GIVEN, Spec, Vacant};
pub use tally::Tally;
pub use want::Pin;

/// A task in one life of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    /// The slot.
    pub index: u32,
    /// How many tasks lived there before.
    pub generation: u32,
}

/// What a node's word says, for those who only look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Inputs are missing.
    Waiting,
    /// Ready to be claimed.
    Queued,
    /// Claimed, or being settled unrun.
    Running,
    /// Has its value.
    Finished,
    /// Has an error of its own or of an input.
    Failed,
    /// Was cancelled; a body may still be running.
    Cancelled,
}

/// One thread's share of the free slots. Return it with [`Graph::flush`].
#[derive(Debug, Default)]
pub struct Cache {
    nodes: arena::Cache,
    edges: arena::Cache,
    /// Boxes to be used again: a key then costs no allocation.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    keys: Vec<Box<KeyCell>>,
}

impl Cache {
    /// Boxes kept: 384 KiB at most.
    const KEYS: usize = 8192;

    #[inline]
    fn key_cell(&mut self, cell: KeyCell) -> Box<KeyCell> {
        let Some(mut kept) = self.keys.pop() else {
            return Box::new(cell);
        };
        *kept = cell;
        kept
    }

    #[inline]
    fn keep_key_cell(&mut self, mut cell: Box<KeyCell>) {
        if self.keys.len() < Self::KEYS {
            cell.key = Key::from(0);
            self.keys.push(cell);
        }
    }
}

/// The state machine; see the [module](self).
pub struct Graph<P> {
    nodes: Arena<Node<P>>,
    edges: Arena<Edge>,
    keys: KeyTable,
    shares: Shares,
    memory: Memory,
}

impl<P> Graph<P> {
    /// An empty graph that remembers no pure results until told how many.
    pub fn new() -> Self {
        Self {
            nodes: Arena::new(),
            edges: Arena::new(),
            keys: KeyTable::new(),
            shares: Shares::new(),
            memory: Memory::new(),
        }
    }

    /// Returns a thread's share of the free slots.
    pub fn flush(&self, cache: &mut Cache) {
        self.nodes.flush(&mut cache.nodes);
        self.edges.flush(&mut cache.edges);
    }

    #[inline]
    fn node(&self, index: u32) -> &Node<P> {
        self.nodes.get(index)
    }

    /// The state of a node the caller has pinned.
    #[inline]
    pub fn state(&self, index: u32) -> State {
        state_of(self.node(index).word.load(Acquire))
    }

    /// Whether a node the caller has pinned is settled: finished, failed or cancelled.
    #[inline]
    pub fn is_settled(&self, index: u32) -> bool {
        word::has(self.node(index).word.load(Acquire), word::SETTLED)
    }

    /// Where the payload of a node the caller has pinned is, if the task has finished.
    #[inline]
    pub fn finished(&self, index: u32) -> Option<*const P> {
        let node = self.node(index);
        let word = node.word.load(Acquire);
        (state_of(word) == State::Finished).then(|| node.payload_shared())
    }

    /// Whether the running task's cancel token is set.
    #[inline]
    pub fn is_cancel_requested(&self, index: u32) -> bool {
        word::has(
            self.node(index).word.load(Relaxed),
            word::CANCEL | word::CANCELLED,
        )
    }

    /// Where the payload of a node is. Who may touch it is said at the head of `node.rs`: between winning RUNNING
    /// and finishing, the winner; before a slot is forgotten, whoever was told to free it.
    #[inline]
    pub fn payload(&self, index: u32) -> *mut P {
        self.node(index).payload()
    }

    /// As [`payload`](Self::payload), for those who only read what is final.
    #[inline]
    pub fn payload_shared(&self, index: u32) -> *const P {
        self.node(index).payload_shared()
    }

    /// The generation of a slot; final while the caller has it pinned.
    #[inline]
    pub fn generation(&self, index: u32) -> u32 {
        self.node(index).generation.load(Relaxed)
    }

    /// The id of a node the caller has pinned.
    pub fn id(&self, index: u32) -> Id {
        Id {
            index,
            generation: self.generation(index),
        }
    }

    /// Puts a slot near the end of its lives.
    #[cfg(all(test, not(tenter_loom)))]
    fn set_generation(&self, index: u32, generation: u32) {
        self.node(index).generation.store(generation, Relaxed);
    }

    /// The name given at submit, as the driver numbers names.
    pub fn name(&self, index: u32) -> u32 {
        self.node(index).cold.name.load(Relaxed)
    }

    /// The priority given at submit.
    #[inline]
    pub fn priority(&self, index: u32) -> i32 {
        self.node(index).cold.priority.load(Relaxed)
    }

    /// Where the task was submitted.
    pub fn location(&self, index: u32) -> Option<&'static Location<'static>> {
        self.node(index).cold.location()
    }

    /// The key of a node the caller has pinned.
    pub fn key(&self, index: u32) -> Option<Key> {
        self.node(index).cold.key().map(|cell| cell.key.clone())
    }

    /// The inputs of a node the caller has pinned. Once the node is settled they may name other tasks.
    #[inline]
    pub fn inputs(&self, index: u32) -> Inputs {
        self.node(index).cold.inputs()
    }

    /// The `k`-th input of a node whose RUNNING the caller has won.
    ///
    /// # Panics
    /// If it has no such input.
    #[inline]
    pub fn input(&self, index: u32, k: usize) -> u32 {
        self.node(index).cold.input(k)
    }

    /// Whether the result follows from the key and is worth remembering.
    #[inline]
    pub fn is_pure(&self, index: u32) -> bool {
        self.node(index).cold.is_pure()
    }

    /// The driver's number of what else it knows of the task, as given at submit; 0 is nothing.
    #[inline]
    pub fn extra(&self, index: u32) -> u32 {
        self.node(index).cold.extra()
    }

    /// Gives a node whose RUNNING the caller has won its number of what else the driver knows, if it had none.
    pub fn set_extra(&self, index: u32, extra: u32) {
        self.node(index).cold.set_extra(extra);
    }

    /// Whether the node, whose RUNNING the caller has won, is still being linked to its inputs by its submitter, which
    /// is so for moments only. After that it wants all of them until it is finished.
    pub fn is_linking(&self, index: u32) -> bool {
        self.node(index).join.load(Acquire) & word::LINKING != 0
    }

    /// How many keys name a task.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }
}

impl<P> Default for Graph<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for Graph<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("nodes", &self.nodes)
            .field("edges", &self.edges)
            .finish_non_exhaustive()
    }
}

#[inline]
fn state_of(word: u64) -> State {
    if word::has(word, word::CANCELLED) {
        State::Cancelled
    } else if word::has(word, word::DONE) {
        if word::has(word, word::FAILED) {
            State::Failed
        } else {
            State::Finished
        }
    } else if word::has(word, word::RUNNING) {
        State::Running
    } else if word::has(word, word::QUEUED) {
        State::Queued
    } else {
        State::Waiting
    }
}
