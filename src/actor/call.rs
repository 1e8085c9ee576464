//! One call in a mailbox.

use std::sync::Arc;

use super::resident::Resident;
use crate::error::Failure;
#[cfg(feature = "task")]
use crate::error::{Blame, TaskError};
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::pool::Engine;
use crate::pool::local::Local;
use crate::pool::promise::Promise;
use crate::pool::run::guarded;

/// What stands in a mailbox of an actor with this state.
pub(super) trait Call<S>: Send {
    /// Its node.
    fn index(&self) -> u32;

    /// Runs it and settles it, unless it was cancelled.
    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>);

    /// Settles it as cancelled.
    fn cancel(self: Box<Self>);
}

/// The right to settle a call.
pub(super) struct Ticket<R: Send + Sync + 'static>(Promise<R>);

impl<R: Send + Sync + 'static> Ticket<R> {
    /// Its node is detached: the call runs whether or not its future is kept. A want held until the end would do that
    /// too, but who takes the result then would not find itself its sole owner.
    pub(super) fn new(engine: &Arc<Engine>, spec: &Spec) -> (Self, TaskFuture<R>) {
        let (promise, future) = Promise::new(engine, spec);
        future.clone().detach();
        (Self(promise), future)
    }

    /// Fails the node.
    #[cfg(feature = "task")]
    pub(super) fn fail(self, error: impl FnOnce(Blame) -> TaskError) {
        let blame = self.blame();
        self.0.settle(Err(error(blame)));
    }

    #[cfg(feature = "task")]
    pub(super) fn blame(&self) -> Blame {
        self.0.engine().blame(self.0.index())
    }

    #[cfg(feature = "task")]
    pub(super) fn index(&self) -> u32 {
        self.0.index()
    }

    #[cfg(feature = "task")]
    pub(super) fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    #[cfg(feature = "task")]
    pub(super) fn run(
        self,
        local: &Local,
        body: impl FnOnce() -> Result<R, Failure>,
    ) -> Result<(), TaskError> {
        self.0.run(local, body)
    }

    /// Drops the closure and settles the node as cancelled.
    pub(super) fn cancel(self, closure: impl Sized) {
        let _ = guarded(|| drop(closure));
        self.0.cancel();
    }
}

/// The call of a closure.
pub(super) struct Run<R: Send + Sync + 'static, F> {
    ticket: Ticket<R>,
    f: F,
}

impl<R: Send + Sync + 'static, F> Run<R, F> {
    pub(super) fn new(ticket: Ticket<R>, f: F) -> Self {
        Self { ticket, f }
    }
}

impl<S, R, F> Call<S> for Run<R, F>
where
    F: FnOnce(&mut S) -> Result<R, Failure> + Send,
    R: Send + Sync + 'static,
{
    fn index(&self) -> u32 {
        self.ticket.0.index()
    }

    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>) {
        let Self { ticket, f } = *self;
        if ticket.0.is_cancelled() {
            return ticket.cancel(f);
        }
        let Ticket(promise) = ticket;
        match resident.state() {
            Ok(state) => {
                if let Err(panic) = promise.run(local, || f(state)) {
                    resident.poison(panic);
                }
            }
            Err(why) => {
                let _ = guarded(|| drop(f));
                let error = why.refusal(local.engine.blame(promise.index()));
                promise.settle(Err(error));
            }
        }
    }

    fn cancel(self: Box<Self>) {
        let Self { ticket, f } = *self;
        ticket.cancel(f);
    }
}

/// The call that makes a new state.
pub(super) struct Remake(Ticket<()>);

impl Remake {
    pub(super) fn new(ticket: Ticket<()>) -> Self {
        Self(ticket)
    }
}

impl<S> Call<S> for Remake {
    fn index(&self) -> u32 {
        self.0.0.index()
    }

    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>) {
        let Self(ticket) = *self;
        if ticket.0.is_cancelled() {
            return ticket.cancel(());
        }
        let Ticket(promise) = ticket;
        let mut made = None;
        let run = promise.run(local, || {
            made = resident.remake();
            Ok(())
        });
        match run {
            Ok(()) => resident.house(made),
            Err(panic) => resident.poison(panic),
        }
    }

    fn cancel(self: Box<Self>) {
        let Self(ticket) = *self;
        ticket.cancel(());
    }
}
