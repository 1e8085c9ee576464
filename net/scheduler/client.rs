//! What the scheduler knows of a client, and what a client's words do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::fetch::Tries;
use super::kinds::Needs;
use super::task::{Value, Wants};
use super::tickets::Tickets;
use super::{Effect, Machine};
use crate::net::message::{
    Answer, Condition, Define, Finished, FromClient, Located, PUSH_LIMIT, PeerId, Question, Ticket,
    ToClient, ToWorker, WorkerInfo,
};

/// Functions or kinds that one client may define.
const MOST_DEFINED: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Client {
    pub(super) peer: PeerId,
    /// It is the tasks of a worker: it speaks on that connection.
    pub(super) on_worker: bool,
    pub(super) tickets: Tickets,
    /// Its numbers of functions and kinds, as the scheduler's.
    pub(super) functions: Vec<u32>,
    pub(super) kinds: Vec<u32>,
    /// Results that it asked for and that are not there yet.
    pub(super) fetching: BTreeSet<Ticket>,
    /// Those that it had trouble to get.
    pub(super) tries: BTreeMap<Ticket, Tries>,
}

/// Finished tasks that keep their inputs, so that they can run again: on the account of the client that defined their kind.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    pub(super) limit: usize,
    /// Oldest first; some of them are not there any more.
    pub(super) tasks: VecDeque<(u32, u32)>,
    pub(super) live: usize,
    pub(super) client_gone: bool,
}

/// Why a peer is disconnected.
pub(super) type Fault = String;

impl Client {
    pub(super) fn new(peer: PeerId, on_worker: bool) -> Self {
        Self {
            peer,
            on_worker,
            tickets: Tickets::default(),
            functions: Vec::new(),
            kinds: Vec::new(),
            fetching: BTreeSet::new(),
            tries: BTreeMap::new(),
        }
    }
}

impl Machine {
    /// Does what a client says.
    ///
    /// # Errors
    /// What no client may say.
    pub(super) fn client_says(&mut self, client: u32, words: FromClient) -> Result<(), Fault> {
        match words {
            FromClient::Define(define) => return self.define(client, define),
            FromClient::Submit(submit) => return self.submit(client, submit),
            FromClient::SubmitMany(many) => return self.submit_many(client, many),
            FromClient::Want { ticket, task } => return self.want_task(client, ticket, task),
            FromClient::Release { tickets } => {
                tickets
                    .iter()
                    .for_each(|&ticket| self.release(client, ticket, false));
            }
            FromClient::Detach { tickets } => {
                tickets
                    .iter()
                    .for_each(|&ticket| self.release(client, ticket, true));
            }
            FromClient::Cancel { tickets } => {
                tickets
                    .iter()
                    .for_each(|&ticket| self.cancel(client, ticket));
            }
            FromClient::Fetch { ticket } => self.fetch(client, ticket),
            FromClient::FetchFailed {
                ticket,
                data,
                holder,
                absent,
            } => {
                self.fetch_failed(client, ticket, data, holder, absent);
            }
            FromClient::Watch { tickets } => self.watch(client, &tickets),
            FromClient::Scatter {
                ticket,
                name,
                data,
                on,
                mentions,
            } => {
                self.expect_all_known(client, &mentions)?;
                return self.scatter(client, ticket, (name, data), on, &mentions);
            }
            FromClient::PutFailed { ticket, data } => self.put_failed(client, ticket, data),
            FromClient::Retry { ticket, of } => return self.retry(client, ticket, of),
            FromClient::Replicate { ticket, copies } => self.replicate(client, ticket, copies),
            FromClient::Ask { request, question } => {
                let answer = self.answer(client, question);
                self.tell_client(client, ToClient::Answer { request, answer });
            }
            FromClient::Retire { worker } => self.retire(worker),
            FromClient::Coordinate {
                request,
                body,
                mentions,
            } => self.coordinate(client, request, body, &mentions),
        }
        Ok(())
    }

    fn define(&mut self, client: u32, define: Define) -> Result<(), Fault> {
        let its = &self.clients[client as usize];
        if its.functions.len().max(its.kinds.len()) >= MOST_DEFINED {
            return Err(format!(
                "more than {MOST_DEFINED} functions or kinds of tasks were defined"
            ));
        }
        match define {
            Define::Function(info) => {
                let number = self.kinds.function(&info);
                self.clients[client as usize].functions.push(number);
            }
            Define::Kind(info) => {
                let defined = its.functions.get(info.function as usize);
                let &function =
                    defined.ok_or_else(|| format!("function {} was not defined", info.function))?;
                let account = its.peer.0;
                let number = self.kinds.add(account, function, *info);
                self.clients[client as usize].kinds.push(number);
            }
        }
        Ok(())
    }

    pub(super) fn tell_client(&mut self, client: u32, words: ToClient) {
        let Client {
            peer, on_worker, ..
        } = self.clients[client as usize];
        self.out.push(if on_worker {
            Effect::ToWorker(peer, ToWorker::Client(words))
        } else {
            Effect::ToClient(peer, words)
        });
    }

