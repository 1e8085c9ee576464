//! Running a task more than once, and for so long only.
//!
//! A task that was given retries or a timeout has its [`Attempts`] in its extra; who runs any other task never comes here.
//! 1. A closure that may be called again is shared: a [`Recipe`] makes a job of it whenever one is needed. The job of a
//!    task whose closure is `FnOnce` stands in the node as ever, and runs once.
//! 2. An attempt begins with a timer and ends without it. Whichever of the timer and the body's return comes first, under
//!    the lock of the task's [`Now`], decides whether the body has overrun.
//! 3. An overrun of the last attempt cancels the task at once, under that lock, so that whoever sees it cancelled and then
//!    takes the lock sees why. Before the last one it is a token alone, which goes with the attempt.
//! 4. The node is there while its timer finds the attempt running: the machine's reference goes after the attempt's end.
//! 5. An attempt whose body has made a future lasts until that is done: its timer goes on, and if it is due the pending
//!    future is woken, to be dropped. Nobody stands in for it, since it has no thread.
//!    The attempt after one that was a future goes through the queue.
//! 6. What a body gives after it has overrun is dropped. Attempts follow each other on one thread; one that is rescheduled
//!    goes through the queue, with the inputs that it has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::Engine;
use super::events::Event;
use super::extras::Extra;
use super::job::{self, Claimed, Job, Left};
use super::local::Local;
use super::polled::Suspended;
use super::retry::Kept;
use super::run::{Ended, Forward, Ran, guarded};
use super::timers::{Timer, TimerId};
use crate::attempts::Reschedule;
use crate::error::{ErrorKind, Failure, TaskError};
use crate::graph::{Born, GIVEN, Inputs, Outcome, State as TaskState};

/// How often a task may run and for how long each time, and how far it is.
#[derive(Default)]
pub(crate) struct Attempts {
    /// Attempts after the first.
    pub(crate) retries: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) recipe: Option<Recipe>,
    pub(super) now: Mutex<Now>,
}

/// What changes from attempt to attempt.
#[derive(Default)]
pub(super) struct Now {
    /// Of the attempt, from 1.
    number: u32,
    /// Counts calls of the body: an attempt that is rescheduled is called again.
    run: u64,
    phase: Phase,
    /// The next run is of the same attempt.
    rescheduled: bool,
    /// The task was cancelled because its last attempt had overrun.
    pub(super) timed_out: bool,
    /// Of an attempt that is a future.
    timer: Option<TimerId>,
    /// A spare stands in for the body that overruns.
    replaced: bool,
    pub(super) kept: Kept,
}

/// Where the body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Away,
    Runs,
    /// It runs although its time is over.
    Overruns,
}

/// Makes the job of a task as often as it is to run: its closure is shared, not moved in.
#[derive(Clone)]
pub(crate) struct Recipe(Option<Arc<dyn Fn() -> Job + Send + Sync>>);

impl Recipe {
    pub(crate) fn new(make: impl Fn() -> Job + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(make)))
    }

    pub(crate) fn job(&self) -> Job {
        self.0.as_ref().expect("there until the drop")()
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        // The last one drops the user's closure.
        let _ = guarded(|| drop(self.0.take()));
    }
}

impl Attempts {
    /// The same plan, with nothing of it done.
    pub(super) fn renewed(&self) -> Self {
        Self {
            retries: self.retries,
            timeout: self.timeout,
            recipe: self.recipe.clone(),
            now: Mutex::default(),
        }
    }

    /// The first attempt here is this one: those before it ran elsewhere.
    #[cfg(feature = "task")]
    pub(crate) fn begin_at(&mut self, attempt: u32) {
        // One with a timeout counts when it begins.
        let before = u32::from(!self.is_plain());
        self.now.get_mut().number = attempt.saturating_sub(before);
    }

    fn is_plain(&self) -> bool {
        self.timeout.is_none() && self.recipe.is_none()
    }

