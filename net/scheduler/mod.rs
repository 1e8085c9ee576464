//! The scheduler: one owner of a graph, told what happens by [`Stimulus`], which says by [`Effect`]s what is to be done. It has
//! no I/O, no clock, no threads, and no randomness but a seeded generator: the same stimuli have the same effects.
//!
//! # Whose is what
//! The graph knows when a task is ready, who wants it, and when nobody does. The machine knows the rest: recipes, results and
//! where they are (`task.rs`), workers, clients, and who runs what. A task's life in the graph is told in `crate::driver::graph`;
//! here it is:
//! ```text
//! submit ─> waiting ─> queued ─(claim, Assign)─> at a worker ─(Done)─> finished ─(last holder dies)─┐
//!              ▲          ▲  in a queue or a line     │                                              │
//!              └──────────┴────── worker died, run given back, inputs missing, retry ◄───────────────┘ reopen
//! ```
//!
//! # Invariants
//! Between stimuli, and checked by [`Machine::check`]:
//! 1. A task is at a worker exactly if it is in that worker's books, with its newest attempt; its node is then claimed. What
//!    a worker says of anything else is out of date and changes nothing, except that a result nobody knows of is dropped.
//! 2. `users` of a task counts its tickets, its dependents that are not settled, and mentions of it. Each is one want of the
//!    node too; the other wants are finished dependents that keep it as a part of their recipe, and the memory of pure results.
//! 3. A worker holds data exactly if the data name it as a holder. Data without users are let go at once; data without holders
//!    that have users are being computed again, or have failed with `DataLost`.
//! 4. Who is free, has room, is crowded or has a line stands in the list for that. If a queue is not empty, no worker that could
//!    take from it has room; so nothing waits without a reason, and `explain.rs` knows it.
//! 5. Every list that grows with what peers send shrinks when they leave or let go: when nobody wants anything, no task is left.
//!
//! # How much
//! What a client submits faster than it is taken in stays in its connection: a batch is taken in before the next is read, and who
//! does not read answers is not read either (rule 5 of `transport`). So submits need no credits here; how many tasks a client
//! has open is for the client to bound. A worker is sent what it can begin soon (`worker.rs`), and the rest waits here, where it
//! costs 200 bytes a task and holds no results; one that holds too many gets no more (`memory.rs`). What was interned and
//! is not used is swept out (`sweep.rs`).
//!
//! A peer cannot break the invariants. What it may not say ends its connection ([`Effect::Disconnect`]); what may be out of date is
//! ignored.

mod client;
mod data;
mod explain;
mod fetch;
mod house;
mod join;
mod kinds;
mod lanes;
mod live;
mod memory;
mod missing;
mod place;
mod random;
mod retry;
mod roster;
mod run;
mod scatter;
mod serve;
mod settle;
mod steal;
mod stimulus;
mod submit;
mod sweep;
mod task;
mod tickets;
mod want;
mod watch;
mod worker;

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use slab::Slab;

use crate::driver::graph::{Cache, Effects, Graph, State};
use crate::net::map::{Map, Set};
use crate::net::message::{PeerId, TaskId};
use client::{Client, Lineage};
use kinds::Kinds;
use lanes::Entry;
use missing::Misses;
use random::Random;
use roster::Roster;
use scatter::Put;
use task::{KEEPS_INPUTS, Task};
use worker::Worker;

pub use check::Census;
pub use stimulus::{Effect, Stimulus};

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Of the generator that chooses between equals.
    pub seed: u64,
    /// How often it is told that time passes.
    pub tick_us: u64,
    /// This many deaths of workers stop the task that ran there; 0 is never.
    pub deaths: u8,
    /// Finished tasks of a client that keep their inputs, so that lost data can be computed again.
    pub lineage_limit: usize,
    /// Pure results that nobody wants, and that are kept all the same.
    pub remember: usize,
    /// How long a task may be ready while no worker could run it; `None` is for ever.
    pub no_workers_us: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            tick_us: 200_000,
            deaths: 3,
            lineage_limit: 100_000,
            remember: 8192,
            no_workers_us: None,
        }
    }
}

/// The scheduler's state; see the [module](self).
pub struct Machine {
    config: Config,
    /// The clock that it is told, and its own.
    told_us: u64,
    now_us: u64,
    random: Random,
    tasks: Tasks,
    kinds: Kinds,
    peers: Map<u32, Role>,
    clients: Slab<Client>,
    workers: Slab<Worker>,
    /// Workers that take work; of these, those with a free thread, with room besides, with more than their threads take, and
    /// with a line.
    everyone: Roster,
    idle: Roster,
    roomy: Roster,
    crowded: Roster,
    lined: Roster,
    /// Workers to be looked at before the stimulus is over.
    touched: Vec<u32>,
    /// Clients that are told with the next tick where a result is.
    later: BTreeSet<(PeerId, crate::net::message::Ticket)>,
    /// Tasks whose data were lost or let go, and are needed.
    lost: Vec<u32>,
    /// How many runs were sent.
    order: u64,
    /// So much interned is worth a sweep.
    sweep_at: usize,
    /// Rare things that are known of tasks: the kin of those with a key, handles in arguments and in results, inputs that were
    /// missed, data on its way from clients and its names.
    kins: Map<u32, u64>,
    mentions: Map<u32, Vec<u32>>,
    result_mentions: Map<u32, Vec<u32>>,
    misses: Map<u32, Misses>,
    puts: Map<u32, Put>,
    /// Tasks whose clients are told how far they are.
    watched: Set<u32>,
    /// What failed tasks were made anew as: they want it.
    successors: Map<u32, u32>,
    /// How often who coordinates wants a task.
    house: Map<u32, u32>,
    scattered_names: Map<u32, String>,
    /// Where lost actors have lived.
    graves: Map<u32, String>,
    /// By the client's connection.
    lineages: Map<u32, Lineage>,
    told_no_workers: bool,
    out: Vec<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Worker(u32),
    Client(u32),
}

