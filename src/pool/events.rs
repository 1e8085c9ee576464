//! What happens to tasks, counted by name, and noted as transitions if somebody asked for that.
//!
//! Every change in a task's life comes through here, once. For a task without a name, while nobody asked for
//! transitions, that is one counter and one branch.
//!
//! The time of a note is taken before the change can be seen by others, and that of a claim after it, so that notes of
//! different threads, sorted by their time, tell the life of a task in order. One note may be missing: of a task that
//! becomes ready and is claimed before the thread that made it ready looks.

use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::local::{Local, State};
use super::run::guarded;
use super::stripe::{COUNTED_NAMES, Counts};
use crate::graph::{Born, Outcome, State as TaskState};
use crate::transition::Transition;

/// A change in a task's life that is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// Submitted, and ready.
    Queued,
    /// Submitted, and lacks inputs.
    Waiting,
    /// Made to be finished from outside: submitted and started at once.
    External,
    /// Claimed.
    Started,
    /// Its body has ended and the task waits to be started again.
    PutBack,
    /// Its body has ended and is called again at once.
    Again,
    Finished,
    Failed,
    /// The body of a task that was cancelled has ended.
    Cancelled,
    /// Failed by an input.
    FailedUnrun,
    /// Cancelled before it was started.
    CancelledUnrun,
}

impl Event {
    /// How a task that was started is counted when it settles.
    #[inline]
    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Value => Self::Finished,
            Outcome::Error => Self::Failed,
            Outcome::Nothing => Self::Cancelled,
        }
    }

    /// The states before and after; `was_ready` tells for a task settled unrun. A task cancelled while it ran was
    /// cancelled before its body ended, and that was noted then.
    fn states(self, was_ready: bool) -> Option<(Option<TaskState>, TaskState)> {
        let unrun = if was_ready {
            TaskState::Queued
        } else {
            TaskState::Waiting
        };
        Some(match self {
            Self::Queued => (None, TaskState::Queued),
            Self::Waiting => (None, TaskState::Waiting),
            Self::External => (None, TaskState::Running),
            Self::Started => (Some(TaskState::Queued), TaskState::Running),
            Self::PutBack => (Some(TaskState::Running), TaskState::Waiting),
            Self::Again => (Some(TaskState::Running), TaskState::Running),
            Self::Finished => (Some(TaskState::Running), TaskState::Finished),
            Self::Failed => (Some(TaskState::Running), TaskState::Failed),
            Self::Cancelled => return None,
            Self::FailedUnrun => (Some(TaskState::Waiting), TaskState::Failed),
            Self::CancelledUnrun => (Some(unrun), TaskState::Cancelled),
        })
    }
}

impl Local {
    /// Counts what happens to a task that the caller has pinned, and notes it. Runs the observer: nothing is borrowed.
    #[inline]
    pub(crate) fn happens(&self, index: u32, event: Event) {
        self.happens_quietly(index, event);
        if self.traced != 0 {
            self.tell();
        }
    }

    /// As [`happens`](Self::happens), where no user code may run; the caller lets [`tell`](Self::tell) run it later.
    #[inline]
    pub(crate) fn happens_quietly(&self, index: u32, event: Event) {
        self.stripe.all.count(event);
        let name = self.engine.graph.name(index);
        if name != 0 {
            self.stripe.count_named(name, event);
        }
        if self.traced != 0 {
            self.note_event(index, event, None);
        }
    }

    /// Counts a new task, while nobody asked for transitions.
    #[inline]
    pub(super) fn count_queued(&self, name: u32) {
        self.count_new(name, Event::Queued);
    }

    /// Counts a new task that is not queued yet. Says whether there is something to tell.
    #[inline]
    pub(super) fn count_born(&self, born: Born, name: u32, at: Option<Instant>) -> bool {
        let event = match born {
            Born::Ready(_) => Event::Queued,
            Born::Waiting(_) => Event::Waiting,
        };
        self.count_new(name, event);
        if self.traced != 0 {
            self.note_event(born.index(), event, at);
        }
        self.traced != 0
    }

    #[inline]
    fn count_new(&self, name: u32, event: Event) {
        self.stripe.all.count(Event::Queued);
        if name != 0 {
            self.stripe.count_named(name, event);
        }
    }

