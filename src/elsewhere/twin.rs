//! Values of this process that are put where others can have them, when a call that leaves needs them.
//!
//! The twin of a local task is a node of its own that stands for the copy elsewhere; its value never comes back. The local task
//! has it from before its value is encoded, so that the value is sent once for however many calls: who needs it meanwhile is
//! held back until the twin has left. Encoding runs user code, and so under no lock. Handles in the value are named in it as in
//! arguments: it leaves when they have tickets.

use std::sync::Arc;

use crate::call::plant::checked;
use crate::call::{Pack, Parcel};
use crate::error::{ErrorKind, Failure, TaskError};
use crate::graph::Spec;
use crate::pool::Engine;
use crate::pool::extras::Extra;
use crate::pool::job::Job;
use crate::pool::local;
use crate::pool::want::TaskRef;

use super::held::{Part, hold, send_new, step_all};
use super::landing::Landing;

/// The copy of a finished local task: it has a ticket, or will have one, or has failed.
pub(super) fn of(task: &TaskRef, pack: Option<Pack>) -> TaskRef {
    let (engine, index) = (task.engine(), task.index());
    if let Some(twin) = engine.twin(index) {
        return twin;
    }
    let (landing, twin) = make(task);
    if let Some(other) = engine.keep_twin(index, &twin) {
        return other;
    }
    match encode(task, pack) {
        Ok(parcel) => send(landing, engine.name(index), parcel),
        Err(error) => step_all(landing.stays(error)),
    }
    twin
}

fn make(task: &TaskRef) -> (Landing, TaskRef) {
    let (engine, index) = (task.engine(), task.index());
    let kind = (Job::awaited::<()>(), refuse as super::Land);
    local::with(engine, |local| {
        let spec = Spec {
            name: engine.graph.name(index),
            location: engine.graph.location(index),
            ..Spec::default()
        };
        Landing::external(local, &spec, Extra::default(), kind)
    })
}

fn encode(task: &TaskRef, pack: Option<Pack>) -> Result<Parcel, TaskError> {
    let blame = || task.engine().blame(task.index());
    let Some(pack) = pack else {
        let text = "its value cannot be sent elsewhere, since its type is not known to be portable";
        return Err(TaskError::new(ErrorKind::Encoding, blame(), text, None));
    };
    checked(|| pack(task)).map_err(|(kind, text)| TaskError::new(kind, blame(), &*text, None))
}

/// Sends the value, or has it sent when the handles in it have tickets.
fn send(landing: Landing, name: String, parcel: Parcel) {
    let Parcel { bytes, handles } = parcel;
    let parts: Vec<Part> = handles.iter().filter_map(Part::of).collect();
    let then = move |tickets: Result<Vec<u64>, TaskError>| match tickets {
        Ok(mentions) => send_new(&landing, |backend| {
            backend.scatter(&name, bytes, mentions, landing.clone())
        }),
        Err(error) => landing.stays(error),
    };
    if parts.is_empty() {
        return step_all(then(Ok(Vec::new())));
    }
    hold(parts, Box::new(then));
}

/// Nobody asks for the value of a twin.
fn refuse(
    _: &crate::graph::Graph<Job>,
    _: &crate::pool::job::Claimed,
    _: super::Came<'_>,
    _: &Arc<[crate::call::AnyHandle]>,
) -> Result<(), Failure> {
    Err("a copy of a value of this process is not fetched back".into())
}

/// A copy that has not failed.
fn live(twin: &Option<TaskRef>) -> Option<TaskRef> {
    twin.as_ref().filter(|twin| !twin.is_settled()).cloned()
}

impl Engine {
    /// The copy of a task, if there is one that has not failed.
    fn twin(&self, index: u32) -> Option<TaskRef> {
        live(&self.extra(index)?.twin.lock())
    }

    /// A finished task, which the caller wants, gets a copy. Not if it has one by now, which is given then. A call of an actor
    /// has no place for it.
    fn keep_twin(&self, index: u32, twin: &TaskRef) -> Option<TaskRef> {
        self.add_extra(index);
        let extra = self.extra(index)?;
        let mut place = extra.twin.lock();
        let known = live(&place);
        let old = match known {
            Some(_) => None,
            None => place.replace(twin.clone()),
        };
        drop(place);
        drop(old);
        known
    }

    /// Of a task that has nothing rare so far.
    fn add_extra(&self, index: u32) {
        let _adding = self.adding.lock();
        if self.graph.extra(index) == 0 {
            let number = self.extras.add(Extra::default());
            self.graph.set_extra(index, number);
        }
    }
}
