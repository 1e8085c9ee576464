//! Data from elsewhere: an input whose type whoever takes it knows.
//!
//! It stands in the graph as a task of its own kind. The first call that borrows it as some type decodes it, and the others
//! that borrow it as that type share what came of it. A call that takes it by value decodes a value of its own. An array of
//! numbers that was received as one is lent as it is.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::call::hosting::unpack_from;
use crate::call::{AnyHandle, Portable};
use crate::client::Client;
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::launch::born;
use crate::pool::job::Job;
use crate::pool::promise::Promise;
use crate::raw::array::Array;

/// Data as it came, with the handles in it beside.
pub(crate) struct Encoded {
    content: Content,
    handles: Arc<[AnyHandle]>,
    decoded: OnceLock<Box<Decoded>>,
    /// Held by who decodes.
    decoding: Mutex<()>,
}

enum Content {
    Bytes(Box<dyn AsRef<[u8]> + Send + Sync>),
    Array(Array),
}

/// What it was decoded as: one type, but for a program that is wrong.
struct Decoded {
    value: Arc<dyn Any + Send + Sync>,
    next: OnceLock<Box<Self>>,
}

impl Encoded {
    fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static, handles: Vec<AnyHandle>) -> Self {
        Self::of(Content::Bytes(Box::new(bytes)), handles)
    }

    fn of(content: Content, handles: Vec<AnyHandle>) -> Self {
        Self {
            content,
            handles: handles.into(),
            decoded: OnceLock::new(),
            decoding: Mutex::new(()),
        }
    }

    /// A value of the caller's own.
    pub(crate) fn own<T: Portable>(&self) -> Result<T, Failure> {
        match &self.content {
            Content::Bytes(bytes) => unpack_from((**bytes).as_ref(), &self.handles),
            Content::Array(array) => array.copy(),
        }
    }

    /// Sees to it that there is a value of this type for all who borrow it. While one decodes it the others wait.
    pub(crate) fn prepare<T: Portable>(&self) -> Result<(), Failure> {
        let _decoding = self.decoding.lock();
        if self.all().any(|value| value.is::<T>()) {
            return Ok(());
        }
        let value: Arc<dyn Any + Send + Sync> = match self.shared::<T>() {
            Some(value) => value,
            None => Arc::new(self.own::<T>()?),
        };
        let mut place = &self.decoded;
        while let Some(decoded) = place.get() {
            place = &decoded.next;
        }
        let next = OnceLock::new();
        let set = place.set(Box::new(Decoded { value, next }));
        assert!(set.is_ok(), "only one decodes at a time");
        Ok(())
    }

    /// What came, if it is such a value already.
    fn shared<T: Portable>(&self) -> Option<Arc<T>> {
        match &self.content {
            Content::Bytes(_) => None,
            Content::Array(array) => array.share(),
        }
    }

    /// The value that was prepared.
    pub(crate) fn lend<T: Portable>(&self) -> &T {
        let mut found = self.all().filter_map(|value| value.downcast_ref());
        found.next().expect("it was prepared")
    }

    /// As [`lend`](Self::lend), to be kept.
    pub(crate) fn share<T: Portable>(&self) -> Arc<T> {
        let mut found = self
            .all()
            .filter_map(|value| Arc::clone(value).downcast().ok());
        found.next().expect("it was prepared")
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn Any + Send + Sync>> {
        let first = self.decoded.get();
        std::iter::successors(first, |decoded| decoded.next.get()).map(|decoded| &decoded.value)
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("is_array", &matches!(self.content, Content::Array(_)))
            .finish_non_exhaustive()
    }
}

/// A task of this client that is finished with data that came as bytes.
pub fn encoded<P>(
    client: &Client<P>,
    bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    handles: Vec<AnyHandle>,
) -> AnyHandle {
    given(client, Encoded::new(bytes, handles))
}

/// A task of this client that is finished with this array of numbers.
pub fn array<P>(client: &Client<P>, array: Array) -> AnyHandle {
    given(client, Encoded::of(Content::Array(array), Vec::new()))
}

fn given<P>(client: &Client<P>, encoded: Encoded) -> AnyHandle {
    let job = Job::given(encoded);
    let of = job.kind();
    let task: TaskFuture<Encoded> = born(client.engine(), &Spec::default(), job, false);
    AnyHandle::with_kind(task.into_task(), of)
}

/// A task of this client that is finished with data when these have come.
pub fn coming<P>(client: &Client<P>) -> (Coming, AnyHandle) {
    let (promise, task) = Promise::new(client.engine(), &Spec::default());
    (Coming(promise), AnyHandle::new(task))
}

/// Data on their way. Dropped, their task fails.
#[derive(Debug)]
pub struct Coming(Promise<Encoded>);

impl Coming {
    /// They are here.
    pub fn arrive(self, bytes: impl AsRef<[u8]> + Send + Sync + 'static, handles: Vec<AnyHandle>) {
        self.0.settle(Ok(Encoded::new(bytes, handles)));
    }

    /// It is here: an array of numbers.
    pub fn arrive_array(self, array: Array) {
        let encoded = Encoded::of(Content::Array(array), Vec::new());
        self.0.settle(Ok(encoded));
    }
}
