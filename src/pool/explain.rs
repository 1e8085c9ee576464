//! Why a task is not running, in a sentence.
//!
//! Each state has its function, which asks what can hold a task up in that state, the most particular first. A part that
//! holds tasks up in a way of its own is asked there: resources, pools and limits in `explain_queued`, what a body can
//! be blocked on in `describe_wait`, tasks that no body finishes in `explain_running`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::local::Local;
use super::resources::Lack;
use super::waits::On;
use crate::graph::{Id, State as TaskState};
use crate::sync::Claim;
use crate::transition::status_word;

/// Inputs named in one sentence; the rest are counted.
const NAMED: usize = 3;

impl Engine {
    /// Says of a task, which the caller wants, why it is not running.
    pub(crate) fn explain(&self, local: &Local, index: u32) -> String {
        let mut label = self.label(index);
        if let Some(more) = self.extra(index).and_then(|extra| extra.label.clone()) {
            label = format!("{label} [{more}]");
        }
        match self.state_seen(index) {
            TaskState::Finished => format!("{label} is finished"),
            TaskState::Failed => {
                format!("{label} failed: {}", super::job::error(&self.graph, index))
            }
            TaskState::Cancelled => self.explain_cancelled(&label, index),
            TaskState::Running => self
                .explain_call(local, &label, index)
                .unwrap_or_else(|| self.explain_running(local, &label, index)),
            TaskState::Queued => self
                .explain_line(local, &label, index)
                .unwrap_or_else(|| self.explain_queued(local, &label, index)),
            TaskState::Waiting => self.explain_waiting(local, &label, index),
        }
    }

    fn explain_cancelled(&self, label: &str, index: u32) -> String {
        let why = self.timeout_error(index);
        let why = why.map_or_else(String::new, |error| format!(": {error}"));
        let body = match self.graph.has_body(index) {
            true => "; its body has not returned yet",
            false => "",
        };
        format!("{label} was cancelled{why}{body}")
    }

    pub(super) fn explain_running(&self, local: &Local, label: &str, index: u32) -> String {
        match self.blocked_on(local, index) {
            None => match self.async_tasks.is_pending(index) {
                None => format!("{label} is running"),
                Some(true) => format!("{label} is async, was woken and is queued to go on"),
                Some(false) => format!(
                    "{label} is async and pending: it holds no thread, and goes on when what it awaits wakes it"
                ),
            },
            Some(on) => format!("{label} has started and is blocked on {on}"),
        }
    }

    /// What a running task is blocked on, if it is.
    fn blocked_on(&self, local: &Local, index: u32) -> Option<String> {
        // Under the lock the blocked body cannot go on, so it still wants what it waits for.
        self.waits.with(|records| {
            let mut frames = records.slab.iter().flat_map(|(_, record)| &record.frames);
            let frame = frames.find(|frame| frame.task == index);
            frame.map(|frame| self.describe_wait(local, &frame.on))
        })
    }

    fn explain_queued(&self, local: &Local, label: &str, index: u32) -> String {
        let why = if self.is_closed() {
            "the client is closed".to_owned()
        } else if self.forked() {
            "this process is a copy, made by `fork`, without the client's threads".to_owned()
        } else if self.crew.is_anybody_idle() {
            "a thread is being woken for it".to_owned()
        } else {
            self.explain_busy(local)
        };
        let others = self.explain_others(local, index);
        format!("{label} is ready and queued{others}: {why}")
    }

    /// How many other tasks are ready, and how many of these go first.
    fn explain_others(&self, local: &Local, index: u32) -> String {
        let others: Vec<u32> = self.graph.in_state(TaskState::Queued).collect();
        let count = others.iter().filter(|&&other| other != index).count();
        let mine = self.graph.priority(index);
        let goes_first = |&&other: &&u32| {
            let higher = || self.graph.priority(other) > mine;
            local.pinned(other, higher).unwrap_or(false)
        };
        match (count, others.iter().filter(goes_first).count()) {
            (0, _) => String::new(),
            (_, 0) => format!(" with {count} others"),
            (_, first) => format!(" with {count} others, {first} of them of higher priority"),
        }
    }

    fn explain_busy(&self, local: &Local) -> String {
        let blocked = self.waits.with(|records| {
            let frames = records.slab.iter().flat_map(|(_, record)| &record.frames);
            frames.map(|frame| frame.task).collect::<HashSet<_>>()
        });
        let busy = self
            .graph
            .bodies()
            .filter(|index| !blocked.contains(index))
            .filter_map(|index| local.pinned(index, || self.label(index)));
        let busy = listed(busy.collect());
        let busy = busy.map_or_else(String::new, |names| format!(" with {names}"));
        match (self.options.threads, self.waits.blocked()) {
            (1, 0) => format!("the only thread is busy{busy}"),
            (threads, 0) => format!("all {threads} threads are busy{busy}"),
            (threads, blocked) => {
                format!(
                    "{blocked} tasks are blocked, and {threads} threads beside them are busy{busy}"
                )
            }
        }
    }

