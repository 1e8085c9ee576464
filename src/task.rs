//! What can be submitted, and the options of a submit.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use crate::client::{Client, Local};
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::graph::{Key, Spec};
use crate::inputs::{Held, Inputs, Linker};
use crate::launch::{launch, launch_alone, launch_keyed, refuse};
use crate::pool::asked::{Asked, Refusal};
use crate::pool::extras::Extra;
use crate::pool::job::Job;

/// What [`Client::submit`] takes: a closure, where closures can run.
#[diagnostic::on_unimplemented(
    message = "this cannot be submitted here",
    label = "not a task",
    note = "submit takes a closure without arguments that is `Send + 'static` and returns `Send + Sync + 'static`"
)]
pub trait IntoTask<P>: sealed::Sealed<P> {
    /// What the task gives.
    type Output: Send + Sync + 'static;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn into_job(self) -> Job;
}

impl<F, R> IntoTask<Local> for F
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + Sync + 'static,
{
    type Output = R;

    #[inline]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn into_job(self) -> Job {
        Job::new::<F, _, _>(move |_| Ok(self()))
    }
}

mod sealed {
    /// Only this crate says what a task is.
    #[allow(unnameable_types, reason = "that is its purpose")]
    pub trait Sealed<P> {}

    impl<F: FnOnce() -> R, R> Sealed<super::Local> for F {}
}

/// A submit with options; made by [`Client::task`].
///
/// ```
/// # let client = tenter::Client::new()?;
/// let frame = client.task("integrate").priority(10).key(("frame", 17)).submit(|| 42);
/// assert_eq!(frame.name(), "integrate");
/// assert_eq!(frame.key().unwrap().to_string(), "frame-17");
/// # Ok::<(), tenter::StartError>(())
/// ```
///
/// Its closure is called once; after [`retries`](Self::retries) it may be called again, and is `Fn`.
#[derive(Debug)]
#[must_use = "options submit nothing: end with `submit`"]
pub struct Task<'c, M = Once> {
    client: &'c Client,
    name: u32,
    pub(crate) priority: Option<i32>,
    key: Option<Key>,
    pure: bool,
    /// The options that few tasks have.
    pub(crate) extra: Option<Box<Extra>>,
    /// Those that a scope can have too.
    pub(crate) asked: Option<Box<Asked>>,
    /// The scope that it is submitted in.
    scope: Option<Arc<Asked>>,
    /// Why there will be no task.
    refused: Option<Box<Refusal>>,
    mode: PhantomData<fn() -> M>,
}

/// Of a [`Task`]: its closure is called once, and may be `FnOnce`.
#[derive(Debug)]
pub struct Once(());

/// Of a [`Task`] with [`retries`](Task::retries): its closure may be called again, and is `Fn`.
#[derive(Debug)]
pub struct Again(());

impl<'c> Task<'c> {
    pub(crate) fn new(client: &'c Client, name: u32, scope: Option<Arc<Asked>>) -> Self {
        Self {
            client,
            name,
            priority: None,
            key: None,
            pure: false,
            extra: None,
            asked: None,
            scope,
            refused: None,
            mode: PhantomData,
        }
    }
}

impl<'c, M> Task<'c, M> {
    pub(crate) fn into_again(self) -> Task<'c, Again> {
        Task {
            client: self.client,
            name: self.name,
            priority: self.priority,
            key: self.key,
            pure: self.pure,
            extra: self.extra,
            asked: self.asked,
            scope: self.scope,
            refused: self.refused,
            mode: PhantomData,
        }
    }

    /// The task's identity: a submit of a known key gives a handle to the task that has it, also if it has failed,
    /// and drops this closure. A key of a task with another type of result gives a handle failed with `KeyConflict`.
    ///
    /// The key is free again when nobody wants its task any more, or when the task is cancelled.
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// As [`key`](Self::key), and says that the result follows from the key: when nobody wants it any more, it stays
    /// in the client's bounded memory ([`Builder::remember`](crate::Builder::remember)) and is found there again.
    pub fn pure(mut self, key: impl Into<Key>) -> Self {
        self.pure = true;
        self.key(key)
    }

    /// Higher runs first; the default is 0. Every 61st pick takes the oldest task whatever its priority.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }
}

