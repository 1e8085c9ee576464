//! A simulated worker: runs what it is sent, in order, on as many threads as it has; fetches; forgets.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fastrand::Rng;
use tenter::net::message::{
    Assign, Define, Done, Failure, FailureKind, Finished, FromClient, FromWorker, FunctionInfo,
    Input, InputData, Missing, PeerId, Run, RunKind, Source, Submit, Ticket, ToClient, ToWorker,
    WorkerHello,
};

use crate::model::{WORKS, Work, nested, value};
use crate::world::{Event, MS, SECOND, Up, World};

/// Bytes of a result that stays where it is.
pub(crate) const BIG: u64 = 1 << 20;

/// The end of a fetch.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) data: Run,
    pub(crate) holders: Vec<PeerId>,
    /// For a run, or to keep.
    pub(crate) run: Option<Run>,
}

#[derive(Debug)]
struct Waiting {
    assign: Assign,
    order: u64,
    /// The inputs that are there.
    inputs: BTreeMap<usize, u64>,
}

#[derive(Debug)]
struct Running {
    work: Work,
    number: u64,
    inputs: Vec<u64>,
    kind: u32,
    cancelled: bool,
    /// The ticket of what it waits for.
    waits: Option<u64>,
    /// The ticket of what it returns.
    yields: Option<u64>,
    /// What it waited for has failed.
    failed: Option<FailureKind>,
    began: u64,
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) peer: PeerId,
    pub(crate) hello: WorkerHello,
    /// It can run everything.
    pub(crate) is_full: bool,
    kinds: Vec<RunKind>,
    waiting: Vec<Waiting>,
    running: BTreeMap<Run, Running>,
    pub(crate) store: BTreeMap<Run, u64>,
    order: u64,
    next_ticket: u64,
    /// Tickets whose tasks' ends nobody waits for any more.
    given_up: BTreeSet<u64>,
}

pub(crate) fn function_name(work: Work) -> String {
    format!("{work:?}")
}

impl Worker {
    pub(crate) fn new(peer: PeerId, rng: &mut Rng, calm: bool) -> Self {
        let host = if rng.bool() { "h0" } else { "h1" };
        let mut worker = Self::full(peer, host);
        worker.hello.slots = rng.u32(1..4);
        if rng.u8(..3) == 0 {
            worker.hello.memory_limit = rng.u64(1..6) * BIG;
        }
        if !calm && rng.u8(..4) == 0 {
            worker.hello.resources.clear();
            worker.is_full = false;
        }
        if !calm && rng.u8(..8) == 0 {
            worker.hello.functions.pop();
            worker.is_full = false;
        }
        worker
    }

    pub(crate) fn full(peer: PeerId, host: &str) -> Self {
        let function = |&work: &Work| FunctionInfo {
            name: function_name(work),
            signature: 1,
        };
        let hello = WorkerHello {
            name: format!("w{}", peer.0),
            host: host.into(),
            address: format!("sim:{}", peer.0),
            slots: 2,
            resources: vec![("gpu".into(), 1)],
            functions: WORKS.iter().map(function).collect(),
            memory_limit: 0,
        };
        Self {
            peer,
            hello,
            is_full: true,
            kinds: Vec::new(),
            waiting: Vec::new(),
            running: BTreeMap::new(),
            store: BTreeMap::new(),
            order: 0,
            next_ticket: 1,
            given_up: BTreeSet::new(),
        }
    }

    fn work(&self, kind: u32) -> Work {
        WORKS[self.kinds[kind as usize].function as usize]
    }

    fn threads_in_use(&self) -> usize {
        self.running
            .values()
            .filter(|running| running.waits.is_none())
            .count()
    }

    /// What begins next: the most urgent of those whose inputs are there.
    fn next(&mut self) -> Option<Waiting> {
        if self.threads_in_use() >= self.hello.slots as usize {
            return None;
        }
        let ready = |waiting: &&Waiting| waiting.inputs.len() == waiting.assign.inputs.len();
        let rank = |waiting: &&Waiting| {
            let priority = self.kinds[waiting.assign.kind as usize].priority;
            (std::cmp::Reverse(priority), waiting.order)
        };
        let order = self.waiting.iter().filter(ready).min_by_key(rank)?.order;
        let at = self
            .waiting
            .iter()
            .position(|waiting| waiting.order == order)?;
        Some(self.waiting.remove(at))
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }
}

pub(crate) fn number_of(bytes: &Bytes) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

pub(crate) fn bytes_of(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}

