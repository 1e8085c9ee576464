//! What an answer gave, until the asker keeps it or gives it back.

use std::sync::Arc;

use super::item::Item;
use super::things::Things;
use crate::driver::put_back;
use crate::{LockGuard, Queue, SemaphoreGuard, Subscriber};

/// What an answer gave. Dropped, it is kept by who asked, or, of locks, permits and subscriptions, given back.
pub(super) enum Gift {
    /// Items of the queue of this number.
    Items(u64, Queue<Arc<Item>>, Vec<Arc<Item>>),
    /// Items that are still where they were; their tasks are wanted until the asker wants them.
    Shown(Vec<Arc<Item>>),
    Locks(LockGuard),
    Permits(SemaphoreGuard),
    Subscriber(Subscriber<Arc<Item>>),
}

impl Gift {
    /// Gives it back.
    pub(super) fn give_back(self, things: &Things) {
        match self {
            // What a queue holds ends with it.
            Self::Items(number, queue, items) if things.has(number) => put_back(&queue, items),
            Self::Items(_, _, items) | Self::Shown(items) => drop(items),
            Self::Locks(guard) => drop(guard),
            Self::Permits(guard) => drop(guard),
            Self::Subscriber(subscriber) => drop(subscriber),
        }
    }
}
