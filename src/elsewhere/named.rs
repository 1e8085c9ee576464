//! Handles that have come from elsewhere.

use std::any::TypeId;
use std::sync::Arc;

use parking_lot::Mutex;

use super::held::send_new;
use super::landing::Landing;
use crate::call::{Portable, land};
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::pool::Engine;
use crate::pool::extras::Extra;
use crate::pool::job::Job;
use crate::pool::local;
use crate::pool::want::TaskRef;

/// The name of a task elsewhere, by which its handles travel: a slot of that graph in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteId {
    /// The slot.
    pub slot: u32,
    /// How many tasks lived there before.
    pub generation: u32,
}

/// A handle that has come as a name. Decoded as a handle of some type, it is a want of that task.
#[derive(Clone, Debug)]
pub(crate) struct Named(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Arc<Engine>,
    name: RemoteId,
    opened: Mutex<Option<(TaskRef, TypeId)>>,
}

impl Named {
    pub(crate) fn new(engine: &Arc<Engine>, name: RemoteId) -> Self {
        Self(Arc::new(Inner {
            engine: Arc::clone(engine),
            name,
            opened: Mutex::new(None),
        }))
    }

    /// The task, if it was decoded before.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        let opened = self.0.opened.lock();
        opened.as_ref().map(|(task, _)| task.clone())
    }

    /// The handle of a task that gives a `T`; not if it was decoded as another type before. What it really gives shows when
    /// its value comes.
    pub(crate) fn open<T: Portable>(&self) -> Option<TaskFuture<T>> {
        let known = self.0.opened.lock().clone();
        let (task, of) = known.unwrap_or_else(|| self.keep(self.adopt::<T>(), TypeId::of::<T>()));
        (of == TypeId::of::<T>()).then(|| TaskFuture::own(task))
    }

    /// Keeps the task, unless somebody else was quicker: gives the one that is kept.
    fn keep(&self, task: TaskRef, of: TypeId) -> (TaskRef, TypeId) {
        let mut opened = self.0.opened.lock();
        match &*opened {
            Some(known) => known.clone(),
            None => opened.insert((task.clone(), of)).clone(),
        }
    }

    fn adopt<T: Portable>(&self) -> TaskRef {
        let Inner { engine, name, .. } = &*self.0;
        let kind = (Job::awaited::<T>(), land::<T> as super::Land);
        let (landing, task) = local::with(engine, |local| {
            Landing::external(local, &Spec::default(), Extra::default(), kind)
        });
        send_new(&landing, |backend| backend.adopt(*name, landing.clone()));
        task
    }
}
