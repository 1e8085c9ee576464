//! An item: bytes, and the tasks of the handles in them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::lock;
use crate::net::message::TaskId;

/// Something that was put, set or published. Dropped, it lets its tasks go.
#[derive(Debug)]
pub(super) struct Item {
    bytes: Bytes,
    tasks: Vec<TaskId>,
    loose: Loose,
}

/// Tasks that items have let go.
#[derive(Clone, Debug, Default)]
pub(super) struct Loose(Arc<Mutex<Vec<TaskId>>>);

impl Item {
    pub(super) fn new(bytes: Bytes, tasks: Vec<TaskId>, loose: &Loose) -> Self {
        Self {
            bytes,
            tasks,
            loose: loose.clone(),
        }
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(super) fn tasks(&self) -> &[TaskId] {
        &self.tasks
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.loose.add(&self.tasks);
    }
}

impl Loose {
    pub(super) fn add(&self, tasks: &[TaskId]) {
        if !tasks.is_empty() {
            lock(&self.0).extend_from_slice(tasks);
        }
    }

    pub(super) fn take(&self) -> Vec<TaskId> {
        std::mem::take(&mut *lock(&self.0))
    }
}
