//! Waiting: for a task, for a set of tasks, for a queue or a variable.
//!
//! A body that waits for a task first runs, inline, what that task still needs ([`help`](super::help)). With nothing
//! to run it spins for a few microseconds, then registers its wait, gives its place up and parks. Threads that are
//! not the pool's only spin and park.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use super::local::Local;
use super::waiters::{WaiterId, Wake};
use super::waits::On;
use crate::error::WaitError;

/// Looks at the condition before parking, with a pause between: about two microseconds.
const SPINS: u32 = 40;

/// Between two looks for rayon's other work.
#[cfg(feature = "rayon")]
pub(super) const MOMENT: Duration = Duration::from_micros(200);

/// How long a wait outside of tasks goes unregistered.
const BRIEF: Duration = Duration::from_millis(2);

/// Looks a few times in about two microseconds whether a body's wait is over: two bodies that answer each other do so
/// in less than it takes to hand a place on. Says whether it is.
fn looks_briefly(done: &impl Fn() -> bool) -> bool {
    (0..6).any(|round| {
        (0..2 << round).for_each(|_| std::hint::spin_loop());
        done()
    })
}

impl Local {
    /// Waits until the task, which the caller wants, is settled.
    pub(crate) fn wait_task(&self, index: u32, deadline: Option<Instant>) -> Result<(), WaitError> {
        let engine = &self.engine;
        let done = || engine.graph.is_settled(index);
        self.settle_all();
        #[cfg(feature = "task")]
        if engine.calls_leave() {
            engine.want_from_elsewhere(index);
            engine.flush_elsewhere();
        }
        if self.in_task() && deadline.is_none() {
            self.refuse_own(index)?;
            if self.pool == 0 {
                self.help(index); // The threads of a named pool run nothing else.
            }
        }
        if done() || self.spin(&done) {
            return Ok(());
        }
        let on = if deadline.is_none() {
            On::Task(index)
        } else {
            On::TimedTask(index)
        };
        self.watched(index, || self.block(on, deadline, done))
    }

    /// Parks with a waiter in the task's list.
    fn watched(
        &self,
        index: u32,
        wait: impl FnOnce() -> Result<(), WaitError>,
    ) -> Result<(), WaitError> {
        let engine = &self.engine;
        self.parker.reset();
        let waiter = engine
            .waiters
            .arm(index as usize, Wake::Thread(Arc::clone(&self.parker)));
        let watching = engine
            .graph
            .watch(&mut self.state().cache, index, waiter.number);
        if !watching {
            engine.waiters.disarm(waiter);
            return Ok(());
        }
        let waited = wait();
        self.leave(index, waiter);
        waited
    }

    /// The owner of a waiter in the list of a task that it wants stops waiting, if it was not woken.
    pub(crate) fn leave(&self, index: u32, waiter: WaiterId) {
        let engine = &self.engine;
        if !engine.waiters.leave(waiter) {
            return;
        }
        #[cfg(feature = "task")]
        if engine.calls_leave() && engine.leave_elsewhere(index, waiter.number) {
            return engine.waiters.disarm(waiter);
        }
        let mut state = self.state();
        let super::local::State { cache, fx, .. } = &mut *state;
        engine
            .graph
            .leave(cache, index, |number| engine.waiters.is_dead(number), fx);
        drop(state);
        self.settle_up();
    }

    /// A body that waits for itself, or for one that it is being run inside of, would wait for ever.
    fn refuse_own(&self, index: u32) -> Result<(), WaitError> {
        let frames = self.frames.borrow();
        let outer = frames
            .iter()
            .map(|frame| frame.task)
            .filter(|&task| task != 0);
        let stack: Vec<u32> = outer.chain([self.task.get()]).collect();
        let Some(at) = stack.iter().position(|&task| task == index) else {
            return Ok(());
        };
        let cycle = stack[at..].iter().chain([&index]);
        let labels: Vec<String> = cycle.map(|&task| self.engine.label(task)).collect();
        Err(WaitError::Deadlock(labels.join(" -> ")))
    }

    pub(crate) fn spin(&self, done: &impl Fn() -> bool) -> bool {
        (0..SPINS).any(|_| {
            (0..8).for_each(|_| std::hint::spin_loop());
            done()
        })
    }

    /// Parks until `done`, which is looked at again whenever this thread's parker is told.
    ///
    /// The caller has entered the parker where it will be told, after a [`reset`](Parker::reset).
    pub(crate) fn block(
        &self,
        on: On,
        deadline: Option<Instant>,
        done: impl Fn() -> bool,
    ) -> Result<(), WaitError> {
        self.settle_all();
        #[cfg(feature = "task")]
        if self.engine.calls_leave() {
            self.engine.flush_elsewhere();
        }
        #[cfg(feature = "rayon")]
        if on.is_up_to_tasks()
            && self.seat.is_none()
            && self.place_holder().is_none()
            && rayon::current_thread_index().is_some()
        {
            return self.yield_to_rayon(on, deadline, done);
        }
        let engine = &self.engine;
        if engine.forked() {
            return Err(WaitError::Closed);
        }
        let in_task = self.in_task() && self.seat.is_some();
        if !in_task && self.pool == 0 && self.park_briefly(deadline, &done) {
            return Ok(());
        }
        if in_task && engine.queues.baton.is_none() && looks_briefly(&done) {
            return Ok(());
        }
        let key = engine.waits.enter(self, on)?;
        engine.monitor.watch(engine);
        let waited = if in_task && engine.queues.baton.is_some() {
            self.park_in_turn(key, deadline, &done)
        } else {
            self.park_without_place(key, deadline, &done)
        };
        engine.waits.leave(self, key);
        if in_task && engine.graph.extra(self.task.get()) != 0 {
            self.overruns_from_here();
        }
        waited
    }

