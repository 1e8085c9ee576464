//! The line that people watch, once a second on standard error.

use std::time::{Duration, Instant};

use crate::knobs::Knobs;
use crate::progress::Progress;

const EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Watch {
    last: Instant,
    stored: u32,
}

impl Watch {
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            last: start,
            stored: 0,
        }
    }

    pub(crate) fn until_next(&self) -> Duration {
        EVERY.saturating_sub(self.last.elapsed())
    }

    pub(crate) fn is_due(&self) -> bool {
        self.until_next().is_zero()
    }

    /// Says how many frames are stored, how many wait to be processed, and at which rate they were stored since the last line.
    pub(crate) fn say(&mut self, queued: usize, knobs: &Knobs, progress: &Progress) {
        let (stored, ring_error) = (progress.rows(), progress.ring_error);
        let rate = f64::from(stored - self.stored) / self.last.elapsed().as_secs_f64();
        let (sigma, version) = knobs.mask_sigma();
        eprintln!(
            "{stored} frames done, {queued} queued, {rate:.1} frames/s, ring error {ring_error:.2} px, mask_sigma {sigma} (version {version})"
        );
        *self = Self {
            last: Instant::now(),
            stored,
        };
    }
}
