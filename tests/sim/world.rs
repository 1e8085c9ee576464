//! One process, virtual time: a scheduler, workers and clients, and the links between them.
//!
//! A link carries messages in order, late at times, until it is cut; what was on its way then may or may not arrive. A cut is
//! noticed at once, or by one side only, or by nobody until the other has been silent for too long.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};

use fastrand::Rng;
use tenter::net::message::{
    ClientHello, FromClient, FromWorker, PeerId, Run, ToClient, ToWorker, WorkerHello,
};
use tenter::net::scheduler::{Config, Effect, Machine, Stimulus};
use tenter::net::wire::Party;

use crate::client::Client;
use crate::house::House;
use crate::ledger::Ledger;
use crate::model::Model;
use crate::wire::Wire;
use crate::worker::{Fetched, Worker};

pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;
/// How often the scheduler is told that time passes.
const TICK: u64 = SECOND / 5;
/// Who is silent for longer is gone.
const SILENCE: u64 = 5 * SECOND;

#[derive(Clone, Debug)]
pub(crate) enum Up {
    WorkerHello(Box<WorkerHello>),
    ClientHello(ClientHello),
    Worker(FromWorker),
    Client(FromClient),
    Eof,
}

#[derive(Clone, Debug)]
pub(crate) enum Down {
    Worker(ToWorker),
    Client(ToClient),
    Eof,
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// At the scheduler, if the link's epoch is still this.
    Up(PeerId, u32, Up),
    /// At a peer.
    Down(PeerId, u32, Down),
    Tick,
    BodyEnds(PeerId, Run),
    FetchEnds(PeerId, Fetched),
    ClientFetchEnds(PeerId, u64, Run, PeerId),
    ClientActs(PeerId),
    PutArrives(PeerId, PeerId, Run, u64, u64),
    /// A peer looks whether it still hears the scheduler.
    Watch(PeerId),
    /// The scheduler's side has heard nothing for too long.
    Silent(PeerId),
    Chaos,
    Respawn,
}

