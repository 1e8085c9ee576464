//! An ask that is under way, and what its answer gave.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use parking_lot::Mutex;

use super::{Afar, Ask, Parcel, Told};
use crate::error::WaitError;
use crate::pool::Engine;
use crate::pool::turn::{Coming, Turn, ring};
use crate::pool::waits::On;

/// What comes back: an answer with its items, or why none will come.
pub(in crate::sync) type Reply = Result<(Told, Vec<Parcel>), WaitError>;

/// One who waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    turn: Arc<Turn>,
    state: Mutex<State>,
    /// Held while it is being sent, and while it is being cancelled.
    stage: Mutex<Stage>,
}

/// Of an ask's way out.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    Held,
    Sent,
    Cancelled,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Waits,
    Told(Reply),
    /// The reply was taken, or nobody wants it.
    Left,
}

impl Waiter {
    /// Gives the reply. No: nobody wants it.
    pub(super) fn tell(&self, reply: Reply) -> bool {
        {
            let state = &mut *self.state.lock();
            if !matches!(state, State::Waits) {
                return false;
            }
            *state = State::Told(reply);
        }
        ring(self.turn.tell(Ok(())).into_iter().collect());
        true
    }

    /// Sends it, unless it was cancelled before.
    ///
    /// # Errors
    /// As `send` gives.
    pub(super) fn sent(&self, send: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let stage = &mut *self.stage.lock();
        if !matches!(stage, Stage::Held) {
            return Ok(());
        }
        *stage = Stage::Sent;
        send()
    }

    /// Cancels it, with `say` if it was sent. Yes: it was not, so nobody will answer it.
    pub(super) fn cancel(&self, say: impl FnOnce()) -> bool {
        let stage = &mut *self.stage.lock();
        match stage {
            Stage::Held => {
                *stage = Stage::Cancelled;
                return true;
            }
            Stage::Sent => say(),
            Stage::Cancelled => {}
        }
        false
    }

    fn leave(&self) -> State {
        std::mem::replace(&mut self.state.lock(), State::Left)
    }
}

/// From an engine to who has what it shares by name.
#[derive(Clone)]
pub(in crate::sync) struct Link {
    engine: Arc<Engine>,
    afar: Arc<Afar>,
    #[cfg(not(feature = "task"))]
    never: std::convert::Infallible,
}

/// An answer, and what it gave.
pub(in crate::sync) struct Answer {
    pub(in crate::sync) told: Told,
    pub(in crate::sync) items: Vec<Parcel>,
    pub(in crate::sync) grip: Option<Grip>,
}

/// What an answer gave. Dropped, it goes back.
pub(in crate::sync) struct Grip {
    link: Link,
    request: u64,
}

/// An ask that is under way. Dropped, its wait ends.
pub(in crate::sync) struct Asked {
    link: Link,
    request: u64,
    waiter: Arc<Waiter>,
    /// Once async code waits.
    coming: Option<Coming>,
}

impl Link {
    /// The way out of this process, if this engine has one.
    #[cfg(feature = "task")]
    pub(in crate::sync) fn of(engine: &Arc<Engine>) -> Option<Self> {
        let afar = engine.afar.get()?;
        Some(Self {
            engine: Arc::clone(engine),
            afar: Arc::clone(afar),
        })
    }

    #[cfg(not(feature = "task"))]
    pub(in crate::sync) fn of(_: &Arc<Engine>) -> Option<Self> {
        None
    }

