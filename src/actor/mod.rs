//! Actors: a state of one's own, and calls that run on it one at a time.
//!
//! | file | what |
//! | --- | --- |
//! | `mod`, `builder` | the handle, and how it is made |
//! | `mailbox` | calls, state and whose turn it is |
//! | `room` | waiting for room in a bounded mailbox |
//! | `call`, `resident` | one call; what the calls run on |
//! | `error` | refusals |
//! | `anywhere`, `line` | an actor that is called by its methods, and the calls that wait until it is known where it lives |
//! | `housed` | that place, which is what the task gives that makes an actor |
//! | `afar`, `visit` | a call of an actor of another process, and one that has come from there |

#[cfg(feature = "task")]
mod afar;
#[cfg(feature = "task")]
mod anywhere;
mod builder;
mod call;
mod error;
#[cfg(feature = "task")]
mod housed;
#[cfg(feature = "task")]
mod line;
mod mailbox;
mod resident;
mod room;
#[cfg(feature = "task")]
mod visit;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::error::{Blame, ErrorKind, Failure, TaskError, WaitError};
use crate::full::Full;
use crate::future::TaskFuture;
use crate::launch::born;
use crate::place::Local;
#[cfg(feature = "task")]
use crate::pool::Engine;
use crate::pool::job::Job;
use crate::task::sealed;
use call::{Call, Remake, Run};
use mailbox::Mailbox;
use room::Room;

#[cfg(feature = "task")]
pub(crate) use afar::Calling;
#[cfg(feature = "task")]
pub(crate) use line::Line;

#[cfg(feature = "task")]
pub use afar::{ActorCall, Answered, WhenAnswered};
pub use builder::ActorBuilder;
pub use error::NotRestartable;
#[cfg(feature = "task")]
pub use housed::{ActorPlace, Housed, house};
#[cfg(feature = "task")]
pub use visit::Answer;

/// A state that only its calls touch: they run one at a time, in the order in which they were made.
///
/// A call gives an ordinary [`TaskFuture`]: it can be awaited, be an input of tasks, and be cancelled before it begins.
/// Other than a task, a call runs whether or not its future is kept. A call is a closure on the pool's threads: it may
/// submit tasks, block, and call other actors, and [`current`](crate::current) is its client. An idle actor has no thread;
/// a busy one has a task named `actor turn`, which runs some calls and is counted as any task.
///
/// A call that panics poisons the actor: the state is dropped, and later calls fail with kind
/// [`Poisoned`](ErrorKind::Poisoned) and name the panic, until [`restart`](Self::restart). A call that waits for another
/// of the same actor, through however many tasks and actors, fails with `Deadlock`; of one in another process nobody sees
/// the cycle.
///
/// The options of an [`annotate`](crate::Client::annotate) end at an actor: its calls have none of them, wherever they
/// are made, nor have the tasks that a call submits.
///
/// Cloning makes another handle of the same actor. When the last is dropped, the calls made so far still run, and then
/// the state is dropped on one of the pool's threads. When the client ends, calls that have not begun are cancelled; the
/// state of an idle actor then goes with its last handle.
///
/// An `Actor<S, Anywhere>` (feature `task`) may live in another process: a call of a `#[task(actor)]` function makes its
/// state, and what it is called with are [`Method`](crate::Method)s, by their names. Its handle can be an argument or a result, and be
/// shared by name, as that of a task. The state stays on the worker that has made it: it is never copied, never moved and never made
/// again, and is lost when that worker dies or leaves; then the calls fail and say so. The calls of one handle and its clones run
/// in order; those of other handles come between.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let counter = client.actor(0u64);
/// for _ in 0..10 {
///     counter.call(|count| *count += 1).detach();
/// }
/// let count = counter.call(|count| *count);
/// assert_eq!(*count.result()?, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Actor<S: Send + 'static, P: Housing = Local> {
    handle: P::Handle<S>,
}

/// Dropped with the last handle.
#[allow(
    missing_debug_implementations,
    unnameable_types,
    reason = "part of a handle"
)]
pub struct Handles<S: Send + 'static>(Arc<Mailbox<S>>);

/// Where actors live: how they are called is another in each place.
pub trait Housing: sealed::Place {
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    type Handle<S: Send + 'static>: Clone + Send + Sync;
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl Housing for Local {
    type Handle<S: Send + 'static> = Arc<Handles<S>>;
}

#[cfg(feature = "task")]
#[allow(private_interfaces, reason = "called by this crate only")]
impl Housing for crate::place::Anywhere {
    type Handle<S: Send + 'static> = Arc<Line<S>>;
}

impl<S: Send + 'static> Drop for Handles<S> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl<S: Send + 'static> Actor<S> {
    fn of(mailbox: Arc<Mailbox<S>>) -> Self {
        Self {
            handle: Arc::new(Handles(mailbox)),
        }
    }

