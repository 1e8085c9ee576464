//! Messages by name: whoever subscribes gets those published from then on.
//!
//! A topic has one ring of messages. It keeps the newest thousand, and more only if a subscriber asked for a larger
//! buffer; a subscriber is a place in the ring. Publishing therefore costs the same for any number of subscribers, and
//! a slow one loses its oldest messages rather than hold anybody up. Values are dropped outside of the lock.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use slab::Slab;

use super::afar::{At, Codec, FarTopic, Link};
use super::coordination::Kind;
use super::crowd::{Crowd, Crowded};
use crate::Client;
use crate::error::{NameError, WaitError};
use crate::place::Carried;
use crate::pool::Engine;
use crate::pool::clock::wall_time;
use crate::pool::run::guarded;
use crate::pool::turn::{Turn, ring};

use super::subscriber::Subscriber;
use super::{FindCodec, Shared, known};

/// Messages that a topic keeps for [`Topic::history`], as Dask does.
const HISTORY: usize = 1000;

impl<P> Client<P> {
    /// The topic of this name, made at the first call.
    ///
    /// It lives until it is deleted or the client closes.
    ///
    /// # Errors
    /// If one of this name has messages of another type, or the client is closed.
    pub fn topic<T: Carried<P> + Sync>(&self, name: &str) -> Result<Topic<T>, NameError> {
        self.topic_of(name, T::codec)
    }

    /// As [`topic`](Self::topic), of messages that every place can take.
    fn topic_of<T: Send + Sync + 'static>(
        &self,
        name: &str,
        codec: FindCodec<T>,
    ) -> Result<Topic<T>, NameError> {
        let (engine, asked) = (self.engine(), std::any::type_name::<T>());
        if let Some(link) = Link::of(engine) {
            let inner = At::Afar(FarTopic::open(link, known(codec, name)?, name)?);
            return Ok(Topic::of(engine, inner));
        }
        let inner = engine
            .coordination
            .find(Kind::Topic, name, asked, || Inner::<T>::new(name))?;
        Ok(Topic::of(engine, At::Here(inner)))
    }

    /// Publishes a text to the topic of this name; each [`Message`] knows when that was.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// client.log_event("beam", "shutter open")?;
    /// client.submit(|| tenter::current().log_event("beam", "frame 1")).result()?;
    /// let texts: Vec<String> = client.events("beam")?.iter().map(|event| event.to_string()).collect();
    /// assert_eq!(texts, ["shutter open", "frame 1"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the topic has messages of another type than `String`, or the client is closed.
    pub fn log_event(&self, topic: &str, text: impl Into<String>) -> Result<(), NameError> {
        let texts = self.topic_of::<String>(topic, Codec::texts)?;
        let published = texts.publish(text.into());
        published.map_err(|error| match error {
            WaitError::Closed => NameError::Closed,
            error => NameError::NotAsked {
                name: topic.to_owned(),
                error,
            },
        })
    }

    /// The newest texts of a topic, at most a thousand, oldest first; none if nobody has used this name.
    ///
    /// # Errors
    /// If the topic has messages of another type than `String`, or the client is closed.
    pub fn events(&self, topic: &str) -> Result<Vec<Message<String>>, NameError> {
        let exists = match Link::of(self.engine()) {
            Some(link) => FarTopic::<String>::exists(&link, topic)?,
            None => self.engine().coordination.exists(Kind::Topic, topic),
        };
        if !exists {
            return Ok(Vec::new());
        }
        Ok(self.topic_of::<String>(topic, Codec::texts)?.history())
    }
}

/// A topic that every client and task can have by its name: what is published reaches every subscriber; see
/// [`Client::topic`].
///
/// A subscriber that is slow or gone never holds a publisher up. Cloning makes another handle of the same topic;
/// dropping handles changes nothing, the client owns it. Deleting it or closing the client drops its messages.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let progress = client.topic::<f64>("progress")?;
/// let mut seen = progress.subscribe(64)?;
/// progress.publish(0.5)?;
/// let message = seen.recv()?;
/// assert_eq!((*message, message.missed()), (0.5, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Topic<T> {
    engine: Arc<Engine>,
    inner: Inside<T>,
}

type Inside<T> = At<Arc<Inner<T>>, FarTopic<T>>;

/// A message of a topic; dereferences to what was published, which all subscribers share.
pub struct Message<T> {
    value: Arc<T>,
    number: u64,
    at: SystemTime,
    missed: u64,
}

impl<T> Message<T> {
    /// One that was published elsewhere.
    pub(super) fn arrived(value: Arc<T>, number: u64, at: SystemTime, missed: u64) -> Self {
        Self {
            value,
            number,
            at,
            missed,
        }
    }

    /// When it was published.
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// How many messages were published to this topic before it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many messages the subscriber has lost just before this one, because its buffer was full.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl<T> Deref for Message<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for Message<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            ..*self
        }
    }
}

/// The topic itself.
pub(super) struct Inner<T> {
    name: Box<str>,
    pub(super) what: Arc<str>,
    pub(super) state: Mutex<State<T>>,
}

pub(super) struct State<T> {
    ring: VecDeque<(SystemTime, Arc<T>)>,
    /// Messages published so far; the ring has the newest of them.
    published: u64,
    /// What each subscriber's buffer holds.
    pub(super) buffers: Slab<usize>,
    pub(super) closed: bool,
    pub(super) crowd: Crowd,
}

