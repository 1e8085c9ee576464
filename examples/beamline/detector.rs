//! What both detectors have in common: they put exposed frames into a queue until they are told to stop.

use std::sync::Arc;

use fastrand::Rng;
use tenter::{Queue, TaskFuture, current};

use crate::image::Image;
use crate::knobs::Knobs;
use crate::progress::Progress;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detector {
    A,
    B,
}

impl Detector {
    pub(crate) const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Its name in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// A frame on its way from a detector to the processing. The queue carries the handle, not the pixels.
pub(crate) struct Exposure {
    pub detector: Detector,
    pub frame: u32,
    /// The beam that lit it, relative to its mean.
    pub beam: f64,
    pub image: TaskFuture<Image>,
}

/// What one detector is to deliver.
#[derive(Clone, Copy)]
pub(crate) struct Schedule {
    pub detector: Detector,
    pub frames: u32,
    pub first_half: u32,
    pub seed: u64,
}

impl Schedule {
    /// Shares the frames out to both detectors, and halves each share. An odd frame is A's, and A's odd frame belongs to its first half.
    pub(crate) fn both(frames: u32, seed: u64) -> [Self; 2] {
        let (a, b) = (frames.div_ceil(2), frames / 2);
        [
            Self {
                detector: Detector::A,
                frames: a,
                first_half: a.div_ceil(2),
                seed,
            },
            Self {
                detector: Detector::B,
                frames: b,
                first_half: b / 2,
                seed,
            },
        ]
    }

    /// How many frames come before half-way.
    pub(crate) fn first_half(both: &[Self; 2]) -> u32 {
        both.iter().map(|schedule| schedule.first_half).sum()
    }

    /// Random numbers that depend on nothing but the seed and the frame, so that no order of tasks changes a row.
    fn rng(&self, frame: u32) -> Rng {
        let stream = u64::from(frame) << 1 | self.detector as u64;
        // An odd constant with well mixed bits (2^64 over the golden ratio) keeps neighbouring frames' seeds apart.
        Rng::with_seed(self.seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15)).fork()
    }
}

/// The body of a detector's task.
pub(crate) struct Delivery {
    pub schedule: Schedule,
    pub knobs: Knobs,
    pub exposures: Queue<Exposure>,
    pub progress: Arc<Progress>,
}

impl Delivery {
    /// Exposes frame by frame until all are delivered or somebody says stop.
    pub(crate) fn run(&self, expose: impl Fn(u32, &mut Rng) -> (Image, f64)) -> Result<(), String> {
        for frame in 0..self.schedule.frames {
            if frame == self.schedule.first_half {
                self.knobs
                    .wait_for_half_way()
                    .map_err(|error| error.to_string())?;
            }
            if self.knobs.is_stopped() {
                break;
            }
            let (image, beam) = expose(frame, &mut self.schedule.rng(frame));
            self.put(frame, image, beam)?;
        }
        Ok(())
    }

    /// A full queue makes the detector wait, which is what bounds the memory of the whole pipeline.
    fn put(&self, frame: u32, image: Image, beam: f64) -> Result<(), String> {
        let detector = self.schedule.detector;
        let image = current().scatter(image);
        let exposure = Exposure {
            detector,
            frame,
            beam,
            image,
        };
        self.exposures
            .put(exposure)
            .map_err(|refused| refused.error().to_string())?;
        self.progress.count_put(detector);
        Ok(())
    }
}
