//! Where the words of a client go.

use std::fmt;

use crate::net::message::FromClient;
use crate::net::wire::WireError;

/// Where the words of a client go: over a connection of its own, or, of the tasks of a worker, with that worker's words, so that
/// what a task submits and what it returns arrive in order.
pub trait Outlet: Send + Sync + fmt::Debug {
    /// Queues words, in the order of these calls. On a connection that has ended they go nowhere.
    ///
    /// # Errors
    /// If they are larger than the other side takes; then they are not sent, and the connection goes on.
    fn send(&self, words: FromClient) -> Result<(), WireError>;

    /// Has what is queued leave now.
    fn flush(&self);

    /// Blocks while more waits to be sent than should. Never called where [`may_wait`](Self::may_wait) says no.
    fn wait_for_room(&self);

    /// Whether this thread may wait for what the scheduler says: not the one that hears it.
    fn may_wait(&self) -> bool;

    /// Nothing more will be said. A connection of the client's own ends.
    fn close(&self) {}
}
