//! What is said to the scheduler, and when it leaves.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, ThreadId};

use crate::net::client::Outlet;
use crate::net::message::{FromClient, FromWorker};
use crate::net::transport::Link;
use crate::net::wire::WireError;

/// The way to the scheduler.
#[derive(Debug, Default)]
pub(super) struct Speech {
    link: OnceLock<Link>,
    /// Runs that lie here and have not begun: what is said soon has company then.
    lying: AtomicUsize,
    /// The connection's thread.
    hears: OnceLock<ThreadId>,
}

impl Speech {
    /// The connection is there.
    pub(super) fn open(&self, link: Link) {
        // There is one in a worker's life.
        let _ = self.link.set(link);
        let _ = self.hears.set(thread::current().id());
    }

    fn with(&self, f: impl FnOnce(&Link) -> Result<(), WireError>) {
        if let Some(link) = self.link.get()
            && let Err(error) = f(link)
        {
            // Who does not know what became of a run cannot go on.
            link.close(&format!(
                "the scheduler takes no message as large as it was to be sent: {error}"
            ));
        }
    }

    /// Says it with all that is queued, here and now.
    pub(super) fn say_now(&self, words: &FromWorker) {
        self.with(|link| link.send_now([words]));
    }

    /// Says it so that it is heard even if the next thing that happens is the end of this process.
    pub(super) fn say_surely(&self, words: &FromWorker) {
        self.with(|link| link.send_surely([words]));
    }

    /// Says it: at once, unless runs lie here whose ends are to follow.
    pub(super) fn say(&self, words: &FromWorker) {
        if self.lying.load(Relaxed) == 0 {
            self.say_now(words);
        } else {
            self.with(|link| link.send([words]));
        }
    }

    /// Says it when the connection's thread comes by; for that thread itself.
    pub(super) fn say_soon(&self, words: &FromWorker) {
        self.with(|link| link.send([words]));
    }

    /// A body blocks, or goes on.
    pub(super) fn slots(&self, blocked: bool) {
        let delta = if blocked { -1 } else { 1 };
        self.say_now(&FromWorker::Slots { delta });
    }

    /// A run lies here.
    pub(super) fn run_lies(&self) {
        self.lying.fetch_add(1, Relaxed);
    }

    /// A run lies here no longer.
    pub(super) fn run_rises(&self) {
        self.lying.fetch_sub(1, Relaxed);
    }

    pub(super) fn close(&self, reason: &str) {
        if let Some(link) = self.link.get() {
            link.close(reason);
        }
    }
}

/// The tasks of this process as a client of the scheduler.
impl Outlet for Speech {
    fn send(&self, words: FromClient) -> Result<(), WireError> {
        match self.link.get() {
            Some(link) => link.send([&FromWorker::Client(words)]),
            None => Ok(()),
        }
    }

    fn flush(&self) {
        self.link.get().into_iter().for_each(Link::flush);
    }

    fn wait_for_room(&self) {
        self.link.get().into_iter().for_each(Link::wait_for_room);
    }

    fn may_wait(&self) -> bool {
        self.hears.get() != Some(&thread::current().id())
    }
}