    #[cold]
    fn note_event(&self, index: u32, event: Event, at: Option<Instant>) {
        let was_ready = self.engine.graph.was_ready(index);
        if let Some((from, to)) = event.states(was_ready) {
            self.keep(self.transition(index, from, Some(to), at));
        }
    }

    /// The time of a submit, if transitions are noted: the task may be found by others before it is counted.
    #[inline]
    pub(super) fn time_of_submit(&self, may_be_found: bool) -> Option<Instant> {
        (may_be_found && self.traced != 0).then(Instant::now)
    }

    /// Cancels a task that the caller has pinned. One that was running is noted here, to be told later; one that had not
    /// started is counted and noted when it is settled. Says whether it was not settled yet.
    pub(super) fn cancel_node(&self, index: u32) -> bool {
        let graph = &self.engine.graph;
        let before = graph.state(index);
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let cancelled = graph.cancel(cache, index, fx);
        if self.traced != 0 && cancelled && before == TaskState::Running {
            let cancelled = Some(TaskState::Cancelled);
            self.keep(self.transition(index, Some(before), cancelled, None));
        }
        cancelled
    }

    /// Notes of tasks that have just become ready that they are queued, unless they have gone on since.
    #[cold]
    pub(super) fn note_ready(&self) {
        let ids = self.state().fx.ready_ids.as_mut().map(std::mem::take);
        for id in ids.unwrap_or_default() {
            let at = Instant::now();
            let graph = &self.engine.graph;
            self.pinned(id.index, || {
                if graph.id(id.index) == id && graph.state(id.index) == TaskState::Queued {
                    let (from, to) = (Some(TaskState::Waiting), Some(TaskState::Queued));
                    self.keep(self.transition(id.index, from, to, Some(at)));
                }
            });
        }
        self.tell();
    }

    /// Notes of a task that is not counted, but has changed. Only if transitions are noted.
    #[cold]
    pub(super) fn note(&self, index: u32, from: Option<TaskState>, to: Option<TaskState>) {
        self.keep(self.transition(index, from, to, None));
        self.tell();
    }

    fn transition(
        &self,
        index: u32,
        from: Option<TaskState>,
        to: Option<TaskState>,
        at: Option<Instant>,
    ) -> Transition {
        let (engine, graph) = (&self.engine, &self.engine.graph);
        Transition {
            at: at.unwrap_or_else(Instant::now),
            id: graph.id(index).into(),
            task: engine.shared_name(index),
            key: graph.key(index),
            from: from.map(Into::into),
            to: to.map(Into::into),
        }
    }

    /// Keeps a note for the story and for the observer.
    fn keep(&self, transition: Transition) {
        if self.engine.options.observer.is_some() {
            self.untold.borrow_mut().push_back(transition.clone());
        }
        if let Some(ring) = &self.ring {
            ring.push(transition);
        }
    }

    /// Tells the observer what it has not been told yet. It may bring more about while it is called: it is told of that
    /// next, by the call further down.
    pub(super) fn tell(&self) {
        let Some(observer) = &self.engine.options.observer else {
            return;
        };
        if self.observing.replace(true) {
            return;
        }
        let next = || self.untold.borrow_mut().pop_front();
        while let Some(transition) = next() {
            let _ = guarded(|| observer(&transition));
        }
        self.observing.set(false);
    }
}

impl Engine {
    /// The counts of each name that has been used, in the order of first use, and of the tasks without a name, last.
    pub(crate) fn counts_by_name(&self) -> Vec<(Option<Arc<str>>, Counts)> {
        let names = self.names.texts();
        let numbers = 1..=COUNTED_NAMES;
        let named = numbers.zip(names).map(|(number, text)| {
            let counts = self.stripes.sum_named(number);
            (Some(text), counts)
        });
        let mut groups: Vec<_> = named.collect();
        let sum = |sum: Counts, (_, counts): &(_, Counts)| sum.plus(counts);
        let of_named = groups.iter().fold(Counts::default(), sum);
        groups.push((None, self.stripes.sum().less(&of_named)));
        groups.retain(|(_, counts)| counts.submitted > 0);
        groups
    }
}