    /// Starts one of this name.
    #[cfg(feature = "task")]
    fn start(engine: &Arc<Engine>, name: u32, state: S) -> Self {
        let given = (resident::Resident::given(state), false);
        Self::of(Mailbox::new(engine, name, 0, given))
    }

    fn mailbox(&self) -> &Arc<Mailbox<S>> {
        &self.handle.0
    }

    /// Runs a closure on the state, after all calls made before, and gives the future of what it returns.
    ///
    /// Does not block, unless the actor has a bounded mailbox and that is full: then this waits for room, a task gives
    /// its place up meanwhile. What goes wrong comes back as a future that has failed: `Closed` when the client is
    /// closed, or why the wait for room was refused (`Deadlock`, when only this very task could make room;
    /// `TooManyBlocked`).
    ///
    /// The call runs also when its future is dropped. [`cancel`](TaskFuture::cancel) keeps one that has not begun from
    /// running; of one in progress it sets the token that [`Client::is_cancelled`](crate::Client::is_cancelled) sees, and
    /// what it has done to the state stays.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let log = client.actor(Vec::new());
    /// let length = log.call(|lines: &mut Vec<&str>| {
    ///     lines.push("started");
    ///     lines.len()
    /// });
    /// let next = length.then(|length| length + 1); // an ordinary future
    /// assert_eq!(*next.result()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn call<R, F>(&self, f: F) -> TaskFuture<R>
    where
        F: FnOnce(&mut S) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        self.wait_and_send(Location::caller(), move |state| Ok(f(state)))
    }