    /// Of a task in the line of a pool or for resources.
    fn explain_line(&self, local: &Local, label: &str, index: u32) -> Option<String> {
        if let Some(lack) = self.resources.lack(index) {
            return Some(self.explain_lack(local, label, &lack));
        }
        let gate = self.extra(index)?.gate.clone()?;
        let (name, threads, in_line) = self.pools.place_of(&gate)?;
        let tasks = if in_line == 1 { "task is" } else { "tasks are" };
        Some(format!(
            "{label} is ready and queued for the pool `{name}`, whose threads ({threads}) are busy; {in_line} {tasks} in its line"
        ))
    }

    fn explain_lack(&self, local: &Local, label: &str, lack: &Lack) -> String {
        let amount = |(name, needed, free, all): &(String, u64, u64, u64)| {
            format!("{needed} of `{name}` ({free} of {all} free)")
        };
        let amounts: Vec<String> = lack.resources.iter().map(amount).collect();
        let holder = |&task: &u32| local.pinned(task, || self.label(task));
        let mut holders: Vec<String> = lack.holders.iter().filter_map(holder).collect();
        if lack.more_holders > 0 {
            holders.push(format!("{} more", lack.more_holders));
        }
        let held = if holders.is_empty() {
            String::new()
        } else {
            format!("; held by {}", holders.join(", "))
        };
        let ahead = match lack.ahead {
            0 => String::new(),
            ahead => format!("; {ahead} before it in line"),
        };
        format!(
            "{label} is ready and queued: it needs {}{held}{ahead}",
            amounts.join(" and ")
        )
    }

    fn explain_waiting(&self, local: &Local, label: &str, index: u32) -> String {
        let mut missing = Vec::new();
        for input in self.graph.inputs(index) {
            local.pinned(input, || {
                // While the task waits, whatever it names as an input is one.
                if !self.graph.is_settled(input) && !self.graph.is_settled(index) {
                    missing.push(self.describe_input(local, input));
                }
            });
        }
        match listed(missing) {
            None => format!("{label} has just got its last input"),
            Some(missing) => format!("{label} is waiting for {missing}"),
        }
    }

    fn describe_input(&self, local: &Local, input: u32) -> String {
        let label = self.label(input);
        let state = self.state_seen(input);
        let on = match state {
            TaskState::Running => self.blocked_on(local, input),
            _ => None,
        };
        let state = status_word(state.into());
        match on {
            None => format!("{label} ({state})"),
            Some(on) => format!("{label} ({state}, blocked on {on})"),
        }
    }

    /// A claim of locks, and who has the first that it lacks.
    fn describe_claim(&self, local: &Local, claim: &Arc<Claim>) -> String {
        let label = |id: Id| {
            let same = || (self.graph.id(id.index) == id).then(|| self.label(id.index));
            local.pinned(id.index, same).flatten()
        };
        let who = match self.coordination.locks.obstacle(claim) {
            None => return claim.what(),
            Some(None) => "somebody outside of tasks".to_owned(),
            Some(Some(id)) => {
                label(id).unwrap_or_else(|| "a guard that has outlived its task".to_owned())
            }
        };
        format!("{}, held by {who}", claim.what())
    }

    fn describe_wait(&self, local: &Local, on: &On) -> String {
        match on {
            On::Task(task) => self.label(*task),
            On::TimedTask(task) => format!("{} for a time", self.label(*task)),
            On::AnyOf(set) => format!("the first of {} tasks", set.members().len()),
            On::Lock(claim) => self.describe_claim(local, claim),
            On::TimedLock(claim) => format!("{} for a time", self.describe_claim(local, claim)),
            On::Room(actor) => match self.actors.get(*actor) {
                Some(actor) => format!("room in the mailbox of actor `{}`", actor.name()),
                None => "room in a mailbox".to_owned(),
            },
            On::Bodies => "the bodies of a scope".to_owned(),
            On::Event(what) => what.to_string(),
        }
    }

    /// The line that is printed when nothing has happened for long.
    pub(super) fn stall_text(&self, local: &Local, waiting: usize, since: Duration) -> String {
        let seconds = since.as_secs_f32();
        let blocked: Vec<String> = self.waits.with(|records| {
            let frames = records
                .slab
                .iter()
                .filter_map(|(_, record)| record.frames.last());
            let frames = frames.filter(|frame| frame.task != 0).take(NAMED);
            frames
                .map(|frame| {
                    format!(
                        "{} on {}",
                        self.label(frame.task),
                        self.describe_wait(local, &frame.on)
                    )
                })
                .collect()
        });
        let blocked = if blocked.is_empty() {
            String::new()
        } else {
            format!("; blocked: {}", blocked.join(", "))
        };
        format!(
            "tenter: no task has started or settled for {seconds:.1} s while {waiting} wait{blocked}; \
             ask a handle's `explain()` what it needs"
        )
    }
}

/// The first few of these, and how many more there are.
fn listed(mut names: Vec<String>) -> Option<String> {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let text = names.join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (_, 0) => Some(text),
        (_, more) => Some(format!("{text} and {more} more")),
    }
}
