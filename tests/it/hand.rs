//! A future that a test ends by hand, and that tells what has happened to it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::support::{Log, until};

/// The test's side.
#[derive(Clone)]
pub(crate) struct Hand(Arc<State>);

struct State {
    ready: AtomicBool,
    polls: AtomicUsize,
    polled_now: AtomicBool,
    waker: Mutex<Option<Waker>>,
    dropped_on: Log<String>,
}

/// The task's side: gives the number of its polls.
pub(crate) struct Held(Arc<State>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            ready: AtomicBool::new(false),
            polls: AtomicUsize::new(0),
            polled_now: AtomicBool::new(false),
            waker: Mutex::new(None),
            dropped_on: Log::new(),
        }))
    }

    pub(crate) fn future(&self) -> Held {
        Held(Arc::clone(&self.0))
    }

    pub(crate) fn polls(&self) -> usize {
        self.0.polls.load(SeqCst)
    }

    /// The names of the threads that dropped its futures.
    pub(crate) fn dropped_on(&self) -> Vec<String> {
        self.0.dropped_on.read()
    }

    pub(crate) fn waker(&self) -> Waker {
        until("it is pending", || self.0.waker.lock().unwrap().is_some());
        self.0.waker.lock().unwrap().clone().unwrap()
    }

    pub(crate) fn wake(&self) {
        self.waker().wake();
    }

    pub(crate) fn finish(&self) {
        self.0.ready.store(true, SeqCst);
        self.wake();
    }

    /// Waits until it has been polled so often, and the poll is over.
    #[track_caller]
    pub(crate) fn until_pending(&self, polls: usize) {
        until("it is polled", || {
            self.polls() >= polls && !self.0.polled_now.load(SeqCst)
        });
    }

    #[track_caller]
    pub(crate) fn until_dropped(&self) {
        until("the future is dropped", || self.0.dropped_on.len() == 1);
    }
}

impl Future for Held {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let state = &*self.0;
        assert!(
            !state.polled_now.swap(true, SeqCst),
            "two threads poll it at once"
        );
        // First the waker: who makes it ready from here on wakes it.
        *state.waker.lock().unwrap() = Some(context.waker().clone());
        let polls = state.polls.fetch_add(1, SeqCst) + 1;
        let ready = state.ready.load(SeqCst);
        state.polled_now.store(false, SeqCst);
        if ready {
            Poll::Ready(polls)
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let thread = std::thread::current();
        self.0
            .dropped_on
            .write(thread.name().unwrap_or_default().to_owned());
    }
}
