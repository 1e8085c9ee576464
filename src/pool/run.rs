//! Running a task: claimed, run under the one `catch_unwind`, finished, its first successor next.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::events::Event;
use super::job::{self, Claimed, Job, RunContext};
use super::local::Local;
use super::polled::{self, Suspended};
use super::want::TaskRef;
use crate::error::{Blame, ErrorKind, Failure, TaskError, WaitError};
use crate::graph::{Born, Inputs, Outcome, State as TaskState};

/// Calls user code and keeps its panic from unwinding into ours. Every call of user code goes through here.
pub(crate) fn guarded<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Panic(Some(payload)))
}

/// What user code panicked with. Its destructor is user code too, and runs guarded.
pub(crate) struct Panic(Option<Box<dyn Any + Send>>);

impl Panic {
    /// The panic's text, as the panic hook would print it.
    pub(crate) fn text(&self) -> String {
        let payload = self.0.as_ref().expect("there until the drop");
        match (
            payload.downcast_ref::<&str>(),
            payload.downcast_ref::<String>(),
        ) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "a panic whose payload is no text".to_owned(),
        }
    }
}

impl Panic {
    /// Goes on panicking, once nothing of ours is half done.
    pub(crate) fn resume(mut self) -> ! {
        std::panic::resume_unwind(self.0.take().expect("there until the drop"))
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            drop_payload(payload);
        }
    }
}

/// Drops a payload whose destructor may panic, and so may that panic's payload's: a few times, then it is leaked.
fn drop_payload(mut payload: Box<dyn Any + Send>) {
    for _ in 0..8 {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(again) => payload = again,
        }
    }
    std::mem::forget(payload);
}

impl std::fmt::Debug for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Panic")
    }
}

impl Local {
    /// Runs a queued task, then whichever first successor it made ready, and so on.
    pub(crate) fn run_chain(&self, first: u32) {
        let mut next = Some(first);
        while let Some(entry) = next {
            next = match polled::to_poll(entry) {
                Some(index) => self.poll(index),
                None => Claimed::claim(&self.engine.graph, entry)
                    .and_then(|claimed| self.run_claimed(&claimed, true)),
            };
        }
    }

    /// Runs one claimed task; with `bypass`, keeps its first ready successor from the queues and hands it back.
    pub(crate) fn run_claimed(&self, claimed: &Claimed, bypass: bool) -> Option<u32> {
        let engine = &*self.engine;
        let index = claimed.index();
        // Copied before the finish: after it the slot may be another task's.
        let inputs = engine.graph.inputs(index);
        let failed_input = self.failed_input(&inputs);
        if engine.graph.extra(index) != 0 && failed_input.is_none() && !self.is_admitted(claimed) {
            return None;
        }
        self.happens(index, Event::Started);
        let outcome = match failed_input {
            Some(input) => {
                self.take_over_error(claimed, input);
                Outcome::Error
            }
            None => match self.call_body(claimed) {
                Ended::Settles(outcome) => outcome,
                Ended::Forwards(forward) => return self.forward(claimed, forward),
                Ended::Reschedules => return self.reschedule(claimed),
                Ended::Suspends(future) => return self.suspend(claimed, future, !bypass),
            },
        };
        self.end(claimed, outcome, &inputs, bypass)
    }

    /// Ends a task that no body ran for.
    pub(crate) fn finish_outside(&self, claimed: &Claimed, outcome: Outcome) {
        self.end(claimed, outcome, &Inputs::new(), false);
    }

    /// Settles a task that has run, unless it was cancelled meanwhile.
    #[inline]
    pub(super) fn end(
        &self,
        claimed: &Claimed,
        outcome: Outcome,
        inputs: &Inputs,
        bypass: bool,
    ) -> Option<u32> {
        let outcome = match self.engine.graph.state(claimed.index()) {
            TaskState::Cancelled => self.discard(claimed, outcome),
            _ => outcome,
        };
        self.finish(claimed, outcome, inputs, bypass)
    }

