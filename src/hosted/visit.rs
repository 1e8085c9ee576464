//! A call from elsewhere of an actor that lives here.

use std::fmt;

use crate::actor::ActorCall;
use crate::call::{AnyHandle, Parcel};
use crate::elsewhere::RemoteId;
use crate::on_done::watch_settled;
use crate::registry;

/// Why a call from elsewhere is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotVisited {
    /// No method of this name was compiled into this program.
    UnknownMethod(String),
    /// It has another signature or version here: this one.
    OtherSignature(&'static str),
    /// It is a method of actors with another state than this one's, or there is no actor.
    OtherState(String),
}

impl fmt::Display for NotVisited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMethod(name) => write!(
                f,
                "there is no method `{name}` in its program: start the same program on both sides"
            ),
            Self::OtherSignature(here) => write!(
                f,
                "the method is `{here}` there, and another here: start the same version of the program on both sides"
            ),
            Self::OtherState(name) => write!(f, "`{name}` is no method of this actor"),
        }
    }
}

/// Puts a call into the mailbox of the actor that this task has made. What it gives is told to `answer`, unless this is an
/// error; the handle is for taking it back.
///
/// # Errors
/// Why it is not taken.
pub fn visit(
    home: &AnyHandle,
    call: ActorCall,
    answer: impl FnOnce(Result<Parcel, crate::TaskError>) + Send + 'static,
) -> Result<AnyHandle, NotVisited> {
    let Some(method) = registry::find_method(&call.method) else {
        return Err(NotVisited::UnknownMethod(call.method));
    };
    if method.info().signature_hash != call.signature_hash {
        return Err(NotVisited::OtherSignature(method.info().signature));
    }
    let other = || NotVisited::OtherState(method.info().name.to_owned());
    let home = home.task().ok_or_else(other)?;
    let named = |names: Vec<RemoteId>| -> Vec<AnyHandle> {
        let names = names.into_iter();
        names
            .map(|name| AnyHandle::named(home.engine(), name))
            .collect()
    };
    let args = Parcel {
        handles: named(call.mentions).into(),
        bytes: call.args,
    };
    let visited = method.host(&home, args, named(call.inputs), Box::new(answer));
    visited.map(AnyHandle::of_task).map_err(|_| other())
}

/// Calls this when a task of this process is settled, on the thread that settles it, or here if it is.
pub fn when_settled(task: &AnyHandle, then: impl FnOnce() + Send + 'static) {
    match task.task() {
        Some(task) => watch_settled(&task, then),
        None => then(),
    }
}

/// Calls this when the other side has taken in all that the client of this task has said to it.
pub fn when_heard(task: &AnyHandle, heard: impl FnOnce() + Send + 'static) {
    let task = task.task();
    match task.as_ref().and_then(|task| task.engine().backend()) {
        Some(backend) => backend.when_heard(Box::new(heard)),
        None => heard(),
    }
}

/// The names by which these handles travel, of a client whose calls leave. `told` may be called later, and on another thread.
pub fn names(
    handles: &[AnyHandle],
    told: impl FnOnce(Result<Vec<RemoteId>, crate::TaskError>) + Send + 'static,
) {
    let Some(engine) = handles
        .iter()
        .find_map(|handle| Some(handle.task()?.engine().clone()))
    else {
        return told(Ok(Vec::new()));
    };
    crate::elsewhere::names(&engine, handles, told);
}
