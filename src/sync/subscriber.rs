//! Who gets the messages of a topic: by calls, as an iterator, or as a stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::afar::{Asked, At, FarSubscriber};
use super::crowd::Entry;
use super::queue::why;
use super::topic::{Inner, Message, drop_each};
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::turn::Coming;
use crate::pool::waits::On;

/// A subscriber of a [`Topic`](crate::Topic); dropping it unsubscribes.
///
/// As an iterator it blocks for each message and ends once the topic is closed; an item is an error when the wait for it
/// was refused.
pub struct Subscriber<T>(At<Here<T>, FarSubscriber<T>>);

/// A subscriber of a topic of this process.
struct Here<T> {
    cursor: Cursor<T>,
    /// The number of its buffer.
    place: usize,
}

/// A place in the messages of a topic.
struct Cursor<T> {
    engine: Arc<Engine>,
    topic: Arc<Inner<T>>,
    /// How many messages are kept for it.
    buffer: usize,
    /// The number of the message it has not seen yet.
    next: u64,
}

/// Async code that waits for a message.
struct Waiting<T> {
    here: Option<WaitingHere<T>>,
    afar: Option<Asked>,
}

struct WaitingHere<T> {
    coming: Coming,
    _entry: Entry<Inner<T>>,
}

impl<T> Subscriber<T> {
    /// `None`: the topic is closed.
    pub(super) fn new(engine: &Arc<Engine>, topic: &Arc<Inner<T>>, buffer: usize) -> Option<Self> {
        let state = &mut *topic.state.lock();
        if state.closed {
            return None;
        }
        let cursor = Cursor {
            engine: Arc::clone(engine),
            topic: Arc::clone(topic),
            buffer,
            next: state.published(),
        };
        let place = state.buffers.insert(buffer);
        Some(Self(At::Here(Here { cursor, place })))
    }

    pub(super) fn afar(subscriber: FarSubscriber<T>) -> Self {
        Self(At::Afar(subscriber))
    }

    /// The next message; waits for one.
    ///
    /// # Errors
    /// `Closed`, or the wait was refused.
    pub fn recv(&mut self) -> Result<Message<T>, WaitError> {
        self.recv_until(None)
    }

    /// As [`recv`](Self::recv), for at most so long.
    ///
    /// # Errors
    /// As `recv`, and `TimedOut`.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Message<T>, WaitError> {
        self.recv_until(Some(deadline(timeout)))
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    /// `TimedOut` when there is none; `Closed`.
    pub fn try_recv(&mut self) -> Result<Message<T>, WaitError> {
        match &mut self.0 {
            At::Here(here) => here.cursor.look().unwrap_or(Err(WaitError::TimedOut)),
            At::Afar(subscriber) => subscriber.recv(false, None),
        }
    }

    /// The next message, in async code. Dropping the future loses nothing.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn recv_async(&mut self) -> Result<Message<T>, WaitError> {
        let mut waiting = Waiting::default();
        poll_fn(|context| self.poll_recv(&mut waiting, context)).await
    }

    /// The messages as a stream that ends once the topic is closed. Should it end before, [`refused`](Messages::refused)
    /// says why.
    pub fn stream(self) -> Messages<T> {
        Messages {
            subscriber: self,
            waiting: Waiting::default(),
            refused: None,
        }
    }

    fn recv_until(&mut self, deadline: Option<Instant>) -> Result<Message<T>, WaitError> {
        match &mut self.0 {
            At::Here(here) => here.cursor.recv_until(deadline),
            At::Afar(subscriber) => subscriber.recv(true, deadline),
        }
    }

    fn poll_recv(
        &mut self,
        waiting: &mut Waiting<T>,
        context: &Context<'_>,
    ) -> Poll<Result<Message<T>, WaitError>> {
        match &mut self.0 {
            At::Here(here) => here.cursor.poll_recv(&mut waiting.here, context),
            At::Afar(subscriber) => subscriber.poll_recv(&mut waiting.afar, context),
        }
    }
}

/// For who serves subscribers elsewhere, which know themselves what they have seen.
#[cfg(feature = "task")]
impl<T> Subscriber<T> {
    /// The number of the message it has not seen yet.
    pub(crate) fn next_number(&self) -> u64 {
        match &self.0 {
            At::Here(here) => here.cursor.next,
            At::Afar(_) => 0,
        }
    }

