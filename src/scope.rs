//! Tasks that borrow: submitted and waited for within one call.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::client::Client;
use crate::error::TaskError;
use crate::future::TaskFuture;
use crate::launch::{at, launch_alone};
use crate::pool::job::{Job, lending};
use crate::pool::run::guarded;
use crate::pool::{Engine, Scope};

/// The tasks of a scope. The scope wants each of them until its end.
pub(crate) struct Spawned {
    engine: Arc<Engine>,
    tasks: Mutex<Vec<TaskFuture<()>>>,
}

impl Spawned {
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn nth(&self, k: usize) -> Option<TaskFuture<()>> {
        self.tasks.lock().get(k).cloned()
    }

    /// Waits for all, also for those submitted meanwhile. The first error of any, in the order of submission.
    fn wait(&self) -> Result<(), TaskError> {
        let mut ended = Ok(());
        for k in 0.. {
            let Some(task) = self.nth(k) else {
                break;
            };
            let result = task.result().map(drop);
            ended = ended.and(result);
        }
        ended
    }
}

impl Client {
    /// Runs tasks that borrow from the caller: all of them have ended when this returns.
    ///
    /// The closure submits with [`Scope::spawn`], as in [`std::thread::scope`]; so may the tasks. Before it returns, also
    /// when the closure panics, this waits for all of them. Inside a task it waits as
    /// [`result`](TaskFuture::result) does.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let mut frame = vec![1, 2, 3, 4];
    /// let dark = 1;
    /// client.scope(|s| {
    ///     for half in frame.chunks_mut(2) {
    ///         s.spawn(|| half.iter_mut().for_each(|pixel| *pixel -= dark));
    ///     }
    /// })?;
    /// assert_eq!(frame, [0, 1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// What a task borrows must live longer than the scope:
    ///
    /// ```compile_fail
    /// # let client = tenter::Client::new().unwrap();
    /// client.scope(|s| {
    ///     let inside = String::from("ends with the closure");
    ///     s.spawn(|| inside.len());
    /// });
    /// ```
    ///
    /// # Errors
    /// The error of the first task submitted that failed or was cancelled; the others have run all the same. If the
    /// client is closed, `Closed`.
    ///
    /// # Panics
    /// If the closure panics, with its panic, once all tasks have ended. A panic in a task is an error.
    pub fn scope<'env, F, T>(&self, f: F) -> Result<T, TaskError>
    where
        F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
    {
        let spawned = Arc::new(Spawned {
            engine: Arc::clone(self.engine()),
            tasks: Mutex::default(),
        });
        let value = lending(Arc::clone(&spawned), |scope| {
            let value = guarded(|| f(scope));
            // A wait that is refused here is made up for by `lending`, and the task's error is read below.
            let _ = spawned.wait();
            value
        });
        match value {
            Ok(value) => spawned.wait().map(|()| value),
            Err(panic) => panic.resume(),
        }
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Runs a closure that may borrow whatever outlives the scope, as a task.
    ///
    /// It runs whether or not the handle is kept. A panic in it is the task's error, and the scope's.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let words = vec!["borrowed".to_owned(), "data".to_owned()];
    /// let letters = client.scope(|s| {
    ///     let lengths: Vec<_> = words.iter().map(|word| s.spawn(|| word.len())).collect();
    ///     lengths.iter().map(|length| length.result().copied()).sum::<Result<usize, _>>()
    /// })??;
    /// assert_eq!(letters, 12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn<R, F>(&'scope self, f: F) -> ScopedTask<'scope, R>
    where
        F: FnOnce() -> R + Send + 'scope,
        R: Send + Sync + 'scope,
    {
        let value = Arc::new(OnceLock::new());
        let slot = Arc::clone(&value);
        let body = self.lend(move || drop(slot.set(f())));
        let job = Job::new::<F, _, _>(move |_| {
            body.run();
            Ok(())
        });
        let spawned = self.spawned();
        let task: TaskFuture<()> =
            launch_alone(&spawned.engine, &at(Location::caller()), job, true);
        spawned.tasks.lock().push(task.clone());
        ScopedTask {
            task,
            value,
            scope: PhantomData,
        }
    }
}

/// A task of a [`Scope`], and its result. Dropping it changes nothing: the scope waits for the task.
pub struct ScopedTask<'scope, R> {
    task: TaskFuture<()>,
    value: Arc<OnceLock<R>>,
    scope: PhantomData<&'scope ()>,
}

impl<R> ScopedTask<'_, R> {
    /// Waits for the task and lends its result, as [`TaskFuture::result`].
    ///
    /// # Errors
    /// The task's error; `Deadlock` if the task waits for this one; `TooManyBlocked`.
    pub fn result(&self) -> Result<&R, TaskError> {
        self.task.result()?;
        let value = self.value.get();
        Ok(value.expect("a body that has ended well has set it"))
    }

    /// Cancels the task if it has not started, else sets its cancel token. The scope still waits for a body that runs,
    /// and then ends with the error.
    pub fn cancel(&self) {
        self.task.cancel();
    }
}

impl<R> fmt::Debug for ScopedTask<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask").finish_non_exhaustive()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("tasks", &self.spawned().tasks.lock().len())
            .finish_non_exhaustive()
    }
}
