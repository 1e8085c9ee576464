//! Permits by name.
//!
//! `free` permits, those of living guards and those whose guards were forgotten are `permits` together, always. The
//! first in line is served before all others, however many permits it wants, so nobody starves.

use std::any::Any;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Shared;
use super::afar::{Answer, Ask, At, FarThing, Grip, Link, Names, Told};
use super::coordination::Kind;
use crate::Client;
use crate::error::{NameError, WaitError};
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::turn::{Calls, Turn, ring};
use crate::pool::waits::On;

impl<P> Client<P> {
    /// The semaphore of this name with so many permits, made at the first call.
    ///
    /// It lives until it is deleted or the client closes.
    ///
    /// # Errors
    /// `Zero` for no permits; `OtherNumber` if one of this name has another number of them; `Closed`.
    pub fn semaphore(&self, name: &str, permits: usize) -> Result<Semaphore, NameError> {
        let engine = self.engine();
        if let Some(link) = Link::of(engine) {
            let inner = At::Afar(Far::open(link, name, permits)?);
            let engine = Arc::clone(engine);
            return Ok(Semaphore { engine, inner });
        }
        let inner = engine.coordination.find_counted(
            Kind::Semaphore,
            name,
            "semaphore",
            ("permits", permits),
            |inner: &Inner| inner.permits,
            || Inner::new(name, permits),
        )?;
        Ok(Semaphore {
            engine: Arc::clone(engine),
            inner: At::Here(inner),
        })
    }
}

/// Permits that every client and task can have by name, for what may be done by a few at once; see
/// [`Client::semaphore`].
///
/// Whoever asks first is served first, also if it wants more than are free just now. Guards give their permits back
/// when they are dropped, also by a panic. When the client closes, waits end with `Closed` and guards go on. Waits for
/// permits are not part of the search for deadlocks, since any guard may be the one that goes. Cloning makes another
/// handle of the same semaphore; dropping handles changes nothing, the client owns it.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let database = client.semaphore("database", 2)?;
/// let rows = client.map(0..10, move |k| {
///     let _permit = database.acquire(1).expect("not closed");
///     k * k // At most two at once.
/// });
/// assert_eq!(tenter::gather(&rows)?.into_iter().sum::<i32>(), 285);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    engine: Arc<Engine>,
    inner: At<Arc<Inner>, Far>,
}

/// One that somebody elsewhere has.
#[derive(Clone)]
struct Far {
    thing: FarThing,
    permits: usize,
}

/// Holds permits of a [`Semaphore`]; dropping it gives them back.
#[must_use = "the permits are given back when this is dropped"]
pub struct SemaphoreGuard {
    permits: usize,
    held: At<Held, (Arc<str>, Grip)>,
}

/// Permits of a semaphore of this process, or a place in its line.
struct Held {
    inner: Arc<Inner>,
    pass: Arc<Pass>,
    forgotten: bool,
}

/// More permits were released than guards were [forgotten](SemaphoreGuard::forget) with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseError {
    name: Box<str>,
    released: usize,
    most: usize,
}

struct Inner {
    name: Box<str>,
    what: Arc<str>,
    permits: usize,
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// Permits whose guards were forgotten.
    forgotten: usize,
    closed: bool,
    line: VecDeque<Arc<Pass>>,
}

/// Who wants so many permits, or has them.
struct Pass {
    permits: usize,
    turn: Arc<Turn>,
}

impl State {
    /// Serves the first in line as long as there are permits enough.
    fn serve(&mut self) -> Calls {
        let mut calls = Calls::new();
        while let Some(pass) = self.line.front().filter(|pass| pass.permits <= self.free) {
            self.free -= pass.permits;
            calls.extend(pass.turn.tell(Ok(())));
            self.line.pop_front();
        }
        calls
    }
}

impl Inner {
    fn new(name: &str, permits: usize) -> Self {
        Self {
            name: name.into(),
            what: format!("semaphore `{name}`").into(),
            permits,
            state: Mutex::new(State {
                free: permits,
                forgotten: 0,
                closed: false,
                line: VecDeque::new(),
            }),
        }
    }

    /// Stands in line, or has the permits already.
    fn ask(self: &Arc<Self>, permits: usize) -> Result<Held, WaitError> {
        let pass = Arc::new(Pass {
            permits,
            turn: Arc::default(),
        });
        let state = &mut *self.state.lock();
        if state.closed {
            return Err(WaitError::Closed);
        }
        state.line.push_back(Arc::clone(&pass));
        // Only this one can be served now, and nobody has armed its turn yet.
        state.serve();
        Ok(Held {
            inner: Arc::clone(self),
            pass,
            forgotten: false,
        })
    }
}

