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
            inner,
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
    inner: Arc<Inner>,
}

/// Holds permits of a [`Semaphore`]; dropping it gives them back.
#[must_use = "the permits are given back when this is dropped"]
pub struct SemaphoreGuard {
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
    fn ask(self: &Arc<Self>, permits: usize) -> Result<SemaphoreGuard, WaitError> {
        if permits > self.permits {
            return Err(WaitError::Exceeds {
                what: format!("permits of {}", self.what),
                asked: permits,
                most: self.permits,
            });
        }
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
        Ok(SemaphoreGuard {
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
        let asked = self.inner.ask(permits)?;
        let told = asked.pass.turn.told();
        told.unwrap_or(Err(WaitError::TimedOut)).map(|()| asked)
    }

    /// Takes so many permits in async code. Dropping the future leaves the line.
    ///
    /// # Errors
    /// `Exceeds`, or `Closed`.
    pub async fn acquire_async(&self, permits: usize) -> Result<SemaphoreGuard, WaitError> {
        let asked = self.inner.ask(permits)?;
        asked.pass.turn.come(&self.engine).await.map(|()| asked)
    }

    /// Gives back permits of guards that were [forgotten](SemaphoreGuard::forget), perhaps by others.
    ///
    /// # Errors
    /// When fewer are missing: then none are given back.
    pub fn release(&self, permits: usize) -> Result<(), ReleaseError> {
        let mut state = self.inner.state.lock();
        if permits > state.forgotten {
            return Err(ReleaseError {
                name: self.inner.name.clone(),
                released: permits,
                most: state.forgotten,
            });
        }
        state.forgotten -= permits;
        state.free += permits;
        let calls = state.serve();
        drop(state);
        ring(calls);
        Ok(())
    }

    /// Permits that nobody has just now.
    pub fn available(&self) -> usize {
        self.inner.state.lock().free
    }

    /// All permits.
    pub fn permits(&self) -> usize {
        self.inner.permits
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Deletes the semaphore: waits for it end with `Closed`, and the name is free for another.
    pub fn delete(&self) {
        let Self { engine, inner } = self;
        engine
            .coordination
            .delete(Kind::Semaphore, &inner.name, inner);
    }

    fn acquire_until(
        &self,
        permits: usize,
        deadline: Option<Instant>,
    ) -> Result<SemaphoreGuard, WaitError> {
        let asked = self.inner.ask(permits)?;
        let on = |_: &_| On::Event(Arc::clone(&self.inner.what));
        let waited = asked.pass.turn.wait(&self.engine, on, deadline);
        waited.map(|()| asked)
    }
}

impl SemaphoreGuard {
    /// How many permits it holds.
    pub fn permits(&self) -> usize {
        self.pass.permits
    }

    /// Keeps the permits away until somebody [releases](Semaphore::release) as many, in whatever task that is.
    pub fn forget(mut self) {
        self.forgotten = true;
    }
}

impl Drop for SemaphoreGuard {
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
        f.debug_struct("SemaphoreGuard")
            .field("name", &self.inner.name)
            .field("permits", &self.permits())
            .finish()
    }
}
