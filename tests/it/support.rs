//! What the tests share: a watchdog, waiting on a condition, gates, logs, leak checks.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

#[cfg(feature = "rayon")]
use tenter::Host;
use tenter::{Client, Status, TaskFuture};

/// Far above what any test takes, under a sanitizer too: past it the body hangs.
const LIMIT: Duration = Duration::from_secs(120);
/// Far above what any condition takes to come about.
const PATIENCE: Duration = Duration::from_secs(100);

/// Runs a test's body in a thread, so that a hang is a failure.
pub(crate) fn watched(body: impl FnOnce() + Send + 'static) {
    #[cfg(feature = "rayon")]
    start_rayon();
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = send.send(catch_unwind(AssertUnwindSafe(body)));
    });
    match ended.recv_timeout(LIMIT) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("the test hangs: it has not ended after {LIMIT:?}"),
    }
}

/// Looks at a condition until it holds. Other than a wait of the client's, this does not count as somebody waiting.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came about: {what}");
        std::thread::yield_now();
    }
}

/// A client with so many threads.
pub(crate) fn client_of(threads: usize) -> Client {
    Client::builder()
        .threads(threads)
        .build()
        .expect("threads are to be had")
}

/// A client with so many places, on rayon's threads.
#[cfg(feature = "rayon")]
pub(crate) fn rayon_client_of(threads: usize) -> Client {
    let builder = Client::builder().host(Host::Rayon).threads(threads);
    builder.build().expect("nobody else starts rayon's pool")
}

/// Whatever test comes first: rayon's global pool of this process has three threads, of which two may run tasks.
#[cfg(feature = "rayon")]
fn start_rayon() {
    static POOL: std::sync::Once = std::sync::Once::new();
    POOL.call_once(|| drop(rayon_client_of(3)));
}

/// Once nobody holds a handle, the graph is empty.
#[track_caller]
pub(crate) fn assert_nothing_left(client: &Client) {
    let start = Instant::now();
    // A thread that has just run a pure task may let go of it, and so have it remembered, at any time.
    while {
        client.forget_remembered();
        client.stats().live != 0
    } {
        assert!(
            start.elapsed() < PATIENCE,
            "tasks are left: {:?}",
            client.stats()
        );
        std::thread::yield_now();
    }
}

/// As [`assert_nothing_left`], once these are dropped.
#[track_caller]
pub(crate) fn assert_nothing_left_after<T>(client: &Client, handles: T) {
    drop(handles);
    assert_nothing_left(client);
}

/// Holds one of the pool's threads, unseen by the pool, until it is opened or dropped.
pub(crate) struct Gate {
    open: Option<mpsc::Sender<()>>,
    task: TaskFuture<()>,
}

impl Gate {
    pub(crate) fn close(client: &Client) -> Self {
        let (open, opened) = mpsc::channel::<()>();
        let task = client.task("gate").submit(move || {
            let _ = opened.recv();
        });
        until("the gate is closed", || task.status() == Status::Running);
        Self {
            open: Some(open),
            task,
        }
    }

    pub(crate) fn task(&self) -> &TaskFuture<()> {
        &self.task
    }

    pub(crate) fn open(mut self) {
        drop(self.open.take());
        until("the gate is open", || self.task.is_done());
    }
}

/// A log that tasks write to.
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Clone> Log<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn write(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn read(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}

/// Counts the values of it that are alive, and how often it was cloned.
#[derive(Debug)]
pub(crate) struct Counted {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    alive: AtomicUsize,
    dropped: AtomicUsize,
    clones: AtomicUsize,
}

impl Counts {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn counted(self: &Arc<Self>) -> Counted {
        self.alive.fetch_add(1, SeqCst);
        Counted {
            counts: Arc::clone(self),
        }
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(SeqCst)
    }

    pub(crate) fn clones(&self) -> usize {
        self.clones.load(SeqCst)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.counts.clones.fetch_add(1, SeqCst);
        self.counts.counted()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.alive.fetch_sub(1, SeqCst);
        self.counts.dropped.fetch_add(1, SeqCst);
    }
}
