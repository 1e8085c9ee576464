//! Tasks that are futures: polled by the pool's threads, and without a thread or a place while they are pending.
//!
//! # Invariants
//! 1. The body of such a task, once its inputs are there, makes an [`AsyncTask`] of the future and enters it in the
//!    engine's table, where it stays until the task is settled. All that time the node is RUNNING, so nobody but who
//!    polls it touches its payload.
//! 2. The future is in the hands of one thread at a time: who wins its [`Turn`]. A wake-up of a pending one queues one
//!    entry; one that comes during a poll has the poller queue it; any other finds an entry on its way and adds none.
//! 3. An entry is a hint, like any in the queues: the node's index with the bit [`POLL`]. The table says whether the
//!    task is still there and its turn decides. An old entry that meets a new task in its slot at most polls it early.
//! 4. Each poll begins with a look at the cancel token, and so does what follows one that was woken. Who sets a token
//!    looks into the table afterwards and wakes what it finds: of the token and the entry in the table, one sees the
//!    other, since the table has locks.
//! 5. A future whose token is seen is dropped by the thread that has its turn, and only then is the task settled. A
//!    future that is ready although its token is set settles its task as a body would.
//! 6. At the end of the engine each of its threads, as its last act, takes every future whose turn it can win and drops
//!    it. Whichever it cannot win is in the hands of another of them, which comes to this point too.
//! 7. A waker holds the task and not the engine. After the end it holds a shell: the future is gone.
//!
//! Entries for a task of a named pool go into the line of that pool, and its threads alone poll it.
//!
//! Entries beyond the first go through the queues with the task's priority, and at the end if the future woke itself:
//! one that only gives way to others gives way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::Engine;
use super::job::{self, Claimed, Job, RunContext};
use super::local::{self, Local, State};
use super::poll_turn::Turn;
use super::queues::Queues;
use super::run::{Panic, failed, guarded, panicked};
use crate::error::Failure;
use crate::graph::Outcome;
use crate::inputs::Held;

/// Marks a queue entry that asks for a poll of the task; node indexes are far below it.
const POLL: u32 = 1 << 31;

/// Shards of the table, so that threads seldom meet.
const SHARDS: usize = 16;

/// The task that a queue entry asks to poll, if it does not ask to run one.
#[inline]
pub(super) fn to_poll(entry: u32) -> Option<u32> {
    (entry & POLL != 0).then_some(entry & !POLL)
}

/// The future of a task between its polls, and what its wakers hold.
struct AsyncTask<F: Future + ?Sized, R> {
    turn: Turn,
    index: u32,
    engine: Weak<Engine>,
    /// Out while it is being polled: the lock is never held around user code.
    future: Mutex<Option<Pin<Box<F>>>>,
    result: fn(F::Output) -> Result<R, Failure>,
}

/// An [`AsyncTask`] of any future.
trait Polled: Send + Sync {
    fn turn(&self) -> &Turn;

    fn index(&self) -> u32;

    /// Polls it, and writes the value if it is ready. The caller has its turn.
    fn poll(self: Arc<Self>, engine: &Engine) -> Step;

    /// Drops the future. The caller has its turn.
    fn abandon(&self);
}

/// How a poll ended.
enum Step {
    Pending,
    Ready(Result<(), Failure>),
    Panicked(Panic),
}

impl<F, R> Polled for AsyncTask<F, R>
where
    F: Future + Send + ?Sized + 'static,
    R: Send + Sync + 'static,
{
    fn turn(&self) -> &Turn {
        &self.turn
    }

    fn index(&self) -> u32 {
        self.index
    }

    fn poll(self: Arc<Self>, engine: &Engine) -> Step {
        let future = self.future.lock().take();
        let mut future = future.expect("whoever ends it takes it out of the table");
        let waker = Waker::from(Arc::clone(&self));
        let polled = guarded(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
        if let Ok(Poll::Pending) = polled {
            *self.future.lock() = Some(future);
            return Step::Pending;
        }
        let _ = guarded(|| drop(future));
        match polled {
            Err(panic) => Step::Panicked(panic),
            Ok(Poll::Pending) => unreachable!("put back just above"),
            Ok(Poll::Ready(output)) => match guarded(|| (self.result)(output)) {
                Err(panic) => Step::Panicked(panic),
                Ok(result) => Step::Ready(result.map(|value| {
                    job::write_value(&engine.graph, &Claimed::handed(self.index), value);
                })),
            },
        }
    }

    fn abandon(&self) {
        let future = self.future.lock().take();
        let _ = guarded(|| drop(future));
    }
}

impl<F, R> Wake for AsyncTask<F, R>
where
    F: Future + Send + ?Sized + 'static,
    R: Send + Sync + 'static,
{
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.turn.wake()
            && let Some(engine) = self.engine.upgrade()
        {
            local::with(&engine, |local| local.queue_poll(self.index, Queues::push));
        }
    }
}