#[derive(Debug, Default)]
struct Link {
    up_at: u64,
    down_at: u64,
    up_epoch: u32,
    down_epoch: u32,
    /// Nothing passes any more.
    cut: bool,
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: HashMap<u64, Event>,
    order: u64,
    pub(crate) machine: Machine,
    links: BTreeMap<PeerId, Link>,
    pub(crate) workers: BTreeMap<PeerId, Worker>,
    pub(crate) clients: BTreeMap<PeerId, Client>,
    next_peer: u32,
    pub(crate) model: Model,
    pub(crate) ledger: Ledger,
    pub(crate) house: House,
    wire: Wire,
    /// Everybody lets everything go.
    pub(crate) is_ending: bool,
    /// How far the scheduler's clock is off.
    clock_off: u64,
    /// Attempts that were ever sent: none is sent twice.
    pub(crate) attempts: HashSet<Run>,
    /// Workers die of one task only.
    pub(crate) is_gentle: bool,
    /// From here on nothing goes wrong any more.
    pub(crate) calm_at: u64,
    pub(crate) steps: u64,
    pub(crate) kills: u64,
    /// Names that tasks travel by, with the reference of each.
    pub(crate) travelling: Vec<(tenter::net::message::TaskId, usize)>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let lineage_limit = if rng.u8(..8) == 0 {
            rng.usize(..4)
        } else {
            100_000
        };
        let config = Config {
            seed,
            remember: 0,
            lineage_limit,
            ..Config::default()
        };
        let calm_at = rng.u64(2..30) * SECOND;
        let is_gentle = rng.u8(..4) == 0;
        let mut world = Self {
            rng,
            now: 0,
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            order: 0,
            machine: Machine::new(config),
            links: BTreeMap::new(),
            workers: BTreeMap::new(),
            clients: BTreeMap::new(),
            next_peer: 0,
            model: Model::default(),
            ledger: Ledger::default(),
            house: House::default(),
            wire: Wire::new(),
            is_ending: false,
            clock_off: 1000 * SECOND,
            attempts: HashSet::new(),
            is_gentle,
            calm_at,
            steps: 0,
            kills: 0,
            travelling: Vec::new(),
        };
        world.model.lineage_is_short = lineage_limit < 100;
        world.model.is_gentle = is_gentle;
        world.at(0, Event::Tick);
        for _ in 0..world.rng.usize(0..4) {
            world.start_worker();
        }
        for _ in 0..world.rng.usize(1..4) {
            world.start_client();
        }
        world.at(50 * MS, Event::Chaos);
        world.at(SECOND, Event::Respawn);
        world
    }

    pub(crate) fn at(&mut self, after: u64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse((self.now + after, self.order)));
        self.events.insert(self.order, event);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.now >= self.calm_at
    }

    fn new_peer(&mut self) -> PeerId {
        self.next_peer += 1;
        let peer = PeerId(self.next_peer);
        self.links.insert(peer, Link::default());
        self.at(SECOND, Event::Watch(peer));
        peer
    }

    pub(crate) fn start_worker(&mut self) {
        let peer = self.new_peer();
        let worker = Worker::new(peer, &mut self.rng, self.now >= self.calm_at);
        self.up(peer, Up::WorkerHello(Box::new(worker.hello.clone())));
        self.workers.insert(peer, worker);
    }

    pub(crate) fn start_client(&mut self) {
        let peer = self.new_peer();
        self.up(peer, Up::ClientHello(ClientHello::default()));
        let tasks = self.rng.usize(1..60);
        self.clients.insert(peer, Client::new(peer, tasks));
        self.at(1, Event::ClientActs(peer));
    }

    fn delay(&mut self) -> u64 {
        match self.rng.u8(..20) {
            0 => self.rng.u64(1..50) * MS,
            1..4 => self.rng.u64(1..5) * MS,
            _ => self.rng.u64(20..300),
        }
    }

    pub(crate) fn up(&mut self, peer: PeerId, up: Up) {
        let up = match up {
            Up::Worker(words) => Up::Worker(self.wire.carry(&words)),
            Up::Client(words) => Up::Client(self.wire.carry(&words)),
            Up::WorkerHello(hello) => match self.wire.greet(Party::Worker(*hello)) {
                Party::Worker(hello) => Up::WorkerHello(Box::new(hello)),
                party => panic!("{party:?}"),
            },
            Up::ClientHello(hello) => match self.wire.greet(Party::Client(hello)) {
                Party::Client(hello) => Up::ClientHello(hello),
                party => panic!("{party:?}"),
            },
            Up::Eof => Up::Eof,
        };
        let delay = self.delay();
        let now = self.now;
        let Some(link) = self.links.get_mut(&peer).filter(|link| !link.cut) else {
            return;
        };
        link.up_at = link.up_at.max(now + delay);
        let (after, epoch) = (link.up_at - now, link.up_epoch);
        self.at(after, Event::Up(peer, epoch, up));
    }

    fn down(&mut self, peer: PeerId, down: Down) {
        let down = match down {
            Down::Worker(words) => Down::Worker(self.wire.carry(&words)),
            Down::Client(words) => Down::Client(self.wire.carry(&words)),
            Down::Eof => Down::Eof,
        };
        let delay = self.delay();
        let now = self.now;
        let Some(link) = self.links.get_mut(&peer).filter(|link| !link.cut) else {
            return;
        };
        link.down_at = link.down_at.max(now + delay);
        let (after, epoch) = (link.down_at - now, link.down_epoch);
        self.at(after, Event::Down(peer, epoch, down));
    }

    /// Cuts a link. Whoever is to notice it gets an end of file, behind what was on its way or instead of it.
    pub(crate) fn cut(&mut self, peer: PeerId, scheduler_notices: bool, peer_notices: bool) {
        let (lose_up, lose_down) = (self.rng.bool(), self.rng.bool());
        if let Some(link) = self.links.get_mut(&peer) {
            link.up_epoch += u32::from(lose_up);
            link.down_epoch += u32::from(lose_down);
        }
        if scheduler_notices {
            self.up(peer, Up::Eof);
        }
        self.at(SILENCE, Event::Silent(peer));
        if peer_notices {
            self.down(peer, Down::Eof);
        }
        if let Some(link) = self.links.get_mut(&peer) {
            link.cut = true;
        }
    }

    /// A peer ends, and all that it has said arrives.
    fn end_link(&mut self, peer: PeerId) {
        self.up(peer, Up::Eof);
        if let Some(link) = self.links.get_mut(&peer) {
            link.cut = true;
        }
    }

    /// Everything on a link comes late.
    fn hold_up(&mut self, peer: PeerId, by: u64) {
        let now = self.now;
        if let Some(link) = self.links.get_mut(&peer) {
            link.up_at = link.up_at.max(now) + by;
            link.down_at = link.down_at.max(now) + by;
        }
        if by > SILENCE {
            self.at(SILENCE, Event::Silent(peer));
        }
    }

    /// One event. No: there is none.
    pub(crate) fn step(&mut self) {
        let Reverse((at, order)) = self.queue.pop().expect("ticks go on for ever");
        self.now = at;
        let event = self.events.remove(&order).expect("queued once");
        match event {
            Event::Up(peer, epoch, up) => self.arrive_up(peer, epoch, up),
            Event::Down(peer, epoch, down) => self.arrive_down(peer, epoch, down),
            Event::Tick => {
                self.tell(Stimulus::Tick);
                self.at(TICK, Event::Tick);
            }
            Event::BodyEnds(peer, run) => self.body_ends(peer, run),
            Event::FetchEnds(peer, fetched) => self.fetch_ends(peer, fetched),
            Event::ClientFetchEnds(peer, ticket, data, holder) => {
                self.client_fetch_ends(peer, ticket, data, holder);
            }
            Event::ClientActs(peer) => self.client_acts(peer),
            Event::PutArrives(client, worker, data, ticket, value) => {
                self.put_arrives(client, worker, data, ticket, value);
            }
            Event::Watch(peer) => self.watch(peer),
            Event::Silent(peer) => self.silent(peer),
            Event::Chaos => self.chaos(),
            Event::Respawn => self.respawn(),
        }
    }

    fn arrive_up(&mut self, peer: PeerId, epoch: u32, up: Up) {
        if self.links[&peer].up_epoch != epoch {
            return;
        }
        if matches!(up, Up::Eof) {
            self.gone(peer);
            return;
        }
        self.tell(match up {
            Up::WorkerHello(hello) => Stimulus::WorkerJoined(peer, hello),
            Up::ClientHello(hello) => Stimulus::ClientJoined(peer, hello),
            Up::Worker(words) => Stimulus::FromWorker(peer, words),
            Up::Client(words) => Stimulus::FromClient(peer, words),
            Up::Eof => Stimulus::Gone(peer),
        });
    }

    /// The scheduler notices that a peer is gone, and with it what it wanted.
    fn gone(&mut self, peer: PeerId) {
        if let Some(client) = self.clients.get(&peer) {
            let nodes: Vec<usize> = client.handles.values().map(|handle| handle.node).collect();
            nodes.into_iter().for_each(|node| self.lets_go(node));
        }
        self.tell(Stimulus::Gone(peer));
    }

    /// Tells the scheduler, does what it asks for, and checks it.
    pub(crate) fn tell(&mut self, stimulus: Stimulus) {
        let mut stimuli = VecDeque::from([stimulus]);
        while let Some(stimulus) = stimuli.pop_front() {
            self.steps += 1;
            self.ledger.told(&stimulus);
            let mut effects = Vec::new();
            let now = self.now + self.clock_off;
            self.machine.handle(now, stimulus, &mut effects);
            self.machine.check();
            for effect in effects {
                self.ledger.decided(&effect);
                stimuli.extend(self.house.hear(&effect));
                self.perform(effect);
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::ToWorker(peer, words) => self.down(peer, Down::Worker(words)),
            Effect::ToClient(peer, words) => {
                self.note_put(peer, &words);
                self.down(peer, Down::Client(words));
            }
            Effect::Disconnect(_, reason) => panic!("{reason}"),
            Effect::Coordinate { .. } | Effect::PeerGone(_) => {}
        }
    }

    /// Whose data go by this name from now on.
    fn note_put(&mut self, peer: PeerId, words: &ToClient) {
        let ToClient::Put { ticket, .. } = words else {
            return;
        };
        let handles = self.clients.get(&peer).map(|client| &client.handles);
        if let Some(handle) = handles.and_then(|handles| handles.get(&ticket.0)) {
            let number = self.model.nodes[handle.node].number;
            self.ledger.is_put(words, number);
        }
    }

    fn arrive_down(&mut self, peer: PeerId, epoch: u32, down: Down) {
        if self.links[&peer].down_epoch != epoch {
            return;
        }
        match down {
            Down::Worker(words) => self.worker_hears(peer, words),
            Down::Client(words) => self.client_hears(peer, words),
            Down::Eof => self.peer_ends(peer),
        }
    }

    /// A peer notices that its connection is gone. It starts again with nothing, as a new one.
    fn peer_ends(&mut self, peer: PeerId) {
        self.links.get_mut(&peer).expect("a link").cut = true;
        if self.workers.remove(&peer).is_some() {
            self.start_worker();
        } else if self.clients.contains_key(&peer) {
            self.client_ends(peer);
            if !self.is_calm() {
                self.start_client();
            }
        }
    }

    pub(crate) fn client_ends(&mut self, peer: PeerId) {
        let client = self.clients.remove(&peer);
        let handles = client.into_iter().flat_map(|client| client.handles);
        handles.for_each(|(_, handle)| self.lets_go(handle.node));
    }

    fn watch(&mut self, peer: PeerId) {
        if !self.workers.contains_key(&peer) && !self.clients.contains_key(&peer) {
            return;
        }
        if self.links[&peer].cut && self.rng.u8(..4) == 0 {
            // It has heard nothing for too long.
            self.peer_ends(peer);
            return;
        }
        self.at(SECOND, Event::Watch(peer));
    }

    /// The scheduler's side gives a link up: what still comes on it is not read.
    fn silent(&mut self, peer: PeerId) {
        self.links.get_mut(&peer).expect("a link").up_epoch += 1;
        self.gone(peer);
        self.down(peer, Down::Eof);
        self.links.get_mut(&peer).expect("a link").cut = true;
    }

    /// A worker's process ends.
    pub(crate) fn kill(&mut self, peer: PeerId) {
        self.kills += 1;
        self.workers.remove(&peer);
        let noticed = self.rng.u8(..4) != 0;
        if self.is_gentle {
            self.end_link(peer);
        } else {
            self.cut(peer, noticed, false);
        }
    }

    fn chaos(&mut self) {
        if self.is_calm() {
            return;
        }
        let workers: Vec<PeerId> = self.workers.keys().copied().collect();
        let clients: Vec<PeerId> = self.clients.keys().copied().collect();
        let worker = self.rng.choice(&workers).copied();
        let dice = self.rng.u8(..11);
        let dice = if self.is_gentle && dice < 5 { 10 } else { dice };
        match (dice, worker) {
            (0..3, Some(worker)) => self.kill(worker),
            (3, Some(worker)) => {
                let (up, down) = (self.rng.bool(), self.rng.bool());
                self.cut(worker, up, down);
            }
            (4, Some(worker)) => {
                let by = self.rng.u64(1..8) * SECOND;
                self.hold_up(worker, by);
            }
            (5, Some(worker)) => self.up(worker, Up::Worker(FromWorker::Leaving)),
            (6, _) => {
                if let Some(client) = self.rng.choice(&clients).copied() {
                    let (up, down) = (self.rng.bool(), self.rng.bool());
                    self.cut(client, up, down);
                }
            }
            (7, _) if clients.len() < 4 => self.start_client(),
            (8, _) => self.clock_off = self.rng.u64(..2000) * SECOND,
            _ if workers.len() < 8 => self.start_worker(),
            _ => {}
        }
        let after = self.rng.u64(100..6000) * MS;
        self.at(after, Event::Chaos);
    }

    /// Somebody sees to it that there are workers, of each sort in the end.
    fn respawn(&mut self) {
        if self.workers.len() < 2 {
            self.start_worker();
        }
        if self.is_calm() {
            for host in ["h0", "h1"] {
                if !self
                    .workers
                    .values()
                    .any(|worker| worker.hello.host == host && worker.is_full)
                {
                    let peer = self.new_peer();
                    let worker = Worker::full(peer, host);
                    self.up(peer, Up::WorkerHello(Box::new(worker.hello.clone())));
                    self.workers.insert(peer, worker);
                }
            }
        }
        self.at(SECOND, Event::Respawn);
    }
}
