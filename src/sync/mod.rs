//! What tasks and threads of one client share by name: queues, variables, published handles, and what they coordinate
//! themselves with.
//!
//! Named things belong to the client: they live until they are deleted or the client closes, which empties them and
//! ends every wait on them with `Closed`. Values are dropped outside of every lock.
//!
//! Of a client of a cluster they are the cluster's: each type here is either something of this process or a way to ask for
//! it ([`afar`]), with the same semantics, since what answers is one of this process elsewhere.

#[cfg_attr(
    not(feature = "task"),
    allow(
        dead_code,
        unreachable_code,
        unreachable_pub,
        unused_variables,
        reason = "without it there is no link, and nothing that needs one"
    )
)]
mod afar;
mod barrier;
mod coordination;
mod crowd;
#[cfg(feature = "task")]
pub(crate) mod driven;
mod event;
mod line;
mod lock;
mod locks;
mod published;
mod queue;
mod semaphore;
mod subscriber;
mod topic;
mod variable;
mod watched;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::NameError;
use crate::pool::Engine;
use afar::{At, FarQueue, FarVariable, Link};

#[cfg(feature = "task")]
pub(crate) use afar::Afar;
pub(crate) use afar::Codec;
pub(crate) use coordination::Coordination;
pub(crate) use locks::Claim;
pub(crate) use published::Published;
pub use queue::{PutError, Queue, QueueIter, QueueStream};

pub use barrier::{Barrier, BarrierWaitResult};
pub use event::Event;
pub use lock::{Lock, LockGuard, MultiLock};
pub use semaphore::{ReleaseError, Semaphore, SemaphoreGuard};
pub use subscriber::{Messages, Subscriber};
pub use topic::{Message, Topic};
pub use variable::Variable;

/// What a name stands for.
trait Shared: Any + Send + Sync {
    /// Empties it and ends every wait on it.
    fn close(&self);

    /// The type it holds.
    fn holds(&self) -> &'static str;

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

type Names = HashMap<Box<str>, Arc<dyn Shared>>;

/// The named queues and variables of an engine. Queues and variables have separate names.
#[derive(Default)]
pub(crate) struct Named(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    queues: Names,
    variables: Names,
    closed: bool,
}

impl Named {
    /// The queue of this name.
    pub(crate) fn queue<T: Send + 'static>(
        &self,
        engine: &Arc<Engine>,
        codec: FindCodec<T>,
        name: &str,
        capacity: usize,
    ) -> Result<Queue<T>, NameError> {
        if let Some(link) = Link::of(engine) {
            let queue = FarQueue::open(link, known(codec, name)?, name, capacity)?;
            return Ok(Queue::of(engine, At::Afar(queue)));
        }
        let mut tables = self.open()?;
        let shared = find(&mut tables.queues, name, std::any::type_name::<T>(), || {
            queue::new::<T>(name, capacity)
        })?;
        let queue = Queue::of(engine, At::Here(shared));
        if queue.capacity() != capacity {
            return Err(NameError::OtherCapacity {
                name: name.to_owned(),
                has: queue.capacity(),
                asked: capacity,
            });
        }
        Ok(queue)
    }

    /// The variable of this name.
    pub(crate) fn variable<T: Clone + Send + Sync + 'static>(
        &self,
        engine: &Arc<Engine>,
        codec: FindCodec<T>,
        name: &str,
    ) -> Result<Variable<T>, NameError> {
        if let Some(link) = Link::of(engine) {
            let variable = FarVariable::open(link, known(codec, name)?, name)?;
            return Ok(Variable::of(engine, At::Afar(variable)));
        }
        let mut tables = self.open()?;
        let shared = find(
            &mut tables.variables,
            name,
            std::any::type_name::<T>(),
            || variable::new::<T>(name),
        )?;
        Ok(Variable::of(engine, At::Here(shared)))
    }

    /// Forgets the name of a queue, if it still stands for this one.
    fn forget_queue(&self, name: &str, shared: &Arc<dyn Shared>) {
        forget(&mut self.0.lock().queues, name, shared);
    }

    /// Forgets the name of a variable, if it still stands for this one.
    fn forget_variable(&self, name: &str, shared: &Arc<dyn Shared>) {
        forget(&mut self.0.lock().variables, name, shared);
    }

    /// Closes everything, for good.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
        self.restart();
    }

    /// Closes everything there is; each name is free for another.
    pub(crate) fn restart(&self) {
        let (queues, variables) = {
            let tables = &mut *self.0.lock();
            (
                std::mem::take(&mut tables.queues),
                std::mem::take(&mut tables.variables),
            )
        };
        queues
            .values()
            .chain(variables.values())
            .for_each(|shared| shared.close());
    }

    fn open(&self) -> Result<parking_lot::MutexGuard<'_, Tables>, NameError> {
        let tables = self.0.lock();
        if tables.closed {
            Err(NameError::Closed)
        } else {
            Ok(tables)
        }
    }
}

/// Finds out how a type is encoded, where that must be known.
pub(crate) type FindCodec<T> = fn() -> Option<Codec<T>>;

/// How the type of what is shared by this name is encoded.
fn known<T>(codec: FindCodec<T>, name: &str) -> Result<Codec<T>, NameError> {
    codec().ok_or_else(|| NameError::NotPortable {
        name: name.to_owned(),
        of: std::any::type_name::<T>(),
    })
}

fn forget(names: &mut Names, name: &str, shared: &Arc<dyn Shared>) {
    if names
        .get(name)
        .is_some_and(|other| Arc::ptr_eq(other, shared))
    {
        names.remove(name);
    }
}

/// What the name stands for, if it is an `S`; a new one if it stands for nothing.
fn find<S: Shared>(
    names: &mut Names,
    name: &str,
    asked: &'static str,
    new: impl FnOnce() -> S,
) -> Result<Arc<S>, NameError> {
    let shared = match names.get(name) {
        Some(shared) => Arc::clone(shared),
        None => {
            let shared: Arc<dyn Shared> = Arc::new(new());
            names.insert(name.into(), Arc::clone(&shared));
            shared
        }
    };
    let holds = shared.holds();
    let other = |_| NameError::OtherType {
        name: name.to_owned(),
        holds: holds.into(),
        asked,
    };
    shared.into_any().downcast().map_err(other)
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tables = self.0.lock();
        f.debug_struct("Named")
            .field("queues", &tables.queues.keys())
            .field("variables", &tables.variables.keys())
            .finish_non_exhaustive()
    }
}