fn failure(kind: FailureKind) -> std::sync::Arc<Failure> {
    std::sync::Arc::new(Failure {
        kind,
        task: String::new(),
        submitted_at: String::new(),
        text: String::new(),
        causes: Vec::new(),
    })
}

impl World {
    fn say(&mut self, peer: PeerId, words: FromWorker) {
        self.up(peer, Up::Worker(words));
    }

    pub(crate) fn worker_hears(&mut self, peer: PeerId, words: ToWorker) {
        let Some(worker) = self.workers.get_mut(&peer) else {
            return;
        };
        match words {
            ToWorker::Kind(kind) => worker.kinds.push(*kind),
            ToWorker::Assign(assign) => self.assigned(peer, assign),
            ToWorker::Return { runs } => self.asked_back(peer, &runs),
            ToWorker::Cancel { run } => self.cancel_run(peer, run),
            ToWorker::Drop { data } => data.iter().for_each(|data| {
                worker.store.remove(data);
            }),
            ToWorker::Copy(input) => self.start_fetch(peer, None, &input),
            ToWorker::Leave => {
                assert!(worker.is_idle(), "{worker:?} was let go");
                self.workers.remove(&peer);
                self.cut(peer, true, false);
            }
            ToWorker::Client(words) => self.inner_client_hears(peer, words),
        }
    }

    fn assigned(&mut self, peer: PeerId, assign: Assign) {
        assert!(
            self.attempts.insert(assign.run),
            "{} was sent twice",
            assign.run
        );
        let worker = self.workers.get_mut(&peer).expect("it hears");
        let kind = &worker.kinds[assign.kind as usize];
        let fits = kind
            .resources
            .iter()
            .all(|resource| worker.hello.resources.contains(resource));
        assert!(fits, "{kind:?} on {:?}", worker.hello);
        worker.order += 1;
        let inputs = assign.inputs.clone();
        let run = assign.run;
        let mut here = BTreeMap::new();
        let mut absent = Vec::new();
        for (k, input) in inputs.iter().enumerate() {
            match &input.source {
                Source::Inline(bytes) => {
                    here.insert(k, number_of(bytes));
                }
                Source::Here => match worker.store.get(&input.data) {
                    Some(&value) => {
                        here.insert(k, value);
                    }
                    None => absent.push((input.data, peer, true)),
                },
                Source::At { .. } => {}
            }
        }
        if !absent.is_empty() {
            self.say(peer, FromWorker::Missing(Missing { run, data: absent }));
            return;
        }
        let order = worker.order;
        worker.waiting.push(Waiting {
            assign,
            order,
            inputs: here,
        });
        for input in inputs {
            if matches!(input.source, Source::At { .. }) {
                self.start_fetch(peer, Some(run), &input);
            }
        }
        self.start_bodies(peer);
    }

    fn start_fetch(&mut self, peer: PeerId, run: Option<Run>, input: &InputData) {
        let Source::At { holders, .. } = &input.source else {
            panic!("a copy of {:?} from nowhere", input);
        };
        assert!(!holders.is_empty());
        let holders = holders.iter().map(|holder| holder.worker).collect();
        let after = self.rng.u64(1..20) * MS;
        self.at(
            after,
            Event::FetchEnds(
                peer,
                Fetched {
                    data: input.data,
                    holders,
                    run,
                },
            ),
        );
    }

    pub(crate) fn fetch_ends(&mut self, peer: PeerId, fetched: Fetched) {
        let Fetched { data, holders, run } = fetched;
        let found = holders
            .iter()
            .find_map(|holder| self.workers.get(holder)?.store.get(&data).copied());
        // Now and then two workers cannot reach each other.
        let found = found.filter(|_| self.is_calm() || self.rng.u8(..20) != 0);
        let keep = self.rng.bool();
        let Some(worker) = self.workers.get_mut(&peer) else {
            return;
        };
        let Some(value) = found else {
            let Some(run) = run else {
                self.say(peer, FromWorker::NotCopied { data });
                return;
            };
            let before = worker.waiting.len();
            worker.waiting.retain(|waiting| waiting.assign.run != run);
            if worker.waiting.len() < before {
                let has_none = |holder: &PeerId| {
                    let worker = self.workers.get(holder);
                    worker.is_some_and(|worker| !worker.store.contains_key(&data))
                };
                let data = holders
                    .iter()
                    .map(|holder| (data, *holder, has_none(holder)))
                    .collect();
                self.say(peer, FromWorker::Missing(Missing { run, data }));
            }
            return;
        };
        if (run.is_none() || keep) && worker.store.insert(data, value).is_none() {
            self.say(peer, FromWorker::Stored { data, bytes: BIG });
        }
        let worker = self.workers.get_mut(&peer).expect("as before");
        for waiting in &mut worker.waiting {
            if Some(waiting.assign.run) == run {
                for (k, input) in waiting.assign.inputs.iter().enumerate() {
                    if input.data == data {
                        waiting.inputs.insert(k, value);
                    }
                }
            }
        }
        self.start_bodies(peer);
    }

