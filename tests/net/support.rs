//! What the tests share: messages into bytes and back, a peer that speaks through a bare socket, a handler that records.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tenter::net::transport::{Address, Handler, Hub, Link, LinkId, Lost, Reach, Settings};
use tenter::net::wire::{
    Cursor, Field, Frame, Hello, Limits, Message, Packer, Party, Piece, Role, Unpacker, WireError,
    Writer,
};

/// How long a test waits for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Longer than any test runs.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// All that a packer has, as bytes.
pub(crate) fn bytes_of(packer: &mut Packer) -> Vec<u8> {
    let mut pieces = VecDeque::<Piece>::new();
    packer.take(&mut pieces, &mut Vec::new());
    pieces
        .iter()
        .flat_map(|piece| piece.as_ref().to_vec())
        .collect()
}

/// Messages as bytes on the wire.
pub(crate) fn packed<'a, M: Message>(messages: impl IntoIterator<Item = &'a M>) -> Vec<u8> {
    let mut packer = Packer::default();
    for message in messages {
        packer.push(message).unwrap();
    }
    bytes_of(&mut packer)
}

/// The messages of all frames that are there.
pub(crate) fn received<M: Message>(unpacker: &mut Unpacker) -> Result<Vec<M>, WireError> {
    let mut messages = Vec::new();
    while let Some(frame) = unpacker.next_frame()? {
        frame.decode(&mut messages, M::decode)?;
    }
    Ok(messages)
}

/// The message of the tests: a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note(pub Bytes);

impl Note {
    pub(crate) fn of(number: u64) -> Self {
        Self(Bytes::copy_from_slice(&number.to_le_bytes()))
    }

    pub(crate) fn number(&self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().unwrap())
    }

    pub(crate) fn sized(bytes: usize) -> Self {
        Self(vec![7; bytes].into())
    }
}

impl Message for Note {
    fn encode(&self, to: &mut Writer) {
        self.0.put(to);
    }

    fn decode(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        Field::get(from).map(Self)
    }
}

/// What a handler was told.
#[derive(Debug)]
#[expect(dead_code, reason = "a failing test prints it")]
pub(crate) enum Event<M = Note> {
    Opened(Link, Box<Hello>),
    Batch(LinkId, Vec<M>),
    Lost(LinkId, Lost),
}

type OnBatch<M> = Box<dyn FnMut(&Link, &mut Vec<M>) + Send>;

/// Records all that happens, and does what a test wants with batches.
pub(crate) struct Recorder<M = Note> {
    events: Sender<Event<M>>,
    links: Vec<Link>,
    pub on_batch: OnBatch<M>,
    pub refuse: Option<String>,
}

impl<M: Message + Send + 'static> Handler for Recorder<M> {
    type In = M;

    fn decode(_: Role, from: &mut Cursor<'_>) -> Result<M, WireError> {
        M::decode(from)
    }

    fn admit(&mut self, _: &Hello) -> Result<(), String> {
        self.refuse.clone().map_or(Ok(()), Err)
    }

    fn opened(&mut self, link: Link, hello: Hello) {
        self.links.push(link.clone());
        let _ = self.events.send(Event::Opened(link, Box::new(hello)));
    }

    fn batch(&mut self, from: LinkId, messages: &mut Vec<M>) {
        let link = self.links.iter().find(|link| link.id() == from);
        (self.on_batch)(link.expect("it was opened"), messages);
        let _ = self
            .events
            .send(Event::Batch(from, std::mem::take(messages)));
    }

    fn lost(&mut self, link: LinkId, why: Lost) {
        let _ = self.events.send(Event::Lost(link, why));
    }
}

/// A hub with its events.
pub(crate) struct Side<M: Message + Send + 'static = Note> {
    pub hub: Hub<Recorder<M>>,
    pub events: Receiver<Event<M>>,
}

