//! Who has what clients and workers share by name: queues, variables, locks, semaphores, events, barriers, topics and published
//! handles.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `words.rs` | asks and answers as bytes |
//! | `item.rs` | an item: bytes, and the tasks of the handles in them |
//! | `gift.rs` | what an answer gave, until the asker keeps it or gives it back |
//! | `things.rs` | things by name and by number |
//! | `perform.rs` | an ask, done with a thing of this process |
//!
//! The things are those of a client of this process: who comes first, what closes, what is at most in it is decided by the
//! code that decides it there. A wait is a future of the thing's, polled here, on the thread that brings the ask, when it
//! begins and whenever it has been woken; so the same asks have the same answers, and nothing waits for another thread.
//!
//! # Invariants
//! 1. An ask has one answer, in its own time, unless its peer goes. While its wait is under way or what it gave is out, its
//!    number stands in the peer's table, and is not used again.
//! 2. What an answer gave is kept here until the peer says `Keep` or `Return`, or is gone, which is `Return` too: items go back to
//!    the front of their queue, in order; locks and permits go to who is next.
//! 3. The scheduler wants a task for each handle in an item, from the ask that brought it until the item is dropped. An item
//!    lives as long as a thing has it, or a gift: a taker says that it wants the tasks before it says `Keep`.

mod gift;
mod item;
mod perform;
mod things;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;

use crate::driver::{Ask, Told};
use crate::net::message::{PeerId, TaskId};
use crate::net::scheduler::Stimulus;
use gift::Gift;
use item::{Item, Loose};
use things::Things;

pub use words::{NotUnderstood, ask_body, told_of};

/// Asks of one peer that are under way, or whose gifts are out.
const MOST_UNDER_WAY: usize = 1 << 20;

/// See the [module](self).
pub struct Coordinator {
    things: Things,
    peers: BTreeMap<u32, BTreeMap<u64, State>>,
    /// Waits that may go on.
    woken: Arc<Mutex<Vec<Key>>>,
    loose: Loose,
}

/// Of an ask.
enum State {
    Waits(Wait, Waker),
    Gave(Gift),
}

type Wait = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What comes of an ask.
struct Outcome {
    told: Told,
    items: Vec<Arc<Item>>,
    gift: Option<Gift>,
}

/// An ask: its peer and its number.
#[derive(Clone, Copy, Debug)]
struct Key(u32, u64);

