//! State that threads and async code wait for: what queues and variables are made of.
//!
//! 1. One lock guards the state and its lines of waiters. An attempt that does not succeed and the entry into a line
//!    are never separated by a change that goes untold: a thread looks again after it has entered, async code enters
//!    under the lock of its attempt.
//! 2. After each change, and when somebody gives up who may have been told, the state rings: it takes out of the lines
//!    those whose turn it is. A wake-up is thus never lost with a waiter that left.
//! 3. They are woken, and what the change let go of is dropped, once the lock has been given back: wakers and values
//!    are user code.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use parking_lot::Mutex;

use super::line::Line;
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::async_wait::AsyncWait;
use crate::pool::local;
use crate::pool::waiters::Wake;
use crate::pool::waits::On;

/// State that has lines of waiters.
pub(super) trait Lines {
    /// What somebody waits for.
    type Aim: Copy;

    fn line(&mut self, aim: Self::Aim) -> &mut Line;

    /// Whether who waits for this may go on. A hint: somebody else may be faster.
    fn may(&self, aim: Self::Aim) -> bool;

    /// Takes those whose turn it is out of their lines.
    fn ring(&mut self, told: &mut Vec<Wake>);
}

/// State under a lock, with a name.
pub(super) struct Watched<S> {
    pub(super) name: Box<str>,
    what: Arc<str>,
    state: Mutex<S>,
}

impl<S: Lines> Watched<S> {
    /// `kind` and name are what `explain` calls it.
    pub(super) fn new(kind: &str, name: &str, state: S) -> Self {
        Self {
            name: name.into(),
            what: format!("{kind} `{name}`").into(),
            state: Mutex::new(state),
        }
    }

    /// Only looks.
    pub(super) fn read<R>(&self, f: impl FnOnce(&S) -> R) -> R {
        f(&self.state.lock())
    }

    /// Changes the state and wakes whose turn it is then.
    pub(super) fn change<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        let mut told = Vec::new();
        let result = {
            let state = &mut *self.state.lock();
            let result = f(state);
            state.ring(&mut told);
            result
        };
        told.into_iter().for_each(Wake::wake);
        result
    }

    /// Attempts a change until it succeeds; waits between.
    ///
    /// # Errors
    /// `TimedOut`, or why the wait was refused.
    pub(super) fn until<R>(
        &self,
        engine: &Arc<Engine>,
        aim: S::Aim,
        deadline: Option<Instant>,
        mut attempt: impl FnMut(&mut S) -> Option<R>,
    ) -> Result<R, WaitError> {
        let mut waited = Ok(());
        loop {
            match (self.change(&mut attempt), waited) {
                (Some(result), _) => return Ok(result),
                (None, Err(error)) => return Err(error),
                (None, Ok(())) => waited = self.wait(engine, aim, deadline),
            }
        }
    }

    /// Waits in a line until it is told, or until it may go on. When somebody else was faster, the caller enters it
    /// again.
    fn wait(
        &self,
        engine: &Arc<Engine>,
        aim: S::Aim,
        deadline: Option<Instant>,
    ) -> Result<(), WaitError> {
        local::waiting(engine, |local| {
            // Before this thread enters the line: what a destructor waits for must not use up its wake-up.
            local.settle_all();
            local.parker.reset();
            let wake = Wake::Thread(Arc::clone(&local.parker));
            let ticket = self.state.lock().line(aim).enter(wake);
            let done = || {
                let state = &mut *self.state.lock();
                state.may(aim) || !state.line(aim).has(ticket)
            };
            let waited = local.block(On::Event(Arc::clone(&self.what)), deadline, done);
            self.state.lock().line(aim).leave(ticket);
            waited
        })
    }
}

/// One wait of async code. Dropped, it leaves its line and passes on what it was told.
pub(super) struct Turn<S: Lines> {
    of: Arc<Watched<S>>,
    engine: Arc<Engine>,
    aim: S::Aim,
    ticket: Option<u64>,
    wait: Option<AsyncWait>,
}

impl<S: Lines> Turn<S> {
    pub(super) fn new(of: &Arc<Watched<S>>, engine: &Arc<Engine>, aim: S::Aim) -> Self {
        Self {
            of: Arc::clone(of),
            engine: Arc::clone(engine),
            aim,
            ticket: None,
            wait: None,
        }
    }

    /// Attempts a change; until it succeeds, stands in line.
    pub(super) fn poll<R>(
        &mut self,
        context: &Context<'_>,
        attempt: impl FnOnce(&mut S) -> Option<R>,
    ) -> Poll<R> {
        let Self {
            of, aim, ticket, ..
        } = self;
        let mut wake = Some(Wake::Async(context.waker().clone()));
        let (result, _left) = of.change(|state| {
            let result = attempt(state);
            let line = state.line(*aim);
            if result.is_some() {
                return (result, ticket.take().and_then(|ticket| line.leave(ticket)));
            }
            let kept = ticket.zip(wake.as_mut());
            if !kept.is_some_and(|(ticket, wake)| line.renew(ticket, wake)) {
                *ticket = wake.take().map(|wake| line.enter(wake));
            }
            (None, None)
        });
        match result {
            Some(result) => {
                self.wait = None;
                Poll::Ready(result)
            }
            None => {
                self.wait
                    .get_or_insert_with(|| AsyncWait::begin(&self.engine));
                Poll::Pending
            }
        }
    }
}

impl<S: Lines> Drop for Turn<S> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            drop(self.of.change(|state| state.line(self.aim).leave(ticket)));
        }
    }
}
