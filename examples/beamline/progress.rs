//! What the writer says is stored: to those who watch, and to the detectors, which keep a frame until it is.

use serde::{Deserialize, Serialize};
use tenter::{Anywhere, Client, NameError, Variable};

use crate::detector::Detector;
use crate::detector_b;

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The frames of each detector that are in the database.
    stored: [Frames; 2],
    /// The largest error of a ring's radius so far, in pixels.
    pub ring_error: f64,
}

/// The newest, once there is one.
pub(crate) fn progress(client: &Client<Anywhere>) -> Result<Variable<Progress>, NameError> {
    client.variable("progress")
}

impl Progress {
    /// A row has been written. One that was there already changes nothing.
    pub(crate) fn add(&mut self, detector: Detector, frame: u32, peaks: &[f64]) {
        self.stored[detector as usize].add(frame);
        if detector == Detector::B {
            self.ring_error = self.ring_error.max(detector_b::ring_error(peaks));
        }
    }

    pub(crate) fn of(&self, detector: Detector) -> &Frames {
        &self.stored[detector as usize]
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u32 {
        self.stored.iter().map(Frames::len).sum()
    }
}

/// A set of frames of one detector that come nearly in order.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Frames {
    /// All before this one are in.
    before: u32,
    /// Those behind it that are in too.
    beyond: Vec<u32>,
}

impl Frames {
    fn add(&mut self, frame: u32) {
        if frame < self.before || self.beyond.contains(&frame) {
            return;
        }
        self.beyond.push(frame);
        while let Some(next) = self.beyond.iter().position(|&frame| frame == self.before) {
            self.beyond.swap_remove(next);
            self.before += 1;
        }
    }

    fn len(&self) -> u32 {
        self.before + self.beyond.len() as u32
    }

    /// The first frame after all that are in.
    pub(crate) fn end(&self) -> u32 {
        let last = self.beyond.iter().max();
        last.map_or(self.before, |&last| last + 1)
    }

    /// Which of the frames before this one are not in.
    pub(crate) fn missing(&self, end: u32) -> Vec<u32> {
        let is_in = |frame: &u32| self.beyond.contains(frame);
        (self.before..end).filter(|frame| !is_in(frame)).collect()
    }
}
