//! What the scheduler knows of a worker, and how much more it may be sent.

use smallvec::SmallVec;

use super::kinds::Needs;
use super::lanes::Lanes;
use crate::net::map::{Map, Set};
use crate::net::message::{PeerId, WorkerHello};

/// Runs sent ahead to a worker, however short they are: what 64 us of no-op tasks are on four threads.
const MOST_AHEAD: usize = 256;
/// Of tasks that are longer than this, none is sent ahead: it might wait for long, and the pause between two is nothing.
const LONG_US: u64 = 100_000;
/// A task is better off elsewhere than at a worker that is full, if that takes less than this.
const FULL_US: u64 = 1_000_000;
/// The round trip that is assumed until one was measured.
const FIRST_ROUND_TRIP_US: f32 = 200.0;
/// How much a new measurement counts.
const WEIGHT: f32 = 0.1;

/// A run that was sent and has not been answered.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) attempt: u32,
    /// In which order runs were sent.
    pub(super) order: u64,
    pub(super) at_us: u64,
    pub(super) cost_us: u32,
    pub(super) started: bool,
    /// It was asked back, for this worker (by its connection).
    pub(super) asked_for: Option<PeerId>,
}

/// Whether it takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Working,
    /// It hands over what only it holds.
    Leaving,
    /// It was told that it can go.
    Left,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) peer: PeerId,
    pub(super) hello: WorkerHello,
    pub(super) standing: Standing,
    /// Threads, and as many more as bodies are blocked.
    pub(super) slots: i64,
    pub(super) sent: Map<u32, Sent>,
    /// How long what was sent is thought to run.
    pub(super) sent_us: u64,
    /// Ready tasks that belong here, for their inputs, and were not sent yet.
    pub(super) line: Lanes,
    /// Nodes whose data are here.
    pub(super) held: Set<u32>,
    pub(super) held_bytes: u64,
    /// How much it has of each resource, and what is left.
    pub(super) resources: SmallVec<[(u32, u64); 4]>,
    pub(super) free: SmallVec<[(u32, u64); 4]>,
    /// The functions that it has, and its numbers for them.
    pub(super) functions: Map<u32, u32>,
    /// The kinds that it was told of, and the numbers for them.
    pub(super) kinds: Map<u32, u32>,
    pub(super) kinds_told: u32,
    /// The requirements that it meets, besides none.
    pub(super) met: Vec<u32>,
    pub(super) round_trip_us: f32,
    /// Its tasks' client, once one has spoken.
    pub(super) client: Option<u32>,
    /// Copies that others were asked to make of what only it holds.
    pub(super) copying: Set<u32>,
}

impl Worker {
    pub(super) fn new(peer: PeerId, hello: WorkerHello) -> Self {
        Self {
            peer,
            standing: Standing::Working,
            slots: i64::from(hello.slots),
            hello,
            sent: Map::default(),
            sent_us: 0,
            line: Lanes::default(),
            held: Set::default(),
            held_bytes: 0,
            resources: SmallVec::new(),
            free: SmallVec::new(),
            functions: Map::default(),
            kinds: Map::default(),
            met: Vec::new(),
            kinds_told: 0,
            round_trip_us: FIRST_ROUND_TRIP_US,
            client: None,
            copying: Set::default(),
        }
    }

    #[inline]
    fn width(&self) -> usize {
        self.slots.max(0) as usize
    }

    /// Whether it holds more than four fifths of what it may. It then gets work only if nobody else can do it, and one run
    /// at a time: what that lets go may make room.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        let limit = self.hello.memory_limit;
        limit > 0 && self.held_bytes.saturating_mul(5) > limit.saturating_mul(4)
    }

    /// Whether a thread is free.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.standing == Standing::Working && self.sent.len() < self.width() && !self.is_full()
    }

    /// Whether it may be sent a run more than its threads can take at once: enough to bridge the way to the scheduler and
    /// back, and no more, since what lies there cannot be given to others without asking.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        let (sent, width) = (self.sent.len(), self.width());
        if self.standing != Standing::Working || width == 0 {
            return false;
        }
        if self.is_full() {
            return sent == 0;
        }
        if sent <= width {
            return sent < width || self.sent_us < LONG_US * sent as u64;
        }
        sent < width + MOST_AHEAD && self.wait_us() < (2.0 * self.round_trip_us) as u64
    }

    /// Whether it has more than its threads can take at once.
    #[inline]
    pub(super) fn is_crowded(&self) -> bool {
        self.sent.len() > self.width()
    }

    /// How long a run that is sent now is thought to wait for a thread there.
    #[inline]
    pub(super) fn wait_us(&self) -> u64 {
        if self.is_idle() {
            return 0;
        }
        self.sent_us / self.width().max(1) as u64
    }

    /// How long a task that is placed there now is thought to wait.
    #[inline]
    pub(super) fn backlog_us(&self) -> u64 {
        let full_us = if self.is_full() { FULL_US } else { 0 };
        full_us + self.wait_us() + self.line.cost_us() / self.width().max(1) as u64
    }

    /// A run was answered after `took_us`, of which the worker accounts for `known_us`.
    pub(super) fn measure(&mut self, took_us: u64, known_us: u64) {
        let trip = took_us.saturating_sub(known_us).clamp(20, 100_000) as f32;
        self.round_trip_us += WEIGHT * (trip - self.round_trip_us);
    }

    pub(super) fn has(&self, resources: &[(u32, u64)]) -> bool {
        let free = |id: u32| self.free.iter().find(|&&(its, _)| its == id);
        resources
            .iter()
            .all(|&(id, amount)| free(id).is_some_and(|&(_, free)| free >= amount))
    }

    pub(super) fn occupy(&mut self, resources: &[(u32, u64)]) {
        for &(id, amount) in resources {
            if let Some((_, free)) = self.free.iter_mut().find(|(its, _)| *its == id) {
                *free -= amount;
            }
        }
    }

    pub(super) fn vacate(&mut self, resources: &[(u32, u64)]) {
        for &(id, amount) in resources {
            if let Some((_, free)) = self.free.iter_mut().find(|(its, _)| *its == id) {
                *free += amount;
            }
        }
    }

    /// Whether it meets a requirement, now or when what runs there has ended.
    pub(super) fn meets(&self, needs: &Needs) -> bool {
        let function = needs.function;
        function.is_none_or(|function| self.functions.contains_key(&function))
            && (needs.on.is_empty() || self.is_named(&needs.on))
            && needs
                .resources
                .iter()
                .all(|&(id, amount)| self.total(id) >= amount)
    }

    fn total(&self, resource: u32) -> u64 {
        let total = self.resources.iter().find(|&&(id, _)| id == resource);
        total.map_or(0, |&(_, amount)| amount)
    }

    /// Whether a host or a name in a restriction is its own.
    pub(super) fn is_named(&self, names: &[String]) -> bool {
        names
            .iter()
            .any(|name| [&self.hello.host, &self.hello.name, &self.hello.address].contains(&name))
    }
}
