//! A queue shared by name.
//!
//! One lock guards items and waiters. Whoever changes the queue, or leaves it without having got what it was woken
//! for, rings: if there is an item, the first waiting getter is told; if there is room, the first waiting putter. A
//! wake-up is thus never lost with a waiter that timed out.

use std::any::Any;
use std::collections::VecDeque;
use std::error::Error;
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

/// A queue that every client and task can have by its name: first in, first out.
///
/// Bounded, `put` waits for room; `get` waits for an item. Both may be used in tasks, whose place then goes to another
/// thread, and on any other thread. An item that is a handle keeps its task wanted. Cloning makes another handle of
/// the same queue; dropping handles changes nothing, the client owns the queue.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let frames = client.queue::<u32>("frames", 64)?;
/// frames.put(17)?;
/// frames.close();
/// assert_eq!(frames.get()?, 17);
/// assert_eq!(frames.get(), Err(tenter::WaitError::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue<T> {
    engine: Arc<Engine>,
    inner: Arc<Inner<T>>,
}

/// Why an item was not put; it comes back.
pub struct PutError<T> {
    item: T,
    error: WaitError,
}

impl<T> PutError<T> {
    /// The item.
    pub fn into_item(self) -> T {
        self.item
    }

    /// Why it was not put: `TimedOut` also stands for no room in [`Queue::try_put`].
    pub fn error(&self) -> &WaitError {
        &self.error
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the item was not put: {}", self.error)
    }
}

impl<T> Error for PutError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Drops the item and keeps the reason, for use with `?`.
impl<T> From<PutError<T>> for WaitError {
    fn from(refused: PutError<T>) -> Self {
        refused.error
    }
}

/// The queue itself.
pub(super) struct Inner<T> {
    name: Box<str>,
    what: Arc<str>,
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    getters: VecDeque<Arc<Parker>>,
    putters: VecDeque<Arc<Parker>>,
}

impl<T> Inner<T> {
    pub(super) fn new(name: &str, capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            closed: false,
            getters: VecDeque::new(),
            putters: VecDeque::new(),
        };
        Self {
            name: name.into(),
            what: format!("queue `{name}`").into(),
            capacity,
            state: Mutex::new(state),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    fn has_room(&self, state: &State<T>) -> bool {
        self.capacity == 0 || state.items.len() < self.capacity
    }

    /// Tells the first of each kind whose turn it is.
    fn ring(&self, state: &mut State<T>) {
        if !state.items.is_empty() || state.closed {
            state.getters.pop_front().iter().for_each(Parker::unpark);
        }
        if self.has_room(state) || state.closed {
            state.putters.pop_front().iter().for_each(Parker::unpark);
        }
    }

    /// `None`: there is no item yet.
    fn take(&self, state: &mut State<T>) -> Option<Result<T, WaitError>> {
        let item = match state.items.pop_front() {
            Some(item) => Ok(item),
            None if state.closed => Err(WaitError::Closed),
            None => return None,
        };
        self.ring(state);
        Some(item)
    }

    /// Gives the item back when there is no room yet.
    fn add(&self, state: &mut State<T>, item: T) -> Result<Result<(), PutError<T>>, T> {
        if state.closed {
            return Ok(Err(PutError {
                item,
                error: WaitError::Closed,
            }));
        }
        if !self.has_room(state) {
            return Err(item);
        }
        state.items.push_back(item);
        self.ring(state);
        Ok(Ok(()))
    }

    fn close_keeping(&self) {
        let state = &mut *self.state.lock();
        state.closed = true;
        state
            .getters
            .drain(..)
            .chain(state.putters.drain(..))
            .for_each(|parker| parker.unpark());
    }
}

impl<T: Send + 'static> Shared for Inner<T> {
    fn close(&self) {
        self.close_keeping();
        let items = std::mem::take(&mut self.state.lock().items);
        // One by one: a second panic while a list is being dropped would end the process.
        for item in items {
            let _ = crate::pool::run::guarded(|| drop(item));
        }
    }

    fn holds(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<T> Queue<T> {
    pub(super) fn new(engine: Arc<Engine>, inner: Arc<Inner<T>>) -> Self {
        Self { engine, inner }
    }

    /// Puts an item at the end; waits for room.
    ///
    /// # Errors
    /// With the item: `Closed`, or the wait was refused.
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_until(item, None)
    }

    /// As [`put`](Self::put), for at most so long.
    ///
    /// # Errors
    /// As `put`, and `TimedOut`.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_until(item, Some(deadline(timeout)))
    }

