//! Peaks of a profile: searched for in a smoothed copy, placed in the profile itself.

use serde::{Deserialize, Serialize};
use tenter::task;

use crate::integrate::Axis;

/// Bins on either side of a peak that decide how far it stands out, and over which its centre is taken: twice the width of a ring.
const REACH: usize = 6;
/// Standard errors that a peak stands out: noise alone passes 5 once in a million bins.
const SIGNIFICANT: f64 = 6.0;

/// A profile and the standard error of each bin.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub mean: Vec<f64>,
    pub error: Vec<f64>,
}

/// The distances from the beam at which the profile has peaks.
#[task]
pub(crate) fn find_peaks(profile: &Profile, axis: Axis) -> Vec<f64> {
    let smooth = smoothed(&profile.mean);
    let inner = REACH..profile.mean.len().saturating_sub(REACH);
    let peaks =
        inner.filter(|&bin| is_peak(&smooth[bin - REACH..=bin + REACH], profile.error[bin]));
    let places = peaks.map(|bin| bin as f64 + centre(&profile.mean[bin - REACH..=bin + REACH]));
    places.map(|place| axis.at(place)).collect()
}

/// The binomial mean of five neighbours; the outermost bins stay as they are.
fn smoothed(profile: &[f64]) -> Vec<f64> {
    let mut smooth = profile.to_vec();
    for (slot, five) in smooth.iter_mut().skip(2).zip(profile.windows(5)) {
        *slot = (five[0] + five[4] + 4.0 * (five[1] + five[3]) + 6.0 * five[2]) / 16.0;
    }
    smooth
}

/// Whether the middle of the window is its maximum, and well above the lowest bin on either side.
fn is_peak(window: &[f64], error: f64) -> bool {
    let top = window[REACH];
    let lowest = |side: &[f64]| side.iter().copied().fold(f64::INFINITY, f64::min);
    let foot = lowest(&window[..REACH]).max(lowest(&window[REACH + 1..]));
    let highest = window.iter().all(|&value| value <= top);
    highest && top - foot > SIGNIFICANT * error
}

/// The centre of mass above the straight line between the ends of the window, in bins from its middle.
fn centre(window: &[f64]) -> f64 {
    // Two bins at each end halve the noise of the line.
    let first = 0.5 * (window[0] + window[1]);
    let last = 0.5 * (window[2 * REACH - 1] + window[2 * REACH]);
    let slope = (last - first) / (2 * REACH - 1) as f64;
    let (mut mass, mut moment) = (0.0, 0.0);
    for (place, value) in window.iter().enumerate() {
        let above = (value - first - (place as f64 - 0.5) * slope).max(0.0);
        mass += above;
        moment += above * (place as f64 - REACH as f64);
    }
    if mass > 0.0 { moment / mass } else { 0.0 }
}
