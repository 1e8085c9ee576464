//! What one party does with its connections.

use std::time::Instant;

use super::link::{Link, LinkId};
use super::lost::Lost;
use crate::net::wire::{Cursor, Hello, Place, Role, WireError};

/// What one party does with its connections. All of it happens on the hub's one thread, and nothing may block there: no
/// connection is served meanwhile, though none is lost for that.
///
/// Of each connection: [`opened`](Self::opened) once, then any number of [`batch`](Self::batch), then
/// [`lost`](Self::lost) once.
pub trait Handler: Send + 'static {
    /// The messages that are received.
    type In: Send + 'static;

    /// Reads one, from an end with this role. Who must not send messages here is told so by the error.
    ///
    /// # Errors
    /// If the bytes are none; the connection then ends.
    fn decode(sender: Role, from: &mut Cursor<'_>) -> Result<Self::In, WireError>;

    /// Whether this one may connect, or be connected to.
    ///
    /// # Errors
    /// Why not, in one line. The other side is told.
    fn admit(&mut self, hello: &Hello) -> Result<(), String>;

    /// A connection is there.
    fn opened(&mut self, link: Link, hello: Hello);

    /// Messages have come, at least one. What is left in the list is dropped.
    fn batch(&mut self, from: LinkId, messages: &mut Vec<Self::In>);

    /// Where a large payload goes that is about to come, if not into memory of its own: that of this message, which has come
    /// but for it. It comes to [`batch`](Self::batch) with an empty one if there is such a place, and unless the connection
    /// ends before.
    fn place(&mut self, from: LinkId, message: Self::In, len: usize) -> Option<Box<dyn Place>> {
        let _ = (from, message, len);
        None
    }

    /// A connection has ended.
    fn lost(&mut self, link: LinkId, why: Lost);

    /// Time goes by: called a few times in each interval of heartbeats.
    fn tick(&mut self, now: Instant) {
        let _ = now;
    }
}
