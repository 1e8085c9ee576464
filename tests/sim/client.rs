//! A simulated client: submits, waits, fetches, cancels and lets go at random, and judges all that it hears.

use std::collections::BTreeMap;

use bytes::Bytes;
use tenter::net::message::{
    Answer, Define, Failure, FailureKind, Finished, FromClient, FunctionInfo, Input, KindOfTask,
    Located, PeerId, Question, Run, Scattered, Submit, SubmitMany, TaskId, TaskKey, Ticket,
    ToClient,
};

use crate::house::{Word, given};
use crate::model::{WORKS, Work};
use crate::worker::{BIG, bytes_of, function_name, number_of};
use crate::world::{Event, MS, Up, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Nothing,
    Finished,
    Lost,
    Failed,
}

#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) node: usize,
    pub(crate) heard: Heard,
    pub(crate) value: Option<u64>,
    fetching: bool,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) handles: BTreeMap<u64, Handle>,
    next_ticket: u64,
    defined: bool,
    pub(crate) left_to_submit: usize,
    next_request: u64,
    asked: BTreeMap<u64, usize>,
}

/// Kinds of each work: plain, needing a resource, on a host, preferring a host, urgent.
const FLAVOURS: usize = 5;

impl Client {
    pub(crate) fn new(_peer: PeerId, left_to_submit: usize) -> Self {
        Self {
            handles: BTreeMap::new(),
            next_ticket: 1,
            defined: false,
            left_to_submit,
            next_request: 0,
            asked: BTreeMap::new(),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        let ended = |handle: &Handle| match handle.heard {
            Heard::Failed => true,
            Heard::Finished => handle.value.is_some() || !handle.fetching,
            Heard::Nothing | Heard::Lost => false,
        };
        self.left_to_submit == 0 && self.handles.values().all(ended)
    }

    fn ticket(&mut self, node: usize) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let handle = Handle {
            node,
            heard: Heard::Nothing,
            value: None,
            fetching: false,
        };
        self.handles.insert(ticket, handle);
        Ticket(ticket)
    }
}

fn kind(work: usize, flavour: usize) -> KindOfTask {
    let mut kind = KindOfTask {
        function: work as u32,
        retries: (WORKS[work] == Work::Flaky).then_some(2),
        ..KindOfTask::default()
    };
    match flavour {
        1 => kind.resources = vec![("gpu".into(), 1)],
        2 => kind.on = vec!["h1".into()],
        3 => kind.prefer = vec!["h0".into()],
        4 => kind.priority = 5,
        _ => {}
    }
    kind
}

impl World {
    fn ask(&mut self, peer: PeerId, words: FromClient) {
        self.up(peer, Up::Client(words));
    }

    /// A new ticket for a task of the reference.
    fn ticket(&mut self, peer: PeerId, node: usize) -> Ticket {
        self.model.nodes[node].owner = Some(peer);
        self.clients.get_mut(&peer).expect("it acts").ticket(node)
    }

    fn define(&mut self, peer: PeerId) {
        for work in WORKS {
            let info = FunctionInfo {
                name: function_name(work),
                signature: 1,
            };
            self.ask(peer, FromClient::Define(Define::Function(info)));
        }
        for work in 0..WORKS.len() {
            for flavour in 0..FLAVOURS {
                let kind = Box::new(kind(work, flavour));
                self.ask(peer, FromClient::Define(Define::Kind(kind)));
            }
        }
    }

    pub(crate) fn client_acts(&mut self, peer: PeerId) {
        let Some(client) = self.clients.get_mut(&peer) else {
            return;
        };
        if !client.defined {
            client.defined = true;
            self.define(peer);
        }
        let client = &self.clients[&peer];
        if client.left_to_submit == 0 && self.is_calm() {
            self.fetch_what_is_held(peer);
            return;
        }
        for _ in 0..self.rng.usize(1..4) {
            match self.rng.u8(..23) {
                0..10 => self.submit_some(peer),
                10 => self.submit_many(peer),
                11..14 => self.fetch_some(peer),
                14..16 => self.let_some_go(peer),
                16 => self.cancel_some(peer),
                17 => self.scatter(peer),
                18 => self.ask_for_name(peer),
                19 => self.want_by_name(peer),
                20 => self.share(peer),
                21 => self.say_to_house(peer, Word::Take, Vec::new()),
                _ => self.retry_some(peer),
            }
        }
        let after = self.rng.u64(1..300) * MS;
        self.at(after, Event::ClientActs(peer));
    }

