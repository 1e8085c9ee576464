//! Data that clients scatter: tasks without a recipe.

use super::Machine;
use super::client::Fault;
use super::task::{Held, SCATTERED, Task, Value};
use crate::driver::graph::{Outcome, Spec, State};
use crate::net::message::{
    FailureKind, INLINE_LIMIT, Mention, PeerId, Run, Scattered, Ticket, ToClient,
};

/// Data on its way from a client to a worker.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) client: u32,
    pub(super) ticket: Ticket,
    pub(super) requirement: u32,
    pub(super) worker: Option<u32>,
    /// How many copies are wanted once it is there.
    pub(super) copies: u32,
}

impl Machine {
    pub(super) fn scatter(
        &mut self,
        client: u32,
        ticket: Ticket,
        (name, data): (String, Scattered),
        on: Vec<String>,
        mentions: &[Mention],
    ) -> Result<(), Fault> {
        self.expect_new(client, ticket)?;
        let mut task = Task {
            kind: u32::MAX,
            flags: SCATTERED,
            ..Task::default()
        };
        let tasks = &mut self.tasks;
        let index = match data {
            Scattered::Inline(bytes) if bytes.len() > INLINE_LIMIT => {
                return Err(format!("{} bytes were scattered inline", bytes.len()));
            }
            Scattered::Inline(bytes) => {
                task.value = Value::Inline(bytes);
                tasks
                    .graph
                    .settled(&mut tasks.cache, &Spec::default(), task, false)
            }
            Scattered::Sized(_) => {
                let index = tasks
                    .graph
                    .external(&mut tasks.cache, &Spec::default(), task);
                let requirement = self.hosts_requirement(on);
                let put = Put {
                    client,
                    ticket,
                    requirement,
                    worker: None,
                    copies: 0,
                };
                self.puts.insert(index, put);
                index
            }
        };
        self.scattered_names.insert(index, name);
        self.name_in_data(index, client, mentions);
        self.give_ticket(index, client, ticket);
        if self.puts.contains_key(&index) {
            self.find_place_for(index);
        }
        Ok(())
    }

    /// The handles inside data that is scattered: wanted while the data are.
    fn name_in_data(&mut self, index: u32, client: u32, mentions: &[Mention]) {
        if !mentions.is_empty() {
            let mentions = mentions.iter();
            let named = mentions.map(|&mention| self.take_mention(client, mention));
            let named = named.collect();
            self.result_mentions.insert(index, named);
        }
    }

    /// Names a worker for data that a client wants to put, or has it wait for one.
    pub(super) fn find_place_for(&mut self, index: u32) {
        let Some(requirement) = self.puts.get(&index).map(|put| put.requirement) else {
            return;
        };
        let worker = self.least_full(requirement);
        let attempt = &mut self.tasks.task(index).attempt;
        *attempt += 1;
        let data = self.data_name(index);
        let Some(put) = self.puts.get_mut(&index) else {
            return;
        };
        put.worker = worker;
        let (client, ticket) = (put.client, put.ticket);
        if let Some(worker) = worker {
            let holder = self.holder(worker);
            self.tell_client(
                client,
                ToClient::Put {
                    ticket,
                    data,
                    holder,
                },
            );
        }
    }

    /// Of four random workers, the one that holds least.
    fn least_full(&mut self, requirement: u32) -> Option<u32> {
        let few = 4;
        let count = self.meeting(requirement).len();
        if count == 0 {
            return None;
        }
        let mut best: Option<(u64, u32)> = None;
        for _ in 0..few {
            let one = self.random.below(count);
            let worker = self.meeting(requirement)[one];
            let held = self.workers[worker as usize].held_bytes;
            if best.is_none_or(|(least, _)| held < least) {
                best = Some((held, worker));
            }
        }
        best.map(|(_, worker)| worker)
    }

    /// The client could not reach the worker.
    pub(super) fn put_failed(&mut self, client: u32, ticket: Ticket, data: Run) {
        let Some(index) = self.clients[client as usize].tickets.node(ticket) else {
            return;
        };
        if self.puts.contains_key(&index) && self.data_name(index) == data {
            self.find_place_for(index);
        }
    }

    pub(super) fn is_put(&mut self, index: u32, data: Run, worker: u32) -> bool {
        let its = self.puts.get(&index).and_then(|put| put.worker);
        its == Some(worker) && self.data_name(index) == data
    }

    pub(super) fn put_arrived(&mut self, index: u32, worker: u32, bytes: u64) {
        let copies = self.puts.remove(&index).map_or(0, |put| put.copies);
        let holders = smallvec::SmallVec::new();
        self.tasks.task(index).value = Value::Held(Box::new(Held {
            bytes,
            holders,
            is_actor: false,
        }));
        self.add_holder(index, worker);
        self.finish(index);
        self.copy(index, copies);
    }

    /// Nobody wants data any more that is on its way.
    pub(super) fn end_put(&mut self, index: u32) {
        self.puts.remove(&index);
        if self.tasks.graph.state(index) == State::Cancelled {
            self.end(index, Outcome::Nothing);
            return;
        }
        let failure = self.failure(
            u32::MAX,
            FailureKind::Cancelled,
            "nobody wanted it any more".into(),
        );
        self.fail(index, failure);
    }

    /// The ticket that data were to be put for is no more: nobody will put them.
    pub(super) fn abandon_put(&mut self, index: u32, client: u32, ticket: Ticket) {
        let its = |put: &Put| (put.client, put.ticket) == (client, ticket);
        if self.puts.get(&index).is_none_or(|put| !its(put)) {
            return;
        }
        if self.tasks.graph.state(index) == State::Cancelled {
            self.end_put(index);
            return;
        }
        self.puts.remove(&index);
        let text = "the client that scattered it let it go before a worker had it".to_owned();
        let failure = self.failure(u32::MAX, FailureKind::DataLost, text);
        self.fail(index, failure);
    }

    /// A worker has gone, or a new one has come: data that waits for a place.
    pub(super) fn place_puts(&mut self, gone: Option<u32>) {
        let mut waiting: Vec<u32> = self
            .puts
            .iter()
            .filter(|(_, put)| put.worker == gone)
            .map(|(&index, _)| index)
            .collect();
        waiting.sort_unstable();
        waiting
            .into_iter()
            .for_each(|index| self.find_place_for(index));
    }

    pub(super) fn worker_slot(&self, peer: PeerId) -> Option<u32> {
        match *self.peers.get(&peer.0)? {
            super::Role::Worker(worker) => Some(worker),
            super::Role::Client(_) => None,
        }
    }

    /// The client that speaks there: itself, or a worker's tasks once they have said something.
    pub(super) fn client_slot(&self, peer: PeerId) -> Option<u32> {
        match *self.peers.get(&peer.0)? {
            super::Role::Client(client) => Some(client),
            super::Role::Worker(worker) => self.workers[worker as usize].client,
        }
    }
}
