//! A queue's items, one after the other, until it is closed and empty.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::state::{Aim, State};
use super::{Queue, Turn};
use crate::error::WaitError;
use crate::sync::afar::{Asked, At, FarQueue};

impl<T> Queue<T> {
    /// The items as they come, until the queue is closed and empty. Each is taken, and waited for, as by
    /// [`get`](Self::get); if a wait is refused, its error is the last that comes.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let frames = client.queue::<u32>("frames", 0)?;
    /// let sum = client.try_submit({
    ///     let frames = frames.clone();
    ///     move || frames.iter().sum::<Result<u32, _>>()
    /// });
    /// (1..=10).try_for_each(|k| frames.put(k))?;
    /// frames.close();
    /// assert_eq!(*sum.result()?, 55);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> QueueIter<'_, T> {
        QueueIter(Some(self))
    }

    /// As [`iter`](Self::iter), in async code: the items as a stream. No thread waits. Should it end before the queue is
    /// closed and empty, [`refused`](QueueStream::refused) says why. Dropping it takes no item.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # let client = tenter::Client::new()?;
    /// let frames = client.queue::<u32>("frames", 0)?;
    /// (1..=10).try_for_each(|k| frames.put(k))?;
    /// frames.close();
    /// let sum = futures::executor::block_on(frames.stream().fold(0, async |sum, frame| sum + frame));
    /// assert_eq!(sum, 55);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stream(&self) -> QueueStream<T> {
        let items = match self.turn(Aim::Get) {
            At::Here(turn) => At::Here(turn),
            At::Afar(queue) => At::Afar((queue, None)),
        };
        QueueStream {
            items,
            refused: None,
        }
    }
}

/// The iterator of [`Queue::iter`].
#[must_use = "iterators are lazy"]
pub struct QueueIter<'a, T>(Option<&'a Queue<T>>);

impl<T> Iterator for QueueIter<'_, T> {
    type Item = Result<T, WaitError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.0?.get();
        if item.is_err() {
            self.0 = None;
        }
        Some(item).filter(|item| !matches!(item, Err(WaitError::Closed)))
    }
}

impl<'a, T> IntoIterator for &'a Queue<T> {
    type Item = Result<T, WaitError>;
    type IntoIter = QueueIter<'a, T>;

    fn into_iter(self) -> QueueIter<'a, T> {
        self.iter()
    }
}

/// The stream of [`Queue::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct QueueStream<T> {
    items: At<Turn<State<T>>, FarItems<T>>,
    refused: Option<WaitError>,
}

impl<T> QueueStream<T> {
    /// Why it has ended although the queue is not closed: of one that a cluster has, its connection has ended, or an item
    /// cannot be decoded.
    pub fn refused(&self) -> Option<&WaitError> {
        self.refused.as_ref()
    }
}

/// A queue elsewhere, and the wait for its next item.
type FarItems<T> = (FarQueue<T>, Option<Asked>);

impl<T> Stream for QueueStream<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { items, refused } = self.get_mut();
        let item = ready!(match items {
            At::Here(turn) => turn.poll(context, State::take),
            At::Afar((queue, getting)) => queue.poll_next(getting, context),
        });
        Poll::Ready(item.map_err(|error| *refused = why(error)).ok())
    }
}

/// What there is to say of the end of a stream.
pub(in crate::sync) fn why(error: WaitError) -> Option<WaitError> {
    Some(error).filter(|error| *error != WaitError::Closed)
}

impl<T> fmt::Debug for QueueIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueIter").field(&self.0).finish()
    }
}

impl<T> fmt::Debug for QueueStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueStream")
    }
}
