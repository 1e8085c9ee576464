//! An allocator that counts the bytes that are allocated now.
#![allow(
    unsafe_code,
    reason = "a global allocator that counts can only be written with unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting {
    live: AtomicUsize::new(0),
};

/// Bytes that are allocated now.
pub(crate) fn live_bytes() -> usize {
    ALLOCATOR.live.load(Ordering::Relaxed)
}

/// The system's allocator, with a count of the bytes that are allocated now.
struct Counting {
    live: AtomicUsize,
}

// SAFETY: every call goes to `System` unchanged, which keeps the trait's contract; counting touches no memory but the counter.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.live.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.live.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as in `alloc`; passed on so that zeroed pages from the system are not written again.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `block` came from `System`, since `alloc` takes it from there.
        unsafe { System.dealloc(block, layout) }
    }
}
