//! The sending end of a connection.

use std::fmt;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::lost::{Lost, LostKind};
use super::pipe::Pipe;
use crate::net::wire::{Kind, Message, Packer, WireError, write_reason};

/// How much is written at once before others have a turn.
const PASSING: usize = 1024 * 1024;

/// The number of a connection in its hub, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// Sends on a connection, from any thread. Cheap to clone; dropping it changes nothing.
///
/// What is sent on a connection that has ended goes nowhere: that it has ended is told to the handler.
#[derive(Clone, Debug)]
pub struct Link(pub(super) Arc<Shared>);

/// What a connection's ends share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: LinkId,
    pub(super) peer: SocketAddr,
    /// A second handle of the socket, which does not block and needs no runtime.
    socket: TcpStream,
    queue: Mutex<Packer>,
    pipe: Mutex<Pipe>,
    /// Bytes in the queue, and in the pipe: as last seen under their locks.
    in_queue: AtomicUsize,
    in_pipe: AtomicUsize,
    limit: usize,
    /// Tells the hub's thread that there is something to write.
    pub(super) wake: Notify,
    /// Tells the task that reads that there is room again.
    pub(super) room: Notify,
    room_here: (Mutex<()>, Condvar),
    waiters: AtomicUsize,
    /// Bytes written so far, as the heart last saw them, and as the watch did.
    written: AtomicU64,
    beaten: AtomicU64,
    watched: AtomicU64,
    /// When something was last heard, by the hub's clock.
    pub(super) heard_ns: AtomicU64,
    /// It is not read until there is room.
    pub(super) paused: AtomicBool,
    /// Why this side closes it. Set under the queue's lock, together with the last frame.
    pub(super) closing: OnceLock<String>,
    pub(super) end: OnceLock<Lost>,
}

