//! Results that clients fetch, and holders that they cannot reach.
//!
//! 1. A client is told all who hold a result; those that it could not reach come last, the more often the later.
//! 2. A holder that answered and had none holds the data no longer.
//! 3. When it has tried all holders it hears of them again only after a while: the next tick. When it has tried each of them a few
//!    times, for longer than it takes to notice that a worker is dead, the data are taken for lost: they are computed again, once for a client's want, if there is a recipe and another worker to follow it. If not, or if that did not help,
//!    this client's want fails, and says whom it could not reach. The task and what others want of it go on.

use smallvec::SmallVec;

use super::Machine;
use super::submit::failed;
use super::task::Value;
use crate::net::message::{Failure, FailureKind, Located, PeerId, Run, Ticket};

/// So often a client tries each holder.
const MOST_TRIES: usize = 3;
/// And at least for so long: more than the silence of five seconds after which a worker is taken for dead.
const LONG_US: u64 = 8_000_000;
/// So often a holder may answer a client that it has none.
const MOST_ABSENT: u32 = 20;

/// What a client has tried to get a result.
#[derive(Debug, Default)]
pub(super) struct Tries {
    unreached: SmallVec<[Unreached; 2]>,
    /// How often a holder had none.
    absent: u32,
    /// The data were computed again because of this client.
    again: bool,
}

/// A holder that could not be reached: how often, and since when.
#[derive(Clone, Copy, Debug)]
struct Unreached {
    holder: PeerId,
    times: usize,
    since_us: u64,
}

impl Tries {
    fn of(&self, holder: PeerId) -> Option<&Unreached> {
        self.unreached.iter().find(|one| one.holder == holder)
    }

    fn note(&mut self, holder: PeerId, now_us: u64) {
        let mut known = self.unreached.iter_mut();
        match known.find(|one| one.holder == holder) {
            Some(known) => known.times += 1,
            None => self.unreached.push(Unreached {
                holder,
                times: 1,
                since_us: now_us,
            }),
        }
    }

    /// Whether a holder was tried often enough, and for long enough.
    fn is_over(&self, holder: PeerId, now_us: u64) -> bool {
        self.of(holder).is_some_and(|one| {
            one.times >= MOST_TRIES && now_us.saturating_sub(one.since_us) >= LONG_US
        })
    }

    /// Whom to avoid, each as often as it could not be reached, as far as that matters.
    fn avoid(&self) -> SmallVec<[PeerId; 4]> {
        let often = |one: &Unreached| std::iter::repeat_n(one.holder, one.times.min(MOST_TRIES));
        self.unreached.iter().flat_map(often).collect()
    }
}

impl Machine {
    pub(super) fn fetch(&mut self, client: u32, ticket: Ticket) {
        let Some(index) = self.clients[client as usize].tickets.node(ticket) else {
            return;
        };
        // Of a failure the client was told.
        if matches!(self.tasks.task(index).value, Value::Failed(_)) {
            return;
        }
        self.clients[client as usize].fetching.insert(ticket);
        if self.tasks.is_settled(index) {
            self.notify_one(index, client, ticket);
        }
    }

    /// Where the data of a task is, if it is anywhere; for a client, in the order in which it had best try.
    pub(super) fn located(&mut self, index: u32, of: Option<(u32, Ticket)>) -> Option<Located> {
        let data = self.data_name(index);
        match &self.tasks.task(index).value {
            Value::Inline(bytes) => Some(Located::Inline(bytes.clone())),
            Value::Held(held) if held.is_actor => {
                let holder = held.holders.first().copied();
                holder.map(|holder| Located::Actor {
                    data,
                    holder: self.holder(holder),
                })
            }
            Value::Held(held) => {
                let (bytes, holders) = (held.bytes, held.holders.clone());
                let tries = of
                    .and_then(|(client, ticket)| self.clients[client as usize].tries.get(&ticket));
                let avoid = tries.map_or_else(SmallVec::new, Tries::avoid);
                let holders = self.best_first(&holders, &avoid);
                Some(Located::Held {
                    data,
                    bytes,
                    holders,
                })
            }
            Value::None | Value::Failed(_) => None,
        }
    }

    pub(super) fn fetch_failed(
        &mut self,
        client: u32,
        ticket: Ticket,
        data: Run,
        holder: PeerId,
        absent: bool,
    ) {
        let Some(index) = self.clients[client as usize].tickets.node(ticket) else {
            return;
        };
        if matches!(self.tasks.task(index).value, Value::Failed(_)) {
            return;
        }
        self.clients[client as usize].fetching.insert(ticket);
        if self.is_held_by(index, data, holder) {
            let ends = match absent {
                true => self.had_none(client, ticket, data, holder),
                false => self.unreached(index, client, ticket, holder),
            };
            if ends {
                self.fail_unreachable(index, client, ticket);
            } else if !absent && self.all_failed(index, client, ticket) {
                // Nobody is left to be tried at once.
                let peer = self.clients[client as usize].peer;
                self.later.insert((peer, ticket));
                return;
            }
        }
        if self.clients[client as usize].fetching.contains(&ticket)
            && self.tasks.task(index).has_data()
        {
            self.notify_one(index, client, ticket);
        }
    }

