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

use std::any::TypeId;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};

#[cfg(feature = "task")]
use crate::call::Defined;
use crate::error::{Failure, TaskError};
use crate::graph::{Graph, Leaving, Outcome};
use crate::pool::Engine;
use crate::pool::local::Local;
use crate::pool::sizes::Sizes;
use crate::pool::turn::{Turn, ring};
use crate::pool::waits::On;
use crate::pool::want::TaskRef;
use crate::scope::Spawned;

const WORDS: usize = 5;

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

type Data = *mut MaybeUninit<u64>;

pub(crate) struct Table {
    run: unsafe fn(Data, &RunContext<'_>) -> Result<(), Failure>,
    drop_task: unsafe fn(Data),
    drop_value: unsafe fn(Data),
    task_needs_drop: bool,
    value_needs_drop: bool,
    /// The value is another task's; the bytes are a want of that task.
    forwards: bool,
    name: fn() -> &'static str,
    /// What it holds until it runs.
    #[cfg(feature = "task")]
    holds: TypeId,
    value_type: TypeId,
    /// Of a call: the function.
    #[cfg(feature = "task")]
    function: Option<&'static dyn Defined>,
    /// Bytes of the value itself, without what it points to.
    value_bytes: usize,
    /// Bytes of the value with what it points to, as far as that is known.
    size: unsafe fn(*const MaybeUninit<u64>, &Sizes) -> usize,
    /// The value takes memory outside of the node.
    outside: bool,
}

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

/// What a body may read: the values of its inputs.
#[derive(Clone, Copy)]
pub(crate) struct RunContext<'a> {
    pub(crate) graph: &'a Graph<Job>,
    pub(crate) index: u32,
    /// The share of the thread that the body runs on.
    pub(crate) local: &'a Local,
}

/// The place of an input of type `T` in the list of inputs. Made only by [`Slot::of`] a typed handle.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    place: u32,
    of: PhantomData<fn() -> T>,
}

/// In [`Slot::place`]: what is there is not a `T`. No list of inputs is as long.
#[cfg(feature = "task")]
const ENCODED: u32 = 1 << 31;

impl<T> Slot<T> {
    /// The input that is `place`-th in the list; the caller has pushed the node of a `TaskFuture<T>` there.
    pub(crate) fn of(place: usize) -> Self {
        Self {
            place: place as u32,
            of: PhantomData,
        }
    }

    /// Where it is in the list.
    #[cfg(feature = "task")]
    pub(crate) fn place(&self) -> usize {
        (self.place & !ENCODED) as usize
    }

    /// The input of this place, whose value is data from which a `T` is decoded.
    #[cfg(feature = "task")]
    pub(crate) fn encoded(place: usize) -> Self {
        Self::of(place | ENCODED as usize)
    }

    /// Whether its value is not a `T` but data.
    #[cfg(feature = "task")]
    #[inline]
    pub(crate) fn is_encoded(&self) -> bool {
        self.place & ENCODED != 0
    }

    /// The same input once more.
    pub(crate) fn again(&self) -> Self {
        self.after(0)
    }

    /// The `k`-th input after this one, in a list of inputs of one type.
    pub(crate) fn after(&self, k: usize) -> Self {
        Self::of(self.place as usize + k)
    }
}

impl<'a> RunContext<'a> {
    /// The value of an input.
    pub(crate) fn get<T>(&self, slot: &Slot<T>) -> &'a T {
        let input = self.graph.input(self.index, slot.place as usize);
        value(self.graph, input)
    }

    /// The input of this place, if there is one whose value is a `T`.
    #[cfg(feature = "task")]
    pub(crate) fn slot<T: 'static>(&self, place: usize) -> Option<Slot<T>> {
        let inputs = self.graph.inputs(self.index);
        let kind = kind(self.graph, *inputs.get(place)?);
        (kind.value() == TypeId::of::<T>()).then(|| Slot::of(place))
    }

    /// A want of its own of an input.
    pub(crate) fn want<T>(&self, slot: &Slot<T>) -> TaskRef {
        let input = self.graph.input(self.index, slot.place as usize);
        self.graph.retain(input);
        TaskRef::own(Arc::clone(&self.local.anchor), input)
    }

    /// The value of an input, moved out if nobody else wants it, else `None`.
    pub(crate) fn take<T: 'static>(&self, slot: &Slot<T>) -> Option<T> {
        let input = self.graph.input(self.index, slot.place as usize);
        self.local.take(input)
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
    unsafe {
        let data = (*graph.payload(index)).data.as_mut_ptr();
        Some(if fits::<T>() {
            data.cast::<T>().read()
        } else {
            *Box::from_raw(*data.cast::<*mut T>())
        })
    }
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

