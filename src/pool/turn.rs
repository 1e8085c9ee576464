//! One wait at something shared by name: a thread, or async code, that is told once.
//!
//! Whoever tells does it under the lock of the thing that is waited at, in the same step in which it gives what is
//! waited for: so what a turn says and what the thing says never differ. Whom to wake comes back as [`Calls`], to be
//! rung once that lock is free, since a waker is user code.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::Engine;
use super::async_wait::AsyncWait;
use super::local::{self, Local};
use super::run::guarded;
use super::waiters::Wake;
use super::waits::On;
use crate::error::WaitError;

/// What a turn is told: that it has come, or why it never will.
pub(crate) type Told = Result<(), WaitError>;

/// Whom to wake, once no lock is held.
pub(crate) type Calls = SmallVec<[Wake; 2]>;

/// Wakes them all.
pub(crate) fn ring(calls: Calls) {
    calls.into_iter().for_each(Wake::wake);
}

/// One who waits.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Told>,
    wake: Option<Wake>,
    /// Whose body it is that blocks here, once it does.
    body_of: Option<Arc<Engine>>,
}

impl Turn {
    /// Tells it, and gives whom to wake. A second time changes nothing.
    #[must_use]
    pub(crate) fn tell(&self, told: Told) -> Option<Wake> {
        let state = &mut *self.0.lock();
        if state.told.is_none() {
            state.told = Some(told);
            if let Some(engine) = &state.body_of {
                engine.waits.count_resuming(true);
            }
        }
        state.wake.take()
    }

    pub(crate) fn told(&self) -> Option<Told> {
        self.0.lock().told.clone()
    }

    pub(crate) fn is_told(&self) -> bool {
        self.0.lock().told.is_some()
    }

    /// Waits on this thread until told. What is told wins over a deadline that is over and a wait that is refused.
    pub(crate) fn wait(
        &self,
        engine: &Arc<Engine>,
        on: impl FnOnce(&Local) -> On,
        deadline: Option<Instant>,
    ) -> Told {
        if let Some(told) = self.told() {
            return told;
        }
        let waited = local::waiting(engine, |local| {
            local.settle_all();
            local.parker.reset();
            drop(self.arm(Wake::Thread(Arc::clone(&local.parker))));
            self.begin_body(local);
            let waited = local.block(on(local), deadline, || self.is_told());
            self.end_body();
            waited
        });
        self.told().unwrap_or(waited)
    }

    /// The body on this thread is about to block until told.
    fn begin_body(&self, local: &Local) {
        let state = &mut *self.0.lock();
        if state.told.is_none() && local.in_task() && local.seat.is_some() {
            state.body_of = Some(Arc::clone(&local.engine));
        }
    }

    fn end_body(&self) {
        let state = &mut *self.0.lock();
        if let Some(engine) = state.body_of.take().filter(|_| state.told.is_some()) {
            engine.waits.count_resuming(false);
        }
    }

    /// Waits in async code until told.
    pub(crate) async fn come(self: &Arc<Self>, engine: &Arc<Engine>) -> Told {
        if let Some(told) = self.told() {
            return told;
        }
        let coming = Coming::new(engine, self);
        poll_fn(|context| coming.poll(context)).await
    }

    /// Says whom to wake; gives back whoever that was before, or this one if it is too late.
    #[must_use]
    fn arm(&self, wake: Wake) -> Option<Wake> {
        let state = &mut *self.0.lock();
        if state.told.is_some() {
            return Some(wake);
        }
        state.wake.replace(wake)
    }
}

/// Async code that waits for its turn, counted among those who wait.
#[derive(Debug)]
pub(crate) struct Coming {
    turn: Arc<Turn>,
    _wait: AsyncWait,
}

impl Coming {
    pub(crate) fn new(engine: &Arc<Engine>, turn: &Arc<Turn>) -> Self {
        Self {
            turn: Arc::clone(turn),
            _wait: AsyncWait::begin(engine),
        }
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Told> {
        let old = self.turn.arm(Wake::Async(context.waker().clone()));
        let _ = guarded(|| drop(old));
        self.turn.told().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let old = self.turn.0.lock().wake.take();
        let _ = guarded(|| drop(old));
    }
}
