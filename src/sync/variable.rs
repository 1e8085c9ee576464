//! A value shared by name.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::afar::{At, FarVariable};
use super::line::Line;
use super::watched::{Lines, Turn, Watched};
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::run::guarded;
use crate::pool::waiters::Wake;

/// A value that every client and task can have by its name: unset at first, then whatever was set last.
///
/// A value that is a handle keeps its task wanted. Cloning makes another handle of the same variable; dropping handles
/// changes nothing, the client owns the variable. On a cluster it is one for all clients and tasks.
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
    inner: Inside<T>,
}

type Inside<T> = At<Arc<Inner<T>>, FarVariable<T>>;

/// A variable under its lock.
pub(super) type Inner<T> = Watched<State<T>>;

/// A variable without a name in any table yet.
pub(super) fn new<T>(name: &str) -> Inner<T> {
    let state = State {
        value: None,
        version: 0,
        closed: false,
        news: false,
        readers: Line::default(),
    };
    Inner::new("variable", name, state)
}

#[derive(Debug)]
pub(super) struct State<T> {
    /// Behind an `Arc`, so that it is cloned and dropped outside of the lock.
    value: Option<Arc<T>>,
    version: u64,
    closed: bool,
    /// There is something to tell the readers.
    news: bool,
    readers: Line,
}

impl<T> State<T> {
    /// The value and its version, if it is set.
    fn now(&self) -> Option<(Arc<T>, u64)> {
        Some((Arc::clone(self.value.as_ref()?), self.version))
    }

    /// `None`: it was not set since that version.
    fn since(&self, version: u64) -> Option<Result<(Arc<T>, u64), WaitError>> {
        let newer = self.now().filter(|(_, now)| *now > version);
        newer
            .map(Ok)
            .or_else(|| self.closed.then_some(Err(WaitError::Closed)))
    }
}

impl<T> Lines for State<T> {
    /// The version that the reader knows.
    type Aim = u64;

    fn line(&mut self, _: u64) -> &mut Line {
        &mut self.readers
    }

    fn may(&self, version: u64) -> bool {
        self.closed || (self.value.is_some() && self.version > version)
    }

    fn ring(&mut self, told: &mut Vec<Wake>) {
        if std::mem::take(&mut self.news) {
            told.extend(self.readers.all());
        }
    }
}

