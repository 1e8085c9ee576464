//! An actor's mailbox: the calls that have not begun, the state, and whose turn it is.
//!
//! 1. Who takes the state out of the mailbox has the turn. Only that thread takes calls out, the first first; it runs
//!    each on the state, with no lock held, and puts the state back. So calls run one at a time and in order.
//! 2. Whenever the lock is free: if there is something to do and the state is here, a drainer is scheduled. A push looks
//!    after that when the state is here; when it is not, who puts it back does. A drainer is a task of the pool like any
//!    other: an idle actor has none, and so no thread.
//! 3. A drainer runs a batch and is followed by another, which goes behind the work from outside. A body that waits for a
//!    call takes the turn, if nobody has it, for the calls up to that one.
//! 4. `current` names the call in progress from when it is taken out until after it has settled, in which life of its
//!    slot: by then that may be another task's.
//! 5. Nobody calls any more once the last handle is gone. Then, with no call left, who has the turn drops the state.
//! 6. A drainer that is dropped unrun, by a cancel of all tasks, takes the calls with it: nobody else would run them.
//!    A closed mailbox takes no more.
//! 7. Calls, states and wakers are user values: they are dropped and woken with the lock released.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use parking_lot::Mutex;

use super::call::Call;
use super::resident::Resident;
use super::room::{Line, Waiter};
use crate::graph::{Id, Spec};
use crate::pool::Engine;
use crate::pool::actors;
use crate::pool::job::Job;
use crate::pool::local::{self, Local};
use crate::pool::want::TaskRef;

/// Calls that a drainer runs before others have their turn: enough that the drainers cost little beside the calls.
const BATCH: usize = 64;
/// What the drainers of all actors are called, so that the counts of an actor's name are those of its calls.
const TURN: &str = "actor turn";

/// The mailbox; see the head of this file.
pub(super) struct Mailbox<S> {
    engine: Arc<Engine>,
    /// The number of the actor's name.
    name: u32,
    /// The number of its drainers' name.
    turn_name: u32,
    /// The actor's number in the engine.
    pub(super) number: u32,
    /// 0 is no bound.
    capacity: usize,
    restartable: bool,
    /// The generation of its slot, then the slot; 0 is none.
    current: AtomicU64,
    pub(super) contents: Mutex<Contents<S>>,
}

/// What the lock guards.
pub(super) struct Contents<S> {
    calls: VecDeque<Box<dyn Call<S>>>,
    /// `None`: somebody has the turn.
    resident: Option<Resident<S>>,
    /// A drainer is on its way.
    scheduled: bool,
    /// Nobody has a handle.
    abandoned: bool,
    pub(super) closed: bool,
    /// Calls that are being made and have their room already; counted only when there is a bound.
    pub(super) reserved: usize,
    pub(super) line: Line,
}

impl<S> Contents<S> {
    pub(super) fn has_room(&self, capacity: usize) -> bool {
        capacity == 0 || self.closed || self.calls.len() + self.reserved < capacity
    }

    /// Yes: the caller must schedule a drainer, once the lock is free.
    fn needs_drainer(&mut self) -> bool {
        let work = self.abandoned || !self.calls.is_empty();
        let needed = work && self.resident.is_some() && !self.scheduled;
        self.scheduled |= needed;
        needed
    }
}

