//! Who is connected, and what is said to them.

use std::collections::BTreeMap;

use super::notice::Who;
use crate::net::message::PeerId;
use crate::net::transport::{Link, LinkId};
use crate::net::wire::{Message, Party, Role, WireError};

/// Who is connected.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: BTreeMap<PeerId, Peer>,
    /// Those to which something was said that is not written yet.
    spoken_to: Vec<PeerId>,
}

#[derive(Debug)]
struct Peer {
    link: Link,
    who: Who,
    spoken_to: bool,
}

/// The number of a connection as messages have it. `None` once there were 2^32 of them.
pub(super) fn peer_id(link: LinkId) -> Option<PeerId> {
    u32::try_from(link.0).ok().map(PeerId)
}

impl Peers {
    pub(super) fn enter(&mut self, peer: PeerId, link: Link, party: &Party) {
        let who = Who::new(peer, party, link.peer());
        let spoken_to = false;
        let peer_of = Peer {
            link,
            who,
            spoken_to,
        };
        self.known.insert(peer, peer_of);
    }

    /// Forgets it, if it was still known.
    pub(super) fn remove(&mut self, peer: PeerId) -> Option<Who> {
        self.known.remove(&peer).map(|peer| peer.who)
    }

    pub(super) fn who(&self, peer: PeerId) -> Option<&Who> {
        self.known.get(&peer).map(|known| &known.who)
    }

    /// Says something, to be written by [`write`](Self::write). To who has gone it is said in vain.
    pub(super) fn say<M: Message>(&mut self, peer: PeerId, words: &M) -> Result<(), WireError> {
        let Some(known) = self.known.get_mut(&peer) else {
            return Ok(());
        };
        if !known.spoken_to {
            known.spoken_to = true;
            self.spoken_to.push(peer);
        }
        known.link.queue([words])
    }

    /// Has all that was said written. The hub's thread does it once it has read what else has come in, and so what several
    /// connections have brought at once is answered with one write to each. Workers come first: what they are to run is on the
    /// way to the end of a chain, and what has ended is not.
    pub(super) fn write(&mut self) {
        for workers in [true, false] {
            for peer in &self.spoken_to {
                if let Some(known) = self.known.get_mut(peer)
                    && (known.who.role == Role::Worker) == workers
                {
                    known.spoken_to = false;
                    known.link.wake();
                }
            }
        }
        self.spoken_to.clear();
    }

    /// Ends a connection, after all that was said there.
    pub(super) fn close(&mut self, peer: PeerId, reason: &str) -> Option<Who> {
        let known = self.known.remove(&peer)?;
        known.link.close(reason);
        Some(known.who)
    }

    pub(super) fn close_all(&mut self, reason: &str) {
        for known in std::mem::take(&mut self.known).into_values() {
            known.link.close(reason);
        }
    }
}
