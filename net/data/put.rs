//! Putting: data is offered to a holder, which fetches it over the same connection.

use std::fmt;

use super::content::Content;
use super::message::PeerMessage;
use super::peers::tell;
use super::route::Waiting;
use super::state::{State, Todo};
use super::transfer::{Purpose, Transfer};
use crate::net::message::{Holder, Run};
use crate::net::transport::LinkId;

/// How many offers one peer is told of before it has answered.
const OFFERS: usize = 8;

/// How many offers of one peer are accepted before they are answered: more than any of ours makes.
const MOST_OFFERS: usize = 64;

/// What is called at the end of a put.
pub(super) type WhenPut = Box<dyn FnOnce(Result<(), NotPut>) + Send>;

/// The holder did not take the data, or could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPut {
    /// Which.
    pub data: Run,
    /// Who was to have it.
    pub holder: Holder,
    /// Why not, in one line.
    pub reason: String,
}

impl fmt::Display for NotPut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            data,
            holder,
            reason,
        } = self;
        write!(f, "{} did not take data {data}: {reason}", holder.address)
    }
}

impl std::error::Error for NotPut {}

/// A put that is going on.
pub(super) struct Put {
    data: Run,
    content: Content,
    holder: Holder,
    done: WhenPut,
    /// How often time went by since it was offered and something of it was asked for.
    idle: u32,
    is_offered: bool,
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("data", &self.data)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl State {
    pub(super) fn put(
        &mut self,
        data: Run,
        content: Content,
        holder: Holder,
        done: WhenPut,
        todo: &mut Todo,
    ) {
        let request = self.number();
        let address = holder.address.clone();
        let put = Put {
            data,
            content,
            holder,
            done,
            idle: 0,
            is_offered: false,
        };
        self.puts.insert(request, put);
        if self.has_ended {
            self.put_ended(request, Err(super::peers::ENDED.into()), todo);
        } else if let Some(link) = self.link_to(&address, Waiting::Put(request), todo) {
            self.offer(request, link.id());
        }
    }

    /// Offers it to the holder behind this connection, after those before it.
    pub(super) fn offer(&mut self, request: u64, link: LinkId) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.to_offer.push_back(request);
            self.offer_more(link);
        }
    }

    fn offer_more(&mut self, link: LinkId) {
        let Some(peer) = self.peers.get_mut(&link) else {
            return;
        };
        while peer.offered.len() < OFFERS
            && let Some(request) = peer.to_offer.pop_front()
        {
            let Some(put) = self.puts.get_mut(&request) else {
                continue;
            };
            put.is_offered = true;
            peer.offered.push(request);
            let offer = PeerMessage::Offer {
                request,
                data: put.data,
                bytes: put.content.bytes(),
            };
            tell(&peer.link, &offer);
        }
    }

    /// The content of what was offered to this peer under this name.
    pub(super) fn offered(&mut self, link: LinkId, data: Run) -> Option<Content> {
        for request in &self.peers.get(&link)?.offered {
            if let Some(put) = self.puts.get_mut(request).filter(|put| put.data == data) {
                put.idle = 0;
                return Some(put.content.clone());
            }
        }
        None
    }

    /// The answer to an offer.
    pub(super) fn answered(
        &mut self,
        link: LinkId,
        request: u64,
        outcome: Result<(), String>,
        todo: &mut Todo,
    ) {
        let Some(peer) = self.peers.get_mut(&link) else {
            return;
        };
        let before = peer.offered.len();
        peer.offered.retain(|known| *known != request);
        if peer.offered.len() < before {
            self.put_ended(request, outcome, todo);
            self.offer_more(link);
        }
    }

    pub(super) fn put_ended(&mut self, request: u64, outcome: Result<(), String>, todo: &mut Todo) {
        let Some(put) = self.puts.remove(&request) else {
            return;
        };
        let Put {
            data, holder, done, ..
        } = put;
        let outcome = outcome.map_err(|reason| NotPut {
            data,
            holder,
            reason,
        });
        todo.ends.push(Box::new(|| done(outcome)));
    }

    /// Gives up those that were offered and of which nothing was asked for so long. Others are offered in their place.
    pub(super) fn end_stalled_puts(&mut self, patience: u32, todo: &mut Todo) {
        let mut stalled = Vec::new();
        for (request, put) in &mut self.puts {
            put.idle += u32::from(put.is_offered);
            if put.idle > patience {
                stalled.push(*request);
            }
        }
        if stalled.is_empty() {
            return;
        }
        for peer in self.peers.values_mut() {
            peer.offered.retain(|request| !stalled.contains(request));
        }
        for request in stalled {
            let reason = "it did not fetch what was offered to it for too long";
            self.put_ended(request, Err(reason.into()), todo);
        }
        let links: Vec<LinkId> = self.peers.keys().copied().collect();
        for link in links {
            self.offer_more(link);
        }
    }

    /// The other side offers data.
    pub(super) fn taking(&mut self, link: LinkId, request: u64, data: Run, bytes: u64) {
        let Some(peer) = self.peers.get_mut(&link) else {
            return;
        };
        if peer.taking >= MOST_OFFERS {
            peer.link.close("it offered more at once than it may");
            return;
        }
        peer.taking += 1;
        let link = peer.link.clone();
        let number = self.number();
        let transfer = Transfer::begin(link, number, data, bytes, Purpose::Offer(request));
        self.transfers.insert(number, transfer);
    }

    /// What the other side offered is here, or never will be.
    pub(super) fn offer_ended(&mut self, link: LinkId) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.taking -= 1;
        }
    }
}
