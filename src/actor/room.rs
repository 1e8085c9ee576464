//! Waiting for room in a bounded mailbox.
//!
//! Whoever takes a call out tells the first in the line, which leaves the line by that and tries again; if somebody else
//! was faster, it queues up once more. Who was told and goes away without a call tells the next. So no room is left over
//! while somebody waits for it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::mailbox::{Contents, Mailbox};
use crate::error::WaitError;
use crate::pool::local::{self, Local};
use crate::pool::parker::Parker;
use crate::pool::run::guarded;
use crate::pool::waits::On;

/// Who waits for room, first come first; numbered in that order, and no number comes twice.
#[derive(Default)]
pub(super) struct Line {
    waiters: VecDeque<(u64, Waiter)>,
    next: u64,
}

/// Whom to tell.
pub(super) enum Waiter {
    Thread(Arc<Parker>),
    Async(Waker),
}

impl Waiter {
    pub(super) fn wake(self) {
        match self {
            Self::Thread(parker) => parker.unpark(),
            // A waker is user code.
            Self::Async(waker) => drop(guarded(|| waker.wake())),
        }
    }
}

impl Line {
    fn join(&mut self, waiter: Waiter) -> u64 {
        self.next += 1;
        self.waiters.push_back((self.next, waiter));
        self.next
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.waiters
            .binary_search_by_key(&number, |&(number, _)| number)
            .ok()
    }

    /// Keeps the place of who is in the line. The waiter it had there is to be dropped once the lock is free.
    fn stay_or_join(&mut self, number: Option<u64>, waiter: Waiter) -> (u64, Option<Waiter>) {
        match number.and_then(|number| Some((number, self.place(number)?))) {
            Some((number, place)) => {
                let old = std::mem::replace(&mut self.waiters[place].1, waiter);
                (number, Some(old))
            }
            None => (self.join(waiter), None),
        }
    }

    fn leave(&mut self, number: u64) -> Option<Waiter> {
        let place = self.place(number)?;
        self.waiters.remove(place).map(|(_, waiter)| waiter)
    }

    pub(super) fn leave_all(&mut self) -> Vec<Waiter> {
        self.waiters.drain(..).map(|(_, waiter)| waiter).collect()
    }
}

impl<S> Contents<S> {
    /// Takes the first out of the line if there is room, to be woken once the lock is free.
    #[must_use]
    pub(super) fn tell_next(&mut self, capacity: usize) -> Option<Waiter> {
        if !self.has_room(capacity) {
            return None;
        }
        self.line.waiters.pop_front().map(|(_, waiter)| waiter)
    }
}

impl<S: Send + 'static> Mailbox<S> {
    /// Reserves room for one call, if there is any. In a closed mailbox there is, and the call is cancelled.
    pub(super) fn reserve(&self) -> bool {
        self.capacity() == 0 || self.reserve_in(&mut self.contents.lock())
    }

    fn reserve_in(&self, contents: &mut Contents<S>) -> bool {
        let room = contents.has_room(self.capacity());
        contents.reserved += usize::from(room && self.capacity() > 0);
        room
    }

    /// Reserves room for one call; waits for it.
    ///
    /// # Errors
    /// Why the wait was refused.
    pub(super) fn wait_for_room(&self) -> Result<(), WaitError> {
        let mut waited = Ok(());
        while !self.reserve() {
            if let Err(refused) = waited {
                self.pass_on();
                return Err(refused);
            }
            waited = local::waiting(self.engine(), |local| self.stand_in_line(local));
        }
        Ok(())
    }

    /// Waits until told.
    fn stand_in_line(&self, local: &Local) -> Result<(), WaitError> {
        // Before this thread enters the line: what a destructor waits for would use its parker.
        local.settle_all();
        local.parker.reset();
        let waiter = Waiter::Thread(Arc::clone(&local.parker));
        let number = self.contents.lock().line.join(waiter);
        let done = || {
            let contents = self.contents.lock();
            contents.has_room(self.capacity()) || contents.line.place(number).is_none()
        };
        let waited = local.block(self.awaited_by(local), None, done);
        drop(self.contents.lock().line.leave(number));
        waited
    }

    /// What that thread waits for. The registry of another client knows nothing of this actor's number.
    fn awaited_by(&self, local: &Local) -> On {
        if Arc::ptr_eq(&local.engine, self.engine()) {
            On::Room(self.number)
        } else {
            let text = format!(
                "room in the mailbox of actor `{}` of another client",
                self.name()
            );
            On::Event(text.into())
        }
    }

    fn pass_on(&self) {
        let told = self.contents.lock().tell_next(self.capacity());
        if let Some(waiter) = told {
            waiter.wake();
        }
    }
}

/// Waits for room, and reserves it.
pub(super) struct Room<S: Send + 'static> {
    mailbox: Arc<Mailbox<S>>,
    /// Its number in the line, from the first poll that found no room.
    number: Option<u64>,
}

impl<S: Send + 'static> Room<S> {
    pub(super) fn of(mailbox: Arc<Mailbox<S>>) -> Self {
        Self {
            mailbox,
            number: None,
        }
    }

    /// Enters the line, keeps its place there, or leaves it for good.
    fn stand_at(&mut self, number: Option<u64>) {
        let before = std::mem::replace(&mut self.number, number).is_some();
        if before != number.is_some() {
            self.mailbox.engine().waits.count_async(!before);
        }
    }
}

impl<S: Send + 'static> Future for Room<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.mailbox.capacity() == 0 {
            return Poll::Ready(());
        }
        let waiter = Waiter::Async(context.waker().clone());
        let (number, old) = {
            let contents = &mut *this.mailbox.contents.lock();
            if this.mailbox.reserve_in(contents) {
                let old = this.number.and_then(|number| contents.line.leave(number));
                (None, old)
            } else {
                let (number, old) = contents.line.stay_or_join(this.number, waiter);
                (Some(number), old)
            }
        };
        drop(old);
        this.stand_at(number);
        if number.is_none() {
            return Poll::Ready(());
        }
        let engine = this.mailbox.engine();
        engine.monitor.watch(engine);
        Poll::Pending
    }
}

impl<S: Send + 'static> Drop for Room<S> {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        self.stand_at(None);
        let waiter = self.mailbox.contents.lock().line.leave(number);
        if waiter.is_none() {
            self.mailbox.pass_on();
        }
    }
}
