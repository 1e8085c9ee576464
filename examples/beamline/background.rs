//! From counts to intensities: the beam's swing and the flat background are taken off a profile.

use serde::{Deserialize, Serialize};
use tenter::task;

use crate::peaks::Profile;

/// What a detector counts for an intensity.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// Counts per unit of intensity at the beam's mean.
    pub photons: f64,
    /// The intensity where nothing scatters.
    pub flat: f64,
}

/// The profile in intensities, of one in counts.
#[task]
pub(crate) fn take_background(
    mut profile: Profile,
    calibration: Calibration,
    beam: f64,
) -> Profile {
    let scale = 1.0 / (beam * calibration.photons);
    for mean in &mut profile.mean {
        *mean = *mean * scale - calibration.flat;
    }
    for error in &mut profile.error {
        *error *= scale;
    }
    profile
}