    fn start_bodies(&mut self, peer: PeerId) {
        while let Some(worker) = self.workers.get_mut(&peer) {
            let Some(next) = worker.next() else {
                return;
            };
            self.start_body(peer, next);
        }
    }

    fn start_body(&mut self, peer: PeerId, waiting: Waiting) {
        let worker = self.workers.get_mut(&peer).expect("it starts a body");
        let Waiting { assign, inputs, .. } = waiting;
        let (run, work) = (assign.run, worker.work(assign.kind));
        let running = Running {
            work,
            number: number_of(&assign.args),
            inputs: inputs.into_values().collect(),
            kind: assign.kind,
            cancelled: false,
            waits: None,
            yields: None,
            failed: None,
            began: self.now,
        };
        worker.running.insert(run, running);
        let gpus = |running: &&Running| !worker.kinds[running.kind as usize].resources.is_empty();
        assert!(
            worker.running.values().filter(gpus).count() <= 1,
            "a resource was given twice"
        );
        if work == Work::Poison {
            self.say(peer, FromWorker::Started { run });
            self.kill(peer);
            return;
        }
        if self.is_gentle || self.rng.u8(..4) != 0 {
            self.say(peer, FromWorker::Started { run });
        }
        if work == Work::Nest {
            self.submit_inside(peer, run, true);
            return;
        }
        if work == Work::Yield {
            self.submit_inside(peer, run, false);
        }
        let after = match self.rng.u8(..10) {
            0 => self.rng.u64(1..2000) * MS,
            1..4 => self.rng.u64(1..50) * MS,
            _ => self.rng.u64(1..500),
        };
        self.at(after, Event::BodyEnds(peer, run));
    }

    pub(crate) fn body_ends(&mut self, peer: PeerId, run: Run) {
        let coin = self.rng.bool();
        let Some(worker) = self.workers.get_mut(&peer) else {
            return;
        };
        let Some(running) = worker.running.remove(&run) else {
            return;
        };
        let words = if running.cancelled && coin {
            FromWorker::Cancelled { run }
        } else {
            self.result_of(peer, run, &running)
        };
        self.say(peer, words);
        if let Some(ticket) = running.yields {
            self.workers
                .get_mut(&peer)
                .expect("its body ends")
                .given_up
                .insert(ticket);
            let tickets = vec![Ticket(ticket)];
            self.say(peer, FromWorker::Client(FromClient::Release { tickets }));
        }
        self.start_bodies(peer);
    }

    fn result_of(&mut self, peer: PeerId, run: Run, running: &Running) -> FromWorker {
        let number = running.number;
        let result = match running.work {
            Work::Fail => {
                return FromWorker::Failed {
                    run,
                    failure: failure(FailureKind::Error),
                };
            }
            Work::Flaky => {
                let failures = self.model.failures.entry(number).or_insert(0);
                *failures += 1;
                if *failures <= 2 {
                    return FromWorker::Failed {
                        run,
                        failure: failure(FailureKind::Panicked),
                    };
                }
                Finished::Inline(bytes_of(value(number, &running.inputs)))
            }
            Work::Nest => match running.failed {
                Some(kind) => {
                    let failure = failure(kind);
                    return FromWorker::Failed { run, failure };
                }
                None => Finished::Inline(bytes_of(nested(number))),
            },
            Work::Mix | Work::Yield | Work::Poison | Work::Scattered | Work::Given => {
                Finished::Inline(bytes_of(value(number, &running.inputs)))
            }
            Work::Big => {
                let worker = self.workers.get_mut(&peer).expect("its body ends");
                worker.store.insert(run, value(number, &running.inputs));
                Finished::Held { bytes: BIG }
            }
        };
        let run_us = u32::try_from(self.now - running.began).unwrap_or(u32::MAX);
        let mentions = running.yields.map(|ticket| Input::Ticket(Ticket(ticket)));
        FromWorker::Done(Done {
            run,
            result,
            mentions: mentions.into_iter().collect(),
            run_us,
            lay_us: 0,
        })
    }

