//! Hot pixels: found against the median of their neighbours, and replaced by it.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tenter::task;

use crate::image::Image;

/// A frame without its hot pixels, and how many there were.
#[derive(Serialize, Deserialize)]
pub(crate) struct Repaired {
    pub image: Image,
    pub pixels: u32,
}

/// Sets every pixel above `m + sigma * sqrt(max(m, 1))` to `m`, the median of its 8 neighbours as they were measured.
#[task]
pub(crate) fn repair(mut image: Image, sigma: f64) -> Repaired {
    // The list keeps a repaired pixel from being the neighbour of the next one.
    let hot = hot_pixels(&image, sigma);
    for pixel in &hot {
        image.counts[pixel.index] = pixel.median;
    }
    Repaired {
        image,
        pixels: hot.len() as u32,
    }
}

struct HotPixel {
    index: usize,
    median: u16,
}

fn hot_pixels(image: &Image, sigma: f64) -> Vec<HotPixel> {
    // No median is below 0, so no pixel up to `sigma` can be hot: most of a frame needs no further look.
    let least = sigma.clamp(0.0, f64::from(u16::MAX)) as u16;
    let last = image.columns - 1;
    let mut hot = Vec::new();
    for row in 0..image.rows {
        let at_the_edge = row == 0 || row == image.rows - 1;
        let inner = if at_the_edge { 1..1 } else { 1..last };
        for block in blocks(inner.clone()) {
            let counts = &image.counts[row * image.columns..][block.clone()];
            // Without a short circuit this is one wide comparison.
            if counts
                .iter()
                .fold(false, |any, &count| any | (count > least))
            {
                inspect_block(image, row, block, sigma, &mut hot);
            }
        }
        for column in (0..inner.start).chain(inner.end..=last) {
            if image.counts[row * image.columns + column] > least {
                inspect_edge(image, row, column, sigma, &mut hot);
            }
        }
    }
    hot
}

/// Pixels whose medians are found at once, side by side in vector registers.
const LANES: usize = 16;

fn blocks(columns: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    columns
        .clone()
        .step_by(LANES)
        .map(move |start| start..(start + LANES).min(columns.end))
}

fn inspect_block(
    image: &Image,
    row: usize,
    block: Range<usize>,
    sigma: f64,
    hot: &mut Vec<HotPixel>,
) {
    // The last block of a row is short: it is moved left, and its first lanes are left out.
    let start = block.start.min(image.columns - 1 - LANES);
    let [low, high] = middle_pairs(neighbours(image, row, start));
    for column in block {
        let index = row * image.columns + column;
        let lane = column - start;
        hot.extend(judged(
            index,
            image.counts[index],
            [low[lane], high[lane]],
            sigma,
        ));
    }
}

type Lanes = [u16; LANES];

#[inline]
fn neighbours(image: &Image, row: usize, column: usize) -> [Lanes; 8] {
    let lanes = |row: usize, column: usize| -> Lanes {
        let from = row * image.columns + column;
        image.counts[from..from + LANES]
            .try_into()
            .expect("a slice of that length")
    };
    let (above, below, left, right) = (row - 1, row + 1, column - 1, column + 1);
    [
        lanes(above, left),
        lanes(above, column),
        lanes(above, right),
        lanes(row, left),
        lanes(row, right),
        lanes(below, left),
        lanes(below, column),
        lanes(below, right),
    ]
}

/// The two middle values of eight, in each lane: Batcher's odd-even merge sort, of which only these two are looked at.
#[inline]
fn middle_pairs(mut values: [Lanes; 8]) -> [Lanes; 2] {
    // A macro, because indices known at compile time keep the values in registers.
    macro_rules! exchange {
        ($($low:literal $high:literal),*) => { $(
            let (a, b) = (values[$low], values[$high]);
            for lane in 0..LANES {
                values[$low][lane] = a[lane].min(b[lane]);
                values[$high][lane] = a[lane].max(b[lane]);
            }
        )* };
    }
    exchange!(0 1, 2 3, 4 5, 6 7, 0 2, 1 3, 4 6, 5 7, 1 2, 5 6);
    exchange!(0 4, 1 5, 2 6, 3 7, 2 4, 3 5, 3 4);
    [values[3], values[4]]
}

/// On the rim a pixel has 5 neighbours, or 3; an odd number has one middle value.
fn inspect_edge(image: &Image, row: usize, column: usize, sigma: f64, hot: &mut Vec<HotPixel>) {
    let index = row * image.columns + column;
    let mut neighbours = Vec::with_capacity(8);
    for r in row.saturating_sub(1)..=(row + 1).min(image.rows - 1) {
        for c in column.saturating_sub(1)..=(column + 1).min(image.columns - 1) {
            if (r, c) != (row, column) {
                neighbours.push(image.counts[r * image.columns + c]);
            }
        }
    }
    neighbours.sort_unstable();
    let middle = neighbours[neighbours.len() / 2];
    hot.extend(judged(index, image.counts[index], [middle, middle], sigma));
}

/// A hot pixel, if this is one. Its new value is the median of an even number of counts, rounded down.
#[inline]
fn judged(index: usize, count: u16, [low, high]: [u16; 2], sigma: f64) -> Option<HotPixel> {
    let median = 0.5 * (f64::from(low) + f64::from(high));
    let above = f64::from(count) - median;
    // Squared, since a root for each pixel of a ring costs more than the median.
    let hot = above > 0.0 && above * above > sigma * sigma * median.max(1.0);
    hot.then_some(HotPixel {
        index,
        median: median as u16,
    })
}