    /// A place from which to look for messages. `None` of one that is served elsewhere itself.
    pub(crate) fn cursor_at(&self, number: u64) -> Option<MessageAt<T>> {
        match &self.0 {
            At::Here(Here { cursor, .. }) => Some(MessageAt(Cursor {
                engine: Arc::clone(&cursor.engine),
                topic: Arc::clone(&cursor.topic),
                next: number.min(cursor.topic.state.lock().published()),
                ..*cursor
            })),
            At::Afar(_) => None,
        }
    }
}

/// A place in the messages of a topic, of nobody in particular.
#[cfg(feature = "task")]
pub(crate) struct MessageAt<T>(Cursor<T>);

#[cfg(feature = "task")]
impl<T> MessageAt<T> {
    /// The first message from here.
    pub(crate) async fn come(self) -> Result<Message<T>, WaitError> {
        let (mut cursor, mut waiting) = (self.0, None);
        poll_fn(|context| cursor.poll_recv(&mut waiting, context)).await
    }

    /// The first message from here, if there is one now.
    pub(crate) fn look(mut self) -> Result<Message<T>, WaitError> {
        self.0.look().unwrap_or(Err(WaitError::TimedOut))
    }
}

impl<T> Cursor<T> {
    /// The next message, or a place among those who wait for one.
    fn look(&mut self) -> Result<Result<Message<T>, WaitError>, Entry<Inner<T>>> {
        let state = &mut *self.topic.state.lock();
        if state.closed {
            return Ok(Err(WaitError::Closed));
        }
        let Some(message) = state.at(self.next, self.buffer) else {
            return Err(state.crowd.enter(&self.topic));
        };
        self.next = message.number() + 1;
        Ok(Ok(message))
    }

    fn recv_until(&mut self, deadline: Option<Instant>) -> Result<Message<T>, WaitError> {
        loop {
            let entry = match self.look() {
                Ok(done) => return done,
                Err(entry) => entry,
            };
            let on = |_: &_| On::Event(Arc::clone(&self.topic.what));
            entry.turn.wait(&self.engine, on, deadline)?;
        }
    }

    fn poll_recv(
        &mut self,
        waiting: &mut Option<WaitingHere<T>>,
        context: &Context<'_>,
    ) -> Poll<Result<Message<T>, WaitError>> {
        loop {
            if let Some(waiting) = waiting {
                ready!(waiting.coming.poll(context))?;
            }
            *waiting = None;
            match self.look() {
                Ok(done) => return Poll::Ready(done),
                Err(entry) => {
                    *waiting = Some(WaitingHere {
                        coming: Coming::new(&self.engine, &entry.turn),
                        _entry: entry,
                    })
                }
            }
        }
    }
}

/// The messages of a [`Subscriber`] as a stream.
#[must_use = "streams do nothing unless polled"]
pub struct Messages<T> {
    subscriber: Subscriber<T>,
    waiting: Waiting<T>,
    refused: Option<WaitError>,
}

impl<T> Messages<T> {
    /// Why it has ended although the topic is not closed: of one that a cluster has, its connection has ended, or a message
    /// cannot be decoded.
    pub fn refused(&self) -> Option<&WaitError> {
        self.refused.as_ref()
    }
}

impl<T> Stream for Messages<T> {
    type Item = Message<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message<T>>> {
        let Self {
            subscriber,
            waiting,
            refused,
        } = self.get_mut();
        let message = ready!(subscriber.poll_recv(waiting, context));
        Poll::Ready(message.map_err(|error| *refused = why(error)).ok())
    }
}

impl<T> Iterator for Subscriber<T> {
    type Item = Result<Message<T>, WaitError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.recv()).filter(|received| !matches!(received, Err(WaitError::Closed)))
    }
}

impl<T> Drop for Here<T> {
    fn drop(&mut self) {
        let old = {
            let state = &mut *self.cursor.topic.state.lock();
            state.buffers.remove(self.place);
            state.trim()
        };
        drop_each(old);
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            here: None,
            afar: None,
        }
    }
}

impl<T> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Subscriber");
        match &self.0 {
            At::Here(Here { cursor, .. }) => {
                shown.field("topic", &cursor.topic.what);
                shown.field("buffer", &cursor.buffer);
                shown.field("next", &cursor.next);
            }
            At::Afar(subscriber) => {
                shown.field("topic", &subscriber.topic().name);
            }
        }
        shown.finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Messages").field(&self.subscriber).finish()
    }
}