impl Table {
    #[inline]
    fn needs_drop(&self, left: Left) -> bool {
        match left {
            Left::Task => self.task_needs_drop,
            Left::Result(Outcome::Value) => self.value_needs_drop,
            Left::Result(Outcome::Error) => true,
            Left::Result(Outcome::Nothing) => false,
        }
    }
}

/// What is in a payload that is to be disposed of.
#[derive(Clone, Copy)]
pub(crate) enum Left {
    /// The closure: it never ran.
    Task,
    /// What a settled task left.
    Result(Outcome),
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
    unsafe { ((*job).table.load_table().name)() }
}

/// What kind of task it is. The caller has pinned the node.
pub(crate) fn kind(graph: &Graph<Job>, index: u32) -> Kind {
    let job = graph.payload(index);
    // SAFETY: as in `type_name`.
    unsafe { (*job).table.load_table().kind() }
}

/// What tasks of one key must have in common: the type of the value, and of calls the function. A pointer, since it is
/// seldom looked at.
#[derive(Clone, Copy)]
pub(crate) struct Kind(&'static Table);

impl Kind {
    /// The type of the value.
    pub(crate) fn value(self) -> TypeId {
        self.0.value_type
    }

    /// Of a call: its function and that one's version.
    #[cfg(feature = "task")]
    fn function(self) -> Option<(TypeId, u32)> {
        self.0.function.map(|function| function.info().identity())
    }

    /// Whether a submit of this kind may be answered with a task of the other. A closure is like any other that gives
    /// such a value.
    pub(crate) fn is_answered_by(self, other: Self) -> bool {
        #[cfg(feature = "task")]
        if self.0.function.is_some() && self.function() != other.function() {
            return false;
        }
        self.value() == other.value()
    }
}

impl Table {
    fn kind(&'static self) -> Kind {
        Kind(self)
    }

    /// Of the calls of a function that run elsewhere.
    #[cfg(feature = "task")]
    pub(crate) const fn of_awaited<R: 'static>(function: &'static dyn Defined) -> Self {
        Self {
            function: Some(function),
            ..Awaited::<R>::TABLE
        }
    }

    /// Of the calls of a function that hold a `B` until they run.
    #[cfg(feature = "task")]
    pub(crate) const fn of_calls<B: Runs<R>, R: 'static>(function: &'static dyn Defined) -> Self {
        Self {
            function: Some(function),
            ..Of::<B, B, R>::TABLE
        }
    }
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

/// Whether a value takes memory outside of its node.
pub(crate) const fn needs_outside<T>() -> bool {
    std::mem::needs_drop::<T>() || !fits::<T>()
}

const fn fits<T>() -> bool {
    size_of::<T>() <= WORDS * size_of::<u64>() && align_of::<T>() <= align_of::<u64>()
}

/// Writes a value into a payload's bytes, boxed when it does not fit.
///
/// # Safety
/// The bytes are the caller's and hold nothing that needs a drop.
#[inline]
unsafe fn put<T>(data: Data, value: T) {
    // SAFETY: room and alignment by `fits`, or a pointer's.
    unsafe {
        if fits::<T>() {
            data.cast::<T>().write(value);
        } else {
            data.cast::<*mut T>().write(Box::into_raw(Box::new(value)));
        }
    }
}

/// Where a `T` put there is.
///
/// # Safety
/// The bytes hold a `T` put by [`put`].
#[inline]
unsafe fn peek<'a, T>(data: *const MaybeUninit<u64>) -> &'a T {
    // SAFETY: in place, or boxed when it does not fit.
    unsafe {
        if fits::<T>() {
            &*data.cast()
        } else {
            &**data.cast::<*const T>()
        }
    }
}

/// Moves a `T` put there out again.
///
/// # Safety
/// The bytes hold a `T` put by [`put`], which is forgotten by this.
#[inline]
unsafe fn pull<T>(data: Data) -> T {
    // SAFETY: the caller's word.
    unsafe {
        if fits::<T>() {
            data.cast::<T>().read()
        } else {
            *Box::from_raw(*data.cast::<*mut T>())
        }
    }
}

/// The table's functions for a closure `F` and its value `R`, named after the user's closure `N`.
struct Of<N, F, R>(PhantomData<(F, R, N)>);