impl<T: Send + Sync + 'static> Shared for Inner<T> {
    fn close(&self) {
        let value = self.change(|state| {
            (state.closed, state.news) = (true, true);
            state.value.take()
        });
        let _ = guarded(|| drop(value));
    }

    fn holds(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<T: Clone + Send + Sync + 'static> Variable<T> {
    pub(super) fn of(engine: &Arc<Engine>, inner: Inside<T>) -> Self {
        Self {
            engine: Arc::clone(engine),
            inner,
        }
    }

    /// Sets the value and raises the version by one; the first is 1.
    ///
    /// # Errors
    /// `Closed` when the variable was deleted or the client closed.
    pub fn set(&self, value: T) -> Result<(), WaitError> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(variable) => return variable.set(&value),
        };
        let mut value = Some(Arc::new(value));
        inner.change(|state| {
            if state.closed {
                return Err(WaitError::Closed);
            }
            state.version += 1;
            state.news = true;
            // Swapped, so that the old value is dropped outside of the lock, and a refused one too.
            std::mem::swap(&mut state.value, &mut value);
            Ok(())
        })
    }

    /// The value; waits until it is set.
    ///
    /// # Errors
    /// `Closed`, or the wait was refused.
    pub fn get(&self) -> Result<T, WaitError> {
        self.changed(0).map(|(value, _)| value)
    }

    /// As [`get`](Self::get), for at most so long.
    ///
    /// # Errors
    /// As `get`, and `TimedOut`.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, WaitError> {
        self.changed_timeout(0, timeout).map(|(value, _)| value)
    }

    /// The value, if it is set.
    pub fn try_get(&self) -> Option<T> {
        self.versioned().map(|(value, _)| value)
    }

    /// As [`get`](Self::get), in async code.
    ///
    /// # Errors
    /// `Closed`.
    pub fn get_async(&self) -> impl Future<Output = Result<T, WaitError>> + use<T> {
        let changed = self.changed_async(0);
        async { changed.await.map(|(value, _)| value) }
    }

    /// The value and its version, read together.
    pub fn versioned(&self) -> Option<(T, u64)> {
        match &self.inner {
            At::Here(inner) => {
                let (value, version) = inner.read(State::now)?;
                Some((T::clone(&value), version))
            }
            At::Afar(variable) => variable.changed(0, false, None).ok(),
        }
    }

    /// How often the value has been set.
    pub fn version(&self) -> u64 {
        match &self.inner {
            At::Here(inner) => inner.read(|state| state.version),
            At::Afar(variable) => variable.version(),
        }
    }

    /// The value and its version, once that is past `version`; waits until then. With the version it gave last, it
    /// gives each new value that is still the newest when it looks: none is missed for good, a slow reader skips some.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let sigma = client.variable::<f64>("mask_sigma")?;
    /// sigma.set(8.0)?;
    /// let (value, version) = sigma.changed(0)?;
    /// assert_eq!((value, version), (8.0, 1));
    /// let next = client.try_submit({
    ///     let sigma = sigma.clone();
    ///     move || sigma.changed(version)
    /// });
    /// sigma.set(9.0)?;
    /// assert_eq!(*next.result()?, (9.0, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `Closed` when the variable was deleted or the client closed, or the wait was refused.
    pub fn changed(&self, version: u64) -> Result<(T, u64), WaitError> {
        self.changed_until(version, None)
    }

    /// As [`changed`](Self::changed), for at most so long.
    ///
    /// # Errors
    /// As `changed`, and `TimedOut`.
    pub fn changed_timeout(&self, version: u64, timeout: Duration) -> Result<(T, u64), WaitError> {
        self.changed_until(version, Some(deadline(timeout)))
    }

    /// As [`changed`](Self::changed), in async code.
    ///
    /// # Errors
    /// `Closed`.
    pub fn changed_async(
        &self,
        version: u64,
    ) -> impl Future<Output = Result<(T, u64), WaitError>> + use<T> {
        let turn = match &self.inner {
            At::Here(inner) => At::Here(Turn::new(inner, &self.engine, version)),
            At::Afar(variable) => At::Afar(variable.clone()),
        };
        async move {
            let mut turn = match turn {
                At::Here(turn) => turn,
                At::Afar(variable) => return variable.changed_async(version).await,
            };
            let changed = poll_fn(|context| turn.poll(context, |state| state.since(version)));
            let (value, version) = changed.await?;
            Ok((T::clone(&value), version))
        }
    }

    /// Deletes the variable: waits on it end with `Closed`, and the name is free for another.
    pub fn delete(&self) {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(variable) => return variable.thing.delete(),
        };
        let shared: Arc<dyn Shared> = Arc::clone(inner) as _;
        self.engine.named.forget_variable(&inner.name, &shared);
        shared.close();
    }

    fn changed_until(
        &self,
        version: u64,
        deadline: Option<Instant>,
    ) -> Result<(T, u64), WaitError> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(variable) => return variable.changed(version, true, deadline),
        };
        let attempt = |state: &mut State<T>| state.since(version);
        let changed = inner.until(&self.engine, version, deadline, attempt);
        let (value, version) = changed.flatten()?;
        Ok((T::clone(&value), version))
    }
}

impl<T> Clone for Variable<T> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            inner: self.inner.clone(),
        }
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Variable");
        match &self.inner {
            At::Here(inner) => {
                let (version, closed) = inner.read(|state| (state.version, state.closed));
                shown.field("name", &inner.name);
                shown.field("version", &version).field("closed", &closed);
            }
            At::Afar(variable) => {
                shown.field("name", &variable.thing.name);
            }
        }
        shown.finish_non_exhaustive()
    }
}