    /// A holder has answered, and has none. Whether this client has heard that too often.
    fn had_none(&mut self, client: u32, ticket: Ticket, data: Run, holder: PeerId) -> bool {
        let tries = &mut self.clients[client as usize].tries;
        let tries = tries.entry(ticket).or_default();
        tries.absent += 1;
        let ends = tries.absent >= MOST_ABSENT;
        self.has_not(data, holder);
        ends
    }

    /// A holder could not be reached. Whether nothing is left that this client could try; if the data can be computed again for it,
    /// that is begun.
    fn unreached(&mut self, index: u32, client: u32, ticket: Ticket, holder: PeerId) -> bool {
        let peers = self.holder_peers(index);
        let elsewhere = self.everyone.items().len() > peers.len();
        let again = elsewhere && self.can_run_again(index);
        let now_us = self.now_us;
        let tries = &mut self.clients[client as usize].tries;
        let tries = tries.entry(ticket).or_default();
        tries.note(holder, now_us);
        if !peers.iter().all(|&peer| tries.is_over(peer, now_us)) {
            return false;
        }
        if tries.again || !again {
            return true;
        }
        tries.again = true;
        tries.unreached.clear();
        let data = self.data_name(index);
        peers.iter().for_each(|&peer| self.has_not(data, peer));
        false
    }

    /// The connections of those who hold a task's data.
    fn holder_peers(&mut self, index: u32) -> SmallVec<[PeerId; 4]> {
        let Value::Held(held) = &self.tasks.task(index).value else {
            return SmallVec::new();
        };
        let workers = &self.workers;
        let peers = held.holders.iter();
        peers.map(|&worker| workers[worker as usize].peer).collect()
    }

    fn all_failed(&mut self, index: u32, client: u32, ticket: Ticket) -> bool {
        let peers = self.holder_peers(index);
        let tries = self.clients[client as usize].tries.get(&ticket);
        tries.is_some_and(|tries| peers.iter().all(|&peer| tries.of(peer).is_some()))
    }

    /// Answers those who had nobody left to try, now that some time has passed.
    pub(super) fn answer_later(&mut self) {
        for (peer, ticket) in std::mem::take(&mut self.later) {
            let Some(client) = self.client_slot(peer) else {
                continue;
            };
            let its = &self.clients[client as usize];
            if let Some(index) = its
                .tickets
                .node(ticket)
                .filter(|_| its.fetching.contains(&ticket))
            {
                self.notify_one(index, client, ticket);
            }
        }
    }

    fn is_held_by(&mut self, index: u32, data: Run, holder: PeerId) -> bool {
        let its = self.data_name(index) == data;
        let worker = self.worker_slot(holder);
        its && worker.is_some_and(|worker| self.workers[worker as usize].held.contains(&index))
    }

    fn fail_unreachable(&mut self, index: u32, client: u32, ticket: Ticket) {
        let holders = match &self.tasks.task(index).value {
            Value::Held(held) => held.holders.clone(),
            Value::None | Value::Inline(_) | Value::Failed(_) => SmallVec::new(),
        };
        let names: Vec<String> = holders
            .iter()
            .map(|&worker| self.place_name(worker))
            .collect();
        let text = format!(
            "its result could not be fetched from {}, though the scheduler hears from there: see that this client can connect to it",
            names.join(", ")
        );
        let kind = self.tasks.task(index).kind;
        let failure = self.failure(kind, FailureKind::DataLost, text);
        self.fail_ticket(index, client, ticket, failure);
    }

    /// Ends a client's want of a task that goes on without it.
    pub(super) fn fail_ticket(
        &mut self,
        index: u32,
        client: u32,
        ticket: Ticket,
        failure: std::sync::Arc<Failure>,
    ) {
        let node = self.failed_node(failure.clone());
        let its = &mut self.clients[client as usize];
        its.tickets.replace(ticket, node);
        its.fetching.remove(&ticket);
        its.tries.remove(&ticket);
        let task = self.tasks.task(node);
        task.users = 1;
        task.wants.add(client, ticket);
        self.tasks.task(index).wants.remove(client, ticket);
        self.abandon_put(index, client, ticket);
        self.drop_user(index);
        self.tell_client(client, failed(ticket, failure));
    }
}
