//! What the writer lets those see who watch.

use serde::{Deserialize, Serialize};
use tenter::{Carried, Client, NameError, Variable};

use crate::detector::Detector;
use crate::detector_b;
use crate::store::Row;

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Rows in the database.
    pub stored: u32,
    /// The largest error of a ring's radius so far, in pixels.
    pub ring_error: f64,
}

/// The newest, once there is one.
pub(crate) fn progress<P>(client: &Client<P>) -> Result<Variable<Progress>, NameError>
where
    Progress: Carried<P>,
{
    client.variable("progress")
}

impl Progress {
    /// Counts rows that have been written.
    pub(crate) fn add(&mut self, rows: &[Row]) {
        self.stored += rows.len() as u32;
        for row in rows.iter().filter(|row| row.origin.detector == Detector::B) {
            self.ring_error = self.ring_error.max(detector_b::ring_error(&row.peaks));
        }
    }
}
