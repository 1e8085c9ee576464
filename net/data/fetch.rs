//! Fetching: the holders of a piece of data in order, until one gives it.

use std::collections::VecDeque;
use std::fmt;

use super::content::Content;
use super::route::Waiting;
use super::state::{State, Todo};
use super::transfer::{Purpose, Transfer};
use crate::net::message::{Holder, PeerId, Run};
use crate::net::transport::Link;

/// What is called at the end of a fetch.
pub(super) type WhenFetched = Box<dyn FnOnce(Result<Content, NotFetched>) + Send>;

/// None of the holders gave the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFetched {
    /// Which.
    pub data: Run,
    /// Each holder, and whether it answered and had none.
    pub tried: Vec<(PeerId, bool)>,
    /// Why the last one did not give it, in one line.
    pub reason: String,
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            data,
            tried,
            reason,
        } = self;
        write!(
            f,
            "none of {} holders gave data {data}; the last: {reason}",
            tried.len()
        )
    }
}

impl std::error::Error for NotFetched {}

/// A fetch that is going on.
pub(super) struct Fetch {
    bytes: u64,
    /// The one that is asked now first.
    holders: VecDeque<Holder>,
    /// Who did not give it, and may be asked once more.
    unreached: Vec<Holder>,
    tried: Vec<(PeerId, bool)>,
    is_second_round: bool,
    reason: String,
    waiting: Vec<WhenFetched>,
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("bytes", &self.bytes)
            .field("holders", &self.holders)
            .field("tried", &self.tried)
            .finish_non_exhaustive()
    }
}

impl Fetch {
    fn new(bytes: u64, holders: Vec<Holder>, done: WhenFetched) -> Self {
        Self {
            bytes,
            holders: holders.into(),
            unreached: Vec::new(),
            tried: Vec::new(),
            is_second_round: false,
            reason: "there is none".into(),
            waiting: vec![done],
        }
    }

    /// One more who wants it, and knows of these holders.
    fn join(&mut self, holders: Vec<Holder>, done: WhenFetched) {
        for holder in holders {
            let tried = self.tried.iter().any(|(known, _)| *known == holder.worker);
            if !tried && !self.holders.contains(&holder) {
                self.holders.push_back(holder);
            }
        }
        self.waiting.push(done);
    }

    /// The holder that was asked has not given it.
    fn strike(&mut self, absent: bool, reason: &str) {
        let Some(holder) = self.holders.pop_front() else {
            return;
        };
        self.tried.retain(|(known, _)| *known != holder.worker);
        self.tried.push((holder.worker, absent));
        self.reason = format!("{}: {reason}", holder.address);
        if !absent && !self.is_second_round {
            self.unreached.push(holder);
        }
    }

    fn end(self, data: Run, todo: &mut Todo) {
        let failure = NotFetched {
            data,
            tried: self.tried,
            reason: self.reason,
        };
        for done in self.waiting {
            let failure = failure.clone();
            todo.ends.push(Box::new(|| done(Err(failure))));
        }
    }
}

impl State {
    /// Fetches data, or joins those who do.
    pub(super) fn fetch(
        &mut self,
        data: Run,
        bytes: u64,
        holders: Vec<Holder>,
        done: WhenFetched,
        todo: &mut Todo,
    ) {
        if let Some(fetch) = self.fetches.get_mut(&data) {
            return fetch.join(holders, done);
        }
        self.fetches.insert(data, Fetch::new(bytes, holders, done));
        self.advance(data, todo);
    }

    /// Asks the next holder. When all have been asked, those that could not be reached rest until time has gone by.
    pub(super) fn advance(&mut self, data: Run, todo: &mut Todo) {
        let ended = self.has_ended;
        let Some(fetch) = self.fetches.get_mut(&data) else {
            return;
        };
        if let Some(holder) = fetch.holders.front().filter(|_| !ended) {
            let address = holder.address.clone();
            if let Some(link) = self.link_to(&address, Waiting::Fetch(data), todo) {
                self.ask(data, &link);
            }
            return;
        }
        if !fetch.unreached.is_empty() && !ended {
            fetch.holders.extend(fetch.unreached.drain(..));
            fetch.is_second_round = true;
            self.resting.push(data);
        } else if let Some(fetch) = self.fetches.remove(&data) {
            fetch.end(data, todo);
        }
    }

    /// Begins to ask the holder behind this connection.
    pub(super) fn ask(&mut self, data: Run, link: &Link) {
        let Some(bytes) = self.fetches.get(&data).map(|fetch| fetch.bytes) else {
            return;
        };
        let number = self.number();
        let transfer = Transfer::begin(link.clone(), number, data, bytes, Purpose::Fetch);
        self.transfers.insert(number, transfer);
    }

    /// The holder that was asked does not give it.
    pub(super) fn not_from_here(&mut self, data: Run, absent: bool, reason: &str, todo: &mut Todo) {
        if let Some(fetch) = self.fetches.get_mut(&data) {
            fetch.strike(absent, reason);
            self.advance(data, todo);
        }
    }

    /// It has come.
    pub(super) fn fetched(&mut self, data: Run, content: Content, todo: &mut Todo) {
        let Some(fetch) = self.fetches.remove(&data) else {
            return;
        };
        for done in fetch.waiting {
            let content = content.clone();
            todo.ends.push(Box::new(|| done(Ok(content))));
        }
    }

    /// Nothing can be fetched or put any more.
    pub(super) fn end_all(&mut self, todo: &mut Todo) {
        self.has_ended = true;
        self.transfers.clear();
        for (data, mut fetch) in std::mem::take(&mut self.fetches) {
            fetch.reason = super::peers::ENDED.into();
            fetch.end(data, todo);
        }
        let open: Vec<u64> = self.puts.keys().copied().collect();
        for request in open {
            self.put_ended(request, Err(super::peers::ENDED.into()), todo);
        }
        self.end_calls(todo);
    }
}
