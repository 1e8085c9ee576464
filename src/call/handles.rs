//! Handles inside of what is encoded: a handle is written as its place in a list that goes beside the bytes.
//!
//! A handle keeps its task, so it cannot be mere bytes. While something is encoded the handles in it are collected, each a
//! want; while it is decoded they are looked up. A driver sends for each of them what the other side knows the task by,
//! and hands a list of its own tasks to the decoding. Which of this is under way on a thread stands here, since serde
//! has no way to pass it. Outside of it a handle refuses to be serialized.

use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

use super::param::Portable;
use super::parcel::{Parcel, pack};
use crate::client::current_blame;
use crate::elsewhere::{Named, RemoteId};
use crate::error::{ErrorKind, Failure, TaskError};
use crate::future::TaskFuture;
use crate::graph::{Spec, State};
use crate::pool::Engine;
use crate::pool::job::{self, Job, Kind};
use crate::pool::local;
use crate::pool::want::TaskRef;

/// A handle whose type is not known here: one want of a task.
#[derive(Clone, Debug)]
pub struct AnyHandle(Which);

#[derive(Clone, Debug)]
enum Which {
    Task {
        task: TaskRef,
        of: TypeId,
        pack: Option<Pack>,
    },
    /// The name of a task elsewhere: a handle once somebody says of what type.
    Named(Named),
}

impl AnyHandle {
    /// The same handle, without its type.
    pub fn new<T: Send + Sync + 'static>(handle: TaskFuture<T>) -> Self {
        Self(Which::Task {
            task: handle.into_task(),
            of: TypeId::of::<T>(),
            pack: None,
        })
    }

    /// As [`new`](Self::new), of a task whose value can travel.
    pub fn portable<T: Portable>(handle: TaskFuture<T>) -> Self {
        Self(Which::Task {
            task: handle.into_task(),
            of: TypeId::of::<T>(),
            pack: Some(pack_value::<T>),
        })
    }

    /// A handle that has come here as the name of a task elsewhere. It is a want of that task once it is decoded.
    pub(crate) fn named(engine: &Arc<Engine>, name: RemoteId) -> Self {
        Self(Which::Named(Named::new(engine, name)))
    }

    /// The handle of a task of any kind.
    pub(crate) fn of_task(task: TaskRef) -> Self {
        let of = job::kind(&task.engine().graph, task.index());
        Self::with_kind(task, of)
    }

    /// The handle of a task of this kind; one that was refused is of none.
    pub(crate) fn with_kind(task: TaskRef, of: Kind) -> Self {
        Self(Which::Task {
            task,
            of: of.value(),
            pack: None,
        })
    }

    /// The handle of a task whose value is encoded so.
    pub(crate) fn with_pack(task: TaskRef, pack: Option<Pack>) -> Self {
        let of = job::kind(&task.engine().graph, task.index()).value();
        Self(Which::Task { task, of, pack })
    }

    /// The task, if it is one of this graph.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        match &self.0 {
            Which::Task { task, .. } => Some(task.clone()),
            Which::Named(named) => named.task(),
        }
    }

    /// The task. A name that nobody has decoded is none: what stands for it has failed.
    pub(crate) fn into_task(self, engine: &Arc<Engine>) -> TaskRef {
        let named = match self.0 {
            Which::Task { task, .. } => return task,
            Which::Named(named) => named,
        };
        named.task().unwrap_or_else(|| {
            let text = "it is the name of a task elsewhere, and no input";
            let error = TaskError::new(ErrorKind::Encoding, current_blame(), text, None);
            let job = Job::error(error);
            local::with(engine, |local| local.settled(&Spec::default(), job, true))
        })
    }

    /// How its value is encoded, if that is known.
    pub(crate) fn pack(&self) -> Option<Pack> {
        match self.0 {
            Which::Task { pack, .. } => pack,
            Which::Named(_) => None,
        }
    }

    /// Cancels the task, for all who want it.
    pub fn cancel(&self) {
        if let Some(task) = self.task() {
            let engine = task.engine();
            local::with(engine, |local| engine.cancel(local, task.index()));
        }
    }

    /// Waits until the task is settled.
    ///
    /// # Errors
    /// The task's.
    pub(crate) fn wait(task: &TaskRef) -> Result<(), TaskError> {
        if !task.is_settled() {
            local::with(task.engine(), |local| local.wait_task(task.index(), None))?;
        }
        if task.state() == State::Finished {
            return Ok(());
        }
        Err(task.error())
    }

    /// The handle, if its task gives a `T`.
    pub fn downcast<T: Send + Sync + 'static>(&self) -> Option<TaskFuture<T>> {
        match &self.0 {
            Which::Task { task, of, .. } if *of == TypeId::of::<T>() => {
                Some(TaskFuture::own(task.clone()))
            }
            _ => None,
        }
    }

    /// The handle, as one of a task that gives a `T`, as far as that can be known.
    pub(super) fn open<T: Portable>(&self) -> Option<TaskFuture<T>> {
        match &self.0 {
            Which::Task { .. } => self.downcast(),
            Which::Named(named) => named.open(),
        }
    }
}

