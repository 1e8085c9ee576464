//! Where several wait until all of them are there.

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
use crate::error::{NameError, WaitError};
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::turn::{Turn, ring};

impl<P> Client<P> {
    /// The barrier of this name for so many parties, made at the first call.
    ///
    /// It lives until it is deleted or the client closes.
    ///
    /// # Errors
    /// `Zero` for no parties; `OtherNumber` if one of this name has another number of them; `Closed`.
    pub fn barrier(&self, name: &str, parties: usize) -> Result<Barrier, NameError> {
        let engine = self.engine();
        if let Some(link) = Link::of(engine) {
            let inner = At::Afar(Far::open(link, name, parties)?);
            let engine = Arc::clone(engine);
            return Ok(Barrier { engine, inner });
        }
        let inner = engine.coordination.find_counted(
            Kind::Barrier,
            name,
            "barrier",
            ("parties", parties),
            |inner: &Inner| inner.parties,
            || Inner::new(name, parties),
        )?;
        Ok(Barrier {
            engine: Arc::clone(engine),
            inner: At::Here(inner),
        })
    }
}

/// A barrier that every client and task can have by its name: each party waits until all are there, again and again;
/// see [`Client::barrier`].
///
/// Cloning makes another handle of the same barrier; dropping handles changes nothing, the client owns it.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let together = client.barrier("step", 3)?;
/// let steps = client.map(0..3, move |_| together.wait().map(|here| here.is_leader()));
/// let leaders = tenter::gather(&steps)?.into_iter().filter(|led| **led == Ok(true));
/// assert_eq!(leaders.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Barrier {
    engine: Arc<Engine>,
    inner: At<Arc<Inner>, Far>,
}

/// One that somebody elsewhere has.
#[derive(Clone)]
struct Far {
    thing: FarThing,
    parties: usize,
}

/// What [`Barrier::wait`] gives to each party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    leader: bool,
    generation: u64,
}

impl BarrierWaitResult {
    /// Whether this party came last: one of each generation did.
    pub fn is_leader(&self) -> bool {
        self.leader
    }

    /// How often all parties had been there before: 0 at the first time.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

struct Inner {
    name: Box<str>,
    what: Arc<str>,
    parties: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    generation: u64,
    /// The parties that are there, fewer than all: the last one lets them go and does not wait.
    crowd: Crowd,
}

impl Inner {
    fn new(name: &str, parties: usize) -> Self {
        Self {
            name: name.into(),
            what: format!("barrier `{name}`").into(),
            parties,
            state: Mutex::default(),
        }
    }

    /// Arrives; without an entry this was the last party.
    fn arrive(self: &Arc<Self>) -> Result<(Option<Entry<Self>>, BarrierWaitResult), WaitError> {
        let mut state = self.state.lock();
        if state.crowd.is_closed() {
            return Err(WaitError::Closed);
        }
        let leader = state.crowd.len() + 1 == self.parties;
        let here = BarrierWaitResult {
            leader,
            generation: state.generation,
        };
        if !leader {
            return Ok((Some(state.crowd.enter(self)), here));
        }
        state.generation += 1;
        let calls = state.crowd.tell(&Ok(()));
        drop(state);
        ring(calls);
        Ok((None, here))
    }
}

impl Barrier {
    /// Waits until all parties are there. Who comes earlier than all have left belongs to the next generation.
    ///
    /// # Errors
    /// `Closed`, or the wait was refused.
    pub fn wait(&self) -> Result<BarrierWaitResult, WaitError> {
        self.wait_until(None)
    }

    /// As [`wait`](Self::wait), for at most so long. A party whose time is over counts as never having been there.
    ///
    /// # Errors
    /// As `wait`, and `TimedOut`.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult, WaitError> {
        self.wait_until(Some(deadline(timeout)))
    }

    /// Waits in async code until all parties are there. Dropping the future leaves the barrier.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn wait_async(&self) -> Result<BarrierWaitResult, WaitError> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(far) => return met(far.thing.link.come(far.ask(), None).await?),
        };
        let (entry, here) = inner.arrive()?;
        if let Some(entry) = entry {
            entry.turn.come(&self.engine).await?;
        }
        Ok(here)
    }

    /// How many parties must be there.
    pub fn parties(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.parties,
            At::Afar(far) => far.parties,
        }
    }

    /// How many parties are there and wait.
    pub fn waiting(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.state.lock().crowd.len(),
            At::Afar(Far { thing, .. }) => thing.count(Ask::Waiting {
                barrier: thing.number,
            }),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match &self.inner {
            At::Here(inner) => &inner.name,
            At::Afar(far) => &far.thing.name,
        }
    }

    /// Deletes the barrier: waits at it end with `Closed`, and the name is free for another.
    pub fn delete(&self) {
        match &self.inner {
            At::Here(inner) => {
                let coordination = &self.engine.coordination;
                coordination.delete(Kind::Barrier, &inner.name, inner);
            }
            At::Afar(far) => far.thing.delete(),
        }
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Result<BarrierWaitResult, WaitError> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(far) => return met(far.thing.wait(deadline, far.ask(), None)?),
        };
        let (entry, here) = inner.arrive()?;
        if let Some(entry) = entry {
            entry.wait(&self.engine, &inner.what, deadline)?;
        }
        Ok(here)
    }
}

impl Far {
    fn open(link: Link, name: &str, parties: usize) -> Result<Self, NameError> {
        let names = Names {
            number: ("parties", parties),
            ..Names::new("barrier", name)
        };
        names.check_number()?;
        let ask = Ask::Barrier {
            name: name.to_owned(),
            parties: parties as u64,
        };
        let thing = FarThing::open(link, &names, ask)?;
        Ok(Self { thing, parties })
    }

    fn ask(&self) -> Ask {
        let barrier = self.thing.number;
        Ask::Arrive { barrier }
    }
}

fn met(answer: Answer) -> Result<BarrierWaitResult, WaitError> {
    match answer.told {
        Told::Met { leader, generation } => Ok(BarrierWaitResult { leader, generation }),
        other => Err(other.into_error()),
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
        "barrier"
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("name", &self.name())
            .field("parties", &self.parties())
            .field("waiting", &self.waiting())
            .finish()
    }
}
