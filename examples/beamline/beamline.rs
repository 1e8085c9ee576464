//! All tasks that live as long as the run, and the order in which they end.
//!
//! 1. The detectors end: their frames are stored, or somebody said stop.
//! 2. The queue of exposures closes; the consumers end.
//! 3. The queue of rows closes; the writer ends. Every frame that was delivered is stored.
//!
//! A task that fails closes the queues on its way, so that nobody waits for it; then the same three steps follow.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use tenter::{
    Anywhere, Client, Queue, Status, TaskFuture, Variable, WaitError, WaitFor, task, wait,
};

use crate::Fault;
use crate::background::Calibration;
use crate::detector::{Detector, Exposure, Schedule, expose, exposures};
use crate::detector_b;
use crate::integrate::PixelBins;
use crate::knobs::Knobs;
use crate::measured::{self, Measured};
use crate::pipeline::{Instrument, consume};
use crate::progress::{Progress, progress};
use crate::store::{Row, rows, write};
use crate::watch::Watch;

const CONSUMERS: usize = 2;

/// What the writer needs besides a thread: to be where the database's file is.
pub(crate) const DATABASE: &str = "database";

/// Each task gives the number of frames that it has passed on.
pub(crate) struct Beamline {
    knobs: Knobs,
    progress: Variable<Progress>,
    exposures: Queue<Exposure>,
    rows: Queue<Row>,
    detectors: [TaskFuture<u32>; 2],
    consumers: [TaskFuture<u32>; CONSUMERS],
    writer: [TaskFuture<u32>; 1],
}

impl Beamline {
    /// Starts every task. The detectors come first: they set themselves up while what all frames share is computed here.
    pub(crate) fn start(
        client: &Client<Anywhere>,
        schedules: [Schedule; 2],
        knobs: Knobs,
        database: PathBuf,
    ) -> Result<Self, Box<dyn Error>> {
        let first_halves = schedules.map(|schedule| schedule.first_half);
        let detectors = schedules.map(|schedule| client.submit(expose::call(schedule)));
        let instruments = instruments(client);
        let consumers = [(); CONSUMERS].map(|()| client.submit(consume::call(instruments.clone())));
        Ok(Self {
            knobs,
            progress: progress(client)?,
            exposures: exposures(client)?,
            rows: rows(client)?,
            detectors,
            consumers,
            writer: [client
                .task("write")
                .resource(DATABASE, 1)
                .submit(write::call(database, first_halves))],
        })
    }

    /// Watches until all is stored, and says which task failed if one did.
    pub(crate) fn attend(&self) -> Result<(), Box<dyn Error>> {
        let mut watch = Watch::new(Instant::now());
        self.until_done(&self.detectors, &mut watch)?;
        self.exposures.close();
        self.until_done(&self.consumers, &mut watch)?;
        self.rows.close();
        self.until_done(&self.writer, &mut watch)?;
        Ok(self.crew().try_for_each(|task| task.result().map(|_| ()))?)
    }

    /// How many frames each detector has put into the queue.
    pub(crate) fn delivered(&self) -> [u32; 2] {
        let known = |detector: &TaskFuture<u32>| detector.try_result()?.ok().copied();
        self.detectors
            .each_ref()
            .map(|detector| known(detector).unwrap_or(0))
    }

    fn crew(&self) -> impl Iterator<Item = &TaskFuture<u32>> {
        self.writer
            .iter()
            .chain(&self.consumers)
            .chain(&self.detectors)
    }

    fn until_done(&self, tasks: &[TaskFuture<u32>], watch: &mut Watch) -> Result<(), WaitError> {
        loop {
            let (_, unfinished) = wait(tasks, WaitFor::All, Some(watch.until_next()))?;
            if unfinished.is_empty() {
                return Ok(());
            }
            if watch.is_due() {
                let progress = self.progress.try_get().unwrap_or_default();
                watch.say(self.exposures.len(), &self.knobs, &progress);
            }
            self.give_up_after_a_failure();
        }
    }

    /// Frees whoever waits for a task that is no more.
    fn give_up_after_a_failure(&self) {
        if self.crew().any(|task| task.status() == Status::Failed) {
            self.knobs.stop();
            self.exposures.close();
        }
        if self.writer.iter().any(TaskFuture::is_done) {
            self.rows.close();
        }
    }
}

/// The tables of pixels are tasks, so that one whose worker is killed is made again.
fn instruments(client: &Client<Anywhere>) -> [Instrument; 2] {
    let a = Instrument {
        bins: client.submit(pixel_bins::call(Detector::A)),
        axis: measured::AXIS,
        calibration: Calibration {
            photons: measured::PHOTONS,
            flat: measured::FLAT,
        },
    };
    let b = Instrument {
        bins: client.submit(pixel_bins::call(Detector::B)),
        axis: detector_b::AXIS,
        calibration: Calibration {
            photons: 1.0,
            flat: detector_b::FLAT,
        },
    };
    [a, b]
}

#[task]
fn pixel_bins(detector: Detector) -> Result<PixelBins, Fault> {
    Ok(match detector {
        Detector::A => Measured::load()?.pixel_bins(),
        Detector::B => detector_b::pixel_bins(),
    })
}
