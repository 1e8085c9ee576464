//! The one place that reads the clock for a wait.

use std::time::{Duration, Instant};

/// The end of a wait of so long. A time too long to be added to now is as good as none.
pub(crate) fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or_else(|| now + Duration::from_secs(60 * 60 * 24 * 365 * 30))
}
