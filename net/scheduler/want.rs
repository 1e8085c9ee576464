//! Who needs a task's data: users. A task is wanted, in the graph's words, by its users and by finished dependents that keep
//! it as a part of their recipe; only the former keep its data.

use super::Machine;
use super::task::Value;
use crate::driver::graph::State;
use crate::net::message::{FailureKind, Ticket};

/// Tasks looked at to find out whether somebody else wants what is made of a cancelled one. Past that it is taken for wanted.
const MOST_LOOKED_AT: usize = 10_000;

impl Machine {
    /// The caller's want of a task is one of somebody who needs its data.
    pub(super) fn add_user(&mut self, index: u32) {
        let task = self.tasks.task(index);
        task.users += 1;
        let gone = task.users == 1 && matches!(task.value, Value::None);
        if gone && self.tasks.graph.state(index) == State::Finished {
            self.lost.push(index);
        }
    }

    /// Somebody needs its data no longer, and still wants the task.
    pub(super) fn lower_users(&mut self, index: u32) {
        let task = self.tasks.task(index);
        task.users -= 1;
        if task.users == 0 && matches!(task.value, Value::Held(_)) {
            self.release_data(index);
        }
    }

    /// Somebody needs its data no longer, nor the task.
    pub(super) fn drop_user(&mut self, index: u32) {
        self.lower_users(index);
        self.tasks.graph.drop_want(index, &mut self.tasks.fx);
    }

    pub(super) fn release(&mut self, client: u32, ticket: Ticket, detach: bool) {
        let its = &mut self.clients[client as usize];
        its.fetching.remove(&ticket);
        its.tries.remove(&ticket);
        let Some(index) = its.tickets.remove(ticket) else {
            return;
        };
        self.tasks.task(index).wants.remove(client, ticket);
        self.abandon_put(index, client, ticket);
        if detach {
            self.lower_users(index);
            self.tasks.graph.detach(index, &mut self.tasks.fx);
        } else {
            self.drop_user(index);
        }
    }

    /// Ends a client's want of a task as cancelled, and the task if nobody else wants it or anything made of it.
    pub(super) fn cancel(&mut self, client: u32, ticket: Ticket) {
        let Some(index) = self.clients[client as usize].tickets.node(ticket) else {
            return;
        };
        if self.tasks.is_settled(index) {
            return;
        }
        let kind = self.tasks.task(index).kind;
        let failure = self.failure(kind, FailureKind::Cancelled, "it was cancelled".into());
        if self.is_wanted_by_others(index, client) {
            self.fail_ticket(index, client, ticket, failure);
            return;
        }
        self.tasks.task(index).value = Value::Failed(failure);
        let tasks = &mut self.tasks;
        tasks.graph.cancel(&mut tasks.cache, index, &mut tasks.fx);
        self.notify(index);
        self.stop_run(index);
    }

    /// Whether another client, or who coordinates, wants this task or anything that waits for it.
    fn is_wanted_by_others(&mut self, index: u32, client: u32) -> bool {
        let mut open = vec![index];
        let mut seen = crate::net::map::Set::default();
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let wants = self.tasks.task(index).wants.list();
            let by_house = self.house.contains_key(&index);
            let by_client = wants.iter().any(|&(other, _)| other != client);
            if seen.len() > MOST_LOOKED_AT || by_house || by_client {
                return true;
            }
            open.extend(self.tasks.graph.dependents(index));
        }
        false
    }

    /// Tells the worker that runs a task that nobody wants it any more; data that is being put needs no worker to say so.
    pub(super) fn stop_run(&mut self, index: u32) {
        if let Some(worker) = self.tasks.task(index).at {
            let run = self.data_name(index);
            self.tell_worker(worker, crate::net::message::ToWorker::Cancel { run });
        } else if self.puts.contains_key(&index) {
            self.end_put(index);
        }
    }
}
