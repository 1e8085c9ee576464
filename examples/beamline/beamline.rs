//! All tasks that live as long as the run, and the order in which they end.
//!
//! 1. The detectors end: their frames are delivered, or somebody said stop.
//! 2. The queue of exposures closes; the consumers empty it, wait for what they have under way, and end.
//! 3. The queue of rows closes; the writer empties it and ends. Every frame that was delivered is stored.
//!
//! A task that fails closes the queues on its way, so that nobody waits for it; then the same three steps follow.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;
use tenter::{Client, Queue, Status, TaskFuture, WaitError, WaitFor, wait};

use crate::background::Calibration;
use crate::detector::{Delivery, Exposure, Schedule};
use crate::detector_a::DetectorA;
use crate::detector_b::{self, DetectorB};
use crate::knobs::Knobs;
use crate::measured::{self, Measured};
use crate::pipeline::{Instrument, Pipeline};
use crate::poisson::Poisson;
use crate::progress::Progress;
use crate::store::{self, Row};
use crate::watch::Watch;

/// Frames that wait for a consumer: a cushion of a few milliseconds between exposing and processing, at 2 MB each.
const EXPOSURES: usize = 8;
/// Rows that wait for the writer: a few transactions.
const ROWS: usize = 64;
const CONSUMERS: usize = 2;

pub(crate) struct Beamline {
    knobs: Knobs,
    pub progress: Arc<Progress>,
    exposures: Queue<Exposure>,
    rows: Queue<Row>,
    detectors: Vec<TaskFuture<()>>,
    consumers: Vec<TaskFuture<()>>,
    writer: Vec<TaskFuture<()>>,
}

impl Beamline {
    /// Computes what all frames share and starts every task.
    pub(crate) fn start(
        client: &Client,
        schedules: [Schedule; 2],
        knobs: Knobs,
        database: Connection,
    ) -> Result<Self, Box<dyn Error>> {
        let measured = Measured::load()?;
        let mut line = Self {
            knobs,
            progress: Arc::default(),
            exposures: client.queue("exposures", EXPOSURES)?,
            rows: client.queue("rows", ROWS)?,
            detectors: Vec::new(),
            consumers: Vec::new(),
            writer: Vec::new(),
        };
        line.start_writer(client, database);
        line.start_consumers(client, &measured);
        line.start_detectors(client, &measured, schedules);
        Ok(line)
    }

    fn start_writer(&mut self, client: &Client, database: Connection) {
        let (rows, progress) = (self.rows.clone(), self.progress.clone());
        let write = move || store::write(database, &rows, &progress);
        self.writer.push(client.task("writer").try_submit(write));
    }

    fn start_consumers(&mut self, client: &Client, measured: &Measured) {
        let pipeline = Pipeline {
            exposures: self.exposures.clone(),
            rows: self.rows.clone(),
            knobs: self.knobs.clone(),
            instruments: Arc::new(instruments(client, measured)),
        };
        for _ in 0..CONSUMERS {
            let pipeline = pipeline.clone();
            let consume = move || pipeline.consume();
            self.consumers
                .push(client.task("consumer").try_submit(consume));
        }
    }

    fn start_detectors(&mut self, client: &Client, measured: &Measured, schedules: [Schedule; 2]) {
        let poisson = client.scatter(Poisson::new());
        let a = client.scatter(DetectorA::new(measured));
        let b = client.scatter(DetectorB::new());
        let [of_a, of_b] = schedules.map(|schedule| self.delivery(schedule));

        let task_a = client
            .task("detector A")
            .try_submit_with((&a, &poisson), move |(a, poisson)| {
                of_a.run(|frame, rng| a.expose(poisson, frame, rng))
            });
        let task_b = client
            .task("detector B")
            .try_submit_with((&b, &poisson), move |(b, poisson)| {
                of_b.run(|_, rng| (b.expose(poisson, rng), 1.0))
            });
        self.detectors.extend([task_a, task_b]);
    }

    fn delivery(&self, schedule: Schedule) -> Delivery {
        Delivery {
            schedule,
            knobs: self.knobs.clone(),
            exposures: self.exposures.clone(),
            progress: self.progress.clone(),
        }
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

    fn crew(&self) -> impl Iterator<Item = &TaskFuture<()>> {
        self.writer
            .iter()
            .chain(&self.consumers)
            .chain(&self.detectors)
    }

    fn until_done(&self, tasks: &[TaskFuture<()>], watch: &mut Watch) -> Result<(), WaitError> {
        loop {
            let (_, unfinished) = wait(tasks, WaitFor::All, Some(watch.until_next()))?;
            if unfinished.is_empty() {
                return Ok(());
            }
            if watch.is_due() {
                watch.say(self.exposures.len(), &self.knobs, &self.progress);
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

fn instruments(client: &Client, measured: &Measured) -> [Instrument; 2] {
    let a = Calibration {
        photons: measured::PHOTONS,
        flat: measured::FLAT,
    };
    let b = Calibration {
        photons: 1.0,
        flat: detector_b::FLAT,
    };
    [
        Instrument {
            bins: client.scatter(measured.pixel_bins()),
            axis: measured::AXIS,
            calibration: a,
        },
        Instrument {
            bins: client.scatter(detector_b::pixel_bins()),
            axis: detector_b::AXIS,
            calibration: b,
        },
    ]
}