    /// An input that failed while this task was being linked to it, or was lost to a cancel.
    #[inline]
    fn failed_input(&self, inputs: &Inputs) -> Option<u32> {
        let graph = &self.engine.graph;
        inputs
            .iter()
            .copied()
            .find(|&input| graph.state(input) != TaskState::Finished)
    }

    /// Calls the body with what its task's rare data asks for around it.
    #[inline]
    fn call_body(&self, claimed: &Claimed) -> Ended {
        // On the line that the inputs were just read from.
        if self.engine.graph.extra(claimed.index()) != 0 || self.scoped.get() {
            return self.call_apart(claimed);
        }
        let ran = self.call(claimed);
        self.judge(claimed, ran)
    }

    #[cold]
    fn call_apart(&self, claimed: &Claimed) -> Ended {
        let scope = self.enter_scope_of(claimed.index());
        let ended = self.call_attempts(claimed);
        drop(scope);
        // A future keeps what it holds until it ends.
        if !matches!(ended, Ended::Suspends(_)) {
            self.give_back(claimed.index());
        }
        ended
    }

    /// Calls the body, once.
    #[inline]
    pub(super) fn call(&self, claimed: &Claimed) -> Ran {
        let outer = self.task.replace(claimed.index());
        let context = RunContext {
            graph: &self.engine.graph,
            index: claimed.index(),
            local: self,
        };
        let ran = guarded(|| job::run(&context, claimed));
        self.task.set(outer);
        ran
    }

    /// What becomes of a task whose body has returned.
    #[inline]
    pub(super) fn judge(&self, claimed: &Claimed, ran: Ran) -> Ended {
        let engine = &*self.engine;
        match ran {
            Ok(Ok(())) => Ended::Settles(Outcome::Value),
            Ok(Err(failure)) => self.end_badly(claimed, failure),
            Err(panic) => {
                let error = panicked(&panic, engine.blame(claimed.index()));
                Ended::Settles(self.fail(claimed, error))
            }
        }
    }

    #[cold]
    fn end_badly(&self, claimed: &Claimed, failure: Failure) -> Ended {
        let failure = match failure.downcast::<Suspended>() {
            Ok(future) => return Ended::Suspends(*future),
            Err(failure) => failure,
        };
        match failure.downcast::<Forward>() {
            Ok(forward) => Ended::Forwards(*forward),
            Err(failure) => {
                let error = failed(failure, self.engine.blame(claimed.index()));
                Ended::Settles(self.fail(claimed, error))
            }
        }
    }

    /// Puts the task back to wait for the target, to be finished by its result.
    #[cold]
    fn forward(&self, claimed: &Claimed, Forward { target, job }: Forward) -> Option<u32> {
        let (engine, index) = (&*self.engine, claimed.index());
        // One at a time: of two tasks that forward to each other the second must see the first.
        let forwarding = engine.forwarding.lock();
        if let Some(error) = self.bad_forward(index, &target) {
            drop(forwarding);
            let outcome = self.fail(claimed, error);
            return self.finish(claimed, outcome, &engine.graph.inputs(index), false);
        }
        #[cfg(feature = "task")]
        if engine.calls_leave() {
            engine.want_from_elsewhere(target.index());
        }
        job::write_job(&engine.graph, claimed, job(target.clone()));
        self.happens_quietly(index, Event::PutBack);
        if engine.graph.extra(index) != 0 {
            self.pass_for_good(index);
        }
        let mut state = self.state();
        let super::local::State { cache, fx, .. } = &mut *state;
        engine.graph.let_go(index, fx);
        if let Born::Ready(index) = engine.graph.rearm(cache, index, &[target.index()], fx) {
            fx.ready.push(index);
        }
        drop((state, forwarding));
        self.tell();
        self.settle_up();
        None
    }

