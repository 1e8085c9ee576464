//! Between connections and the machine: it converts, and decides nothing.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::Bytes;

use super::notice::{Log, Notice};
use super::options::SchedulerOptions;
use super::peers::{Peers, peer_id};
use crate::net::coordinate::Coordinator;
use crate::net::message::{
    FailureKind, FromClient, FromWorker, PeerId, TaskId, ToWorker, WorkerHello,
};
use crate::net::scheduler::{Census, Config, Effect, Machine, Stimulus};
use crate::net::transport::{Handler, Link, LinkId, Lost, LostKind};
use crate::net::wire::{Cursor, Hello, Message, Party, Role, WireError};

/// Why a connection ends, or none is made, after a panic in the machine: it can be trusted no more.
const FAILED: &str = "the scheduler has failed, which is a bug in tenter: start it again";

/// What a peer says.
#[derive(Debug)]
pub(super) enum Words {
    Client(FromClient),
    Worker(FromWorker),
}

/// The machine, and who is connected to it.
#[derive(Debug)]
pub(super) struct Desk {
    machine: Machine,
    coordinator: Coordinator,
    peers: Peers,
    start: Instant,
    log: Log,
    /// What follows from effects that could not be done. Empty between calls, and so are the effects.
    stimuli: VecDeque<Stimulus>,
    effects: Vec<Effect>,
    /// Why every connection has been ended, and each that is made from then on is too: whoever was admitted before may be
    /// opened after.
    over: Option<&'static str>,
}

impl Desk {
    /// # Errors
    /// If the system refuses a thread.
    pub(super) fn new(options: SchedulerOptions) -> Result<Self, crate::StartError> {
        let tick_us = options.settings.tick().as_micros();
        let config = Config {
            tick_us: u64::try_from(tick_us).unwrap_or(u64::MAX),
            ..options.config
        };
        Ok(Self {
            coordinator: Coordinator::new()?,
            machine: Machine::new(config),
            peers: Peers::default(),
            start: Instant::now(),
            log: options.log,
            stimuli: VecDeque::new(),
            effects: Vec::new(),
            over: None,
        })
    }

    pub(super) fn census(&mut self) -> Census {
        self.machine.check()
    }

    /// Ends all connections, those that are yet to come too. The first reason stays.
    pub(super) fn end(&mut self, reason: &'static str) {
        let reason = *self.over.get_or_insert(reason);
        self.peers.close_all(reason);
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Tells the machine all of it, in order, and then has what is to be said written. If the machine panics, everyone is told
    /// that it is over: nobody waits for an answer that would never come.
    fn tell(&mut self, stimuli: impl Iterator<Item = Stimulus>) {
        if self.over.is_some() {
            return;
        }
        let now_us = self.now_us();
        let told = catch_unwind(AssertUnwindSafe(|| {
            stimuli.for_each(|stimulus| self.take_in(now_us, stimulus));
        }));
        if told.is_err() {
            self.end(FAILED);
        }
        self.peers.write();
    }

    fn take_in(&mut self, now_us: u64, stimulus: Stimulus) {
        let mut next = Some(stimulus);
        while let Some(stimulus) = next {
            self.machine.handle(now_us, stimulus, &mut self.effects);
            self.perform();
            next = self.stimuli.pop_front();
        }
    }

    fn perform(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::ToWorker(peer, words) => {
                    if let Err(error) = self.peers.say(peer, &words) {
                        self.cannot_say(peer, words, &error);
                    }
                }
                Effect::ToClient(peer, words) => {
                    if let Err(error) = self.peers.say(peer, &words) {
                        self.part(peer, &error);
                    }
                }
                Effect::Disconnect(peer, reason) => self.disconnect(peer, reason),
                Effect::Coordinate {
                    from,
                    request,
                    body,
                    mentions,
                } => self.coordinate(from, request, &body, mentions),
                Effect::PeerGone(peer) => self.coordinator.peer_gone(peer, &mut self.stimuli),
            }
        }
        self.effects = effects;
    }

    /// Who asks for what makes no sense is parted with.
    fn coordinate(&mut self, from: PeerId, request: u64, body: &Bytes, mentions: Vec<TaskId>) {
        let coordinator = &mut self.coordinator;
        if let Err(reason) = coordinator.ask(from, request, body, mentions, &mut self.stimuli) {
            self.disconnect(from, reason);
            self.stimuli.push_back(Stimulus::Gone(from));
        }
    }

    /// A run that its worker could not be told of has failed; it would be too large for another too. Anything else
    /// that a worker misses leaves it in the dark, so it goes.
    fn cannot_say(&mut self, peer: PeerId, words: ToWorker, error: &WireError) {
        match words {
            ToWorker::Assign(assign) => {
                let worker = self.peers.who(peer).map(ToString::to_string);
                let worker = worker.unwrap_or_default();
                let text = format!(
                    "its arguments and small inputs cannot be sent to {worker}: {error}; scatter what is large, and pass the handle"
                );
                let task = assign.run.task;
                let failed = FromWorker::Failed {
                    run: assign.run,
                    failure: self.machine.failure_of(task, FailureKind::Encoding, text),
                };
                self.stimuli.push_back(Stimulus::FromWorker(peer, failed));
            }
            _ => self.part(peer, error),
        }
    }

    /// Parts with a peer that cannot be told what it must know.
    fn part(&mut self, peer: PeerId, error: &WireError) {
        let reason = format!("it takes no frame as large as it was to receive: {error}");
        self.disconnect(peer, reason);
        self.stimuli.push_back(Stimulus::Gone(peer));
    }

    fn disconnect(&mut self, peer: PeerId, why: String) {
        if let Some(who) = self.peers.close(peer, &why) {
            self.log.note(&Notice::Disconnected(who, why));
        }
    }
}

