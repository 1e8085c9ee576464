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
        let Some(kind) = self.kinds.kinds.get(kind as usize) else {
            return id.to_string();
        };
        let name = &kind.info.name;
        let function = self.kinds.function_name(kind.function);
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
        let again = self.again(index);
        let why = self.explain_ready(index);
        format!("{again}it is ready, and {why}")
    }

    /// What is to be said of a task that runs, or is to run, for the second time.
    fn again(&mut self, index: u32) -> String {
        let task = self.tasks.task(index);
        match (task.deaths, task.failures) {
            (0, 0) if task.attempt == 0 => String::new(),
            (0, 0) => {
                "it was sent out before, and what came of that was lost or given back; ".into()
            }
            (0, failures) => format!("it has failed {failures} times and is tried again; "),
            (deaths, _) => format!("{deaths} workers have died while it ran there; "),
        }
    }

    fn explain_ready(&mut self, index: u32) -> String {
        if self.everyone.items().is_empty() {
            return "there is no worker".into();
        }
        if let Some(worker) = self.in_line_of(index) {
            let name = self.place_name(worker);
            return format!("waits for {name}, which has its inputs or is preferred, and is busy");
        }
        let requirement = match self.requirement_of(index) {
            Ok(requirement) => requirement,
            Err(failure) => return failure.text.clone(),
        };
        if requirement == NONE {
            let workers = self.everyone.items().len();
            let full = self.full_among(requirement);
            return format!("all {workers} workers are busy{full}");
        }
        self.explain_requirement(requirement)
    }

    /// The worker in whose line a task stands.
    fn in_line_of(&self, index: u32) -> Option<u32> {
        let generation = self.tasks.graph.generation(index);
        let its =
            |entry: &super::lanes::Entry| (entry.index, entry.generation) == (index, generation);
        let lined = self.lined.items().iter().copied();
        let mut lined = lined.filter(|&worker| self.workers[worker as usize].line.iter().any(its));
        lined.next()
    }

    /// What is to be said of workers that take nothing since they hold too much.
    fn full_among(&self, requirement: u32) -> String {
        match self.full_count(requirement) {
            0 => String::new(),
            full => format!(
                ", {full} of them since they hold more than 80 % of the memory that they may: let results go, or add workers"
            ),
        }
    }

    fn explain_requirement(&self, requirement: u32) -> String {
        let full = self.full_among(requirement);
        let requirement = &self.kinds.requirements[requirement as usize];
        let mut wanted = Vec::new();
        if let Some(function) = requirement.needs.function {
            wanted.push(format!("the task `{}`", self.kinds.function_name(function)));
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
            return format!("none of {all} workers has {wanted}");
        }
        format!("the {able} of {all} workers that have {wanted} are busy{full}")
    }

    fn explain_running(&mut self, index: u32) -> String {
        let Some(worker) = self.tasks.task(index).at else {
            return self.explain_put(index);
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

    fn explain_put(&self, index: u32) -> String {
        match self
            .puts
            .get(&index)
            .map(|put| (put.worker, put.requirement))
        {
            Some((Some(worker), _)) => {
                let name = self.place_name(worker);
                format!("its data is on the way from a client to {name}")
            }
            Some((None, NONE)) => "its data waits at a client, since there is no worker".into(),
            Some((None, requirement)) => {
                let hosts = &self.kinds.requirements[requirement as usize].needs.on;
                let hosts = hosts.join(", ");
                format!("its data waits at a client: no worker is on one of {hosts}")
            }
            None => "nobody wants it any more, and its run has not ended".into(),
        }
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
