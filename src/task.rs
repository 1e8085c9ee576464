//! What can be submitted, and the options of a submit.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

#[cfg(feature = "task")]
use crate::call::generated::Info;
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::graph::{Key, Spec};
use crate::inputs::{Held, Inputs, Linker};
use crate::launch::{at, launch_alone, obstacle, refusal};
use crate::place::Local;
use crate::pool::Engine;
use crate::pool::asked::{Asked, Refusal};
use crate::pool::attempts::Recipe;
use crate::pool::extras::Extra;
use crate::pool::job::Job;
use crate::pool::local::{self, Local as Share};
use crate::pool::want::TaskRef;

/// What [`Client::submit`](crate::Client::submit) takes: a closure, where closures can run, or a call of a `#[task]` function, anywhere.
#[diagnostic::on_unimplemented(
    message = "this cannot be submitted here",
    label = "not a task",
    note = "submit takes a closure without arguments that is `Send + 'static` and returns `Send + Sync + 'static`, or a call \
            of a `#[task]` function: `name::call(..)`"
)]
pub trait IntoTask<P>: sealed::Sealed<P> {
    /// What the task gives.
    type Output: Send + Sync + 'static;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn launch(self, bare: &Bare<'_>) -> TaskFuture<Self::Output>;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn launch_as(
        self,
        plan: Plan<'_>,
        location: &'static Location<'static>,
    ) -> TaskFuture<Self::Output>;
}

/// What [`Task::submit`] takes after [`retries`](Task::retries): a closure that may be called again, where closures can
/// run, or a call of a `#[task]` function, anywhere.
#[diagnostic::on_unimplemented(
    message = "this cannot be submitted as a task that may run again",
    label = "not a task that may run again",
    note = "after `retries`, submit takes a closure that is `Fn() -> R + Send + Sync + 'static`, or a call of a `#[task]` \
            function: `name::call(..)`"
)]
pub trait IntoRetry<P>: sealed::SealedRetry<P> {
    /// What the task gives.
    type Output: Send + Sync + 'static;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn launch_again(
        self,
        plan: Plan<'_>,
        location: &'static Location<'static>,
    ) -> TaskFuture<Self::Output>;
}

/// Where closures can run: in the process that wrote them.
#[diagnostic::on_unimplemented(
    message = "a closure cannot be sent to another machine",
    label = "a closure runs only in this process",
    note = "make it a function with `#[task]` and submit `name::call(..)`"
)]
pub trait TakesClosures: sealed::Place {}

impl TakesClosures for Local {}

/// A submit without options.
#[derive(Clone, Copy)]
pub(crate) struct Bare<'c> {
    pub(crate) engine: &'c Arc<Engine>,
    pub(crate) location: &'static Location<'static>,
    /// Where there is a limit on pending tasks, for room.
    pub(crate) waits: bool,
}

impl<F, R, P> IntoTask<P> for F
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + Sync + 'static,
    P: TakesClosures,
{
    type Output = R;

    #[inline]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn launch(self, bare: &Bare<'_>) -> TaskFuture<R> {
        let job = Job::new::<F, _, _>(move |_| Ok(self()));
        launch_alone(bare.engine, &at(bare.location), job, bare.waits)
    }

    #[inline]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn launch_as(self, plan: Plan<'_>, location: &'static Location<'static>) -> TaskFuture<R> {
        plan.launch_alone(Job::new::<F, _, _>(move |_| Ok(self())), location)
    }
}

impl<F, R, P> IntoRetry<P> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Send + Sync + 'static,
    P: TakesClosures,
{
    type Output = R;

    #[allow(private_interfaces, reason = "called by this crate only")]
    fn launch_again(self, plan: Plan<'_>, location: &'static Location<'static>) -> TaskFuture<R> {
        let f = Arc::new(self);
        let recipe = Recipe::new(move || {
            let f = Arc::clone(&f);
            Job::new::<F, _, _>(move |_| Ok(f()))
        });
        plan.launch_again(Linker::default(), recipe, location)
    }
}

pub(crate) mod sealed {
    /// Only this crate says what a task is.
    #[allow(unnameable_types, reason = "that is its purpose")]
    pub trait Sealed<P> {}

    impl<F: FnOnce() -> R, R, P> Sealed<P> for F {}

    /// Only this crate says what may run again.
    #[allow(unnameable_types, reason = "that is its purpose")]
    pub trait SealedRetry<P> {}

    impl<F: Fn() -> R, R, P> SealedRetry<P> for F {}

    /// Only this crate says what places there are.
    #[allow(unnameable_types, reason = "that is its purpose")]
    pub trait Place {}

    impl Place for super::Local {}

    #[cfg(feature = "task")]
    impl Place for crate::place::Anywhere {}
}

/// A submit with options; made by [`Client::task`](crate::Client::task).
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
pub struct Task<'c, M = Once, P = Local> {
    pub(crate) plan: Plan<'c>,
    of: PhantomData<fn() -> (M, P)>,
}