    fn asked_back(&mut self, peer: PeerId, runs: &[Run]) {
        let worker = self.workers.get_mut(&peer).expect("it hears");
        let (mut given, mut kept) = (Vec::new(), Vec::new());
        for &run in runs {
            let before = worker.waiting.len();
            worker.waiting.retain(|waiting| waiting.assign.run != run);
            if worker.waiting.len() < before {
                given.push(run);
            } else if worker.running.contains_key(&run) {
                kept.push(run);
            }
        }
        self.say(peer, FromWorker::Returned { runs: given, kept });
    }

    fn cancel_run(&mut self, peer: PeerId, run: Run) {
        let worker = self.workers.get_mut(&peer).expect("it hears");
        let before = worker.waiting.len();
        worker.waiting.retain(|waiting| waiting.assign.run != run);
        if worker.waiting.len() < before {
            self.say(peer, FromWorker::Cancelled { run });
            return;
        }
        let Some(running) = worker.running.get_mut(&run) else {
            return;
        };
        running.cancelled = true;
        if let Some(ticket) = running.waits.take() {
            // A wait sees the token.
            worker.given_up.insert(ticket);
            worker.running.remove(&run);
            let tickets = vec![Ticket(ticket)];
            self.say(peer, FromWorker::Client(FromClient::Release { tickets }));
            self.say(peer, FromWorker::Slots { delta: 1 });
            self.say(peer, FromWorker::Cancelled { run });
        }
    }

    /// A body submits a task, and waits for it or goes on.
    fn submit_inside(&mut self, peer: PeerId, run: Run, waits: bool) {
        let worker = self.workers.get_mut(&peer).expect("it runs a body");
        let ticket = worker.next_ticket;
        worker.next_ticket += 1;
        let running = worker.running.get_mut(&run).expect("just started");
        if waits {
            running.waits = Some(ticket);
        } else {
            running.yields = Some(ticket);
        }
        let number = running.number + 1;
        let mut words = Vec::new();
        if ticket == 1 {
            let mix = FunctionInfo {
                name: function_name(Work::Mix),
                signature: 1,
            };
            words.push(FromClient::Define(Define::Function(mix)));
            words.push(FromClient::Define(Define::Kind(Box::default())));
        }
        words.push(FromClient::Submit(Submit {
            ticket: Ticket(ticket),
            kind: 0,
            key: None,
            args: bytes_of(number),
            inputs: Vec::new(),
            mentions: Vec::new(),
        }));
        for words in words {
            self.say(peer, FromWorker::Client(words));
        }
        if waits {
            self.say(peer, FromWorker::Slots { delta: -1 });
            self.start_bodies(peer);
        }
    }

    fn inner_client_hears(&mut self, peer: PeerId, words: ToClient) {
        let worker = self.workers.get_mut(&peer).expect("it hears");
        let (ticket, result) = match words {
            ToClient::Finished { ticket, result, .. } => (ticket, Ok(result)),
            ToClient::Failed { ticket, failure } => (ticket, Err(failure.kind)),
            ToClient::Condition(_) => return,
            words => panic!("{words:?}"),
        };
        let yields = |running: &Running| running.yields == Some(ticket.0);
        if worker.given_up.contains(&ticket.0) || worker.running.values().any(yields) {
            return;
        }
        let waits = |running: &Running| running.waits == Some(ticket.0);
        let Some((&run, running)) = worker
            .running
            .iter_mut()
            .find(|(_, running)| waits(running))
        else {
            panic!("{ticket} has finished twice");
        };
        running.waits = None;
        let number = running.number;
        match result {
            Ok(result) => assert_eq!(result, Finished::Inline(bytes_of(value(number + 1, &[])))),
            Err(kind) => running.failed = Some(kind),
        }
        self.say(peer, FromWorker::Slots { delta: 1 });
        let tickets = vec![ticket];
        self.say(peer, FromWorker::Client(FromClient::Release { tickets }));
        let after = self.rng.u64(1..SECOND / 100);
        self.at(after, Event::BodyEnds(peer, run));
    }

    pub(crate) fn put_arrives(
        &mut self,
        client: PeerId,
        worker: PeerId,
        data: Run,
        ticket: u64,
        value: u64,
    ) {
        let reached = self.is_calm() || self.rng.u8(..10) != 0;
        if let Some(worker) = self.workers.get_mut(&worker).filter(|_| reached) {
            worker.store.insert(data, value);
            let peer = worker.peer;
            self.say(peer, FromWorker::Stored { data, bytes: BIG });
        } else if self.clients.contains_key(&client) {
            let words = FromClient::PutFailed {
                ticket: Ticket(ticket),
                data,
            };
            self.up(client, Up::Client(words));
        }
    }
}