    /// Asks, and waits for the answer with this thread, at what `explain` calls `what`.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::sync) fn wait(
        &self,
        what: &Arc<str>,
        deadline: Option<Instant>,
        ask: Ask,
        item: Option<Parcel>,
    ) -> Result<Answer, WaitError> {
        if !self.afar.to.may_wait() {
            let text = "this thread hears the answers, and cannot wait for one: wait in a task";
            return Err(WaitError::Disconnected(text.to_owned()));
        }
        let asked = self.send(ask, item)?;
        let on = |_: &_| On::Event(Arc::clone(what));
        let waited = asked.waiter.turn.wait(&self.engine, on, deadline);
        if waited == Err(WaitError::TimedOut) {
            // What is on its way is to arrive: the answer to this comes at once.
            asked.cancel();
            asked.waiter.turn.wait(&self.engine, on, None)?;
        } else {
            waited?;
        }
        asked.answer()
    }

    /// Asks, and waits for the answer in async code.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::sync) async fn come(
        &self,
        ask: Ask,
        item: Option<Parcel>,
    ) -> Result<Answer, WaitError> {
        let mut asked = self.send(ask, item)?;
        poll_fn(|context| asked.poll(context)).await
    }

    /// Asks, and waits for the answer in async code. `asked` is that wait, once it has begun.
    pub(in crate::sync) fn poll(
        &self,
        asked: &mut Option<Asked>,
        ask: impl FnOnce() -> Ask,
        context: &Context<'_>,
    ) -> Poll<Result<Answer, WaitError>> {
        let mut waits = match asked.take() {
            Some(waits) => waits,
            None => self.send(ask(), None)?,
        };
        let answer = waits.poll(context);
        if answer.is_pending() {
            *asked = Some(waits);
        }
        answer
    }

    /// Says something about an earlier ask.
    fn say(&self, request: u64, ask: Ask) {
        if !self.afar.is_ended() {
            self.afar.say(request, ask);
        }
    }

    /// Asks. The answer is waited for elsewhere.
    ///
    /// # Errors
    /// Nobody answers any more.
    fn send(&self, ask: Ask, item: Option<Parcel>) -> Result<Asked, WaitError> {
        let (request, waiter) = self.afar.send(ask, item)?;
        Ok(Asked {
            link: self.clone(),
            request,
            waiter,
            coming: None,
        })
    }
}

impl Asked {
    fn cancel(&self) {
        let say = || self.link.say(self.request, Ask::Cancel);
        if self.waiter.cancel(say) {
            self.link.afar.leave(self.request);
            self.waiter.tell(Ok((Told::TimedOut, Vec::new())));
        }
    }

    /// The answer, in async code.
    fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Answer, WaitError>> {
        let new = || Coming::new(&self.link.engine, &self.waiter.turn);
        let told = ready!(self.coming.get_or_insert_with(new).poll(context));
        self.coming = None;
        Poll::Ready(told.and_then(|()| self.answer()))
    }

    /// The answer, which is there.
    fn answer(&self) -> Result<Answer, WaitError> {
        let State::Told(reply) = self.waiter.leave() else {
            return Err(WaitError::Closed);
        };
        let (told, items) = reply?;
        let grip = told.gives(&items).then(|| Grip {
            link: self.link.clone(),
            request: self.request,
        });
        match told {
            Told::TooLarge(text) => Err(WaitError::Encoding(text)),
            Told::Nonsense(text) => Err(WaitError::Disconnected(text)),
            told => Ok(Answer { told, items, grip }),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        match self.waiter.leave() {
            State::Waits => {
                self.link.afar.leave(self.request);
                self.cancel();
            }
            State::Told(Ok((told, items))) if told.gives(&items) => {
                self.link.say(self.request, Ask::Return);
            }
            State::Told(_) | State::Left => {}
        }
    }
}

impl Answer {
    /// Nothing but that it is done.
    ///
    /// # Errors
    /// Why it is not.
    pub(in crate::sync) fn done(self) -> Result<(), WaitError> {
        match self.told {
            Told::Done => Ok(()),
            other => Err(other.into_error()),
        }
    }
}

impl Told {
    /// Of an answer that does not say what was asked.
    pub(in crate::sync) fn into_error(self) -> WaitError {
        match self {
            Self::Closed => WaitError::Closed,
            Self::TimedOut => WaitError::TimedOut,
            Self::Empty => WaitError::Empty,
            Self::Full => WaitError::Full,
            other => WaitError::Disconnected(format!("the answer makes no sense: {other:?}")),
        }
    }
}

impl Grip {
    /// The number of the ask that gave it.
    pub(in crate::sync) fn request(&self) -> u64 {
        self.request
    }

    /// What was given is here, and its handles are wanted.
    pub(in crate::sync) fn keep(self) {
        self.end(Ask::Keep);
    }

    /// The permits are away until somebody releases them.
    pub(in crate::sync) fn forget(self) {
        self.end(Ask::Forget);
    }

    fn end(mut self, how: Ask) {
        let request = std::mem::take(&mut self.request);
        self.link.say(request, how);
    }
}

impl Drop for Grip {
    fn drop(&mut self) {
        if self.request != 0 {
            self.link.say(self.request, Ask::Return);
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.afar).finish()
    }
}

impl fmt::Debug for Grip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Grip").field(&self.request).finish()
    }
}