    /// Puts an item if there is room.
    ///
    /// # Errors
    /// With the item: `Closed`, or `TimedOut` when there is no room.
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        let added = self.inner.add(&mut self.inner.state.lock(), item);
        added.unwrap_or_else(|item| {
            Err(PutError {
                item,
                error: WaitError::TimedOut,
            })
        })
    }

    /// Takes the first item; waits for one.
    ///
    /// # Errors
    /// `Closed` once the queue is closed and empty, or the wait was refused.
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

    /// Takes the first item, if there is one.
    ///
    /// # Errors
    /// `Closed` once the queue is closed and empty; `TimedOut` when there is no item.
    pub fn try_get(&self) -> Result<T, WaitError> {
        let taken = self.inner.take(&mut self.inner.state.lock());
        taken.unwrap_or(Err(WaitError::TimedOut))
    }

    /// Items in the queue.
    pub fn len(&self) -> usize {
        self.inner.state.lock().items.len()
    }

    /// Whether no item is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bound on items; 0 is none.
    pub fn capacity(&self) -> usize {
        self.inner.capacity
    }

    /// Takes no more items, also under this name later: waiting and later puts fail with `Closed`, gets too once the queue is empty.
    pub fn close(&self) {
        self.inner.close_keeping();
    }

    /// Deletes the queue: as [`close`](Self::close), its items are dropped, and the name is free for another.
    pub fn delete(&self)
    where
        T: Send + 'static,
    {
        let shared: Arc<dyn Shared> = Arc::clone(&self.inner) as _;
        self.engine.named.forget_queue(&self.inner.name, &shared);
        shared.close();
    }

    /// Whether the queue takes no more items.
    pub fn is_closed(&self) -> bool {
        self.inner.state.lock().closed
    }

    fn put_until(&self, item: T, deadline: Option<Instant>) -> Result<(), PutError<T>> {
        let inner = &*self.inner;
        let mut item = match inner.add(&mut inner.state.lock(), item) {
            Ok(done) => return done,
            Err(item) => item,
        };
        loop {
            let waited = self.wait(
                deadline,
                |state| &mut state.putters,
                |state| inner.has_room(state),
            );
            let state = &mut *inner.state.lock();
            item = match (inner.add(state, item), waited) {
                (Ok(done), _) => return done,
                (Err(item), Err(error)) => {
                    inner.ring(state);
                    return Err(PutError { item, error });
                }
                (Err(item), Ok(())) => item,
            };
        }
    }

    fn get_until(&self, deadline: Option<Instant>) -> Result<T, WaitError> {
        let inner = &*self.inner;
        if let Some(taken) = inner.take(&mut inner.state.lock()) {
            return taken;
        }
        loop {
            let waited = self.wait(
                deadline,
                |state| &mut state.getters,
                |state| !state.items.is_empty(),
            );
            let state = &mut *inner.state.lock();
            match (inner.take(state), waited) {
                (Some(taken), _) => return taken,
                (None, Err(error)) => {
                    inner.ring(state);
                    return Err(error);
                }
                (None, Ok(())) => {}
            }
        }
    }

    /// Waits in one of the lists until it is told, until `may` holds, or until the queue is closed. Who is told leaves
    /// the list: when somebody else was faster, the caller enters it again.
    fn wait(
        &self,
        deadline: Option<Instant>,
        list: impl Fn(&mut State<T>) -> &mut VecDeque<Arc<Parker>>,
        may: impl Fn(&State<T>) -> bool,
    ) -> Result<(), WaitError> {
        let inner = &*self.inner;
        local::waiting(&self.engine, |local| {
            let me = &local.parker;
            let done = || {
                let state = &mut *inner.state.lock();
                may(state)
                    || state.closed
                    || !list(state).iter().any(|other| Arc::ptr_eq(other, me))
            };
            // Before this thread enters the list: what a destructor waits for must not take its entry out.
            local.settle_all();
            me.reset();
            list(&mut inner.state.lock()).push_back(Arc::clone(me));
            let waited = local.block(On::Event(Arc::clone(&inner.what)), deadline, done);
            list(&mut inner.state.lock()).retain(|other| !Arc::ptr_eq(other, me));
            waited
        })
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("name", &self.inner.what)
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}
