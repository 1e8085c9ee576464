//! The tasks of this process as a client of the scheduler.

use std::fmt;
use std::sync::Arc;
use std::thread;

use super::speech::Speech;
use crate::net::client::Outlet;
use crate::net::message::FromClient;
use crate::net::wire::WireError;

/// What the tasks of this process say, over the worker's connection.
pub(super) struct Inner {
    speech: Arc<Speech>,
}

impl Inner {
    pub(super) fn new(speech: Arc<Speech>) -> Self {
        Self { speech }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inner")
    }
}

impl Outlet for Inner {
    fn send(&self, words: &FromClient) -> Result<(), WireError> {
        self.speech.say_as_client(words)
    }

    fn flush(&self) {
        self.speech.flush();
    }

    fn wait_for_room(&self) {
        self.speech.wait_for_room();
    }

    fn may_wait(&self) -> bool {
        self.speech.hears() != Some(thread::current().id())
    }
}
