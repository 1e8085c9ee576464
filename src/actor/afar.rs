//! A call of an actor of another process.

use std::sync::Arc;
use std::sync::OnceLock;

use parking_lot::Mutex;

use super::anywhere::are_of;
use super::housed::{ActorPlace, Home, Housed};
use super::line::{Line, Post};
use crate::call::plant::checked;
use crate::call::{AnyHandle, Parcel, Portable, Prepared, unpack_from};
use crate::driver::Backend;
use crate::elsewhere::{RemoteId, Report};
use crate::error::{ErrorKind, TaskError};
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::launch::FOREIGN_HANDLE;
use crate::pool::Engine;
use crate::pool::asked::Refusal;
use crate::pool::extras::Extra;
use crate::pool::promise::Promise;
use crate::pool::want::TaskRef;

/// A call on its way to the process where the actor lives.
#[derive(Debug)]
pub struct ActorCall {
    /// The name of the method.
    pub method: String,
    /// Of the method's signature.
    pub signature_hash: u64,
    /// The encoded arguments.
    pub args: Vec<u8>,
    /// The names of the tasks whose results are arguments.
    pub inputs: Vec<RemoteId>,
    /// The names of the handles in the arguments.
    pub mentions: Vec<RemoteId>,
}

/// What has come of a call.
#[derive(Debug)]
pub enum Answered<'a> {
    /// What it gave, and the names of the handles in that.
    Value(&'a [u8], &'a [RemoteId]),
    /// It has failed. Of one that has failed by itself the report names no task.
    Failed(&'a Report),
    /// It was not taken, for this reason.
    Refused(ErrorKind, &'a str),
    /// There is no way to the actor, for this reason, or there is no such actor; the call has not run.
    Unreached(&'a str),
    /// The connection has ended before there was an answer, for this reason.
    Cut(&'a str),
}

/// What is called with what has come of a call, once. It may run user code.
pub type WhenAnswered = Box<dyn FnOnce(Answered<'_>) + Send>;

/// The call, until it leaves.
pub(super) struct Afar<R: Send + Sync + 'static> {
    promise: Promise<R>,
    calling: Arc<Calling>,
    method: &'static crate::call::generated::Info,
    args: Parcel,
    /// Wanted until there is an answer: the inputs, and behind them what the arguments mention.
    #[expect(dead_code, reason = "it is kept for the wants that it is")]
    handles: Vec<AnyHandle>,
    inputs: usize,
    /// Of the handles.
    names: Arc<Names>,
}

type Names = OnceLock<Result<Vec<RemoteId>, TaskError>>;

impl<R: Portable> Afar<R> {
    /// The call, and its future. It is ready to leave, or the line is told when it is.
    ///
    /// # Errors
    /// If the arguments cannot be encoded, or are of another client.
    pub(super) fn new<S: Send + 'static>(
        engine: &Arc<Engine>,
        spec: &Spec,
        body: &dyn Prepared<S, R>,
        inputs: Vec<TaskRef>,
        line: &Arc<Line<S>>,
    ) -> Result<(Self, TaskFuture<R>), Refusal> {
        let args = checked(|| body.encode())?;
        let mentioned: Vec<TaskRef> = args.handles.iter().filter_map(AnyHandle::task).collect();
        if !are_of(engine, &mentioned) {
            return Err(FOREIGN_HANDLE);
        }
        let count = inputs.len();
        let packs = body.packs(count);
        let inputs = inputs.into_iter().zip(packs);
        let inputs = inputs.map(|(task, pack)| AnyHandle::with_pack(task, pack));
        let handles: Vec<AnyHandle> = inputs.chain(args.handles.iter().cloned()).collect();
        let calling = Arc::new(Calling::default());
        let extra = Extra {
            calling: Some(Arc::clone(&calling)),
            ..Extra::default()
        };
        let spec = Spec {
            extra: engine.extras.add(extra),
            ..*spec
        };
        let (promise, future) = Promise::new(engine, &spec);
        future.clone().detach();
        let names = find_names(engine, &handles, line);
        let afar = Self {
            promise,
            calling,
            method: body.info(),
            args,
            handles,
            inputs: count,
            names,
        };
        Ok((afar, future))
    }

    fn call(&mut self, names: &[RemoteId]) -> ActorCall {
        let (inputs, mentions) = names.split_at(self.inputs.min(names.len()));
        ActorCall {
            method: self.method.name.to_owned(),
            signature_hash: self.method.signature_hash,
            args: std::mem::take(&mut self.args.bytes),
            inputs: inputs.to_vec(),
            mentions: mentions.to_vec(),
        }
    }

    fn fail(self, error: TaskError) {
        self.promise.settle(Err(error));
    }
}

/// Asks for the names by which handles travel.
fn find_names<S: Send + 'static>(
    engine: &Arc<Engine>,
    handles: &[AnyHandle],
    line: &Arc<Line<S>>,
) -> Arc<Names> {
    let names = Arc::new(Names::new());
    if handles.is_empty() {
        let _ = names.set(Ok(Vec::new()));
        return names;
    }
    let (line, found) = (Arc::clone(line), Arc::clone(&names));
    crate::elsewhere::names(engine, handles, move |told| {
        let _ = found.set(told);
        line.go_on();
    });
    names
}

impl<S: Send + 'static, R: Portable> Post<S> for Afar<R> {
    fn is_ready(&self) -> bool {
        self.promise.is_cancelled() || self.names.get().is_some()
    }

    fn leave(mut self: Box<Self>, line: &Arc<Line<S>>) {
        if self.promise.is_cancelled() {
            return self.promise.cancel();
        }
        let names = Arc::clone(&self.names);
        let names = match names.get() {
            Some(Ok(names)) => names,
            Some(Err(error)) => return self.fail(error.clone().inherited()),
            None => unreachable!("it leaves when it is ready"),
        };
        let engine = Arc::clone(self.promise.engine());
        let place = match line.home.settled() {
            Ok(Housed(Home::There(place))) => place,
            Ok(Housed(Home::Here(_))) => {
                let blame = engine.blame(self.promise.index());
                let text = "it was to leave for another process, and the actor is in this one";
                return self.fail(TaskError::new(ErrorKind::Disconnected, blame, text, None));
            }
            Err(error) => return self.fail(error.inherited()),
        };
        let Some(backend) = engine.backend() else {
            return;
        };
        let call = self.call(names);
        line.has_left();
        let (calling, itself) = (Arc::clone(&self.calling), *self);
        let (waits, actor) = (Arc::clone(line), line.home.task().clone());
        let at = place.clone();
        let number = backend.call_actor(
            place,
            call,
            Box::new(move |answered| {
                let name = actor.engine().name(actor.index());
                itself.answered(answered, &name, &at);
                waits.is_answered();
            }),
        );
        calling.has_left(&**backend, number);
    }
}