/// What a body returns as its error when its task is a future from here on: as with a forward, it has no way of its own.
pub(super) struct Suspended(Arc<dyn Polled>);

/// The future that a body has made, as what it returns.
fn suspended<F, R>(
    context: &RunContext<'_>,
    future: Pin<Box<F>>,
    result: fn(F::Output) -> Result<R, Failure>,
) -> Failure
where
    F: Future + Send + ?Sized + 'static,
    R: Send + Sync + 'static,
{
    Box::new(Suspended(Arc::new(AsyncTask {
        turn: Turn::held(),
        index: context.index,
        engine: Arc::downgrade(&context.local.engine),
        future: Mutex::new(Some(future)),
        result,
    })))
}

/// What a call gives as its error when its task is this future from here on.
#[cfg(feature = "task")]
pub(crate) fn suspend_as<R: Send + Sync + 'static>(
    context: &RunContext<'_>,
    future: Pin<Box<dyn Future<Output = Result<R, Failure>> + Send>>,
) -> Failure {
    suspended(context, future, std::convert::identity)
}

impl Job {
    /// A task that is this future, with a value of type `R`.
    pub(crate) fn future<F, R>(future: F, result: fn(F::Output) -> Result<R, Failure>) -> Self
    where
        F: Future + Send + 'static,
        R: Send + Sync + 'static,
    {
        // Boxed here, so that a large one is not moved again.
        let future = Box::pin(future);
        Self::new::<F, _, R>(move |context| Err(suspended(context, future, result)))
    }

    /// A task that is the future which `f` makes of the inputs.
    pub(crate) fn future_of<H, F, A, R>(
        held: H,
        f: F,
        result: fn(A::Output) -> Result<R, Failure>,
    ) -> Self
    where
        H: Held,
        F: FnOnce(H::Kept) -> A + Send + 'static,
        A: Future + Send + 'static,
        R: Send + Sync + 'static,
    {
        Self::new::<F, _, R>(move |context| {
            let future = Box::pin(f(held.keep(context)));
            Err(suspended(context, future, result))
        })
    }
}

/// The async tasks of an engine that have begun and are not settled, by node.
#[derive(Default)]
pub(crate) struct AsyncTasks([Mutex<HashMap<u32, Arc<dyn Polled>>>; SHARDS]);

impl AsyncTasks {
    fn shard(&self, index: u32) -> &Mutex<HashMap<u32, Arc<dyn Polled>>> {
        &self.0[index as usize % SHARDS]
    }

    fn find(&self, index: u32) -> Option<Arc<dyn Polled>> {
        self.shard(index).lock().get(&index).cloned()
    }

    /// Whether it is pending; then, whether an entry for it is queued.
    pub(super) fn is_pending(&self, index: u32) -> Option<bool> {
        self.find(index).and_then(|task| task.turn().is_pending())
    }

    fn all(&self) -> Vec<Arc<dyn Polled>> {
        let shards = self.0.iter();
        shards
            .flat_map(|shard| shard.lock().values().cloned().collect::<Vec<_>>())
            .collect()
    }
}

impl Local {
    /// The task whose body has just run is a future from here on. It is polled at once, unless a blocked body waits
    /// for it further down this stack (`helping`): what that future does need not be of use to that body.
    #[cold]
    pub(super) fn suspend(
        &self,
        claimed: &Claimed,
        Suspended(task): Suspended,
        helping: bool,
    ) -> Option<u32> {
        let engine = &*self.engine;
        let index = claimed.index();
        engine
            .async_tasks
            .shard(index)
            .lock()
            .insert(index, Arc::clone(&task));
        // What it was given keeps what it needs.
        if engine.graph.extra(index) == 0 || !self.is_repeatable(index) {
            engine.graph.let_go(index, &mut self.state().fx);
            self.settle_up();
        }
        if !helping && !engine.queues.has_special() {
            return self.poll_held(task);
        }
        task.turn().wake();
        self.rest_future(&*task);
        None
    }

    /// Polls the task that an entry names, if it is its turn. Hands back the successor that it made ready.
    #[cold]
    pub(super) fn poll(&self, index: u32) -> Option<u32> {
        let task = self.engine.async_tasks.find(index)?;
        if task.turn().begin() {
            self.poll_held(task)
        } else {
            None
        }
    }

