//! What all parts of a worker share.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::actors::{self, Calls};
use super::end::End;
use super::inputs::OnTheWay;
use super::run::Guest;
use super::speech::Speech;
use super::store::Store;
use crate::net::data::{Call, Caller, Content, NotCalled, Peers, Shelf};
use crate::net::map::Map;
use crate::net::message::{FromWorker, Run};
use crate::net::transport::LinkId;

/// What all parts of a worker share.
pub(super) struct House {
    pub(super) speech: Arc<Speech>,
    pub(super) store: Arc<Store>,
    /// Of actors that live here.
    pub(super) calls: Calls,
    pub(super) end: End,
    runs: Mutex<Map<Run, Arc<Guest>>>,
    /// Data that is being fetched.
    pub(super) coming: Mutex<Map<Run, OnTheWay>>,
    /// There until the worker ends.
    peers: Mutex<Option<Arc<Peers>>>,
}

impl House {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            speech: Arc::default(),
            store,
            calls: Calls::default(),
            end: End::default(),
            runs: Mutex::default(),
            coming: Mutex::default(),
            peers: Mutex::default(),
        }
    }

    /// What others are given data from.
    pub(super) fn shelf(self: &Arc<Self>) -> Box<dyn Shelf> {
        Box::new(Shelved {
            store: self.store.clone(),
            speech: self.speech.clone(),
            house: Arc::downgrade(self),
        })
    }

    pub(super) fn give_peers(&self, peers: Arc<Peers>) {
        *self.peers.lock() = Some(peers);
    }

    pub(super) fn peers(&self) -> Option<Arc<Peers>> {
        self.peers.lock().clone()
    }

    /// A run has come.
    pub(super) fn enter(&self, run: Run, guest: Arc<Guest>) {
        self.speech.run_lies();
        self.runs.lock().insert(run, guest);
    }

    pub(super) fn find(&self, run: Run) -> Option<Arc<Guest>> {
        self.runs.lock().get(&run).cloned()
    }

    /// Says of runs that they have begun, where that was left out and they turn out to be long.
    pub(super) fn announce(&self) {
        let runs: Vec<Arc<Guest>> = self.runs.lock().values().cloned().collect();
        runs.iter().for_each(|guest| guest.announce());
    }

    /// A run is not here any more.
    pub(super) fn forget(&self, run: Run) {
        // Dropped outside of the lock: it may be the last to have its task.
        let gone = self.runs.lock().remove(&run);
        drop(gone);
    }

    pub(super) fn leave(&self) {
        self.speech.say_now(&FromWorker::Leaving);
    }

    /// Nothing that is here is needed any more.
    pub(super) fn clear(&self) {
        let peers = self.peers.lock().take();
        drop(peers);
        let coming = std::mem::take(&mut *self.coming.lock());
        let runs = std::mem::take(&mut *self.runs.lock());
        runs.values().for_each(|guest| guest.cancel());
        drop((coming, runs));
        self.calls.clear();
        self.store.clear();
    }
}

/// The store, as others see it.
struct Shelved {
    store: Arc<Store>,
    speech: Arc<Speech>,
    house: Weak<House>,
}

impl Shelf for Shelved {
    fn get(&self, data: Run) -> Option<Content> {
        self.store.encoded(data)
    }

    fn takes(&self, bytes: u64) -> Result<(), String> {
        self.store.has_room(bytes)
    }

    fn put(&self, data: Run, content: Content) -> Result<(), String> {
        let bytes = content.bytes();
        self.store.keep_brought(data, content)?;
        self.speech.say_now(&FromWorker::Stored { data, bytes });
        Ok(())
    }

    fn called(&self, caller: Caller, call: Call) -> Result<(), NotCalled> {
        let house = self.house.upgrade().ok_or(NotCalled::NoActor)?;
        actors::take_in(&house, caller, call)
    }

    fn is_taken_back(&self, caller: (LinkId, u64)) {
        if let Some(house) = self.house.upgrade() {
            house.calls.take_back(caller);
        }
    }

    fn has_gone(&self, link: LinkId) {
        if let Some(house) = self.house.upgrade() {
            house.calls.forget(link);
        }
    }
}
