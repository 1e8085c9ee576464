//! The tables of locks, semaphores, events, barriers and topics. Each kind has names of its own.

use std::sync::Arc;

use parking_lot::Mutex;

use super::locks::Locks;
use super::{Names, Shared};
use crate::error::NameError;

/// Which table a name is in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Semaphore,
    Event,
    Barrier,
    Topic,
}

const KINDS: usize = 4;

/// What tasks and threads of one engine coordinate themselves with.
#[derive(Debug, Default)]
pub(crate) struct Coordination {
    pub(crate) locks: Locks,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    names: [Names; KINDS],
    closed: bool,
}

impl Coordination {
    /// What the name stands for; a new one if it stands for nothing.
    pub(super) fn find<S: Shared>(
        &self,
        kind: Kind,
        name: &str,
        asked: &'static str,
        new: impl FnOnce() -> S,
    ) -> Result<Arc<S>, NameError> {
        let tables = &mut *self.tables.lock();
        if tables.closed {
            return Err(NameError::Closed);
        }
        super::find(&mut tables.names[kind as usize], name, asked, new)
    }

    /// As [`find`](Self::find), for what has so many of something, which `has` tells: never none, and always as many.
    pub(super) fn find_counted<S: Shared>(
        &self,
        kind: Kind,
        name: &str,
        asked: &'static str,
        (what, number): (&'static str, usize),
        has: impl FnOnce(&S) -> usize,
        new: impl FnOnce() -> S,
    ) -> Result<Arc<S>, NameError> {
        let name_too = || name.to_owned();
        if number == 0 {
            let name = name_too();
            return Err(NameError::Zero { name, what });
        }
        let found = self.find(kind, name, asked, new)?;
        match has(&found) {
            has if has == number => Ok(found),
            has => Err(NameError::OtherNumber {
                name: name_too(),
                what,
                has,
                asked: number,
            }),
        }
    }

    /// Whether the name stands for anything.
    pub(super) fn exists(&self, kind: Kind, name: &str) -> bool {
        self.tables.lock().names[kind as usize].contains_key(name)
    }

    /// Forgets a name, if it still stands for this one, and ends every wait there.
    pub(super) fn delete<S: Shared>(&self, kind: Kind, name: &str, shared: &Arc<S>) {
        let shared: Arc<dyn Shared> = Arc::clone(shared) as _;
        super::forget(&mut self.tables.lock().names[kind as usize], name, &shared);
        shared.close();
    }

    /// Closes everything, for good.
    pub(crate) fn close(&self) {
        self.tables.lock().closed = true;
        self.locks.close();
        self.restart();
    }

    /// Closes everything there is; each name is free for another. Held locks stay held.
    pub(crate) fn restart(&self) {
        self.locks.send_on();
        let names = std::mem::take(&mut self.tables.lock().names);
        names
            .iter()
            .flat_map(Names::values)
            .for_each(|shared| shared.close());
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.names.iter().map(Names::keys))
            .finish()
    }
}