    /// In the end every result is looked at.
    pub(crate) fn fetch_what_is_held(&mut self, peer: PeerId) {
        let client = self.clients.get_mut(&peer).expect("it acts");
        let held = |handle: &Handle| {
            handle.value.is_none() && !handle.fetching && handle.heard == Heard::Finished
        };
        let open: Vec<u64> = client
            .handles
            .iter()
            .filter(|(_, handle)| held(handle))
            .map(|(&ticket, _)| ticket)
            .collect();
        for ticket in open {
            self.fetch(peer, ticket);
        }
    }

    fn fetch(&mut self, peer: PeerId, ticket: u64) {
        let handle = self.handle(peer, ticket).expect("its own");
        if handle.fetching || handle.heard == Heard::Failed {
            return;
        }
        handle.fetching = true;
        self.ask(
            peer,
            FromClient::Fetch {
                ticket: Ticket(ticket),
            },
        );
    }

    fn handle(&mut self, peer: PeerId, ticket: u64) -> Option<&mut Handle> {
        self.clients.get_mut(&peer)?.handles.get_mut(&ticket)
    }

    /// A random ticket.
    fn some(&mut self, peer: PeerId) -> Option<(u64, usize)> {
        let handles = &self.clients[&peer].handles;
        if handles.is_empty() {
            return None;
        }
        let at = self.rng.usize(..handles.len());
        handles
            .iter()
            .nth(at)
            .map(|(&ticket, handle)| (ticket, handle.node))
    }

    fn submit_some(&mut self, peer: PeerId) {
        let client = self.clients.get_mut(&peer).expect("it acts");
        if client.left_to_submit == 0 {
            return;
        }
        client.left_to_submit -= 1;
        let work = match self.rng.u8(..40) {
            0 => Work::Poison,
            1..3 => Work::Fail,
            3..6 => Work::Flaky,
            6..8 => Work::Nest,
            8..10 => Work::Yield,
            10..24 => Work::Big,
            _ => Work::Mix,
        };
        let again = work == Work::Poison && self.is_gentle && self.model.poisons > 0;
        let work = if again { Work::Mix } else { work };
        self.model.poisons += usize::from(work == Work::Poison);
        let mut inputs = Vec::new();
        if !matches!(work, Work::Nest | Work::Yield) {
            for _ in 0..self.rng.usize(..4) {
                inputs.extend(self.some(peer));
            }
        }
        let keyed = work == Work::Mix && self.rng.u8(..4) == 0;
        if keyed {
            self.submit_keyed(peer);
            return;
        }
        let number = self.rng.u64(..);
        let nodes: Vec<usize> = inputs.iter().map(|&(_, node)| node).collect();
        let node = self.model.add(work, number, &nodes);
        let mentions = self.some(peer).filter(|_| self.rng.u8(..8) == 0);
        let inputs = inputs
            .iter()
            .map(|&(ticket, _)| Input::Ticket(Ticket(ticket)))
            .collect();
        self.send_submit(peer, work, node, number, None, inputs, mentions);
    }

    #[expect(clippy::too_many_arguments, reason = "a message has this many parts")]
    fn send_submit(
        &mut self,
        peer: PeerId,
        work: Work,
        node: usize,
        number: u64,
        key: Option<TaskKey>,
        inputs: Vec<Input>,
        mentions: Option<(u64, usize)>,
    ) {
        let flavour = if work == Work::Poison {
            0
        } else {
            self.rng.usize(..2 * FLAVOURS) % FLAVOURS
        };
        let flavour = if self.rng.bool() { 0 } else { flavour };
        let at = WORKS
            .iter()
            .position(|&one| one == work)
            .expect("a work of a worker");
        let ticket = self.ticket(peer, node);
        let mentions = mentions
            .into_iter()
            .map(|(ticket, _)| Input::Ticket(Ticket(ticket)))
            .collect();
        let submit = Submit {
            ticket,
            kind: (at * FLAVOURS + flavour) as u32,
            key,
            args: bytes_of(number),
            inputs,
            mentions,
        };
        self.ask(peer, FromClient::Submit(submit));
    }

