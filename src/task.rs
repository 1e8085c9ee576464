//! What can be submitted, and the options of a submit.

use std::any::TypeId;
use std::marker::PhantomData;
use std::panic::Location;

use crate::client::{self, Client};
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::graph::{Key, Spec};
use crate::inputs::{Held, Inputs, Linker};
use crate::launch::{obstacle, refusal};
use crate::pool::asked::{Asked, Refusal};
use crate::pool::extras::Extra;
use crate::pool::job::Job;
use crate::pool::local::{self, Local};
use crate::pool::want::TaskRef;

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

impl<F, R> IntoTask<client::Local> for F
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

    impl<F: FnOnce() -> R, R> Sealed<super::client::Local> for F {}
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
    name: &'c str,
    key: Option<Key>,
    /// The options that few tasks have.
    rare: Option<Box<Rare>>,
    priority: Option<i32>,
    pure: bool,
    mode: PhantomData<M>,
}

/// What few tasks are given.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    pub(crate) extra: Extra,
    /// What a scope can ask for too.
    pub(crate) asked: Asked,
}

/// Of a [`Task`]: its closure is called once.
#[derive(Debug)]
pub struct Once;

/// Of a [`Task`]: its closure may be called more than once.
#[derive(Debug)]
pub struct Again;

impl<'c> Task<'c> {
    pub(crate) fn new(client: &'c Client, name: &'c str) -> Self {
        Task {
            client,
            name,
            key: None,
            rare: None,
            priority: None,
            pure: false,
            mode: PhantomData,
        }
    }
}

impl<'c, M> Task<'c, M> {
    pub(crate) fn into_again(self) -> Task<'c, Again> {
        Task {
            client: self.client,
            name: self.name,
            key: self.key,
            rare: self.rare,
            priority: self.priority,
            pure: self.pure,
            mode: PhantomData,
        }
    }

    /// The options that few tasks have, to be changed.
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
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
    pub fn submit<K: IntoTask<client::Local>>(self, task: K) -> TaskFuture<K::Output> {
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
        if let Some(why) = refusal(self.client.engine(), &linker) {
            return TaskFuture::own(self.refuse(job, location, why));
        }
        let (task, new) = self.enter::<R>(linker.inputs(), job, location);
        if new {
            linker.made();
        }
        TaskFuture::own(task)
    }

    /// As [`launch`](Self::launch), without inputs.
    #[inline]
    pub(crate) fn launch_alone<R: Send + Sync + 'static>(
        mut self,
        job: Job,
        location: &'static Location<'static>,
    ) -> TaskFuture<R> {
        if let Some(why) = obstacle(self.client.engine()) {
            return TaskFuture::own(self.refuse(job, location, why));
        }
        TaskFuture::own(self.enter::<R>(&[], job, location).0)
    }

    /// A task that has failed from the start.
    #[cold]
    fn refuse(&mut self, job: Job, location: &'static Location<'static>, why: Refusal) -> TaskRef {
        local::with(self.client.engine(), |local| {
            let spec = self.spec(local, location);
            local.refuse(&spec, self.key.take(), &[], job, why)
        })
    }

    /// Makes the task, unless its options are a reason against it. Says whether it is a new one that has these inputs.
    #[inline]
    fn enter<R: 'static>(
        &mut self,
        inputs: &[u32],
        job: Job,
        location: &'static Location<'static>,
    ) -> (TaskRef, bool) {
        let local = local::take(self.client.engine());
        let mut spec = self.spec(&local, location);
        let mut why = None;
        if self.rare.is_some() || local.is_scoped() {
            why = self.add_rare(&local, &mut spec);
        }
        let entered = match (why, self.key.take()) {
            (Some(why), key) => (local.refuse(&spec, key, &[], job, why), false),
            (None, None) => (local.submit(&spec, inputs, job), true),
            (None, Some(key)) => local.submit_keyed(&spec, key, TypeId::of::<R>(), inputs, job),
        };
        local::put_back(local);
        entered
    }

    #[inline]
    fn spec(&self, local: &Local, location: &'static Location<'static>) -> Spec {
        Spec {
            name: local.name_number(self.name),
            priority: self.priority.unwrap_or(0),
            location: Some(location),
            pure: self.pure,
            extra: 0,
        }
    }

    /// Adds what few tasks are given, by their own options or by the scope that they are submitted in. Says why there
    /// will be no task.
    #[cold]
    fn add_rare(&mut self, local: &Local, spec: &mut Spec) -> Option<Refusal> {
        let rare = self.rare.take();
        let Rare { mut extra, asked } = rare.map(|rare| *rare).unwrap_or_default();
        extra.scope = local.scope();
        let asked = match &extra.scope {
            Some(scope) => scope.around(&asked),
            None => asked,
        };
        spec.priority = self.priority.or(asked.priority).unwrap_or(0);
        let why = asked.refused.clone();
        asked.fill(&mut extra);
        spec.extra = local.engine.extras.add(extra);
        why
    }

    pub(crate) fn client(&self) -> &'c Client {
        self.client
    }
}
