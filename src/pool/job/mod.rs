//! A task's payload: first its closure, then its value or its error, in the same 40 bytes of the node.
//!
//! What is in the bytes follows from the node's state alone, and so does who may touch them (see `graph/node.rs`):
//! the closure until the body starts, nothing while it runs (the body works on its own stack), then the value, or a
//! [`TaskError`] when the node failed. Closures and values that do not fit are boxed. The functions for one closure
//! and value type stand in a static table, so a payload is 48 bytes whatever the task is.
//!
//! Who writes shows a [`Claimed`], made from a won claim or on the graph's word that the task is ours; who reads an
//! input shows a [`Slot`], made of a typed handle. [`value`], [`take`] and [`error`] take a bare index: their callers
//! hold a want of that node, have seen it settled so, and vouch for the type.
#![allow(unsafe_code)]

mod bytes;
mod input;
mod lent;
mod payload;
mod table;

#[cfg(feature = "task")]
use std::any::TypeId;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Acquire;

#[cfg(feature = "task")]
use crate::call::Defined;
use crate::error::{Failure, TaskError};
#[cfg(feature = "task")]
use crate::graph::Graph;
use crate::pool::want::TaskRef;
use bytes::{EMPTY, WORDS, fits, put};
#[cfg(feature = "task")]
use bytes::{peek, pull};
use table::{Awaited, ERROR, Forward, Given, Of};

pub(crate) use bytes::needs_outside;
pub(crate) use input::{RunContext, Slot};
pub use lent::Scope;
pub(crate) use lent::lending;
pub(crate) use payload::{
    Claimed, dispose, error, finished_value, is_outside, kind, leaves_user_code, needs_drop, run,
    shallow_bytes, take, take_job, type_name, value, value_bytes, write_error, write_job,
    write_value,
};
#[cfg(feature = "task")]
pub(crate) use table::Runs;
pub(crate) use table::{Kind, Left, Table};

/// The payload of a node of the in-process driver.
pub(crate) struct Job {
    /// Atomic only because a name may be read while a running task's job is replaced.
    table: AtomicPtr<Table>,
    data: [MaybeUninit<u64>; WORDS],
}

// SAFETY: constructors take only `Send` closures and `Send + Sync` values, and the graph's rules give each access
// exclusive right, or shared right to a final value.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

impl Job {
    /// A task that runs `body` once, and is called after the type `N` if it is given no name.
    #[inline]
    pub(crate) fn new<N, F, R>(body: F) -> Self
    where
        F: FnOnce(&RunContext<'_>) -> Result<R, Failure> + Send + 'static,
        R: Send + Sync + 'static,
    {
        Self::holding(&Of::<N, F, R>::TABLE, body)
    }

    /// A call that holds this until it runs.
    ///
    /// # Panics
    /// If the table is of calls that hold something else.
    #[cfg(feature = "task")]
    #[inline]
    pub(crate) fn call<B: Runs<R>, R: 'static>(table: &'static Table, body: B) -> Self {
        assert!(table.holds == TypeId::of::<B>() && table.value_type == TypeId::of::<R>());
        Self::holding(table, body)
    }

    /// What a job holds that never got into the graph.
    #[cfg(feature = "task")]
    pub(crate) fn body<B: 'static>(&self) -> Option<&B> {
        // SAFETY: nobody lends a job of the graph, so this one still holds what it was made with: by its table, a `B`.
        (self.table().holds == TypeId::of::<B>()).then(|| unsafe { peek(self.data.as_ptr()) })
    }

    /// Takes out what a job holds that never got into the graph.
    ///
    /// # Panics
    /// If it holds something else.
    #[cfg(feature = "task")]
    pub(crate) fn into_body<B: 'static>(mut self) -> B {
        assert!(self.table().holds == TypeId::of::<B>());
        // SAFETY: as in `body`, and it is forgotten by this.
        unsafe { pull(self.data.as_mut_ptr()) }
    }

    /// Of a call: its function.
    #[cfg(feature = "task")]
    #[inline]
    pub(crate) fn function(&self) -> Option<&'static dyn Defined> {
        self.table().function
    }

    /// What kind of task it is.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.table().kind()
    }

    /// A value that is there from the start.
    pub(crate) fn given<R: Send + Sync + 'static>(value: R) -> Self {
        Self::holding(&Given::<R>::TABLE, value)
    }

    /// A task that something outside finishes with an `R`.
    pub(crate) fn awaited<R: Send + Sync + 'static>() -> Self {
        Self::empty(&Awaited::<R>::TABLE)
    }

    fn empty(table: &'static Table) -> Self {
        Self {
            table: AtomicPtr::new(std::ptr::from_ref(table).cast_mut()),
            data: EMPTY,
        }
    }

    /// A call that runs elsewhere.
    #[cfg(feature = "task")]
    pub(crate) fn elsewhere<R: 'static>(table: &'static Table) -> Self {
        assert!(table.holds == TypeId::of::<Awaited<R>>());
        Self::empty(table)
    }

    /// A task that something outside finishes, as that of a pinned node, which is such a one.
    ///
    /// # Panics
    /// If it was made to be run here.
    #[cfg(feature = "task")]
    pub(crate) fn awaited_as(graph: &Graph<Self>, index: u32) -> Self {
        let Kind(table) = kind(graph, index);
        assert!(!table.task_needs_drop && !table.forwards);
        Self::empty(table)
    }

    /// The error of a task that failed before it began.
    pub(crate) fn error(error: TaskError) -> Self {
        const { assert!(fits::<TaskError>()) };
        Self::holding(&ERROR, error)
    }

    /// The value of another task, which it keeps.
    pub(crate) fn forward<R: 'static>(target: TaskRef) -> Self {
        const { assert!(fits::<TaskRef>()) };
        Self::holding(&Forward::<R>::TABLE, target)
    }

    #[inline]
    fn holding<T>(table: &'static Table, content: T) -> Self {
        let mut data = EMPTY;
        // SAFETY: our own bytes, empty.
        unsafe { put(data.as_mut_ptr(), content) };
        Self {
            table: AtomicPtr::new(std::ptr::from_ref(table).cast_mut()),
            data,
        }
    }

    #[inline]
    fn table(&self) -> &'static Table {
        table_of(&self.table)
    }

    /// A job outside the graph whose value is to be another task's: has it take the value of `target` instead. Gives the
    /// want of the other back; of a job with a value of its own, that of `target`.
    pub(crate) fn retarget(&mut self, target: TaskRef) -> TaskRef {
        if !self.table().forwards {
            return target;
        }
        // SAFETY: the bytes of a forwarding job are a `TaskRef`.
        unsafe { std::mem::replace(&mut *self.data.as_mut_ptr().cast::<TaskRef>(), target) }
    }

    /// The type name of what it holds.
    pub(crate) fn name(&self) -> &'static str {
        (self.table().name)()
    }

    /// Takes the closure of a job that never got into the graph out, to drop it.
    pub(crate) fn drop_task(mut self) {
        // SAFETY: a job outside the graph holds what it was made with, and is forgotten by this.
        unsafe { (self.table().drop_task)(self.data.as_mut_ptr()) };
    }
}

/// The table at an address stored in a job, which is always a static one's. Takes no more than the address, since the
/// rest of the job may be written meanwhile.
#[inline]
fn table_of(address: &AtomicPtr<Table>) -> &'static Table {
    // SAFETY: `Job::holding` and `Job::empty`, the only makers, store the address of a `&'static Table`.
    unsafe { &*address.load(Acquire) }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

const _: () = assert!(size_of::<Job>() == 48);
