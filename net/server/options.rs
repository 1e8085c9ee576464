//! How a scheduler runs.

use super::notice::Log;
use crate::net::scheduler::Config;
use crate::net::transport::{Reach, Settings};

/// How a scheduler runs.
#[derive(Clone, Debug, Default)]
pub struct SchedulerOptions {
    /// From how far clients and workers may connect.
    pub reach: Reach,
    /// How connections behave: heartbeats, silence, limits.
    pub settings: Settings,
    /// What the machine decides by. Whether peers are alive is not its concern here: connections know.
    pub config: Config,
    /// Who hears what happens.
    pub log: Log,
}

impl SchedulerOptions {
    /// The machine's configuration where connections tell who is alive: it neither says nor judges that.
    pub(super) fn machine_config(&self) -> Config {
        Config {
            heartbeat_us: NEVER_US,
            silence_us: NEVER_US,
            tick_us: 0,
            ..self.config.clone()
        }
    }
}

/// Longer than any scheduler lives, and far from the end of the numbers.
const NEVER_US: u64 = u64::MAX / 4;
