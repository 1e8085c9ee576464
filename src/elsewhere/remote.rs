//! What the node of a task elsewhere has in its extra.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};

use parking_lot::Mutex;

use super::held::{self, Held};
use super::rerun::KeptCall;
use crate::blocking::blocking;
use crate::call::AnyHandle;
use crate::driver::Backend;
use crate::error::Failure;
use crate::future::Status;
use crate::graph::{Graph, Outcome, State};
use crate::pool::Engine;
use crate::pool::job::{Claimed, Job};
use crate::pool::local::Local;
use crate::raw::array::Array;

/// Decodes the value of a task, of what has come and the handles beside it, and writes it.
pub(crate) type Land =
    fn(&Graph<Job>, &Claimed, Came<'_>, &Arc<[AnyHandle]>) -> Result<(), Failure>;

/// What a value has come as.
pub(crate) enum Came<'b> {
    Bytes(&'b [u8]),
    Array(Array),
}

/// A task elsewhere, as its node has it.
pub(crate) struct Remote {
    pub(super) land: Land,
    /// Its node, once that is made.
    index: AtomicU32,
    /// Nobody has begun to settle it.
    open: AtomicBool,
    /// Somebody waits for its value.
    wanted: AtomicBool,
    /// It is to run even when nobody wants it.
    detached: AtomicBool,
    seen: AtomicU8,
    /// The other side was asked how far it is.
    watched: AtomicBool,
    /// Waiters that are content when it has finished there.
    early: Mutex<Vec<u32>>,
    pub(super) stage: Mutex<Stage>,
    /// Of a task that may run again: its call.
    kept: Mutex<Option<Arc<KeptCall>>>,
}

/// How far it is on its way.
pub(super) enum Stage {
    /// It has not left. These wait until it has.
    Here(Vec<Arc<Held>>),
    /// It has this ticket.
    Sent(u64),
    /// It has ended before it left.
    Ended,
}

/// What the other side has said of it: how far it is, that it has finished, or that what came of it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Waiting,
    Queued,
    Running,
    Finished,
    Lost,
}

impl Remote {
    pub(super) fn new(land: Land) -> Self {
        Self {
            land,
            index: AtomicU32::new(0),
            open: AtomicBool::new(true),
            wanted: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            seen: AtomicU8::new(Seen::Nothing as u8),
            watched: AtomicBool::new(false),
            early: Mutex::default(),
            stage: Mutex::new(Stage::Here(Vec::new())),
            kept: Mutex::default(),
        }
    }

    /// Keeps its call, from the start.
    pub(super) fn keep(&self, call: Arc<KeptCall>) {
        *self.kept.lock() = Some(call);
    }

    pub(super) fn kept(&self) -> Option<Arc<KeptCall>> {
        self.kept.lock().clone()
    }

    /// Gives what it has kept, and with it the wants of other tasks.
    pub(crate) fn let_go(&self) -> Option<Arc<KeptCall>> {
        self.kept.lock().take()
    }

    /// Says which node it is.
    pub(super) fn stand_for(&self, index: u32) {
        self.index.store(index, Release);
    }

    pub(super) fn index(&self) -> u32 {
        self.index.load(Acquire)
    }

