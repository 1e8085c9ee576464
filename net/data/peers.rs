//! The public side: fetch, put, and a shelf to serve from.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;

use super::calls::{Call, Called, Caller};
use super::content::Content;
use super::fetch::NotFetched;
use super::message::PeerMessage;
use super::put::NotPut;
use super::state::{State, Todo};
use crate::driver::AnyHandle;
use crate::net::message::{Failure, Holder, Run, TaskId};
use crate::net::transport::{
    Address, ConnectError, Dialer, Handler, Hub, Link, LinkId, Lost, Reach, Settings,
};
use crate::net::wire::{Cursor, Hello, Message, Party, Place, Role, WireError};

/// What is said of what was going on when the connections ended.
pub(super) const ENDED: &str = "connections here have ended";

/// Where a worker gives data out from, and puts what it is brought. Called on the connections' thread.
pub trait Shelf: Send + Sync {
    /// The encoded data of this name.
    fn get(&self, data: Run) -> Option<Content>;

    /// Whether data of this size would be kept. Asked before anything of it is fetched.
    ///
    /// # Errors
    /// Why not, in one line.
    fn takes(&self, bytes: u64) -> Result<(), String> {
        let _ = bytes;
        Ok(())
    }

    /// Keeps data that was brought.
    ///
    /// # Errors
    /// Why not, in one line.
    fn put(&self, data: Run, content: Content) -> Result<(), String>;

    /// An actor that lives here is called: [`Peers::answer`] or another of these is to follow, from any thread.
    ///
    /// # Errors
    /// Why it is not taken.
    fn called(&self, caller: Caller, call: Call) -> Result<(), NotCalled> {
        drop((caller, call));
        Err(NotCalled::NoActor)
    }

    /// A call is not to be run, if it has not begun.
    fn is_taken_back(&self, caller: (LinkId, u64)) {
        let _ = caller;
    }

    /// A connection has ended: its calls are answered for nobody.
    fn has_gone(&self, link: LinkId) {
        let _ = link;
    }
}

/// Why a call is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCalled {
    /// There is no such actor.
    NoActor,
    /// For this reason, in one line.
    Refused(String),
}

/// The connections over which this process fetches data, brings it, and, with a [`Shelf`], gives it out.
///
/// When it is dropped they end, and so does what is going on: those who wait are told.
pub struct Peers {
    /// There until it is dropped.
    hub: Option<Hub<Ours>>,
    shared: Arc<Shared>,
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers").finish_non_exhaustive()
    }
}

struct Shared {
    state: Mutex<State>,
    shelf: Option<Box<dyn Shelf>>,
    reach: Reach,
    dialer: OnceLock<Dialer<Ours>>,
}

/// One end of each connection.
struct Ours(Arc<Shared>);

impl Peers {
    /// Starts the thread of the connections.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(settings: Settings, reach: Reach) -> io::Result<Arc<Self>> {
        Self::with(settings, reach, None).map(Arc::new)
    }

    /// Starts it, and gives out what is on this shelf to whoever connects to `at`. The address comes with its port.
    ///
    /// # Errors
    /// If the system has no thread to give, or `at` cannot be listened on.
    pub fn serve(
        settings: Settings,
        reach: Reach,
        at: &Address,
        shelf: Box<dyn Shelf>,
    ) -> Result<(Arc<Self>, SocketAddr), ConnectError> {
        let no_thread = |error| {
            ConnectError::Unreachable(format!("connections for data cannot be served: {error}"))
        };
        let peers = Self::with(settings, reach, Some(shelf)).map_err(no_thread)?;
        let hub = peers.hub.as_ref().expect("there until it is dropped");
        let addr = hub.listen(at, reach, Hello::new(Party::Peer))?;
        Ok((Arc::new(peers), addr))
    }

    fn with(
        mut settings: Settings,
        reach: Reach,
        shelf: Option<Box<dyn Shelf>>,
    ) -> io::Result<Self> {
        // A holder that stands still may accept a connection, and then say nothing.
        settings.handshake = settings.handshake.min(settings.silence);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(&settings)),
            shelf,
            reach,
            dialer: OnceLock::new(),
        });
        let hub = Hub::start("tenter-data", settings, Ours(shared.clone()))?;
        let _ = shared.dialer.set(hub.dialer());
        Ok(Self {
            hub: Some(hub),
            shared,
        })
    }

    /// Fetches `bytes` bytes of data from the first of these holders that gives them, and calls `done` with them: on the
    /// connections' thread, where nothing may block, or here if nothing can be fetched any more.
    pub fn fetch(
        &self,
        data: Run,
        bytes: u64,
        holders: Vec<Holder>,
        done: impl FnOnce(Result<Content, NotFetched>) + Send + 'static,
    ) {
        self.shared
            .change(|state, todo| state.fetch(data, bytes, holders, Box::new(done), todo));
    }

    /// Brings data to a holder, and calls `done` when it has it: as [`fetch`](Self::fetch) does.
    pub fn put(
        &self,
        data: Run,
        content: impl Into<Content>,
        holder: Holder,
        done: impl FnOnce(Result<(), NotPut>) + Send + 'static,
    ) {
        let content = content.into();
        self.shared
            .change(|state, todo| state.put(data, content, holder, Box::new(done), todo));
    }
}

