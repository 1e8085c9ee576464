//! What is in a queue, and who waits for what.
//!
//! If there is an item, the first waiting getter is told; if there is room, the first waiting putter. Each of them
//! changes the queue in turn, so that as many go on as may.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use super::PutError;
use crate::error::WaitError;
use crate::pool::run::guarded;
use crate::pool::waiters::Wake;
use crate::sync::Shared;
use crate::sync::line::Line;
use crate::sync::watched::{Lines, Watched};

/// A queue under its lock.
pub(super) type Inner<T> = Watched<State<T>>;

#[derive(Debug)]
pub(in crate::sync) struct State<T> {
    items: VecDeque<T>,
    /// 0 is no bound.
    capacity: usize,
    closed: bool,
    getters: Line,
    putters: Line,
}

/// What somebody wants of a queue.
#[derive(Clone, Copy, Debug)]
pub(in crate::sync) enum Aim {
    Get,
    Put,
}

impl<T> State<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            closed: false,
            getters: Line::default(),
            putters: Line::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// `None`: there is no item yet.
    pub(super) fn take(&mut self) -> Option<Result<T, WaitError>> {
        let item = self.items.pop_front().ok_or(WaitError::Closed);
        (item.is_ok() || self.closed).then_some(item)
    }

    /// As many items as there are, at most `most`. `None`: there is none yet.
    pub(super) fn take_many(&mut self, most: usize) -> Option<Result<Vec<T>, WaitError>> {
        if self.items.is_empty() && most > 0 {
            return self.closed.then_some(Err(WaitError::Closed));
        }
        Some(Ok(self.items.drain(..most.min(self.items.len())).collect()))
    }

    /// Gives the item back when there is no room yet.
    pub(super) fn add(&mut self, item: T) -> Result<Result<(), PutError<T>>, T> {
        if self.closed {
            let error = WaitError::Closed;
            return Ok(Err(PutError { item, error }));
        }
        if !self.has_room() {
            return Err(item);
        }
        self.items.push_back(item);
        Ok(Ok(()))
    }

    /// Puts items that were taken back to where they were, in order.
    #[cfg(feature = "task")]
    pub(super) fn put_back(&mut self, items: Vec<T>) {
        for item in items.into_iter().rev() {
            self.items.push_front(item);
        }
    }

    fn has_room(&self) -> bool {
        self.capacity == 0 || self.items.len() < self.capacity
    }
}

impl<T> Lines for State<T> {
    type Aim = Aim;

    fn line(&mut self, aim: Aim) -> &mut Line {
        match aim {
            Aim::Get => &mut self.getters,
            Aim::Put => &mut self.putters,
        }
    }

    fn may(&self, aim: Aim) -> bool {
        let may = match aim {
            Aim::Get => !self.items.is_empty(),
            Aim::Put => self.has_room(),
        };
        may || self.closed
    }

    fn ring(&mut self, told: &mut Vec<Wake>) {
        if self.closed {
            told.extend(self.getters.all());
            told.extend(self.putters.all());
            return;
        }
        if !self.items.is_empty() {
            told.extend(self.getters.first());
        }
        if self.has_room() {
            told.extend(self.putters.first());
        }
    }
}

impl<T: Send + 'static> Shared for Inner<T> {
    fn close(&self) {
        let items = self.change(|state| {
            state.close();
            std::mem::take(&mut state.items)
        });
        // One by one: a second panic while a list is being dropped would end the process.
        for item in items {
            let _ = guarded(|| drop(item));
        }
    }

    fn holds(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
