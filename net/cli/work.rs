//! A worker process.

use super::args::Args;
use super::signals;
use crate::net::server::NotStarted;
use crate::net::worker::{Ended, Setup, Worker, WorkerOptions};

/// Runs a worker until it has left, or the scheduler has ended, and says which. `setup` is called before its first task, and
/// `started` is told of it.
///
/// # Errors
/// If it does not start.
pub(in crate::net) fn work(
    args: &Args,
    setup: Option<Setup>,
    started: impl FnOnce(&Worker),
) -> Result<Ended, NotStarted> {
    let options = WorkerOptions {
        name: args.name.clone().unwrap_or_default(),
        threads: args.threads,
        resources: args.resources.clone(),
        memory_limit: args.memory_limit.unwrap_or_default(),
        setup,
        reach: super::reach(args),
        ..WorkerOptions::default()
    };
    let address = args.address.as_deref().unwrap_or_default();
    let worker = Worker::start(address, options)?;
    started(&worker);
    signals::on_request_to_end(worker.leaver()).map_err(NotStarted::because)?;
    let ended = worker.wait();
    if let Ended::Lost(_) = ended {
        // The process ends, and with it what still runs here for nobody.
        std::mem::forget(worker);
    }
    Ok(ended)
}