impl<S: Send + 'static> Mailbox<S> {
    pub(super) fn new(
        engine: &Arc<Engine>,
        name: u32,
        capacity: usize,
        (resident, restartable): (Resident<S>, bool),
    ) -> Arc<Self> {
        let turn_name = engine.names.number_of(TURN);
        let contents = Contents {
            calls: VecDeque::new(),
            resident: Some(resident),
            scheduled: false,
            abandoned: false,
            closed: false,
            reserved: 0,
            line: Line::default(),
        };
        engine.actors.enter(|number, closed| Self {
            engine: Arc::clone(engine),
            name,
            turn_name,
            number,
            capacity,
            restartable,
            current: AtomicU64::new(0),
            contents: Mutex::new(Contents { closed, ..contents }),
        })
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) fn name(&self) -> String {
        self.engine.names.text_or(self.name, String::new)
    }

    #[cfg(feature = "task")]
    pub(super) fn name_number(&self) -> u32 {
        self.name
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn is_restartable(&self) -> bool {
        self.restartable
    }

    pub(super) fn len(&self) -> usize {
        self.contents.lock().calls.len()
    }

    /// What the node of a call is made of.
    pub(super) fn spec(&self, location: &'static Location<'static>) -> Spec {
        Spec {
            name: self.name,
            location: Some(location),
            extra: self.number,
            ..Spec::default()
        }
    }

    /// Puts a call at the end, in the room that was reserved for it.
    pub(super) fn push(self: &Arc<Self>, call: Box<dyn Call<S>>) {
        let mut contents = self.contents.lock();
        contents.reserved -= usize::from(self.capacity > 0);
        if contents.closed {
            drop(contents);
            return call.cancel();
        }
        contents.calls.push_back(call);
        let schedule = contents.needs_drainer();
        drop(contents);
        if schedule {
            self.schedule(|local, spec, job| local.submit(spec, &[], job));
        }
    }

    /// The last handle is gone.
    pub(super) fn abandon(self: &Arc<Self>) {
        let mut contents = self.contents.lock();
        contents.abandoned = true;
        let schedule = contents.needs_drainer();
        drop(contents);
        if schedule {
            self.schedule(|local, spec, job| local.submit(spec, &[], job));
        }
    }

    fn schedule(self: &Arc<Self>, submit: fn(&Local, &Spec, Job) -> TaskRef) {
        let drainer = Drainer(Some(Arc::clone(self)));
        let job = Job::new::<Self, _, _>(move |_| {
            drainer.run();
            Ok(())
        });
        let spec = Spec {
            name: self.turn_name,
            ..Spec::default()
        };
        local::with(&self.engine, |local| {
            let _scope = local.enter_scope(None); // The calls are not only those of who is here.
            submit(local, &spec, job).detach();
        });
    }

    fn drain(self: &Arc<Self>, local: &Local) {
        let taken = {
            let contents = &mut *self.contents.lock();
            contents.scheduled = false;
            contents.resident.take()
        };
        if let Some(mut resident) = taken {
            let mut left = BATCH;
            while left > 0 && self.run_next(local, &mut resident) {
                left -= 1;
            }
            self.put_back(resident);
        }
    }

    /// Runs the first call, if there is one.
    fn run_next(&self, local: &Local, resident: &mut Resident<S>) -> bool {
        let mut contents = self.contents.lock();
        let Some(call) = contents.calls.pop_front() else {
            return false;
        };
        let id = self.engine.graph.id(call.index());
        self.current.store(word(id), Release);
        let told = contents.tell_next(self.capacity);
        drop(contents);
        if let Some(waiter) = told {
            waiter.wake();
        }
        let scope = local.enter_scope(None);
        call.run(local, resident);
        drop(scope);
        self.current.store(0, Release);
        true
    }

    /// Ends the turn.
    fn put_back(self: &Arc<Self>, resident: Resident<S>) {
        let mut contents = self.contents.lock();
        if contents.abandoned && contents.calls.is_empty() {
            drop(contents);
            return resident.dismiss();
        }
        contents.resident = Some(resident);
        let schedule = contents.needs_drainer();
        drop(contents);
        if schedule {
            self.schedule(Local::submit_last);
        }
    }

    /// Cancels all calls and sends all waiters on, after `change`.
    fn clear(&self, change: impl FnOnce(&mut Contents<S>)) {
        let mut contents = self.contents.lock();
        change(&mut contents);
        let calls = std::mem::take(&mut contents.calls);
        let waiters = contents.line.leave_all();
        let left = contents.abandoned && !contents.scheduled;
        let resident = if left { contents.resident.take() } else { None };
        drop(contents);
        waiters.into_iter().for_each(Waiter::wake);
        calls.into_iter().for_each(|call| call.cancel());
        if let Some(resident) = resident {
            resident.dismiss();
        }
    }
}

impl<S: Send + 'static> actors::Mailbox for Mailbox<S> {
    fn name(&self) -> String {
        self.name()
    }

    fn in_progress(&self) -> Option<u32> {
        let current = self.current.load(Acquire);
        let index = current as u32;
        let same = index != 0 && word(self.engine.graph.id(index)) == current;
        same.then_some(index)
    }

    fn holds_up(&self) -> Option<u32> {
        let has_room = self.contents.lock().has_room(self.capacity);
        self.in_progress().filter(|_| !has_room)
    }

    fn run_one(self: Arc<Self>, local: &Local, target: u32) -> bool {
        let Some(mut resident) = self.contents.lock().resident.take() else {
            return false;
        };
        // Nobody else has the turn: a target that has not settled stands in the mailbox, first or behind the first.
        let ran = !self.engine.graph.is_settled(target) && self.run_next(local, &mut resident);
        self.put_back(resident);
        ran
    }

    fn cancel_calls(&self) {
        self.clear(|_| {});
    }

    fn close(&self) {
        self.clear(|contents| contents.closed = true);
    }
}

fn word(id: Id) -> u64 {
    u64::from(id.generation) << 32 | u64::from(id.index)
}

impl<S> Drop for Mailbox<S> {
    fn drop(&mut self) {
        self.engine.actors.leave(self.number);
    }
}

/// The right to drain a mailbox once.
struct Drainer<S: Send + 'static>(Option<Arc<Mailbox<S>>>);

impl<S: Send + 'static> Drainer<S> {
    fn run(mut self) {
        if let Some(mailbox) = self.0.take() {
            local::with(&mailbox.engine, |local| mailbox.drain(local));
        }
    }
}

impl<S: Send + 'static> Drop for Drainer<S> {
    fn drop(&mut self) {
        if let Some(mailbox) = self.0.take() {
            mailbox.clear(|contents| contents.scheduled = false);
        }
    }
}
