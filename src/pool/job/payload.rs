//! What is done with the payload of a node in the graph, on the word of the graph's states.
#![allow(unsafe_code)]

use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

use super::bytes::{peek, pull, put};
use super::input::RunContext;
use super::table::{Kind, Left};
use super::{Job, table_of};
use crate::error::{Failure, TaskError};
use crate::graph::{Graph, Leaving, Outcome};
use crate::pool::sizes::Sizes;
use crate::pool::want::TaskRef;

/// A task whose payload is the holder's alone: it won RUNNING.
#[derive(Debug)]
pub(crate) struct Claimed(u32);

impl Claimed {
    /// Claims a queued task.
    #[inline]
    pub(crate) fn claim(graph: &Graph<Job>, index: u32) -> Option<Self> {
        graph.claim(index).then_some(Self(index))
    }

    /// For a task that the graph handed to this driver: in `Effects::unrun`, `inherit` or `free`; for one that something
    /// outside finishes; and for an async one, whose turn the caller has.
    pub(crate) fn handed(index: u32) -> Self {
        Self(index)
    }

    #[inline]
    pub(crate) fn index(&self) -> u32 {
        self.0
    }
}

/// The value of a finished node whose value is a `T`.
#[inline]
pub(crate) fn value<T>(graph: &Graph<Job>, index: u32) -> &T {
    // SAFETY: the node is finished and pinned by the caller's want for the lifetime of the borrow, so its value is
    // in place and stays; typed handles and slots vouch for `T`.
    unsafe { &*value_at(graph, index) }
}

/// The value, of type `T`, of a node that the caller has pinned, if the task has finished.
#[inline]
pub(crate) fn finished_value<T>(graph: &Graph<Job>, index: u32) -> Option<&T> {
    let job = graph.finished(index)?;
    // SAFETY: as in `value`.
    Some(unsafe { &*value_in(graph, job) })
}

/// # Safety
/// The node is finished with a value of type `T` and pinned.
#[inline]
unsafe fn value_at<T>(graph: &Graph<Job>, index: u32) -> *const T {
    // SAFETY: as the caller says.
    unsafe { value_in(graph, graph.payload_shared(index)) }
}

/// As [`value_at`], of the node with this payload.
///
/// # Safety
/// As there.
#[inline]
unsafe fn value_in<T>(graph: &Graph<Job>, mut payload: *const Job) -> *const T {
    loop {
        // SAFETY: final since the node is finished.
        let job = unsafe { &*payload };
        let data = job.data.as_ptr();
        if !job.table().forwards {
            // SAFETY: the bytes hold a `T`, or a box of one when it does not fit.
            return unsafe { peek(data) };
        }
        // SAFETY: the bytes of a forwarding job are a `TaskRef`, which pins the next node.
        let next = unsafe { (*data.cast::<TaskRef>()).index() };
        payload = graph.payload_shared(next);
    }
}

/// Moves the value out of a finished node, if the caller's want is the only one.
pub(crate) fn take<T>(graph: &Graph<Job>, index: u32) -> Option<T> {
    // SAFETY: final since the node is finished and pinned by the caller.
    let forwards = unsafe { (*graph.payload_shared(index)).table().forwards };
    if forwards || !graph.try_take(index) {
        return None;
    }
    // SAFETY: TAKEN is won: nobody else reads the bytes, now or later.
    Some(unsafe { pull((*graph.payload(index)).data.as_mut_ptr()) })
}

/// The error of a failed node that the caller has pinned.
pub(crate) fn error(graph: &Graph<Job>, index: u32) -> TaskError {
    let job = graph.payload_shared(index);
    // SAFETY: FAILED says that the bytes are an error, and it is final.
    unsafe { (*(*job).data.as_ptr().cast::<TaskError>()).clone() }
}

/// Runs the body: moves the closure to the stack, calls it, writes the value.
///
/// # Errors
/// The body's error; then, and after a panic, the payload is empty.
#[inline]
pub(crate) fn run(context: &RunContext<'_>, claimed: &Claimed) -> Result<(), Failure> {
    let job = context.graph.payload(claimed.index());
    // SAFETY: claimed, so the closure is in place and the bytes are ours.
    unsafe { ((*job).table().run)((*job).data.as_mut_ptr(), context) }
}