    /// An attempt begins. Says which call of the body it is.
    fn begin(&self) -> u64 {
        let now = &mut *self.now.lock();
        if !std::mem::take(&mut now.rescheduled) {
            now.number = now.number.saturating_add(1);
        }
        now.run += 1;
        now.phase = Phase::Runs;
        now.run
    }

    /// The body has returned. Says whether it had overrun, and whether a spare stands in for it.
    fn end(&self) -> (bool, bool) {
        let now = &mut *self.now.lock();
        let overran = std::mem::take(&mut now.phase) == Phase::Overruns;
        (overran, std::mem::take(&mut now.replaced))
    }

    fn is_last(&self, now: &Now) -> bool {
        now.number > self.retries
    }

    /// The other side says that its time was over. No: it was given none here.
    #[cfg(feature = "task")]
    pub(crate) fn has_timed_out_elsewhere(&self) -> bool {
        let limited = self.timeout.is_some();
        self.now.lock().timed_out |= limited;
        limited
    }

    fn limit_text(&self) -> String {
        let limit = self.timeout.unwrap_or_default();
        match self.retries {
            0 => format!("it may run for {limit:?}"),
            more => format!(
                "each of its {} attempts may run for {limit:?}",
                u64::from(more) + 1
            ),
        }
    }
}

impl Local {
    /// Calls the body of a task that has an extra, as often as it is to be called now.
    #[cold]
    pub(super) fn call_attempts(&self, claimed: &Claimed) -> Ended {
        let extra = self.engine.extra(claimed.index());
        match extra.filter(|extra| !extra.attempts.is_plain()) {
            None => self.judge(claimed, self.call(claimed)),
            Some(extra) if extra.attempts.timeout == Some(Duration::ZERO) => {
                self.dispose(claimed, Left::Task);
                self.give_up(claimed, &extra.attempts);
                Ended::Settles(Outcome::Nothing)
            }
            Some(extra) => self.attempt_all(claimed, &extra),
        }
    }

    fn attempt_all(&self, claimed: &Claimed, extra: &Arc<Extra>) -> Ended {
        let attempts = &extra.attempts;
        loop {
            let timer = self.begin_attempt(claimed, extra);
            let ran = self.call(claimed);
            if is_suspension(&ran) {
                attempts.now.lock().timer = timer;
                return self.judge(claimed, ran);
            }
            let overran = self.end_attempt(timer, attempts);
            let next = attempts
                .recipe
                .as_ref()
                .filter(|_| self.runs_again(claimed, attempts, &ran, overran));
            let Some(recipe) = next else {
                return self.end_attempts(claimed, attempts, ran, overran);
            };
            let rescheduled = !overran && is_reschedule(&ran);
            self.drop_run(claimed, ran);
            job::write_job(&self.engine.graph, claimed, recipe.job());
            if rescheduled {
                attempts.now.lock().rescheduled = true;
                return Ended::Reschedules;
            }
            self.happens(claimed.index(), Event::Again);
        }
    }

    /// A task that was cancelled, or is not wanted any more, is not run again.
    fn runs_again(&self, claimed: &Claimed, attempts: &Attempts, ran: &Ran, overran: bool) -> bool {
        let left = || !attempts.is_last(&attempts.now.lock());
        let again = if overran {
            left()
        } else {
            is_reschedule(ran) || (is_failure(ran) && left())
        };
        again && !self.engine.graph.is_cancel_requested(claimed.index())
    }

    /// There is no further attempt: the task ends as this one did.
    fn end_attempts(
        &self,
        claimed: &Claimed,
        attempts: &Attempts,
        ran: Ran,
        overran: bool,
    ) -> Ended {
        if overran {
            self.give_up(claimed, attempts);
        } else if is_failure(&ran) && attempts.recipe.is_some() {
            let inputs = self.retained_inputs(claimed.index());
            attempts.now.lock().kept = Kept::recipe(inputs);
        }
        self.judge(claimed, ran)
    }

    fn begin_attempt(&self, claimed: &Claimed, extra: &Arc<Extra>) -> Option<TimerId> {
        let run = extra.attempts.begin();
        let limit = extra.attempts.timeout?;
        let timer = Timer {
            extra: Arc::clone(extra),
            index: claimed.index(),
            run,
        };
        self.engine.start_timer(limit, timer)
    }

