//! A client's configuration.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::error::StartError;
#[cfg(feature = "task")]
use crate::place::Anywhere;
use crate::pool::{Engine, Host, Options, Sizes};
use crate::transition::Transition;

/// 8 MiB: bodies that wait run what they wait for on their own stack, hundreds deep. Untouched stack costs nothing.
const STACK: usize = 8 << 20;
/// Pure results remembered by default.
const REMEMBER: usize = 8192;
/// How long nothing may happen while somebody waits before it is said.
const STALL: Duration = Duration::from_secs(10);

/// The address of clients that are given none.
#[cfg(feature = "task")]
const ADDRESS: &str = "TENTER_ADDRESS";

/// Set to 1, it is as if every client were built with `encode(true)`.
#[cfg(feature = "task")]
const ENCODE: &str = "TENTER_ENCODE";

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
    #[cfg(feature = "net")]
    remote: crate::net::client::ClientOptions,
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
            resources: Vec::new(),
            pools: Vec::new(),
            max_pending: None,
            max_spares: usize::MAX,
            on_start: None,
            on_stop: None,
            on_stall: None,
            on_blocked: None,
            story: 0,
            observer: None,
            sizes: Sizes::default(),
            #[cfg(feature = "task")]
            encodes: std::env::var_os(ENCODE).is_some_and(|set| !set.is_empty() && set != "0"),
        };
        Self {
            options,
            #[cfg(feature = "net")]
            remote: crate::net::client::ClientOptions::default(),
        }
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

    /// So much there is of a resource, for [`Task::resource`](crate::Task::resource): a device, a licence, bytes of
    /// memory. A name and a number, nothing else; in units small enough that whole numbers do. Declared twice, the last
    /// amount counts.
    pub fn resource(mut self, name: impl Into<String>, amount: u64) -> Self {
        declare(&mut self.options.resources, name.into(), amount);
        self
    }

    /// A named pool of so many threads, for [`Task::pool`](crate::Task::pool): they run the tasks that ask for it and
    /// nothing else, and no other thread runs those. A body that blocks in it, where tenter knows of it, lets a spare
    /// thread take its part; around other blocking code say so with [`blocking`](crate::blocking). Declared twice, the
    /// last number counts.
    ///
    /// With [`deterministic`](Self::deterministic) a pool has no threads: its tasks take turns with all others.
    pub fn pool(mut self, name: impl Into<String>, threads: usize) -> Self {
        declare(&mut self.options.pools, name.into(), threads);
        self
    }

    /// How many tasks may be submitted and not started, about: a submit outside of tasks then waits until there are
    /// fewer, or until no task has started for 10 ms. Tasks never wait. By default there is no limit.
    ///
    /// Counted in batches of each thread, so it may be passed by up to 64 tasks for each thread that submits; when few
    /// are free, by less.
    pub fn max_pending(mut self, tasks: usize) -> Self {
        self.options.max_pending = Some(tasks);
        self
    }

    /// How many spare threads there may be, beside [`threads`](Self::threads) and for each named pool: one takes the
    /// part of each task that is blocked. With as many blocked, one more wait that cannot help gives `TooManyBlocked`.
    /// By default, and at most, 4,096.
    pub fn max_spares(mut self, threads: usize) -> Self {
        self.options.max_spares = threads;
        self
    }

    /// How many finished pure results are kept when nobody wants them; by default 8,192, fewer past 256 MiB but never
    /// fewer than 1,024 for that reason. 0 keeps none. The bytes are those that [`nbytes`](Self::nbytes) knows of.
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

    /// Keeps the newest `transitions` for [`Client::story`]; by default none, and then they cost nothing.
    ///
    /// Each thread keeps so many of its own, about 150 bytes each, and the newest of all of them are shown. A task of
    /// less than a microsecond takes about twice as long with it.
    pub fn story(mut self, transitions: usize) -> Self {
        self.options.story = transitions;
        self
    }

    /// Called for every transition of every task, on the thread where it happens and before that thread goes on: a slow
    /// observer slows the tasks down. Calls come from several threads at once; only their
    /// [`time`](Transition::time) tells their order. If it panics, the panic is caught and ends there. It may use the
    /// client; of what it brings about it is told as soon as it returns, so one that submits a task for every transition
    /// has no end.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    /// use std::sync::Arc;
    /// use tenter::{Client, Status};
    ///
    /// let failed = Arc::new(AtomicUsize::new(0));
    /// let count = failed.clone();
    /// let client = Client::builder()
    ///     .observer(move |transition| {
    ///         if transition.to() == Some(Status::Failed) {
    ///             count.fetch_add(1, SeqCst);
    ///         }
    ///     })
    ///     .build()?;
    /// assert!(client.try_submit(|| "x".parse::<u8>()).result().is_err());
    /// assert_eq!(failed.load(SeqCst), 1);
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn observer(mut self, hook: impl Fn(&Transition) + Send + Sync + 'static) -> Self {
        self.options.observer = Some(Arc::new(hook));
        self
    }

    /// Says how many bytes a result of type `T` takes, what it points to included, for [`Stats::bytes`] and for the
    /// bounds of [`remember`](Self::remember). It must say the same of one value whenever it is asked; if it panics,
    /// the value counts with its own size alone.
    ///
    /// Of texts and of vectors of numbers the size is known; of any other type, only that of the value itself. The
    /// trait [`Nbytes`](crate::Nbytes) says it for the usual compositions of these.
    ///
    /// ```
    /// use tenter::{Client, Nbytes};
    ///
    /// struct Frame { pixels: Vec<u16> }
    /// let client = Client::builder()
    ///     .nbytes(|frame: &Frame| frame.pixels.nbytes())
    ///     .nbytes(<Vec<(String, f64)>>::nbytes)
    ///     .build()?;
    /// let frame = client.scatter(Frame { pixels: vec![0; 1000] });
    /// assert!(frame.nbytes().unwrap() >= 2000);
    /// assert!(client.stats().bytes >= 2000);
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    ///
    /// [`Stats::bytes`]: crate::Stats::bytes
    pub fn nbytes<T: 'static>(
        mut self,
        size: impl Fn(&T) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.options.sizes.declare(size);
        self
    }

    /// Sends the calls of `#[task]` functions through their encoding, although they stay in this process: arguments are
    /// encoded at the submit and decoded where the call runs, so are its inputs and its result, and of an error of the
    /// user's only the text is left. So a program can be tested for travel in one process. Closures are run as ever, and what is
    /// scattered, or shared by name, stays as it is until it is the input of a call.
    ///
    /// By default not, unless `TENTER_ENCODE=1` is in the environment.
    ///
    /// ```
    /// use tenter::{Client, task};
    ///
    /// #[task]
    /// fn halve(x: u64) -> Result<u64, std::num::TryFromIntError> {
    ///     Ok(u64::from(u32::try_from(x)?) / 2)
    /// }
    ///
    /// let client = Client::builder().encode(true).build()?;
    /// let error = client.submit(halve::call(u64::MAX)).result().unwrap_err();
    /// assert_eq!(error.message(), "out of range integral type conversion attempted");
    /// assert!(error.downcast_ref::<std::num::TryFromIntError>().is_none());
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    #[cfg(feature = "task")]
    #[cfg_attr(docsrs, doc(cfg(feature = "task")))]
    pub fn encode(mut self, encode: bool) -> Self {
        self.options.encodes = encode;
        self
    }

    #[cfg(feature = "task")]
    pub(crate) fn when_blocked(mut self, hook: Arc<dyn Fn(bool) + Send + Sync>) -> Self {
        self.options.on_blocked = Some(hook);
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`StartError`]: zero threads, also of a pool, a name with NUL, no pending tasks, the system refuses a thread,
    /// rayon's threads are asked for and were started by somebody else, or two `#[task]` functions have one name.
    pub fn build(self) -> Result<Client, StartError> {
        self.start().map(Client::owning)
    }

    /// As [`build`](Self::build), a client that takes calls alone, and so could be of any place: see [`Client::connect`].
    ///
    /// Of a client of a cluster the threads are those that run closures and callbacks in this process.
    ///
    /// # Errors
    /// As `build`, and [`StartError::Address`]; with the feature `net`, `StartError::Connect`.
    #[cfg(feature = "task")]
    #[cfg_attr(docsrs, doc(cfg(feature = "task")))]
    pub fn connect<'a>(
        self,
        address: impl Into<Option<&'a str>>,
    ) -> Result<Client<Anywhere>, StartError> {
        let address = match address.into() {
            Some(address) => Some(address.to_owned()),
            None => std::env::var(ADDRESS).ok().filter(|set| !set.is_empty()),
        };
        match address.as_deref() {
            None | Some("inproc") => self.start().map(Client::owning),
            #[cfg(feature = "net")]
            Some(other) if other.contains("://") => self.connect_to(other),
            Some(other) => Err(StartError::Address(other.to_owned())),
        }
    }

    /// A client whose calls run on a cluster.
    #[cfg(feature = "net")]
    fn connect_to(self, address: &str) -> Result<Client<Anywhere>, StartError> {
        let session = crate::net::client::connect(address, self.remote.clone());
        let session = session.map_err(|why| StartError::Connect {
            address: address.to_owned(),
            why: why.to_string(),
        })?;
        match self.start() {
            Ok(engine) => {
                let set = engine.set_backend(session);
                debug_assert!(set, "it is new");
                Ok(Client::owning(engine))
            }
            Err(error) => {
                crate::driver::Backend::close(&*session);
                Err(error)
            }
        }
    }

    fn start(self) -> Result<Arc<Engine>, StartError> {
        if self.options.threads == 0 {
            return Err(StartError::NoThreads);
        }
        if self.options.thread_name.contains('\0') {
            return Err(StartError::ThreadName(self.options.thread_name));
        }
        check(&self.options)?;
        self.options.host.prepare(&self.options)?;
        #[cfg(feature = "task")]
        crate::registry::check()?;
        Engine::start(self.options).map_err(StartError::Spawn)
    }
}

