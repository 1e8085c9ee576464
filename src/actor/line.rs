//! The calls that one process makes of an actor, until it is known where that lives.
//!
//! 1. Calls leave in the order in which they were made: one whose handles have no names yet holds up those behind it.
//! 2. Whoever finds that something can leave, and nobody at it, lets calls leave until none can. Nothing is locked meanwhile.
//! 3. At most [`AHEAD`] calls of a line are at an actor elsewhere, unanswered; the others wait here.
//! 4. Who waits in the line, and who waits for an answer, wants the actor. So it lives until its calls have run, also when the
//!    last handle is gone.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::housed::Housed;
use crate::future::TaskFuture;
use crate::on_done::watch_settled;

/// Calls at an actor elsewhere that were not answered: enough to keep it busy over any distance, and few in its memory.
const AHEAD: usize = 1024;

/// The line.
#[allow(
    missing_debug_implementations,
    unnameable_types,
    reason = "part of a handle"
)]
pub struct Line<S: Send + 'static> {
    /// The task that makes the actor.
    pub(super) home: TaskFuture<Housed<S>>,
    queue: Mutex<Queue<S>>,
}

struct Queue<S: Send + 'static> {
    posts: VecDeque<Box<dyn Post<S>>>,
    /// Somebody lets them leave.
    is_leaving: bool,
    /// Somebody is told when the home is settled.
    is_watched: bool,
    /// Calls elsewhere that were not answered.
    ahead: usize,
}

/// A call in the line.
pub(super) trait Post<S: Send + 'static>: Send {
    /// Whether all that it needs has a name.
    fn is_ready(&self) -> bool;

    /// Leaves for the actor, whose home is settled.
    fn leave(self: Box<Self>, line: &Arc<Line<S>>);
}

impl<S: Send + 'static> Line<S> {
    pub(super) fn new(home: TaskFuture<Housed<S>>) -> Arc<Self> {
        Arc::new(Self {
            home,
            queue: Mutex::new(Queue {
                posts: VecDeque::new(),
                is_leaving: false,
                is_watched: false,
                ahead: 0,
            }),
        })
    }

    /// Whether nobody is in the line.
    pub(super) fn is_empty(&self) -> bool {
        let queue = self.queue.lock();
        queue.posts.is_empty() && !queue.is_leaving
    }

    pub(super) fn push(self: &Arc<Self>, post: Box<dyn Post<S>>) {
        let watch = {
            let queue = &mut *self.queue.lock();
            queue.posts.push_back(post);
            !self.home.task().is_settled() && !std::mem::replace(&mut queue.is_watched, true)
        };
        if watch {
            let line = Arc::clone(self);
            watch_settled(self.home.task(), move || line.go_on());
        } else {
            self.go_on();
        }
    }

    /// A call at the actor has left.
    pub(super) fn has_left(&self) {
        self.queue.lock().ahead += 1;
    }

    /// A call at the actor was answered.
    pub(super) fn is_answered(self: &Arc<Self>) {
        self.queue.lock().ahead -= 1;
        self.go_on();
    }

    /// Lets calls leave, unless somebody does.
    pub(super) fn go_on(self: &Arc<Self>) {
        if !self.home.task().is_settled()
            || std::mem::replace(&mut self.queue.lock().is_leaving, true)
        {
            return;
        }
        while let Some(post) = self.next() {
            post.leave(self);
        }
    }

    fn next(&self) -> Option<Box<dyn Post<S>>> {
        let queue = &mut *self.queue.lock();
        let first = queue.posts.front().filter(|_| queue.ahead < AHEAD);
        if first.is_some_and(|first| first.is_ready()) {
            return queue.posts.pop_front();
        }
        queue.is_leaving = false;
        None
    }
}
