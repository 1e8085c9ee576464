//! Tasks that clients watch: they are told how far these are, then and whenever that changes.
//!
//! Of their ends clients are told anyway; what comes before is said only of tasks that somebody has asked about, since nobody
//! asks about most.

use super::Machine;
use crate::driver::graph::State;
use crate::net::message::{Stage, Ticket, ToClient};

impl Machine {
    /// A client wants to be told how far these are, from now on until they have ended.
    pub(super) fn watch(&mut self, client: u32, tickets: &[Ticket]) {
        for &ticket in tickets {
            let node = self.clients[client as usize].tickets.node(ticket);
            if let Some((index, stage)) = node.and_then(|index| Some((index, self.stage(index)?))) {
                self.watched.insert(index);
                self.tell_client(client, ToClient::Stage { ticket, stage });
            }
        }
    }

    /// How far a task may have come: whoever watches it is told.
    #[inline]
    pub(super) fn tell_stage(&mut self, index: u32) {
        if !self.watched.is_empty() && self.watched.contains(&index) {
            self.tell_watchers(index);
        }
    }

    #[cold]
    fn tell_watchers(&mut self, index: u32) {
        let Some(stage) = self.stage(index) else {
            return;
        };
        for (client, ticket) in self.tasks.task(index).wants.list() {
            self.tell_client(client, ToClient::Stage { ticket, stage });
        }
    }

    /// Nothing more is to be said of it but its end.
    #[inline]
    pub(super) fn unwatch(&mut self, index: u32) {
        if !self.watched.is_empty() {
            self.watched.remove(&index);
        }
    }

    /// How far a task is that has not ended.
    fn stage(&mut self, index: u32) -> Option<Stage> {
        match self.tasks.graph.state(index) {
            State::Waiting => Some(Stage::Waiting),
            State::Queued => Some(Stage::Queued),
            State::Running => Some(self.stage_at_worker(index)),
            State::Finished | State::Failed | State::Cancelled => None,
        }
    }

    /// What was sent to a worker may lie there. Data that is being put has no body that could.
    fn stage_at_worker(&mut self, index: u32) -> Stage {
        let Some(worker) = self.tasks.task(index).at else {
            return Stage::Running;
        };
        match self.workers[worker as usize].sent.get(&index) {
            Some(sent) if sent.started => Stage::Running,
            Some(_) | None => Stage::Queued,
        }
    }
}