/// Writes the error of a task whose payload is empty. Its table stays, and with it its name.
pub(crate) fn write_error(graph: &Graph<Job>, claimed: &Claimed, error: TaskError) {
    let job = graph.payload(claimed.index());
    // SAFETY: claimed, and empty: nothing is overwritten that needs a drop.
    unsafe { put((*job).data.as_mut_ptr(), error) };
}

/// Writes the value of a task that was made for values of this type, by [`Job::awaited`] or as a future.
pub(crate) fn write_value<T>(graph: &Graph<Job>, claimed: &Claimed, value: T) {
    let job = graph.payload(claimed.index());
    // SAFETY: claimed, and empty until now.
    unsafe { put((*job).data.as_mut_ptr(), value) };
}

/// Writes a new job over an empty payload, to be run after another wait.
pub(crate) fn write_job(graph: &Graph<Job>, claimed: &Claimed, new: Job) {
    let job = graph.payload(claimed.index());
    // SAFETY: claimed, and empty.
    unsafe {
        (*job).table.store(new.table.into_inner(), Release);
        (*job).data = new.data;
    }
}

/// Takes the job of a task that is not to run out of its payload, which is empty then. Its table stays, and with it its
/// name and the type of its value.
pub(crate) fn take_job(graph: &Graph<Job>, claimed: &Claimed) -> Job {
    let job = graph.payload(claimed.index());
    // SAFETY: ours alone, and unrun: the bytes are what the job was made with, and from here on nobody's.
    unsafe {
        Job {
            table: AtomicPtr::new((*job).table.load(Acquire)),
            data: (*job).data,
        }
    }
}

/// Whether dropping what is left in the payload runs any code.
#[inline]
pub(crate) fn needs_drop(graph: &Graph<Job>, claimed: &Claimed, left: Left) -> bool {
    // SAFETY: ours alone; the table of a job is always valid.
    let table = unsafe { (*graph.payload(claimed.index())).table() };
    table.needs_drop(left)
}

/// As [`needs_drop`], of a node that is about to be freed.
#[inline]
pub(crate) fn leaves_user_code(leaving: &Leaving<'_, Job>) -> bool {
    // SAFETY: the holder's alone; the table of a job is always valid.
    let table = unsafe { (*leaving.payload()).table() };
    table.needs_drop(Left::Result(leaving.remains()))
}

/// Drops what is left in the payload. Runs user code.
pub(crate) fn dispose(graph: &Graph<Job>, claimed: &Claimed, left: Left) {
    let job = graph.payload(claimed.index());
    // SAFETY: ours alone, and `left` is what the node's state says the bytes are.
    unsafe {
        let data = (*job).data.as_mut_ptr();
        match left {
            Left::Task => ((*job).table().drop_task)(data),
            Left::Result(Outcome::Value) => ((*job).table().drop_value)(data),
            Left::Result(Outcome::Error) => data.cast::<TaskError>().drop_in_place(),
            Left::Result(Outcome::Nothing) => {}
        }
    }
}

/// The type name of the closure, the name of a task that was given none. The caller has pinned the node.
pub(crate) fn type_name(graph: &Graph<Job>, index: u32) -> &'static str {
    let job = graph.payload(index);
    // SAFETY: the table is written before the node is published, lives for ever, and is only replaced atomically.
    unsafe { (table_of(&(*job).table).name)() }
}

/// What kind of task it is. The caller has pinned the node.
pub(crate) fn kind(graph: &Graph<Job>, index: u32) -> Kind {
    let job = graph.payload(index);
    // SAFETY: as in `type_name`.
    unsafe { table_of(&(*job).table).kind() }
}

/// Bytes of the value itself, without what it points to. The caller has pinned the node.
#[inline]
pub(crate) fn shallow_bytes(graph: &Graph<Job>, index: u32) -> usize {
    // SAFETY: as in `type_name`.
    unsafe { (*graph.payload(index)).table().value_bytes }
}

/// Whether the value takes memory outside of the node. The caller has pinned the node.
#[inline]
pub(crate) fn is_outside(graph: &Graph<Job>, index: u32) -> bool {
    // SAFETY: as in `type_name`.
    unsafe { (*graph.payload(index)).table().outside }
}

/// Bytes of a value, with what it points to. It is in place: the task is finished, or about to be by the caller. Runs
/// user code.
pub(crate) fn value_bytes(graph: &Graph<Job>, index: u32, sizes: &Sizes) -> usize {
    let job = graph.payload_shared(index);
    // SAFETY: the value is final, or written by the caller just before.
    unsafe { ((*job).table().size)((*job).data.as_ptr(), sizes) }
}