impl Side {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::with(settings, |_, _| {})
    }

    pub(crate) fn with(
        settings: Settings,
        on_batch: impl FnMut(&Link, &mut Vec<Note>) + Send + 'static,
    ) -> Self {
        Self::of(settings, on_batch)
    }

    /// So many messages, in however many batches.
    pub(crate) fn notes(&self, number: usize) -> Vec<Note> {
        let mut notes = Vec::new();
        while notes.len() < number {
            notes.extend(self.batch());
        }
        assert_eq!(notes.len(), number);
        notes
    }
}

impl<M: Message + std::fmt::Debug + Send + 'static> Side<M> {
    pub(crate) fn of(
        settings: Settings,
        on_batch: impl FnMut(&Link, &mut Vec<M>) + Send + 'static,
    ) -> Self {
        let (tell, events) = channel();
        let recorder = Recorder {
            events: tell,
            links: Vec::new(),
            on_batch: Box::new(on_batch),
            refuse: None,
        };
        Self {
            hub: Hub::start("test", settings, recorder).unwrap(),
            events,
        }
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        let hello = Hello::new(Party::Scheduler);
        self.hub
            .listen(&Address::loopback(), Reach::Loopback, hello)
            .unwrap()
    }

    pub(crate) fn connect(&self, to: SocketAddr) -> Link {
        let hello = Hello::new(Party::Peer);
        self.hub
            .connect(&to.into(), Reach::Loopback, hello)
            .unwrap();
        self.opened()
    }

    pub(crate) fn next(&self) -> Event<M> {
        self.events
            .recv_timeout(SOON)
            .expect("nothing has happened")
    }

    pub(crate) fn opened(&self) -> Link {
        match self.next() {
            Event::Opened(link, _) => link,
            other => panic!("{other:?} instead of a connection"),
        }
    }

    pub(crate) fn batch(&self) -> Vec<M> {
        match self.next() {
            Event::Batch(_, notes) => notes,
            other => panic!("{other:?} instead of messages"),
        }
    }

    pub(crate) fn lost(&self) -> Lost {
        match self.next() {
            Event::Lost(_, why) => why,
            other => panic!("{other:?} instead of an end"),
        }
    }

    /// Nothing happens for this long.
    pub(crate) fn is_quiet_for(&self, time: Duration) {
        match self.events.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => {}
            other => panic!("{other:?} where nothing should happen"),
        }
    }
}

/// Looks at a condition until it holds.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < SOON, "never came about: {what}");
        std::thread::yield_now();
    }
}

/// Settings under which nothing happens because of time.
pub(crate) fn timeless() -> Settings {
    Settings {
        handshake: NEVER,
        heartbeat: NEVER,
        silence: NEVER,
        ..Settings::default()
    }
}

/// Settings under which silence is noticed soon.
pub(crate) fn hasty() -> Settings {
    Settings {
        heartbeat: Duration::from_millis(20),
        silence: Duration::from_millis(600),
        ..Settings::default()
    }
}

/// A peer that is nothing but a socket.
pub(crate) struct Bare {
    pub socket: TcpStream,
    pub unpacker: Unpacker,
}

impl Bare {
    pub(crate) fn connect(to: SocketAddr) -> Self {
        let socket = TcpStream::connect(to).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        Self {
            socket,
            unpacker: Unpacker::new(Limits::default()),
        }
    }

    /// Connected, with hellos said.
    pub(crate) fn greeted(to: SocketAddr) -> Self {
        let mut bare = Self::connect(to);
        bare.send(&hello_bytes());
        let hello = bare.frame().expect("a hello");
        assert_eq!(hello.kind, tenter::net::wire::Kind::Hello);
        bare
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The next frame, or `None` at the end.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.unpacker.next_frame().unwrap() {
                return Some(frame);
            }
            let mut buffer = [0; 64 * 1024];
            match self.socket.read(&mut buffer).unwrap() {
                0 => return None,
                n => self.unpacker.feed(&buffer[..n]),
            }
        }
    }
}

/// A hello of a peer.
pub(crate) fn hello_bytes() -> Vec<u8> {
    let mut packer = Packer::default();
    Hello::new(Party::Peer).write(&mut packer).unwrap();
    bytes_of(&mut packer)
}
