//! What the tests share: clusters that notice silence soon, waiting for conditions, seeds.

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tenter::net::scheduler::Config;
use tenter::net::server::{Log, SchedulerOptions};
use tenter::net::transport::Settings;
use tenter::{LocalCluster, TaskFuture};

/// Far above what any condition takes to come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How soon silence is noticed: workers beat once a second.
pub(crate) const SILENCE: Duration = Duration::from_millis(2500);

/// Looks at a condition until it holds.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came about: {what}");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// The result of a task that cannot fail.
#[track_caller]
pub(crate) fn value<T: Clone + Send + Sync + 'static>(task: &TaskFuture<T>) -> T {
    match task.result() {
        Ok(value) => value.clone(),
        Err(error) => panic!("{error}"),
    }
}

/// Where tasks knock that have begun.
pub(crate) struct Door(TcpListener);

impl Door {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().expect("it is bound").port()
    }

    /// Waits for one more.
    pub(crate) fn hear(&self) {
        self.0.accept().expect("somebody knocks");
    }
}

/// A cluster, and what its scheduler notes.
pub(crate) struct Noted {
    pub(crate) cluster: LocalCluster,
    notes: Mutex<Receiver<String>>,
}

impl Noted {
    pub(crate) fn start(workers: usize) -> Self {
        Self::with(workers, Config::default())
    }

    pub(crate) fn with(workers: usize, config: Config) -> Self {
        let (tell, notes) = channel();
        let options = SchedulerOptions {
            settings: Settings {
                silence: SILENCE,
                ..Settings::default()
            },
            config,
            log: Log::new(move |notice| {
                // A test that has ended hears no more.
                let _ = tell.send(notice.to_string());
            }),
            ..SchedulerOptions::default()
        };
        let builder = LocalCluster::builder().workers(workers).threads(2);
        let cluster = builder.scheduler(options).start();
        Self {
            cluster: cluster.expect("processes can be started"),
            notes: Mutex::new(notes),
        }
    }

    /// The next note in which all of these stand.
    pub(crate) fn note_with(&self, texts: &[&str]) -> String {
        let notes = self.notes.lock();
        let mut others = Vec::new();
        loop {
            let Ok(note) = notes.recv_timeout(PATIENCE) else {
                panic!("nothing with {texts:?} is noted, but {others:#?}");
            };
            if texts.iter().all(|text| note.contains(text)) {
                return note;
            }
            others.push(note);
        }
    }
}

/// The seed of a test, which is printed.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("TENTER_SEED").ok();
    let seed = given.map_or_else(
        || fastrand::u64(..1 << 32),
        |seed| seed.parse().expect("TENTER_SEED is a number"),
    );
    println!("TENTER_SEED={seed}");
    seed
}