    /// Polls a task whose turn this thread has.
    fn poll_held(&self, task: Arc<dyn Polled>) -> Option<u32> {
        let (engine, index) = (&*self.engine, task.index());
        if engine.graph.is_cancel_requested(index) {
            self.abandon(&*task);
            return None;
        }
        let claimed = Claimed::handed(index);
        if engine.graph.extra(index) != 0 && self.has_overrun(index) {
            self.inside(index, || task.abandon());
            if self.renew_future(&claimed, None) {
                return self.begin_again(&*task, &claimed);
            }
            // It was the last attempt, and its task was cancelled for it.
            self.abandon(&*task);
            return None;
        }
        self.stripe.count_poll();
        let step = self.inside(index, || Arc::clone(&task).poll(engine));
        if engine.graph.extra(index) != 0 && self.is_renewed(&claimed, &step) {
            let _ = guarded(|| drop(step));
            return self.begin_again(&*task, &claimed);
        }
        let outcome = match step {
            Step::Pending => {
                self.rest_future(&*task);
                return None;
            }
            Step::Ready(Ok(())) => Outcome::Value,
            Step::Ready(Err(failure)) => self.fail(&claimed, failed(failure, engine.blame(index))),
            Step::Panicked(panic) => self.fail(&claimed, panicked(&panic, engine.blame(index))),
        };
        // A thread of a named pool runs nothing but that pool's tasks.
        self.end_polled(&*task, outcome, self.pool == 0)
    }

    /// Whether another attempt follows this end of a future.
    #[cold]
    fn is_renewed(&self, claimed: &Claimed, step: &Step) -> bool {
        match step {
            Step::Pending | Step::Ready(Ok(())) => false,
            Step::Ready(Err(failure)) => self.renew_future(claimed, Some(failure)),
            Step::Panicked(_) => self.renew_future(claimed, None),
        }
    }

    /// The task is to be run again, and the future that it was is gone.
    #[cold]
    fn begin_again(&self, task: &dyn Polled, claimed: &Claimed) -> Option<u32> {
        self.forget_future(task);
        self.reschedule(claimed)
    }

    fn forget_future(&self, task: &dyn Polled) {
        let index = task.index();
        let entered = self.engine.async_tasks.shard(index).lock().remove(&index);
        task.turn().end();
        drop(entered); // A shell: the future is gone.
    }

    /// Gives the turn with a pending future back. Woken meanwhile, it is queued; or dropped, if it was for that.
    fn rest_future(&self, task: &dyn Polled) {
        let index = task.index();
        if !task.turn().rest() {
            return;
        }
        // Until the entry is queued, nobody but the end of the engine takes the turn, and with it the node, from us.
        if self.engine.graph.is_cancel_requested(index) && task.turn().begin() {
            self.abandon(task);
        } else {
            self.queue_poll(index, Queues::push_last);
        }
    }

    /// Drops the future of a cancelled task whose turn this thread has, and settles it.
    fn abandon(&self, task: &dyn Polled) {
        self.engine.cancel(self, task.index());
        self.inside(task.index(), || task.abandon());
        self.end_polled(task, Outcome::Nothing, false);
    }

    fn end_polled(&self, task: &dyn Polled, outcome: Outcome, bypass: bool) -> Option<u32> {
        let index = task.index();
        self.forget_future(task);
        if self.engine.graph.extra(index) != 0 {
            self.end_future(index);
        }
        // None, unless it might have had to begin again.
        let inputs = self.engine.graph.inputs(index);
        self.end(&Claimed::handed(index), outcome, &inputs, bypass)
    }

    /// Calls `f` as a part of the task.
    fn inside<R>(&self, index: u32, f: impl FnOnce() -> R) -> R {
        let outer = self.task.replace(index);
        let scope = self.enter_scope_of(index);
        let result = f(); // Guards its user code itself.
        drop(scope);
        self.task.set(outer);
        result
    }

    /// Drops every future that no other thread has in its hands: the last act of a thread of a closed engine.
    pub(super) fn abandon_all(&self) {
        for task in self.engine.async_tasks.all() {
            if task.turn().seize() {
                self.abandon(&*task);
            }
        }
    }

    /// Wakes an async task whose token has been set, so that its future is dropped soon. Nothing, if it is none.
    ///
    /// A task elsewhere ends here then.
    pub(super) fn wake_cancelled(&self, index: u32) {
        #[cfg(feature = "task")]
        if self.engine.calls_leave() {
            self.end_elsewhere(index);
        }
        if let Some(task) = self.engine.async_tasks.find(index)
            && task.turn().wake()
        {
            self.queue_poll(index, Queues::push);
        }
    }

    /// Queues an entry for a poll, by one of the queues' ways to push.
    fn queue_poll(&self, index: u32, push: fn(&Queues, &mut State, u32, i32)) {
        let engine = &self.engine;
        if engine.graph.extra(index) != 0 && self.is_polled_elsewhere(index, POLL | index) {
            return;
        }
        let priority = engine.graph.priority(index);
        push(&engine.queues, &mut self.state(), POLL | index, priority);
        engine.notify();
    }
}

impl fmt::Debug for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Suspended")
    }
}

impl fmt::Display for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("goes on as a future")
    }
}

impl std::error::Error for Suspended {}

impl fmt::Debug for AsyncTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncTasks")
    }
}
