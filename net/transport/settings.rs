//! How connections behave.

use std::time::Duration;

use crate::net::wire::Limits;

/// How the connections of one [`Hub`](super::Hub) behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long the other side may take to say hello, and a connection to be made.
    pub handshake: Duration,
    /// How often a side that has nothing to say shows that it is alive.
    pub heartbeat: Duration,
    /// After how long without a byte a connection is lost. At least twice the other side's heartbeat.
    pub silence: Duration,
    /// The largest frame that is received.
    pub frame_limit: u32,
    /// How many bytes may wait to be written to one connection.
    pub queue_limit: usize,
    /// How many connections may be saying hello at once; more wait to be accepted.
    pub greeting_limit: usize,
    /// How long the end of a connection may take: the other side's last bytes are read until then, so that it receives why.
    pub linger: Duration,
}

impl Settings {
    /// How often time goes by: often enough to notice silence in time.
    pub fn tick(&self) -> Duration {
        let period = self.heartbeat.min(self.silence) / 4;
        period.max(Duration::from_millis(1))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            heartbeat: Duration::from_secs(1),
            silence: Duration::from_secs(5),
            frame_limit: Limits::default().frame,
            queue_limit: 64 * 1024 * 1024,
            greeting_limit: 64,
            linger: Duration::from_secs(1),
        }
    }
}
