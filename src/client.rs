//! The client: where tasks are submitted, and whose end is their end.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::Builder;
use crate::error::{Blame, ErrorKind, Failure, NameError, StartError, TaskError};
use crate::future::TaskFuture;
use crate::inputs::{Held, Inputs, Linker};
use crate::launch::{at, born, launch, launch_alone};
#[cfg(feature = "task")]
use crate::place::Anywhere;
use crate::place::{Carried, Local};
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::job::Job;
use crate::pool::local;
use crate::sync::{Queue, Variable};
use crate::task::{Bare, Called, IntoTask, Once, Plan, TakesClosures, Task};

/// Runs a graph of tasks that changes while it runs.
///
/// Cheap to clone; all clones are one client. Dropping the last clone cancels what has not started, sets the cancel
/// token of what runs, and waits for running bodies; on one of the client's own threads it only signals. Use
/// [`close`](Self::close) to wait for a limited time and to hear what did not stop. Handles keep their results
/// readable after that, and never keep the client.
///
/// ```
/// use tenter::Client;
///
/// let client = Client::new()?;
/// let a = client.submit(|| 10);
/// let b = client.submit(|| 1);
/// let sum = client.submit_with((&a, &b), |(a, b)| a + b);
/// assert_eq!(*sum.result()?, 11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client<P = Local> {
    engine: Arc<Engine>,
    /// A client got by [`current`] has none: it does not keep the client from closing.
    owner: Option<Arc<Owner>>,
    place: PhantomData<fn() -> P>,
}

/// Dropped with the last owning client.
#[derive(Debug)]
struct Owner(Arc<Engine>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
        if !on_own_thread(&self.0) {
            drop(self.0.wait_stopped(None));
        }
        local::forget_closed();
    }
}

/// Whether this is one of the engine's threads, which cannot wait for itself to end.
fn on_own_thread(engine: &Arc<Engine>) -> bool {
    local::with(engine, |local| local.is_own_thread())
}

/// What [`Client::close`] left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct CloseReport {
    running: Vec<String>,
}

impl CloseReport {
    /// Whether everything has stopped.
    pub fn is_clean(&self) -> bool {
        self.running.is_empty()
    }

    /// The names of the tasks whose bodies are still running.
    pub fn still_running(&self) -> &[String] {
        &self.running
    }
}

/// Numbers about a client, each exact at some instant of the call; those of what there is now, when nothing changes
/// meanwhile. Counting that looks at every task in the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Tasks submitted.
    pub submitted: u64,
    /// Bodies started.
    pub started: u64,
    /// Tasks that ended with a value.
    pub finished: u64,
    /// Tasks that failed, by themselves or by an input.
    pub failed: u64,
    /// Tasks cancelled, also because nobody wanted them; one whose body was running, once that has returned.
    pub cancelled: u64,
    /// Tasks in the graph now, settled ones that somebody wants included.
    pub live: usize,
    /// Of these, tasks that lack inputs.
    pub waiting: usize,
    /// Of these, tasks that are ready and wait for a thread.
    pub queued: usize,
    /// Inputs that waiting tasks lack.
    pub edges: usize,
    /// Bytes of the results in the graph, as far as [`Builder::nbytes`] knows them. A result of up to 40 bytes that
    /// owns nothing, as a number, lives in its task's node and is not counted.
    pub bytes: u64,
    /// Pure results remembered.
    pub remembered: usize,
    /// Threads alive now.
    pub threads: usize,
    /// Threads ever started.
    pub threads_started: usize,
    /// Bodies blocked now.
    pub blocked: usize,
}

impl Client {
    /// A client with as many threads as there are cores, and the defaults of [`Builder`].
    ///
    /// # Errors
    /// If the system refuses the threads.
    pub fn new() -> Result<Self, StartError> {
        Self::builder().build()
    }

