//! Where a thread waits.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::baton::Baton;
use super::place::Place;

/// One thread's place to wait: a token that wakes it once, kept if it comes early.
#[derive(Debug)]
pub(crate) struct Parker {
    state: Mutex<Waiting>,
    bell: Condvar,
    baton: Option<Arc<Baton>>,
}

#[derive(Debug, Default)]
struct Waiting {
    token: bool,
    /// The thread may go on only with the baton.
    held: bool,
    baton: Option<Place>,
}

impl Parker {
    pub(crate) fn new(baton: Option<Arc<Baton>>) -> Self {
        Self {
            state: Mutex::default(),
            bell: Condvar::new(),
            baton,
        }
    }

    /// Forgets a token that came after the last wait had ended.
    pub(crate) fn reset(&self) {
        self.state.lock().token = false;
    }

    /// Waits for the token, at most until `deadline`. Says whether it came.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.state.lock();
        while !state.token {
            match deadline {
                None => self.bell.wait(&mut state),
                Some(deadline) if self.bell.wait_until(&mut state, deadline).timed_out() => {
                    return std::mem::take(&mut state.token);
                }
                Some(_) => {}
            }
        }
        state.token = false;
        true
    }

    /// Gives the token. With a baton the thread goes on when its turn comes.
    pub(crate) fn unpark(self: &Arc<Self>) {
        let mut state = self.state.lock();
        match &self.baton {
            Some(baton) if state.held => {
                let first = !std::mem::replace(&mut state.token, true);
                drop(state);
                if first {
                    baton.resumable(Arc::clone(self));
                }
            }
            _ => {
                state.token = true;
                self.bell.notify_one();
            }
        }
    }

    /// From now on the thread goes on only with the baton. A token that has come already makes it resumable.
    pub(super) fn hold(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.held = true;
        let told = state.token;
        drop(state);
        if let Some(baton) = self.baton.as_ref().filter(|_| told) {
            baton.resumable(Arc::clone(self));
        }
    }

    /// Waits for the baton after [`hold`](Self::hold); in its turn, or when the time is over and its turn has come.
    pub(super) fn park_held(self: &Arc<Self>, deadline: Option<Instant>) -> Place {
        let mut state = self.state.lock();
        let mut deadline = deadline;
        loop {
            if let Some(place) = state.baton.take() {
                state.held = false;
                state.token = false;
                return place;
            }
            match deadline {
                None => self.bell.wait(&mut state),
                Some(until) if self.bell.wait_until(&mut state, until).timed_out() => {
                    deadline = None;
                    parking_lot::MutexGuard::unlocked(&mut state, || self.unpark());
                }
                Some(_) => {}
            }
        }
    }

    /// Hands the baton over.
    pub(super) fn hand(&self, place: Place) {
        self.state.lock().baton = Some(place);
        self.bell.notify_one();
    }
}