impl<R: Portable> Afar<R> {
    /// The answer has come, or will not.
    fn answered(self, answered: Answered<'_>, actor: &str, at: &ActorPlace) {
        let engine = Arc::clone(self.promise.engine());
        let blame = engine.blame(self.promise.index());
        let place = format!("actor `{actor}` on worker p{} at {}", at.worker, at.address);
        let (kind, text) = match answered {
            Answered::Value(bytes, names) => {
                let named = |&name| AnyHandle::named(&engine, name);
                let handles: Arc<[AnyHandle]> = names.iter().map(named).collect();
                let landed = checked(|| unpack_from::<R>(bytes, &handles));
                return self.promise.settle(landed.map_err(|(kind, text)| {
                    let text = format!("its result cannot be decoded: {text}");
                    TaskError::new(kind, blame, text, None)
                }));
            }
            Answered::Failed(report) => {
                let error = report.of_call(&blame);
                if error.is_cancelled() && !error.is_inherited() {
                    return self.promise.cancel();
                }
                return self.fail(error);
            }
            Answered::Refused(kind, why) => (kind, format!("{place} does not take it: {why}")),
            Answered::Unreached(why) => (
                ErrorKind::DataLost,
                format!(
                    "{place} cannot be reached: {why}: if that worker is gone, so is the actor's state: start another"
                ),
            ),
            Answered::Cut(why) => (
                ErrorKind::Disconnected,
                format!(
                    "the connection to {place} has ended: {why}: whether the call has run is not known, and it is not made again"
                ),
            ),
        };
        self.fail(TaskError::new(kind, blame, text, None));
    }
}

/// A call of an actor elsewhere, as its node has it: to be taken back.
#[derive(Debug, Default)]
pub(crate) struct Calling(Mutex<Stage>);

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Here,
    /// It has left under this number.
    Left(u64),
    Cancelled,
}

impl Calling {
    fn has_left(&self, backend: &dyn Backend, number: u64) {
        let cancelled = {
            let stage = &mut *self.0.lock();
            let cancelled = matches!(stage, Stage::Cancelled);
            if !cancelled {
                *stage = Stage::Left(number);
            }
            cancelled
        };
        // Under no lock: that may end the call.
        if cancelled {
            backend.cancel_call(number);
        }
    }

    /// It is not to be run, if it has not begun.
    pub(crate) fn cancel(&self, backend: &dyn Backend) {
        let stage = std::mem::replace(&mut *self.0.lock(), Stage::Cancelled);
        if let Stage::Left(number) = stage {
            backend.cancel_call(number);
        }
    }
}
