//! Calls of actors: one side calls, the other answers.
//!
//! 1. A call has a number of its caller's, and is sent once, in the order of [`Peers::call`](super::Peers::call) to one address.
//!    What becomes of it if the connection ends is not known, and it is not sent again.
//! 2. A small result comes with the answer. A large one stays with who gives it, under a name that no data has
//!    ([`name_of`]), until it was fetched as data are.
//! 3. Who gives handles keeps them until the caller has said that it has wants of its own ([`PeerMessage::Thanks`]); as long
//!    it keeps a large result too.

use std::fmt;

use bytes::Bytes;

use super::content::Content;
use super::message::PeerMessage;
use super::peers::{ENDED, tell};
use super::route::Waiting;
use super::state::{State, Todo};
use super::transfer::{Purpose, Transfer};
use crate::driver::AnyHandle;
use crate::net::message::{Failure, Run, TaskId};
use crate::net::transport::{Link, LinkId};

/// Answers that a peer may leave unthanked. It is thanked for each as soon as it was taken in.
const MOST_UNTHANKED: usize = 1 << 16;

/// A call of an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The run that made the actor.
    pub actor: Run,
    /// The name of the method.
    pub method: String,
    /// Of the method's signature.
    pub signature: u64,
    /// The encoded arguments, with holes.
    pub args: Bytes,
    /// The tasks whose results fill the holes. The caller wants them until it has an answer.
    pub inputs: Vec<TaskId>,
    /// The handles that the arguments mention; wanted as long.
    pub mentions: Vec<TaskId>,
}

/// What has come of a call.
#[derive(Debug)]
pub enum Called {
    /// What it gave, and the handles in that. Thanks are to be said, if they are asked for, once the handles are wanted here.
    Value {
        /// The encoded result.
        content: Bytes,
        /// The handles in it.
        mentions: Vec<TaskId>,
        /// Whom to thank, and for which call.
        thanks: Option<(LinkId, u64)>,
    },
    /// It has failed. One that has failed by itself names no task.
    Failed(Failure),
    /// It was not taken.
    Refused(String),
    /// It is too large to be sent.
    TooLarge(String),
    /// There is no way to the actor, or it is not there any more.
    Unreached(String),
    /// The connection has ended before there was an answer.
    Cut(String),
}

/// What is called at the end of a call.
pub(super) type WhenCalled = Box<dyn FnOnce(Called) + Send>;

/// A call that was not answered.
pub(super) struct OpenCall {
    /// Until it is sent.
    words: Option<PeerMessage>,
    link: Option<LinkId>,
    /// A large result is on its way.
    is_given: bool,
    /// Of that result.
    mentions: Vec<TaskId>,
    done: WhenCalled,
}

impl fmt::Debug for OpenCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenCall")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// What a caller was given and has not thanked for.
#[derive(Debug)]
pub(super) struct Given {
    content: Bytes,
    #[expect(
        dead_code,
        reason = "it is wanted until the caller has wants of its own"
    )]
    kept: Vec<AnyHandle>,
}

/// What the large result of a call is called: no task has such a slot.
fn name_of(request: u64) -> Run {
    Run {
        task: TaskId {
            slot: u32::MAX,
            generation: (request >> 32) as u32,
        },
        attempt: request as u32,
    }
}

/// The number of the call whose result is called so.
fn request_of(data: Run) -> Option<u64> {
    let TaskId { slot, generation } = data.task;
    (slot == u32::MAX).then_some(u64::from(generation) << 32 | u64::from(data.attempt))
}

/// The caller's side.
impl State {
    pub(super) fn call(
        &mut self,
        address: &str,
        call: Call,
        done: WhenCalled,
        todo: &mut Todo,
    ) -> u64 {
        let request = self.number();
        let open = OpenCall {
            words: Some(PeerMessage::Call { request, call }),
            link: None,
            is_given: false,
            mentions: Vec::new(),
            done,
        };
        self.calls.insert(request, open);
        if self.has_ended {
            self.call_ended(request, Called::Unreached(ENDED.into()), todo);
        } else if let Some(link) = self.link_to(address, Waiting::Call(request), todo) {
            self.send_call(request, &link, todo);
        }
        request
    }

    /// Sends a call to the actor's process, behind this connection.
    pub(super) fn send_call(&mut self, request: u64, link: &Link, todo: &mut Todo) {
        let Some(open) = self.calls.get_mut(&request) else {
            return;
        };
        let Some(words) = open.words.take() else {
            return;
        };
        open.link = Some(link.id());
        if let Err(error) = link.send([&words]) {
            self.call_ended(request, Called::TooLarge(error.to_string()), todo);
        }
    }

    /// A call is not to be run any more.
    pub(super) fn take_call_back(&mut self, request: u64, todo: &mut Todo) {
        let Some(open) = self.calls.get(&request) else {
            return;
        };
        match open.link {
            Some(link) => self.say(link, &PeerMessage::TakeBack { request }),
            None => {
                let reason = "it was cancelled before there was a connection";
                self.call_ended(request, Called::Unreached(reason.into()), todo);
            }
        }
    }

