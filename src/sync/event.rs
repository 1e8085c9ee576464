//! A flag that tasks wait for.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Shared;
use super::afar::{Answer, Ask, At, FarThing, Link, Names, Told};
use super::coordination::Kind;
use super::crowd::{Crowd, Crowded, Entry};
use crate::Client;
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::turn::{Turn, ring};

impl<P> Client<P> {
    /// The event of this name, made unset at the first call.
    ///
    /// It lives until it is deleted or the client closes. Of a closed client it is unset, and waits for it give
    /// `Closed`.
    pub fn event(&self, name: &str) -> Event {
        let engine = self.engine();
        if let Some(link) = Link::of(engine) {
            let inner = At::Afar(Far::open(link, name));
            let engine = Arc::clone(engine);
            return Event { engine, inner };
        }
        let found = engine
            .coordination
            .find(Kind::Event, name, "event", || Inner::new(name));
        let inner = found.unwrap_or_else(|_| Arc::new(Inner::closed(name)));
        Event {
            engine: Arc::clone(engine),
            inner: At::Here(inner),
        }
    }
}

/// A flag that every client and task can have by its name: waits go on once it is set; see [`Client::event`].
///
/// Setting it lets everybody through who waits, also if it is cleared at once. Cloning makes another handle of the same
/// event; dropping handles changes nothing, the client owns it.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let calibrated = client.event("calibrated");
/// let waits = calibrated.clone();
/// let scan = client.try_submit(move || waits.wait().map(|()| "scanned"));
/// calibrated.set();
/// assert_eq!(*scan.result()?, "scanned");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Event {
    engine: Arc<Engine>,
    inner: At<Arc<Inner>, Far>,
}

/// One that somebody elsewhere has.
#[derive(Clone)]
struct Far(FarThing);

struct Inner {
    name: Box<str>,
    what: Arc<str>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    set: bool,
    crowd: Crowd,
}

impl Inner {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            what: format!("event `{name}`").into(),
            state: Mutex::default(),
        }
    }

    /// Of a closed client.
    fn closed(name: &str) -> Self {
        let inner = Self::new(name);
        inner.close();
        inner
    }

    /// Enters the crowd; `None` if the event is set.
    fn enter(self: &Arc<Self>) -> Result<Option<Entry<Self>>, WaitError> {
        let state = &mut *self.state.lock();
        match (state.set, state.crowd.is_closed()) {
            (true, _) => Ok(None),
            (_, true) => Err(WaitError::Closed),
            _ => Ok(Some(state.crowd.enter(self))),
        }
    }
}

impl Event {
    /// Sets it: everybody who waits goes on, and later waits do not wait.
    pub fn set(&self) {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(far) => return far.signal(true),
        };
        let calls = {
            let state = &mut *inner.state.lock();
            state.set = true;
            state.crowd.tell(&Ok(()))
        };
        ring(calls);
    }

    /// Clears it: later waits wait until it is set again.
    pub fn clear(&self) {
        match &self.inner {
            At::Here(inner) => inner.state.lock().set = false,
            At::Afar(far) => far.signal(false),
        }
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        match &self.inner {
            At::Here(inner) => inner.state.lock().set,
            At::Afar(Far(thing)) => {
                let event = thing.number;
                thing.look(Ask::IsSet { event }) == Some(Told::Flag(true))
            }
        }
    }

    /// Waits until it is set.
    ///
    /// # Errors
    /// `Closed`, or the wait was refused.
    pub fn wait(&self) -> Result<(), WaitError> {
        self.wait_until(None)
    }

    /// As [`wait`](Self::wait), for at most so long.
    ///
    /// # Errors
    /// As `wait`, and `TimedOut`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), WaitError> {
        self.wait_until(Some(deadline(timeout)))
    }

    /// Waits in async code until it is set. Dropping the future ends the wait.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn wait_async(&self) -> Result<(), WaitError> {
        match &self.inner {
            At::Here(inner) => match inner.enter()? {
                None => Ok(()),
                Some(entry) => entry.turn.come(&self.engine).await,
            },
            At::Afar(far) => {
                let asked = far.0.link.come(far.ask(), None);
                asked.await.and_then(Answer::done)
            }
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match &self.inner {
            At::Here(inner) => &inner.name,
            At::Afar(Far(thing)) => &thing.name,
        }
    }

    /// Deletes the event: waits for it end with `Closed`, and the name is free for another.
    pub fn delete(&self) {
        match &self.inner {
            At::Here(inner) => {
                let coordination = &self.engine.coordination;
                coordination.delete(Kind::Event, &inner.name, inner);
            }
            At::Afar(Far(thing)) => thing.delete(),
        }
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Result<(), WaitError> {
        match &self.inner {
            At::Here(inner) => match inner.enter()? {
                None => Ok(()),
                Some(entry) => entry.wait(&self.engine, &inner.what, deadline),
            },
            At::Afar(far) => far.0.wait(deadline, far.ask(), None)?.done(),
        }
    }
}

impl Far {
    fn open(link: Link, name: &str) -> Self {
        let names = Names::new("event", name);
        let ask = Ask::Event {
            name: name.to_owned(),
        };
        let opened = FarThing::open(link.clone(), &names, ask);
        Self(opened.unwrap_or_else(|_| FarThing::closed(link, &names)))
    }

    fn ask(&self) -> Ask {
        let event = self.0.number;
        Ask::Await { event }
    }

    fn signal(&self, set: bool) {
        let event = self.0.number;
        self.0.look(Ask::Signal { event, set });
    }
}

impl Crowded for Inner {
    fn leave(&self, turn: &Arc<Turn>) {
        self.state.lock().crowd.leave(turn);
    }
}

impl Shared for Inner {
    fn close(&self) {
        let calls = self.state.lock().crowd.close();
        ring(calls);
    }

    fn holds(&self) -> &'static str {
        "event"
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name())
            .field("set", &self.is_set())
            .finish()
    }
}