    /// Keys are shared by all clients; some mean two things.
    fn submit_keyed(&mut self, peer: PeerId) {
        let name = self.rng.u64(..10);
        let kin = if name < 3 { self.rng.u64(..2) } else { 0 };
        let number = 1_000_000 * (kin + 1) + name;
        let node = self.model.add(Work::Mix, number, &[]);
        self.model.nodes[node].may_conflict = name < 3;
        let key = TaskKey {
            text: format!("k{name}"),
            kin,
        };
        self.send_submit(peer, Work::Mix, node, number, Some(key), Vec::new(), None);
    }

    fn submit_many(&mut self, peer: PeerId) {
        let client = self.clients.get_mut(&peer).expect("it acts");
        let count = self.rng.usize(1..20).min(client.left_to_submit);
        client.left_to_submit -= count;
        if count == 0 {
            return;
        }
        let mut args: Vec<Bytes> = Vec::new();
        let mut first = None;
        for _ in 0..count {
            let number = self.rng.u64(..);
            let node = self.model.add(Work::Mix, number, &[]);
            let ticket = self.ticket(peer, node);
            first = first.or(Some(ticket));
            args.push(bytes_of(number));
        }
        let many = SubmitMany {
            first_ticket: first.expect("one at least"),
            kind: 0,
            args,
        };
        self.ask(peer, FromClient::SubmitMany(many));
    }

    fn fetch_some(&mut self, peer: PeerId) {
        if let Some((ticket, _)) = self.some(peer) {
            self.fetch(peer, ticket);
        }
    }

    fn let_some_go(&mut self, peer: PeerId) {
        if let Some((ticket, node)) = self.some(peer) {
            self.clients
                .get_mut(&peer)
                .expect("it acts")
                .handles
                .remove(&ticket);
            self.lets_go(node);
            let tickets = vec![Ticket(ticket)];
            let words = if self.rng.u8(..5) == 0 {
                FromClient::Detach { tickets }
            } else {
                FromClient::Release { tickets }
            };
            self.ask(peer, words);
        }
    }

    /// Data that nobody has yet go with the want of who scatters them.
    pub(crate) fn lets_go(&mut self, node: usize) {
        let its = &self.model.nodes[node];
        if its.work == Work::Scattered && its.origin == node {
            self.ledger.let_go(its.number);
        }
    }

    fn cancel_some(&mut self, peer: PeerId) {
        if let Some((ticket, node)) = self.some(peer) {
            // Its other wants of the same task go with this one.
            let number = self.model.nodes[node].number;
            for node in 0..self.model.nodes.len() {
                let its = &self.model.nodes[node];
                if its.number == number && its.owner == Some(peer) {
                    self.model.cancel(node);
                }
            }
            self.lets_go(node);
            self.ask(
                peer,
                FromClient::Cancel {
                    tickets: vec![Ticket(ticket)],
                },
            );
        }
    }

    fn scatter(&mut self, peer: PeerId) {
        let number = self.rng.u64(..);
        let value = crate::model::value(number, &[]);
        let (work, data) = if self.rng.bool() {
            (Work::Scattered, Scattered::Sized(BIG))
        } else {
            (Work::Given, Scattered::Inline(bytes_of(value)))
        };
        let node = self.model.add(work, number, &[]);
        let ticket = self.ticket(peer, node);
        let words = FromClient::Scatter {
            ticket,
            name: "data".into(),
            data,
            on: Vec::new(),
            mentions: Vec::new(),
        };
        self.ask(peer, words);
    }

    fn ask_for_name(&mut self, peer: PeerId) {
        if let Some((ticket, node)) = self.some(peer) {
            let client = self.clients.get_mut(&peer).expect("it acts");
            client.next_request += 1;
            let request = client.next_request;
            client.asked.insert(request, node);
            let tickets = vec![Ticket(ticket)];
            self.ask(peer, FromClient::Watch { tickets });
            let question = Question::TaskIdOf(Ticket(ticket));
            self.ask(peer, FromClient::Ask { request, question });
        }
    }

