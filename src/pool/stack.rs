//! How much of a thread's stack bodies may be nested on.

use std::cell::Cell;

thread_local! {
    /// Where this thread's stack begins, and how far bodies may be nested on it.
    static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Remembers where this thread's stack is, and that it is so large.
pub(super) fn mark_stack(size: usize) {
    let here = 0u8;
    STACK.set((std::ptr::from_ref(&here).addr(), size / 2));
}

/// Whether there is room on this stack for one more body: half of it belongs to a body's own calls.
pub(super) fn has_stack() -> bool {
    let here = 0u8;
    let (base, room) = STACK.get();
    base.abs_diff(std::ptr::from_ref(&here).addr()) < room
}
