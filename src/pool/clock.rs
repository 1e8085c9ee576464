//! The one place that reads the clock for a wait, and the time of day.

use std::time::{Duration, Instant, SystemTime};

/// The end of a wait of so long. A time too long to be added to now is as good as none.
pub(crate) fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout)
        .unwrap_or_else(|| now + Duration::from_secs(60 * 60 * 24 * 365 * 30))
}

/// The time of day.
pub(crate) fn wall_time() -> SystemTime {
    SystemTime::now()
}