    /// Tells who wants a task what has become of it.
    pub(super) fn notify(&mut self, index: u32) {
        self.unwatch(index);
        if let &Wants::One(client, ticket) = &self.tasks.task(index).wants {
            return self.notify_one(index, client, ticket);
        }
        for (client, ticket) in self.tasks.task(index).wants.list() {
            self.notify_one(index, client, ticket);
        }
    }

    pub(super) fn notify_one(&mut self, index: u32, client: u32, ticket: Ticket) {
        let fetching = self.clients[client as usize].fetching.remove(&ticket);
        if fetching && let Some(at) = self.located(index, Some((client, ticket))) {
            let mentions = self.mentioned_by_result(index);
            let words = ToClient::Located {
                ticket,
                at,
                mentions,
            };
            self.tell_client(client, words);
            return;
        }
        let result = match &self.tasks.task(index).value {
            Value::None => {
                if fetching {
                    self.clients[client as usize].fetching.insert(ticket);
                }
                return;
            }
            Value::Inline(bytes) if bytes.len() <= PUSH_LIMIT => Finished::Inline(bytes.clone()),
            Value::Inline(bytes) => Finished::Held {
                bytes: bytes.len() as u64,
            },
            Value::Held(held) => Finished::Held { bytes: held.bytes },
            Value::Failed(failure) => {
                let failure = failure.clone();
                self.tell_client(client, ToClient::Failed { ticket, failure });
                return;
            }
        };
        let mentions = self.mentioned_by_result(index);
        let words = ToClient::Finished {
            ticket,
            result,
            mentions,
        };
        self.tell_client(client, words);
    }

    fn answer(&mut self, client: u32, question: Question) -> Answer {
        let node = |ticket| self.clients[client as usize].tickets.node(ticket);
        match question {
            Question::Explain(ticket) => {
                let index = node(ticket);
                Answer::Text(index.map_or_else(
                    || "nobody knows this task".into(),
                    |index| self.explain(index),
                ))
            }
            Question::WhoHas(ticket) => {
                let located = node(ticket).and_then(|index| self.located(index, None));
                Answer::Holders(match located {
                    Some(Located::Held { holders, .. }) => holders,
                    Some(Located::Actor { holder, .. }) => vec![holder],
                    Some(Located::Inline(_)) | None => Vec::new(),
                })
            }
            Question::TaskIdOf(ticket) => {
                Answer::TaskId(node(ticket).map(|index| self.tasks.id(index)))
            }
            Question::Workers => Answer::Workers(self.worker_infos()),
        }
    }

    fn worker_infos(&self) -> Vec<WorkerInfo> {
        let info = |(_, worker): (usize, &super::worker::Worker)| WorkerInfo {
            worker: worker.peer,
            name: worker.hello.name.clone(),
            host: worker.hello.host.clone(),
            address: worker.hello.address.clone(),
            slots: worker.hello.slots,
            assigned: worker.sent.len() as u32,
            held_bytes: worker.held_bytes,
        };
        self.workers.iter().map(info).collect()
    }

    /// A client has come.
    pub(super) fn client_joined(
        &mut self,
        peer: PeerId,
        on_worker: bool,
        limit: Option<u64>,
    ) -> u32 {
        let limit = limit.map_or(self.config.lineage_limit, |limit| limit as usize);
        self.lineages.entry(peer.0).or_default().limit = limit;
        let client = self.clients.insert(Client::new(peer, on_worker)) as u32;
        if self.told_no_workers {
            let ready = self.ready_count();
            self.tell_client(client, ToClient::Condition(Condition::NoWorkers { ready }));
        }
        client
    }

    /// A client has gone: nothing of what it wanted is wanted by it any more.
    pub(super) fn client_gone(&mut self, client: u32) {
        let gone = self.clients.remove(client as usize);
        // First of all it is told nothing more, also by what ends with the first of its wants.
        for (ticket, index) in gone.tickets.iter() {
            self.tasks.task(index).wants.remove(client, ticket);
        }
        for (ticket, index) in gone.tickets.iter() {
            self.abandon_put(index, client, ticket);
            self.drop_user(index);
        }
        gone.kinds.iter().for_each(|&kind| self.release_kind(kind));
        self.lineages.entry(gone.peer.0).or_default().client_gone = true;
        self.tidy_lineage(gone.peer.0);
    }

    pub(super) fn release_kind(&mut self, kind: u32) {
        if self.kinds.release(kind) {
            self.workers.iter_mut().for_each(|(_, worker)| {
                worker.kinds.remove(&kind);
            });
        }
    }

    /// Everyone's numbers of a requirement that only restricts where.
    pub(super) fn hosts_requirement(&mut self, on: Vec<String>) -> u32 {
        let needs = Needs {
            on,
            ..Needs::default()
        };
        self.requirement(needs)
    }
}
