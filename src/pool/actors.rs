//! The actors of an engine, for those who ask what a call of one waits for.
//!
//! All calls of an actor have one number in [`Spec::extra`](crate::graph::Spec), from a range of their own, which leads
//! here. A number is followed only for a call that has not settled: such a call stands in its actor's mailbox or is in
//! progress there, either of which keeps the actor, so that the number still is that actor's.

use std::sync::{Arc, Weak};

use parking_lot::RwLock;
use slab::Slab;

use super::Engine;
use super::extras::SHARED;
use super::local::Local;
use crate::graph::State;

/// What an engine asks of an actor, whatever its state is.
pub(crate) trait Mailbox: Send + Sync {
    /// The actor's name.
    fn name(&self) -> String;

    /// The call in progress: named from before it begins until it has settled, and may be still when it has.
    fn in_progress(&self) -> Option<u32>;

    /// The call in progress, if there is no room now: who waits for room waits for that.
    fn holds_up(&self) -> Option<u32>;

    /// Runs the first call on this thread, which waits for `target`, one of the calls. No: another thread is at it.
    fn run_one(self: Arc<Self>, local: &Local, target: u32) -> bool;

    /// Cancels the calls that have not begun.
    fn cancel_calls(&self);

    /// The same, and takes no more.
    fn close(&self);
}

/// The actors, by the numbers that their calls have.
#[derive(Debug, Default)]
pub(crate) struct Actors(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    mailboxes: Slab<Weak<dyn Mailbox>>,
    closed: bool,
}

impl Actors {
    /// Enters what `make` makes, of its number and of whether the engine is closed already.
    pub(crate) fn enter<M: Mailbox + 'static>(&self, make: impl FnOnce(u32, bool) -> M) -> Arc<M> {
        let table = &mut *self.0.write();
        let entry = table.mailboxes.vacant_entry();
        let mailbox = Arc::new(make(SHARED + entry.key() as u32, table.closed));
        let weak: Weak<M> = Arc::downgrade(&mailbox);
        entry.insert(weak);
        mailbox
    }

    /// Forgets an actor of which nothing is left.
    pub(crate) fn leave(&self, number: u32) {
        let place = (number - SHARED) as usize;
        let _ = self.0.write().mailboxes.try_remove(place);
    }

    /// The actor of this number, if it is one and the actor is still there.
    pub(crate) fn get(&self, number: u32) -> Option<Arc<dyn Mailbox>> {
        let place = number.checked_sub(SHARED)? as usize;
        let table = self.0.read();
        table.mailboxes.get(place)?.upgrade()
    }

    /// Closes all mailboxes, those of actors to come too.
    pub(super) fn close(&self) {
        self.0.write().closed = true;
        self.all().iter().for_each(|mailbox| mailbox.close());
    }

    /// Cancels all calls that have not begun.
    pub(super) fn cancel_calls(&self) {
        self.all().iter().for_each(|mailbox| mailbox.cancel_calls());
    }

    fn all(&self) -> Vec<Arc<dyn Mailbox>> {
        let table = self.0.read();
        let all = table.mailboxes.iter();
        all.filter_map(|(_, mailbox)| mailbox.upgrade()).collect()
    }
}

impl Engine {
    /// The actor that a pinned task is a call of.
    fn actor_of(&self, index: u32) -> Option<Arc<dyn Mailbox>> {
        self.actors.get(self.graph.extra(index))
    }

    /// The call that must end before there is room at the actor of this number; none if there is room, which who waits
    /// for it may not have seen yet.
    pub(super) fn call_at(&self, actor: u32) -> Option<u32> {
        self.actors.get(actor)?.holds_up()
    }

    /// The call in progress that a pinned call must wait for.
    pub(super) fn call_ahead(&self, index: u32) -> Option<u32> {
        let ahead = self.actor_of(index)?.in_progress()?;
        (ahead != index && self.graph.state(index) == State::Running).then_some(ahead)
    }

    /// The actor at which a pinned task is a call that has not begun, and that actor's call in progress.
    fn queued_at(&self, index: u32) -> Option<(Arc<dyn Mailbox>, Option<u32>)> {
        let actor = self.actor_of(index)?;
        let ahead = actor.in_progress();
        // Looked at last: a call that had begun and is not settled now was in progress above.
        let queued = ahead != Some(index) && self.graph.state(index) == State::Running;
        queued.then_some((actor, ahead))
    }

    /// Whether a pinned task is a call that has not begun. Its node is running from the start.
    pub(crate) fn is_queued_call(&self, index: u32) -> bool {
        self.queued_at(index).is_some()
    }

    /// Why a pinned task does not run, if it is a call that has not begun.
    pub(super) fn explain_call(&self, local: &Local, label: &str, index: u32) -> Option<String> {
        let (actor, ahead) = self.queued_at(index)?;
        let ahead = ahead.and_then(|ahead| {
            local.pinned(ahead, || {
                let made = self.graph.location(ahead);
                let made = made.map_or_else(String::new, |at| format!(", made at {at}"));
                let why = self.explain_running(local, &self.label(ahead), ahead);
                format!("behind the call in progress{made}: {why}")
            })
        });
        let why = ahead.unwrap_or_else(|| "and has its turn when a thread is free".to_owned());
        Some(format!(
            "{label} is in the mailbox of actor `{}` {why}",
            actor.name()
        ))
    }
}

impl Local {
    /// Runs the next call of the actor that `target`, which the caller wants, is queued at. No: it is no such call, or
    /// another thread is at it.
    pub(super) fn run_call_ahead(&self, target: u32) -> bool {
        let actor = self.engine.queued_at(target);
        actor.is_some_and(|(actor, _)| actor.run_one(self, target))
    }
}
