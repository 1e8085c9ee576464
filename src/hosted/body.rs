//! A call from elsewhere, until it runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::attendant::{Attendant, End};
use super::output::Output;
use crate::attempts::Reschedule;
use crate::call::Portable;
use crate::call::hosting::{Args, Eventually, Info, Parcel, Run, decode, future_in};
use crate::client::current_blame;
use crate::error::{Blame, Failure, TaskError};
use crate::pool::job::{RunContext, Runs};
use crate::pool::local;
use crate::pool::polled;
use crate::pool::run::{Panic, failed, guarded, panicked};
use crate::pool::want::TaskRef;

/// A call that is decoded when it runs, and attended to.
pub(crate) struct Hosted<A: Args, R> {
    pub(crate) run: Run<A, R>,
    pub(crate) parcel: Arc<Parcel>,
    pub(crate) function: &'static Info,
    pub(crate) attendant: Arc<dyn Attendant>,
}

impl<A: Args, R: Portable> Runs<R> for Hosted<A, R> {
    fn run(self, context: &RunContext<'_>) -> Result<R, Failure> {
        let Self {
            run,
            parcel,
            function,
            attendant,
        } = self;
        if !attendant.begins() {
            return Err("it was given back before it began".into());
        }
        let ran = guarded(|| {
            let mut held = decode::<A>(&parcel, function, false, context)?;
            // With its wants of the handles in the arguments: those are the function's alone.
            drop(parcel);
            run(A::give(&mut held, context))
        });
        let task = || TaskRef::own(Arc::clone(&context.local.anchor), retained(context));
        match ran {
            Ok(Ok(value)) => {
                tell(&*attendant, End::Value(Output::new(&value, &task)));
                Ok(value)
            }
            Ok(Err(failure)) => match future_in::<R>(failure) {
                Ok(future) => Err(attend_to(future, attendant, context)),
                Err(failure) => Err(tell_failure(&*attendant, failure, || blame(context))),
            },
            Err(panic) => tell_panic(&*attendant, panic, blame(context)),
        }
    }
}

fn retained(context: &RunContext<'_>) -> u32 {
    context.graph.retain(context.index);
    context.index
}

fn blame(context: &RunContext<'_>) -> Blame {
    context.local.engine.blame(context.index)
}

/// Tells how the body of the task on this thread ended, or that it was too late.
fn tell(attendant: &dyn Attendant, end: End<'_>) {
    attendant.ends(overrun_here().map_or(end, End::Failed));
}

/// The error of the task on this thread, if its time is over.
fn overrun_here() -> Option<TaskError> {
    let local = local::current()?;
    local.engine.overrun_error(local.task.get())
}

/// Tells of an error, and gives it back as the task's.
fn tell_failure(attendant: &dyn Attendant, failure: Failure, blame: impl Fn() -> Blame) -> Failure {
    if let Some(error) = overrun_here() {
        attendant.ends(End::Failed(error));
        return failure;
    }
    if failure.is::<Reschedule>() {
        attendant.ends(End::Rescheduled);
        return failure;
    }
    let error = failed(failure, blame());
    attendant.ends(End::Failed(error.clone()));
    Box::new(error)
}

/// Tells of a panic, and goes on panicking.
fn tell_panic(attendant: &dyn Attendant, panic: Panic, blame: Blame) -> ! {
    tell(attendant, End::Failed(panicked(&panic, blame)));
    panic.resume()
}

/// The task is a future from here on.
fn attend_to<R: Portable>(
    future: Eventually<R>,
    attendant: Arc<dyn Attendant>,
    context: &RunContext<'_>,
) -> Failure {
    let attended = Attended {
        future,
        attendant: Some(attendant),
    };
    polled::suspend_as::<R>(context, Box::pin(attended))
}

/// A future that is attended to.
struct Attended<R> {
    future: Eventually<R>,
    /// There until it was told of the end.
    attendant: Option<Arc<dyn Attendant>>,
}

impl<R: Portable> Future for Attended<R> {
    type Output = Result<R, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = match guarded(|| self.future.as_mut().poll(context)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(panic) => Err(panic),
        };
        let attendant = self.attendant.take().expect("it ends once");
        match polled {
            Ok(Ok(value)) => {
                let output = Output::new(&value, &current_task);
                tell(&*attendant, End::Value(output));
                Poll::Ready(Ok(value))
            }
            Ok(Err(failure)) => Poll::Ready(Err(tell_failure(&*attendant, failure, current_blame))),
            Err(panic) => tell_panic(&*attendant, panic, current_blame()),
        }
    }
}

/// The task that is polled on this thread.
fn current_task() -> TaskRef {
    let local = local::current().expect("a future is polled as a task");
    let index = local.task.get();
    local.engine.graph.retain(index);
    TaskRef::own(Arc::clone(&local.anchor), index)
}

impl<R> Drop for Attended<R> {
    fn drop(&mut self) {
        if let Some(attendant) = self.attendant.take() {
            attendant.ends(End::Dropped);
        }
    }
}

/// The error that a task has failed of since its time was over, if that is why it has.
pub(super) fn overrun(task: &TaskRef) -> Option<TaskError> {
    task.engine().timeout_error(task.index())
}