/// Encodes the value, of the type it is for, of a finished task.
pub(crate) type Pack = fn(&TaskRef) -> Result<Parcel, Failure>;

pub(super) fn pack_value<T: Portable>(task: &TaskRef) -> Result<Parcel, Failure> {
    pack(job::value::<T>(&task.engine().graph, task.index()))
}

/// What is done on this thread with the values that serde is driven over, unless they are hashed.
enum Doing {
    Nothing,
    Packing(Vec<AnyHandle>),
    Unpacking(Arc<[AnyHandle]>),
}

thread_local! {
    static DOING: RefCell<Doing> = const { RefCell::new(Doing::Nothing) };
    /// Hashed are arguments of calls of the client at this address, which the caller has in its hands; 0 is none. It stands
    /// apart since every pure call sets it: a word without a destructor costs next to nothing.
    static HASHING: Cell<usize> = const { Cell::new(0) };
}

/// Puts back what was done before, also when the user's code panics.
struct Outer {
    doing: Option<Doing>,
    _hashing: OuterHashing,
}

/// As [`Outer`], of the client for which was hashed.
struct OuterHashing(usize);

impl Outer {
    fn enter(doing: Doing) -> Self {
        Self {
            doing: Some(DOING.replace(doing)),
            _hashing: OuterHashing(HASHING.replace(0)),
        }
    }

    fn leave(mut self) -> Doing {
        DOING.replace(self.doing.take().expect("there until it is put back"))
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        if let Some(outer) = self.doing.take() {
            drop(DOING.replace(outer));
        }
    }
}

impl Drop for OuterHashing {
    #[inline]
    fn drop(&mut self) {
        HASHING.set(self.0);
    }
}

/// Collects the handles in what `f` serializes.
pub(super) fn packing<R>(f: impl FnOnce() -> R) -> (R, Vec<AnyHandle>) {
    let outer = Outer::enter(Doing::Packing(Vec::new()));
    let result = f();
    match outer.leave() {
        Doing::Packing(handles) => (result, handles),
        _ => unreachable!("whoever enters leaves"),
    }
}

/// Finds the handles in what `f` deserializes in this list.
pub(super) fn unpacking<R>(handles: &Arc<[AnyHandle]>, f: impl FnOnce() -> R) -> R {
    let _outer = Outer::enter(Doing::Unpacking(Arc::clone(handles)));
    f()
}

/// Has the handles in what `f` serializes count as their keys, for a call of this client.
#[inline]
pub(super) fn hashing<R>(engine: &Arc<Engine>, f: impl FnOnce() -> R) -> R {
    let _outer = OuterHashing(HASHING.replace(address(engine)));
    f()
}

fn address(engine: &Arc<Engine>) -> usize {
    Arc::as_ptr(engine) as usize
}

/// Feeds what a task counts as in a stable hash: its key, or else its place in the graph.
pub(super) fn feed(task: &TaskRef, mut feed: impl FnMut(&[u8])) {
    let graph = &task.engine().graph;
    match graph.key(task.index()) {
        Some(key) => {
            feed(b"k");
            key.feed(feed);
        }
        None => {
            let id = graph.id(task.index());
            // Where calls leave, the key is read in other processes too, whose graphs have such a slot as well.
            if let Some(backend) = task.engine().backend() {
                feed(b"e");
                feed(&backend.identity().to_le_bytes());
            }
            feed(b"i");
            feed(&id.index.to_le_bytes());
            feed(&id.generation.to_le_bytes());
        }
    }
}

const OUTSIDE: &str = "a handle can be encoded only as a part of a call or of its result: give the result of its task instead";
const FOREIGN: &str =
    "a handle in it belongs to another client: submit its task where the call is submitted";

/// As a part of the arguments or the result of a call; anywhere else it is an error.
impl<T: Portable> Serialize for TaskFuture<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match HASHING.get() {
            0 => {}
            engine if engine != address(self.task().engine()) => {
                return Err(S::Error::custom(FOREIGN));
            }
            _ => {
                let mut bytes = Vec::with_capacity(32);
                feed(self.task(), |part| bytes.extend_from_slice(part));
                return serializer.serialize_bytes(&bytes);
            }
        }
        DOING.with_borrow_mut(|doing| match doing {
            Doing::Packing(handles) => {
                handles.push(AnyHandle::portable(self.clone()));
                serializer.serialize_u32(handles.len() as u32 - 1)
            }
            Doing::Nothing | Doing::Unpacking(_) => Err(S::Error::custom(OUTSIDE)),
        })
    }
}

/// As a part of the arguments or the result of a call; anywhere else it is an error.
impl<'de, T: Portable> Deserialize<'de> for TaskFuture<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let found = DOING.with_borrow(|doing| match doing {
            Doing::Unpacking(handles) => Ok(handles.get(place as usize).cloned()),
            _ => Err(D::Error::custom(OUTSIDE)),
        })?;
        let handle =
            found.ok_or_else(|| D::Error::custom("it names a handle that did not come with it"))?;
        handle.open().ok_or_else(|| {
            let asked = std::any::type_name::<T>();
            D::Error::custom(format!(
                "the handle is of a task that gives something else than `{asked}`"
            ))
        })
    }
}
