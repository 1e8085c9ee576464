//! A detector frame of counts, and the small picture of it that people watch.

use serde::{Deserialize, Serialize};

/// Counts of a detector, row after row.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Image {
    pub rows: usize,
    pub columns: usize,
    pub counts: Vec<u16>,
}

/// Rows and columns of a thumbnail.
pub(crate) const THUMBNAIL: usize = 128;

/// The image in `THUMBNAIL x THUMBNAIL` grey values, row after row.
///
/// A value is logarithmic in the mean count of its cell, 60 a decade, since a frame spans four decades and its outer parts hold less
/// than one photon a pixel. The scale is absolute (0 stands for 0.1 counts), so two thumbnails can be compared.
pub(crate) fn thumbnail(image: &Image) -> Vec<u8> {
    let mut sums = vec![0u32; image.columns];
    let mut grey = Vec::with_capacity(THUMBNAIL * THUMBNAIL);
    for cell in 0..THUMBNAIL {
        let rows = cell_range(cell, image.rows);
        add_rows(image, rows.clone(), &mut sums);
        for cell in 0..THUMBNAIL {
            let columns = cell_range(cell, image.columns);
            let pixels = rows.len() * columns.len();
            let sum: u32 = sums[columns].iter().sum();
            grey.push(grey_of(f64::from(sum) / pixels as f64));
        }
    }
    grey
}

/// The pixels of one side that fall into a cell: the cells differ by one pixel where the side is no multiple of their number.
fn cell_range(cell: usize, side: usize) -> std::ops::Range<usize> {
    cell * side / THUMBNAIL..(cell + 1) * side / THUMBNAIL
}

/// Sets `sums` to the sum of these rows, column by column.
fn add_rows(image: &Image, rows: std::ops::Range<usize>, sums: &mut [u32]) {
    sums.fill(0);
    for row in rows {
        let counts = &image.counts[row * image.columns..][..image.columns];
        for (sum, &count) in sums.iter_mut().zip(counts) {
            *sum += u32::from(count);
        }
    }
}

fn grey_of(mean: f64) -> u8 {
    (60.0 * (mean.max(0.1) / 0.1).log10()).round().min(255.0) as u8
}
