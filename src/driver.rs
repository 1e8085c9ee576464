//! What a driver that runs calls elsewhere needs of this one; no stability promise.
//!
//! The sending side [describes](describe) a call: its function's name and signature, its arguments as bytes, the handles in
//! these and the tasks that are its inputs. What it sends for each handle and each input is its own affair. The receiving
//! side [submits](submit) it to a client of its own, with handles of its own in their places, and encodes the
//! [result](Running::result). Only functions that were compiled into the receiving program are ever run, by their names.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::call::{Call, Defined};
use crate::client::{Client, current_blame};
use crate::error::{ErrorKind, TaskError};
use crate::future::TaskFuture;
use crate::inputs::Linker;
use crate::registry;
use crate::task::{Called, Plan};

pub use crate::actor::{ActorCall, ActorPlace, Answer, Answered, WhenAnswered};
pub use crate::call::{AnyHandle, Parcel};
pub use crate::elsewhere::{Gone, Landing, Manner, Order, OrderKey, RemoteId, Report, Special};
pub use crate::graph;
pub use crate::hosted::{
    Attendant, Coming, End, Function, Output, Size, Terms, array, coming, encoded, functions, host,
    named, when_blocked,
};
pub use crate::hosted::{NotVisited, names, visit, when_heard, when_settled};
pub use crate::raw::array::{Array, Room};
pub use crate::sync::driven::*;
pub use crate::workers::{WorkerId, WorkerInfo};

/// Where the calls of a client run instead of in this process, and what is asked of that place.
///
/// A task there is a node of the graph here; `src/elsewhere` says what becomes of it. This side makes the node, sends what is
/// to be run with a [`Landing`], and from then on names the task by the ticket that it is given. The backend tells the landing
/// what comes of it. Whatever is called here may be called from any thread, also while tasks are settled, and must not block
/// unless it says so.
///
/// Tickets are numbers from 1 up, of submits, scatters, adoptions and retries alike, in the order of these calls. Once the
/// connection has ended, the backend fails what is open and gives [`Gone`] for what is new.
pub trait Backend: Send + Sync + fmt::Debug {
    /// A number that no other connection has: with it a task that has no key is told from those of other processes.
    fn identity(&self) -> u64;

    /// Sends a call.
    ///
    /// # Errors
    /// If the connection has ended.
    fn submit(&self, order: Order, landing: Landing) -> Result<u64, Gone>;

    /// Puts the encoded value of a local task of this name where others can have it; the tickets are those of the handles in it.
    /// The landing stands for that copy: its value is never asked for, and is not to be delivered.
    ///
    /// # Errors
    /// If the connection has ended.
    fn scatter(
        &self,
        name: &str,
        value: Vec<u8>,
        mentions: Vec<u64>,
        landing: Landing,
    ) -> Result<u64, Gone>;

    /// Wants a task whose handle has come here.
    ///
    /// # Errors
    /// If the connection has ended.
    fn adopt(&self, task: RemoteId, landing: Landing) -> Result<u64, Gone>;

    /// Runs a failed task anew.
    ///
    /// # Errors
    /// If the connection has ended.
    fn retry(&self, failed: u64, landing: Landing) -> Result<u64, Gone>;

    /// Somebody waits for the value of this task: it is to be delivered as soon as it is there. Said once of a task;
    /// [`Landing::is_wanted`] says it too.
    fn want(&self, ticket: u64);

    /// The task is to be cancelled, as far as this process is concerned. It is cancelled here already.
    fn cancel(&self, ticket: u64);

    /// Nothing here has to do with the task any more, which is then to be cancelled if nobody else wants it, unless it is to
    /// run `detached`, for its effects.
    fn release(&self, ticket: u64, detached: bool);

    /// Somebody asks for the status of this task: from now on its landing is to be told of it
    /// ([`stands`](Landing::stands)). May block until it was.
    fn watch(&self, ticket: u64) {
        let _ = ticket;
    }

    /// Why the task, called so, does not run, or is not done. May block; `None` if the other side cannot be asked now.
    fn explain(&self, ticket: u64, label: &str) -> Option<String>;