impl Shared {
    pub(super) fn new(
        id: LinkId,
        peer: SocketAddr,
        socket: TcpStream,
        queue: Packer,
        limit: usize,
    ) -> Self {
        Self {
            id,
            peer,
            socket,
            queue: Mutex::new(queue),
            pipe: Mutex::default(),
            in_queue: AtomicUsize::new(0),
            in_pipe: AtomicUsize::new(0),
            limit,
            wake: Notify::new(),
            room: Notify::new(),
            room_here: Default::default(),
            waiters: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            beaten: AtomicU64::new(0),
            watched: AtomicU64::new(0),
            heard_ns: AtomicU64::new(0),
            paused: AtomicBool::new(false),
            closing: OnceLock::new(),
            end: OnceLock::new(),
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.in_queue.load(Ordering::SeqCst) + self.in_pipe.load(Ordering::SeqCst)
    }

    pub(super) fn is_over(&self) -> bool {
        self.queued() > self.limit
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.end.get().is_some() || self.closing.get().is_some()
    }

    /// Ends the connection; the first reason stays. Whoever reads or waits is woken.
    pub(super) fn finish(&self, why: Lost) {
        if self.end.set(why).is_ok() {
            // It may be gone already, which is what is wanted.
            let _ = self.socket.shutdown(Shutdown::Both);
            self.wake.notify_one();
            self.announce_room();
        }
    }

    /// Writes what is queued, as far as the socket takes it. `forced` also if it took no more the last time.
    pub(super) fn flush(&self, forced: bool) -> Flushed {
        let mut budget = PASSING;
        loop {
            let Some(pipe) = self.pipe.try_lock() else {
                return Flushed::All;
            };
            if pipe.blocked && !forced {
                return Flushed::Blocked;
            }
            match self.flush_through(pipe, &mut budget) {
                None => return Flushed::All,
                Some(Flushed::All) if self.queue.lock().bytes() > 0 => {}
                Some(flushed) => return flushed,
            }
        }
    }

    /// As [`write_all`](Self::write_all), and lets go of the pipe. `None`: that has ended the connection.
    fn flush_through(&self, mut pipe: MutexGuard<'_, Pipe>, budget: &mut usize) -> Option<Flushed> {
        let outcome = self.write_all(&mut pipe, budget);
        pipe.blocked = matches!(outcome, Ok(Flushed::Blocked));
        drop(pipe);
        outcome
            .map_err(|error| self.finish(Lost::broken(&error)))
            .ok()
    }

    /// Writes until nothing is queued, the socket takes no more or the budget is used up.
    fn write_all(&self, pipe: &mut Pipe, budget: &mut usize) -> io::Result<Flushed> {
        loop {
            if pipe.is_empty() && !self.refill(pipe) {
                return Ok(Flushed::All);
            }
            if *budget == 0 {
                return Ok(Flushed::More);
            }
            match pipe.write(|slices| (&self.socket).write_vectored(slices)) {
                Ok(n) => {
                    *budget = budget.saturating_sub(n);
                    self.written.fetch_add(n as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Flushed::Blocked);
                }
                Err(error) => return Err(error),
            }
            self.in_pipe.store(pipe.bytes(), Ordering::SeqCst);
            if self.waiters.load(Ordering::SeqCst) > 0 && self.queued() <= self.limit / 2 {
                self.announce_room();
            }
        }
    }

    /// Fills the empty pipe, if anything is queued. If nothing is and nothing will be, the other side is to see that.
    fn refill(&self, pipe: &mut Pipe) -> bool {
        let mut queue = self.queue.lock();
        pipe.refill(&mut queue);
        self.in_pipe.store(pipe.bytes(), Ordering::SeqCst);
        self.in_queue.store(queue.bytes(), Ordering::SeqCst);
        if pipe.is_empty() && self.closing.get().is_some() {
            // If this fails the connection is gone, and the task that reads it knows.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
        !pipe.is_empty()
    }

    fn announce_room(&self) {
        let _lock = self.room_here.0.lock();
        self.room_here.1.notify_all();
        self.room.notify_one();
    }

    /// Counts one more who wants to hear of room, until it has come.
    pub(super) fn wait_for_room(&self) {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let mut lock = self.room_here.0.lock();
        while self.is_over() && self.end.get().is_none() {
            self.room_here.1.wait(&mut lock);
        }
        drop(lock);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) async fn room(&self) {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        while self.is_over() && self.end.get().is_none() {
            self.room.notified().await;
        }
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether anything was written since the watch last asked.
    pub(super) fn wrote(&self) -> bool {
        let written = self.written.load(Ordering::Relaxed);
        self.watched.swap(written, Ordering::Relaxed) != written
    }

    /// Shows the other side that this one is alive, if nothing else has lately. Needs no other thread.
    pub(super) fn beat(&self) {
        let written = self.written.load(Ordering::Relaxed);
        let silent = self.beaten.swap(written, Ordering::Relaxed) == written;
        if silent && self.queued() == 0 {
            self.enqueue(|queue| queue.frame(Kind::Heartbeat, &[]));
        }
        self.flush_here(true);
        // Its own bytes do not count the next time.
        let written = self.written.load(Ordering::Relaxed);
        self.beaten.store(written, Ordering::Relaxed);
    }

    /// As `flush`, on a thread that leaves the rest to the hub's.
    fn flush_here(&self, forced: bool) {
        if self.flush(forced) != Flushed::All {
            self.wake.notify_one();
        }
    }

    /// Writes what is queued behind whoever writes now: it is the system's when this returns, as far as the socket takes it.
    fn flush_behind(&self) {
        let pipe = self.pipe.lock();
        let has_ended = !pipe.blocked && self.flush_through(pipe, &mut { PASSING }).is_none();
        if !has_ended {
            // What is left, and what has come meanwhile.
            self.flush_here(false);
        }
    }

    /// Adds to the queue, unless nothing will be sent any more.
    fn enqueue<R>(&self, add: impl FnOnce(&mut Packer) -> R) -> Option<R> {
        let mut queue = self.queue.lock();
        if self.is_deaf() {
            return None;
        }
        let outcome = add(&mut queue);
        self.in_queue.store(queue.bytes(), Ordering::SeqCst);
        Some(outcome)
    }

    /// Ends the connection once all that is queued is written; of several reasons, the first is sent.
    pub(super) fn close(&self, reason: &str) {
        self.enqueue(|queue| {
            write_reason(Kind::Close, reason, queue);
            self.closing.set(reason.into())
        });
        self.flush_here(false);
    }
}

/// How far a flush came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing is left, or another thread is at it.
    All,
    /// The socket takes no more.
    Blocked,
    /// There is more; others are to have a turn first.
    More,
}

impl Link {
    /// The connection's number.
    pub fn id(&self) -> LinkId {
        self.0.id
    }

    /// The other end's address.
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// Bytes that wait to be written.
    pub fn queued_bytes(&self) -> usize {
        self.0.queued()
    }

    /// Adds messages without a word to anybody: [`wake`](Self::wake) or [`flush`](Self::flush) is to follow.
    ///
    /// # Errors
    /// If a message is larger than the other side takes; it and those after it are not sent.
    pub fn queue<'a, M: Message>(
        &self,
        messages: impl IntoIterator<Item = &'a M>,
    ) -> Result<(), WireError> {
        let add = |queue: &mut Packer| {
            messages
                .into_iter()
                .try_for_each(|message| queue.push(message))
        };
        self.0.enqueue(add).unwrap_or(Ok(()))
    }

    /// Adds messages, and has them written by the hub's thread, with all that is queued until it does.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn send<'a, M: Message>(
        &self,
        messages: impl IntoIterator<Item = &'a M>,
    ) -> Result<(), WireError> {
        let queued = self.queue(messages);
        self.wake();
        queued
    }

    /// Adds messages, and writes them here and now as far as the socket takes them.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn send_now<'a, M: Message>(
        &self,
        messages: impl IntoIterator<Item = &'a M>,
    ) -> Result<(), WireError> {
        let queued = self.queue(messages);
        self.flush();
        queued
    }

    /// Adds messages, and waits until the system has them, as far as the socket takes them: they reach the other side even if
    /// this process ends right after. [`send_now`](Self::send_now) leaves them to another thread that is writing.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn send_surely<'a, M: Message>(
        &self,
        messages: impl IntoIterator<Item = &'a M>,
    ) -> Result<(), WireError> {
        let queued = self.queue(messages);
        self.0.flush_behind();
        queued
    }

    /// Has what is queued written by the hub's thread.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Writes what is queued here and now, as far as the socket takes it; the hub's thread does the rest.
    pub fn flush(&self) {
        self.0.flush_here(false);
    }

    /// Whether more waits to be written than should.
    pub fn is_full(&self) -> bool {
        self.0.is_over()
    }

    /// Blocks this thread while more waits to be written than should. Never to be called on a hub's thread.
    pub fn wait_for_room(&self) {
        self.0.wait_for_room();
    }

    /// Ends the connection once all that is queued is written, and tells the other side why. What it still sends is not
    /// looked at; the handler is told once it has gone.
    pub fn close(&self, reason: &str) {
        self.0.close(reason);
    }

    /// Ends the connection at once, without a word.
    pub fn cut(&self, reason: &str) {
        self.0.finish(Lost::new(LostKind::ClosedHere, reason));
    }
}
