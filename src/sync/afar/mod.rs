//! What is shared by name with other processes: somebody elsewhere has it, and is asked.
//!
//! 1. An [`Ask`] goes out under a number and has one answer, [`Told`]; items go beside both as [`Parcel`]s. Who asks waits at a
//!    [`Turn`](crate::pool::turn::Turn), as for things of this process: with its thread, until a deadline, or in async code.
//! 2. Asks arrive in the order in which one thread makes them. An answer may come late, as that of a `get` of an empty queue.
//! 3. What an answer gives is not the asker's before it has said so: an item until [`Ask::Keep`], locks, permits and a
//!    subscription until [`Ask::Return`] ([`Grip`]). So nothing is lost with who asked: the other side takes back what was given
//!    to a process that is gone, and what comes for somebody who has left goes back.
//! 4. Whoever stops waiting in time says [`Ask::Cancel`]. With its thread it then waits for the answer, which comes at once:
//!    either the wait has ended, or what was on its way is here. Async code that is dropped leaves that to whoever reads
//!    the answer.
//!
//! Without feature `task` there is no [`Link`], so the compiler leaves all of this out.

mod asked;
mod codec;
mod messages;
mod queue;
mod thing;
mod variable;
mod words;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::WaitError;

pub(super) use asked::{Answer, Asked, Grip, Link};

pub(crate) use codec::{Codec, Parcel};
pub(super) use messages::{FarSubscriber, FarTopic};
pub(super) use queue::FarQueue;
pub(super) use thing::{FarThing, Names};
pub(super) use variable::FarVariable;
#[cfg(feature = "task")]
pub use words::CameItem;
pub use words::{Ask, Refusal, SentItem, Told};

use asked::Waiter;

/// What a name stands for: something of this process, or something that is asked elsewhere.
#[derive(Clone, Debug)]
pub(super) enum At<H, F> {
    Here(H),
    Afar(F),
}

/// The way to who has what is shared by name.
pub trait Coordinates: Send + Sync {
    /// Sends this at once, without waiting for anything and without coming back here: asks arrive in order. The answer, if
    /// there is to be one, is told with the same number.
    ///
    /// # Errors
    /// It is too large to be sent, so there will be no answer; in one line, with what to do.
    fn ask(&self, request: u64, ask: Ask, item: Option<SentItem>) -> Result<(), String>;

    /// Whether this thread may wait for an answer: not the one that tells it.
    fn may_wait(&self) -> bool;
}

/// What an engine has asked elsewhere.
pub(crate) struct Afar {
    to: Arc<dyn Coordinates>,
    asks: Mutex<Asks>,
}

#[derive(Default)]
struct Asks {
    last: u64,
    open: HashMap<u64, Arc<Waiter>>,
    /// Why nobody answers any more.
    ended: Option<WaitError>,
}

impl Afar {
    pub(crate) fn new(to: Arc<dyn Coordinates>) -> Self {
        Self {
            to,
            asks: Mutex::default(),
        }
    }

    /// Takes in an answer. What it gives goes back if nobody waits for it any more.
    pub(crate) fn told(&self, request: u64, told: Told, items: Vec<Parcel>) {
        let waiter = self.asks.lock().open.remove(&request);
        let gives = told.gives(&items);
        let is_taken = waiter.is_some_and(|waiter| waiter.tell(Ok((told, items))));
        if gives && !is_taken {
            self.say(request, Ask::Return);
        }
    }

    /// Says something about an earlier ask.
    fn say(&self, request: u64, ask: Ask) {
        let said = self.to.ask(request, ask, None);
        debug_assert!(said.is_ok(), "it is small: {said:?}");
    }

    /// Ends the waits that are under way. What comes of them goes back.
    pub(crate) fn restart(&self) {
        let open = std::mem::take(&mut self.asks.lock().open);
        for (request, waiter) in open {
            waiter.cancel(|| self.say(request, Ask::Cancel));
            waiter.tell(Err(WaitError::Closed));
        }
    }

    /// Ends every wait, and refuses all to come.
    pub(crate) fn end(&self, why: &WaitError) {
        let open = {
            let asks = &mut *self.asks.lock();
            asks.ended.get_or_insert_with(|| why.clone());
            std::mem::take(&mut asks.open)
        };
        for waiter in open.values() {
            waiter.tell(Err(why.clone()));
        }
    }

    /// Asks. An item with handles of tasks that cannot be named there yet is held back until they can.
    fn send(
        self: &Arc<Self>,
        ask: Ask,
        item: Option<Parcel>,
    ) -> Result<(u64, Arc<Waiter>), WaitError> {
        let (request, waiter) = self.enter()?;
        let Some(item) = item else {
            self.go(&waiter, request, ask, None);
            return Ok((request, waiter));
        };
        let (afar, its) = (Arc::clone(self), Arc::clone(&waiter));
        item.name_handles(move |named| match named {
            Ok(item) => afar.go(&its, request, ask, Some(item)),
            Err(error) => {
                afar.leave(request);
                its.tell(Err(error));
            }
        });
        Ok((request, waiter))
    }

    /// It leaves, unless it was cancelled before.
    fn go(&self, waiter: &Waiter, request: u64, ask: Ask, item: Option<SentItem>) {
        if let Err(text) = waiter.sent(|| self.to.ask(request, ask, item)) {
            self.told(request, Told::TooLarge(text), Vec::new());
        }
    }

    fn enter(&self) -> Result<(u64, Arc<Waiter>), WaitError> {
        let asks = &mut *self.asks.lock();
        if let Some(ended) = &asks.ended {
            return Err(ended.clone());
        }
        asks.last += 1;
        let waiter = Arc::<Waiter>::default();
        asks.open.insert(asks.last, Arc::clone(&waiter));
        Ok((asks.last, waiter))
    }

    /// Nobody waits for this answer any more.
    fn leave(&self, request: u64) {
        self.asks.lock().open.remove(&request);
    }

    fn is_ended(&self) -> bool {
        self.asks.lock().ended.is_some()
    }
}

impl fmt::Debug for Afar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Afar")
            .field("open", &self.asks.lock().open.len())
            .finish_non_exhaustive()
    }
}