impl Handler for Desk {
    type In = Words;

    fn decode(sender: Role, from: &mut Cursor<'_>) -> Result<Words, WireError> {
        match sender {
            Role::Client => Message::decode(from).map(Words::Client),
            Role::Worker => Message::decode(from).map(Words::Worker),
            Role::Scheduler | Role::Peer => {
                let what = "a scheduler is spoken to by clients and workers only";
                Err(WireError::Malformed { what })
            }
        }
    }

    fn admit(&mut self, hello: &Hello) -> Result<(), String> {
        if let Some(reason) = self.over {
            return Err(reason.into());
        }
        match &hello.party {
            Party::Client(_) => Ok(()),
            Party::Worker(worker) => admit_worker(worker),
            Party::Scheduler | Party::Peer => Err(format!(
                "this is a scheduler, and a {} has no business with it: give it the address of a worker",
                hello.party.role()
            )),
        }
    }

    fn opened(&mut self, link: Link, hello: Hello) {
        if let Some(reason) = self.over {
            return link.close(reason);
        }
        let Some(peer) = peer_id(link.id()) else {
            link.close(
                "this scheduler has had as many connections as it can count: start it again",
            );
            return;
        };
        self.peers.enter(peer, link, &hello.party);
        if let Some(who) = self.peers.who(peer) {
            self.log.note(&Notice::Joined(who.clone()));
        }
        let joined = match hello.party {
            Party::Worker(worker) => Stimulus::WorkerJoined(peer, Box::new(worker)),
            Party::Client(client) => Stimulus::ClientJoined(peer, client),
            Party::Scheduler | Party::Peer => return,
        };
        self.tell([joined].into_iter());
    }

    fn batch(&mut self, from: LinkId, messages: &mut Vec<Words>) {
        let Some(peer) = peer_id(from) else {
            return;
        };
        let said = messages.drain(..).map(|words| match words {
            Words::Client(words) => Stimulus::FromClient(peer, words),
            Words::Worker(words) => Stimulus::FromWorker(peer, words),
        });
        self.tell(said);
    }

    fn lost(&mut self, link: LinkId, why: Lost) {
        let Some(peer) = peer_id(link) else {
            return;
        };
        if let Some(who) = self.peers.remove(peer) {
            let (is_meant, why) = (why.kind == LostKind::Closed, why.reason);
            self.log.note(&match is_meant {
                true => Notice::Left(who, why),
                false => Notice::Lost(who, why),
            });
        }
        self.tell([Stimulus::Gone(peer)].into_iter());
    }

    fn tick(&mut self, _: Instant) {
        self.tell([Stimulus::Tick].into_iter());
    }
}

fn admit_worker(worker: &WorkerHello) -> Result<(), String> {
    if worker.slots == 0 {
        return Err("a worker must have at least one thread".into());
    }
    Ok(())
}
