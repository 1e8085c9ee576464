//! The baseline: what a task costs if nobody keeps a graph. Fixed frames go from a client to one thread that polls its
//! sockets, from there to worker processes, which send them back as they are, and over the thread back to the client.
//!
//! Like the scheduler, the thread takes in all there is before it flushes, writes what it has for one socket at once, and has
//! at most [`AHEAD`] frames at a worker. A frame that has several hops to go is sent to a worker again as often: a chain.

use std::collections::VecDeque;
use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Bytes of a frame: a number, the hops that it has to go, and something to carry.
const FRAME: usize = 24;
/// Frames at one worker at a time.
const AHEAD: usize = 256;
/// Bytes written, and read, at once.
const PIECE: usize = 32 << 10;
/// In the environment of a copy of this program that is to be a worker: where to connect to.
const ASKED: &str = "TENTER_BENCH_RELAY";

/// A client of the relay, the relay's thread and its workers; dropping it ends them.
pub(crate) struct Relay {
    pipe: Pipe,
    thread: Option<JoinHandle<()>>,
    workers: Vec<Child>,
}

impl Relay {
    pub(crate) fn start(workers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let addr = listener.local_addr().expect("it is bound");
        let children = (0..workers).map(|_| copy_of_this_program(addr)).collect();
        let workers = (0..workers).map(|_| Pipe::accept(&listener)).collect();
        let near = TcpStream::connect(addr).expect("the relay listens");
        let client = Pipe::accept(&listener);
        let thread = thread::spawn(move || Hub::new(client, workers).run());
        Self {
            pipe: Pipe::new(near),
            thread: Some(thread),
            workers: children,
        }
    }

    /// Sends so many frames, and reads as many.
    pub(crate) fn send(&mut self, frames: u64, hops: u64) {
        let (mut sent, mut sum, mut left) = (0, 0, frames);
        while left > 0 {
            while sent < frames && self.pipe.out.len() < PIECE {
                self.pipe.push(&frame(sent, hops));
                sent += 1;
            }
            self.pipe.flush();
            wait(&[&self.pipe], sent < frames);
            assert!(self.pipe.fill(), "the relay goes on");
            while let Some(frame) = self.pipe.pop() {
                sum += number(&frame, 0);
                left -= 1;
            }
        }
        assert_eq!(sum, frames * (frames - 1) / 2);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The relay sees the end of its client, ends, and so its workers see theirs.
        let _ = self.pipe.stream.shutdown(std::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the relay does not panic");
        }
        for worker in &mut self.workers {
            worker.wait().expect("it was started here");
        }
    }
}

/// Sends back what comes, if this is such a copy, and does not return then.
pub(crate) fn worker_if_asked() {
    let Ok(addr) = env::var(ASKED) else { return };
    let stream = TcpStream::connect(addr).expect("the relay listens");
    let mut pipe = Pipe::blocking(stream);
    while pipe.fill() {
        while let Some(frame) = pipe.pop() {
            pipe.push(&answer(&frame));
        }
        pipe.flush();
    }
    std::process::exit(0);
}

/// What a worker makes of a frame: one hop less to go.
fn answer(frame: &[u8; FRAME]) -> [u8; FRAME] {
    self::frame(number(frame, 0), number(frame, 8) - 1)
}

fn copy_of_this_program(addr: SocketAddr) -> Child {
    let this = env::current_exe().expect("this program has a path");
    let mut command = Command::new(this);
    command.env(ASKED, addr.to_string()).stdin(Stdio::null());
    command.spawn().expect("this program can be started")
}

fn frame(number: u64, hops: u64) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    frame[..8].copy_from_slice(&number.to_le_bytes());
    frame[8..16].copy_from_slice(&hops.to_le_bytes());
    frame
}

fn number(frame: &[u8; FRAME], at: usize) -> u64 {
    u64::from_le_bytes(frame[at..at + 8].try_into().expect("eight bytes"))
}

