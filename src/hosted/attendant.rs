//! Who is told when a body begins and how it ended.

use super::output::Output;
use crate::error::TaskError;

/// Attends to one call. Told on the thread that runs the body; whatever takes time there keeps that thread.
pub trait Attendant: Send + Sync + 'static {
    /// The body is about to begin. No: it is not to.
    fn begins(&self) -> bool;

    /// The body has come to its end, and its task is about to be settled. Called once, if it has begun.
    fn ends(&self, end: End<'_>);

    /// The time of the body is over, and its task has failed of that; the body may run on.
    fn overruns(&self, error: TaskError);
}

/// How a body has ended.
#[derive(Debug)]
pub enum End<'a> {
    /// With this value.
    Value(Output<'a>),
    /// With an error, by a panic, or too late.
    Failed(TaskError),
    /// It asks to be run again later.
    Rescheduled,
    /// It was a future, and was dropped: its task was cancelled.
    Dropped,
}
