//! How a worker ends.

use std::fmt;

use parking_lot::{Condvar, Mutex};

/// How a worker has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was let go, with nothing left to do.
    Left,
    /// The connection to its scheduler has ended; the line says why.
    Lost(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("the worker has left"),
            Self::Lost(reason) => {
                write!(f, "the worker ends, since its scheduler is gone: {reason}")
            }
        }
    }
}

/// The end, once it has come.
#[derive(Debug, Default)]
pub(super) struct End {
    how: Mutex<Option<Ended>>,
    bell: Condvar,
}

impl End {
    /// It has come; the first reason stays.
    pub(super) fn come(&self, how: Ended) {
        self.how.lock().get_or_insert(how);
        self.bell.notify_all();
    }

    pub(super) fn wait(&self) -> Ended {
        let mut how = self.how.lock();
        loop {
            if let Some(ended) = &*how {
                return ended.clone();
            }
            self.bell.wait(&mut how);
        }
    }
}
