//! Data that is held: results of runs, copies of what others hold, and what clients have brought.
//!
//! A result stays as the value that it is, for the runs here that borrow it. An array of numbers is given out from there.
//! Anything else is encoded when somebody asks for it first, and the bytes are kept from then on. Its size is that of the
//! encoding, counted when it was made.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::driver::{AnyHandle, Function};
use crate::net::data;
use crate::net::message::Run;

/// The data of a worker.
#[derive(Debug)]
pub(super) struct Store {
    held: Mutex<HashMap<Run, Held>>,
    bytes: AtomicU64,
    /// Bytes that it may hold; 0 is without limit.
    limit: u64,
}

/// A piece of data.
#[derive(Debug)]
struct Held {
    bytes: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A result of this worker: its task here, and what encodes it.
    Made(AnyHandle, Function, Option<Bytes>),
    /// It came from elsewhere; and the task here that is finished with it, if there is one.
    Came(data::Content, Option<AnyHandle>),
}

impl Store {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            held: Mutex::default(),
            bytes: AtomicU64::new(0),
            limit,
        }
    }

    /// Bytes of all data.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    fn keep(&self, data: Run, bytes: u64, content: Content) {
        let old = self.held.lock().insert(data, Held { bytes, content });
        self.bytes.fetch_add(bytes, Relaxed);
        self.forget(old);
    }

    /// Drops what was held, outside of the lock: that runs user code.
    fn forget(&self, held: Option<Held>) {
        if let Some(held) = held {
            self.bytes.fetch_sub(held.bytes, Relaxed);
        }
    }

    /// Keeps the value of a task that is about to finish.
    pub(super) fn keep_made(&self, data: Run, bytes: u64, task: AnyHandle, function: Function) {
        self.keep(data, bytes, Content::Made(task, function, None));
    }

    /// Keeps data that came.
    pub(super) fn keep_copy(&self, data: Run, content: data::Content, task: Option<AnyHandle>) {
        let bytes = content.bytes();
        self.keep(data, bytes, Content::Came(content, task));
    }

    /// Keeps data that was brought, if there is room.
    pub(super) fn keep_brought(&self, data: Run, content: data::Content) -> Result<(), String> {
        self.has_room(content.bytes())?;
        self.keep_copy(data, content, None);
        Ok(())
    }

    /// Whether data of this size may be brought.
    pub(super) fn has_room(&self, bytes: u64) -> Result<(), String> {
        let all = self.bytes().saturating_add(bytes);
        if self.limit > 0 && all > self.limit {
            return Err(format!(
                "it may hold {} bytes, and would hold {all}",
                self.limit
            ));
        }
        Ok(())
    }

    pub(super) fn has(&self, data: Run) -> bool {
        self.held.lock().contains_key(&data)
    }

    /// The task that is finished with this data. Of what came from elsewhere it is made by `make`, once.
    pub(super) fn task(
        &self,
        data: Run,
        make: impl FnOnce(data::Content) -> AnyHandle,
    ) -> Option<AnyHandle> {
        let held = &mut *self.held.lock();
        match &mut held.get_mut(&data)?.content {
            Content::Made(task, ..) => Some(task.clone()),
            Content::Came(content, task) => {
                let task = task.get_or_insert_with(|| make(content.clone()));
                Some(task.clone())
            }
        }
    }

    /// The task that has made this actor, if it lives here.
    pub(super) fn actor(&self, data: Run) -> Option<AnyHandle> {
        match &self.held.lock().get(&data)?.content {
            Content::Made(task, function, _) if function.makes_actors() => Some(task.clone()),
            Content::Made(..) | Content::Came(..) => None,
        }
    }

    /// Nobody needs these.
    pub(super) fn drop_data(&self, data: &[Run]) {
        for data in data {
            let held = self.held.lock().remove(data);
            self.forget(held);
        }
    }

    pub(super) fn clear(&self) {
        let held = std::mem::take(&mut *self.held.lock());
        held.into_values().for_each(|held| self.forget(Some(held)));
    }

    /// This data, encoded.
    pub(super) fn encoded(&self, data: Run) -> Option<data::Content> {
        let (task, function) = match &self.held.lock().get(&data)?.content {
            Content::Came(content, _) => return Some(content.clone()),
            Content::Made(.., Some(bytes)) => return Some(bytes.clone().into()),
            Content::Made(task, function, None) => (task.clone(), *function),
        };
        if let Some(array) = function.array(&task).ok()? {
            return Some(data::Content::Array(array));
        }
        // It was encoded in part when it was made: only a value that encodes differently each time fails now.
        let bytes = Bytes::from(function.encode(&task).ok()?.bytes);
        if let Some(held) = self.held.lock().get_mut(&data)
            && let Content::Made(.., encoded) = &mut held.content
        {
            encoded.get_or_insert_with(|| bytes.clone());
        }
        Some(bytes.into())
    }
}