    /// Wins the right, and the duty, to settle the node.
    pub(super) fn win(&self) -> Option<Claimed> {
        let open = self.open.swap(false, AcqRel);
        open.then(|| Claimed::handed(self.index()))
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Acquire)
    }

    pub(super) fn see(&self, seen: Seen) {
        self.seen.store(seen as u8, Relaxed);
    }

    /// Whether it was not watched before.
    pub(super) fn watch_status(&self) -> bool {
        !self.watched.swap(true, Relaxed)
    }

    /// It is as far as this. One that was finished and is computed again is lost until it is finished.
    pub(super) fn stands(&self, status: Status) {
        let seen = match status {
            Status::Waiting => Seen::Waiting,
            Status::Running => Seen::Running,
            _ => Seen::Queued,
        };
        let open = |now| (now < Seen::Finished as u8).then_some(seen as u8);
        // It stays as it is.
        let _ = self.seen.fetch_update(Relaxed, Relaxed, open);
    }

    /// Its ticket, if nothing was said of it.
    pub(crate) fn unseen(&self) -> Option<u64> {
        let unseen = self.seen.load(Relaxed) == Seen::Nothing as u8;
        unseen.then(|| self.ticket())?
    }

    /// The status of a task that is not settled here.
    pub(crate) fn status(&self) -> Status {
        match self.seen.load(Relaxed) {
            seen if seen == Seen::Finished as u8 => Status::Finished,
            seen if seen == Seen::Lost as u8 => Status::Lost,
            seen if seen == Seen::Running as u8 => Status::Running,
            seen if seen == Seen::Waiting as u8 => Status::Waiting,
            seen if seen == Seen::Nothing as u8 && self.is_here() => Status::Waiting,
            _ => Status::Queued,
        }
    }

    /// Whether it has finished there, and what came of it is not lost.
    pub(crate) fn has_finished(&self) -> bool {
        self.seen.load(Relaxed) == Seen::Finished as u8
    }

    /// Has this waiter fired when it has finished there, or is settled here. No: it has, or is.
    fn watch(&self, engine: &Engine, waiter: u32) -> bool {
        // Who settles it looks for waiters, under the same lock, after that.
        let early = &mut *self.early.lock();
        if self.has_finished() || engine.graph.is_settled(self.index()) {
            return false;
        }
        early.push(waiter);
        true
    }

    /// This waiter has left. No: it is not here.
    fn leave(&self, waiter: u32) -> bool {
        let early = &mut *self.early.lock();
        let place = early.iter().position(|&other| other == waiter);
        place.map(|place| early.swap_remove(place)).is_some()
    }

    /// Fires those who have waited for its end there.
    pub(super) fn fire(&self, engine: &Engine) {
        let early = std::mem::take(&mut *self.early.lock());
        early
            .into_iter()
            .for_each(|waiter| engine.waiters.fire(waiter));
    }

    /// Its ticket, if it has left.
    pub(crate) fn ticket(&self) -> Option<u64> {
        match *self.stage.lock() {
            Stage::Sent(ticket) => Some(ticket),
            Stage::Here(_) | Stage::Ended => None,
        }
    }

    /// Whether it waits to leave.
    pub(super) fn is_here(&self) -> bool {
        matches!(*self.stage.lock(), Stage::Here(_))
    }

    /// Has somebody told when it has left. No: it has, or never will.
    pub(super) fn tell(&self, held: &Arc<Held>) -> bool {
        let stage = &mut *self.stage.lock();
        let Stage::Here(waiting) = stage else {
            return false;
        };
        waiting.push(Arc::clone(held));
        true
    }

    /// Somebody waits for its value.
    pub(crate) fn want(&self, backend: &dyn Backend) {
        if self.open.load(Acquire)
            && !self.wanted.swap(true, AcqRel)
            && let Some(ticket) = self.ticket()
        {
            backend.want(ticket);
        }
    }

    pub(crate) fn detach(&self) {
        self.detached.store(true, Relaxed);
    }

    /// Its task was cancelled, or nobody wants it any more, or its client ends.
    fn end(&self, local: &Local) {
        let Some(claimed) = self.win() else {
            return;
        };
        let index = claimed.index();
        let cancelled = local.engine.graph.state(index) == State::Cancelled;
        let waiting = self.end_here();
        if let (Some(ticket), true, Some(backend)) =
            (self.ticket(), cancelled, local.engine.backend())
        {
            backend.cancel(ticket);
        }
        local.engine.cancel(local, index);
        local.finish_outside(&claimed, Outcome::Nothing);
        self.fire(&local.engine);
        held::step_all(waiting);
    }

    /// It waits no longer to leave. Gives those that have waited for that.
    pub(super) fn end_here(&self) -> Vec<Arc<Held>> {
        let stage = &mut *self.stage.lock();
        match stage {
            Stage::Here(waiting) => {
                let waiting = std::mem::take(waiting);
                *stage = Stage::Ended;
                waiting
            }
            Stage::Sent(_) | Stage::Ended => Vec::new(),
        }
    }

    /// Its node is gone.
    pub(crate) fn freed(&self, backend: &dyn Backend) {
        if let Some(ticket) = self.ticket() {
            backend.release(ticket, self.detached.load(Relaxed));
        }
    }
}