impl Task<'_> {
    /// As [`Client::submit`].
    #[track_caller]
    pub fn submit<K: IntoTask<Local>>(self, task: K) -> TaskFuture<K::Output> {
        self.launch_alone(task.into_job(), Location::caller())
    }

    /// As [`Client::try_submit`].
    #[track_caller]
    pub fn try_submit<R, E, F>(self, f: F) -> TaskFuture<R>
    where
        F: FnOnce() -> Result<R, E> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let job = Job::new::<F, _, _>(move |_| f().map_err(Into::into));
        self.launch_alone(job, Location::caller())
    }

    /// As [`Client::submit_with`].
    #[track_caller]
    pub fn submit_with<D, R, F>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        D: Inputs,
        F: for<'a> FnOnce(<D::Held as Held>::Values<'a>) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        let mut linker = Linker::default();
        let held = inputs.hold(&mut linker);
        let job = Job::new::<F, _, _>(move |context| Ok(f(held.values(context))));
        self.launch(linker, job, Location::caller())
    }

    /// As [`Client::try_submit_with`].
    #[track_caller]
    pub fn try_submit_with<D, R, E, F>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        D: Inputs,
        F: for<'a> FnOnce(<D::Held as Held>::Values<'a>) -> Result<R, E> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let mut linker = Linker::default();
        let held = inputs.hold(&mut linker);
        let job = Job::new::<F, _, _>(move |context| f(held.values(context)).map_err(Into::into));
        self.launch(linker, job, Location::caller())
    }
}

impl<'c, M> Task<'c, M> {
    pub(crate) fn launch<R: Send + Sync + 'static>(
        mut self,
        linker: Linker,
        job: Job,
        location: &'static Location<'static>,
    ) -> TaskFuture<R> {
        let spec = self.spec(location);
        let engine = self.client.engine();
        if let Some(why) = self.refused {
            return refuse(engine, &spec, self.key, job, *why);
        }
        match self.key {
            Some(key) => launch_keyed(engine, &spec, key, linker, job),
            None => launch(engine, &spec, linker, job),
        }
    }

    /// As [`launch`](Self::launch), without inputs.
    #[inline]
    pub(crate) fn launch_alone<R: Send + Sync + 'static>(
        mut self,
        job: Job,
        location: &'static Location<'static>,
    ) -> TaskFuture<R> {
        let spec = self.spec(location);
        let engine = self.client.engine();
        if let Some(why) = self.refused {
            return refuse(engine, &spec, self.key, job, *why);
        }
        match self.key {
            Some(key) => launch_keyed(engine, &spec, key, Linker::default(), job),
            None => launch_alone(engine, &spec, job),
        }
    }

    pub(crate) fn client(&self) -> &'c Client {
        self.client
    }

    #[inline]
    fn spec(&mut self, location: &'static Location<'static>) -> Spec {
        let plain = self.extra.is_none() && self.asked.is_none() && self.scope.is_none();
        let extra = if plain { 0 } else { self.add_extra() };
        Spec {
            name: self.name,
            priority: self.priority.unwrap_or(0),
            location: Some(location),
            pure: self.pure,
            extra,
        }
    }

    #[cold]
    fn add_extra(&mut self) -> u32 {
        let mut extra = self.extra.take().unwrap_or_default();
        let own = self.asked.take().unwrap_or_default();
        let asked = match &self.scope {
            Some(scope) => scope.around(&own),
            None => *own,
        };
        self.priority = self.priority.or(asked.priority);
        self.refused = asked.refused.clone().map(Box::new);
        asked.fill(&mut extra);
        extra.scope = self.scope.take();
        self.client.engine().extras.add(*extra)
    }
}
