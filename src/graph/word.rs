//! The packed word of a node: `state 12 | refs 20 | head 32`, and nothing but arithmetic on it.
//!
//! `refs` counts wants (handles, entries of queues and variables, unfinished dependents) plus one machine reference,
//! held from submit until the task is settled, its join counter is 0 and its inputs have been let go. At 0 the slot
//! is free. `head` is the first cell of the list of those who wait for the task: dependents and waiters.

/// One reference.
pub(super) const REF: u64 = 1 << 32;
const REFS: u64 = 0xf_ffff << 32;
const HEAD: u64 = 0xffff_ffff;

/// Inputs are all there; the task may be claimed. Stays set on a task settled unrun, to say that its join is 0.
pub(super) const QUEUED: u64 = 1 << 52;
/// Somebody has the exclusive right to the payload: a body runs, or the task is being settled unrun.
pub(super) const RUNNING: u64 = 1 << 53;
/// The payload is final: a value, an error (`FAILED`) or nothing (`TAKEN`).
pub(super) const DONE: u64 = 1 << 54;
/// Settled with an error.
pub(super) const FAILED: u64 = 1 << 55;
/// Settled by `cancel`, or by the last want going away before it started. A body may still run until `DONE`.
pub(super) const CANCELLED: u64 = 1 << 56;
/// The cancel token of a running task.
pub(super) const CANCEL: u64 = 1 << 57;
/// Runs for its effects: losing the last want does not cancel it.
pub(super) const DETACHED: u64 = 1 << 58;
/// A part of the count is in the side table.
pub(super) const OVERFLOW: u64 = 1 << 59;
/// Somebody is taking dead cells out of the list.
pub(super) const COMPACTING: u64 = 1 << 60;
/// The node owns a key.
pub(super) const KEYED: u64 = 1 << 61;
/// The payload is empty: moved out, or disposed of.
pub(super) const TAKEN: u64 = 1 << 62;
/// In a join counter: the inputs are still being linked, so it cannot reach 0.
pub(super) const LINKING: u32 = 1 << 31;
/// In a join counter: the task is being settled unrun. Of this and the end of the linking, whoever comes second lets
/// the inputs go: those that are not linked yet have no want to give up.
pub(super) const UNRUN: u32 = 1 << 30;
/// In a join counter: the task is ready, but the driver has put it in a line of its own (see `postpone.rs`).
pub(super) const POSTPONED: u32 = 1 << 29;
/// Nobody may read the value any more through this node, and readers know: the task is settled.
pub(super) const SETTLED: u64 = DONE | CANCELLED;

/// At this many references a part moves to the side table. Half the field, so that as many threads as there are
/// references left can each be one increment late.
#[cfg(not(tenter_loom))]
pub(super) const HALF: u64 = 1 << 19;
/// How many move at once.
#[cfg(not(tenter_loom))]
pub(super) const SHARE: u64 = 1 << 18;
/// Below this many, a count with a share in the side table refills from it.
#[cfg(not(tenter_loom))]
pub(super) const LOW: u64 = 1 << 16;
#[cfg(tenter_loom)]
pub(super) const HALF: u64 = 8;
#[cfg(tenter_loom)]
pub(super) const SHARE: u64 = 4;
#[cfg(tenter_loom)]
pub(super) const LOW: u64 = 3;

#[inline]
pub(super) fn refs(word: u64) -> u64 {
    (word & REFS) >> 32
}

#[inline]
pub(super) fn head(word: u64) -> u32 {
    word as u32
}

#[inline]
pub(super) fn with_head(word: u64, head: u32) -> u64 {
    (word & !HEAD) | u64::from(head)
}

#[inline]
pub(super) fn has(word: u64, flags: u64) -> bool {
    word & flags != 0
}
