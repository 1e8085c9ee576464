//! The measured frame that detector A replays: its pixels, its mask, its geometry and the profile it must give.

use std::io::Cursor;

use crate::integrate::{Axis, PixelBins};

const FRAME: &[u8] = include_bytes!("data/bam_frame.png");
const MASK: &[u8] = include_bytes!("data/bam_mask.png");
const PROFILE: &str = include_str!("data/bam_profile.csv");

/// Photons per unit of intensity (1/m) at the beam's mean: the authors' uncertainties give it.
pub(crate) const PHOTONS: f64 = 0.0027286;
/// A flat background that lifts every intensity above zero, since no detector counts fewer than no photons.
pub(crate) const FLAT: f64 = 240.0;
/// The bins of the reference profile, in 1/A.
pub(crate) const AXIS: Axis = Axis {
    low: 0.002,
    width: 0.002,
    bins: 79,
};

/// The frame as it was published: intensities in 1/m, and which pixels hold one.
pub(crate) struct Measured {
    pub rows: usize,
    pub columns: usize,
    intensity: Vec<f32>,
    valid: Vec<bool>,
}

impl Measured {
    /// Decodes the two images.
    pub(crate) fn load() -> Result<Self, png::DecodingError> {
        let (rows, columns, grey) = decode(FRAME)?;
        let (_, _, mask) = decode(MASK)?;
        let words = grey
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&word| u16::from_be_bytes(word));
        let intensity =
            words.map(|word| (f64::from(word) * 7.881489093977457 - 19052.646528030516) as f32);
        let valid = mask.iter().map(|&masked| masked == 0).collect();
        Ok(Self {
            rows,
            columns,
            intensity: intensity.collect(),
            valid,
        })
    }

    /// The mean counts of every pixel at the beam's mean. A masked pixel has its ring's mean, so that a drift moves no hole into view.
    pub(crate) fn expected_counts(&self) -> Vec<f32> {
        let rings = self.ring_means();
        let counts = (0..self.intensity.len()).map(|pixel| {
            let measured = f64::from(self.intensity[pixel]);
            let intensity = if self.valid[pixel] {
                measured
            } else {
                rings[self.ring(pixel)]
            };
            (PHOTONS * (intensity + FLAT).max(0.0)) as f32
        });
        counts.collect()
    }

    /// The bin of every valid pixel.
    ///
    /// The frame drifts under this table, which stands still: the drift is taken as unknown. On a circle of half a pixel it averages out to
    /// first order. What is left, with the interpolation, takes 0.8 % off the steep bin beside the beam stop; a table made anew for each
    /// frame, which follows the drift, would still lack 0.5 % there, and no other bin tells the two apart.
    pub(crate) fn pixel_bins(&self) -> PixelBins {
        PixelBins::new(self.rows, self.columns, AXIS, |row, column| {
            self.valid[row * self.columns + column].then(|| q(row, column))
        })
    }

    /// Mean intensity of the rings, as wide as a bin, from the centre to the corners. One without a valid pixel has its neighbour's.
    fn ring_means(&self) -> Vec<f64> {
        let mut sums = vec![(0.0, 0u32); RINGS];
        for (pixel, &intensity) in self.intensity.iter().enumerate() {
            if self.valid[pixel] {
                let (sum, pixels) = &mut sums[self.ring(pixel)];
                *sum += f64::from(intensity);
                *pixels += 1;
            }
        }
        let known = |ring: &usize| sums[*ring].1 > 0;
        let nearest = |ring: usize| {
            (0..RINGS)
                .filter(known)
                .min_by_key(|other| other.abs_diff(ring))
        };
        let means = (0..RINGS)
            .map(|ring| nearest(ring).map_or(0.0, |ring| sums[ring].0 / f64::from(sums[ring].1)));
        means.collect()
    }

    fn ring(&self, pixel: usize) -> usize {
        (q(pixel / self.columns, pixel % self.columns) / AXIS.width) as usize
    }
}

/// Enough for the farthest corner, at 0.22 1/A.
const RINGS: usize = 120;

/// The scattering vector of a pixel in 1/A: linear in the indices to 0.00017 1/A.
fn q(row: usize, column: usize) -> f64 {
    let q_row = -0.10733479 + 0.00026388 * row as f64;
    let q_column = -0.13357755 + 0.00026390 * column as f64;
    (q_row * q_row + q_column * q_column).sqrt()
}

fn decode(png: &[u8]) -> Result<(usize, usize, Vec<u8>), png::DecodingError> {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info()?;
    let (columns, rows) = reader.info().size();
    let size = reader
        .output_buffer_size()
        .expect("a frame of a megapixel fits the address space");
    let mut bytes = vec![0; size];
    reader.next_frame(&mut bytes)?;
    Ok((rows as usize, columns as usize, bytes))
}

/// A bin of the published profile.
pub(crate) struct ReferenceBin {
    pub pixels: u32,
    pub mean: f64,
}

/// The azimuthal mean of the original frame, in the bins of `AXIS`.
pub(crate) fn reference() -> Vec<ReferenceBin> {
    let bins = PROFILE.lines().skip(1).map(|line| {
        let mut fields = line.split(',').skip(2);
        let mut field = || fields.next().and_then(|field| field.trim().parse().ok());
        let pixels: Option<f64> = field();
        let mean: Option<f64> = field();
        ReferenceBin {
            pixels: pixels.expect("a count in each line") as u32,
            mean: mean.expect("a mean in each line"),
        }
    });
    bins.collect()
}