impl Coordinator {
    /// One that has nothing yet.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn new() -> Result<Self, crate::StartError> {
        Ok(Self {
            things: Things::new()?,
            peers: BTreeMap::new(),
            woken: Arc::default(),
            loose: Loose::default(),
        })
    }

    /// A peer asks. What is to be said of it, and of others that go on through it, is added to `out`.
    ///
    /// # Errors
    /// What no peer may say, in one line.
    pub fn ask(
        &mut self,
        from: PeerId,
        request: u64,
        body: &Bytes,
        mentions: Vec<TaskId>,
        out: &mut impl Extend<Stimulus>,
    ) -> Result<(), String> {
        let taken = self.take_in(Key(from.0, request), body, mentions, out);
        self.go_on(out);
        taken
    }

    /// A peer is gone: its waits end, and what it was given goes back.
    pub fn peer_gone(&mut self, peer: PeerId, out: &mut impl Extend<Stimulus>) {
        // The newest first: so the items that it took first are in front again.
        let asks = self.peers.remove(&peer.0).unwrap_or_default();
        for (_, state) in asks.into_iter().rev() {
            match state {
                State::Waits(..) => {}
                State::Gave(gift) => gift.give_back(&self.things),
            }
        }
        self.go_on(out);
    }

    fn take_in(
        &mut self,
        key: Key,
        body: &Bytes,
        mentions: Vec<TaskId>,
        out: &mut impl Extend<Stimulus>,
    ) -> Result<(), String> {
        let (ask, item) = words::read_ask(body, mentions, &self.loose)?;
        match ask {
            Ask::Cancel => self.cancel(key, out),
            Ask::Keep => drop(self.take_gift(key)),
            Ask::Return => {
                if let Some(gift) = self.take_gift(key) {
                    gift.give_back(&self.things);
                }
            }
            Ask::Forget => {
                if let Some(Gift::Permits(guard)) = self.take_gift(key) {
                    guard.forget();
                }
            }
            ask => {
                self.check_new(key)?;
                let wait = self.perform(key, ask, item);
                self.begin(key, wait, out);
            }
        }
        Ok(())
    }

    fn check_new(&self, Key(peer, request): Key) -> Result<(), String> {
        let Some(asks) = self.peers.get(&peer) else {
            return Ok(());
        };
        if asks.contains_key(&request) {
            return Err(format!("the request {request} is under way already"));
        }
        if asks.len() >= MOST_UNDER_WAY {
            return Err(format!(
                "more than {MOST_UNDER_WAY} requests are under way at once"
            ));
        }
        Ok(())
    }

    fn begin(&mut self, key: Key, wait: Wait, out: &mut impl Extend<Stimulus>) {
        let woken = Arc::clone(&self.woken);
        let waker = Waker::from(Arc::new(Wakes { key, woken }));
        self.poll(key, wait, waker, out);
    }

    fn poll(&mut self, key: Key, mut wait: Wait, waker: Waker, out: &mut impl Extend<Stimulus>) {
        match wait.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => self.enter(key, State::Waits(wait, waker)),
            Poll::Ready(outcome) => self.answer(key, outcome, out),
        }
    }

    fn answer(&mut self, key: Key, outcome: Outcome, out: &mut impl Extend<Stimulus>) {
        let Outcome { told, items, gift } = outcome;
        let mentions: Vec<TaskId> = items
            .iter()
            .flat_map(|item| item.tasks())
            .copied()
            .collect();
        let body = words::told_body(&told, &items);
        if told.gives_of(!mentions.is_empty()) {
            self.enter(key, State::Gave(gift.unwrap_or(Gift::Shown(items))));
        }
        let Key(peer, request) = key;
        out.extend([Stimulus::Answer {
            to: PeerId(peer),
            request,
            body,
            mentions,
        }]);
    }

    fn enter(&mut self, Key(peer, request): Key, state: State) {
        self.peers.entry(peer).or_default().insert(request, state);
    }

    fn leave(&mut self, Key(peer, request): Key) -> Option<State> {
        let asks = self.peers.get_mut(&peer)?;
        let state = asks.remove(&request);
        if asks.is_empty() {
            self.peers.remove(&peer);
        }
        state
    }

    /// Ends a wait. One that is over already was answered.
    fn cancel(&mut self, key: Key, out: &mut impl Extend<Stimulus>) {
        match self.leave(key) {
            Some(State::Waits(wait, _)) => {
                drop(wait);
                self.answer(key, Outcome::of(Told::TimedOut), out);
            }
            Some(gave) => self.enter(key, gave),
            None => {}
        }
    }

    fn take_gift(&mut self, key: Key) -> Option<Gift> {
        match self.leave(key)? {
            State::Gave(gift) => Some(gift),
            waits @ State::Waits(..) => {
                self.enter(key, waits);
                None
            }
        }
    }

    /// Lets everyone go on whose turn has come, and says which tasks are wanted no longer.
    fn go_on(&mut self, out: &mut impl Extend<Stimulus>) {
        loop {
            let woken = std::mem::take(&mut *lock(&self.woken));
            if woken.is_empty() {
                break;
            }
            for key in woken {
                match self.leave(key) {
                    Some(State::Waits(wait, waker)) => self.poll(key, wait, waker, out),
                    Some(gave) => self.enter(key, gave),
                    None => {}
                }
            }
        }
        let tasks = self.loose.take();
        if !tasks.is_empty() {
            out.extend([Stimulus::LetGo { tasks }]);
        }
    }

    fn gift(&self, Key(peer, _): Key, request: u64) -> Option<&Gift> {
        match self.peers.get(&peer)?.get(&request)? {
            State::Gave(gift) => Some(gift),
            State::Waits(..) => None,
        }
    }
}

impl Outcome {
    fn of(told: Told) -> Self {
        Self {
            told,
            items: Vec::new(),
            gift: None,
        }
    }
}

/// Notes that a wait may go on.
struct Wakes {
    key: Key,
    woken: Arc<Mutex<Vec<Key>>>,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        lock(&self.woken).push(self.key);
    }
}

/// Nothing panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator")
            .field("things", &self.things)
            .field("peers", &self.peers.len())
            .finish_non_exhaustive()
    }
}
