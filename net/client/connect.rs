//! The connection of a client process.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Instant;

use parking_lot::Mutex;

use super::outlet::Outlet;
use super::session::Session;
use crate::net::data::Peers;
use crate::net::message::{ClientHello, FromClient, ToClient};
use crate::net::transport::{
    Address, ConnectError, Handler, Hub, Link, LinkId, Lost, Reach, Settings,
};
use crate::net::wire::{Cursor, Hello, Message, Party, Role, WireError};

/// How a client connects.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// What people call it, and for how many finished tasks the scheduler keeps what it takes to compute lost data again.
    pub hello: ClientHello,
    /// How far it may connect.
    pub reach: Reach,
    /// How connections behave.
    pub settings: Settings,
}

/// Why there is no connection, in a line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotConnected(String);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NotConnected {}

/// Connects to the scheduler at an address like `tcp://127.0.0.1:8786`.
///
/// # Errors
/// Why there is no connection.
pub fn connect(address: &str, options: ClientOptions) -> Result<Arc<Session>, NotConnected> {
    let to: Address = address
        .parse()
        .map_err(|bad| NotConnected(format!("{bad}")))?;
    let ClientOptions {
        hello,
        reach,
        settings,
    } = options;
    let line = Arc::new(Line::default());
    let for_data = settings.clone();
    let session = Session::new(line.clone(), move || Peers::start(for_data.clone(), reach));
    let ours = Ours {
        line: line.clone(),
        session: session.clone(),
    };
    let hub = Hub::start("tenter-client", settings, ours)
        .map_err(|error| NotConnected(format!("the system refused a thread: {error}")))?;
    match hub.connect(&to, reach, Hello::new(Party::Client(hello))) {
        Ok(_) => {
            *line.hub.lock() = Some(hub);
            Ok(session)
        }
        Err(error) => Err(NotConnected(next_step(&to, &error))),
    }
}

/// Why there is no connection, and what to do.
fn next_step(to: &Address, error: &ConnectError) -> String {
    match error {
        ConnectError::Unreachable(_) | ConnectError::TimedOut(_) => format!(
            "{error}: start a scheduler there, or check the address and what stands between"
        ),
        ConnectError::Refused(_) | ConnectError::Unwanted(_) => {
            format!("{to} is there, but {error}")
        }
        other => other.to_string(),
    }
}

/// The one connection of a client process.
#[derive(Default)]
struct Line {
    link: OnceLock<Link>,
    /// The thread that hears what the scheduler says.
    hears: OnceLock<ThreadId>,
    /// Until the client is closed.
    hub: Mutex<Option<Hub<Ours>>>,
}

impl Outlet for Line {
    fn send(&self, words: FromClient) -> Result<(), WireError> {
        match self.link.get() {
            Some(link) => link.send([&words]),
            None => Ok(()),
        }
    }

    fn flush(&self) {
        self.link.get().into_iter().for_each(Link::flush);
    }

    fn wait_for_room(&self) {
        if let Some(link) = self.link.get()
            && link.is_full()
        {
            link.wait_for_room();
        }
    }

    fn may_wait(&self) -> bool {
        self.hears.get() != Some(&thread::current().id())
    }

    fn close(&self) {
        let hub = self.hub.lock().take();
        drop(hub);
    }
}

/// What the client does with its connection.
struct Ours {
    line: Arc<Line>,
    session: Arc<Session>,
}

impl Handler for Ours {
    type In = ToClient;

    fn decode(sender: Role, from: &mut Cursor<'_>) -> Result<ToClient, WireError> {
        debug_assert_eq!(sender, Role::Scheduler, "others are not admitted");
        ToClient::decode(from)
    }

    fn admit(&mut self, hello: &Hello) -> Result<(), String> {
        match hello.party.role() {
            Role::Scheduler => Ok(()),
            other => Err(format!(
                "a client connects to a scheduler, and this is a {other}: use the scheduler's address"
            )),
        }
    }

    fn opened(&mut self, link: Link, _: Hello) {
        // There is one connection, and one thread.
        let _ = self.line.hears.set(thread::current().id());
        let _ = self.line.link.set(link);
    }

    fn batch(&mut self, _: LinkId, messages: &mut Vec<ToClient>) {
        messages
            .drain(..)
            .for_each(|words| self.session.hear(words));
    }

    fn lost(&mut self, _: LinkId, why: Lost) {
        self.session.lost(&why.to_string());
    }

    fn tick(&mut self, _: Instant) {
        self.session.tick();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}
