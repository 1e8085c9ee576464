//! Values of this process that are put where others can have them, when a call that leaves needs them.
//!
//! The twin of a local task is a node of its own that stands for the copy elsewhere; its value never comes back. The local task
//! keeps it, so that the value is sent once for however many calls.

use crate::call::plant::checked;
use crate::call::{Pack, Parcel};
use crate::error::{ErrorKind, Failure, TaskError};
use crate::graph::Spec;
use crate::pool::Engine;
use crate::pool::extras::Extra;
use crate::pool::job::Job;
use crate::pool::local;
use crate::pool::want::TaskRef;

use super::held::send_new;
use super::landing::Landing;

/// The ticket of the copy of a finished local task.
pub(super) fn ticket(task: &TaskRef, pack: Option<Pack>) -> Result<u64, TaskError> {
    let (engine, index) = (task.engine(), task.index());
    // One at a time: a value is sent once.
    let _sending = engine.sending.lock();
    if let Some(ticket) = engine.twin_ticket(index) {
        return Ok(ticket);
    }
    let parcel = encode(task, pack)?;
    let kind = (Job::awaited::<()>(), refuse as super::Land);
    let (landing, twin) = local::with(engine, |local| {
        let spec = Spec {
            name: engine.graph.name(index),
            location: engine.graph.location(index),
            ..Spec::default()
        };
        Landing::external(local, &spec, Extra::default(), kind)
    });
    let name = engine.name(index);
    send_new(&landing, |backend| {
        backend.scatter(&name, parcel.bytes, landing.clone())
    });
    match landing.remote().ticket() {
        Some(ticket) => {
            engine.keep_twin(index, twin);
            Ok(ticket)
        }
        None => Err(twin.error()),
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
    _: &std::sync::Arc<[crate::call::AnyHandle]>,
) -> Result<(), Failure> {
    Err("a copy of a value of this process is not fetched back".into())
}

impl Engine {
    /// The ticket of the copy of a task, if there is one that has not failed.
    fn twin_ticket(&self, index: u32) -> Option<u64> {
        let extra = self.extra(index)?;
        let twin = extra.twin.lock();
        let twin = twin.as_ref().filter(|twin| !twin.is_settled())?;
        self.with_remote(twin.index(), |remote| remote.ticket())?
    }

    /// A finished task, which the caller wants, keeps its copy. A call of an actor has no place for it.
    fn keep_twin(&self, index: u32, twin: TaskRef) {
        if self.graph.extra(index) == 0 {
            let number = self.extras.add(Extra::default());
            self.graph.set_extra(index, number);
        }
        let old = self
            .extra(index)
            .and_then(|extra| extra.twin.lock().replace(twin));
        drop(old);
    }
}