    fn want_by_name(&mut self, peer: PeerId) {
        if self.travelling.is_empty() {
            return;
        }
        let at = self.rng.usize(..self.travelling.len());
        let (task, node) = self.travelling[at];
        let node = self.model.again(node);
        self.model.nodes[node].may_be_forgotten = true;
        self.model.nodes[node].may_be_cancelled = true;
        let ticket = self.ticket(peer, node);
        self.ask(peer, FromClient::Want { ticket, task });
    }

    fn say_to_house(&mut self, peer: PeerId, word: Word, mentions: Vec<Input>) {
        let client = self.clients.get_mut(&peer).expect("it acts");
        client.next_request += 1;
        let request = client.next_request;
        let words = FromClient::Coordinate {
            request,
            body: word.bytes(),
            mentions,
        };
        self.ask(peer, words);
    }

    fn share(&mut self, peer: PeerId) {
        if let Some((ticket, node)) = self.some(peer) {
            let mentions = vec![Input::Ticket(Ticket(ticket))];
            self.say_to_house(peer, Word::Share(node as u64), mentions);
        }
    }

    /// A handle that was inside something is wanted.
    fn want(&mut self, peer: PeerId, task: TaskId, node: usize) {
        let ticket = self.ticket(peer, node);
        self.ask(peer, FromClient::Want { ticket, task });
    }

    fn retry_some(&mut self, peer: PeerId) {
        let Some((of, node)) = self.some(peer) else {
            return;
        };
        let its = &self.model.nodes[node];
        if self.is_gentle && its.outcome == Err(FailureKind::WorkerDied) {
            return;
        }
        let node = self.model.again(node);
        let ticket = self.ticket(peer, node);
        let of = Ticket(of);
        self.ask(peer, FromClient::Retry { ticket, of });
    }

    /// A result that names another task does so wherever it goes.
    fn hears_mentions(&mut self, peer: PeerId, ticket: u64, mentions: &[TaskId]) {
        let Some(node) = self.handle(peer, ticket).map(|handle| handle.node) else {
            return;
        };
        let its = &self.model.nodes[node];
        assert_eq!(
            mentions.len(),
            usize::from(its.work == Work::Yield),
            "{its:?}"
        );
        if let Some(&task) = mentions.first() {
            let number = its.number + 1;
            let node = self.model.add(Work::Mix, number, &[]);
            self.model.nodes[node].is_inside = true;
            self.want(peer, task, node);
        }
    }

    pub(crate) fn client_hears(&mut self, peer: PeerId, words: ToClient) {
        // In the end nobody wants anything more.
        if self.is_ending || !self.clients.contains_key(&peer) {
            return;
        }
        match words {
            ToClient::Finished {
                ticket,
                result,
                mentions,
            } => {
                self.hears_mentions(peer, ticket.0, &mentions);
                self.hears_finished(peer, ticket.0, result);
            }
            ToClient::Failed { ticket, failure } => self.hears_failed(peer, ticket.0, &failure),
            ToClient::Lost { ticket } => {
                if let Some(handle) = self.handle(peer, ticket.0) {
                    assert_eq!(handle.heard, Heard::Finished, "{ticket} was lost");
                    handle.heard = Heard::Lost;
                    let node = handle.node;
                    let its = &self.model.nodes[node];
                    assert!(
                        self.ledger.was_lost(its.number),
                        "{its:?} is said to be lost"
                    );
                }
            }
            ToClient::Located {
                ticket,
                at,
                mentions,
            } => {
                let is_new = self
                    .handle(peer, ticket.0)
                    .is_some_and(|handle| handle.heard != Heard::Finished);
                if is_new {
                    self.hears_mentions(peer, ticket.0, &mentions);
                }
                self.hears_located(peer, ticket.0, at);
            }
            ToClient::Put {
                ticket,
                data,
                holder,
            } => {
                if let Some(node) = self.handle(peer, ticket.0).map(|handle| handle.node) {
                    let number = self.model.nodes[node].number;
                    let value = crate::model::value(number, &[]);
                    let after = self.rng.u64(1..30) * MS;
                    self.at(
                        after,
                        Event::PutArrives(peer, holder.worker, data, ticket.0, value),
                    );
                }
            }
            ToClient::Answer { request, answer } => {
                let node = self
                    .clients
                    .get_mut(&peer)
                    .and_then(|client| client.asked.remove(&request));
                if let (Answer::TaskId(Some(task)), Some(node)) = (answer, node) {
                    self.travelling.push((task, node));
                }
            }
            ToClient::Coordinate { body, mentions, .. } => {
                let (node, number) = given(&body);
                let node = self.model.again(node);
                self.want(peer, mentions[0], node);
                self.say_to_house(peer, Word::Got(number), Vec::new());
            }
            ToClient::Stage { ticket, .. } => {
                if let Some(handle) = self.handle(peer, ticket.0) {
                    assert_ne!(handle.heard, Heard::Finished, "{ticket} has not ended");
                }
            }
            ToClient::Condition(_) => {}
        }
        if self.is_calm() && self.clients[&peer].left_to_submit == 0 {
            self.fetch_what_is_held(peer);
        }
    }

