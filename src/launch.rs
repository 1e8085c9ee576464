//! From a job to a handle: every submit ends here, and what is wrong at that time becomes a failed handle.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use crate::error::ErrorKind;
use crate::future::TaskFuture;
#[cfg(feature = "task")]
use crate::graph::GIVEN;
use crate::graph::{Key, Spec};
use crate::inputs::Linker;
use crate::pool::Engine;
use crate::pool::asked::Refusal;
use crate::pool::job::Job;
use crate::pool::local;
#[cfg(feature = "task")]
use crate::pool::local::Local;

pub(crate) const CLOSED: Refusal = (
    ErrorKind::Closed,
    Cow::Borrowed("the client is closed: start another one"),
);
pub(crate) const FOREIGN_HANDLE: Refusal = (
    ErrorKind::ForeignHandle,
    Cow::Borrowed("an input belongs to another client: submit it where the input was submitted"),
);
/// The options of a plain submit.
#[inline]
pub(crate) fn at(location: &'static Location<'static>) -> Spec {
    Spec {
        location: Some(location),
        ..Spec::default()
    }
}

/// Makes a task of a job whose values are of type `R`.
#[inline]
pub(crate) fn launch<R>(
    engine: &Arc<Engine>,
    spec: &Spec,
    inputs: Linker,
    job: Job,
) -> TaskFuture<R> {
    if let Some(why) = refusal(engine, &inputs, true) {
        return refuse(engine, spec, None, job, why);
    }
    let task = local::with(engine, |local| local.submit(spec, inputs.inputs(), job));
    inputs.made();
    TaskFuture::own(task)
}

/// As [`launch`], without inputs. Where there is a limit on pending tasks, `waits` for room.
#[inline]
pub(crate) fn launch_alone<R>(
    engine: &Arc<Engine>,
    spec: &Spec,
    job: Job,
    waits: bool,
) -> TaskFuture<R> {
    if let Some(why) = obstacle(engine, waits) {
        return refuse(engine, spec, None, job, why);
    }
    TaskFuture::own(local::with(engine, |local| local.submit(spec, &[], job)))
}

/// As [`launch_alone`], under a key. The share that it is made through says what its options are.
#[cfg(feature = "task")]
#[inline]
pub(crate) fn launch_keyed<R>(
    engine: &Arc<Engine>,
    spec: impl FnOnce(&Local) -> Spec,
    key: Key,
    job: Job,
    waits: bool,
) -> TaskFuture<R> {
    let obstacle = obstacle(engine, waits);
    TaskFuture::own(local::with(engine, |local| {
        let (spec, kind) = (spec(local), job.kind());
        match obstacle {
            None => local.submit_keyed(&spec, key, kind, &[], job).0,
            Some(why) => local.refuse(&spec, Some(key), &[], job, why),
        }
    }))
}

/// A handle that is settled from the start.
pub(crate) fn born<R>(engine: &Arc<Engine>, spec: &Spec, job: Job, failed: bool) -> TaskFuture<R> {
    TaskFuture::own(local::with(engine, |local| {
        local.settled(spec, job, failed)
    }))
}

/// Why no task with these inputs may be submitted now.
#[inline]
pub(crate) fn refusal(engine: &Arc<Engine>, inputs: &Linker, waits: bool) -> Option<Refusal> {
    let obstacle = if engine.is_wide_open() {
        None
    } else {
        obstacle_to(engine, inputs, waits)
    };
    if obstacle.is_none() && inputs.is_foreign(engine) {
        return Some(FOREIGN_HANDLE);
    }
    obstacle
}

/// As [`obstacle`], of a task with these inputs: those that run elsewhere are wanted here.
#[cold]
fn obstacle_to(engine: &Arc<Engine>, inputs: &Linker, waits: bool) -> Option<Refusal> {
    let obstacle = obstacle(engine, waits);
    #[cfg(feature = "task")]
    if obstacle.is_none() && engine.calls_leave() && !inputs.is_foreign(engine) {
        let nodes = inputs.inputs().iter().map(|input| input & !GIVEN);
        nodes.for_each(|node| engine.want_from_elsewhere(node));
    }
    #[cfg(not(feature = "task"))]
    let _ = inputs;
    obstacle
}

/// Why no task may be submitted now. Where there is a limit on pending tasks, `waits` for room.
#[inline]
pub(crate) fn obstacle(engine: &Arc<Engine>, waits: bool) -> Option<Refusal> {
    if engine.is_wide_open() {
        return None;
    }
    if waits {
        engine.wait_for_room();
    }
    engine.is_closed().then_some(CLOSED)
}

/// A handle that has failed from the start.
#[cold]
pub(crate) fn refuse<R>(
    engine: &Arc<Engine>,
    spec: &Spec,
    key: Option<Key>,
    job: Job,
    why: Refusal,
) -> TaskFuture<R> {
    TaskFuture::own(local::with(engine, |local| {
        local.refuse(spec, key, &[], job, why)
    }))
}
