//! What a call is in the graph until it runs: the function and its arguments.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;

use super::args::Args;
use crate::error::Failure;
use crate::pool::job::{RunContext, Runs};
use crate::pool::polled;

/// The function, with its outcome made uniform. A pointer: functions of one signature share the rest of the code.
pub(crate) type Run<A, R> = for<'a> fn(<A as Args>::Given<'a>) -> Result<R, Failure>;

/// A call that runs once, and is given its arguments.
pub(super) struct Body<A: Args, R> {
    pub(super) run: Run<A, R>,
    pub(super) args: A::Held,
}

/// One of several attempts, which share the arguments.
pub(super) struct Attempt<A: Args, R> {
    pub(super) run: Run<A, R>,
    pub(super) args: Arc<A::Held>,
}

impl<A: Args, R: Send + Sync + 'static> Runs<R> for Body<A, R> {
    #[inline]
    fn run(mut self, context: &RunContext<'_>) -> Result<R, Failure> {
        let ran = (self.run)(A::give(&mut self.args, context));
        ran.map_err(|failure| go_on::<R>(failure, context))
    }
}

impl<A: Args, R: Send + Sync + 'static> Runs<R> for Attempt<A, R> {
    fn run(self, context: &RunContext<'_>) -> Result<R, Failure> {
        let ran = (self.run)(A::lend(&self.args, context));
        ran.map_err(|failure| go_on::<R>(failure, context))
    }
}

pub(crate) type Eventually<R> = Pin<Box<dyn Future<Output = Result<R, Failure>> + Send>>;

/// What an async function gives as its error: the future that the task is from here on.
pub(super) struct Later<R>(Mutex<Option<Eventually<R>>>);

impl<R> Later<R> {
    pub(super) fn failure(future: Eventually<R>) -> Failure
    where
        R: 'static,
    {
        Box::new(Self(Mutex::new(Some(future))))
    }
}

/// The future in what a function gave as its error, if it is one.
pub(crate) fn future_in<R: 'static>(failure: Failure) -> Result<Eventually<R>, Failure> {
    let later = failure.downcast::<Later<R>>()?;
    Ok(later.0.into_inner().expect("it is taken once, here"))
}

/// What the engine is told instead: the error, or that the task goes on as a future.
#[cold]
fn go_on<R: Send + Sync + 'static>(failure: Failure, context: &RunContext<'_>) -> Failure {
    match future_in::<R>(failure) {
        Ok(future) => polled::suspend_as(context, future),
        Err(failure) => failure,
    }
}

/// What a `#[task]` function may fail with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a task",
    label = "not an error, a text or a boxed error",
    note = "implement `std::error::Error` for the type, with `Send + Sync + 'static`, or give a `String`"
)]
pub trait Fails: Into<Failure> {}

#[diagnostic::do_not_recommend]
impl<E: Into<Failure>> Fails for E {}

/// The outcome of a function that may fail.
pub fn fallible<R, E: Fails>(outcome: Result<R, E>) -> Result<R, Failure> {
    outcome.map_err(Into::into)
}

/// The outcome of an async function.
pub fn later<R: 'static>(future: impl Future<Output = R> + Send + 'static) -> Result<R, Failure> {
    Err(Later::failure(Box::pin(async { Ok(future.await) })))
}

/// The outcome of an async function that may fail.
pub fn later_fallible<R: 'static, E: Fails>(
    future: impl Future<Output = Result<R, E>> + Send + 'static,
) -> Result<R, Failure> {
    Err(Later::failure(Box::pin(async {
        future.await.map_err(Into::into)
    })))
}

impl<R> fmt::Debug for Later<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

impl<R> fmt::Display for Later<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("goes on as a future")
    }
}

impl<R> std::error::Error for Later<R> {}
