//! A client's configuration.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::error::StartError;
use crate::pool::{Engine, Host, Options};

/// 8 MiB: bodies that wait run what they wait for on their own stack, hundreds deep. Untouched stack costs nothing.
const STACK: usize = 8 << 20;
/// Pure results remembered by default.
const REMEMBER: usize = 8192;
/// How long nothing may happen while somebody waits before it is said.
const STALL: Duration = Duration::from_secs(10);

/// How a client is to be; see [`Client::builder`].
///
/// ```
/// use tenter::Client;
/// let client = Client::builder().threads(2).thread_name("beam").build()?;
/// assert_eq!(client.threads(), 2);
/// # Ok::<(), tenter::StartError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder starts nothing until `build`"]
pub struct Builder {
    options: Options,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let options = Options {
            threads,
            thread_name: "tenter".to_owned(),
            stack_size: STACK,
            remember: REMEMBER,
            seed: None,
            host: Host::Threads,
            stall_after: STALL,
            on_start: None,
            on_stop: None,
            on_stall: None,
        };
        Self { options }
    }

    /// Threads that run tasks at the same time; by default one for each core. More are started while some block.
    pub fn threads(mut self, threads: usize) -> Self {
        self.options.threads = threads;
        self
    }

    /// What the threads are called: this, and a number.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.options.thread_name = name.into();
        self
    }

    /// Bytes of stack of each thread; by default 8 MiB, of which only what is used takes memory.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.stack_size = bytes;
        self
    }

    /// How many finished pure results are kept when nobody wants them; by default 8,192, fewer past 256 MiB but never
    /// fewer than 1,024 for that reason. 0 keeps none. The bytes are those of the values themselves, without what they
    /// point to: ask for fewer when results are large behind a pointer.
    pub fn remember(mut self, results: usize) -> Self {
        self.options.remember = results;
        self
    }

    /// Called on each thread before its first task.
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.options.on_start = Some(Arc::new(hook));
        self
    }

    /// Called on each thread after its last task.
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.options.on_stop = Some(Arc::new(hook));
        self
    }

    /// Called, instead of a line on standard error, when nothing has started or settled for long although somebody
    /// waits. Once for each standstill; a single long task is one too.
    pub fn on_stall(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.options.on_stall = Some(Arc::new(hook));
        self
    }

    /// How long nothing must happen for [`on_stall`](Self::on_stall); by default 10 s.
    pub fn stall_after(mut self, time: Duration) -> Self {
        self.options.stall_after = time;
        self
    }

    /// Runs one task at a time, in an order that the seed decides: the same seed, the same order, as long as only
    /// tasks submit tasks. For tests; it knows only tenter's own blocking.
    pub fn deterministic(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Whose threads run the tasks; by default [`Host::Threads`], the client's own. [`deterministic`](Self::deterministic)
    /// is a host of its own, which goes before this one.
    pub fn host(mut self, host: Host) -> Self {
        self.options.host = host;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`StartError`]: zero threads, a thread name with NUL, the system refuses a thread, or rayon's threads are asked
    /// for and were started by somebody else.
    pub fn build(self) -> Result<Client, StartError> {
        if self.options.threads == 0 {
            return Err(StartError::NoThreads);
        }
        if self.options.thread_name.contains('\0') {
            return Err(StartError::ThreadName(self.options.thread_name));
        }
        self.options.host.prepare(&self.options)?;
        Engine::start(self.options)
            .map(Client::owning)
            .map_err(StartError::Spawn)
    }
}
