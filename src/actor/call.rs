//! One call in a mailbox.

use std::sync::Arc;

use super::resident::Resident;
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::pool::Engine;
use crate::pool::local::Local;
use crate::pool::promise::Promise;
use crate::pool::run::guarded;
use crate::pool::want::TaskRef;

/// What stands in a mailbox of an actor with this state.
pub(super) trait Call<S>: Send {
    /// Its node.
    fn index(&self) -> u32;

    /// Runs it and settles it, unless it was cancelled, and hands its want of the node back.
    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>) -> TaskRef;

    /// Settles it as cancelled.
    fn cancel(self: Box<Self>);
}

/// The node of a call: the right to settle it, and a want, so that it runs whether or not its future is kept.
pub(super) struct Ticket<R: Send + Sync + 'static> {
    promise: Promise<R>,
    want: TaskRef,
}

impl<R: Send + Sync + 'static> Ticket<R> {
    pub(super) fn new(engine: &Arc<Engine>, spec: &Spec) -> (Self, TaskFuture<R>) {
        let (promise, future) = Promise::new(engine, spec);
        let want = future.task().clone();
        (Self { promise, want }, future)
    }

    /// Drops the closure and settles the node as cancelled.
    fn cancel(self, closure: impl Sized) -> TaskRef {
        let _ = guarded(|| drop(closure));
        self.promise.cancel();
        self.want
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
        self.ticket.promise.index()
    }

    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>) -> TaskRef {
        let Self { ticket, f } = *self;
        if ticket.promise.is_cancelled() {
            return ticket.cancel(f);
        }
        let Ticket { promise, want } = ticket;
        match resident.state() {
            Ok(state) => {
                if let Err(panic) = promise.run(local, || f(state)) {
                    resident.poison(panic);
                }
            }
            Err(why) => {
                let _ = guarded(|| drop(f));
                promise.settle(Err(why.refusal(local.engine.blame(want.index()))));
            }
        }
        want
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
        self.0.promise.index()
    }

    fn run(self: Box<Self>, local: &Local, resident: &mut Resident<S>) -> TaskRef {
        let Self(ticket) = *self;
        if ticket.promise.is_cancelled() {
            return ticket.cancel(());
        }
        let Ticket { promise, want } = ticket;
        let mut made = None;
        let run = promise.run(local, || {
            made = resident.remake();
            Ok(())
        });
        match run {
            Ok(()) => resident.house(made),
            Err(panic) => resident.poison(panic),
        }
        want
    }

    fn cancel(self: Box<Self>) {
        let Self(ticket) = *self;
        ticket.cancel(());
    }
}
