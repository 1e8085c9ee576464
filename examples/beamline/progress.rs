//! What the detectors have put and the database holds, counted for those who watch.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::detector::Detector;

#[derive(Default)]
pub(crate) struct Progress {
    put: [AtomicU32; 2],
    stored: AtomicU32,
    /// Millionths of a pixel, since a maximum of integers is one instruction.
    ring_error: AtomicU64,
}

impl Progress {
    pub(crate) fn count_put(&self, detector: Detector) {
        self.put[detector as usize].fetch_add(1, Relaxed);
    }

    /// How many frames this detector has put: its frames 0 up to that.
    pub(crate) fn put(&self, detector: Detector) -> u32 {
        self.put[detector as usize].load(Relaxed)
    }

    pub(crate) fn count_stored(&self, rows: u32) {
        self.stored.fetch_add(rows, Relaxed);
    }

    pub(crate) fn stored(&self) -> u32 {
        self.stored.load(Relaxed)
    }

    pub(crate) fn note_ring_error(&self, pixels: f64) {
        self.ring_error.fetch_max((pixels * 1e6) as u64, Relaxed);
    }

    /// The largest error of a ring's radius so far, in pixels.
    pub(crate) fn ring_error(&self) -> f64 {
        self.ring_error.load(Relaxed) as f64 * 1e-6
    }
}
