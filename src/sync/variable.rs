//! A value shared by name.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Shared;
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::local;
use crate::pool::parker::Parker;
use crate::pool::waits::On;

/// A value that every client and task can have by its name: unset at first, then whatever was set last.
///
/// A value that is a handle keeps its task wanted. Cloning makes another handle of the same variable; dropping handles
/// changes nothing, the client owns the variable.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let sigma = client.variable::<f64>("mask_sigma")?;
/// sigma.set(8.0)?;
/// assert_eq!(sigma.versioned(), Some((8.0, 1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Variable<T> {
    engine: Arc<Engine>,
    inner: Arc<Inner<T>>,
}

/// The variable itself.
pub(super) struct Inner<T> {
    name: Box<str>,
    what: Arc<str>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Behind an `Arc`, so that it is cloned and dropped outside of the lock.
    value: Option<Arc<T>>,
    version: u64,
    closed: bool,
    waiting: Vec<Arc<Parker>>,
}

impl<T> Inner<T> {
    pub(super) fn new(name: &str) -> Self {
        let state = State {
            value: None,
            version: 0,
            closed: false,
            waiting: Vec::new(),
        };
        Self {
            name: name.into(),
            what: format!("variable `{name}`").into(),
            state: Mutex::new(state),
        }
    }
}

impl<T: Send + Sync + 'static> Shared for Inner<T> {
    fn close(&self) {
        let (value, waiting) = {
            let state = &mut *self.state.lock();
            state.closed = true;
            (state.value.take(), std::mem::take(&mut state.waiting))
        };
        waiting.iter().for_each(Parker::unpark);
        let _ = crate::pool::run::guarded(|| drop(value));
    }

    fn holds(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<T: Clone + Send + Sync + 'static> Variable<T> {
    pub(super) fn new(engine: Arc<Engine>, inner: Arc<Inner<T>>) -> Self {
        Self { engine, inner }
    }

    /// Sets the value and raises the version by one; the first is 1.
    ///
    /// # Errors
    /// `Closed` when the variable was deleted or the client closed.
    pub fn set(&self, value: T) -> Result<(), WaitError> {
        let value = Arc::new(value);
        let (_old, waiting) = {
            let state = &mut *self.inner.state.lock();
            if state.closed {
                return Err(WaitError::Closed);
            }
            state.version += 1;
            (
                state.value.replace(value),
                std::mem::take(&mut state.waiting),
            )
        };
        waiting.iter().for_each(Parker::unpark);
        Ok(())
    }

    /// The value; waits until it is set.
    ///
    /// # Errors
    /// `Closed`, or the wait was refused.
    pub fn get(&self) -> Result<T, WaitError> {
        self.get_until(None)
    }

    /// As [`get`](Self::get), for at most so long.
    ///
    /// # Errors
    /// As `get`, and `TimedOut`.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, WaitError> {
        self.get_until(Some(deadline(timeout)))
    }

    /// The value, if it is set.
    pub fn try_get(&self) -> Option<T> {
        self.versioned().map(|(value, _)| value)
    }

    /// The value and its version, read together.
    pub fn versioned(&self) -> Option<(T, u64)> {
        let (value, version) = {
            let state = self.inner.state.lock();
            (state.value.clone()?, state.version)
        };
        Some((T::clone(&value), version))
    }

    /// How often the value has been set.
    pub fn version(&self) -> u64 {
        self.inner.state.lock().version
    }

    /// Deletes the variable: waits on it end with `Closed`, and the name is free for another.
    pub fn delete(&self) {
        let shared: Arc<dyn Shared> = Arc::clone(&self.inner) as _;
        self.engine.named.forget_variable(&self.inner.name, &shared);
        self.inner.close();
    }

    fn get_until(&self, deadline: Option<Instant>) -> Result<T, WaitError> {
        let inner = &*self.inner;
        loop {
            if let Some(value) = self.try_get() {
                return Ok(value);
            }
            if inner.state.lock().closed {
                return Err(WaitError::Closed);
            }
            local::waiting(&self.engine, |local| {
                // Before this thread enters the list: what a destructor waits for must not take its entry out.
                local.settle_all();
                local.parker.reset();
                inner.state.lock().waiting.push(Arc::clone(&local.parker));
                let done = || {
                    let state = inner.state.lock();
                    state.value.is_some() || state.closed
                };
                let waited = local.block(On::Event(Arc::clone(&inner.what)), deadline, done);
                inner
                    .state
                    .lock()
                    .waiting
                    .retain(|other| !Arc::ptr_eq(other, &local.parker));
                waited
            })?;
        }
    }
}

impl<T> Clone for Variable<T> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state.lock();
        f.debug_struct("Variable")
            .field("name", &self.inner.name)
            .field("version", &state.version)
            .field("closed", &state.closed)
            .finish_non_exhaustive()
    }
}