    /// The workers there are. May block.
    ///
    /// # Errors
    /// If nobody answers.
    fn workers(&self) -> Result<Vec<WorkerInfo>, Gone>;

    /// The workers that hold a task's result. May block.
    ///
    /// # Errors
    /// If nobody answers.
    fn holders(&self, ticket: u64) -> Result<Vec<WorkerId>, Gone>;

    /// Has so many workers keep a copy of a finished task's result.
    ///
    /// # Errors
    /// If the connection has ended.
    fn replicate(&self, ticket: u64, copies: u32) -> Result<(), Gone>;

    /// Asks a worker to leave.
    ///
    /// # Errors
    /// If the connection has ended.
    fn retire(&self, worker: WorkerId) -> Result<(), Gone>;

    /// Calls an actor. The call has a number, by which it can be taken back; its answer may come before this returns.
    fn call_actor(&self, at: &ActorPlace, call: ActorCall, answered: WhenAnswered) -> u64 {
        let _ = (at, call);
        answered(Answered::Refused(ErrorKind::Disconnected, NO_ACTORS));
        0
    }

    /// A call is not to be run, if it has not begun; if it has, its token is to be set.
    fn cancel_call(&self, number: u64) {
        let _ = number;
    }

    /// Asks for the names by which these tasks travel; `told` may be called on another thread.
    fn names(&self, tickets: Vec<u64>, told: WhenNamed) {
        let _ = tickets;
        told(Err(error_here(ErrorKind::Disconnected, NO_ACTORS)));
    }

    /// Calls this when all that was said before has been taken in by the other side, or nothing will be any more.
    fn when_heard(&self, heard: Box<dyn FnOnce() + Send>) {
        heard();
    }

    /// A thread is about to wait: what has been sent is to leave now.
    fn flush(&self);

    /// Blocks while more waits to be sent than should. Never called in a task.
    fn wait_for_room(&self);

    /// The client ends: what is open is cancelled, and the connection closed.
    fn close(&self);

    /// The way to who has what is shared by name, if there is anybody.
    fn coordinates(&self) -> Option<Arc<dyn Coordinates>> {
        None
    }

    /// The answers to what is asked that way are told there.
    fn answer_to(&self, answers: Answers) {
        drop(answers);
    }
}

const NO_ACTORS: &str = "actors cannot be called over this connection";

/// What is called with the names by which tasks travel.
pub type WhenNamed = Box<dyn FnOnce(Result<Vec<RemoteId>, TaskError>) + Send>;

/// What the task of an actor elsewhere has as its value: where that lives.
pub fn place_bytes(place: &ActorPlace) -> Vec<u8> {
    place.to_bytes()
}

/// An error that arises here.
pub fn error_here(kind: ErrorKind, text: &str) -> TaskError {
    TaskError::new(kind, current_blame(), text, None)
}

/// Has the calls of a client, and those that its tasks submit, run elsewhere from now on. No: they do already.
#[must_use]
pub fn set_backend<P>(client: &Client<P>, backend: Arc<dyn Backend>) -> bool {
    client.engine().set_backend(backend)
}

/// What the other side calls the tasks of these handles, of a client whose calls leave: their tickets. Values of this process
/// among them are put elsewhere first, once they are there, so `then` may be called later, and on another thread.
pub fn tickets(
    handles: &[AnyHandle],
    then: impl FnOnce(Result<Vec<u64>, TaskError>) + Send + 'static,
) {
    crate::elsewhere::tickets(handles, Box::new(then));
}

/// A call, ready to leave.
#[derive(Debug)]
pub struct Outgoing {
    /// The function's name.
    pub name: &'static str,
    /// Of its signature.
    pub signature_hash: u64,
    /// Its arguments.
    pub args: Parcel,
    /// The tasks among them.
    pub inputs: Vec<AnyHandle>,
}

/// What the system calls this machine: what `.on(..)` compares.
pub fn host_name() -> Option<&'static str> {
    crate::pool::asked::host::own()
}