/// The relay's thread.
struct Hub {
    /// The client, and the workers.
    pipes: Vec<Pipe>,
    /// Frames at each worker; the client's stays 0.
    at: Vec<usize>,
    /// Frames that no worker has room for.
    waiting: VecDeque<[u8; FRAME]>,
}

impl Hub {
    fn new(client: Pipe, workers: Vec<Pipe>) -> Self {
        let pipes: Vec<_> = std::iter::once(client).chain(workers).collect();
        Self {
            at: vec![0; pipes.len()],
            pipes,
            waiting: VecDeque::new(),
        }
    }

    fn run(mut self) {
        loop {
            wait(&self.pipes.iter().collect::<Vec<_>>(), false);
            for place in 0..self.pipes.len() {
                if !self.pipes[place].fill() {
                    return;
                }
                while let Some(frame) = self.pipes[place].pop() {
                    self.take_in(place, frame);
                }
            }
            self.dispatch();
            self.pipes.iter_mut().for_each(Pipe::flush);
        }
    }

    fn take_in(&mut self, from: usize, frame: [u8; FRAME]) {
        if from != 0 {
            self.at[from] -= 1;
            if number(&frame, 8) == 0 {
                return self.pipes[0].push(&frame);
            }
        }
        self.waiting.push_back(frame);
    }

    fn dispatch(&mut self) {
        while let Some(frame) = self.waiting.front() {
            let workers = 1..self.at.len();
            let least = workers.min_by_key(|&worker| self.at[worker]);
            let least = least.expect("there are workers");
            if self.at[least] == AHEAD {
                return;
            }
            self.pipes[least].push(frame);
            self.at[least] += 1;
            self.waiting.pop_front();
        }
    }
}

/// A socket with what is to be written to it and what has been read.
struct Pipe {
    stream: TcpStream,
    /// What is to be written, and how much of it is.
    out: Vec<u8>,
    written: usize,
    buffer: Vec<u8>,
    /// Of the buffer, what is read and not taken.
    start: usize,
    end: usize,
}

impl Pipe {
    fn accept(listener: &TcpListener) -> Self {
        Self::new(listener.accept().expect("somebody connects").0)
    }

    fn new(stream: TcpStream) -> Self {
        let nonblocking = stream.set_nonblocking(true);
        nonblocking.expect("a socket has this option");
        Self::blocking(stream)
    }

    fn blocking(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket has this option");
        Self {
            stream,
            out: Vec::new(),
            written: 0,
            buffer: vec![0; PIECE],
            start: 0,
            end: 0,
        }
    }

    fn push(&mut self, frame: &[u8; FRAME]) {
        self.out.extend_from_slice(frame);
    }

    /// The next frame that was read.
    fn pop(&mut self) -> Option<[u8; FRAME]> {
        let frame = self.buffer[self.start..self.end].first_chunk()?;
        self.start += FRAME;
        Some(*frame)
    }

    /// Writes what the socket takes. An error is the end, which reading finds too.
    fn flush(&mut self) {
        while self.written < self.out.len() {
            let end = self.out.len().min(self.written + PIECE);
            match self.stream.write(&self.out[self.written..end]) {
                Ok(n) => self.written += n,
                Err(_) => return,
            }
        }
        self.out.clear();
        self.written = 0;
    }

    /// Reads what there is, once. No: it has ended.
    fn fill(&mut self) -> bool {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        match self.stream.read(&mut self.buffer[self.end..]) {
            Ok(0) => false,
            Ok(n) => {
                self.end += n;
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// Waits until one of them can be read, or written where something is to be.
fn wait(pipes: &[&Pipe], more_to_write: bool) {
    let mut fds: Vec<_> = pipes
        .iter()
        .map(|pipe| {
            let mut flags = PollFlags::POLLIN;
            flags.set(PollFlags::POLLOUT, more_to_write || !pipe.out.is_empty());
            PollFd::new(pipe.stream.as_fd(), flags)
        })
        .collect();
    // An interruption is a wake like any other.
    let _ = poll(&mut fds, PollTimeout::NONE);
}
