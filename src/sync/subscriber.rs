//! Who gets the messages of a topic: by calls, as an iterator, or as a stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;

use super::crowd::Entry;
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
pub struct Subscriber<T> {
    engine: Arc<Engine>,
    topic: Arc<Inner<T>>,
    /// The number of its buffer, and what that holds.
    place: usize,
    buffer: usize,
    /// The number of the message it has not seen yet.
    next: u64,
}

impl<T> Subscriber<T> {
    /// `None`: the topic is closed.
    pub(super) fn new(engine: &Arc<Engine>, topic: &Arc<Inner<T>>, buffer: usize) -> Option<Self> {
        let state = &mut *topic.state.lock();
        (!state.closed).then(|| Self {
            engine: Arc::clone(engine),
            topic: Arc::clone(topic),
            place: state.buffers.insert(buffer),
            buffer,
            next: state.published(),
        })
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
        self.look().unwrap_or(Err(WaitError::TimedOut))
    }

    /// The next message, in async code. Dropping the future loses nothing.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn recv_async(&mut self) -> Result<Message<T>, WaitError> {
        let mut waiting = None;
        poll_fn(|context| self.poll_recv(&mut waiting, context)).await
    }

    /// The messages as a stream that ends once the topic is closed.
    pub fn stream(self) -> Messages<T> {
        Messages {
            subscriber: self,
            waiting: None,
        }
    }

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
        waiting: &mut Option<Waiting<T>>,
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
                    *waiting = Some(Waiting {
                        coming: Coming::new(&self.engine, &entry.turn),
                        _entry: entry,
                    })
                }
            }
        }
    }
}

/// Async code that waits for a message.
struct Waiting<T> {
    coming: Coming,
    _entry: Entry<Inner<T>>,
}

/// The messages of a [`Subscriber`] as a stream.
#[must_use = "streams do nothing unless polled"]
pub struct Messages<T> {
    subscriber: Subscriber<T>,
    waiting: Option<Waiting<T>>,
}

impl<T> Stream for Messages<T> {
    type Item = Message<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message<T>>> {
        let Self {
            subscriber,
            waiting,
        } = self.get_mut();
        // In async code nothing but the end is an error.
        subscriber.poll_recv(waiting, context).map(Result::ok)
    }
}

impl<T> Iterator for Subscriber<T> {
    type Item = Result<Message<T>, WaitError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.recv()).filter(|received| !matches!(received, Err(WaitError::Closed)))
    }
}

impl<T> Drop for Subscriber<T> {
    fn drop(&mut self) {
        let old = {
            let state = &mut *self.topic.state.lock();
            state.buffers.remove(self.place);
            state.trim()
        };
        drop_each(old);
    }
}

impl<T> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("topic", &self.topic.what)
            .field("buffer", &self.buffer)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Messages").field(&self.subscriber).finish()
    }
}
