//! The processing graph of a frame, and the consumers that submit one for each frame they take.
//!
//! ```text
//! image -> repair -> integrate -> background -> peaks
//!             |                        |          |
//!             '--> thumbnail -----------------------> store -> queue of rows
//! ```

use std::sync::Arc;

use tenter::{Client, Queue, TaskFuture, WaitError, as_completed, current};

use crate::background::Calibration;
use crate::detector::Exposure;
use crate::image::thumbnail;
use crate::integrate::{Axis, PixelBins};
use crate::knobs::Knobs;
use crate::peaks::find_peaks;
use crate::repair::repair;
use crate::store::Row;

/// Graphs that one consumer has under way: enough to keep the threads busy while the oldest is stored, few enough to bound the memory.
const IN_FLIGHT: usize = 4;

/// What the processing knows of a detector. All its frames share the one table of pixels.
pub(crate) struct Instrument {
    pub bins: TaskFuture<PixelBins>,
    pub axis: Axis,
    pub calibration: Calibration,
}

#[derive(Clone)]
pub(crate) struct Pipeline {
    pub exposures: Queue<Exposure>,
    pub rows: Queue<Row>,
    pub knobs: Knobs,
    pub instruments: Arc<[Instrument; 2]>,
}

impl Pipeline {
    /// Takes frames until their queue is closed and empty, then waits for those under way.
    pub(crate) fn consume(&self) -> Result<(), WaitError> {
        let client = current();
        let mut in_flight = as_completed([]);
        loop {
            if in_flight.len() == IN_FLIGHT {
                in_flight.next().iter().for_each(report_failure);
            }
            match self.exposures.get() {
                Ok(exposure) => in_flight.push(self.process(&client, exposure)),
                Err(WaitError::Closed) => break,
                Err(error) => return Err(error),
            }
            self.knobs.count_submitted();
        }
        while let Some(stored) = in_flight.next() {
            report_failure(&stored);
        }
        Ok(())
    }

    /// Submits the graph of one frame. The handle is done when its row is on the way to the database.
    fn process(&self, client: &Client, exposure: Exposure) -> TaskFuture<()> {
        let Exposure {
            detector,
            frame,
            beam,
            image,
        } = exposure;
        let Instrument {
            bins,
            axis,
            calibration,
        } = &self.instruments[detector as usize];
        let (axis, calibration) = (*axis, *calibration);
        let (mask_sigma, knob_version) = self.knobs.mask_sigma();

        // The handle is moved in and nobody else wants the image, so it is repaired in place.
        let repaired = client
            .task("repair")
            .submit_with(image, move |image| repair(image, mask_sigma));
        let thumbnail = client
            .task("thumbnail")
            .submit_with(&repaired, |repaired| thumbnail(&repaired.image));
        let counts = client
            .task("integrate")
            .submit_with((&repaired, bins), |(repaired, bins)| {
                bins.integrate(&repaired.image.counts)
            });
        let profile = client
            .task("background")
            .submit_with((&counts, bins), move |(counts, bins)| {
                calibration.intensities(counts, bins.pixels(), beam)
            });
        let peaks = client.task("peaks").submit_with(&profile, move |profile| {
            find_peaks(profile)
                .into_iter()
                .map(|place| axis.at(place))
                .collect::<Vec<_>>()
        });
        let rows = self.rows.clone();
        client.task("store").try_submit_with(
            (&repaired, profile, peaks, thumbnail),
            move |(repaired, profile, peaks, thumbnail)| {
                let repaired = repaired.pixels;
                let profile = profile.mean;
                let row = Row {
                    detector,
                    frame,
                    knob_version,
                    mask_sigma,
                    beam,
                    repaired,
                    peaks,
                    profile,
                    thumbnail,
                };
                rows.put(row).map_err(|refused| refused.error().to_string())
            },
        )
    }
}

/// A frame that failed is missing from the database, where the last check finds it; the others go on.
fn report_failure(stored: &TaskFuture<()>) {
    if let Err(error) = stored.result() {
        eprintln!("a frame is not stored: {error}");
    }
}
