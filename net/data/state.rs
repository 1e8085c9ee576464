//! What is going on between this process and its peers.
//!
//! One lock holds it all, taken by the connections' thread and by whoever fetches or puts. Nothing else is called while it
//! is held, but what sends without waiting: what is to be called is collected as [`Todo`], and called afterwards.

use std::collections::HashMap;

use bytes::Bytes;

use super::calls::{Called, OpenCall};
use super::content::Content;
use super::fetch::Fetch;
use super::message::PeerMessage;
use super::peers::tell;
use super::put::Put;
use super::route::{Peer, Route};
use super::transfer::{Brought, Purpose, Transfer};
use crate::net::message::Run;
use crate::net::transport::{Link, LinkId, Settings};
use crate::net::wire::Place;

/// A connection that has carried nothing for so many times the silence limit is closed.
const UNUSED_SILENCES: u32 = 4;

/// All of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) routes: HashMap<String, Route>,
    pub(super) peers: HashMap<LinkId, Peer>,
    pub(super) transfers: HashMap<u64, Transfer>,
    pub(super) fetches: HashMap<Run, Fetch>,
    /// Fetches that go on when time has gone by.
    pub(super) resting: Vec<Run>,
    pub(super) puts: HashMap<u64, Put>,
    pub(super) calls: HashMap<u64, OpenCall>,
    next: u64,
    /// How often time may go by without a piece.
    patience: u32,
    /// Nothing begins any more.
    pub(super) has_ended: bool,
}

/// What is to be done once the lock is free.
#[derive(Default)]
pub(super) struct Todo {
    /// Addresses to connect to.
    pub(super) dials: Vec<String>,
    /// Those who waited, with what they waited for.
    pub(super) ends: Vec<Box<dyn FnOnce() + Send>>,
    /// Offered data that is here, with where to answer.
    pub(super) arrived: Vec<(Link, u64, Run, Content)>,
}

impl State {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            routes: HashMap::new(),
            peers: HashMap::new(),
            transfers: HashMap::new(),
            fetches: HashMap::new(),
            resting: Vec::new(),
            puts: HashMap::new(),
            calls: HashMap::new(),
            next: 1,
            patience: patience(settings),
            has_ended: false,
        }
    }

    /// A number that was not used before.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// A piece has come.
    pub(super) fn piece(
        &mut self,
        from: LinkId,
        number: u64,
        (total, array): (u64, u8),
        piece: Bytes,
        todo: &mut Todo,
    ) {
        let Some(transfer) = self.transfers.get_mut(&number) else {
            // Of a transfer that was given up.
            return;
        };
        if transfer.link.id() != from {
            return;
        }
        match transfer.take(total, array, piece) {
            Brought::Part => {}
            Brought::Whole(content) => self.arrived(number, content, todo),
            Brought::Nonsense(reason) => self.break_off(number, false, &reason, todo),
        }
    }

    /// Where a piece goes that is about to come.
    pub(super) fn place(
        &self,
        from: LinkId,
        number: u64,
        (total, array): (u64, u8),
        len: usize,
    ) -> Option<Box<dyn Place>> {
        let transfer = self.transfers.get(&number);
        let transfer = transfer.filter(|transfer| transfer.link.id() == from)?;
        transfer.place(total, array, len)
    }

    fn arrived(&mut self, number: u64, content: Content, todo: &mut Todo) {
        let Some(transfer) = self.transfers.remove(&number) else {
            return;
        };
        match transfer.purpose {
            Purpose::Fetch => self.fetched(transfer.data, content, todo),
            Purpose::Offer(request) => {
                let arrived = (transfer.link, request, transfer.data, content);
                todo.arrived.push(arrived);
            }
            Purpose::Answer(request) => self.call_arrived(request, content.into_bytes(), todo),
        }
    }

    /// The other side has no such data.
    pub(super) fn absent(&mut self, from: LinkId, number: u64, todo: &mut Todo) {
        let known = self.transfers.get(&number);
        if known.is_some_and(|transfer| transfer.link.id() == from) {
            self.break_off(number, true, "it has no such data", todo);
        }
    }

    /// Nothing more of a transfer will come, or is wanted.
    fn break_off(&mut self, number: u64, absent: bool, reason: &str, todo: &mut Todo) {
        let Some(transfer) = self.transfers.remove(&number) else {
            return;
        };
        match transfer.purpose {
            Purpose::Fetch => self.not_from_here(transfer.data, absent, reason, todo),
            Purpose::Offer(request) => {
                self.offer_ended(transfer.link.id());
                let reason = reason.into();
                let declined = PeerMessage::Declined { request, reason };
                tell(&transfer.link, &declined);
            }
            Purpose::Answer(request) => {
                tell(&transfer.link, &PeerMessage::Thanks { request });
                self.call_ended(request, Called::Cut(reason.into()), todo);
            }
        }
    }

    /// A connection has ended: so has what went over it.
    pub(super) fn lost(&mut self, link: LinkId, reason: &str, todo: &mut Todo) {
        let Some(peer) = self.peers.remove(&link) else {
            return;
        };
        if let Some(address) = &peer.address
            && self.routes.get(address).and_then(Route::link) == Some(link)
        {
            self.routes.remove(address);
        }
        let over = |transfer: &&Transfer| transfer.link.id() == link;
        let broken: Vec<u64> = self
            .transfers
            .values()
            .filter(over)
            .map(number_of)
            .collect();
        for number in broken {
            self.break_off(number, false, reason, todo);
        }
        for request in peer.offered.into_iter().chain(peer.to_offer) {
            self.put_ended(request, Err(reason.into()), todo);
        }
        self.cut_calls(link, reason, todo);
        // Handles may be the last that somebody has, and their ends are user code.
        todo.ends.push(Box::new(|| drop(peer.given)));
    }

    /// Time goes by. Counted in calls: a thread that was kept from its work takes nobody for silent.
    pub(super) fn tick(&mut self, todo: &mut Todo) {
        for run in std::mem::take(&mut self.resting) {
            self.advance(run, todo);
        }
        let patience = self.patience;
        let mut stalled = Vec::new();
        for transfer in self.transfers.values_mut() {
            transfer.idle += 1;
            if transfer.idle > patience {
                stalled.push(transfer.number);
            }
        }
        for number in stalled {
            self.break_off(number, false, "nothing came from it for too long", todo);
        }
        self.end_stalled_puts(patience, todo);
        self.close_unused(UNUSED_SILENCES * patience);
    }
}

fn number_of(transfer: &Transfer) -> u64 {
    transfer.number
}

/// How often time goes by within the silence limit.
fn patience(settings: &Settings) -> u32 {
    let times = settings.silence.as_nanos() / settings.tick().as_nanos();
    u32::try_from(times)
        .unwrap_or(u32::MAX / UNUSED_SILENCES)
        .clamp(1, u32::MAX / UNUSED_SILENCES)
}
