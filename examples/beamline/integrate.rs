//! Azimuthal integration: the mean count of all pixels at one distance from the beam.
//!
//! Which bin a pixel belongs to depends on the instrument alone, so the table is computed once and every frame is one pass over it.

use serde::{Deserialize, Serialize};

/// Equal bins along the distance from the beam.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Axis {
    pub low: f64,
    pub width: f64,
    pub bins: usize,
}

impl Axis {
    /// The bin a distance falls into.
    pub(crate) fn bin(&self, distance: f64) -> Option<usize> {
        let bin = ((distance - self.low) / self.width).floor();
        (bin >= 0.0 && bin < self.bins as f64).then_some(bin as usize)
    }

    /// The distance at a place counted in bins, 0 being the middle of the first.
    pub(crate) fn at(&self, place: f64) -> f64 {
        self.low + (place + 0.5) * self.width
    }
}

/// For each pixel its bin, and for each bin the number of its pixels.
#[derive(Serialize, Deserialize)]
pub(crate) struct PixelBins {
    bin_of: Vec<u16>,
    pixels: Vec<u32>,
}

impl PixelBins {
    /// Asks `distance` for each pixel; `None` masks it.
    pub(crate) fn new(
        rows: usize,
        columns: usize,
        axis: Axis,
        distance: impl Fn(usize, usize) -> Option<f64>,
    ) -> Self {
        // One more bin takes the pixels that belong to none, so that the loop over a frame has no branch.
        let outside = axis.bins;
        let mut pixels = vec![0; axis.bins + 1];
        let mut bin_of = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                let bin = distance(row, column)
                    .and_then(|d| axis.bin(d))
                    .unwrap_or(outside);
                pixels[bin] += 1;
                bin_of.push(u16::try_from(bin).expect("an axis has fewer bins than a u16 counts"));
            }
        }
        pixels.pop();
        Self { bin_of, pixels }
    }

    /// The mean count of each bin; 0 for a bin without pixels.
    pub(crate) fn integrate(&self, counts: &[u16]) -> Vec<f64> {
        assert_eq!(
            counts.len(),
            self.bin_of.len(),
            "the table was made for frames of another size"
        );
        let sums = self.sums(counts);
        let means = sums
            .iter()
            .zip(&self.pixels)
            .map(|(&sum, &pixels)| sum as f64 / f64::from(pixels.max(1)));
        means.collect()
    }

    /// The standard error of each bin's mean count.
    pub(crate) fn errors(&self, means: &[f64]) -> Vec<f64> {
        let errors = means
            .iter()
            .zip(&self.pixels)
            .map(|(count, &pixels)| (count / f64::from(pixels.max(1))).sqrt());
        errors.collect()
    }

    /// Neighbours mostly share a bin, and an addition would wait for the one before it: four sets of sums take turns.
    fn sums(&self, counts: &[u16]) -> Vec<u64> {
        let bins = self.pixels.len() + 1;
        let mut sums = vec![[0u64; 4]; bins];
        let (quads, rest) = self.bin_of.as_chunks::<4>();
        let (count_quads, count_rest) = counts.as_chunks::<4>();
        for (quad, counts) in quads.iter().zip(count_quads) {
            for lane in 0..4 {
                sums[usize::from(quad[lane])][lane] += u64::from(counts[lane]);
            }
        }
        for (&bin, &count) in rest.iter().zip(count_rest) {
            sums[usize::from(bin)][0] += u64::from(count);
        }
        sums.iter().map(|lanes| lanes.iter().sum()).collect()
    }
}