/// What is asked for a task before it is submitted.
#[derive(Debug)]
pub(crate) struct Plan<'c> {
    pub(crate) engine: &'c Arc<Engine>,
    name: Called<'c>,
    pub(crate) key: Option<Key>,
    /// The options that few tasks have.
    rare: Option<Box<Rare>>,
    pub(crate) priority: Option<i32>,
    pub(crate) pure: bool,
    /// Where there is a limit on pending tasks, for room.
    pub(crate) waits: bool,
}

/// What a task is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Called<'c> {
    Text(&'c str),
    /// As the function that it is a call of.
    #[cfg(feature = "task")]
    Function(&'static Info),
}

/// What few tasks are given.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    pub(crate) extra: Extra,
    /// What a scope can ask for too.
    pub(crate) asked: Asked,
}

/// What is asked for a task that is to run elsewhere.
#[cfg(feature = "task")]
#[derive(Debug)]
pub(crate) struct Leaving {
    pub(crate) spec: Spec,
    /// By few; asked for by the scope too.
    pub(crate) rare: Option<Box<Rare>>,
    pub(crate) key: Option<Key>,
}

/// Of a [`Task`]: its closure is called once, and may be `FnOnce`.
#[derive(Debug)]
pub struct Once;

/// Of a [`Task`] with [`retries`](Task::retries): its closure may be called again, and is `Fn`.
#[derive(Debug)]
pub struct Again;

impl<'c, M, P> Task<'c, M, P> {
    pub(crate) fn of(plan: Plan<'c>) -> Self {
        Self {
            plan,
            of: PhantomData,
        }
    }

    /// The task's identity: a submit of a known key gives a handle to the task that has it, also if it has failed,
    /// and drops this closure. A key of a task with another type of result gives a handle failed with `KeyConflict`.
    ///
    /// The key is free again when nobody wants its task any more, or when the task is cancelled.
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.plan.key = Some(key.into());
        self
    }

    /// As [`key`](Self::key), and says that the result follows from the key: when nobody wants it any more, it stays
    /// in the client's bounded memory ([`Builder::remember`](crate::Builder::remember)) and is found there again.
    pub fn pure(mut self, key: impl Into<Key>) -> Self {
        self.plan.pure = true;
        self.key(key)
    }

    /// Higher runs first; the default is 0. Every 61st pick takes the oldest task whatever its priority.
    pub fn priority(mut self, priority: i32) -> Self {
        self.plan.priority = Some(priority);
        self
    }
}

impl<P> Task<'_, Once, P> {
    /// As [`Client::submit`](crate::Client::submit).
    #[track_caller]
    pub fn submit<K: IntoTask<P>>(self, task: K) -> TaskFuture<K::Output> {
        task.launch_as(self.plan, Location::caller())
    }

    /// As [`Client::try_submit`](crate::Client::try_submit).
    #[track_caller]
    pub fn try_submit<R, E, F>(self, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        F: FnOnce() -> Result<R, E> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let job = Job::new::<F, _, _>(move |_| f().map_err(Into::into));
        self.plan.launch_alone(job, Location::caller())
    }

    /// As [`Client::submit_with`](crate::Client::submit_with).
    #[track_caller]
    pub fn submit_with<D, R, F>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs,
        F: for<'a> FnOnce(<D::Held as Held>::Values<'a>) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        let mut linker = Linker::default();
        let held = inputs.hold(&mut linker);
        let job = Job::new::<F, _, _>(move |context| Ok(f(held.values(context))));
        self.plan.launch(linker, job, Location::caller())
    }

    /// As [`Client::try_submit_with`](crate::Client::try_submit_with).
    #[track_caller]
    pub fn try_submit_with<D, R, E, F>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs,
        F: for<'a> FnOnce(<D::Held as Held>::Values<'a>) -> Result<R, E> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let mut linker = Linker::default();
        let held = inputs.hold(&mut linker);
        let job = Job::new::<F, _, _>(move |context| f(held.values(context)).map_err(Into::into));
        self.plan.launch(linker, job, Location::caller())
    }
}

impl<'c> Plan<'c> {
    pub(crate) fn new(engine: &'c Arc<Engine>, name: Called<'c>) -> Self {
        Self {
            engine,
            name,
            key: None,
            rare: None,
            priority: None,
            pure: false,
            waits: true,
        }
    }

    /// The options that few tasks have, to be changed.
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Says why there will be no task.
    #[cfg(feature = "task")]
    #[cold]
    pub(crate) fn refuse_because(&mut self, why: Refusal) {
        self.rare().asked.refused.get_or_insert(why);
    }

