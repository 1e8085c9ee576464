//! A worker: runs what the scheduler sends it, holds what comes of that, gives it to whoever needs it.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `options.rs` | how a worker is to be |
//! | `desk.rs` | what the scheduler says, on the thread of that connection |
//! | `house.rs` | what all parts share: the runs that are here, and the words that leave |
//! | `run.rs`, `kind.rs` | one run from its arrival to its end; what runs of a kind have in common |
//! | `inputs.rs` | data that runs need: held here, sent along, or fetched from others |
//! | `store.rs` | data that is held |
//! | `actors.rs` | calls of actors that live here |
//! | `speech.rs` | what is said to the scheduler, and when it leaves |
//! | `end.rs` | how it ends |
//!
//! # Rules
//! 1. A run is a task of this process's own graph, with its inputs as inputs. It waits there for data and for a thread;
//!    nothing here decides what runs next.
//! 2. Nobody waits for a run: what attends to it is told of its beginning and end on the thread that runs it, and that
//!    thread says so.
//! 3. A run is in one of four states: it lies here, it has begun, it is off (given back, cancelled or without its inputs
//!    before it began), or its end was told. Each change is one atomic step, so its end is told once.
//! 4. **Said before it begins.** That a body begins is written to the connection before it does, since it may end the
//!    process. Of kinds whose bodies have all been short so far it is left out: then nothing was written of the last few ends
//!    either, so the second attempt of any run is announced again; and one that is not short after all with the next tick.
//! 5. **A lone word leaves at once.** The end of a run is written by the thread that ran it, unless more runs lie here: then
//!    the connection's thread writes it with all that comes meanwhile.
//! 6. Whatever is said of data here is true when it is read: `Stored` and `Done` follow the entry in the store.

mod actors;
mod desk;
mod end;
mod house;
mod inputs;
mod kind;
mod options;
mod run;
mod speech;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Client;
use crate::driver;
use crate::net::client::Session;
use crate::net::data::Peers;
use crate::net::message::WorkerHello;
use crate::net::server::NotStarted;
use crate::net::transport::{Address, Hub};
use crate::net::wire::{Hello, Party};
use desk::Desk;
use house::House;
use store::Store;

pub use end::Ended;
pub(in crate::net) use options::setup_of;
pub use options::{Setup, WorkerOptions};

/// How long the end of a worker waits for bodies that run on although they were told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// A worker in this process.
///
/// Dropping it ends it at once, as if its process had died: what it ran is run again elsewhere, and what only it held is
/// computed again. To hand over first, [`leave`](Self::leave) and [`wait`](Self::wait).
pub struct Worker {
    house: Arc<House>,
    address: String,
    /// There until it is dropped.
    client: Option<Client>,
    hub: Option<Hub<Desk>>,
}

impl Worker {
    /// Starts one, which runs the tasks of this program for the scheduler at an address like `tcp://127.0.0.1:8786`.
    ///
    /// # Errors
    /// If the set-up function fails, the address is none or nobody answers there, or the system has no thread to give.
    pub fn start(scheduler: &str, options: WorkerOptions) -> Result<Self, NotStarted> {
        let to: Address = scheduler.parse().map_err(NotStarted::because)?;
        options.set_up()?;
        let store = Arc::new(Store::new(options.memory_limit));
        let house = Arc::new(House::new(store));
        let client = options.client(&house).map_err(NotStarted::because)?;
        let (peers, at) = Peers::serve(
            options.settings.clone(),
            options.reach,
            &options.data_address(&to)?,
            house.shelf(),
        )
        .map_err(NotStarted::because)?;
        let session = open_session(&house, &client, &peers);
        house.give_peers(peers);
        let hello = options.hello(Address::from(at).to_string(), client.threads());
        let desk = Desk::new(house.clone(), client.clone(), session);
        let hub = Hub::start("tenter-worker", options.settings, desk);
        let mut worker = Self {
            address: hello.address.clone(),
            house,
            client: Some(client),
            hub: None,
        };
        let hub = worker.hub.insert(hub.map_err(NotStarted::because)?);
        let hello = Hello::new(Party::Worker(hello));
        hub.connect(&to, options.reach, hello)
            .map_err(NotStarted::because)?;
        Ok(worker)
    }

    /// Where it gives data out.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Bytes of results that it holds, as they would be sent.
    pub fn held_bytes(&self) -> u64 {
        self.house.store.bytes()
    }

    /// Asks to leave: what has not begun here goes to others, and so do copies of what only it holds. [`wait`](Self::wait)
    /// returns when that is done.
    pub fn leave(&self) {
        self.house.leave();
    }

    /// As [`leave`](Self::leave), to be called when the process is asked to end.
    pub fn leaver(&self) -> impl Fn() + Send + Sync + use<> {
        let house = Arc::downgrade(&self.house);
        move || {
            if let Some(house) = house.upgrade() {
                house.leave();
            }
        }
    }

    /// Waits until it has left, or its scheduler has gone.
    pub fn wait(&self) -> Ended {
        self.house.end.wait()
    }
}

/// The tasks of the process are a client of the scheduler over the worker's connection.
fn open_session(house: &Arc<House>, client: &Client, peers: &Arc<Peers>) -> Arc<Session> {
    let peers = Arc::downgrade(peers);
    let session = Session::new(house.speech.clone(), move || {
        let gone = || std::io::Error::other("this worker has ended");
        peers.upgrade().ok_or_else(gone)
    });
    let first = driver::set_backend(client, session.clone());
    debug_assert!(first, "the client was made just now");
    session
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Nothing more is heard, then nothing more is said or given out.
        if let Some(hub) = self.hub.take() {
            self.house.speech.close("the worker has ended");
            drop(hub);
        }
        self.house.clear();
        let Some(client) = self.client.take() else {
            return;
        };
        if !client.close(GRACE).is_clean() {
            // Its end would wait for bodies that do not end.
            std::mem::forget(client);
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The functions that this program has, in the order by which the scheduler numbers them.
fn functions() -> Vec<crate::net::message::FunctionInfo> {
    let info = |function: &driver::Function| crate::net::message::FunctionInfo {
        name: function.name().to_owned(),
        signature: function.signature_hash(),
    };
    driver::functions().iter().map(info).collect()
}

impl WorkerOptions {
    /// What the scheduler is to know.
    fn hello(&self, address: String, threads: usize) -> WorkerHello {
        WorkerHello {
            name: self.name.clone(),
            host: self.host(),
            address,
            slots: u32::try_from(threads).unwrap_or(u32::MAX),
            resources: self.resources.clone(),
            functions: functions(),
            memory_limit: self.memory_limit,
        }
    }
}
