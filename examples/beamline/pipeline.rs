//! The processing graph of a frame, and the consumers that submit one for each frame they take.
//!
//! ```text
//! image -> repair -> integrate -> take_background -> find_peaks
//!             |                          |               |
//!             '--> preview ---------------------------------> store -> queue of rows
//! ```
//!
//! Each step is a call, so it may run wherever its inputs are. Only `integrate` and `preview` look at the frame; what they give is small.

use serde::{Deserialize, Serialize};
use tenter::{Anywhere, Client, TaskFuture, as_completed, current, task};

use crate::Fault;
use crate::background::{Calibration, take_background};
use crate::detector::{Exposure, exposures};
use crate::image::thumbnail;
use crate::integrate::{Axis, PixelBins};
use crate::knobs::Knobs;
use crate::peaks::{Profile, find_peaks};
use crate::repair::{Repaired, repair};
use crate::store::{Origin, Preview, store};

/// Graphs that one consumer has under way: enough to keep the threads busy while the oldest is stored, few enough to bound the memory.
const IN_FLIGHT: usize = 4;

/// What the processing knows of a detector. All its frames share the one table of pixels.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Instrument {
    pub bins: TaskFuture<PixelBins>,
    pub axis: Axis,
    pub calibration: Calibration,
}

/// Takes frames until their queue is closed and empty, then waits for those under way. Gives the number of frames.
#[task]
pub(crate) fn consume(instruments: &[Instrument; 2]) -> Result<u32, Fault> {
    let client = current().anywhere();
    let (knobs, exposures) = (Knobs::of(&client)?, exposures(&client)?);
    let mut in_flight = as_completed([]);
    let mut taken = 0;
    for exposure in &exposures {
        let exposure = exposure?;
        let instrument = &instruments[exposure.detector as usize];
        in_flight.push(process(&client, exposure, instrument, knobs.mask_sigma()));
        taken += 1;
        if in_flight.len() == IN_FLIGHT {
            in_flight.next().iter().for_each(report_failure);
        }
    }
    while let Some(stored) = in_flight.next() {
        report_failure(&stored);
    }
    Ok(taken)
}

/// Submits the graph of one frame. The handle is done when its row is on the way to the database.
fn process(
    client: &Client<Anywhere>,
    exposure: Exposure,
    instrument: &Instrument,
    (mask_sigma, knob_version): (f64, u64),
) -> TaskFuture<()> {
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
    } = instrument;
    let origin = Origin {
        detector,
        frame,
        beam,
        knob_version,
        mask_sigma,
    };

    // The handle is moved in and nobody else wants the image, so it is repaired in place.
    let repaired = client.submit(repair::call(image, mask_sigma));
    let preview = client.submit(preview::call(&repaired));
    let counts = integrate::call(repaired, bins);
    let profile = client.submit(take_background::call(counts, *calibration, beam));
    let peaks = find_peaks::call(&profile, *axis);
    client.submit(store::call(origin, preview, profile, peaks))
}

/// What is kept of the frame itself.
#[task]
fn preview(repaired: &Repaired) -> Preview {
    Preview {
        repaired: repaired.pixels,
        thumbnail: thumbnail(&repaired.image),
    }
}

/// The profile of a frame, in counts.
#[task]
fn integrate(repaired: &Repaired, bins: &PixelBins) -> Profile {
    let mean = bins.integrate(&repaired.image.counts);
    let error = bins.errors(&mean);
    Profile { mean, error }
}

/// A frame that failed is not stored, so that its detector delivers it again; the others go on.
fn report_failure(stored: &TaskFuture<()>) {
    if let Err(error) = stored.result() {
        eprintln!("a frame is not stored: {error}");
    }
}
