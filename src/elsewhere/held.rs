//! Calls that are held back until all that they name has left.
//!
//! A call names its inputs, and the handles in its arguments, by their tickets. A task elsewhere has one once it has left. In the
//! place of a task of this process stands its [`twin`], once it has finished: that leaves as a call does, with the value, and
//! when the handles in that have tickets. Who waits for tickets is a [`Held`]: it counts what it lacks, and whoever brings the
//! last of it sends the call. Calls that wait for each other are a chain as long as you like, so they are sent one after the
//! other, not one from within the other; and so are values.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::AcqRel;

use parking_lot::Mutex;

use super::depart::{GONE, Manner, Order, OrderKey};
use super::landing::Landing;
use super::remote::{Remote, Stage};
use super::report::Gone;
use super::{RemoteId, twin};
use crate::call::{AnyHandle, Pack};
use crate::driver::Backend;
use crate::error::TaskError;
use crate::graph::{Spec, State};
use crate::launch::launch_alone;
use crate::on_done::watch_task;
use crate::pool::Engine;
use crate::pool::job::Job;
use crate::pool::want::TaskRef;

/// A call with all but the tickets.
pub(super) struct Draft {
    pub(super) landing: Landing,
    pub(super) manner: Manner,
    pub(super) key: Option<OrderKey>,
    pub(super) args: Vec<u8>,
    /// The inputs, and behind them the handles in the arguments.
    pub(super) parts: Vec<Part>,
    pub(super) inputs: usize,
}

/// A task that is to be named elsewhere, and how its value is encoded, should it be one of this process.
pub(super) struct Part {
    pub(super) task: TaskRef,
    pub(super) pack: Option<Pack>,
}

/// What is done with tickets; gives those that waited for that.
pub(super) type Then = Box<dyn FnOnce(Result<Vec<u64>, TaskError>) -> Vec<Arc<Held>> + Send>;

/// Something that lacks tickets.
pub(super) struct Held {
    /// Until it is done.
    plan: Mutex<Option<(Vec<Part>, Then)>>,
    lacks: AtomicUsize,
}

impl Part {
    /// The task of a handle; not of a name that nobody has decoded.
    pub(super) fn of(handle: &AnyHandle) -> Option<Self> {
        Some(Self {
            task: handle.task()?,
            pack: handle.pack(),
        })
    }

    /// Whether it has a ticket, or can be given one now, or never will be.
    fn is_ready(&self) -> bool {
        match self.remote(|remote| remote.is_here()) {
            Some(waits) => !waits,
            None => self.task.is_settled(),
        }
    }

    fn remote<R>(&self, f: impl FnOnce(&Remote) -> R) -> Option<R> {
        self.task.engine().with_remote(self.task.index(), f)
    }

    fn is_local(&self) -> bool {
        self.remote(|_| ()).is_none()
    }

    fn ticket(&self) -> Result<u64, TaskError> {
        let ticket = self.remote(|remote| remote.ticket()).flatten();
        ticket.ok_or_else(|| match self.task.state() {
            State::Failed | State::Cancelled => self.task.error(),
            // It has just ended without having left, and is about to be settled.
            _ => {
                let blame = self.task.engine().blame(self.task.index());
                TaskError::new(GONE.0, blame, &*GONE.1, None)
            }
        })
    }

    /// Whether it is one elsewhere that has a ticket, or never will have one.
    fn is_away(&self) -> bool {
        self.remote(|remote| remote.is_here()) == Some(false)
    }

    /// What stands for it elsewhere.
    fn elsewhere(self) -> Result<Self, TaskError> {
        if !self.is_local() {
            return Ok(self);
        }
        if self.task.state() != State::Finished {
            return Err(self.task.error());
        }
        Ok(Self {
            task: twin::of(&self.task, self.pack),
            pack: None,
        })
    }

    /// Has it told when it is ready.
    fn tell(&self, held: &Arc<Held>) {
        match self.remote(|remote| remote.tell(held)) {
            Some(true) => {}
            Some(false) => held.step(),
            None => {
                let held = Arc::clone(held);
                watch_task(&self.task, move || held.step());
            }
        }
    }

    pub(super) fn again(&self) -> Self {
        Self {
            task: self.task.clone(),
            pack: self.pack,
        }
    }
}

/// The tickets of these, which are elsewhere and ready.
fn all_tickets(parts: &[Part]) -> Result<Vec<u64>, TaskError> {
    parts.iter().map(Part::ticket).collect()
}

/// Does it with the tickets of these, which are ready: at once, unless a value of this process is not.
fn with_tickets(parts: Vec<Part>, then: Then) -> Vec<Arc<Held>> {
    let parts: Result<Vec<Part>, TaskError> = parts.into_iter().map(Part::elsewhere).collect();
    match parts {
        Ok(parts) if parts.iter().all(Part::is_ready) => then(all_tickets(&parts)),
        Ok(parts) => {
            hold(parts, then);
            Vec::new()
        }
        Err(error) => then(Err(error)),
    }
}

