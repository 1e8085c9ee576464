//! What a payload's functions are, for each type of closure and value: a static table.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::bytes::{Data, drop_as, needs_outside, peek, pull, put};
use super::input::RunContext;
#[cfg(feature = "task")]
use crate::call::Defined;
use crate::error::{Failure, TaskError};
use crate::graph::Outcome;
use crate::pool::sizes::Sizes;
use crate::pool::want::TaskRef;

pub(crate) struct Table {
    pub(super) run: unsafe fn(Data, &RunContext<'_>) -> Result<(), Failure>,
    pub(super) drop_task: unsafe fn(Data),
    pub(super) drop_value: unsafe fn(Data),
    pub(super) task_needs_drop: bool,
    value_needs_drop: bool,
    /// The value is another task's; the bytes are a want of that task.
    pub(super) forwards: bool,
    pub(super) name: fn() -> &'static str,
    /// What it holds until it runs.
    #[cfg(feature = "task")]
    pub(super) holds: TypeId,
    pub(super) value_type: TypeId,
    /// Of a call: the function.
    #[cfg(feature = "task")]
    pub(super) function: Option<&'static dyn Defined>,
    /// Bytes of the value itself, without what it points to.
    pub(super) value_bytes: usize,
    /// Bytes of the value with what it points to, as far as that is known.
    pub(super) size: unsafe fn(*const MaybeUninit<u64>, &Sizes) -> usize,
    /// The value takes memory outside of the node.
    pub(super) outside: bool,
}

/// What is in a payload that is to be disposed of.
#[derive(Clone, Copy)]
pub(crate) enum Left {
    /// The closure: it never ran.
    Task,
    /// What a settled task left.
    Result(Outcome),
}

impl Table {
    #[inline]
    pub(super) fn needs_drop(&self, left: Left) -> bool {
        match left {
            Left::Task => self.task_needs_drop,
            Left::Result(Outcome::Value) => self.value_needs_drop,
            Left::Result(Outcome::Error) => true,
            Left::Result(Outcome::Nothing) => false,
        }
    }
}

/// What tasks of one key must have in common: the type of the value, and of calls the function. A pointer, since it is
/// seldom looked at.
#[derive(Clone, Copy)]
pub(crate) struct Kind(pub(super) &'static Table);

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
    pub(super) fn kind(&'static self) -> Kind {
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

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kind")
    }
}

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

/// The table's functions for a closure `F` and its value `R`, named after the user's closure `N`.
pub(super) struct Of<N, F, R>(PhantomData<(F, R, N)>);

impl<N, F: Runs<R>, R: 'static> Of<N, F, R> {
    pub(super) const TABLE: Table = Table {
        run: Self::run,
        drop_task: drop_as::<F>,
        task_needs_drop: needs_outside::<F>(),
        name: std::any::type_name::<N>,
        #[cfg(feature = "task")]
        holds: TypeId::of::<F>(),
        ..Given::<R>::TABLE
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

/// A job that was a value from the start.
pub(super) struct Given<R>(PhantomData<R>);

impl<R: 'static> Given<R> {
    pub(super) const TABLE: Table = Table {
        run: run_nothing,
        drop_task: drop_as::<R>,
        drop_value: drop_as::<R>,
        task_needs_drop: needs_outside::<R>(),
        value_needs_drop: needs_outside::<R>(),
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
pub(super) struct Awaited<R>(PhantomData<R>);

impl<R: 'static> Awaited<R> {
    pub(super) const TABLE: Table = Table {
        drop_task: |_| {},
        task_needs_drop: false,
        #[cfg(feature = "task")]
        holds: TypeId::of::<Self>(),
        ..Given::<R>::TABLE
    };
}

/// A job whose value, an `R`, is another task's.
pub(super) struct Forward<R>(PhantomData<R>);

impl<R: 'static> Forward<R> {
    pub(super) const TABLE: Table = Table {
        forwards: true,
        name: || "forward",
        value_type: TypeId::of::<R>(),
        value_bytes: 0,
        size: |_, _| 0,
        outside: false,
        ..Given::<TaskRef>::TABLE
    };
}

/// Of a job that is an error from the start, which is not counted as a value.
pub(super) static ERROR: Table = Table {
    name: || "error",
    outside: false,
    ..Given::<TaskError>::TABLE
};

/// # Safety
/// The bytes hold a `T` put by [`put`].
unsafe fn size_as<T: 'static>(data: *const MaybeUninit<u64>, sizes: &Sizes) -> usize {
    // SAFETY: the caller's word.
    sizes.of::<T>(unsafe { peek(data) })
}

unsafe fn run_nothing(_: Data, _: &RunContext<'_>) -> Result<(), Failure> {
    Ok(())
}
