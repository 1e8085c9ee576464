//! A queue shared by name.

mod error;
mod items;
mod state;

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::afar::{At, FarQueue};
use super::watched::Turn;
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use state::{Aim, Inner, State};

pub use error::PutError;
pub(in crate::sync) use items::why;
pub use items::{QueueIter, QueueStream};

/// A queue that every client and task can have by its name: first in, first out.
///
/// Bounded, `put` waits for room; `get` waits for an item. Both may be used in tasks, whose place then goes to another
/// thread, and on any other thread; the forms that end in `_async` wait in async code and hold no thread. An item that
/// is a handle keeps its task wanted. Cloning makes another handle of the same queue; dropping handles changes
/// nothing, the client owns the queue.
///
/// On a cluster it is one queue for all clients and tasks, which lives until it is deleted or the scheduler ends. Each call
/// asks there and waits for the answer; items are encoded, and larger ones than 32 MiB refused: share a handle instead. What
/// was on its way to a process that is gone, or to a wait that has ended, is in the queue again.
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
    inner: Inside<T>,
}

type Inside<T> = At<Arc<Inner<T>>, FarQueue<T>>;

/// A queue without a name in any table yet.
pub(super) fn new<T>(name: &str, capacity: usize) -> Inner<T> {
    Inner::new("queue", name, State::new(capacity))
}

