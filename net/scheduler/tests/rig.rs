//! A machine with peers that say what a test has them say.

use std::sync::Arc;

use bytes::Bytes;

use crate::net::message::{
    ClientHello, Define, Done, Failure, FailureKind, Finished, FromClient, FromWorker,
    FunctionInfo, Input, KindOfTask, Mention, PeerId, Run, Submit, Ticket, ToClient, ToWorker,
    WorkerHello,
};
use crate::net::scheduler::{Config, Effect, Machine, Stimulus};

pub(super) const SECOND: u64 = 1_000_000;

pub(super) struct Rig {
    pub(super) machine: Machine,
    pub(super) now_us: u64,
    peers: u32,
    tickets: u64,
    /// How long bodies take.
    pub(super) run_us: u32,
    /// What was said by the last step.
    pub(super) said: Vec<Effect>,
}

pub(super) fn function() -> FunctionInfo {
    FunctionInfo {
        name: "crate::f".into(),
        signature: 7,
    }
}

pub(super) fn hello(slots: u32) -> WorkerHello {
    WorkerHello {
        slots,
        functions: vec![function()],
        ..WorkerHello::default()
    }
}

pub(super) fn small() -> Finished {
    Finished::Inline(Bytes::from_static(b"result"))
}

pub(super) fn big() -> Finished {
    Finished::Held { bytes: 1 << 20 }
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        Self {
            machine: Machine::new(config),
            now_us: 0,
            peers: 0,
            tickets: 0,
            run_us: 10,
            said: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, stimulus: Stimulus) {
        self.said.clear();
        self.machine.handle(self.now_us, stimulus, &mut self.said);
        self.machine.check();
    }

    pub(super) fn worker_like(&mut self, hello: WorkerHello) -> PeerId {
        self.peers += 1;
        let peer = PeerId(self.peers);
        self.tell(Stimulus::WorkerJoined(peer, Box::new(hello)));
        peer
    }

    pub(super) fn worker(&mut self, slots: u32) -> PeerId {
        self.worker_like(hello(slots))
    }

    /// A client that has defined the function, and kind 0 of it.
    pub(super) fn client(&mut self) -> PeerId {
        self.peers += 1;
        let peer = PeerId(self.peers);
        self.tell(Stimulus::ClientJoined(peer, ClientHello::default()));
        self.say(peer, FromClient::Define(Define::Function(function())));
        self.kind(peer, KindOfTask::default());
        peer
    }

    pub(super) fn kind(&mut self, client: PeerId, kind: KindOfTask) {
        self.say(client, FromClient::Define(Define::Kind(Box::new(kind))));
    }

    pub(super) fn say(&mut self, client: PeerId, words: FromClient) {
        self.tell(Stimulus::FromClient(client, words));
    }

    pub(super) fn hear(&mut self, worker: PeerId, words: FromWorker) {
        self.tell(Stimulus::FromWorker(worker, words));
    }

    pub(super) fn gone(&mut self, peer: PeerId) {
        self.tell(Stimulus::Gone(peer));
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(super) fn submit_kind(&mut self, client: PeerId, kind: u32, inputs: &[Ticket]) -> Ticket {
        let ticket = self.ticket();
        let submit = Submit {
            ticket,
            kind,
            key: None,
            args: Bytes::new(),
            inputs: inputs.iter().copied().map(Input::Ticket).collect(),
            mentions: Vec::new(),
        };
        self.say(client, FromClient::Submit(submit));
        ticket
    }

    pub(super) fn submit(&mut self, client: PeerId, inputs: &[Ticket]) -> Ticket {
        self.submit_kind(client, 0, inputs)
    }

    pub(super) fn release(&mut self, client: PeerId, tickets: &[Ticket]) {
        let tickets = tickets.to_vec();
        self.say(client, FromClient::Release { tickets });
    }

    pub(super) fn done(&mut self, worker: PeerId, run: Run, result: Finished) {
        self.done_naming(worker, run, result, &[]);
    }

    /// The end of a run whose result has handles inside.
    pub(super) fn done_naming(
        &mut self,
        worker: PeerId,
        run: Run,
        result: Finished,
        mentions: &[Mention],
    ) {
        let done = Done {
            run,
            result,
            mentions: mentions.to_vec(),
            run_us: self.run_us,
            lay_us: 0,
        };
        self.hear(worker, FromWorker::Done(done));
    }

    pub(super) fn fail(&mut self, worker: PeerId, run: Run) {
        let failure = Arc::new(Failure {
            kind: FailureKind::Error,
            task: "f".into(),
            submitted_at: String::new(),
            text: "no".into(),
            causes: Vec::new(),
        });
        self.hear(worker, FromWorker::Failed { run, failure });
    }

    /// Why a task does not run.
    pub(super) fn why(&mut self, client: PeerId, ticket: Ticket) -> String {
        self.machine.why(client, ticket)
    }

    /// Runs that the last step sent, and where.
    pub(super) fn assigned(&self) -> Vec<(PeerId, Run)> {
        let assigned = |effect: &Effect| match effect {
            Effect::ToWorker(worker, ToWorker::Assign(assign)) => Some((*worker, assign.run)),
            _ => None,
        };
        self.said.iter().filter_map(assigned).collect()
    }

    /// The one run that the last step sent.
    #[track_caller]
    pub(super) fn sent(&self) -> (PeerId, Run) {
        let assigned = self.assigned();
        assert_eq!(assigned.len(), 1, "{:?}", self.said);
        assigned[0]
    }

    /// What the last step told clients.
    pub(super) fn told(&self) -> Vec<ToClient> {
        let told = |effect: &Effect| match effect {
            Effect::ToClient(_, words) => Some(words.clone()),
            _ => None,
        };
        self.said.iter().filter_map(told).collect()
    }

    /// The failures that the last step told clients of.
    pub(super) fn failures(&self) -> Vec<(Ticket, FailureKind)> {
        let failure = |words: ToClient| match words {
            ToClient::Failed { ticket, failure } => Some((ticket, failure.kind)),
            _ => None,
        };
        self.told().into_iter().filter_map(failure).collect()
    }

    /// What the last step had workers drop.
    pub(super) fn dropped(&self) -> Vec<(PeerId, Run)> {
        let mut dropped = Vec::new();
        for effect in &self.said {
            if let Effect::ToWorker(worker, ToWorker::Drop { data }) = effect {
                dropped.extend(data.iter().map(|&run| (*worker, run)));
            }
        }
        dropped
    }

    pub(super) fn disconnected(&self) -> Vec<PeerId> {
        let disconnected = |effect: &Effect| match effect {
            Effect::Disconnect(peer, _) => Some(*peer),
            _ => None,
        };
        self.said.iter().filter_map(disconnected).collect()
    }

    #[track_caller]
    pub(super) fn assert_nothing_is_left(&mut self) {
        let census = self.machine.check();
        let left = (
            census.tasks,
            census.sent,
            census.copies,
            census.tickets,
            census.notes,
        );
        assert_eq!(left, (0, 0, 0, 0, 0), "{census:?}");
    }
}
