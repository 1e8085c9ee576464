//! From counts to intensities: the beam's swing and the flat background are taken off a profile.

use crate::peaks::Profile;

/// What a detector counts for an intensity.
#[derive(Clone, Copy)]
pub(crate) struct Calibration {
    /// Counts per unit of intensity at the beam's mean.
    pub photons: f64,
    /// The intensity where nothing scatters.
    pub flat: f64,
}

impl Calibration {
    /// The intensity and standard error of each bin, from its mean count and the number of its pixels.
    pub(crate) fn intensities(&self, counts: &[f64], pixels: &[u32], beam: f64) -> Profile {
        let scale = 1.0 / (beam * self.photons);
        let mean = counts
            .iter()
            .map(|count| count * scale - self.flat)
            .collect();
        let error = counts
            .iter()
            .zip(pixels)
            .map(|(count, &pixels)| (count / f64::from(pixels.max(1))).sqrt() * scale);
        Profile {
            mean,
            error: error.collect(),
        }
    }
}