    /// The open call of this number, if it was made over this connection.
    fn is_open(&self, link: LinkId, request: u64) -> bool {
        let open = self.calls.get(&request);
        open.is_some_and(|open| open.link == Some(link))
    }

    /// An answer has come.
    pub(super) fn call_answered(
        &mut self,
        link: LinkId,
        request: u64,
        called: Called,
        todo: &mut Todo,
    ) {
        if self.is_open(link, request) {
            self.call_ended(request, called, todo);
        }
    }

    /// The other side has a large result.
    pub(super) fn call_gives(
        &mut self,
        link: LinkId,
        request: u64,
        bytes: u64,
        mentions: Vec<TaskId>,
    ) {
        let (Some(open), Some(peer)) = (self.calls.get_mut(&request), self.peers.get(&link)) else {
            return;
        };
        if open.link != Some(link) || std::mem::replace(&mut open.is_given, true) {
            return;
        }
        open.mentions = mentions;
        let link = peer.link.clone();
        let number = self.number();
        let (data, purpose) = (name_of(request), Purpose::Answer(request));
        let transfer = Transfer::begin(link, number, data, bytes, purpose);
        self.transfers.insert(number, transfer);
    }

    /// A large result is here.
    pub(super) fn call_arrived(&mut self, request: u64, content: Bytes, todo: &mut Todo) {
        let Some(open) = self.calls.get_mut(&request) else {
            return;
        };
        let mentions = std::mem::take(&mut open.mentions);
        let mut thanks = open.link.map(|link| (link, request));
        if mentions.is_empty()
            && let Some((link, request)) = thanks.take()
        {
            self.say(link, &PeerMessage::Thanks { request });
        }
        let called = Called::Value {
            content,
            mentions,
            thanks,
        };
        self.call_ended(request, called, todo);
    }

    pub(super) fn call_ended(&mut self, request: u64, called: Called, todo: &mut Todo) {
        if let Some(open) = self.calls.remove(&request) {
            todo.ends.push(Box::new(|| (open.done)(called)));
        }
    }

    /// A connection has ended: nothing is known of the calls that were made over it.
    pub(super) fn cut_calls(&mut self, link: LinkId, reason: &str, todo: &mut Todo) {
        let over = |(_, open): &(&u64, &OpenCall)| open.link == Some(link);
        let mut cut: Vec<u64> = self.calls.iter().filter(over).map(|(&n, _)| n).collect();
        cut.sort_unstable();
        for request in cut {
            self.call_ended(request, Called::Cut(reason.into()), todo);
        }
    }

    /// Nothing is answered any more.
    pub(super) fn end_calls(&mut self, todo: &mut Todo) {
        let mut open: Vec<u64> = self.calls.keys().copied().collect();
        open.sort_unstable();
        for request in open {
            self.call_ended(request, Called::Cut(ENDED.into()), todo);
        }
    }
}

impl OpenCall {
    /// The connection that it was made over.
    pub(super) fn link(&self) -> Option<LinkId> {
        self.link
    }
}

/// The other side.
impl State {
    /// Answers a call. A large result, and handles, are kept until the caller says thanks.
    pub(super) fn answer(
        &mut self,
        link: LinkId,
        request: u64,
        (content, mentions): (Bytes, Vec<TaskId>),
        kept: Vec<AnyHandle>,
        todo: &mut Todo,
    ) {
        let is_small = content.len() <= crate::net::message::INLINE_LIMIT;
        let Some(peer) = self.peers.get_mut(&link) else {
            return todo.ends.push(Box::new(|| drop(kept)));
        };
        let words = if is_small {
            PeerMessage::Answer {
                request,
                content: content.clone(),
                mentions,
            }
        } else {
            PeerMessage::Gives {
                request,
                bytes: content.len() as u64,
                mentions,
            }
        };
        if !is_small || !kept.is_empty() {
            if peer.given.len() >= MOST_UNTHANKED {
                todo.ends.push(Box::new(|| drop(kept)));
                return peer.link.close("it was given more than it has thanked for");
            }
            let content = if is_small { Bytes::new() } else { content };
            if let Some(old) = peer.given.insert(request, Given { content, kept }) {
                todo.ends.push(Box::new(|| drop(old)));
            }
        }
        let link = peer.link.clone();
        tell(&link, &words);
    }

    /// The large result of a call, for who made it.
    pub(super) fn given(&self, link: LinkId, data: Run) -> Option<Content> {
        let request = request_of(data)?;
        let given = self.peers.get(&link)?.given.get(&request)?;
        Some(given.content.clone().into())
    }

    /// What a caller was given need not be kept any more.
    pub(super) fn thanked(&mut self, link: LinkId, request: u64, todo: &mut Todo) {
        let peer = self.peers.get_mut(&link);
        if let Some(given) = peer.and_then(|peer| peer.given.remove(&request)) {
            todo.ends.push(Box::new(|| drop(given)));
        }
    }
}

/// The way back to who has called.
#[derive(Debug)]
pub struct Caller {
    pub(super) link: LinkId,
    pub(super) request: u64,
}

impl Caller {
    /// The connection, and the number of the call there.
    pub fn id(&self) -> (LinkId, u64) {
        (self.link, self.request)
    }
}
