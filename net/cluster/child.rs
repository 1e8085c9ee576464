//! A worker process, as its parent sees it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::process::{self, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::asked::ASKED;
use crate::net::cli::Args;
use crate::net::server::NotStarted;

/// How much of what a worker writes to its standard error is kept, to be told if it ends before it is there.
const KEPT: usize = 4096;

/// How long a process may take to end that was told so, before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// A worker process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    name: String,
    process: process::Child,
    /// It ends when this is closed, which the system does if this process ends.
    stdin: Option<ChildStdin>,
    said: Arc<Mutex<VecDeque<u8>>>,
    /// Ends when all that it ever says has been read.
    silent: Receiver<()>,
    has_joined: bool,
}

impl Child {
    /// Starts this program again, to be a worker.
    pub(super) fn start(args: &Args) -> Result<Self, NotStarted> {
        let program = std::env::current_exe().map_err(NotStarted::because)?;
        let words = args.worker_words();
        if words.iter().any(|word| word.contains(['\n', '\0'])) {
            let text =
                "a line break or a NUL in the name of a worker or of a resource: leave it out";
            return Err(NotStarted::saying(text));
        }
        let mut command = Command::new(program);
        command.env(ASKED, words.join("\n"));
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C in a terminal is for the parent, which decides what becomes of its workers.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().map_err(NotStarted::because)?;
        let (tell, silent) = channel();
        let said = Arc::new(Mutex::default());
        let (stdin, stderr) = (process.stdin.take(), process.stderr.take());
        let child = Self {
            name: args.name.clone().unwrap_or_default(),
            process,
            stdin,
            said: Arc::clone(&said),
            silent,
            has_joined: false,
        };
        let thread = thread::Builder::new().name("tenter-stderr".into());
        let relay = move || {
            stderr.into_iter().for_each(|stderr| relay(stderr, &said));
            drop(tell);
        };
        thread.spawn(relay).map_err(NotStarted::because)?;
        Ok(child)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn has_joined(&self) -> bool {
        self.has_joined
    }

    /// A worker of this name has connected.
    pub(super) fn joined(&mut self, name: &str) {
        self.has_joined |= self.name == name;
    }

    /// Whether it is still on its way, if it has not connected.
    ///
    /// # Errors
    /// If it has ended, with what it said.
    pub(super) fn check(&mut self) -> Result<(), NotStarted> {
        if self.has_joined {
            return Ok(());
        }
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.has_ended(status)),
            Err(error) => Err(NotStarted::because(error)),
        }
    }

    fn has_ended(&self, status: ExitStatus) -> NotStarted {
        // What it said last may not have been read yet; something that it has started may keep this from ever being all.
        let _ = self.silent.recv_timeout(FAREWELL);
        let said: Vec<u8> = self.said.lock().iter().copied().collect();
        let said = String::from_utf8_lossy(&said);
        let name = &self.name;
        NotStarted::saying(match said.trim() {
            "" => format!(
                "worker {name} ended before it was there, with {status} and without a word: does the program's main begin with tenter::worker_if_asked()?"
            ),
            said => format!("worker {name} ended before it was there, with {status}: {said}"),
        })
    }

    pub(super) fn is_late(&self, after: Duration) -> NotStarted {
        let (name, pid) = (&self.name, self.pid());
        NotStarted::saying(format!(
            "worker {name} (process {pid}) is not there after {after:?}: does the program's main begin with tenter::worker_if_asked()?"
        ))
    }

    /// Gives it up, if it has not connected: its name is another's to have.
    pub(super) fn discard(&mut self) {
        if !self.has_joined {
            self.kill();
            self.name.clear();
        }
    }

    /// Kills it, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        // It may be gone already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Lets it end.
    pub(super) fn let_go(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end, and kills it if that does not come.
    pub(super) fn end(&mut self) {
        self.let_go();
        let deadline = Instant::now() + FAREWELL;
        let left = || deadline.saturating_duration_since(Instant::now());
        // Its standard error ends with it, if nothing that it has started keeps that.
        let _ = self.silent.recv_timeout(left());
        self.kill();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Passes on what a worker says to this process's standard error, and keeps the end of it.
fn relay(mut from: ChildStderr, said: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => {
                let mut said = said.lock();
                said.extend(&buffer[..n]);
                let excess = said.len().saturating_sub(KEPT);
                said.drain(..excess);
                drop(said);
                // There is nobody to tell.
                let _ = io::stderr().write_all(&buffer[..n]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