impl<T> Queue<T> {
    pub(super) fn of(engine: &Arc<Engine>, inner: Inside<T>) -> Self {
        Self {
            engine: Arc::clone(engine),
            inner,
        }
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
    /// With the item: `Closed`, or `Full`.
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(queue) => {
                let put = queue.put(&item, false, None);
                return put.map_err(|error| PutError { item, error });
            }
        };
        let added = inner.change(|state| state.add(item));
        added.unwrap_or_else(|item| {
            let error = WaitError::Full;
            Err(PutError { item, error })
        })
    }

    /// As [`put`](Self::put), in async code. Dropped before it is ready, the future has put nothing, and drops the item.
    pub fn put_async(&self, item: T) -> impl Future<Output = Result<(), PutError<T>>> + use<T> {
        let turn = self.turn(Aim::Put);
        async {
            match turn {
                At::Here(mut turn) => {
                    let mut item = Some(item);
                    poll_fn(|context| turn.poll(context, |state| add(state, &mut item))).await
                }
                At::Afar(queue) => {
                    let put = queue.put_async(item).await;
                    put.map_err(|(item, error)| PutError { item, error })
                }
            }
        }
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
    /// `Empty`, or `Closed` once the queue is closed and empty.
    pub fn try_get(&self) -> Result<T, WaitError> {
        match &self.inner {
            At::Here(inner) => inner.change(State::take).unwrap_or(Err(WaitError::Empty)),
            At::Afar(queue) => queue.take_one(false, None),
        }
    }

    /// As [`get`](Self::get), in async code. Dropped before it is ready, the future has taken nothing.
    pub fn get_async(&self) -> impl Future<Output = Result<T, WaitError>> + use<T> {
        let turn = self.turn(Aim::Get);
        async {
            match turn {
                At::Here(mut turn) => poll_fn(|context| turn.poll(context, State::take)).await,
                At::Afar(queue) => queue.take_one_async().await,
            }
        }
    }

    /// Waits for an item, and takes it and those that are there behind it: at most `most`, in order. So at least one
    /// comes, unless `most` is 0.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let frames = client.queue::<u32>("frames", 0)?;
    /// (0..5).try_for_each(|k| frames.put(k))?;
    /// assert_eq!(frames.get_many(3)?, [0, 1, 2]);
    /// assert_eq!(frames.get_many(3)?, [3, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_many(&self, most: usize) -> Result<Vec<T>, WaitError> {
        self.get_many_until(most, None)
    }

    /// As [`get_many`](Self::get_many), for at most so long.
    ///
    /// # Errors
    /// As [`get`](Self::get), and `TimedOut`.
    pub fn get_many_timeout(&self, most: usize, timeout: Duration) -> Result<Vec<T>, WaitError> {
        self.get_many_until(most, Some(deadline(timeout)))
    }

    /// Takes the items that are there: at most `most`, in order, and possibly none.
    ///
    /// # Errors
    /// `Closed` once the queue is closed and empty.
    pub fn try_get_many(&self, most: usize) -> Result<Vec<T>, WaitError> {
        match &self.inner {
            At::Here(inner) => {
                let taken = inner.change(|state| state.take_many(most));
                taken.unwrap_or(Ok(Vec::new()))
            }
            At::Afar(queue) => match queue.take(most, false, None) {
                Err(WaitError::Empty) => Ok(Vec::new()),
                taken => taken,
            },
        }
    }

    /// As [`get_many`](Self::get_many), in async code. Dropped before it is ready, the future has taken nothing.
    pub fn get_many_async(
        &self,
        most: usize,
    ) -> impl Future<Output = Result<Vec<T>, WaitError>> + use<T> {
        let turn = self.turn(Aim::Get);
        async move {
            match turn {
                At::Here(mut turn) => {
                    poll_fn(|context| turn.poll(context, |state| state.take_many(most))).await
                }
                At::Afar(queue) => queue.take_async(most).await,
            }
        }
    }

    /// Items in the queue.
    pub fn len(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.read(State::len),
            At::Afar(queue) => queue.look().0,
        }
    }

    /// Whether no item is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bound on items; 0 is none.
    pub fn capacity(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.read(State::capacity),
            At::Afar(queue) => queue.capacity,
        }
    }

    /// Takes no more items, also under this name later: waiting and later puts fail with `Closed`, gets too once the queue is empty.
    pub fn close(&self) {
        match &self.inner {
            At::Here(inner) => inner.change(State::close),
            At::Afar(queue) => queue.close(),
        }
    }

    /// Deletes the queue: as [`close`](Self::close), its items are dropped, and the name is free for another.
    pub fn delete(&self)
    where
        T: Send + 'static,
    {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(queue) => return queue.thing.delete(),
        };
        let shared: Arc<dyn Shared> = Arc::clone(inner) as _;
        self.engine.named.forget_queue(&inner.name, &shared);
        shared.close();
    }

    /// Whether the queue takes no more items.
    pub fn is_closed(&self) -> bool {
        match &self.inner {
            At::Here(inner) => inner.read(State::is_closed),
            At::Afar(queue) => queue.look().1,
        }
    }

    fn put_until(&self, item: T, deadline: Option<Instant>) -> Result<(), PutError<T>> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(queue) => {
                let put = queue.put(&item, true, deadline);
                return put.map_err(|error| PutError { item, error });
            }
        };
        let mut item = Some(item);
        let attempt = |state: &mut State<T>| add(state, &mut item);
        match inner.until(&self.engine, Aim::Put, deadline, attempt) {
            Ok(put) => put,
            Err(error) => {
                let item = item.expect("it comes back from each attempt that fails");
                Err(PutError { item, error })
            }
        }
    }

    /// For async code: its turn here, or who is asked.
    fn turn(&self, aim: Aim) -> At<Turn<State<T>>, FarQueue<T>> {
        match &self.inner {
            At::Here(inner) => At::Here(Turn::new(inner, &self.engine, aim)),
            At::Afar(queue) => At::Afar(queue.clone()),
        }
    }

    fn get_until(&self, deadline: Option<Instant>) -> Result<T, WaitError> {
        match &self.inner {
            At::Here(inner) => inner
                .until(&self.engine, Aim::Get, deadline, State::take)
                .flatten(),
            At::Afar(queue) => queue.take_one(true, deadline),
        }
    }

    fn get_many_until(&self, most: usize, deadline: Option<Instant>) -> Result<Vec<T>, WaitError> {
        match &self.inner {
            At::Here(inner) => {
                let take = |state: &mut State<T>| state.take_many(most);
                let taken = inner.until(&self.engine, Aim::Get, deadline, take);
                taken.flatten()
            }
            At::Afar(queue) => queue.take(most, true, deadline),
        }
    }
}

#[cfg(feature = "task")]
impl<T> Queue<T> {
    /// Puts items that were taken back to where they were, in order.
    pub(in crate::sync) fn put_back(&self, items: Vec<T>) {
        if let At::Here(inner) = &self.inner {
            inner.change(|state| state.put_back(items));
        }
    }
}

/// Puts the item, or leaves it where it is as long as there is no room.
fn add<T>(state: &mut State<T>, item: &mut Option<T>) -> Option<Result<(), PutError<T>>> {
    state
        .add(item.take()?)
        .map_err(|back| *item = Some(back))
        .ok()
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self::of(&self.engine, self.inner.clone())
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.inner {
            At::Here(inner) => &*inner.name,
            At::Afar(queue) => &*queue.thing.name,
        };
        f.debug_struct("Queue")
            .field("name", &name)
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}
