//! What a driver needs of things that are shared by name: how this process asks for what others share too, and what those that
//! have it can do with things of their own. No stability promise.

use std::fmt;
use std::sync::{Arc, Weak};

use super::subscriber::MessageAt;
use super::{Message, Queue, ReleaseError, Subscriber};
use crate::call::AnyHandle;
use crate::client::Client;
use crate::driver::RemoteId;
use crate::error::WaitError;
use crate::pool::Engine;

use super::afar::{Afar, Parcel};
pub use super::afar::{Ask, CameItem, Coordinates, Refusal, SentItem, Told};

/// From here on everything that this client shares by name is asked for there. Once, before anything is shared; the answers
/// are told to what comes back.
pub fn share_through<P>(client: &Client<P>, to: Arc<dyn Coordinates>) -> Answers {
    share(client.engine(), to)
}

pub(crate) fn share(engine: &Arc<Engine>, to: Arc<dyn Coordinates>) -> Answers {
    let set = engine.afar.set(Arc::new(Afar::new(to)));
    debug_assert!(set.is_ok(), "once");
    Answers(Arc::downgrade(engine))
}

/// Where the answers to what a client has asked are told. Does not keep the client.
#[derive(Clone)]
pub struct Answers(Weak<Engine>);

impl Answers {
    /// An answer has come.
    pub fn told(&self, request: u64, told: Told, items: Vec<CameItem>) {
        let Some(engine) = self.0.upgrade() else {
            return;
        };
        let parcel = |item: CameItem| Parcel {
            bytes: item.bytes,
            handles: named(&engine, &item.handles),
        };
        if let Some(afar) = engine.afar.get() {
            afar.told(request, told, items.into_iter().map(parcel).collect());
        }
    }

    /// No answer will come any more: every wait ends with this.
    pub fn end(&self, why: &WaitError) {
        let engine = self.0.upgrade();
        let afar = engine.as_ref().and_then(|engine| engine.afar.get());
        afar.into_iter().for_each(|afar| afar.end(why));
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

fn named(engine: &Arc<Engine>, names: &[RemoteId]) -> Arc<[AnyHandle]> {
    let names = names.iter();
    names.map(|&name| AnyHandle::named(engine, name)).collect()
}

/// Puts items that were taken back to where they were, in order, whatever the queue's capacity and also if it is closed.
pub fn put_back<T>(queue: &Queue<T>, items: Vec<T>) {
    queue.put_back(items);
}

/// How many permits are missing, of which more were to be released.
pub fn missing(error: &ReleaseError) -> usize {
    error.most()
}

/// The number of the message that a subscriber has not seen yet.
pub fn next_number<T>(subscriber: &Subscriber<T>) -> u64 {
    subscriber.next_number()
}

/// The first message of the subscriber's topic at or after this number, among those that are kept for it; if it `waits`, once
/// there is one, else it has `TimedOut`. The subscriber itself stays where it is.
pub fn message_at<T>(
    subscriber: &Subscriber<T>,
    number: u64,
    waits: bool,
) -> impl Future<Output = Result<Message<T>, WaitError>> + use<T> {
    let cursor = subscriber.cursor_at(number);
    async move {
        match cursor {
            None => Err(WaitError::Closed),
            Some(cursor) if waits => MessageAt::come(cursor).await,
            Some(cursor) => cursor.look(),
        }
    }
}
