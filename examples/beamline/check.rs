//! The program's own answers, taken from the rows it stored and held against what is known to be true.

use std::collections::{BTreeMap, BTreeSet};

use crate::detector::Detector;
use crate::detector_b;
use crate::knobs::{FIRST_SIGMA, SECOND_SIGMA};
use crate::measured::{self, ReferenceBin};
use crate::store::Stored;

/// Percent of the reference, for bins well above the background.
const MEASURED_BOUND: f64 = 1.5;
/// The noisiest bin's standard error is then 0.3 %, and 0.8 % is what drift and interpolation take off the brightest.
const MEASURED_FRAMES: usize = 8;
/// Percent of the reference, for all bins: the faintest has 97 1/m on a background of 240.
const WHOLE_BOUND: f64 = 3.0;
/// The faintest bin's standard error is then 0.6 %.
const WHOLE_FRAMES: usize = 30;
/// Pixels.
const RING_BOUND: f64 = 0.3;

/// A bin is compared if it has enough pixels: the innermost has 24, half hidden by the beam stop.
const LEAST_PIXELS: u32 = 100;
/// Bins above this intensity count as well above the background.
const BRIGHT: f64 = 500.0;

/// What the checks found: lines to print, and the bounds that are broken.
#[derive(Default)]
pub(crate) struct Findings {
    pub lines: Vec<String>,
    pub broken: Vec<String>,
}

/// `delivered` is how many frames each detector has put into the queue: its frames 0 up to that.
pub(crate) fn check(rows: &[Stored], delivered: [u32; 2]) -> Findings {
    let mut findings = Findings::default();
    let of = |detector| rows.iter().filter(move |row| row.detector == detector);
    let a: Vec<&Stored> = of(Detector::A).collect();
    let b: Vec<&Stored> = of(Detector::B).collect();
    findings.frames(rows, delivered);
    findings.profiles(&a);
    findings.rings(&b);
    findings.knob(rows, &a);
    findings
}

impl Findings {
    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn require(&mut self, holds: bool, broken: impl Into<String>) {
        if !holds {
            self.broken.push(broken.into());
        }
    }

    /// Every frame that a detector put must be a row, and no other.
    fn frames(&mut self, rows: &[Stored], delivered: [u32; 2]) {
        let put_by =
            |detector| (0..delivered[detector as usize]).map(move |frame| (detector, frame));
        let put: BTreeSet<_> = Detector::BOTH.into_iter().flat_map(put_by).collect();
        let stored: BTreeSet<_> = rows.iter().map(|row| (row.detector, row.frame)).collect();
        let lost = put.difference(&stored).count();
        self.say(format!("frames: {} stored, {lost} lost", rows.len()));
        self.require(
            lost == 0,
            "a frame that a detector delivered is not in the database",
        );
        let known = stored.is_subset(&put);
        self.require(
            known,
            "the database holds a frame that no detector delivered",
        );
    }

    fn profiles(&mut self, a: &[&Stored]) {
        let mean = mean_profile(a);
        if !a.is_empty() {
            let error = max_error(&mean, |bin| bin.mean > BRIGHT);
            self.say(format!(
                "measured profile: max error {error:.1} % of reference"
            ));
            let holds = error <= MEASURED_BOUND || a.len() < MEASURED_FRAMES;
            self.require(
                holds,
                format!("the measured profile is off by more than {MEASURED_BOUND} %"),
            );
        }
        self.note_too_few("measured profile", a, MEASURED_FRAMES);
        if a.len() >= WHOLE_FRAMES {
            let error = max_error(&mean, |_| true);
            self.say(format!("whole profile: max error {error:.1} %"));
            self.require(
                error <= WHOLE_BOUND,
                format!("the whole profile is off by more than {WHOLE_BOUND} %"),
            );
        }
        self.note_too_few("whole profile", a, WHOLE_FRAMES);
    }

    /// Fewer frames are noisier than the bound.
    fn note_too_few(&mut self, what: &str, a: &[&Stored], needed: usize) {
        if a.len() < needed {
            let frames = a.len();
            self.say(format!(
                "{what}: not checked, needs {needed} measured frames, this run has {frames}"
            ));
        }
    }

    fn rings(&mut self, b: &[&Stored]) {
        if b.is_empty() {
            return self.say("ring positions: not checked, this run has no frame with rings");
        }
        let errors = b.iter().map(|row| detector_b::ring_error(&row.peaks));
        let error = errors.fold(0.0, f64::max);
        self.say(format!("ring positions: max error {error:.2} px"));
        self.require(
            error <= RING_BOUND,
            format!("a ring is off by more than {RING_BOUND} pixels"),
        );
    }

    /// The laxer the knob, the fewer pixels are repaired; known of the two values that the run itself sets.
    fn knob(&mut self, rows: &[Stored], a: &[&Stored]) {
        let versions: BTreeMap<u64, f64> = rows
            .iter()
            .map(|row| (row.knob_version, row.mask_sigma))
            .collect();
        let shown: Vec<String> = versions.keys().map(u64::to_string).collect();
        self.say(format!("knob versions: {}", shown.join(", ")));
        let repaired = |sigma| {
            median(
                a.iter()
                    .filter(|row| row.mask_sigma == sigma)
                    .map(|row| row.repaired),
            )
        };
        let (Some(before), Some(after)) = (repaired(FIRST_SIGMA), repaired(SECOND_SIGMA)) else {
            return self
                .say("knob effect: not checked, needs measured frames before and after half-way");
        };
        self.say(format!("knob effect: {before} -> {after} pixels repaired"));
        self.require(
            after < before,
            "a laxer mask_sigma did not repair fewer pixels",
        );
    }
}

fn mean_profile(rows: &[&Stored]) -> Vec<f64> {
    let mut mean = vec![0.0; measured::AXIS.bins];
    for row in rows {
        for (mean, value) in mean.iter_mut().zip(&row.profile) {
            *mean += value / rows.len() as f64;
        }
    }
    mean
}

/// The largest deviation in percent of the reference, among the bins with enough pixels that are `wanted`.
fn max_error(profile: &[f64], wanted: impl Fn(&ReferenceBin) -> bool) -> f64 {
    let reference = measured::reference();
    let bins = reference
        .iter()
        .zip(profile)
        .filter(|(bin, _)| bin.pixels >= LEAST_PIXELS && wanted(bin));
    let errors = bins.map(|(bin, value)| 100.0 * (value / bin.mean - 1.0).abs());
    errors.fold(0.0, f64::max)
}

fn median(values: impl Iterator<Item = u32>) -> Option<u32> {
    let mut values: Vec<u32> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