impl<T> State<T> {
    /// The number of the next message.
    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// The first message at or after this number among the newest so many.
    pub(super) fn at(&self, number: u64, buffer: usize) -> Option<Message<T>> {
        let kept = self.ring.len().min(buffer) as u64;
        let number_now = number.max(self.published - kept);
        let from_the_end = usize::try_from(self.published - number_now).ok()?;
        let (at, value) = self.ring.get(self.ring.len() - from_the_end)?;
        Some(Message {
            value: Arc::clone(value),
            number: number_now,
            at: *at,
            missed: number_now - number,
        })
    }

    /// Takes out what is kept for nobody.
    pub(super) fn trim(&mut self) -> Vec<(SystemTime, Arc<T>)> {
        let wanted = self.buffers.iter().map(|(_, &buffer)| buffer).max();
        let kept = wanted.unwrap_or(0).max(HISTORY);
        let over = self.ring.len().saturating_sub(kept);
        self.ring.drain(..over).collect()
    }
}

impl<T> Inner<T> {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            what: format!("topic `{name}`").into(),
            state: Mutex::new(State {
                ring: VecDeque::new(),
                published: 0,
                buffers: Slab::new(),
                closed: false,
                crowd: Crowd::default(),
            }),
        }
    }
}

impl<T: Send + Sync + 'static> Topic<T> {
    fn of(engine: &Arc<Engine>, inner: Inside<T>) -> Self {
        Self {
            engine: Arc::clone(engine),
            inner,
        }
    }

    /// Publishes a message to everybody who has subscribed. Never waits.
    ///
    /// # Errors
    /// `Closed` when the topic was deleted or the client closed.
    pub fn publish(&self, value: T) -> Result<(), WaitError> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(topic) => return topic.publish(&value),
        };
        let value = Arc::new(value);
        let (calls, old) = {
            let state = &mut *inner.state.lock();
            if state.closed {
                return Err(WaitError::Closed);
            }
            // Read under the lock, so that times and numbers have one order.
            state.ring.push_back((wall_time(), value));
            state.published += 1;
            (state.crowd.tell(&Ok(())), state.trim())
        };
        ring(calls);
        drop_each(old);
        Ok(())
    }

    /// A subscriber of what is published from now on. Once `buffer` messages wait for it, the oldest are lost to it.
    ///
    /// # Errors
    /// `Zero` for a buffer of 0; `Closed`.
    pub fn subscribe(&self, buffer: usize) -> Result<Subscriber<T>, NameError> {
        if buffer == 0 {
            return Err(NameError::Zero {
                name: self.name().to_owned(),
                what: "messages",
            });
        }
        match &self.inner {
            At::Here(inner) => {
                Subscriber::new(&self.engine, inner, buffer).ok_or(NameError::Closed)
            }
            At::Afar(topic) => topic.subscribe(buffer).map(Subscriber::afar),
        }
    }

    /// The newest messages, at most a thousand, oldest first.
    pub fn history(&self) -> Vec<Message<T>> {
        let inner = match &self.inner {
            At::Here(inner) => inner,
            At::Afar(topic) => return topic.history(),
        };
        let state = inner.state.lock();
        let kept = state.ring.len().min(HISTORY) as u64;
        let numbers = state.published - kept..state.published;
        numbers
            .filter_map(|number| state.at(number, usize::MAX))
            .collect()
    }

    /// How many have subscribed.
    pub fn subscribers(&self) -> usize {
        match &self.inner {
            At::Here(inner) => inner.state.lock().buffers.len(),
            At::Afar(topic) => topic.subscribers(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match &self.inner {
            At::Here(inner) => &inner.name,
            At::Afar(topic) => &topic.thing.name,
        }
    }

    /// Deletes the topic: its messages are dropped, subscribers get `Closed`, and the name is free for another.
    pub fn delete(&self) {
        match &self.inner {
            At::Here(inner) => {
                let coordination = &self.engine.coordination;
                coordination.delete(Kind::Topic, &inner.name, inner);
            }
            At::Afar(topic) => topic.thing.delete(),
        }
    }
}

/// One by one: a second panic while a list is being dropped would end the process.
pub(super) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    for value in values {
        let _ = guarded(|| drop(value));
    }
}

impl<T> Crowded for Inner<T> {
    fn leave(&self, turn: &Arc<Turn>) {
        self.state.lock().crowd.leave(turn);
    }
}

impl<T: Send + Sync + 'static> Shared for Inner<T> {
    fn close(&self) {
        let (calls, messages) = {
            let state = &mut *self.state.lock();
            state.closed = true;
            // They look again, and find it closed.
            (state.crowd.tell(&Ok(())), std::mem::take(&mut state.ring))
        };
        ring(calls);
        drop_each(messages);
    }

    fn holds(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<T> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            inner: self.inner.clone(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Message<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("value", &self.value)
            .field("number", &self.number)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.inner {
            At::Here(inner) => &*inner.name,
            At::Afar(topic) => &*topic.thing.name,
        };
        f.debug_struct("Topic")
            .field("name", &name)
            .finish_non_exhaustive()
    }
}
