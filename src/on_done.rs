//! Callbacks: what is to be called when a task is settled.
//!
//! 1. Until then a callback is a waiter in the task's list. It holds a handle, so it wants the task.
//! 2. Then it becomes a task of its own, so that one that takes long holds up nobody who settles tasks.
//! 3. A callback that is dropped uncalled is called by its destructor. So however that task of its own ends (it runs,
//!    it is cancelled with the client, a closed client refuses it), the callback is called, and once.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::launch::{at, launch_alone};
use crate::pool::async_wait::AsyncWait;
use crate::pool::job::Job;
use crate::pool::local::{self, Local};
use crate::pool::run::guarded;
use crate::pool::waiters::Wake;
use crate::pool::want::TaskRef;

impl<T: Send + Sync + 'static> TaskFuture<T> {
    /// Calls `f`, once, when the task has finished, failed or been cancelled; at once if it has already.
    ///
    /// The callback wants the task as a handle does, until it has returned. It runs as a task of its own, named
    /// `on_done`, with this task's priority and no options of an
    /// [`annotate`](crate::Client::annotate), and may block, submit and use [`current`](crate::current) as any task.
    /// If the client is closed or restarted before that task has begun, the callback runs on the thread that ends it;
    /// if the client is closed already, on the thread that settles the task or calls this. A panic in it is caught,
    /// and ends there once the panic hook has printed it.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let (send, received) = std::sync::mpsc::channel();
    /// let task = client.submit(|| 40 + 2);
    /// task.on_done(move |done| send.send(*done.result().unwrap()).unwrap());
    /// assert_eq!(received.recv()?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn on_done<F>(&self, f: F)
    where
        F: FnOnce(&Self) + Send + 'static,
    {
        let call = Call {
            handle: self.clone(),
            f: Some(f),
        };
        let location = Location::caller();
        if self.is_done() {
            return submit(call, location);
        }
        let wait = AsyncWait::begin(self.task().engine());
        watch_task(self.task(), move || {
            drop(wait);
            submit(call, location);
        });
    }
}

/// Calls `f` on the thread that settles the task, or here if it is settled.
pub(crate) fn watch_task(task: &TaskRef, f: impl FnOnce() + Send + 'static) {
    watch(task, Callback(Box::new(f)), Local::watch_end);
}

/// As [`watch_task`]. A task elsewhere is settled when its value is here, which is asked for.
#[cfg(feature = "task")]
pub(crate) fn watch_settled(task: &TaskRef, f: impl FnOnce() + Send + 'static) {
    if task.engine().calls_leave() {
        task.engine().want_from_elsewhere(task.index());
    }
    watch(task, Callback(Box::new(f)), |local, node, waiter| {
        let graph = &local.engine.graph;
        graph.watch(&mut local.state().cache, node, waiter)
    });
}

/// Has the callback wait where `enter` enters its number for the node. That gives no, if there is nothing to wait for.
fn watch(task: &TaskRef, callback: Callback, enter: impl FnOnce(&Local, u32, u32) -> bool) {
    let node = task.index();
    local::with(task.engine(), |local| {
        let waiters = &local.engine.waiters;
        let waiter = waiters.arm(node as usize, Wake::Call(callback));
        if !enter(local, node, waiter.number) {
            waiters.fire(waiter.number);
        }
    });
}

/// A callback that waits for its task to be settled.
pub(crate) struct Callback(Box<dyn FnOnce() + Send>);

impl Callback {
    /// Its task is settled.
    pub(crate) fn start(self) {
        (self.0)();
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

/// A callback and what it is called with.
struct Call<T, F: FnOnce(&TaskFuture<T>)> {
    handle: TaskFuture<T>,
    f: Option<F>,
}

impl<T, F: FnOnce(&TaskFuture<T>)> Drop for Call<T, F> {
    fn drop(&mut self) {
        if let Some(f) = self.f.take() {
            let _ = guarded(|| f(&self.handle));
        }
    }
}

/// Makes a task of the callback, which wants it to run: its body is the call's destructor.
fn submit<T, F>(call: Call<T, F>, location: &'static Location<'static>)
where
    T: Send + Sync + 'static,
    F: FnOnce(&TaskFuture<T>) + Send + 'static,
{
    let task = call.handle.task();
    let engine = Arc::clone(task.engine());
    let spec = Spec {
        name: engine.names.number_of("on_done"),
        priority: engine.graph.priority(task.index()),
        ..at(location)
    };
    let job = Job::new::<F, _, _>(move |_| {
        drop(call);
        Ok(())
    });
    local::with(&engine, |local| {
        // Who settles a task may be in a scope of its own, and must not wait for room.
        let _scope = local.enter_scope(None);
        launch_alone::<()>(&engine, &spec, job, false).detach();
    });
}
