//! Connections by address: made when something is to go over them, closed when nothing has for a while.

use std::collections::{HashMap, HashSet, VecDeque};

use super::calls::{Called, Given, OpenCall};
use super::message::PeerMessage;
use super::peers::tell;
use super::state::{State, Todo};
use crate::net::message::Run;
use crate::net::transport::{Link, LinkId};

/// The way to an address.
#[derive(Debug)]
pub(super) enum Route {
    /// Being connected to; this is what waits for it.
    Dialing(Vec<Waiting>),
    /// Here.
    Open(LinkId),
}

/// What waits for a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiting {
    Fetch(Run),
    Put(u64),
    Call(u64),
}

/// The other end of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) link: Link,
    /// If it was this side that connected.
    pub(super) address: Option<String>,
    /// How often time went by since it was used.
    unused: u32,
    /// Puts that it was told of and has not answered.
    pub(super) offered: Vec<u64>,
    /// Puts that it is still to be told of.
    pub(super) to_offer: VecDeque<u64>,
    /// Offers of its own that are on their way here.
    pub(super) taking: usize,
    /// Results of its calls that are kept for it.
    pub(super) given: HashMap<u64, Given>,
}

impl Route {
    pub(super) fn link(&self) -> Option<LinkId> {
        match self {
            Self::Dialing(_) => None,
            Self::Open(link) => Some(*link),
        }
    }
}

impl State {
    /// A connection is there. Whose it is says [`dialed`](Self::dialed), if this side made it.
    pub(super) fn opened(&mut self, link: Link) {
        let peer = Peer {
            link: link.clone(),
            address: None,
            unused: 0,
            offered: Vec::new(),
            to_offer: VecDeque::new(),
            taking: 0,
            given: HashMap::new(),
        };
        self.peers.insert(link.id(), peer);
    }

    /// The connection to an address, if it is there. If not, it is made, and `waiting` goes on then.
    pub(super) fn link_to(
        &mut self,
        address: &str,
        waiting: Waiting,
        todo: &mut Todo,
    ) -> Option<Link> {
        match self.routes.get_mut(address) {
            Some(Route::Open(link)) => {
                let peer = self.peers.get_mut(link)?;
                peer.unused = 0;
                return Some(peer.link.clone());
            }
            Some(Route::Dialing(others)) => others.push(waiting),
            None => {
                let route = Route::Dialing(vec![waiting]);
                self.routes.insert(address.into(), route);
                todo.dials.push(address.into());
            }
        }
        None
    }

    /// A connection was made, or was not.
    pub(super) fn dialed(
        &mut self,
        address: &str,
        outcome: Result<LinkId, String>,
        todo: &mut Todo,
    ) {
        let Some(Route::Dialing(waiting)) = self.routes.remove(address) else {
            return;
        };
        // It may have ended already.
        let open = outcome.and_then(|link| {
            let gone = || "the connection ended at once".to_owned();
            let peer = self.peers.get_mut(&link).ok_or_else(gone)?;
            peer.address = Some(address.into());
            Ok((link, peer.link.clone()))
        });
        if let Ok((id, _)) = &open {
            self.routes.insert(address.into(), Route::Open(*id));
        }
        for waiting in waiting {
            match (&open, waiting) {
                (Ok((_, link)), Waiting::Fetch(run)) => self.ask(run, link),
                (Ok((_, link)), Waiting::Put(request)) => self.offer(request, link.id()),
                (Ok((_, link)), Waiting::Call(request)) => self.send_call(request, link, todo),
                (Err(reason), Waiting::Call(request)) => {
                    self.call_ended(request, Called::Unreached(reason.clone()), todo);
                }
                (Err(reason), Waiting::Fetch(run)) => self.not_from_here(run, false, reason, todo),
                (Err(reason), Waiting::Put(request)) => {
                    self.put_ended(request, Err(reason.clone()), todo);
                }
            }
        }
    }

    /// Something came over a connection.
    pub(super) fn used(&mut self, link: LinkId) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.unused = 0;
        }
    }

    /// Closes the connections that this side made and has not used for so long.
    pub(super) fn close_unused(&mut self, limit: u32) {
        let calling: HashSet<LinkId> = self.calls.values().filter_map(OpenCall::link).collect();
        for (id, peer) in &mut self.peers {
            peer.unused = peer.unused.saturating_add(1);
            let busy =
                !peer.offered.is_empty() || !peer.to_offer.is_empty() || calling.contains(id);
            if let Some(address) = peer
                .address
                .as_ref()
                .filter(|_| peer.unused > limit && !busy)
            {
                // Who wants to go there meanwhile makes a new one.
                self.routes.remove(address);
                peer.address = None;
                peer.link.close("it was not used for a while");
            }
        }
    }

    pub(super) fn say(&self, link: LinkId, words: &PeerMessage) {
        if let Some(peer) = self.peers.get(&link) {
            tell(&peer.link, words);
        }
    }
}