impl Local {
    /// The task in this slot was cancelled, or nobody wants it any more. If it is one elsewhere, that ends here.
    ///
    /// The caller has not pinned it: the slot may be another task's by now. Then that one's token is not set, or the
    /// same is to be done for it; and of one that has ended nothing is done again.
    #[cold]
    pub(crate) fn end_elsewhere(&self, index: u32) {
        let Some(extra) = self.engine.extra(index) else {
            return;
        };
        if let (Some(calling), Some(backend)) = (&extra.calling, self.engine.backend())
            && self.engine.graph.is_cancel_requested(index)
        {
            calling.cancel(&**backend);
        }
        if let Some(remote) = &extra.remote
            && remote.index() == index
            && self.engine.graph.is_cancel_requested(index)
        {
            remote.end(self);
        }
    }
}

impl Local {
    /// Has a waiter fired when a task, which its owner wants, has ended: as its status says, so its result may still be
    /// elsewhere. No: it has ended.
    pub(crate) fn watch_end(&self, index: u32, waiter: u32) -> bool {
        let engine = &self.engine;
        if engine.calls_leave()
            && let Some(watching) = engine.with_remote(index, |remote| remote.watch(engine, waiter))
        {
            return watching;
        }
        engine.graph.watch(&mut self.state().cache, index, waiter)
    }
}

impl Engine {
    /// Whether a pinned task has ended, as its status says.
    pub(crate) fn has_ended(&self, index: u32) -> bool {
        self.graph.is_settled(index)
            || self.calls_leave() && self.with_remote(index, Remote::has_finished) == Some(true)
    }

    /// Whether a pinned task runs elsewhere.
    pub(crate) fn is_elsewhere(&self, index: u32) -> bool {
        self.calls_leave() && self.with_remote(index, |_| ()).is_some()
    }

    /// Takes a waiter that has left back from a pinned task elsewhere. No: it does not wait for such a one.
    #[cold]
    pub(crate) fn leave_elsewhere(&self, index: u32, waiter: u32) -> bool {
        self.with_remote(index, |remote| remote.leave(waiter)) == Some(true)
    }

    /// What a pinned task that runs elsewhere has.
    pub(crate) fn with_remote<R>(&self, index: u32, f: impl FnOnce(&Remote) -> R) -> Option<R> {
        self.extra(index)?.remote.as_ref().map(f)
    }

    /// Somebody waits for the value of a pinned task.
    #[cold]
    pub(crate) fn want_from_elsewhere(&self, index: u32) {
        if let Some(backend) = self.backend() {
            self.with_remote(index, |remote| remote.want(&**backend));
        }
    }

    /// Has the status of a pinned task told by the other side, if it runs there and nothing was said of it.
    #[inline]
    pub(crate) fn watch_elsewhere(&self, index: u32) {
        if self.calls_leave() && !self.graph.is_settled(index) {
            self.ask_status(index);
        }
    }

    #[cold]
    fn ask_status(&self, index: u32) {
        let ticket = self.with_remote(index, Remote::unseen).flatten();
        if let (Some(ticket), Some(backend)) = (ticket, self.backend()) {
            blocking(|| backend.watch(ticket));
        }
    }

    /// Why a pinned task that runs elsewhere does not run, or is not done, as the other side says.
    pub(crate) fn explain_elsewhere(&self, index: u32) -> Option<String> {
        let backend = self.backend()?;
        if self.graph.is_settled(index) {
            return None;
        }
        let label = self.label(index);
        match self.with_remote(index, |remote| remote.ticket())? {
            Some(ticket) => backend.explain(ticket, &label),
            None => Some(format!(
                "{label} has not left this process: it waits for its inputs here, or for what they need"
            )),
        }
    }

    /// This thread is about to wait.
    #[cold]
    pub(crate) fn flush_elsewhere(&self) {
        if let Some(backend) = self.backend() {
            backend.flush();
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("ticket", &self.ticket())
            .finish_non_exhaustive()
    }
}