    fn end_attempt(&self, timer: Option<TimerId>, attempts: &Attempts) -> bool {
        if let Some(timer) = timer {
            self.engine.stop_timer(timer);
        }
        let (overran, replaced) = attempts.end();
        if replaced {
            self.engine.stood_in();
        }
        overran
    }

    /// Whether the future that a task is is to be dropped, since its attempt has run for too long and another follows.
    #[cold]
    pub(super) fn has_overrun(&self, index: u32) -> bool {
        let extra = self.engine.extra(index);
        extra.is_some_and(|extra| extra.attempts.now.lock().phase == Phase::Overruns)
    }

    /// Whether a task that becomes a future may have to become another one, for which it keeps its inputs.
    pub(super) fn is_repeatable(&self, index: u32) -> bool {
        let extra = self.engine.extra(index);
        extra.is_some_and(|extra| extra.attempts.recipe.is_some())
    }

    /// The future that a task was has ended with this error, or with a panic, or because its time was over. If another
    /// attempt follows, its job is made and put in the place of this one; else the task keeps what it was made of.
    #[cold]
    pub(super) fn renew_future(&self, claimed: &Claimed, failure: Option<&Failure>) -> bool {
        let index = claimed.index();
        let Some(extra) = self.engine.extra(index) else {
            return false;
        };
        let attempts = &extra.attempts;
        let Some(recipe) = &attempts.recipe else {
            return false;
        };
        let rescheduled = failure.is_some_and(|failure| failure.is::<Reschedule>());
        if self.engine.graph.is_cancel_requested(index) {
            return false;
        }
        if !rescheduled && attempts.is_last(&attempts.now.lock()) {
            let inputs = self.retained_inputs(index);
            attempts.now.lock().kept = Kept::recipe(inputs);
            return false;
        }
        self.end_future(index);
        job::write_job(&self.engine.graph, claimed, recipe.job());
        attempts.now.lock().rescheduled = rescheduled;
        true
    }

    /// The future that a task with rare data had become is gone.
    #[cold]
    pub(super) fn end_future(&self, index: u32) {
        if let Some(extra) = self.engine.extra(index) {
            let timer = extra.attempts.now.lock().timer.take();
            self.end_attempt(timer, &extra.attempts);
        }
        self.give_back(index);
    }

    /// A timer is due. The body may have returned meanwhile.
    pub(super) fn time_is_up(&self, timer: Timer) {
        let attempts = &timer.extra.attempts;
        let mut now = attempts.now.lock();
        let overruns = now.run == timer.run && now.phase == Phase::Runs;
        // Threads of a named pool have no spares for bodies that run on. A blocked body has given its place up.
        let replaces = overruns
            && !timer.extra.has_pool()
            && self.engine.async_tasks.is_pending(timer.index).is_none()
            && !self.engine.waits.is_parked(timer.index);
        if overruns {
            now.phase = Phase::Overruns;
            now.replaced = replaces;
            if attempts.is_last(&now) {
                self.cancel_for_time(timer.index, attempts, &mut now);
            }
        }
        drop(now);
        self.tell();
        if replaces {
            self.engine.stand_in();
        }
        if overruns {
            // The slot may be another's by now, which is then polled early at most.
            self.wake_cancelled(timer.index);
        }
        // It may have been the last that had the extra, and with it closures of the user's.
        let _ = guarded(|| drop(timer));
        self.settle_up();
    }

    /// A wait of the body on this thread has ended, and its record is gone. If its time has come to an end meanwhile, a
    /// spare stands in for it from here on.
    #[cold]
    pub(super) fn overruns_from_here(&self) {
        let Some(extra) = self.engine.extra(self.task.get()) else {
            return;
        };
        let replaces = {
            let now = &mut *extra.attempts.now.lock();
            let replaces = now.phase == Phase::Overruns && !now.replaced && !extra.has_pool();
            now.replaced |= replaces;
            replaces
        };
        if replaces {
            self.engine.stand_in();
        }
    }

