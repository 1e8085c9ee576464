//! A worker process.

use super::args::Args;
use crate::net::server::NotStarted;

/// Runs a worker until it has left, or the scheduler has ended.
pub(in crate::net) fn work(args: &Args) -> Result<(), NotStarted> {
    let _ = args;
    Err(NotStarted::saying("there are no workers yet"))
}
