//! The scheduler as a process has it: connections, a clock, and the machine behind them.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `desk.rs` | turns what connections bring into stimuli, and effects into what they are to send |
//! | `peers.rs` | who is connected, and what is said to them |
//! | `options.rs`, `notice.rs`, `error.rs` | how, what is told of it, and why not |
//!
//! One thread does all of it: that of the [`Hub`]. All that one connection brings at once is taken in before anything is
//! written, and then each connection that was spoken to is written to once.

mod desk;
mod error;
mod notice;
mod options;
mod peers;

pub use error::NotStarted;
pub use notice::{Log, Notice, Who};
pub use options::SchedulerOptions;

use super::scheduler::Census;
use super::transport::{Address, Hub};
use super::wire::{Hello, Party};
use desk::Desk;

/// A scheduler that serves in this process, on a thread of its own.
///
/// Dropping it ends it: every client and every worker is told so. What was not finished then is lost.
#[derive(Debug)]
pub struct Scheduler {
    hub: Hub<Desk>,
    address: String,
}

impl Scheduler {
    /// Starts one that listens at an address like `tcp://127.0.0.1:8786`; port 0 is any that is free.
    ///
    /// # Errors
    /// If that is no address, cannot be listened on, or is not this machine's alone and [`SchedulerOptions::reach`] does not
    /// say that it may be; or if the system has no thread to give.
    pub fn start(at: &str, options: SchedulerOptions) -> Result<Self, NotStarted> {
        let at: Address = at.parse().map_err(NotStarted::because)?;
        let (settings, reach) = (options.settings.clone(), options.reach);
        let desk = Desk::new(options).map_err(NotStarted::because)?;
        let hub = Hub::start("tenter-scheduler", settings, desk).map_err(NotStarted::because)?;
        let listening = hub.listen(&at, reach, Hello::new(Party::Scheduler));
        let address = Address::from(listening.map_err(NotStarted::because)?).to_string();
        Ok(Self { hub, address })
    }

    /// Where it listens, as `tcp://HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Checks all that it knows, and counts it. Takes time in proportion, in which nothing else is done.
    #[doc(hidden)]
    pub fn census(&self) -> Census {
        self.hub.handler().census()
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.hub.handler().end("the scheduler has ended");
    }
}
