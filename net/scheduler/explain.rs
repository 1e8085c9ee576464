//! Why a task is not running.

use super::kinds::NONE;
use super::task::Value;
use super::{Machine, Role};
use crate::driver::graph::State;
use crate::net::message::{PeerId, Ticket};

/// Names that a sentence lists.
const MOST_NAMED: usize = 3;

impl Machine {
    /// Why a client's task is not running, as [`Question::Explain`](crate::net::message::Question::Explain) is answered.
    pub fn why(&mut self, client: PeerId, ticket: Ticket) -> String {
        let Some(&Role::Client(client)) = self.peers.get(&client.0) else {
            return "there is no such client".into();
        };
        let index = self.clients[client as usize].tickets.node(ticket);
        index.map_or_else(
            || "nobody knows this task".into(),
            |index| self.explain(index),
        )
    }

    /// A sentence on what a task waits for.
    pub(super) fn explain(&mut self, index: u32) -> String {
        match self.tasks.graph.state(index) {
            State::Waiting => self.explain_waiting(index),
            State::Queued => self.explain_queued(index),
            State::Running => self.explain_running(index),
            State::Finished => self.explain_finished(index),
            State::Cancelled => "it was cancelled".into(),
            State::Failed => match &self.tasks.task(index).value {
                Value::Failed(failure) => format!("it has failed: {}", failure.text),
                Value::None | Value::Inline(_) | Value::Held(_) => "it has failed".into(),
            },
        }
    }

    fn name_of(&mut self, index: u32) -> String {
        let id = self.tasks.id(index);
        let kind = self.tasks.task(index).kind;
        let Some(kind) = self.kinds.kinds.get(&kind) else {
            return id.to_string();
        };
        let name = &kind.info.name;
        let function = &self.kinds.functions[kind.function as usize].name;
        format!("{} ({id})", if name.is_empty() { function } else { name })
    }

    fn explain_waiting(&mut self, index: u32) -> String {
        let inputs = self.tasks.graph.inputs(index);
        let missing: Vec<u32> = inputs
            .iter()
            .copied()
            .filter(|&input| !self.tasks.is_settled(input))
            .collect();
        let named: Vec<String> = missing
            .iter()
            .take(MOST_NAMED)
            .map(|&input| format!("{}, {}", self.name_of(input), self.in_a_word(input)))
            .collect();
        format!(
            "it waits for {} of {} inputs: {}{}",
            missing.len(),
            inputs.len(),
            named.join("; "),
            if missing.len() > MOST_NAMED {
                "; .."
            } else {
                ""
            }
        )
    }

    fn in_a_word(&self, index: u32) -> &'static str {
        match self.tasks.graph.state(index) {
            State::Waiting => "which waits for inputs itself",
            State::Queued => "which is ready",
            State::Running => "which was sent to a worker",
            State::Finished | State::Failed | State::Cancelled => "which has ended",
        }
    }

    fn explain_queued(&mut self, index: u32) -> String {
        if self.workers.is_empty() {
            return "it is ready, and there is no worker".into();
        }
        let requirement = match self.requirement_of(index) {
            Ok(requirement) => requirement,
            Err(failure) => return failure.text.clone(),
        };
        if requirement == NONE {
            let workers = self.workers.len();
            return format!("it is ready, and all {workers} workers are busy");
        }
        self.explain_requirement(requirement)
    }

    fn explain_requirement(&self, requirement: u32) -> String {
        let requirement = &self.kinds.requirements[requirement as usize];
        let mut wanted = Vec::new();
        if let Some(function) = requirement.needs.function {
            wanted.push(format!(
                "the task `{}`",
                self.kinds.functions[function as usize].name
            ));
        }
        if !requirement.needs.on.is_empty() {
            wanted.push(format!(
                "one of the hosts or names {}",
                requirement.needs.on.join(", ")
            ));
        }
        for &(resource, amount) in &requirement.needs.resources {
            let name = self.kinds.resource_name(resource);
            wanted.push(if name.is_empty() {
                "no other task that has been where workers died".into()
            } else {
                format!("{amount} of `{name}`")
            });
        }
        let (wanted, able) = (wanted.join(", and "), requirement.workers.len());
        let all = self.workers.len();
        if able == 0 {
            return format!("it is ready, and none of {all} workers has {wanted}");
        }
        format!("it is ready, and the {able} of {all} workers that have {wanted} are busy")
    }

    fn explain_running(&mut self, index: u32) -> String {
        let Some(worker) = self.tasks.task(index).at else {
            return "its data is on the way from a client to a worker".into();
        };
        let now = self.now_us;
        let its = &self.workers[worker as usize];
        let Some(sent) = its.sent.get(&index) else {
            return "it was sent to a worker".into();
        };
        let ms = now.saturating_sub(sent.at_us) / 1000;
        let what = if sent.started {
            "it runs"
        } else {
            "it was sent"
        };
        format!(
            "{what} on worker {} ({}), to which it was sent {ms} ms ago with {} others, attempt {}",
            its.peer,
            its.hello.name,
            its.sent.len() - 1,
            sent.attempt
        )
    }

    fn explain_finished(&mut self, index: u32) -> String {
        match &self.tasks.task(index).value {
            Value::Inline(bytes) => {
                format!("it has finished: {} bytes, on the scheduler", bytes.len())
            }
            Value::Held(held) => {
                let (bytes, holders) = (held.bytes, held.holders.len());
                format!("it has finished: {bytes} bytes, on {holders} workers")
            }
            Value::None | Value::Failed(_) => "it has finished, and its result was let go".into(),
        }
    }
}