impl Draft {
    /// Sends the call, or has it sent when it lacks nothing.
    pub(super) fn send_or_hold(mut self) {
        let parts = std::mem::take(&mut self.parts);
        if parts.iter().all(Part::is_away) {
            let tickets = all_tickets(&parts);
            return step_all(self.send(tickets));
        }
        now_or_held(parts, Box::new(move |tickets| self.send(tickets)));
    }

    /// Sends the call. Gives those that have waited for it.
    fn send(self, tickets: Result<Vec<u64>, TaskError>) -> Vec<Arc<Held>> {
        let landing = self.landing;
        let mut inputs = match tickets {
            Ok(tickets) => tickets,
            Err(error) => return landing.stays(error),
        };
        let order = Order {
            manner: self.manner,
            key: self.key,
            args: self.args,
            mentions: inputs.split_off(self.inputs),
            inputs,
        };
        send_new(&landing, |backend| backend.submit(order, landing.clone()))
    }
}

/// The tickets of these handles, now or later.
pub(crate) fn tickets(
    handles: &[AnyHandle],
    then: Box<dyn FnOnce(Result<Vec<u64>, TaskError>) + Send>,
) {
    let parts: Vec<Part> = handles.iter().filter_map(Part::of).collect();
    let then = move |tickets| {
        then(tickets);
        Vec::new()
    };
    now_or_held(parts, Box::new(then));
}

/// The names by which these handles of a client travel, now or later, and maybe told on another thread.
pub(crate) fn names(
    engine: &Arc<Engine>,
    handles: &[AnyHandle],
    told: impl FnOnce(Result<Vec<RemoteId>, TaskError>) + Send + 'static,
) {
    let engine = Arc::clone(engine);
    let then = move |tickets| match (tickets, engine.backend()) {
        (Ok(tickets), Some(backend)) => backend.names(tickets, Box::new(told)),
        (Ok(_), None) => told(Ok(Vec::new())),
        (Err(error), _) => told(Err(error)),
    };
    tickets(handles, Box::new(then));
}

/// Does it with the tickets of these, now or later.
fn now_or_held(parts: Vec<Part>, then: Then) {
    match parts.iter().all(Part::is_ready) {
        true => step_all(with_tickets(parts, then)),
        false => hold(parts, then),
    }
}

/// Does this when all of these are ready.
pub(super) fn hold(parts: Vec<Part>, then: Then) {
    let watched: Vec<Part> = parts.iter().map(Part::again).collect();
    let held = Arc::new(Held {
        plan: Mutex::new(Some((parts, then))),
        lacks: AtomicUsize::new(watched.len() + 1),
    });
    watched.iter().for_each(|part| part.tell(&held));
    held.step();
}

impl Held {
    /// It lacks one thing less.
    fn step(self: &Arc<Self>) {
        step_all(vec![Arc::clone(self)]);
    }

    /// It lacks one thing less. If that was the last, it is done: in a task of its own, if values are to be encoded for that.
    fn lack_less(&self) -> Vec<Arc<Self>> {
        if self.lacks.fetch_sub(1, AcqRel) != 1 {
            return Vec::new();
        }
        let Some((parts, then)) = self.plan.lock().take() else {
            return Vec::new();
        };
        let local = parts.iter().find(|part| part.is_local());
        let Some(engine) = local.map(|part| Arc::clone(part.task.engine())) else {
            return then(all_tickets(&parts));
        };
        let job = Job::new::<Self, _, _>(move |_| {
            step_all(with_tickets(parts, then));
            Ok(())
        });
        launch_alone::<()>(&engine, &Spec::default(), job, false).detach();
        Vec::new()
    }
}

/// Each of these lacks one thing less.
pub(super) fn step_all(mut waiting: Vec<Arc<Held>>) {
    while let Some(held) = waiting.pop() {
        waiting.extend(held.lack_less());
    }
}

/// Gives a node its ticket. Gives those that have waited for that.
pub(super) fn send_new(
    landing: &Landing,
    send: impl FnOnce(&dyn Backend) -> Result<u64, Gone>,
) -> Vec<Arc<Held>> {
    let remote = landing.remote();
    let mut stage = remote.stage.lock();
    let Stage::Here(waiting) = &mut *stage else {
        return Vec::new();
    };
    let waiting = std::mem::take(waiting);
    let sent = match landing.engine().backend() {
        Some(backend) => send(&**backend),
        None => Err(Gone {
            kind: GONE.0,
            text: GONE.1,
        }),
    };
    *stage = match sent {
        Ok(ticket) => Stage::Sent(ticket),
        Err(_) => Stage::Ended,
    };
    drop(stage);
    if let Err(gone) = sent {
        landing.give_up(&gone);
    } else if remote.is_wanted()
        && let (Some(backend), Some(ticket)) = (landing.engine().backend(), remote.ticket())
    {
        backend.want(ticket);
    }
    waiting
}