    fn accept(&mut self, peer: PeerId, ticket: u64, value: u64) {
        let Some(handle) = self.handle(peer, ticket) else {
            return;
        };
        handle.value = Some(value);
        let node = handle.node;
        self.model
            .judge_value(node, value)
            .unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    fn hears_finished(&mut self, peer: PeerId, ticket: u64, result: Finished) {
        let Some(handle) = self.handle(peer, ticket) else {
            return;
        };
        assert!(
            matches!(handle.heard, Heard::Nothing | Heard::Lost),
            "#{ticket} has finished twice"
        );
        handle.heard = Heard::Finished;
        let node = handle.node;
        assert!(
            self.model.nodes[node].outcome.is_ok(),
            "{:?} has finished",
            self.model.nodes[node]
        );
        if let Finished::Inline(bytes) = result {
            self.accept(peer, ticket, number_of(&bytes));
        }
    }

    fn hears_failed(&mut self, peer: PeerId, ticket: u64, failure: &Failure) {
        let Some(handle) = self.handle(peer, ticket) else {
            return;
        };
        assert!(handle.heard != Heard::Failed, "#{ticket} has failed twice");
        handle.heard = Heard::Failed;
        handle.fetching = false;
        let node = handle.node;
        self.model
            .judge_failure(node, failure, &self.ledger)
            .unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    fn hears_located(&mut self, peer: PeerId, ticket: u64, at: Located) {
        let Some(handle) = self.handle(peer, ticket) else {
            return;
        };
        assert!(handle.fetching, "#{ticket} was not asked for");
        handle.heard = Heard::Finished;
        match at {
            Located::Actor { .. } => panic!("no task of the simulation makes an actor"),
            Located::Inline(bytes) => {
                handle.fetching = false;
                self.accept(peer, ticket, number_of(&bytes));
            }
            Located::Held { data, holders, .. } => {
                let holder = holders.first().expect("somebody has it").worker;
                let after = self.rng.u64(1..30) * MS;
                self.at(after, Event::ClientFetchEnds(peer, ticket, data, holder));
            }
        }
    }

    pub(crate) fn client_fetch_ends(
        &mut self,
        peer: PeerId,
        ticket: u64,
        data: Run,
        holder: PeerId,
    ) {
        let found = self
            .workers
            .get(&holder)
            .map(|worker| worker.store.get(&data).copied());
        let Some(handle) = self.handle(peer, ticket) else {
            return;
        };
        if handle.heard == Heard::Failed {
            return;
        }
        if let Some(Some(value)) = found {
            handle.fetching = false;
            self.accept(peer, ticket, value);
            return;
        }
        let absent = found.is_some();
        let ticket = Ticket(ticket);
        self.ask(
            peer,
            FromClient::FetchFailed {
                ticket,
                data,
                holder,
                absent,
            },
        );
    }
}
