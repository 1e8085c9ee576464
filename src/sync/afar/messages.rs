//! A topic that somebody elsewhere has, and its subscribers.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use super::{Answer, Ask, Asked, Codec, FarThing, Grip, Link, Names, Parcel, Told};
use crate::error::{NameError, WaitError};
use crate::sync::topic::Message;

/// A topic that somebody elsewhere has.
pub(in crate::sync) struct FarTopic<T> {
    pub(in crate::sync) thing: FarThing,
    codec: Codec<T>,
}

/// Who gets its messages.
pub(in crate::sync) struct FarSubscriber<T> {
    topic: FarTopic<T>,
    grip: Grip,
    /// The number of the message it has not seen yet.
    next: u64,
}

impl<T> FarTopic<T> {
    pub(in crate::sync) fn open(
        link: Link,
        codec: Codec<T>,
        name: &str,
    ) -> Result<Self, NameError> {
        let names = Names::holding::<T>("topic", name);
        let ask = Ask::Topic {
            name: name.to_owned(),
            holds: names.holds.to_owned(),
        };
        Ok(Self {
            thing: FarThing::open(link, &names, ask)?,
            codec,
        })
    }

    /// Whether there is a topic of this name.
    pub(in crate::sync) fn exists(link: &Link, name: &str) -> Result<bool, NameError> {
        let ask = Ask::IsTopic {
            name: name.to_owned(),
        };
        let answer = Names::new("topic", name).ask(link, ask, None)?;
        Ok(answer.told == Told::Flag(true))
    }

    pub(in crate::sync) fn publish(&self, value: &T) -> Result<(), WaitError> {
        let topic = self.thing.number;
        let value = self.codec.pack(value)?;
        let told = self.thing.wait(None, Ask::Tell { topic }, Some(value))?;
        told.done()
    }

    pub(in crate::sync) fn subscribe(&self, buffer: usize) -> Result<FarSubscriber<T>, NameError> {
        let names = Names::new("topic", &self.thing.name);
        let ask = Ask::Subscribe {
            topic: self.thing.number,
            buffer: buffer as u64,
        };
        let Answer { told, grip, .. } = names.ask(&self.thing.link, ask, None)?;
        match (told, grip) {
            (Told::Subscribed { next }, Some(grip)) => Ok(FarSubscriber {
                topic: self.clone(),
                grip,
                next,
            }),
            (told, _) => Err(names.not_asked(told.into_error())),
        }
    }

    pub(in crate::sync) fn subscribers(&self) -> usize {
        let topic = self.thing.number;
        self.thing.count(Ask::Subscribers { topic })
    }

    pub(in crate::sync) fn history(&self) -> Vec<Message<T>> {
        let topic = self.thing.number;
        let answer = self.thing.wait(None, Ask::History { topic }, None);
        answer.and_then(|a| self.messages(a)).unwrap_or_default()
    }

    fn messages(&self, answer: Answer) -> Result<Vec<Message<T>>, WaitError> {
        let Answer { told, items, grip } = answer;
        let Told::Messages { of } = told else {
            return Err(told.into_error());
        };
        let message = |(&of, item): (&(u64, u64, u64), &Parcel)| self.message(of, item);
        let messages = of.iter().zip(&items).map(message).collect();
        grip.into_iter().for_each(Grip::keep);
        messages
    }

    fn message(
        &self,
        (number, at, missed): (u64, u64, u64),
        item: &Parcel,
    ) -> Result<Message<T>, WaitError> {
        let value = Arc::new(self.codec.unpack(item)?);
        let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(at);
        Ok(Message::arrived(value, number, at, missed))
    }
}

impl<T> FarSubscriber<T> {
    pub(in crate::sync) fn topic(&self) -> &FarThing {
        &self.topic.thing
    }

    fn ask(&self, waits: bool) -> Ask {
        Ask::Message {
            subscriber: self.grip.request(),
            from: self.next,
            waits,
        }
    }

    pub(in crate::sync) fn recv(
        &mut self,
        waits: bool,
        deadline: Option<Instant>,
    ) -> Result<Message<T>, WaitError> {
        let ask = self.ask(waits);
        let answer = self.topic.thing.wait(deadline, ask, None)?;
        self.received(answer)
    }

    /// The next message. `receiving` is the wait for it.
    pub(in crate::sync) fn poll_recv(
        &mut self,
        receiving: &mut Option<Asked>,
        context: &Context<'_>,
    ) -> Poll<Result<Message<T>, WaitError>> {
        let ask = || self.ask(true);
        let answer = ready!(self.topic.thing.link.poll(receiving, ask, context))?;
        Poll::Ready(self.received(answer))
    }

    fn received(&mut self, answer: Answer) -> Result<Message<T>, WaitError> {
        if let Told::Messages { of } = &answer.told
            && let [(number, ..)] = of[..]
        {
            // Also past one that cannot be decoded.
            self.next = number.saturating_add(1);
        }
        let message = self.topic.messages(answer)?.pop();
        message.ok_or_else(|| WaitError::Disconnected("an answer came without its item".to_owned()))
    }
}

impl<T> Clone for FarTopic<T> {
    fn clone(&self) -> Self {
        Self {
            thing: self.thing.clone(),
            ..*self
        }
    }
}
