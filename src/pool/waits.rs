//! Every parked wait of an engine, with the waits of the bodies further down its stack: the detector, `explain` and the
//! urgent queue read them.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::time::Instant;

use parking_lot::Mutex;
use slab::Slab;
use smallvec::SmallVec;

use super::local::Local;
use super::parker::Parker;
use crate::completions::Completions;
use crate::error::WaitError;
use crate::sync::Claim;

/// What a wait waits for.
#[derive(Clone, Debug)]
pub(crate) enum On {
    /// This task, whatever else happens.
    Task(u32),
    /// This task, until a deadline.
    TimedTask(u32),
    /// Any member of a set.
    AnyOf(Arc<Completions>),
    /// Locks of ours: whoever holds them must give them back.
    Lock(Arc<Claim>),
    /// Locks of ours, until a deadline.
    TimedLock(Arc<Claim>),
    /// Room in the mailbox of the actor of this number.
    Room(u32),
    /// Bodies of a scope, which are settled already.
    Bodies,
    /// A queue, a variable: something that any task or thread may bring about. The text says what.
    Event(Arc<str>),
}

impl On {
    /// Whether tasks bring about what is waited for, and so need nothing of who waits: or else it may be up to other
    /// threads, which give it to this very wait, or wait for this thread in turn.
    #[cfg(feature = "rayon")]
    pub(super) fn is_up_to_tasks(&self) -> bool {
        match self {
            Self::Task(_) | Self::TimedTask(_) | Self::AnyOf(_) | Self::Room(_) | Self::Bodies => {
                true
            }
            Self::Lock(_) | Self::TimedLock(_) | Self::Event(_) => false,
        }
    }
}

/// A body on a thread's stack, and what it waits for.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) task: u32,
    pub(crate) on: On,
}

/// A parked wait.
#[derive(Debug)]
pub(crate) struct Record {
    /// Outermost first; the last is the wait itself, with task 0 outside of tasks.
    pub(crate) frames: SmallVec<[Frame; 1]>,
    pub(crate) since: Instant,
    /// Numbers the parks of this engine.
    pub(crate) epoch: u64,
    /// The detector has walked from here.
    pub(crate) walked: bool,
    parker: Arc<Parker>,
    verdict: Option<WaitError>,
}

impl Record {
    /// Ends the wait with an error.
    pub(crate) fn end(&mut self, verdict: WaitError) {
        self.verdict = Some(verdict);
        self.parker.unpark();
    }

    /// Whether it has been given an error that it has not taken yet.
    pub(crate) fn is_ended(&self) -> bool {
        self.verdict.is_some()
    }

    /// The task whose body waits; 0 outside of tasks.
    pub(crate) fn task(&self) -> Option<u32> {
        self.frames.last().map(|frame| frame.task)
    }

    pub(crate) fn is_in_task(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.task != 0)
    }
}

/// Whether a wait on this thread blocks a body that did not count as blocked before.
fn blocks(local: &Local) -> bool {
    local.in_task() && local.seat.is_some() && !local.seceded.get()
}

/// The waits of an engine.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    records: Mutex<Records>,
    waiting: AtomicUsize,
    blocked: AtomicUsize,
    /// Bodies among the blocked that have been told to go on, and are on their way.
    resuming: AtomicUsize,
}

/// All parked waits, by an arbitrary number.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) slab: Slab<Record>,
    epoch: u64,
    /// Tasks that had got into line for resources when the detector looked last.
    pub(super) arrivals: usize,
}

impl Waits {
    /// Bodies that are parked.
    pub(crate) fn blocked(&self) -> usize {
        self.blocked.load(Acquire)
    }

    /// Bodies that are parked and have not been told to go on. Who has been told is as good as at work: a new thread in
    /// its stead would only be the next to wait behind it.
    pub(super) fn stuck(&self) -> usize {
        self.blocked().saturating_sub(self.resuming.load(Acquire))
    }

    /// A blocked body is told to go on, or has done so.
    pub(super) fn count_resuming(&self, begins: bool) {
        if begins {
            self.resuming.fetch_add(1, AcqRel);
        } else {
            self.resuming.fetch_sub(1, AcqRel);
        }
    }

    /// Waits that are parked, outside of tasks too.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Acquire)
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Records) -> R) -> R {
        f(&mut self.records.lock())
    }

    /// What a running task is parked on for as long as it takes, for those who follow it.
    pub(crate) fn task_awaited_by(&self, task: u32) -> Option<u32> {
        if self.blocked() == 0 {
            return None;
        }
        let records = self.records.lock();
        let mut frames = records.slab.iter().flat_map(|(_, record)| &record.frames);
        frames
            .find(|frame| frame.task == task)
            .and_then(|frame| match frame.on {
                On::Task(on) => Some(on),
                _ => None,
            })
    }

    /// Whether the body of this task is parked.
    pub(super) fn is_parked(&self, task: u32) -> bool {
        let is_its = |(_, record): (usize, &Record)| record.task() == Some(task);
        self.blocked() > 0 && self.records.lock().slab.iter().any(is_its)
    }

    pub(super) fn enter(&self, local: &Local, on: On) -> Result<usize, WaitError> {
        if blocks(local) && !self.count_blocked(local.engine.options.most_blocked()) {
            return Err(WaitError::TooManyBlocked);
        }
        self.waiting.fetch_add(1, AcqRel);
        let mut frames: SmallVec<[Frame; 1]> = local.frames.borrow().iter().cloned().collect();
        frames.push(Frame {
            task: local.task.get(),
            on,
        });
        let records = &mut *self.records.lock();
        records.epoch += 1;
        let (epoch, parker) = (records.epoch, Arc::clone(&local.parker));
        let record = Record {
            frames,
            since: Instant::now(),
            epoch,
            walked: false,
            parker,
            verdict: None,
        };
        Ok(records.slab.insert(record))
    }

    /// An async wait begins or ends: it has no record, but somebody waits.
    pub(crate) fn count_async(&self, begins: bool) {
        if begins {
            self.waiting.fetch_add(1, AcqRel);
        } else {
            self.waiting.fetch_sub(1, AcqRel);
        }
    }

    /// Ends the latest wait of a body with `TooManyBlocked`: the system gives no more threads.
    pub(super) fn refuse_one(&self) {
        let records = &mut *self.records.lock();
        let bodies = records
            .slab
            .iter_mut()
            .filter(|(_, record)| record.is_in_task() && record.verdict.is_none());
        if let Some((_, record)) = bodies.max_by_key(|(_, record)| record.epoch) {
            record.end(WaitError::TooManyBlocked);
        }
    }

    pub(super) fn leave(&self, local: &Local, key: usize) {
        drop(self.records.lock().slab.remove(key));
        self.waiting.fetch_sub(1, AcqRel);
        if blocks(local) {
            self.uncount_blocked();
        }
    }

    /// One more body is blocked. No: too many are.
    pub(super) fn count_blocked(&self, most: usize) -> bool {
        let counted = self.blocked.fetch_add(1, AcqRel) < most;
        if !counted {
            self.uncount_blocked();
        }
        counted
    }

    pub(super) fn uncount_blocked(&self) {
        self.blocked.fetch_sub(1, AcqRel);
    }

    pub(super) fn verdict(&self, key: usize) -> Option<WaitError> {
        self.records.lock().slab[key].verdict.take()
    }
}
