//! Values of this process that are put where others can have them, when a call that leaves needs them.
//!
//! The twin of a local task is a node of its own that stands for the copy elsewhere; its value never comes back. The local task
//! has it from before its value is encoded, so that the value is sent once for however many calls: who needs it meanwhile is
//! held back until the twin has left. Encoding runs user code, and so under no lock.

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

use super::held::{Held, send_new, step_all};
use super::landing::Landing;
use super::remote::Remote;

/// The ticket of the copy of a finished local task. None yet, if somebody else is just about to put it there. What is put here
/// now is let go with `twins`.
pub(super) fn ticket(
    task: &TaskRef,
    pack: Option<Pack>,
    twins: &mut Vec<TaskRef>,
) -> Result<Option<u64>, TaskError> {
    let (engine, index) = (task.engine(), task.index());
    if let Some(twin) = engine.twin(index) {
        return Ok(ticket_of(&twin));
    }
    let (landing, twin) = make(task);
    if let Some(other) = engine.keep_twin(index, &twin) {
        return Ok(ticket_of(&other));
    }
    put(task, pack, &landing)?;
    match ticket_of(&twin) {
        None => Err(twin.error()),
        ticket => {
            twins.push(twin);
            Ok(ticket)
        }
    }
}

fn ticket_of(twin: &TaskRef) -> Option<u64> {
    let remote = |remote: &Remote| remote.ticket();
    twin.engine().with_remote(twin.index(), remote).flatten()
}

/// Has somebody told when the copy of a task, which somebody is about to put elsewhere, has left. No: nobody is.
pub(super) fn tell(task: &TaskRef, held: &Arc<Held>) -> bool {
    let twin = task.engine().twin(task.index());
    let waits = |remote: &Remote| remote.tell(held);
    twin.and_then(|twin| twin.engine().with_remote(twin.index(), waits)) == Some(true)
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

/// Encodes the value, and sends it. Those who have waited for that go on.
fn put(task: &TaskRef, pack: Option<Pack>, landing: &Landing) -> Result<(), TaskError> {
    match encode(task, pack) {
        Ok(parcel) => {
            let name = task.engine().name(task.index());
            step_all(send_new(landing, |backend| {
                backend.scatter(&name, parcel.bytes, landing.clone())
            }));
            Ok(())
        }
        Err(error) => {
            landing.inherit(error.clone());
            step_all(landing.remote().end_here());
            Err(error)
        }
    }
}

fn encode(task: &TaskRef, pack: Option<Pack>) -> Result<Parcel, TaskError> {
    let blame = || task.engine().blame(task.index());
    let refused = |text: &str| TaskError::new(ErrorKind::Encoding, blame(), text, None);
    let Some(pack) = pack else {
        return Err(refused(
            "its value cannot be sent elsewhere, since its type is not known to be portable",
        ));
    };
    let parcel = checked(|| pack(task))
        .map_err(|(kind, text)| TaskError::new(kind, blame(), &*text, None))?;
    if parcel.handles.is_empty() {
        return Ok(parcel);
    }
    Err(refused(
        "its value contains handles, which a value that is put elsewhere cannot: give them to the call themselves",
    ))
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

impl Engine {
    /// The copy of a task, if there is one that has not failed.
    fn twin(&self, index: u32) -> Option<TaskRef> {
        let extra = self.extra(index)?;
        let twin = extra.twin.lock();
        twin.as_ref().filter(|twin| !twin.is_settled()).cloned()
    }

    /// A finished task, which the caller wants, gets a copy. Not if it has one by now, which is given then. A call of an actor
    /// has no place for it.
    fn keep_twin(&self, index: u32, twin: &TaskRef) -> Option<TaskRef> {
        self.add_extra(index);
        let extra = self.extra(index)?;
        let mut place = extra.twin.lock();
        let known = place.as_ref().filter(|twin| !twin.is_settled()).cloned();
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
