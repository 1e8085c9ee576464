//! Results that are held elsewhere, and values that are put there.

use std::sync::Arc;

use super::session::Session;
use super::state::{Open, State, What};
use crate::ErrorKind;
use crate::driver::Gone;
use crate::net::data::{Content, NotFetched, Peers};
use crate::net::message::{FromClient, Holder, Run, TaskId, Ticket};

impl Session {
    /// Asks where a finished result is, if somebody waits for it and nobody has asked yet.
    pub(super) fn fetch_if_wanted(&self, state: &mut State, ticket: u64) {
        if let Some((landing, progress)) = state.progress(ticket)
            && landing.is_wanted()
            && progress.held
            && !progress.asked
        {
            progress.asked = true;
            let ticket = Ticket(ticket);
            self.say(FromClient::Fetch { ticket });
        }
    }

    /// A result is held by these. Fetches it, unless that is under way.
    pub(super) fn pull(
        &self,
        ticket: u64,
        (data, bytes): (Run, u64),
        holders: Vec<Holder>,
        mentions: Vec<TaskId>,
    ) {
        match self.state().progress(ticket) {
            Some((_, progress)) if !progress.fetching => progress.fetching = true,
            _ => return,
        }
        let Some(peers) = self.peers_or_fail(ticket) else {
            return;
        };
        let session = self.itself.clone();
        peers.fetch(data, bytes, holders, move |fetched| {
            if let Some(session) = session.upgrade() {
                session.fetched(ticket, fetched, &mentions);
            }
        });
    }

    fn fetched(&self, ticket: u64, fetched: Result<Content, NotFetched>, mentions: &[TaskId]) {
        match self.state().progress(ticket) {
            Some((_, progress)) => progress.fetching = false,
            None => return,
        }
        match fetched {
            Ok(content) => self.arrived(ticket, content, mentions),
            Err(failed) => {
                for (holder, absent) in failed.tried {
                    self.say(FromClient::FetchFailed {
                        ticket: Ticket(ticket),
                        data: failed.data,
                        holder,
                        absent,
                    });
                }
                self.outlet.flush();
            }
        }
    }

    /// Brings a value of this process to a worker.
    pub(super) fn put(&self, ticket: u64, data: Run, holder: Holder) {
        let content = match self.state().open.get(ticket) {
            Some(Open {
                what: What::Copy(kept) | What::Parting(kept),
                ..
            }) => kept.clone(),
            _ => return,
        };
        let Some(peers) = self.peers_or_fail(ticket) else {
            return;
        };
        let session = self.itself.clone();
        peers.put(data, content, holder, move |put| {
            if let (Err(_), Some(session)) = (put, session.upgrade()) {
                let ticket = Ticket(ticket);
                session.say(FromClient::PutFailed { ticket, data });
                session.outlet.flush();
            }
        });
    }

    /// The connections for data. Without any, the task has failed, and is let go: others may wait for what was to be put.
    fn peers_or_fail(&self, ticket: u64) -> Option<Arc<Peers>> {
        let error = match self.peers() {
            Ok(peers) => return Some(peers),
            Err(error) => error,
        };
        let open = self.state().open.remove(ticket);
        let tickets = vec![Ticket(ticket)];
        self.say(FromClient::Release { tickets });
        self.outlet.flush();
        let text = format!("its data cannot be moved: the system has no thread to give: {error}");
        open?.landing.give_up(&Gone {
            kind: ErrorKind::Failed,
            text: text.into(),
        });
        None
    }
}