/// Calls of actors.
impl Peers {
    /// Calls an actor that lives in the process at an address, and calls `done` with what has come of that: on the connections'
    /// thread, where nothing may block, or here. Gives the call's number.
    pub fn call(
        &self,
        address: &str,
        call: Call,
        done: impl FnOnce(Called) + Send + 'static,
    ) -> u64 {
        let mut number = 0;
        self.shared.change(|state, todo| {
            number = state.call(address, call, Box::new(done), todo);
        });
        number
    }

    /// A call is not to be run, if it has not begun.
    pub fn take_back(&self, number: u64) {
        self.shared
            .change(|state, todo| state.take_call_back(number, todo));
    }

    /// What a call has given is here, and so are wants of the handles in it.
    pub fn thank(&self, link: LinkId, request: u64) {
        let state = self.shared.state.lock();
        state.say(link, &PeerMessage::Thanks { request });
    }

    /// Answers a call. The handles in the result are kept as long as the caller needs that.
    pub fn answer(
        &self,
        caller: &Caller,
        content: Bytes,
        mentions: Vec<TaskId>,
        kept: Vec<AnyHandle>,
    ) {
        let (link, request) = caller.id();
        self.shared.change(|state, todo| {
            state.answer(link, request, (content, mentions), kept, todo);
        });
    }

    /// Says that a call has failed.
    pub fn call_failed(&self, caller: &Caller, failure: Failure) {
        let (link, request) = caller.id();
        let state = self.shared.state.lock();
        state.say(link, &PeerMessage::Failed { request, failure });
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.shared.state.lock().has_ended = true;
        self.hub = None;
        self.shared.change(State::end_all);
    }
}

impl Shared {
    /// Changes the state, and does what that asks for. What it asks for may change it again.
    fn change(self: &Arc<Self>, f: impl FnOnce(&mut State, &mut Todo)) {
        let mut todo = Todo::default();
        f(&mut self.state.lock(), &mut todo);
        self.perform(todo);
    }

    fn perform(self: &Arc<Self>, todo: Todo) {
        for address in todo.dials {
            self.dial(address);
        }
        for (link, request, data, content) in todo.arrived {
            self.shelve(&link, request, data, content);
        }
        for end in todo.ends {
            end();
        }
    }

    fn dial(self: &Arc<Self>, address: String) {
        let shared = Arc::clone(self);
        let done = move |outcome: Result<LinkId, String>, address: &str| {
            shared.change(|state, todo| state.dialed(address, outcome, todo));
        };
        let to: Address = match address.parse() {
            Ok(to) => to,
            Err(error) => return done(Err(format!("{error}")), &address),
        };
        let Some(dialer) = self.dialer.get() else {
            return done(Err(ENDED.into()), &address);
        };
        dialer.connect(&to, self.reach, Hello::new(Party::Peer), move |outcome| {
            done(outcome.map_err(|error| error.to_string()), &address);
        });
    }

    /// Keeps what was offered, and says so.
    fn shelve(&self, link: &Link, request: u64, data: Run, content: Content) {
        let kept = match &self.shelf {
            Some(shelf) => shelf.put(data, content),
            None => Err("it keeps no data".into()),
        };
        self.state.lock().offer_ended(link.id());
        let answer = match kept {
            Ok(()) => PeerMessage::Taken { request },
            Err(reason) => PeerMessage::Declined { request, reason },
        };
        tell(link, &answer);
    }

    /// Data is offered. Whether it would be kept is known before anything of it is fetched.
    fn is_offered(self: &Arc<Self>, link: LinkId, request: u64, data: Run, bytes: u64) {
        let keeps_none = || Err("it keeps no data".to_owned());
        let shelf = self.shelf.as_ref();
        match shelf.map_or_else(keeps_none, |shelf| shelf.takes(bytes)) {
            Ok(()) => self.change(|state, _| state.taking(link, request, data, bytes)),
            Err(reason) => {
                let declined = PeerMessage::Declined { request, reason };
                self.state.lock().say(link, &declined);
            }
        }
    }

    /// An actor that lives here is called.
    fn is_called(&self, link: LinkId, request: u64, call: Call) {
        let caller = Caller { link, request };
        let taken = match &self.shelf {
            Some(shelf) => shelf.called(caller, call),
            None => Err(NotCalled::NoActor),
        };
        let words = match taken {
            Ok(()) => return,
            Err(NotCalled::NoActor) => PeerMessage::NoActor { request },
            Err(NotCalled::Refused(reason)) => PeerMessage::Refused { request, reason },
        };
        self.state.lock().say(link, &words);
    }

