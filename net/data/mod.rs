//! Data from process to process, past the scheduler: large results, and what clients scatter.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `message.rs` | what peers say to each other, and its numbers on the wire |
//! | `peers.rs` | the public side: fetch, put, and a shelf to serve from |
//! | `state.rs` | what is going on, and what is to be done about it once nobody holds it |
//! | `route.rs` | connections by address: made when needed, kept while used |
//! | `content.rs` | data as it is held: as bytes, or as an array of numbers, which is its own encoding |
//! | `transfer.rs` | one piece of data on its way here, over one connection |
//! | `buffer.rs` | where it is put as it comes |
//! | `fetch.rs`, `put.rs` | what transfers are for |
//! | `calls.rs` | calls of actors, and their answers |
//!
//! # Rules
//! 1. **Whoever receives asks.** Data moves in pieces of [`PIECE`], each asked for by its receiver, a few ahead of what has
//!    come. So a receiver is never sent more than it wants, heartbeats and other data come between the pieces, and who gives
//!    data out keeps no state: each answer is a part of what stands on its shelf. A put is an offer, which its receiver
//!    then fetches over the same connection.
//! 2. **No copy where data leaves, none where it arrives.** A piece is a reference to the bytes on the shelf until the system
//!    takes it, and is received right into its place in the whole. Each fresh page of memory costs as much as several copies
//!    of it, so an array of numbers is sent out of the value that it is, and received into the `Vec` that a task borrows:
//!    the holder says of which numbers it is.
//! 3. **Nothing is allocated on a stranger's word.** What is to come is known from the scheduler, and the holder must agree;
//!    memory beyond [`RESERVED`] grows with what has really come.
//! 4. **Several holders are tried in order.** One that answers that it has none is `absent`. One that cannot be reached, or
//!    from which nothing has come for the silence limit, is tried once more after the others, when time has gone by.
//! 5. Data that is being fetched is not fetched again: who wants it too waits for the same.

mod buffer;
mod calls;
mod content;
mod fetch;
mod message;
mod peers;
mod put;
mod route;
mod state;
mod transfer;

pub use calls::{Call, Called, Caller};
pub use content::Content;
pub use fetch::NotFetched;
pub use message::PeerMessage;
pub use peers::{NotCalled, Peers, Shelf};
pub use put::NotPut;
pub use transfer::{PIECE, RESERVED};
