//! Awaiting handles, on any executor.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::TaskError;
use crate::future::TaskFuture;
use crate::pool::job;
use crate::pool::local;
use crate::pool::waiters::{WaiterId, Wake};
use crate::pool::want::TaskRef;

/// The future of a borrowed handle: `(&handle).await` lends the result.
#[must_use = "futures do nothing unless polled"]
pub struct Awaiting<'a, T> {
    handle: &'a TaskFuture<T>,
    waiter: Watching,
}

/// The future of a handle: `handle.await` gives the result with a claim on it, a [`Value`].
#[must_use = "futures do nothing unless polled"]
pub struct AwaitingOwned<T> {
    handle: TaskFuture<T>,
    waiter: Watching,
}

/// The result of a task, kept as long as this lives; dereferences to it.
pub struct Value<T> {
    task: TaskRef,
    of: PhantomData<fn() -> T>,
}

impl<T> Value<T> {
    /// The task is finished with a `T`.
    pub(crate) fn new(task: TaskRef) -> Self {
        Self {
            task,
            of: PhantomData,
        }
    }
}

impl<T: Send + Sync + 'static> Deref for Value<T> {
    type Target = T;

    fn deref(&self) -> &T {
        job::value(&self.task.engine().graph, self.task.index())
    }
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self {
            task: self.task.clone(),
            of: PhantomData,
        }
    }
}

impl<T: fmt::Debug + Send + Sync + 'static> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Value").field(&**self).finish()
    }
}

/// The one waiter cell of a future, re-armed at every poll.
#[derive(Debug, Default)]
struct Watching(Option<WaiterId>);

impl Watching {
    fn poll(&mut self, task: &TaskRef, context: &Context<'_>) -> Poll<()> {
        if task.is_settled() {
            self.leave(task);
            return Poll::Ready(());
        }
        #[cfg(feature = "task")]
        if task.engine().calls_leave() {
            task.engine().want_from_elsewhere(task.index());
        }
        let wake = Wake::Async(context.waker().clone());
        local::with(task.engine(), |local| {
            let waiters = &local.engine.waiters;
            if let Some(waiter) = self.0 {
                // Woken already: then the task is settled.
                return if waiters.renew(waiter, wake) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                };
            }
            let waiter = waiters.arm(task.index() as usize, wake);
            let watching =
                local
                    .engine
                    .graph
                    .watch(&mut local.state().cache, task.index(), waiter.number);
            if watching {
                self.0 = Some(waiter);
                local.engine.waits.count_async(true);
                local.engine.monitor.watch(&local.engine);
                Poll::Pending
            } else {
                waiters.disarm(waiter);
                Poll::Ready(())
            }
        })
    }

    fn leave(&mut self, task: &TaskRef) {
        if let Some(waiter) = self.0.take() {
            task.engine().waits.count_async(false);
            local::with(task.engine(), |local| local.leave(task.index(), waiter));
        }
    }
}

impl<'a, T: Send + Sync + 'static> Future for Awaiting<'a, T> {
    type Output = Result<&'a T, TaskError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { handle, waiter } = self.get_mut();
        waiter
            .poll(handle.task(), context)
            .map(|()| handle.settled())
    }
}

impl<T: Send + Sync + 'static> Future for AwaitingOwned<T> {
    type Output = Result<Value<T>, TaskError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { handle, waiter } = self.get_mut();
        waiter.poll(handle.task(), context).map(|()| {
            handle.settled()?;
            Ok(Value::new(handle.task().clone()))
        })
    }
}

impl<'a, T: Send + Sync + 'static> IntoFuture for &'a TaskFuture<T> {
    type Output = Result<&'a T, TaskError>;
    type IntoFuture = Awaiting<'a, T>;

    fn into_future(self) -> Awaiting<'a, T> {
        Awaiting {
            handle: self,
            waiter: Watching::default(),
        }
    }
}

impl<T: Send + Sync + 'static> IntoFuture for TaskFuture<T> {
    type Output = Result<Value<T>, TaskError>;
    type IntoFuture = AwaitingOwned<T>;

    fn into_future(self) -> AwaitingOwned<T> {
        AwaitingOwned {
            handle: self,
            waiter: Watching::default(),
        }
    }
}

impl<T> Drop for Awaiting<'_, T> {
    fn drop(&mut self) {
        self.waiter.leave(self.handle.task());
    }
}

impl<T> Drop for AwaitingOwned<T> {
    fn drop(&mut self) {
        self.waiter.leave(self.handle.task());
    }
}

impl<T> fmt::Debug for Awaiting<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Awaiting").field(self.handle).finish()
    }
}

impl<T> fmt::Debug for AwaitingOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AwaitingOwned").field(&self.handle).finish()
    }
}