/// What a task holds until it runs.
pub(crate) trait Runs<R>: Send + 'static {
    fn run(self, context: &RunContext<'_>) -> Result<R, Failure>;
}

impl<F, R> Runs<R> for F
where
    F: FnOnce(&RunContext<'_>) -> Result<R, Failure> + Send + 'static,
{
    #[inline]
    fn run(self, context: &RunContext<'_>) -> Result<R, Failure> {
        self(context)
    }
}

impl<N, F: Runs<R>, R: 'static> Of<N, F, R> {
    const TABLE: Table = Table {
        run: Self::run,
        drop_task: drop_as::<F>,
        drop_value: drop_as::<R>,
        task_needs_drop: std::mem::needs_drop::<F>() || !fits::<F>(),
        value_needs_drop: std::mem::needs_drop::<R>() || !fits::<R>(),
        forwards: false,
        name: std::any::type_name::<N>,
        #[cfg(feature = "task")]
        holds: TypeId::of::<F>(),
        value_type: TypeId::of::<R>(),
        #[cfg(feature = "task")]
        function: None,
        value_bytes: size_of::<R>(),
        size: size_as::<R>,
        outside: needs_outside::<R>(),
    };

    unsafe fn run(data: Data, context: &RunContext<'_>) -> Result<(), Failure> {
        // SAFETY: the bytes hold the closure; from here on they hold nothing.
        let body: F = unsafe { pull(data) };
        let value = body.run(context)?;
        // SAFETY: they are still ours and empty.
        unsafe { put(data, value) };
        Ok(())
    }
}

/// # Safety
/// The bytes hold a `T` put by [`put`].
unsafe fn size_as<T: 'static>(data: *const MaybeUninit<u64>, sizes: &Sizes) -> usize {
    // SAFETY: the caller's word.
    sizes.of::<T>(unsafe { peek(data) })
}

unsafe fn drop_as<T>(data: Data) {
    // SAFETY: the table is used only with bytes that hold a `T`.
    drop(unsafe { pull::<T>(data) });
}

unsafe fn run_nothing(_: Data, _: &RunContext<'_>) -> Result<(), Failure> {
    Ok(())
}

static ERROR: Table = Table {
    run: run_nothing,
    drop_task: drop_as::<TaskError>,
    drop_value: drop_as::<TaskError>,
    task_needs_drop: true,
    value_needs_drop: true,
    forwards: false,
    name: || "error",
    #[cfg(feature = "task")]
    holds: TypeId::of::<TaskError>(),
    value_type: TypeId::of::<TaskError>(),
    #[cfg(feature = "task")]
    function: None,
    value_bytes: size_of::<TaskError>(),
    size: size_as::<TaskError>,
    outside: false,
};

/// A job that was a value from the start.
struct Given<R>(PhantomData<R>);

impl<R: 'static> Given<R> {
    const TABLE: Table = Table {
        run: run_nothing,
        drop_task: drop_as::<R>,
        drop_value: drop_as::<R>,
        task_needs_drop: std::mem::needs_drop::<R>() || !fits::<R>(),
        value_needs_drop: std::mem::needs_drop::<R>() || !fits::<R>(),
        forwards: false,
        name: std::any::type_name::<R>,
        #[cfg(feature = "task")]
        holds: TypeId::of::<R>(),
        value_type: TypeId::of::<R>(),
        #[cfg(feature = "task")]
        function: None,
        value_bytes: size_of::<R>(),
        size: size_as::<R>,
        outside: needs_outside::<R>(),
    };
}

/// A job that is finished from outside: it holds nothing before.
struct Awaited<R>(PhantomData<R>);

impl<R: 'static> Awaited<R> {
    const TABLE: Table = Table {
        drop_task: |_| {},
        task_needs_drop: false,
        #[cfg(feature = "task")]
        holds: TypeId::of::<Self>(),
        ..Given::<R>::TABLE
    };
}

/// A job whose value, an `R`, is another task's.
struct Forward<R>(PhantomData<R>);

impl<R: 'static> Forward<R> {
    const TABLE: Table = Table {
        run: run_nothing,
        drop_task: drop_as::<TaskRef>,
        drop_value: drop_as::<TaskRef>,
        task_needs_drop: true,
        value_needs_drop: true,
        forwards: true,
        name: || "forward",
        #[cfg(feature = "task")]
        holds: TypeId::of::<TaskRef>(),
        value_type: TypeId::of::<R>(),
        #[cfg(feature = "task")]
        function: None,
        value_bytes: 0,
        size: |_, _| 0,
        outside: false,
    };
}