    fn park_without_place(
        &self,
        key: usize,
        deadline: Option<Instant>,
        done: &impl Fn() -> bool,
    ) -> Result<(), WaitError> {
        if let Some(local) = super::local::current().filter(|local| local.pool != 0) {
            return local.beside_pool(|| self.park(key, deadline, done));
        }
        let holder = self.place_holder();
        let Some((holder, seat)) = holder.as_ref().and_then(|h| Some((h, h.seat.as_ref()?))) else {
            return self.park(key, deadline, done);
        };
        // One that has seceded has said so already.
        let says = |blocked| {
            if !holder.seceded.get() {
                holder.engine.options.blocked(blocked);
            }
        };
        holder.engine.vacate(holder);
        says(true);
        let waited = seat.parked(|| self.park(key, deadline, done));
        says(false);
        holder.engine.retake(holder);
        waited
    }

    /// Whose place this thread gives up while it waits: it may be in a body of another engine than the one it waits in.
    fn place_holder(&self) -> Option<Rc<Self>> {
        super::local::current()
            .filter(|local| local.seat.is_some() && local.engine.queues.baton.is_none())
    }

    /// Outside of tasks most waits are short: those neither register nor wake the monitor.
    fn park_briefly(&self, deadline: Option<Instant>, done: &impl Fn() -> bool) -> bool {
        let brief = Instant::now() + BRIEF;
        while !done() {
            if !self
                .parker
                .park(Some(deadline.map_or(brief, |deadline| deadline.min(brief))))
            {
                return done();
            }
        }
        true
    }

    fn park(
        &self,
        key: usize,
        deadline: Option<Instant>,
        done: &impl Fn() -> bool,
    ) -> Result<(), WaitError> {
        loop {
            if done() {
                return Ok(());
            }
            if let Some(verdict) = self.engine.waits.verdict(key) {
                return Err(verdict);
            }
            if !self.parker.park(deadline) {
                return if done() {
                    Ok(())
                } else {
                    Err(WaitError::TimedOut)
                };
            }
        }
    }

    /// With a baton: gives it up, and goes on when it comes back.
    fn park_in_turn(
        &self,
        key: usize,
        deadline: Option<Instant>,
        done: &impl Fn() -> bool,
    ) -> Result<(), WaitError> {
        loop {
            if done() {
                return Ok(());
            }
            if let Some(verdict) = self.engine.waits.verdict(key) {
                return Err(verdict);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(WaitError::TimedOut);
            }
            self.parker.hold();
            self.engine.vacate(self);
            let place = self.parker.park_held(deadline);
            self.state().place = Some(place);
        }
    }

    /// On one of rayon's threads: runs rayon's other work while it waits, and parks only for moments, so that rayon
    /// never runs out of threads that look for work.
    ///
    /// Only where it waits for tasks. Two pieces that talk over a queue, or take the same lock, go on as long as each has
    /// a thread: one on top of the other, the lower one never would.
    #[cfg(feature = "rayon")]
    fn yield_to_rayon(
        &self,
        on: On,
        deadline: Option<Instant>,
        done: impl Fn() -> bool,
    ) -> Result<(), WaitError> {
        let engine = &self.engine;
        let key = engine.waits.enter(self, on)?;
        engine.monitor.watch(engine);
        let waited = loop {
            if done() {
                break Ok(());
            }
            if let Some(verdict) = engine.waits.verdict(key) {
                break Err(verdict);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break Err(WaitError::TimedOut);
            }
            if !yield_once() {
                self.parker.park(Some(Instant::now() + MOMENT));
            }
        };
        engine.waits.leave(self, key);
        waited
    }
}

impl Engine {
    /// Whether this process is a copy, made by `fork`, of the one that has the threads.
    pub(super) fn forked(&self) -> bool {
        self.process != std::process::id()
    }
}

/// Runs one of rayon's jobs, if there is one. That job may come back here, so this stops where its threads' stacks
/// (2 MiB, unless the program asks for other ones) are three quarters used. Beyond, only other threads can go on: a
/// nest of waits that deep needs rayon threads with larger stacks.
#[cfg(feature = "rayon")]
pub(super) fn yield_once() -> bool {
    const ROOM: usize = 3 << 19;
    thread_local! {
        static OUTERMOST: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    let mark = 0u8;
    let here = std::ptr::from_ref(&mark).addr();
    let outermost = OUTERMOST.get();
    if outermost != 0 && outermost.abs_diff(here) > ROOM {
        return false;
    }
    OUTERMOST.set(if outermost == 0 { here } else { outermost });
    let ran = rayon::yield_now() == Some(rayon::Yield::Executed);
    OUTERMOST.set(outermost);
    ran
}