    /// A client to be configured.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A client that does not keep the engine from closing.
    pub(crate) fn guest(engine: &Arc<Engine>) -> Self {
        Self {
            engine: Arc::clone(engine),
            owner: None,
            place: PhantomData,
        }
    }
}

impl<P> Client<P> {
    /// Runs a fallible closure as a task; its error is the task's.
    ///
    /// The error may be any error type, a `String`, a `&str` or a boxed error. As [`submit`](Self::submit) otherwise.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let number = client.try_submit(|| "17".parse::<u32>());
    /// assert_eq!(*number.result()?, 17);
    /// let broken = client.try_submit(|| "x".parse::<u32>());
    /// assert!(broken.result().unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_submit<R, E, F>(&self, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        F: FnOnce() -> Result<R, E> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let job = Job::new::<F, _, _>(move |_| f().map_err(Into::into));
        launch_alone(&self.engine, &at(Location::caller()), job, true)
    }

    /// Runs a closure on the results of other tasks, once all of them have finished.
    ///
    /// `inputs` is a handle, a slice or `Vec` of handles, or a tuple of up to twelve of these, nested as you like. A
    /// borrowed handle gives `&T`, a list gives `Vec<&T>`, a handle moved in gives `T` (moved out when nobody else
    /// wants it, else cloned). Write the closure in the call: stored in a variable first, its argument types are not
    /// inferred.
    ///
    /// If an input fails or is cancelled, the closure does not run and the task fails with the same error.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let parts: Vec<_> = (0..4).map(|i| client.submit(move || f64::from(i))).collect();
    /// let total = client.submit_with(&parts, |parts| parts.into_iter().sum::<f64>());
    /// assert_eq!(*total.result()?, 6.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn submit_with<D, R, F>(&self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs,
        F: for<'a> FnOnce(<D::Held as Held>::Values<'a>) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        let mut linker = Linker::default();
        let held = inputs.hold(&mut linker);
        let job = Job::new::<F, _, _>(move |context| Ok(f(held.values(context))));
        launch(&self.engine, &at(Location::caller()), linker, job)
    }

    /// As [`submit_with`](Self::submit_with), with a fallible closure.
    #[track_caller]
    pub fn try_submit_with<D, R, E, F>(&self, inputs: D, f: F) -> TaskFuture<R>
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
        launch(&self.engine, &at(Location::caller()), linker, job)
    }

    /// Submits one task for each item; the handles are in the order of the items.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let squares = client.map(0..10u64, |x| x * x);
    /// assert_eq!(tenter::gather(&squares)?.into_iter().sum::<u64>(), 285);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "dropping the handles cancels the tasks: keep them, or `detach()` each"]
    #[track_caller]
    pub fn map<I, R, F>(&self, items: I, f: F) -> Vec<TaskFuture<R>>
    where
        P: TakesClosures,
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + Sync + 'static,
    {
        let (f, location) = (Arc::new(f), Location::caller());
        let submit = |item| {
            let f = Arc::clone(&f);
            launch_alone(
                &self.engine,
                &at(location),
                Job::new::<F, _, _>(move |_| Ok(f(item))),
                true,
            )
        };
        items.into_iter().map(submit).collect()
    }
}

#[cfg(feature = "task")]
#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
impl Client<Anywhere> {
    /// A client that takes calls of `#[task]` functions and no closures, so that the program runs in any place.
    ///
    /// The address `"inproc"` is this process: as [`Client::new`]. With the feature `net`, one like `"tcp://10.0.0.1:8786"` is
    /// that of a scheduler, whose workers run the calls. Without an address (`None`) it is that in the environment variable
    /// `TENTER_ADDRESS`, or this process. To give it options, see [`Builder::connect`].
    ///
    /// ```
    /// use tenter::{Client, task};
    ///
    /// #[task]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// let client = Client::connect("inproc")?;
    /// assert_eq!(*client.submit(square::call(12)).result()?, 144);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A closure cannot be sent to another machine, and is refused by the compiler:
    ///
    /// ```compile_fail,E0277
    /// # let client = tenter::Client::connect("inproc").unwrap();
    /// client.submit(|| 12 * 12).detach();
    /// ```
    ///
    /// # Errors
    /// [`StartError`], of kind `Address` if it is none.
    pub fn connect<'a>(address: impl Into<Option<&'a str>>) -> Result<Self, StartError> {
        Builder::new().connect(address)
    }
}

