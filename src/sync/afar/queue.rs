//! A queue that somebody elsewhere has.

use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::{Answer, Ask, Asked, Codec, FarThing, Link, Names, Told};
use crate::error::{NameError, WaitError};

/// A queue that somebody elsewhere has.
pub(in crate::sync) struct FarQueue<T> {
    pub(in crate::sync) thing: FarThing,
    pub(in crate::sync) capacity: usize,
    codec: Codec<T>,
}

impl<T> FarQueue<T> {
    pub(in crate::sync) fn open(
        link: Link,
        codec: Codec<T>,
        name: &str,
        capacity: usize,
    ) -> Result<Self, NameError> {
        let names = Names {
            number: ("capacity", capacity),
            ..Names::holding::<T>("queue", name)
        };
        let ask = Ask::Queue {
            name: name.to_owned(),
            holds: names.holds.to_owned(),
            capacity: capacity as u64,
        };
        Ok(Self {
            thing: FarThing::open(link, &names, ask)?,
            capacity,
            codec,
        })
    }

    fn queue(&self) -> u64 {
        self.thing.number
    }

    /// Puts an item; waits for room if it may.
    pub(in crate::sync) fn put(
        &self,
        item: &T,
        waits: bool,
        deadline: Option<Instant>,
    ) -> Result<(), WaitError> {
        let queue = self.queue();
        let item = self.codec.pack(item)?;
        let asked = Ask::Put { queue, waits };
        self.thing.wait(deadline, asked, Some(item))?.done()
    }

    pub(in crate::sync) async fn put_async(&self, item: T) -> Result<(), (T, WaitError)> {
        let (queue, waits) = (self.queue(), true);
        let packed = match self.codec.pack(&item) {
            Ok(packed) => packed,
            Err(error) => return Err((item, error)),
        };
        let asked = self
            .thing
            .link
            .come(Ask::Put { queue, waits }, Some(packed));
        let put = asked.await.and_then(Answer::done);
        put.map_err(|error| (item, error))
    }

    /// Takes items, at least one; waits for that if it may.
    pub(in crate::sync) fn take(
        &self,
        most: usize,
        waits: bool,
        deadline: Option<Instant>,
    ) -> Result<Vec<T>, WaitError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        self.items(self.thing.wait(deadline, self.get(most, waits), None)?)
    }

    /// Takes one.
    pub(in crate::sync) fn take_one(
        &self,
        waits: bool,
        deadline: Option<Instant>,
    ) -> Result<T, WaitError> {
        one(self.take(1, waits, deadline)?)
    }

    pub(in crate::sync) async fn take_async(&self, most: usize) -> Result<Vec<T>, WaitError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        self.items(self.thing.link.come(self.get(most, true), None).await?)
    }

    /// The next item. `getting` is the wait for it.
    pub(in crate::sync) fn poll_next(
        &self,
        getting: &mut Option<Asked>,
        context: &Context<'_>,
    ) -> Poll<Result<T, WaitError>> {
        let ask = || self.get(1, true);
        let answer = ready!(self.thing.link.poll(getting, ask, context))?;
        Poll::Ready(self.items(answer).and_then(one))
    }

    pub(in crate::sync) async fn take_one_async(&self) -> Result<T, WaitError> {
        one(self.take_async(1).await?)
    }

    fn get(&self, most: usize, waits: bool) -> Ask {
        Ask::Get {
            queue: self.queue(),
            most: most as u64,
            waits,
        }
    }

    fn items(&self, answer: Answer) -> Result<Vec<T>, WaitError> {
        let Answer { told, items, grip } = answer;
        if told != Told::Items {
            return Err(told.into_error());
        }
        let items = items.iter().map(|item| self.codec.unpack(item)).collect();
        // Also those that cannot be decoded: back in the queue they would only come again.
        grip.into_iter().for_each(super::Grip::keep);
        items
    }

    /// How many items are in it, and whether it is closed.
    pub(in crate::sync) fn look(&self) -> (usize, bool) {
        let queue = self.queue();
        match self.thing.look(Ask::Look { queue }) {
            Some(Told::Queue { len, closed }) => {
                (usize::try_from(len).unwrap_or(usize::MAX), closed)
            }
            _ => (0, true),
        }
    }

    pub(in crate::sync) fn close(&self) {
        let queue = self.queue();
        self.thing.look(Ask::Close { queue });
    }
}

/// The one item of an answer.
pub(super) fn one<T>(items: Vec<T>) -> Result<T, WaitError> {
    let nothing = || WaitError::Disconnected("an answer came without its item".to_owned());
    items.into_iter().next().ok_or_else(nothing)
}

impl<T> Clone for FarQueue<T> {
    fn clone(&self) -> Self {
        Self {
            thing: self.thing.clone(),
            ..*self
        }
    }
}