    /// Gives out a piece.
    fn give(&self, link: LinkId, request: u64, data: Run, from: u64, len: u32) {
        let offered = {
            let mut state = self.state.lock();
            let given = state.given(link, data);
            given.or_else(|| state.offered(link, data))
        };
        // A shelf may take its time: not under the lock.
        let found = offered.or_else(|| self.shelf.as_ref()?.get(data));
        let words = found.and_then(|content| piece(request, &content, from, len));
        let words = words.unwrap_or(PeerMessage::Absent { request });
        self.state.lock().say(link, &words);
    }
}

/// Sends it. A peer that takes no frame of the size of a piece is no use.
pub(super) fn tell(link: &Link, words: &PeerMessage) {
    if let Err(error) = link.send([words]) {
        link.close(&format!("what it asked for cannot be sent to it: {error}"));
    }
}

fn piece(request: u64, content: &Content, from: u64, len: u32) -> Option<PeerMessage> {
    Some(PeerMessage::Piece {
        request,
        total: content.bytes(),
        array: content.code(),
        content: content.piece(from, len)?,
    })
}

impl Handler for Ours {
    type In = PeerMessage;

    fn decode(sender: Role, from: &mut Cursor<'_>) -> Result<PeerMessage, WireError> {
        debug_assert_eq!(sender, Role::Peer, "others are not admitted");
        PeerMessage::decode(from)
    }

    fn admit(&mut self, hello: &Hello) -> Result<(), String> {
        match hello.party.role() {
            Role::Peer => Ok(()),
            other => Err(format!(
                "this is where data is given out, and not for a {other}: connect to the scheduler's address"
            )),
        }
    }

    fn opened(&mut self, link: Link, _: Hello) {
        self.0.state.lock().opened(link);
    }

    fn batch(&mut self, from: LinkId, messages: &mut Vec<PeerMessage>) {
        self.0.state.lock().used(from);
        for message in messages.drain(..) {
            self.hear(from, message);
        }
    }

    fn place(&mut self, from: LinkId, message: PeerMessage, len: usize) -> Option<Box<dyn Place>> {
        let PeerMessage::Piece {
            request,
            total,
            array,
            ..
        } = message
        else {
            return None;
        };
        let state = self.0.state.lock();
        state.place(from, request, (total, array), len)
    }

    fn lost(&mut self, link: LinkId, why: Lost) {
        let reason = why.to_string();
        if let Some(shelf) = &self.0.shelf {
            shelf.has_gone(link);
        }
        self.0.change(|state, todo| state.lost(link, &reason, todo));
    }

    fn tick(&mut self, _: Instant) {
        self.0.change(State::tick);
    }
}

impl Ours {
    fn hear(&self, link: LinkId, message: PeerMessage) {
        let shared = &self.0;
        match message {
            PeerMessage::Get {
                request,
                data,
                from,
                len,
            } => shared.give(link, request, data, from, len),
            PeerMessage::Piece {
                request,
                total,
                array,
                content,
            } => shared.change(|state, todo| {
                state.piece(link, request, (total, array), content, todo);
            }),
            PeerMessage::Absent { request } => {
                shared.change(|state, todo| state.absent(link, request, todo));
            }
            PeerMessage::Offer {
                request,
                data,
                bytes,
            } => shared.is_offered(link, request, data, bytes),
            PeerMessage::Taken { request } => {
                shared.change(|state, todo| state.answered(link, request, Ok(()), todo));
            }
            PeerMessage::Declined { request, reason } => {
                shared.change(|state, todo| state.answered(link, request, Err(reason), todo));
            }
            PeerMessage::Call { request, call } => shared.is_called(link, request, call),
            PeerMessage::TakeBack { request } => {
                if let Some(shelf) = &shared.shelf {
                    shelf.is_taken_back((link, request));
                }
            }
            PeerMessage::Thanks { request } => {
                shared.change(|state, todo| state.thanked(link, request, todo));
            }
            PeerMessage::Gives {
                request,
                bytes,
                mentions,
            } => shared.change(|state, _| state.call_gives(link, request, bytes, mentions)),
            answer => self.hear_answer(link, answer),
        }
    }

    /// Of a call that was made here.
    fn hear_answer(&self, link: LinkId, answer: PeerMessage) {
        let (request, called) = match answer {
            PeerMessage::Answer {
                request,
                content,
                mentions,
            } => {
                let thanks = (!mentions.is_empty()).then_some((link, request));
                let called = Called::Value {
                    content,
                    mentions,
                    thanks,
                };
                (request, called)
            }
            PeerMessage::Failed { request, failure } => (request, Called::Failed(failure)),
            PeerMessage::NoActor { request } => {
                let reason = "it has no such actor any more";
                (request, Called::Unreached(reason.into()))
            }
            PeerMessage::Refused { request, reason } => (request, Called::Refused(reason)),
            _ => return,
        };
        self.0
            .change(|state, todo| state.call_answered(link, request, called, todo));
    }
}