    /// Why a task cannot have the result of `target`.
    fn bad_forward(&self, index: u32, target: &TaskRef) -> Option<TaskError> {
        let engine = &*self.engine;
        let (kind, text) = if !std::ptr::eq(Arc::as_ptr(target.engine()), engine) {
            (
                ErrorKind::ForeignHandle,
                "the handle it gave belongs to another client".to_owned(),
            )
        } else if target.index() == index || engine.needs(self, target.index(), index) {
            (
                ErrorKind::Deadlock,
                format!("{} is to have its own result", engine.label(index)),
            )
        } else {
            return None;
        };
        Some(TaskError::new(kind, engine.blame(index), text, None))
    }

    #[cold]
    pub(crate) fn fail(&self, claimed: &Claimed, error: TaskError) -> Outcome {
        job::write_error(&self.engine.graph, claimed, error);
        Outcome::Error
    }

    fn finish(
        &self,
        claimed: &Claimed,
        outcome: Outcome,
        inputs: &Inputs,
        bypass: bool,
    ) -> Option<u32> {
        let graph = &self.engine.graph;
        let index = claimed.index();
        self.happens(index, Event::of(outcome));
        let bytes = match outcome {
            Outcome::Value => self.count_bytes(index),
            _ => 0,
        };
        let mut state = self.state();
        let super::local::State { cache, fx, .. } = &mut *state;
        if outcome == Outcome::Value && graph.is_pure(index) && graph.remembers() {
            let bytes = bytes.max(job::shallow_bytes(graph, index));
            graph.finish_remembered(cache, index, bytes, fx);
        } else if graph.finish(cache, index, outcome, fx) {
            fx.free.push(index);
        }
        for &input in inputs {
            graph.drop_want(input, fx);
        }
        let next = if bypass && !self.engine.queues.has_special() {
            fx.ready.pop()
        } else {
            None
        };
        let rest = !(fx.ready.is_empty() && fx.is_quiet());
        drop(state);
        if self.traced != 0 {
            self.note_ready();
        }
        if rest {
            self.settle_up();
        }
        next
    }
}

/// What a body gave: its value is in the payload, or this is its error or its panic.
pub(super) type Ran = Result<Result<(), Failure>, Panic>;

/// How a body ended.
pub(super) enum Ended {
    Settles(Outcome),
    Forwards(Forward),
    /// To be run again, later; the job to be run is in the payload.
    Reschedules,
    Suspends(Suspended),
}

/// What a body returns as its error to be finished by another task's result: rare, so it has no way of its own.
#[derive(Debug)]
pub(crate) struct Forward {
    target: TaskRef,
    job: fn(TaskRef) -> Job,
}

impl Forward {
    /// The target's value is a `T`.
    pub(crate) fn to<T: 'static>(target: TaskRef) -> Self {
        Self {
            target,
            job: Job::forward::<T>,
        }
    }
}

impl std::fmt::Display for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("finished by another task's result")
    }
}

impl std::error::Error for Forward {}

pub(crate) fn failed(failure: Failure, blame: Blame) -> TaskError {
    // A task that passes on the error of a task it waited for fails with that error, which names the culprit.
    match failure.downcast::<TaskError>() {
        Ok(inner) if inner.blames(&blame) => *inner,
        Ok(inner) => inner.through(&blame.task),
        Err(failure) => {
            let refused = failure.downcast_ref::<WaitError>().map(WaitError::kind);
            // Its text is user code too.
            let message = guarded(|| failure.to_string()).unwrap_or_else(|panic| panic.text());
            TaskError::new(
                refused.unwrap_or(ErrorKind::Failed),
                blame,
                message,
                Some(failure),
            )
        }
    }
}

pub(crate) fn panicked(panic: &Panic, blame: Blame) -> TaskError {
    TaskError::new(ErrorKind::Panicked, blame, panic.text(), None)
}