    /// Why there will be no task here, as far as that is known.
    #[cfg(feature = "task")]
    pub(crate) fn refusal_here(&self) -> Option<Refusal> {
        if self.engine.is_closed() {
            return Some(crate::launch::CLOSED);
        }
        self.rare.as_ref()?.asked.refusal()
    }

    /// Whether it is known that there will be no task.
    #[cfg(feature = "task")]
    pub(crate) fn is_refused(&self) -> bool {
        let rare = self.rare.as_ref();
        rare.is_some_and(|rare| rare.asked.refusal().is_some())
    }

    pub(crate) fn launch<R: Send + Sync + 'static>(
        mut self,
        linker: Linker,
        job: Job,
        location: &'static Location<'static>,
    ) -> TaskFuture<R> {
        if let Some(why) = refusal(self.engine, &linker, self.waits) {
            return TaskFuture::own(self.refuse(job, location, why));
        }
        let (task, new) = self.enter(linker.inputs(), job, location);
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
        if let Some(why) = obstacle(self.engine, self.waits) {
            return TaskFuture::own(self.refuse(job, location, why));
        }
        TaskFuture::own(self.enter(&[], job, location).0)
    }

    /// As [`launch`](Self::launch), of a task that may run again.
    pub(crate) fn launch_again<R: Send + Sync + 'static>(
        mut self,
        linker: Linker,
        recipe: Recipe,
        location: &'static Location<'static>,
    ) -> TaskFuture<R> {
        let job = recipe.job();
        self.rare().extra.attempts.recipe = Some(recipe);
        self.launch(linker, job, location)
    }

    /// Why there will be no task, as far as that is known; but for what this process lacks.
    #[cfg(feature = "task")]
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.rare.as_ref()?.asked.refused.clone()
    }

    /// What is asked for a task that is to run elsewhere, by its own options or by the scope that it is submitted in.
    #[cfg(feature = "task")]
    pub(crate) fn leave(mut self, local: &Share, location: &'static Location<'static>) -> Leaving {
        let mut spec = self.spec(local, location);
        let rare = (self.rare.is_some() || local.is_scoped()).then(|| {
            let mut rare = self.take_rare(local.scope().as_deref(), &mut spec);
            rare.extra.label.clone_from(&rare.asked.label);
            Box::new(rare)
        });
        Leaving {
            spec,
            rare,
            key: self.key,
        }
    }

    /// A task that has failed from the start.
    #[cold]
    pub(crate) fn refuse(
        &mut self,
        job: Job,
        location: &'static Location<'static>,
        why: Refusal,
    ) -> TaskRef {
        local::with(self.engine, |local| {
            let spec = self.spec(local, location);
            local.refuse(&spec, self.key.take(), &[], job, why)
        })
    }

    /// Makes the task, unless its options are a reason against it. Says whether it is a new one that has these inputs.
    #[inline]
    fn enter(
        &mut self,
        inputs: &[u32],
        job: Job,
        location: &'static Location<'static>,
    ) -> (TaskRef, bool) {
        let local = local::take(self.engine);
        let mut spec = self.spec(&local, location);
        let mut why = None;
        if self.rare.is_some() || local.is_scoped() {
            why = self.add_rare(&local, &mut spec);
        }
        let entered = match (why, self.key.take()) {
            (Some(why), key) => (local.refuse(&spec, key, &[], job, why), false),
            (None, None) => (local.submit(&spec, inputs, job), true),
            (None, Some(key)) => local.submit_keyed(&spec, key, job.kind(), inputs, job),
        };
        local::put_back(local);
        entered
    }

    #[inline]
    fn spec(&self, local: &Share, location: &'static Location<'static>) -> Spec {
        Spec {
            name: match self.name {
                Called::Text(name) => local.name_number(name),
                #[cfg(feature = "task")]
                Called::Function(function) => local.function_number(function),
            },
            priority: self.priority.unwrap_or(0),
            location: Some(location),
            pure: self.pure,
            extra: 0,
        }
    }

    /// Adds what few tasks are given, by their own options or by the scope that they are submitted in. Says why there
    /// will be no task.
    #[cold]
    fn add_rare(&mut self, local: &Share, spec: &mut Spec) -> Option<Refusal> {
        let scope = local.scope();
        let Rare { mut extra, asked } = self.take_rare(scope.as_deref(), spec);
        extra.scope = scope;
        let why = asked.refusal();
        asked.fill(&mut extra);
        spec.extra = local.engine.extras.add(extra);
        why
    }

    /// The options that few tasks have, with those of the scope around them; their priority goes into the spec.
    fn take_rare(&mut self, scope: Option<&Asked>, spec: &mut Spec) -> Rare {
        let rare = self.rare.take();
        let Rare { extra, asked } = rare.map(|rare| *rare).unwrap_or_default();
        let asked = match scope {
            Some(scope) => scope.around(&asked),
            None => asked,
        };
        spec.priority = self.priority.or(asked.priority).unwrap_or(0);
        Rare { extra, asked }
    }
}
