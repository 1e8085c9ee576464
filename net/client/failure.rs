//! Failures as messages and as errors.

use crate::ErrorKind;
use crate::driver::Report;
use crate::net::message::{Failure, FailureKind};

/// What a failure says, for a task here.
pub fn report_of(failure: &Failure) -> Report {
    Report {
        kind: kind_of(failure.kind),
        task: failure.task.clone(),
        submitted_at: failure.submitted_at.clone(),
        text: failure.text.clone(),
        causes: failure.causes.clone(),
    }
}

/// A task's error, for elsewhere.
pub fn failure_of(report: Report) -> Failure {
    Failure {
        kind: failure_kind_of(report.kind),
        task: report.task,
        submitted_at: report.submitted_at,
        text: report.text,
        causes: report.causes,
    }
}

fn kind_of(kind: FailureKind) -> ErrorKind {
    match kind {
        FailureKind::Error | FailureKind::Reschedule => ErrorKind::Failed,
        FailureKind::Panicked => ErrorKind::Panicked,
        FailureKind::TimedOut => ErrorKind::TimedOut,
        FailureKind::Cancelled => ErrorKind::Cancelled,
        FailureKind::Encoding => ErrorKind::Encoding,
        FailureKind::KeyConflict => ErrorKind::KeyConflict,
        FailureKind::UnknownFunction => ErrorKind::UnknownFunction,
        FailureKind::NoSuchPool => ErrorKind::NoSuchPool,
        FailureKind::DataLost => ErrorKind::DataLost,
        FailureKind::WorkerDied => ErrorKind::WorkerDied,
        FailureKind::NoWorkers => ErrorKind::NoWorkers,
        FailureKind::Forgotten => ErrorKind::Forgotten,
        FailureKind::Deadlock => ErrorKind::Deadlock,
        FailureKind::Poisoned => ErrorKind::Poisoned,
    }
}

/// Kinds of which nobody elsewhere makes anything are errors like others: their text says what they are.
fn failure_kind_of(kind: ErrorKind) -> FailureKind {
    match kind {
        ErrorKind::Panicked => FailureKind::Panicked,
        ErrorKind::TimedOut => FailureKind::TimedOut,
        ErrorKind::Cancelled => FailureKind::Cancelled,
        ErrorKind::Encoding => FailureKind::Encoding,
        ErrorKind::KeyConflict => FailureKind::KeyConflict,
        ErrorKind::UnknownFunction => FailureKind::UnknownFunction,
        ErrorKind::NoSuchPool | ErrorKind::NoSuchResource => FailureKind::NoSuchPool,
        ErrorKind::DataLost => FailureKind::DataLost,
        ErrorKind::WorkerDied => FailureKind::WorkerDied,
        ErrorKind::NoWorkers => FailureKind::NoWorkers,
        ErrorKind::Forgotten => FailureKind::Forgotten,
        ErrorKind::Deadlock => FailureKind::Deadlock,
        ErrorKind::Poisoned => FailureKind::Poisoned,
        _ => FailureKind::Error,
    }
}