impl Semaphore {
    /// Takes so many permits; waits until they are free.
    ///
    /// # Errors
    /// `Exceeds` when there are never so many; `Closed`; or the wait was refused.
    pub fn acquire(&self, permits: usize) -> Result<SemaphoreGuard, WaitError> {
        self.acquire_until(permits, None)
    }

    /// As [`acquire`](Self::acquire), for at most so long.
    ///
    /// # Errors
    /// As `acquire`, and `TimedOut`.
    pub fn acquire_timeout(
        &self,
        permits: usize,
        timeout: Duration,
    ) -> Result<SemaphoreGuard, WaitError> {
        self.acquire_until(permits, Some(deadline(timeout)))
    }

    /// Takes so many permits if they are free and nobody waits.
    ///
    /// # Errors
    /// `TimedOut` when they are not free; `Exceeds`; `Closed`.
    pub fn try_acquire(&self, permits: usize) -> Result<SemaphoreGuard, WaitError> {
        self.check(permits)?;
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(far) => return far.acquire(permits, false, None),
        };
        let held = inner.ask(permits)?;
        let told = held.pass.turn.told();
        told.unwrap_or(Err(WaitError::TimedOut))
            .map(|()| held.into_guard())
    }

    /// Takes so many permits in async code. Dropping the future leaves the line.
    ///
    /// # Errors
    /// `Exceeds`, or `Closed`.
    pub async fn acquire_async(&self, permits: usize) -> Result<SemaphoreGuard, WaitError> {
        self.check(permits)?;
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(far) => return far.acquire_async(permits).await,
        };
        let held = inner.ask(permits)?;
        held.pass.turn.come(&self.engine).await?;
        Ok(held.into_guard())
    }

    /// Gives back permits of guards that were [forgotten](SemaphoreGuard::forget), perhaps by others.
    ///
    /// # Errors
    /// When fewer are missing: then none are given back.
    pub fn release(&self, permits: usize) -> Result<(), ReleaseError> {
        let released = match &self.inner {
            At::Here(inner) => inner.release(permits),
            At::Afar(far) => far.release(permits),
        };
        released.map_err(|most| ReleaseError {
            name: self.name().into(),
            released: permits,
            most,
        })
    }

    /// Permits that nobody has just now.
    pub fn available(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.state.lock().free,
            At::Afar(far) => far.thing.count(Ask::Available {
                semaphore: far.thing.number,
            }),
        }
    }

    /// All permits.
    pub fn permits(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.permits,
            At::Afar(far) => far.permits,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match &self.inner {
            At::Here(inner) => &inner.name,
            At::Afar(far) => &far.thing.name,
        }
    }

    /// Deletes the semaphore: waits for it end with `Closed`, and the name is free for another.
    pub fn delete(&self) {
        match &self.inner {
            At::Here(inner) => {
                let coordination = &self.engine.coordination;
                coordination.delete(Kind::Semaphore, &inner.name, inner);
            }
            At::Afar(far) => far.thing.delete(),
        }
    }

    /// There are never more than all.
    fn check(&self, permits: usize) -> Result<(), WaitError> {
        if permits <= self.permits() {
            return Ok(());
        }
        Err(WaitError::Exceeds {
            what: format!("permits of semaphore `{}`", self.name()),
            asked: permits,
            most: self.permits(),
        })
    }

    fn acquire_until(
        &self,
        permits: usize,
        deadline: Option<Instant>,
    ) -> Result<SemaphoreGuard, WaitError> {
        self.check(permits)?;
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(far) => return far.acquire(permits, true, deadline),
        };
        let held = inner.ask(permits)?;
        let on = |_: &_| On::Event(Arc::clone(&inner.what));
        let waited = held.pass.turn.wait(&self.engine, on, deadline);
        waited.map(|()| held.into_guard())
    }
}

impl Far {
    fn open(link: Link, name: &str, permits: usize) -> Result<Self, NameError> {
        let names = Names {
            number: ("permits", permits),
            ..Names::new("semaphore", name)
        };
        names.check_number()?;
        let ask = Ask::Semaphore {
            name: name.to_owned(),
            permits: permits as u64,
        };
        let thing = FarThing::open(link, &names, ask)?;
        Ok(Self { thing, permits })
    }