impl<P> Client<P> {
    /// Runs a closure, or a call of a `#[task]` function, as a task.
    ///
    /// Costs less than a microsecond, and blocks only where [`max_pending`](Builder::max_pending) says so. The task runs as
    /// long as somebody wants it: keep the handle, or [`detach`](TaskFuture::detach) it. What is wrong already now (the client
    /// is closed) comes back as a handle that has failed. A panic in the closure is caught and is the task's error.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let answer = client.submit(|| 10 + 1);
    /// assert_eq!(*answer.result()?, 11);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn submit<K: IntoTask<P>>(&self, task: K) -> TaskFuture<K::Output> {
        task.launch(&self.bare(Location::caller()))
    }

    /// As [`submit`](Self::submit), of a call.
    #[cfg(feature = "task")]
    pub(crate) fn submit_call<T: Send + Sync + 'static>(
        &self,
        call: crate::call::Call<T>,
        location: &'static Location<'static>,
    ) -> TaskFuture<T> {
        IntoTask::<P>::launch(call, &self.bare(location))
    }

    /// Puts a value into the graph: a handle that is finished from the start.
    ///
    /// The value is moved, not copied; it is dropped with the last handle.
    #[track_caller]
    pub fn scatter<T: Carried<P> + Sync>(&self, value: T) -> TaskFuture<T> {
        born(
            &self.engine,
            &at(Location::caller()),
            Job::given(value),
            false,
        )
    }

    /// Options for the next submit; the name is what errors, `explain` and diagnostics call the task.
    pub fn task<'c>(&'c self, name: &'c str) -> Task<'c, Once, P> {
        Task::of(Plan::new(&self.engine, Called::Text(name)))
    }

    /// Whether the task this client was got in ([`current`]) should stop: it was cancelled, nobody wants it, or its time
    /// is over.
    ///
    /// Outside of tasks it is `false`.
    pub fn is_cancelled(&self) -> bool {
        local::with(&self.engine, |local| {
            let task = local.task.get();
            local.in_task()
                && (self.engine.graph.is_cancel_requested(task)
                    || self.engine.overrun_error(task).is_some())
        })
    }

    /// An error if the current task should stop, for use with `?`.
    ///
    /// # Errors
    /// A [`TaskError`] of kind `Cancelled`, or `TimedOut` if that is why.
    pub fn checkpoint(&self) -> Result<(), TaskError> {
        if !self.is_cancelled() {
            return Ok(());
        }
        let overrun = local::with(&self.engine, |local| {
            self.engine.overrun_error(local.task.get())
        });
        let text = "it saw its cancel token";
        Err(overrun
            .unwrap_or_else(|| TaskError::new(ErrorKind::Cancelled, current_blame(), text, None)))
    }

    /// The bounded queue of this name, made at the first call. Capacity 0 is no bound.
    ///
    /// It lives until the client closes.
    ///
    /// # Errors
    /// If one of this name holds another type or has another capacity, or the client is closed.
    pub fn queue<T: Carried<P>>(&self, name: &str, capacity: usize) -> Result<Queue<T>, NameError> {
        let engine = &self.engine;
        engine.named.queue(engine, T::codec, name, capacity)
    }

    /// The variable of this name, made unset at the first call.
    ///
    /// It lives until it is deleted or the client closes.
    ///
    /// # Errors
    /// If one of this name holds another type, or the client is closed.
    pub fn variable<T: Carried<P> + Clone + Sync>(
        &self,
        name: &str,
    ) -> Result<Variable<T>, NameError> {
        let engine = &self.engine;
        engine.named.variable(engine, T::codec, name)
    }

    /// The same client, for calls and for values that can be encoded: so what is shared by name with other processes holds
    /// a type that no `#[task]` function takes or gives.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let done = client.submit(|| {
    ///     let client = tenter::current().anywhere();
    ///     client.variable::<(u8, String)>("newest").unwrap().set((1, "frame".to_owned()))
    /// });
    /// done.result()?.clone()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "task")]
    #[cfg_attr(docsrs, doc(cfg(feature = "task")))]
    pub fn anywhere(&self) -> Client<Anywhere> {
        Client {
            engine: Arc::clone(&self.engine),
            owner: self.owner.clone(),
            place: PhantomData,
        }
    }

    pub(crate) fn owning(engine: Arc<Engine>) -> Self {
        let owner = Some(Arc::new(Owner(Arc::clone(&engine))));
        Self {
            engine,
            owner,
            place: PhantomData,
        }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    #[inline]
    pub(crate) fn bare(&self, location: &'static Location<'static>) -> Bare<'_> {
        Bare {
            engine: &self.engine,
            location,
            waits: true,
        }
    }

    /// How many threads the client was built with.
    pub fn threads(&self) -> usize {
        self.engine.options.threads
    }

    /// Counts of tasks and threads.
    pub fn stats(&self) -> Stats {
        let counts = self.engine.stripes.sum();
        let tally = self.engine.graph.tally();
        let (threads, threads_started) = self.engine.crew.threads();
        let (in_pools, started_in_pools, blocked_in_pools) = self.engine.pools.counts();
        Stats {
            submitted: counts.submitted,
            started: counts.started,
            finished: counts.finished,
            failed: counts.failed,
            cancelled: counts.cancelled,
            live: tally.live,
            waiting: tally.waiting,
            queued: tally.queued,
            edges: tally.edges,
            bytes: self.engine.stripes.bytes(),
            remembered: self.engine.graph.remembered(),
            threads: threads + in_pools,
            threads_started: threads_started + started_in_pools,
            blocked: self.engine.waits.blocked() + blocked_in_pools,
        }
    }

    /// Lets every remembered pure result go.
    pub fn forget_remembered(&self) {
        local::with(&self.engine, |local| self.engine.forget_remembered(local));
    }

    /// Ends the client for all its clones, and waits for running bodies for so long.
    ///
    /// What has not started is cancelled, cancel tokens are set, queues are closed and emptied, submits from now on
    /// come back failed with kind `Closed`. Called on one of the client's own threads it does not wait.
    pub fn close(&self, timeout: Duration) -> CloseReport {
        self.engine.close();
        let timeout = if on_own_thread(&self.engine) {
            Duration::ZERO
        } else {
            timeout
        };
        CloseReport {
            running: self.engine.wait_stopped(Some(deadline(timeout))),
        }
    }
}

/// The client of the task that is running on this thread.
///
/// It submits, waits and shares like any other client, but does not keep the client from closing.
///
/// # Panics
/// Outside of a task; see [`try_current`].
pub fn current() -> Client {
    try_current().expect(
        "`current()` is for use inside a task; elsewhere pass the client, or ask `try_current()`",
    )
}

/// The client of the task that is running on this thread, if one is.
pub fn try_current() -> Option<Client> {
    let local = local::current()?;
    Some(Client::guest(&local.engine))
}

/// Whom to blame for an error that arises in the current task.
pub(crate) fn current_blame() -> Blame {
    match local::current() {
        Some(local) => local.engine.blame(local.task.get()),
        None => Blame {
            task: "outside of tasks".to_owned(),
            key: None,
            location: None,
        },
    }
}

impl<P> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            owner: self.owner.clone(),
            place: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Client<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("threads", &self.threads())
            .finish_non_exhaustive()
    }
}