/// The graph with what one owner needs to use it.
struct Tasks {
    graph: Graph<Task>,
    cache: Cache,
    fx: Effects,
}

impl Machine {
    /// A scheduler without peers.
    pub fn new(config: Config) -> Self {
        let mut tasks = Tasks {
            graph: Graph::new(),
            cache: Cache::default(),
            fx: Effects::default(),
        };
        tasks.graph.set_remember(config.remember, &mut tasks.fx);
        Self {
            random: Random::new(config.seed),
            config,
            told_us: 0,
            now_us: 0,
            tasks,
            kinds: Kinds::new(),
            peers: Map::default(),
            clients: Slab::new(),
            workers: Slab::new(),
            everyone: Roster::default(),
            idle: Roster::default(),
            roomy: Roster::default(),
            crowded: Roster::default(),
            lined: Roster::default(),
            touched: Vec::new(),
            later: BTreeSet::new(),
            lost: Vec::new(),
            order: 0,
            sweep_at: sweep::LEAST_SWEEP,
            kins: Map::default(),
            mentions: Map::default(),
            result_mentions: Map::default(),
            misses: Map::default(),
            puts: Map::default(),
            watched: Set::default(),
            successors: Map::default(),
            house: Map::default(),
            scattered_names: Map::default(),
            graves: Map::default(),
            lineages: Map::default(),
            told_no_workers: false,
            out: Vec::new(),
        }
    }

    /// Takes in what has happened, and appends what is to be done.
    pub fn handle(&mut self, now_us: u64, stimulus: Stimulus, out: &mut Vec<Effect>) {
        self.advance(now_us);
        std::mem::swap(&mut self.out, out);
        self.take_in(stimulus);
        self.settle();
        self.tell_if_no_workers();
        std::mem::swap(&mut self.out, out);
    }

    fn take_in(&mut self, stimulus: Stimulus) {
        match stimulus {
            Stimulus::WorkerJoined(peer, hello) => {
                let worker = self.worker_joined(peer, *hello);
                self.enter_peer(peer, Role::Worker(worker));
            }
            Stimulus::ClientJoined(peer, hello) => {
                let client = self.client_joined(peer, false, hello.lineage_limit);
                self.enter_peer(peer, Role::Client(client));
            }
            Stimulus::FromWorker(peer, words) => {
                if let Some(&Role::Worker(worker)) = self.peers.get(&peer.0) {
                    let said = self.worker_says(worker, words);
                    self.judge(peer, said);
                }
            }
            Stimulus::FromClient(peer, words) => {
                if let Some(&Role::Client(client)) = self.peers.get(&peer.0) {
                    let said = self.client_says(client, words);
                    self.judge(peer, said);
                }
            }
            Stimulus::Gone(peer) => self.gone(peer),
            Stimulus::Tick => self.tick(),
            Stimulus::Answer {
                to,
                request,
                body,
                mentions,
            } => self.answer_of_house(to, request, body, mentions),
            Stimulus::LetGo { tasks } => self.let_go_of(&tasks),
        }
    }

    fn enter_peer(&mut self, peer: PeerId, role: Role) {
        let before = self.peers.insert(peer.0, role);
        debug_assert!(before.is_none(), "a connection's number is never reused");
    }

    fn judge(&mut self, peer: PeerId, said: Result<(), client::Fault>) {
        if let Err(reason) = said {
            self.disconnect(peer, reason);
        }
    }

    fn gone(&mut self, peer: PeerId) {
        let Some(role) = self.peers.remove(&peer.0) else {
            return;
        };
        match role {
            Role::Worker(worker) => self.worker_gone(worker),
            Role::Client(client) => self.client_gone(client),
        }
        self.out.push(Effect::PeerGone(peer));
    }
}

impl Tasks {
    /// What is known of a task.
    #[inline]
    fn task(&mut self, index: u32) -> &mut Task {
        self.graph
            .payload_mut(index)
            .expect("only nodes in use are named")
    }

    #[inline]
    fn id(&self, index: u32) -> TaskId {
        TaskId {
            slot: index,
            generation: self.graph.generation(index),
        }
    }

    fn is_settled(&self, index: u32) -> bool {
        self.graph.is_settled(index)
    }

    /// Whether the slot is in use by that task.
    fn is(&mut self, index: u32, generation: u32) -> bool {
        self.graph.payload_mut(index).is_some() && self.graph.generation(index) == generation
    }

    /// Whether an entry of a queue still holds.
    #[inline]
    fn is_queued(&self, entry: &Entry) -> bool {
        self.graph.generation(entry.index) == entry.generation
            && self.graph.state(entry.index) == State::Queued
    }

    fn keeps_inputs(&mut self, index: u32, generation: u32) -> bool {
        self.is(index, generation) && self.task(index).is(KEEPS_INPUTS)
    }
}

impl Drop for Machine {
    /// The graph does not drop payloads itself.
    fn drop(&mut self) {
        let live: Vec<u32> = self.tasks.graph.live().collect();
        for index in live {
            drop(std::mem::take(self.tasks.task(index)));
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("clients", &self.clients.len())
            .field("workers", &self.workers.len())
            .field("graph", &self.tasks.graph)
            .finish_non_exhaustive()
    }
}