/// Describes a call for the other side. The calls in it are submitted to `client`, to be its inputs.
///
/// # Errors
/// `Encoding`, if an argument cannot be encoded.
pub fn describe<P, T>(client: &Client<P>, call: Call<T>) -> Result<Outgoing, TaskError> {
    let (function, args, inputs) = call.into_parts(client.engine());
    let args = args.map_err(|(kind, text)| TaskError::new(kind, current_blame(), text, None))?;
    Ok(Outgoing {
        name: function.info().name,
        signature_hash: function.info().signature_hash,
        args,
        inputs: inputs.into_iter().map(AnyHandle::of_task).collect(),
    })
}

/// Why a call from elsewhere cannot be run here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// No function of this name was compiled into this program.
    UnknownTask(String),
    /// The function has another signature or version here.
    OtherSignature {
        /// The function's name.
        name: String,
        /// What it is here.
        here: &'static str,
    },
    /// The bytes are no result of the function; the text says why.
    Undecodable(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTask(name) => write!(
                f,
                "there is no task `{name}` in this program: start the same program on both sides; if it is, the linker has left the task's crate out, see `tenter::tasks`"
            ),
            Self::OtherSignature { name, here } => write!(
                f,
                "the task `{name}` is `{here}` here, and another there: start the same version of the program on both sides"
            ),
            Self::Undecodable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Refused {}

/// A call from elsewhere that has been submitted here.
#[derive(Debug)]
pub struct Running {
    handle: AnyHandle,
    function: &'static dyn Defined,
}

/// Runs a call from elsewhere as a task of this client. Its arguments are decoded when it runs: bytes that are none, and
/// inputs of another type than the function takes, are the task's error.
///
/// # Errors
/// [`Refused`], if there is no such function.
#[track_caller]
pub fn submit<P>(
    client: &Client<P>,
    name: &str,
    signature_hash: u64,
    args: Parcel,
    inputs: Vec<AnyHandle>,
) -> Result<Running, Refused> {
    let function = find(name, signature_hash)?;
    let engine = client.engine();
    let mut linker = Linker::default();
    for input in inputs {
        linker.give(input.into_task(engine));
    }
    let job = function.travelling(&Arc::new(args), false);
    let of = job.kind();
    let task: TaskFuture<()> = Plan::new(engine, Called::Function(function.info())).launch(
        linker,
        job,
        Location::caller(),
    );
    Ok(Running {
        handle: AnyHandle::with_kind(task.into_task(), of),
        function,
    })
}

fn find(name: &str, signature_hash: u64) -> Result<&'static dyn Defined, Refused> {
    let function = registry::find(name).ok_or_else(|| Refused::UnknownTask(name.to_owned()))?;
    if function.info().signature_hash == signature_hash {
        return Ok(function);
    }
    Err(Refused::OtherSignature {
        name: name.to_owned(),
        here: function.info().signature,
    })
}

impl Running {
    /// The task.
    pub fn handle(&self) -> &AnyHandle {
        &self.handle
    }

    /// Waits for the task and encodes its result.
    ///
    /// # Errors
    /// The task's error; `Encoding`, if it is the result that cannot be encoded.
    pub fn result(&self) -> Result<Parcel, TaskError> {
        let task = self.handle.task().expect("it was made of a task");
        AnyHandle::wait(&task)?;
        self.function.encode_result(&task).map_err(|failure| {
            let blame = task.engine().blame(task.index());
            TaskError::new(ErrorKind::Encoding, blame, failure.to_string(), None)
        })
    }
}

/// A task of this client that is finished with the result of a call that ran elsewhere.
///
/// # Errors
/// [`Refused`], if there is no such function, or the bytes are no result of it.
#[track_caller]
pub fn receive<P>(
    client: &Client<P>,
    name: &str,
    signature_hash: u64,
    result: &Parcel,
) -> Result<AnyHandle, Refused> {
    let function = find(name, signature_hash)?;
    let job = function
        .decode_result(result)
        .map_err(|failure| Refused::Undecodable(failure.to_string()))?;
    let (engine, of) = (client.engine(), job.kind());
    let spec = crate::launch::at(Location::caller());
    let task: TaskFuture<()> = crate::launch::born(engine, &spec, job, false);
    Ok(AnyHandle::with_kind(task.into_task(), of))
}