    /// Cancels the task because its time is over, unless that is done or it was cancelled for another reason.
    fn give_up(&self, claimed: &Claimed, attempts: &Attempts) {
        self.cancel_for_time(claimed.index(), attempts, &mut attempts.now.lock());
        self.tell();
        self.settle_up();
    }

    fn cancel_for_time(&self, index: u32, attempts: &Attempts, now: &mut Now) {
        if !self.cancel_node(index) {
            return;
        }
        now.timed_out = true;
        if attempts.recipe.is_some() {
            now.kept = Kept::recipe(self.retained_inputs(index));
        }
    }

    /// Drops what a body has given, for it is to run again.
    fn drop_run(&self, claimed: &Claimed, ran: Ran) {
        match ran {
            Ok(Ok(())) => self.dispose(claimed, Left::Result(Outcome::Value)),
            Ok(Err(failure)) => drop(guarded(|| drop(failure))),
            Err(panic) => drop(panic),
        }
    }

    /// Puts the task back behind what is queued, with its inputs; its job is in place.
    #[cold]
    pub(super) fn reschedule(&self, claimed: &Claimed) -> Option<u32> {
        let graph = &self.engine.graph;
        let index = claimed.index();
        // It has a want of each, and all of them have finished.
        let inputs: Inputs = graph.inputs(index).iter().map(|&i| i | GIVEN).collect();
        let priority = graph.priority(index);
        self.happens(index, Event::PutBack);
        let mut state = self.state();
        let super::local::State { cache, fx, .. } = &mut *state;
        if let Born::Ready(index) = graph.rearm(cache, index, &inputs, fx)
            && !self.is_sent_elsewhere(&mut state, index)
        {
            self.engine.queues.push_last(&mut state, index, priority);
        }
        drop(state);
        self.engine.notify();
        self.settle_up();
        None
    }

    /// Whether the task was put back by [`reschedule`](Self::reschedule) and nobody has taken it up since. The slot may be
    /// another task's by now: a hint.
    pub(super) fn has_been_rescheduled(&self, index: u32) -> bool {
        let graph = &self.engine.graph;
        graph.extra(index) != 0 && graph.state(index) == TaskState::Queued
    }

    /// The number of the attempt that is running.
    pub(crate) fn attempt(&self) -> u32 {
        let extra = self.engine.extra(self.task.get());
        extra.map_or(1, |extra| extra.attempts.now.lock().number.max(1))
    }
}

impl Engine {
    /// Why a pinned task was cancelled, if that was because its time was over.
    pub(crate) fn timeout_error(&self, index: u32) -> Option<TaskError> {
        self.time_error(index, |now| now.timed_out)
    }

    /// Why a running task should stop, if that is because its time is over.
    pub(crate) fn overrun_error(&self, index: u32) -> Option<TaskError> {
        self.time_error(index, |now| now.timed_out || now.phase == Phase::Overruns)
    }

    fn time_error(&self, index: u32, is_over: impl FnOnce(&Now) -> bool) -> Option<TaskError> {
        let attempts = &self.extra(index)?.attempts;
        let over = is_over(&attempts.now.lock());
        over.then(|| {
            let (blame, text) = (self.blame(index), attempts.limit_text());
            TaskError::new(ErrorKind::TimedOut, blame, text, None)
        })
    }
}

fn is_failure(ran: &Ran) -> bool {
    match ran {
        Ok(Ok(())) => false,
        Ok(Err(failure)) => !failure.is::<Forward>(),
        Err(_) => true,
    }
}

/// Whether the body has made the future that the attempt is from here on.
fn is_suspension(ran: &Ran) -> bool {
    matches!(ran, Ok(Err(failure)) if failure.is::<Suspended>())
}

fn is_reschedule(ran: &Ran) -> bool {
    matches!(ran, Ok(Err(failure)) if failure.is::<Reschedule>())
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts")
            .field("retries", &self.retries)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
