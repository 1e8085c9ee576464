//! Calls from elsewhere become tasks of this process.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::attendant::Attendant;
use super::body::overrun;
use super::function::Function;
use crate::builder::Builder;
use crate::call::{AnyHandle, Parcel};
use crate::client::Client;
use crate::elsewhere::RemoteId;
use crate::error::{Blame, TaskError};
use crate::future::TaskFuture;
use crate::inputs::Linker;
use crate::pool::want::TaskRef;
use crate::task::{Called, Plan};

/// How a call is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What people call the task; empty is the function's name.
    pub name: &'a str,
    /// Higher runs first.
    pub priority: i32,
    /// How long the body may take.
    pub timeout: Option<Duration>,
    /// The pool to run in; empty is the usual one.
    pub pool: &'a str,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// Runs a call of this function as a task of this client, and has somebody attend to it. Its arguments are decoded when it
/// runs: bytes that are none, and inputs of another type than the function takes, are the task's error.
///
/// The task runs as long as the handle is kept.
///
/// # Errors
/// Why there is no such task: the pool that is asked for, or a client that was closed. Nobody attends to it then.
#[track_caller]
pub fn host<P>(
    client: &Client<P>,
    function: Function,
    args: Parcel,
    inputs: Vec<AnyHandle>,
    terms: &Terms<'_>,
    attendant: Arc<dyn Attendant>,
) -> Result<AnyHandle, TaskError> {
    let engine = client.engine();
    let info = function.0.info();
    let called = match terms.name {
        "" => Called::Function(info),
        name if name == info.name => Called::Function(info),
        name => Called::Text(name),
    };
    let mut plan = Plan::new(engine, called);
    plan.waits = false;
    plan.priority = Some(terms.priority);
    add_rare(&mut plan, terms);
    if let Some((kind, text)) = plan.refusal_here() {
        let blame = Blame {
            task: info.name.to_owned(),
            key: None,
            location: None,
        };
        return Err(TaskError::new(kind, blame, text, None));
    }
    let mut linker = Linker::default();
    for input in inputs {
        linker.give(input.into_task(engine));
    }
    let told = terms.timeout.map(|_| Arc::clone(&attendant));
    let job = function.0.hosted(&Arc::new(args), attendant);
    let of = job.kind();
    let task: TaskFuture<()> = plan.launch(linker, job, Location::caller());
    let task = task.into_task();
    if let Some(attendant) = told {
        tell_of_overrun(&task, attendant);
    }
    Ok(AnyHandle::with_kind(task, of))
}

fn add_rare(plan: &mut Plan<'_>, terms: &Terms<'_>) {
    let engine = plan.engine;
    if !terms.pool.is_empty() {
        plan.rare().asked.pool(engine, terms.pool);
    }
    if terms.timeout.is_some() || terms.attempt > 1 {
        let attempts = &mut plan.rare().extra.attempts;
        attempts.timeout = terms.timeout;
        attempts.begin_at(terms.attempt);
    }
}

/// When the task is settled since its time is over, somebody is told, although its body may run on.
fn tell_of_overrun(task: &TaskRef, attendant: Arc<dyn Attendant>) {
    let its = task.clone();
    crate::on_done::watch_task(task, move || {
        if let Some(error) = overrun(&its) {
            attendant.overruns(error);
        }
    });
}

/// The handle of a task elsewhere that this client's backend knows by its name. It is a want of that task once it is decoded.
pub fn named<P>(client: &Client<P>, name: RemoteId) -> AnyHandle {
    AnyHandle::named(client.engine(), name)
}

/// Has a function called with `true` when a body blocks and gives its place up, and with `false` when it goes on.
pub fn when_blocked(builder: Builder, hook: impl Fn(bool) + Send + Sync + 'static) -> Builder {
    builder.when_blocked(Arc::new(hook))
}