/// Of a client of a cluster.
#[cfg(feature = "net")]
#[cfg_attr(docsrs, doc(cfg(feature = "net")))]
impl Builder {
    /// What people call the client, in what the scheduler says of it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.remote.hello.name = name.into();
        self
    }

    /// For how many finished tasks of this client the cluster keeps what it takes to compute a result again that was lost
    /// with a worker; past it, the oldest go. Without a word it is the scheduler's default.
    pub fn lineage_limit(mut self, tasks: u64) -> Self {
        self.remote.hello.lineage_limit = Some(tasks);
        self
    }

    /// Lets it connect to other machines, although connections are neither authenticated nor encrypted yet: whoever can reach
    /// them can read every result, and run every task that the workers have.
    pub fn insecure(mut self) -> Self {
        self.remote.reach = crate::net::transport::Reach::Insecure;
        self
    }

    /// How long it may take to connect; by default 10 s.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.remote.settings.handshake = time;
        self
    }

    /// How often it shows the cluster that it is alive, when it has nothing else to say; by default every second.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.remote.settings.heartbeat = every;
        self
    }

    /// After how long without a word from the cluster the connection is given up, and every task that is not finished fails
    /// with [`Disconnected`](crate::ErrorKind::Disconnected); by default 5 s. At least twice the cluster's heartbeat.
    pub fn lost_after(mut self, silence: Duration) -> Self {
        self.remote.settings.silence = silence;
        self
    }
}

/// Sets what a name stands for.
fn declare<T>(names: &mut Vec<(String, T)>, name: String, value: T) {
    match names.iter_mut().find(|(other, _)| *other == name) {
        Some((_, old)) => *old = value,
        None => names.push((name, value)),
    }
}

fn check(options: &Options) -> Result<(), StartError> {
    for (name, threads) in &options.pools {
        if *threads == 0 {
            return Err(StartError::Option(format!(
                "the pool `{name}` has no threads: give it 1 or more, or leave it out"
            )));
        }
        if name.contains('\0') {
            return Err(StartError::ThreadName(name.clone()));
        }
    }
    if options.max_pending == Some(0) {
        let text = "`max_pending(0)` would let no task in: give it 1 or more, or leave it out";
        return Err(StartError::Option(text.to_owned()));
    }
    Ok(())
}
