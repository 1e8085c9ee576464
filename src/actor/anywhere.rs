//! Actors that may live in another process, and are called by the names of their methods.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::Actor;
use super::afar::Afar;
use super::call::{Run, Ticket};
use super::housed::{Home, Housed};
use super::line::{Line, Post};
use crate::call::{AnyHandle, Call, Method, Portable, Prepared};
use crate::client::Client;
use crate::error::{ErrorKind, TaskError};
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::launch::{CLOSED, FOREIGN_HANDLE, at, born, refuse};
use crate::place::Anywhere;
use crate::pool::Engine;
use crate::pool::asked::Refusal;
use crate::pool::job::Job;
use crate::pool::local;
use crate::pool::run::guarded;
use crate::pool::want::TaskRef;

#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
impl Client<Anywhere> {
    /// Starts an actor where a task can run: the call of a `#[task(actor)]` function makes its state, on one of the
    /// workers if there are any, and there it stays. See [`Actor`].
    ///
    /// The call is a task as others: it may take handles and have options (`on`, `resource`, `key`, ..). If it fails, the
    /// actor's calls fail with its error.
    ///
    /// ```
    /// use tenter::{Client, task};
    ///
    /// struct Counter(u64);
    ///
    /// #[task(actor)]
    /// fn counter(start: u64) -> Counter {
    ///     Counter(start)
    /// }
    ///
    /// #[task]
    /// fn bump(counter: &mut Counter, by: u64) -> u64 {
    ///     counter.0 += by;
    ///     counter.0
    /// }
    ///
    /// let client = Client::connect("inproc")?;
    /// let actor = client.actor(counter::call(3));
    /// actor.call(bump::call(1)).detach();
    /// assert_eq!(*actor.call(bump::call(10)).result()?, 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn actor<S: Send + 'static>(&self, made_by: Call<Housed<S>>) -> Actor<S, Anywhere> {
        Actor::at(self.submit_call(made_by, Location::caller()))
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
impl<S: Send + 'static> Actor<S> {
    /// The same actor, called by its methods.
    ///
    /// It lives in this process all the same: this handle cannot be sent to another.
    ///
    /// ```
    /// # use tenter::{Client, task};
    /// #[task]
    /// fn note(lines: &mut Vec<String>, line: &str) -> usize {
    ///     lines.push(line.to_owned());
    ///     lines.len()
    /// }
    ///
    /// let client = Client::new()?;
    /// let log = client.actor(Vec::new());
    /// assert_eq!(*log.anywhere().call(note::call("started")).result()?, 1);
    /// assert_eq!(*log.call(|lines| lines.len()).result()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn anywhere(&self) -> Actor<S, Anywhere> {
        let engine = self.mailbox().engine();
        let spec = Spec {
            name: self.mailbox().name_number(),
            ..at(Location::caller())
        };
        let job = Job::given(Housed(Home::Here(self.clone())));
        Actor::at(born(engine, &spec, job, false))
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
impl<S: Send + 'static> Actor<S, Anywhere> {
    fn at(home: TaskFuture<Housed<S>>) -> Self {
        Self {
            handle: Line::new(home),
        }
    }

    fn line(&self) -> &Arc<Line<S>> {
        &self.handle
    }

    fn engine(&self) -> &Arc<Engine> {
        self.line().home.task().engine()
    }

    /// Runs a method on the state, after all calls that this handle and its clones have made before, and gives the future
    /// of what it returns. Never blocks, unless the actor is one of this process with a bounded mailbox.
    ///
    /// Handles among the arguments are waited for when the call's turn has come. The call runs also when its future is
    /// dropped; [`cancel`](TaskFuture::cancel) keeps one that has not begun from running.
    ///
    /// To an actor of another process the call goes straight, and past the scheduler, so does what it gives. It is never made
    /// twice: if the connection ends before it was answered it fails with kind [`Disconnected`](ErrorKind::Disconnected);
    /// if there is no way to the actor any more, with [`DataLost`](ErrorKind::DataLost).
    #[track_caller]
    pub fn call<R: Portable>(&self, method: Method<S, R>) -> TaskFuture<R> {
        let engine = self.engine();
        let info = method.body.info();
        let spec = Spec {
            name: local::with(engine, |local| local.function_number(info)),
            ..at(Location::caller())
        };
        self.send(&spec, method)
            .unwrap_or_else(|why| refuse(engine, &spec, None, Job::awaited::<R>(), why))
    }

