//! Asks and answers as bytes: the words, the number of items, the length of each and how many handles are in it, and then the
//! bytes of the items. The handles go beside, those of the first item first.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::item::{Item, Loose};
use crate::driver::{Ask, CameItem, Refusal, RemoteId, SentItem, Told};
use crate::net::message::TaskId;
use crate::net::wire::{Cursor, Field, WireError, Writer, choice};

/// An answer that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood(String);

/// An ask with its item, for [`FromClient::Coordinate`](crate::net::message::FromClient::Coordinate); the item's handles are its
/// mentions.
pub fn ask_body(ask: &Ask, item: Option<&SentItem>) -> Bytes {
    let item = item.map(|item| (&item.bytes[..], item.handles.len()));
    write(ask, item.into_iter())
}

/// The answer in a [`ToClient::Coordinate`](crate::net::message::ToClient::Coordinate) with these mentions.
///
/// # Errors
/// If it is none.
pub fn told_of(
    body: &Bytes,
    mentions: Vec<TaskId>,
) -> Result<(Told, Vec<CameItem>), NotUnderstood> {
    let (told, items) = read(body).map_err(|error| NotUnderstood(error.to_string()))?;
    let mut names = mentions.into_iter().map(RemoteId::from);
    let items = items.into_iter().map(|(bytes, count)| CameItem {
        bytes: bytes.into(),
        handles: names.by_ref().take(count).collect(),
    });
    Ok((told, items.collect()))
}

/// An ask, and the item that came with it. What is mentioned beside that is let go.
pub(super) fn read_ask(
    body: &Bytes,
    mentions: Vec<TaskId>,
    loose: &Loose,
) -> Result<(Ask, Option<Item>), String> {
    let read = read::<Ask>(body);
    let (ask, items) = match read {
        Ok(read) => read,
        Err(error) => {
            loose.add(&mentions);
            return Err(format!("a request of it cannot be read: {error}"));
        }
    };
    let mut mentions = mentions.into_iter();
    let mut items = items.into_iter().map(|(bytes, count)| {
        let tasks = mentions.by_ref().take(count).collect();
        Item::new(bytes, tasks, loose)
    });
    let item = items.next();
    items.for_each(drop);
    loose.add(mentions.as_slice());
    Ok((ask, item))
}

/// An answer with its items.
pub(super) fn told_body(told: &Told, items: &[Arc<Item>]) -> Bytes {
    write(
        told,
        items
            .iter()
            .map(|item| (&item.bytes()[..], item.tasks().len())),
    )
}

fn write<'i>(
    words: &impl Field,
    items: impl ExactSizeIterator<Item = (&'i [u8], usize)> + Clone,
) -> Bytes {
    let mut to = Writer::default();
    words.put(&mut to);
    to.varint(items.len() as u64);
    for (bytes, handles) in items.clone() {
        to.varint(bytes.len() as u64);
        to.varint(handles as u64);
    }
    items.for_each(|(bytes, _)| to.raw(bytes));
    to.into_bytes()
}

/// The words, and of each item the bytes and the number of its handles.
fn read<W: Field>(body: &Bytes) -> Result<(W, Vec<(Bytes, usize)>), WireError> {
    let mut from = Cursor::new(body);
    let words = W::get(&mut from)?;
    let sizes = Vec::<(u64, u32)>::get(&mut from)?;
    let mut items = Vec::with_capacity(sizes.len());
    for (len, handles) in sizes {
        let at = body.len() - from.remaining();
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        from.take(len, "an item")?;
        items.push((body.slice(at..at + len), handles as usize));
    }
    from.finish("a request or its answer")?;
    Ok((words, items))
}

choice!(Ask, "request", {
    0 => Queue { name, holds, capacity },
    1 => Variable { name, holds },
    2 => Topic { name, holds },
    3 => Semaphore { name, permits },
    4 => Event { name },
    5 => Barrier { name, parties },
    6 => Delete { thing },
    7 => Put { queue, waits },
    8 => Get { queue, most, waits },
    9 => Look { queue },
    10 => Close { queue },
    11 => Set { variable },
    12 => Changed { variable, since, waits },
    13 => Version { variable },
    14 => Lock { names, need, waits },
    15 => IsLocked { name },
    16 => Acquire { semaphore, permits, waits },
    17 => Release { semaphore, permits },
    18 => Available { semaphore },
    19 => Signal { event, set },
    20 => IsSet { event },
    21 => Await { event },
    22 => Arrive { barrier },
    23 => Waiting { barrier },
    24 => Tell { topic },
    25 => Subscribe { topic, buffer },
    26 => Message { subscriber, from, waits },
    27 => History { topic },
    28 => Subscribers { topic },
    29 => IsTopic { name },
    30 => Publish { name, holds, replaces },
    31 => Published { name, holds },
    32 => Unpublish { name },
    33 => PublishedNames,
    34 => Cancel,
    35 => Keep,
    36 => Return,
    37 => Forget,
});

choice!(Told, "answer", {
    0 => Done,
    1 => Opened { thing },
    2 => Refused(refusal),
    3 => Closed,
    4 => TimedOut,
    5 => Empty,
    6 => Full,
    7 => Items,
    8 => Value { version },
    9 => Queue { len, closed },
    10 => Number(number),
    11 => Flag(flag),
    12 => Texts(texts),
    13 => Locked { which },
    14 => Acquired,
    15 => NotMissing { most },
    16 => Met { leader, generation },
    17 => Subscribed { next },
    18 => Messages { of },
    19 => Nonsense(text),
    20 => TooLarge(text),
});

choice!(Refusal, "reason", {
    0 => Closed,
    1 => OtherType { holds },
    2 => OtherCapacity { has },
    3 => OtherNumber { has },
    4 => Taken,
    5 => Unknown,
});

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer of the scheduler cannot be read: {}", self.0)
    }
}

impl Error for NotUnderstood {}