const EMPTY: [MaybeUninit<u64>; WORDS] = [MaybeUninit::uninit(); WORDS];

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
        self.table.load_table()
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

/// Reads a table's address and follows it: every address stored in a job is a static table's.
trait LoadTable {
    fn load_table(&self) -> &'static Table;
}

impl LoadTable for AtomicPtr<Table> {
    #[inline]
    fn load_table(&self) -> &'static Table {
        // SAFETY: made from `&'static Table` in `Job::holding`, the only maker.
        unsafe { &*self.load(Acquire) }
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kind")
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

const _: () = assert!(size_of::<Job>() == 48);

/// Where tasks that borrow are submitted; made by [`Client::scope`](crate::Client::scope).
pub struct Scope<'scope, 'env: 'scope> {
    spawned: Arc<Spawned>,
    lent: Arc<Lent>,
    /// Both invariant, as in [`std::thread::Scope`]: no scope passes for a longer or a shorter one.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// How many bodies of a scope exist.
#[derive(Default)]
struct Lent {
    out: Mutex<usize>,
    all_back: Condvar,
    /// Of the scope's end, once that waits.
    end: OnceLock<Arc<Turn>>,
}

/// A body that borrows, in the type of one that does not. To be run or dropped, and no sooner back than that is over.
pub(crate) struct LentBody {
    // Before `_out`: fields are dropped in this order, also when the first one's destructor panics.
    body: Option<Box<dyn FnOnce() + Send>>,
    _out: Out,
}

/// One body that is out.
struct Out(Arc<Lent>);

/// Waits, at its drop, until no body is out.
struct UntilAllAreBack(Arc<Lent>, Arc<Engine>);

/// Calls `f` with a new scope. Returns, or unwinds, only when every body that was lent in it has run or was dropped.
pub(crate) fn lending<'env, T>(
    spawned: Arc<Spawned>,
    f: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
) -> T {
    let engine = Arc::clone(spawned.engine());
    let scope = Scope {
        spawned,
        lent: Arc::default(),
        scope: PhantomData,
        env: PhantomData,
    };
    // Dropped before the scope, which bodies use too.
    let _wait = UntilAllAreBack(Arc::clone(&scope.lent), engine);
    f(&scope)
}

impl<'scope> Scope<'scope, '_> {
    pub(crate) fn spawned(&self) -> &Spawned {
        &self.spawned
    }

    /// Lends a body to whoever will run it.
    pub(crate) fn lend(&'scope self, body: impl FnOnce() + Send + 'scope) -> LentBody {
        type Borrowing<'scope> = Box<dyn FnOnce() + Send + 'scope>;
        let body: Borrowing<'scope> = Box::new(body);
        // SAFETY: only the lifetime changes. Nothing of the body is used once its `Out` is dropped: `run` and the drop of
        // a `LentBody` see to the order. `lending`, the only maker of a scope, ends neither way before each `Out` is
        // dropped; it works for any 'scope, so 'scope lasts until it ends. A body that is leaked keeps it from ending.
        let body = unsafe { std::mem::transmute::<Borrowing<'scope>, Borrowing<'static>>(body) };
        *self.lent.out.lock() += 1;
        LentBody {
            body: Some(body),
            _out: Out(Arc::clone(&self.lent)),
        }
    }
}

impl LentBody {
    /// Runs the body. Its panic goes on.
    pub(crate) fn run(mut self) {
        let body = self.body.take().expect("only taken here");
        body();
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let mut out = self.0.out.lock();
        *out -= 1;
        if *out == 0 {
            self.0.all_back.notify_all();
            let end = self.0.end.get().and_then(|turn| turn.tell(Ok(())));
            drop(out);
            ring(end.into_iter().collect());
        }
    }
}

impl UntilAllAreBack {
    /// Waits as for anything of ours: a body that is cancelled may need the place of this thread to come to its end.
    fn wait(&self) {
        let Self(lent, engine) = self;
        let out = lent.out.lock();
        if *out > 0 {
            let turn = lent.end.get_or_init(Arc::default);
            drop(out);
            let _ = turn.wait(engine, |_| On::Bodies, None);
        }
    }
}

impl Drop for UntilAllAreBack {
    fn drop(&mut self) {
        self.wait();
        // Whatever came of that, for a wait may be refused.
        let mut out = self.0.out.lock();
        while *out > 0 {
            self.0.all_back.wait(&mut out);
        }
    }
}