    fn send<R: Portable>(
        &self,
        spec: &Spec,
        method: Method<S, R>,
    ) -> Result<TaskFuture<R>, Refusal> {
        let engine = self.engine();
        if engine.is_closed() {
            return Err(CLOSED);
        }
        let (body, inputs) = method.into_parts(engine);
        if !are_of(engine, &inputs) {
            return Err(FOREIGN_HANDLE);
        }
        let home = &self.line().home;
        let known = home.task().is_settled().then(|| home.settled().ok());
        let here = known.flatten().and_then(Housed::here);
        match here.filter(|_| self.line().is_empty()) {
            Some(actor) => actor.post_method(spec, body, inputs),
            None if here.is_none() && engine.calls_leave() => {
                let (afar, future) = Afar::new(engine, spec, &*body, inputs, self.line())?;
                self.line().push(Box::new(afar));
                Ok(future)
            }
            None => {
                let (ticket, future) = Ticket::new(engine, spec);
                let near = Near {
                    ticket,
                    body,
                    inputs: handles_of(inputs),
                };
                self.line().push(Box::new(near));
                Ok(future)
            }
        }
    }

    /// What people call the actor: the task that made it.
    pub fn name(&self) -> String {
        let home = self.line().home.task();
        home.engine().name(home.index())
    }
}

/// Whether all tasks are of this engine.
pub(super) fn are_of(engine: &Arc<Engine>, tasks: &[TaskRef]) -> bool {
    tasks.iter().all(|task| Arc::ptr_eq(task.engine(), engine))
}

fn handles_of(inputs: Vec<TaskRef>) -> Vec<AnyHandle> {
    inputs.into_iter().map(AnyHandle::of_task).collect()
}

impl<S: Send + 'static> Actor<S> {
    /// Waits for room, and puts a method into the mailbox.
    fn post_method<R: Portable>(
        &self,
        spec: &Spec,
        body: Box<dyn Prepared<S, R>>,
        inputs: Vec<TaskRef>,
    ) -> Result<TaskFuture<R>, Refusal> {
        let mailbox = self.mailbox();
        let refused = |why: crate::WaitError| (why.kind(), why.to_string().into());
        mailbox.wait_for_room().map_err(refused)?;
        let spec = Spec {
            extra: mailbox.number,
            ..*spec
        };
        let (ticket, future) = Ticket::new(mailbox.engine(), &spec);
        let inputs = handles_of(inputs);
        mailbox.push(Box::new(Run::new(ticket, move |state: &mut S| {
            body.run(state, &inputs)
        })));
        Ok(future)
    }
}

/// A call of an actor of this process that is still being made.
struct Near<S, R: Send + Sync + 'static> {
    ticket: Ticket<R>,
    body: Box<dyn Prepared<S, R>>,
    inputs: Vec<AnyHandle>,
}

impl<S: Send + 'static, R: Portable> Post<S> for Near<S, R> {
    fn is_ready(&self) -> bool {
        true
    }

    fn leave(self: Box<Self>, line: &Arc<Line<S>>) {
        let Self {
            ticket,
            body,
            inputs,
        } = *self;
        match line.home.settled() {
            Ok(Housed(Home::Here(actor))) => {
                let ticket_index = ticket.index();
                let run = Run::new(ticket, move |state: &mut S| body.run(state, &inputs));
                // Who makes an actor gives it no bound.
                let mailbox = actor.mailbox();
                // From here on it is one of that actor's, as for those who look for cycles of waits.
                mailbox
                    .engine()
                    .graph
                    .set_extra(ticket_index, mailbox.number);
                let room = mailbox.reserve();
                debug_assert!(room, "an actor that a task makes takes all calls");
                mailbox.push(Box::new(run));
            }
            Ok(Housed(Home::There(_))) => {
                let _ = guarded(|| drop((body, inputs)));
                ticket.fail(|blame| {
                    let text = "it was sent to an actor of another process before this client had a connection";
                    TaskError::new(ErrorKind::Disconnected, blame, text, None)
                });
            }
            Err(error) => {
                let _ = guarded(|| drop((body, inputs)));
                ticket.fail(|_| error.inherited());
            }
        }
    }
}

/// As a handle of the task that made it.
impl<S: Send + 'static> Serialize for Actor<S, Anywhere> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.line().home.serialize(serializer)
    }
}

/// As a handle of the task that made it.
impl<'de, S: Send + 'static> Deserialize<'de> for Actor<S, Anywhere> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TaskFuture::deserialize(deserializer).map(Self::at)
    }
}

impl<S: Send + 'static> fmt::Debug for Actor<S, Anywhere> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