    fn ask(&self, permits: usize, waits: bool) -> Ask {
        Ask::Acquire {
            semaphore: self.thing.number,
            permits: permits as u64,
            waits,
        }
    }

    fn acquire(
        &self,
        permits: usize,
        waits: bool,
        deadline: Option<Instant>,
    ) -> Result<SemaphoreGuard, WaitError> {
        self.guard(
            permits,
            self.thing.wait(deadline, self.ask(permits, waits), None)?,
        )
    }

    async fn acquire_async(&self, permits: usize) -> Result<SemaphoreGuard, WaitError> {
        let asked = self.thing.link.come(self.ask(permits, true), None);
        self.guard(permits, asked.await?)
    }

    fn guard(&self, permits: usize, answer: Answer) -> Result<SemaphoreGuard, WaitError> {
        match answer {
            Answer {
                told: Told::Acquired,
                grip: Some(grip),
                ..
            } => Ok(SemaphoreGuard {
                permits,
                held: At::Afar((Arc::clone(&self.thing.name), grip)),
            }),
            Answer { told, .. } => Err(told.into_error()),
        }
    }

    /// Gives permits back, or says how many are missing.
    fn release(&self, permits: usize) -> Result<(), usize> {
        let ask = Ask::Release {
            semaphore: self.thing.number,
            permits: permits as u64,
        };
        match self.thing.look(ask) {
            Some(Told::Done) => Ok(()),
            Some(Told::NotMissing { most }) => Err(usize::try_from(most).unwrap_or(usize::MAX)),
            _ => Err(0),
        }
    }
}

impl Inner {
    /// Gives permits back, or says how many are missing.
    fn release(&self, permits: usize) -> Result<(), usize> {
        let mut state = self.state.lock();
        if permits > state.forgotten {
            return Err(state.forgotten);
        }
        state.forgotten -= permits;
        state.free += permits;
        let calls = state.serve();
        drop(state);
        ring(calls);
        Ok(())
    }
}

impl SemaphoreGuard {
    /// How many permits it holds.
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Keeps the permits away until somebody [releases](Semaphore::release) as many, in whatever task that is.
    pub fn forget(self) {
        match self.held {
            At::Here(mut held) => held.forgotten = true,
            At::Afar((_, grip)) => grip.forget(),
        }
    }
}

impl Held {
    /// Of permits that were given.
    fn into_guard(self) -> SemaphoreGuard {
        SemaphoreGuard {
            permits: self.pass.permits,
            held: At::Here(self),
        }
    }
}

impl Drop for Held {
    /// Leaves the line, or gives the permits back.
    fn drop(&mut self) {
        let Self { inner, pass, .. } = self;
        let mut state = inner.state.lock();
        match pass.turn.told() {
            Some(Ok(())) if self.forgotten => state.forgotten += pass.permits,
            Some(Ok(())) => state.free += pass.permits,
            Some(Err(_)) => {}
            None => state.line.retain(|other| !Arc::ptr_eq(other, pass)),
        }
        let calls = state.serve();
        drop(state);
        ring(calls);
    }
}

impl Shared for Inner {
    fn close(&self) {
        let calls: Calls = {
            let state = &mut *self.state.lock();
            state.closed = true;
            let line = state.line.drain(..);
            line.filter_map(|pass| pass.turn.tell(Err(WaitError::Closed)))
                .collect()
        };
        ring(calls);
    }

    fn holds(&self) -> &'static str {
        "semaphore"
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

#[cfg(feature = "task")]
impl ReleaseError {
    /// How many are missing.
    pub(super) fn most(&self) -> usize {
        self.most
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            released,
            most,
        } = self;
        write!(
            f,
            "{released} permits of semaphore `{name}` were released, but only {most} are missing: \
             guards give theirs back themselves, release only what a guard was forgotten with"
        )
    }
}

impl Error for ReleaseError {}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("name", &self.name())
            .field("permits", &self.permits())
            .field("available", &self.available())
            .finish()
    }
}

impl fmt::Debug for SemaphoreGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.held {
            At::Here(held) => &*held.inner.name,
            At::Afar((name, _)) => &**name,
        };
        f.debug_struct("SemaphoreGuard")
            .field("name", &name)
            .field("permits", &self.permits())
            .finish()
    }
}
