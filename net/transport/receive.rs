//! Receiving, and the end of a connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::greet::drain;
use super::handler::Handler;
use super::hub::Core;
use super::link::Shared;
use super::lost::{ENDING, Lost, LostKind};
use crate::net::wire::{Cursor, Frame, Kind, Role, Unpacker, WireError, read_reason};

/// How much is read of one connection before others have a turn.
const TURN: usize = 1024 * 1024;

/// From this size on the handler is asked where a payload goes. Below, a copy costs less than to ask.
const PLACED: usize = 64 * 1024;

/// The receiving end of a connection.
pub(super) struct Receiver<H: Handler> {
    pub(super) core: Arc<Core<H>>,
    pub(super) shared: Arc<Shared>,
    pub(super) stream: Arc<TcpStream>,
    pub(super) unpacker: Unpacker,
    pub(super) sender: Role,
    /// It is not read while its own queue is full.
    pub(super) throttled: bool,
}

/// What a turn of reading came to.
enum Turn {
    /// All there was has been read.
    Drained,
    /// There is more.
    More,
    /// There will be no more.
    Ended(Lost),
}

impl<H: Handler> Receiver<H> {
    /// Receives until the connection ends, and tells the handler of that.
    pub(super) async fn run(mut self) {
        let why = self.receive().await;
        self.core.remove(&self.shared);
        if why.kind == LostKind::Protocol {
            self.shared.close(&why.reason);
        }
        self.core.handler.lock().lost(self.shared.id, why.clone());
        if why.kind == LostKind::Protocol {
            // It is over either way.
            let _ = timeout(self.core.settings.linger, drain(&self.stream)).await;
        }
        self.shared.finish(why);
    }

    async fn receive(&mut self) -> Lost {
        let mut batch = Vec::new();
        // What came together with the hello.
        if let Err(lost) = self.decode(&mut batch) {
            self.hand_over(&mut batch);
            return lost;
        }
        self.hand_over(&mut batch);
        loop {
            self.wait_for_room().await;
            let readable = self.stream.readable().await;
            let turn = match readable {
                Ok(()) => self.read(&mut batch),
                Err(error) => Turn::Ended(self.why(Lost::broken(&error))),
            };
            self.hand_over(&mut batch);
            match turn {
                Turn::Drained => {}
                Turn::More => yield_now().await,
                Turn::Ended(lost) => return lost,
            }
        }
    }

    /// Reads and decodes all there is.
    fn read(&mut self, batch: &mut Vec<H::In>) -> Turn {
        let mut read = 0;
        while read < TURN {
            let filled = self
                .unpacker
                .fill(|mut to| self.stream.try_read_buf(&mut to));
            let (n, full) = match filled {
                Ok(filled) => filled,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Turn::Drained,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Turn::Ended(self.why(Lost::broken(&error))),
            };
            if n == 0 {
                return Turn::Ended(self.why(self.hung_up()));
            }
            self.heard();
            if let Err(lost) = self.decode(batch) {
                return Turn::Ended(lost);
            }
            if !full {
                self.expect_news();
                return Turn::Drained;
            }
            read += n;
        }
        Turn::More
    }

    /// A read that filled less than its room has taken all there was, and the system tells of what comes next: spares the
    /// read that would only find nothing.
    fn expect_news(&self) {
        if cfg!(unix) {
            let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            // What it gives is what the closure gives.
            let _ = self.stream.try_io(Interest::READABLE, nothing);
        }
    }

    /// Decodes the frames that are complete.
    fn decode(&mut self, batch: &mut Vec<H::In>) -> Result<(), Lost> {
        while let Some(frame) = self.next_frame(batch).map_err(nonsense)? {
            match frame.kind {
                Kind::Messages => self.messages(&frame, batch).map_err(nonsense)?,
                Kind::Heartbeat => {}
                Kind::Close | Kind::Refuse => {
                    return Err(self.why(Lost::new(LostKind::Closed, read_reason(&frame))));
                }
                Kind::Hello | Kind::Functions => {
                    let reason = "a second hello on one connection";
                    return Err(Lost::new(LostKind::Protocol, reason));
                }
            }
        }
        Ok(())
    }

    /// The next frame. The handler is asked where a large payload goes, once it has what came before.
    fn next_frame(&mut self, batch: &mut Vec<H::In>) -> Result<Option<Frame>, WireError> {
        let Self {
            core,
            shared,
            unpacker,
            sender,
            ..
        } = self;
        unpacker.next_frame_in(|frame, len| {
            if len < PLACED || frame.count != 1 || shared.is_deaf() {
                return None;
            }
            let empty = [Bytes::new()];
            let mut from = Cursor::with_tails(&frame.body, &empty);
            let message = H::decode(*sender, &mut from).ok()?;
            let handler = &mut *core.handler.lock();
            if !batch.is_empty() {
                handler.batch(shared.id, batch);
                batch.clear();
            }
            handler.place(shared.id, message, len)
        })
    }

    fn messages(&self, frame: &Frame, batch: &mut Vec<H::In>) -> Result<(), WireError> {
        let sender = self.sender;
        frame.decode(batch, |from| H::decode(sender, from))
    }

    /// Gives the handler what has come. One that has closed the connection wants no more of it.
    fn hand_over(&self, batch: &mut Vec<H::In>) {
        if !batch.is_empty() && !self.shared.is_deaf() {
            self.core.handler.lock().batch(self.shared.id, batch);
        }
        batch.clear();
    }

    fn heard(&self) {
        let now = self.core.clock.now_ns();
        self.shared.heard_ns.store(now, Ordering::Relaxed);
    }

    async fn wait_for_room(&self) {
        if self.throttled && self.shared.is_over() {
            self.shared.paused.store(true, Ordering::Relaxed);
            self.shared.room().await;
            self.heard();
            self.shared.paused.store(false, Ordering::Relaxed);
        }
    }

    /// Why it has ended: what was recorded goes before what the socket says.
    fn why(&self, seen: Lost) -> Lost {
        let closed = || {
            self.shared
                .closing
                .get()
                .map(|reason| Lost::new(LostKind::ClosedHere, reason))
        };
        self.shared
            .end
            .get()
            .cloned()
            .or_else(closed)
            .unwrap_or(seen)
    }

    fn hung_up(&self) -> Lost {
        let reason = if self.unpacker.is_between_frames() {
            "the connection ended without a word: has the other process died?"
        } else {
            "the connection ended in the middle of a frame: has the other process died?"
        };
        Lost::new(LostKind::Broken, reason)
    }
}

/// When the hub ends first, or the handler panics: no handle of the connection may keep its socket open.
impl<H: Handler> Drop for Receiver<H> {
    fn drop(&mut self) {
        self.core.remove(&self.shared);
        self.shared.finish(Lost::new(LostKind::ClosedHere, ENDING));
    }
}

fn nonsense(error: WireError) -> Lost {
    Lost::new(
        LostKind::Protocol,
        format!("the other side sent what cannot be read: {error}"),
    )
}
