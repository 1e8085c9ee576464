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

pub use crate::call::{AnyHandle, Parcel};
pub use crate::graph;

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
        linker.give(input.into_task());
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
        let task = self.handle.task();
        self.handle.wait()?;
        self.function.encode_result(task).map_err(|failure| {
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
