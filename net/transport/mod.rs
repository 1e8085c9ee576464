//! Connections: frames into batches of messages, batches into frames, and who is alive.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `hub.rs` | the thread that serves all connections of one party, with a runtime for that thread alone |
//! | `handler.rs` | what that party does: the only way out of here |
//! | `open.rs`, `greet.rs` | connections until both sides have said hello |
//! | `link.rs`, `pipe.rs` | sending: the queue of a connection, and its way into the socket |
//! | `receive.rs` | receiving, and the end of a connection |
//! | `heart.rs`, `clock.rs` | heartbeats, and for how long nothing has been heard |
//! | `address.rs`, `settings.rs`, `lost.rs` | where, how, and why not |
//!
//! # Rules
//! 1. **Batch in, batch out.** All that a connection has to read is read and decoded before its handler sees any of it, as one
//!    batch. All that is queued for a connection is written with one call.
//! 2. **Flush when the queue is empty, never on a timer.** What a handler queues is written once it has returned, before the
//!    thread waits for anything. Another thread chooses: [`Link::send`] leaves the writing to the connections' thread and so
//!    gathers what is queued meanwhile; [`Link::send_now`] writes then and there, which is what a lone message wants.
//! 3. **Whoever holds the pipe writes everything**, also what others queue meanwhile: it looks again after it has let go. So
//!    nobody waits for the pipe, and nothing stays behind.
//! 4. **One end, one event.** Whatever ends a connection records why (the first reason stays) and shuts the socket down;
//!    the task that reads it is woken by that, and it alone tells the handler.
//! 5. **Bounded.** A connection that was accepted is not read while more than [`Settings::queue_limit`] waits to be written
//!    to it: who does not read answers may not go on asking. The side that connected goes on reading, else two
//!    full queues would wait for each other; there, whoever produces waits, with [`Link::wait_for_room`].
//! 6. **Alive is who sends bytes.** Heartbeats come from a thread that does nothing else and can write without the
//!    connections' thread. Silence is judged on the thread that reads, by a clock that stands still while that thread was kept
//!    from its work. Of a connection that is not read (rule 5), progress in writing counts too.

mod address;
mod clock;
mod greet;
mod handler;
mod heart;
mod hub;
mod link;
mod lost;
mod open;
mod pipe;
mod receive;
mod settings;

pub use address::{Address, BadAddress, Reach};
pub use handler::Handler;
pub use hub::{Dialer, Hub};
pub use link::{Link, LinkId};
pub use lost::{ConnectError, Lost, LostKind};
pub use settings::Settings;
