//! Detector B sees the powder rings of lanthanum hexaboride, whose true radii are known.

use fastrand::Rng;

use crate::image::Image;
use crate::integrate::{Axis, PixelBins};
use crate::poisson::Poisson;

/// Pixels of one side.
const SIDE: usize = 1024;
/// The beam's row and column.
const CENTRE: (f64, f64) = (511.3, 512.7);
const WAVELENGTH_A: f64 = 0.5;
const DISTANCE_PX: f64 = 1020.0;
const FULL_WIDTH_PX: f64 = 3.0;
const STRONGEST: f64 = 50.0;
/// Counts between the rings.
pub(crate) const FLAT: f64 = 2.0;
/// Bins of one pixel, out to the nearest side of the frame.
pub(crate) const AXIS: Axis = Axis {
    low: 0.0,
    width: 1.0,
    bins: 511,
};

/// Lattice constant in A, NIST SRM 660c.
const LATTICE_A: f64 = 4.156826;
/// `h^2 + k^2 + l^2` and relative intensity of the lines.
const LINES: [(u32, f64); 13] = [
    (1, 64.27),
    (2, 100.0),
    (3, 41.54),
    (4, 20.21),
    (5, 43.10),
    (6, 21.17),
    (8, 7.45),
    (9, 21.25),
    (10, 14.79),
    (11, 8.52),
    (12, 1.31),
    (13, 4.93),
    (14, 10.49),
];

/// A powder ring.
pub(crate) struct Ring {
    pub radius: f64,
    /// 100 for the strongest.
    pub intensity: f64,
}

/// All rings, from the centre outwards.
pub(crate) fn rings() -> Vec<Ring> {
    let ring = |&(squares, intensity): &(u32, f64)| {
        let spacing = LATTICE_A / f64::from(squares).sqrt();
        let angle = 2.0 * (WAVELENGTH_A / (2.0 * spacing)).asin();
        Ring {
            radius: DISTANCE_PX * angle.tan(),
            intensity,
        }
    };
    LINES.iter().map(ring).collect()
}

/// The mean counts of every pixel.
pub(crate) struct DetectorB {
    expected: Vec<f32>,
}

impl DetectorB {
    pub(crate) fn new() -> Self {
        let rings = rings();
        let pixel = |pixel| {
            let radius = radius(pixel / SIDE, pixel % SIDE);
            let light: f64 = rings
                .iter()
                .map(|ring| ring.intensity / 100.0 * peak(radius - ring.radius))
                .sum();
            (FLAT + STRONGEST * light) as f32
        };
        Self {
            expected: (0..SIDE * SIDE).map(pixel).collect(),
        }
    }

    pub(crate) fn expose(&self, poisson: &Poisson, rng: &mut Rng) -> Image {
        let mut counts = vec![0; self.expected.len()];
        poisson.fill(rng, &self.expected, &mut counts);
        Image {
            rows: SIDE,
            columns: SIDE,
            counts,
        }
    }
}

/// The bin of every pixel; none is masked.
pub(crate) fn pixel_bins() -> PixelBins {
    PixelBins::new(SIDE, SIDE, AXIS, |row, column| Some(radius(row, column)))
}

fn radius(row: usize, column: usize) -> f64 {
    let (down, right) = (row as f64 - CENTRE.0, column as f64 - CENTRE.1);
    (down * down + right * right).sqrt()
}

/// A pseudo-Voigt of height 1: half Gaussian, half Lorentzian, of one width.
fn peak(distance: f64) -> f64 {
    let x = 2.0 * distance / FULL_WIDTH_PX;
    let lorentz = 1.0 / (1.0 + x * x);
    // Beyond three full widths the Gaussian is below 10^-10, and a million pixels of 13 rings need no exponential for that.
    let gauss = if x.abs() < 6.0 {
        (-std::f64::consts::LN_2 * x * x).exp()
    } else {
        0.0
    };
    0.5 * (gauss + lorentz)
}

/// The largest distance from a true ring to the nearest place found, of the rings bright enough to be held to it.
pub(crate) fn ring_error(places: &[f64]) -> f64 {
    let bright = rings().into_iter().filter(|ring| ring.intensity >= 4.0);
    let errors = bright.map(|ring| {
        let distances = places.iter().map(|place| (place - ring.radius).abs());
        distances.fold(ring.radius, f64::min)
    });
    errors.fold(0.0, f64::max)
}
