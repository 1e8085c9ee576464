//! Detector A replays the measured frame: the beam swings, the sample drifts, photons are counted and pixels run hot.

use std::f64::consts::TAU;

use fastrand::Rng;

use crate::image::Image;
use crate::measured::Measured;
use crate::poisson::Poisson;

/// Frames of one swing of the beam and of one turn of the drift: neither divides the other, so they don't stay in step.
const SWING: f64 = 17.0;
const TURN: f64 = 12.0;
/// Pixels of the circle that the frame drifts on.
const DRIFT: f64 = 0.5;
const HOT_PIXELS: usize = 200;

/// The mean counts at the beam's mean, with a rim of one pixel that repeats the outermost, so that a drifted row is four plain slices.
pub(crate) struct DetectorA {
    rows: usize,
    columns: usize,
    expected: Vec<f32>,
}

impl DetectorA {
    pub(crate) fn new(measured: &Measured) -> Self {
        let (rows, columns) = (measured.rows, measured.columns);
        let inner = measured.expected_counts();
        let mut expected = Vec::with_capacity((rows + 2) * (columns + 2));
        for row in 0..rows + 2 {
            let row = row.clamp(1, rows) - 1;
            let inner = &inner[row * columns..][..columns];
            expected.push(inner[0]);
            expected.extend_from_slice(inner);
            expected.push(inner[columns - 1]);
        }
        Self {
            rows,
            columns,
            expected,
        }
    }

    /// Exposes one frame; also returns the beam that lit it.
    pub(crate) fn expose(&self, poisson: &Poisson, frame: u32, rng: &mut Rng) -> (Image, f64) {
        let beam = 1.0 + 0.1 * (TAU * f64::from(frame) / SWING).sin();
        let (down, right) = (TAU * f64::from(frame) / TURN).sin_cos();
        let drift = Drift::new(DRIFT * down, DRIFT * right, beam);
        let mut counts = vec![0; self.rows * self.columns];
        let mut means = vec![0.0; self.columns];
        for (row, counts) in counts.chunks_exact_mut(self.columns).enumerate() {
            self.drifted_row(row, &drift, &mut means);
            poisson.fill(rng, &means, counts);
        }
        for _ in 0..HOT_PIXELS {
            counts[rng.usize(..self.rows * self.columns)] = rng.u16(200..);
        }
        (
            Image {
                rows: self.rows,
                columns: self.columns,
                counts,
            },
            beam,
        )
    }

    fn drifted_row(&self, row: usize, drift: &Drift, means: &mut [f32]) {
        let padded = |row: usize| {
            &self.expected[row * (self.columns + 2) + drift.column..][..self.columns + 1]
        };
        let (upper, lower) = (padded(row + drift.row), padded(row + drift.row + 1));
        let [[a, b], [c, d]] = drift.weights;
        for (column, mean) in means.iter_mut().enumerate() {
            *mean = a * upper[column]
                + b * upper[column + 1]
                + c * lower[column]
                + d * lower[column + 1];
        }
    }
}

/// Bilinear interpolation between four pixels: the offset of the first of them, and their weights times the beam.
struct Drift {
    row: usize,
    column: usize,
    weights: [[f32; 2]; 2],
}

impl Drift {
    fn new(down: f64, right: f64, beam: f64) -> Self {
        // A pixel sees what was up and left of it before the drift; the rim makes the offset 0 or 1.
        let (y, x) = (1.0 - down, 1.0 - right);
        let (lower, right) = (y.fract(), x.fract());
        let weights =
            [1.0 - lower, lower].map(|v| [1.0 - right, right].map(|h| (beam * v * h) as f32));
        Self {
            row: y as usize,
            column: x as usize,
            weights,
        }
    }
}
