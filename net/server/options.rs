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
    /// What the machine decides by.
    pub config: Config,
    /// Who hears what happens.
    pub log: Log,
}
