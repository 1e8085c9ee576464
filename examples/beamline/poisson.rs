//! Poisson numbers for a million pixels a frame.
//!
//! Small means use that the sum of two Poisson numbers is one of the summed mean: a mean is split into a multiple of `STEP`, sampled by
//! inversion from a table that all pixels share, and a remainder so small that it nearly always yields 0 (inversion by sequential search
//! with a guide table: L. Devroye, *Non-Uniform Random Variate Generation*, Springer 1986, sections III.2 and X.3). One random word serves
//! both halves. Large means use the transformed rejection PTRS: W. Hörmann, *The transformed rejection method for generating Poisson
//! random variables*, Insurance: Mathematics and Economics 12 (1993) 39-45.

use fastrand::Rng;

/// Means from here on are sampled by rejection, which needs at least 10.
const LARGE: f32 = 32.0;
/// The distance of two tables: at 1/32 one remainder in sixty needs a second look, and the tables of dim pixels fit the first-level cache.
const STEP: f32 = 1.0 / 32.0;
const TABLES: usize = (LARGE / STEP) as usize;
/// No table holds a larger number: a mean of 32 exceeds 127 once in 10^36 draws.
const NUMBERS: usize = 128;
/// Probabilities are counted in units of 2^-31, and what is rarer is not drawn.
const ONE: f64 = (1u32 << 31) as f64;
const GUIDE_BITS: u32 = 8;

/// The tables, the same for every detector.
pub(crate) struct Poisson {
    tables: Vec<Table>,
}

impl Poisson {
    pub(crate) fn new() -> Self {
        let tables = (0..TABLES).map(|step| Table::new(f64::from(step as f32 * STEP)));
        Self {
            tables: tables.collect(),
        }
    }

    /// Draws one number for each mean.
    pub(crate) fn fill(&self, rng: &mut Rng, means: &[f32], counts: &mut [u16]) {
        for (count, &mean) in counts.iter_mut().zip(means) {
            *count = if mean < LARGE {
                self.small(rng, mean)
            } else {
                large(rng, f64::from(mean))
            };
        }
    }

    #[inline]
    fn small(&self, rng: &mut Rng, mean: f32) -> u16 {
        // Signed words of 32 bits are those that the processor turns into floats and back in one step.
        let step = (mean * (1.0 / STEP)) as i32;
        let rest = mean - step as f32 * STEP;
        let random = rng.u64(..);
        self.tables[step as usize].draw((random >> 33) as u32) + remainder(random as u32, rest)
    }
}

/// The distribution of one mean, as running sums, with the first number worth trying for each start of a random word.
struct Table {
    guide: [u8; 1 << GUIDE_BITS],
    sums: [u32; NUMBERS],
}

impl Table {
    fn new(mean: f64) -> Self {
        let mut sums = [ONE as u32; NUMBERS];
        let mut probability = (-mean).exp();
        let mut sum = 0.0;
        for (number, slot) in sums[..NUMBERS - 1].iter_mut().enumerate() {
            sum += probability;
            *slot = (sum * ONE).round() as u32;
            probability *= mean / (number + 1) as f64;
        }
        Self {
            guide: guide(&sums),
            sums,
        }
    }

    /// Inverts a word of 31 bits. The last sum is 2^31, so the search ends.
    #[inline]
    fn draw(&self, random: u32) -> u16 {
        let mut number = self.guide[(random >> (31 - GUIDE_BITS)) as usize];
        while random >= self.sums[usize::from(number) % NUMBERS] {
            number += 1;
        }
        u16::from(number)
    }
}

fn guide(sums: &[u32; NUMBERS]) -> [u8; 1 << GUIDE_BITS] {
    std::array::from_fn(|start| {
        let least = (start as u32) << (31 - GUIDE_BITS);
        sums.partition_point(|&sum| sum <= least) as u8
    })
}

/// Inverts 24 bits of a word for a mean below `STEP`. `1 - mean` is below the probability of 0, so the exponential is rarely needed.
#[inline]
fn remainder(random: u32, mean: f32) -> u16 {
    let random = (random >> 8) as i32 as f32 * (1.0 / 16_777_216.0);
    if random < 1.0 - mean {
        0
    } else {
        search(f64::from(random), f64::from(mean))
    }
}

#[cold]
fn search(random: f64, mean: f64) -> u16 {
    let mut number = 0;
    let mut probability = (-mean).exp();
    let mut sum = probability;
    while random >= sum && probability > f64::EPSILON {
        number += 1;
        probability *= mean / f64::from(number);
        sum += probability;
    }
    number
}

/// PTRS, with the constants and the two quick decisions of the paper.
#[cold]
fn large(rng: &mut Rng, mean: f64) -> u16 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let accepted = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = rng.f64() - 0.5;
        let v = rng.f64();
        let us = 0.5 - u.abs();
        let number = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= accepted {
            return number as u16;
        }
        if number < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let height = (v * inverse_alpha / (a / (us * us) + b)).ln();
        if height <= number * mean.ln() - mean - ln_factorial(number) {
            return number as u16;
        }
    }
}

/// Stirling's series; from 1 on it is right to 3 in 10,000, from 10 on to 10^-10, and a mean of 32 or more seldom asks for less.
fn ln_factorial(number: f64) -> f64 {
    if number < 1.0 {
        return 0.0;
    }
    let inverse = 1.0 / number;
    let correction = inverse / 12.0 - inverse.powi(3) / 360.0 + inverse.powi(5) / 1260.0;
    (number + 0.5) * number.ln() - number + 0.5 * std::f64::consts::TAU.ln() + correction
}