    /// As [`call`](Self::call), with a fallible closure, whose error is the call's. It does not poison the actor.
    ///
    /// This is to `call` what [`try_submit`](crate::Client::try_submit) is to `submit`; it is not named `try_call`
    /// since that, like [`Queue::try_put`](crate::Queue::try_put), is the call that does not wait for room.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let account = client.actor(100u32);
    /// let paid = account.call_fallible(|balance| {
    ///     *balance = balance.checked_sub(130).ok_or("not enough money")?;
    ///     Ok::<_, &str>(*balance)
    /// });
    /// assert_eq!(paid.result().unwrap_err().message(), "not enough money");
    /// assert_eq!(*account.call(|balance| *balance).result()?, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn call_fallible<R, E, F>(&self, f: F) -> TaskFuture<R>
    where
        F: FnOnce(&mut S) -> Result<R, E> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        self.wait_and_send(Location::caller(), move |state| {
            f(state).map_err(Into::into)
        })
    }

    /// As [`call`](Self::call), but never waits.
    ///
    /// # Errors
    /// [`Full`], with the closure, when a bounded mailbox has no room.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let camera = client.actor_builder("camera").mailbox(1).build(0u32);
    /// let mut dropped = 0;
    /// for frame in 0..100 {
    ///     match camera.try_call(move |last| *last = frame) {
    ///         Ok(sent) => sent.detach(),
    ///         Err(_full) => dropped += 1,
    ///     }
    /// }
    /// assert!(dropped < 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_call<R, F>(&self, f: F) -> Result<TaskFuture<R>, Full<F>>
    where
        F: FnOnce(&mut S) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        if !self.is_closed() && !self.mailbox().reserve() {
            return Err(Full::new(f));
        }
        Ok(self.send(Location::caller(), move |state| Ok(f(state))))
    }

    /// As [`call`](Self::call) for async code: a full mailbox is awaited, and no thread waits. The output is the call's
    /// future, to be awaited in turn. Nothing is called before the first poll, nor when this is dropped without having
    /// been ready.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let total = client.actor_builder("total").mailbox(8).build(0u64);
    /// let sum = futures::executor::block_on(async {
    ///     for n in 0..100 {
    ///         total.call_async(move |total| *total += n).await.detach();
    ///     }
    ///     total.call_async(|total| *total).await.await
    /// })?;
    /// assert_eq!(*sum, 4950);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn call_async<R, F>(
        &self,
        f: F,
    ) -> impl Future<Output = TaskFuture<R>> + Send + use<S, R, F>
    where
        F: FnOnce(&mut S) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        let (actor, location) = (self.clone(), Location::caller());
        async move {
            Room::of(Arc::clone(actor.mailbox())).await;
            actor.send(location, move |state| Ok(f(state)))
        }
    }

    /// Gives the actor a new state, made by its constructor on one of the pool's threads, in the place of the old one,
    /// which is dropped just before. This takes its turn as a call: calls made before still find the old state, or fail
    /// if that is poisoned.
    ///
    /// The future finishes when the new state is there. A constructor that panics is the future's error, and leaves the
    /// actor poisoned.
    ///
    /// # Errors
    /// [`NotRestartable`], when the actor was given its state and no constructor.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let counter = client.actor_from(|| 0u32);
    /// counter.call(|_| panic!("out of paper")).detach();
    /// let lost = counter.call(|count| *count);
    /// assert_eq!(lost.result().unwrap_err().kind(), tenter::ErrorKind::Poisoned);
    /// counter.restart()?.detach();
    /// assert_eq!(*counter.call(|count| *count).result()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn restart(&self) -> Result<TaskFuture<()>, NotRestartable> {
        if !self.mailbox().is_restartable() {
            return Err(NotRestartable::new(self.name()));
        }
        Ok(self.remake(Location::caller()))
    }

    /// The actor's name: as given, or the type of its state. Its calls have that name too.
    pub fn name(&self) -> String {
        self.mailbox().name()
    }

    /// Calls in the mailbox: those that have not begun.
    pub fn queued(&self) -> usize {
        self.mailbox().len()
    }

    /// How many calls the mailbox takes; 0 is no bound.
    pub fn capacity(&self) -> usize {
        self.mailbox().capacity()
    }

    fn is_closed(&self) -> bool {
        self.mailbox().engine().is_closed()
    }

    fn remake(&self, location: &'static Location<'static>) -> TaskFuture<()> {
        self.wait_and_post(location, Remake::new)
    }

    fn wait_and_send<R, F>(&self, location: &'static Location<'static>, f: F) -> TaskFuture<R>
    where
        F: FnOnce(&mut S) -> Result<R, Failure> + Send + 'static,
        R: Send + Sync + 'static,
    {
        self.wait_and_post(location, |ticket| Run::new(ticket, f))
    }

    /// As [`wait_and_send`](Self::wait_and_send), when there is room.
    fn send<R, F>(&self, location: &'static Location<'static>, f: F) -> TaskFuture<R>
    where
        F: FnOnce(&mut S) -> Result<R, Failure> + Send + 'static,
        R: Send + Sync + 'static,
    {
        self.post(location, |ticket| Run::new(ticket, f))
    }

    /// Waits for room and puts a call into the mailbox.
    fn wait_and_post<R: Send + Sync + 'static, C: Call<S> + 'static>(
        &self,
        location: &'static Location<'static>,
        make: impl FnOnce(call::Ticket<R>) -> C,
    ) -> TaskFuture<R> {
        if !self.is_closed()
            && let Err(refused) = self.mailbox().wait_for_room()
        {
            return self.refuse(location, refused);
        }
        self.post(location, make)
    }

    /// Puts a call into the mailbox, in the room that was reserved for it.
    fn post<R: Send + Sync + 'static, C: Call<S> + 'static>(
        &self,
        location: &'static Location<'static>,
        make: impl FnOnce(call::Ticket<R>) -> C,
    ) -> TaskFuture<R> {
        if self.is_closed() {
            return self.refuse(location, WaitError::Closed);
        }
        let (ticket, future) =
            call::Ticket::new(self.mailbox().engine(), &self.mailbox().spec(location));
        self.mailbox().push(Box::new(make(ticket)));
        future
    }

    #[cold]
    fn refuse<R>(&self, location: &'static Location<'static>, why: WaitError) -> TaskFuture<R> {
        let (text, kind) = match why {
            WaitError::Closed => (
                "the client is closed: start another one".to_owned(),
                ErrorKind::Closed,
            ),
            _ => (why.to_string(), why.kind()),
        };
        let blame = Blame {
            task: self.name(),
            key: None,
            location: Some(location),
        };
        let error = TaskError::new(kind, blame, text, Some(Box::new(why)));
        let (engine, spec) = (self.mailbox().engine(), self.mailbox().spec(location));
        born(engine, &spec, Job::error(error), true)
    }
}

impl<S: Send + 'static, P: Housing> Clone for Actor<S, P> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
        }
    }
}

impl<S: Send + 'static> fmt::Debug for Actor<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("name", &self.name())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Actor<std::cell::Cell<u8>>>();
    #[cfg(feature = "task")]
    shared::<Actor<std::cell::Cell<u8>, crate::place::Anywhere>>();
};
