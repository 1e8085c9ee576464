//! What both detectors have in common: they put exposed frames into a queue until they are told to stop.

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tenter::{Carried, Client, NameError, Queue, TaskFuture, WaitError, current, task};

use crate::Fault;
use crate::detector_a::DetectorA;
use crate::detector_b::DetectorB;
use crate::image::Image;
use crate::knobs::Knobs;
use crate::measured::Measured;
use crate::poisson::Poisson;

/// Frames that wait for a consumer: a cushion of a few milliseconds between exposing and processing, at 2 MB each.
const EXPOSURES: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Serialize, Deserialize)]
pub(crate) struct Exposure {
    pub detector: Detector,
    pub frame: u32,
    /// The beam that lit it, relative to its mean.
    pub beam: f64,
    pub image: TaskFuture<Image>,
}

/// The frames on their way.
pub(crate) fn exposures<P>(client: &Client<P>) -> Result<Queue<Exposure>, NameError>
where
    Exposure: Carried<P>,
{
    client.queue("exposures", EXPOSURES)
}

/// What one detector is to deliver.
#[derive(Clone, Copy, Serialize, Deserialize)]
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

/// Exposes frame by frame until all are delivered or somebody says stop. Gives the number of frames delivered.
#[task]
pub(crate) fn expose(schedule: Schedule) -> Result<u32, Fault> {
    let poisson = Poisson::new();
    match schedule.detector {
        Detector::A => {
            let a = DetectorA::new(&Measured::load()?);
            schedule.deliver(|frame, rng| a.expose(&poisson, frame, rng))
        }
        Detector::B => {
            let b = DetectorB::new();
            schedule.deliver(|_, rng| (b.expose(&poisson, rng), 1.0))
        }
    }
}

impl Schedule {
    fn deliver(&self, expose: impl Fn(u32, &mut Rng) -> (Image, f64)) -> Result<u32, Fault> {
        let client = current();
        let (knobs, exposures) = (Knobs::of(&client)?, exposures(&client)?);
        for frame in 0..self.frames {
            if frame == self.first_half {
                knobs.wait_for_half_way()?;
            }
            if knobs.is_stopped() {
                return Ok(frame);
            }
            let (image, beam) = expose(frame, &mut self.rng(frame));
            let exposure = Exposure {
                detector: self.detector,
                frame,
                beam,
                image: client.scatter(image),
            };
            // A full queue makes the detector wait, which is what bounds the memory of the whole pipeline.
            match exposures.put(exposure).map_err(WaitError::from) {
                Ok(()) => {}
                // Whoever closed it has given up, and says why.
                Err(WaitError::Closed) => return Ok(frame),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.frames)
    }
}
