//! What both detectors have in common: they put exposed frames into a queue until they are told to stop.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tenter::{Anywhere, Client, NameError, Queue, TaskFuture, Variable, WaitError, current, task};

use crate::Fault;
use crate::detector_a::DetectorA;
use crate::detector_b::DetectorB;
use crate::image::Image;
use crate::knobs::Knobs;
use crate::measured::Measured;
use crate::poisson::Poisson;
use crate::progress::{Progress, progress};

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
pub(crate) fn exposures(client: &Client<Anywhere>) -> Result<Queue<Exposure>, NameError> {
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

    /// Random numbers that depend on nothing but the seed and the frame, so that no order of tasks changes a row.
    fn rng(&self, frame: u32) -> Rng {
        let stream = u64::from(frame) << 1 | self.detector as u64;
        // An odd constant with well mixed bits (2^64 over the golden ratio) keeps neighbouring frames' seeds apart.
        Rng::with_seed(self.seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15)).fork()
    }
}

/// Exposes frame by frame until all are stored or somebody says stop. Gives the number of frames delivered.
#[task]
pub(crate) fn expose(schedule: Schedule) -> Result<u32, Fault> {
    let poisson = Poisson::new();
    match schedule.detector {
        Detector::A => {
            let a = DetectorA::new(&Measured::load()?);
            Delivery::of(schedule)?.deliver(|frame, rng| a.expose(&poisson, frame, rng))
        }
        Detector::B => {
            let b = DetectorB::new();
            Delivery::of(schedule)?.deliver(|_, rng| (b.expose(&poisson, rng), 1.0))
        }
    }
}

/// After so long without a row being stored, frames that are not are taken to be lost: with a worker that was killed, or for an error.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often in a row what is missing is delivered again before it is given up.
const ROUNDS: usize = 5;

/// A detector's way into the pipeline. A frame is its until it is stored: what gets lost on the way is delivered again.
struct Delivery {
    schedule: Schedule,
    client: Client<Anywhere>,
    knobs: Knobs,
    exposures: Queue<Exposure>,
    progress: Variable<Progress>,
}

impl Delivery {
    fn of(schedule: Schedule) -> Result<Self, Fault> {
        let client = current().anywhere();
        Ok(Self {
            schedule,
            knobs: Knobs::of(&client)?,
            exposures: exposures(&client)?,
            progress: progress(&client)?,
            client,
        })
    }

    fn deliver(&self, expose: impl Fn(u32, &mut Rng) -> (Image, f64)) -> Result<u32, Fault> {
        // One whose worker was killed goes on where that has left off.
        let mut next = self.stored().0.of(self.schedule.detector).end();
        for end in [self.schedule.first_half, self.schedule.frames] {
            while next < end && !self.knobs.is_stopped() && self.put(next, &expose)? {
                next += 1;
            }
            self.see_stored(next, &expose)?;
            if next < self.schedule.frames {
                self.knobs.wait_for_half_way()?;
            }
        }
        Ok(next)
    }

    /// Exposes a frame and sends it on its way. `false`: whoever closed the queue has given up, and says why.
    fn put(
        &self,
        frame: u32,
        expose: impl Fn(u32, &mut Rng) -> (Image, f64),
    ) -> Result<bool, Fault> {
        let (image, beam) = expose(frame, &mut self.schedule.rng(frame));
        let exposure = Exposure {
            detector: self.schedule.detector,
            frame,
            beam,
            image: self.client.scatter(image),
        };
        // A full queue makes the detector wait, which is what bounds the memory of the whole pipeline.
        match self.exposures.put(exposure).map_err(WaitError::from) {
            Ok(()) => Ok(true),
            Err(WaitError::Closed) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until all frames before this one are stored, and delivers again what has been lost.
    fn see_stored(
        &self,
        end: u32,
        expose: impl Fn(u32, &mut Rng) -> (Image, f64),
    ) -> Result<(), Fault> {
        let mut rounds = 0;
        loop {
            let (progress, version) = self.stored();
            let missing = progress.of(self.schedule.detector).missing(end);
            if missing.is_empty() || self.exposures.is_closed() {
                return Ok(());
            }
            match self.progress.changed_timeout(version, PATIENCE) {
                Ok(_) => rounds = 0,
                Err(WaitError::TimedOut) if rounds == ROUNDS => {
                    let name = self.schedule.detector.name();
                    return Err(
                        format!("frames {missing:?} of detector {name} cannot be stored").into(),
                    );
                }
                Err(WaitError::TimedOut) => {
                    rounds += 1;
                    for frame in missing {
                        self.put(frame, &expose)?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What is stored, and the version of that.
    fn stored(&self) -> (Progress, u64) {
        self.progress.versioned().unwrap_or_default()
    }
}
