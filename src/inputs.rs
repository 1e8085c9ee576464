//! The inputs of a task: from handles to what its closure is given.

use std::sync::Arc;

use crate::awaiting::Value;
use crate::future::TaskFuture;
use crate::graph::{self, GIVEN};
use crate::pool::Engine;
use crate::pool::job::{RunContext, Slot};
use crate::pool::want::TaskRef;

/// Handles that can be the inputs of a task: see [`Client::submit_with`](crate::Client::submit_with).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the inputs of a task",
    note = "inputs are `&TaskFuture<T>`, `TaskFuture<T>` (gives `T`, which must be `Clone`), `&[TaskFuture<T>]`, \
            `&Vec<TaskFuture<T>>`, `Vec<TaskFuture<T>>`, or tuples of up to 12 of these"
)]
pub trait Inputs {
    /// What the task keeps of them until it runs.
    type Held: Held;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn hold(self, linker: &mut Linker) -> Self::Held;
}

/// What a task keeps of its inputs.
pub trait Held: Send + 'static {
    /// What the closure is given.
    type Values<'a>;

    /// What an async task is given: each with a want of its own, so it lasts as long as the future keeps it.
    type Kept;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn values<'a>(self, context: &RunContext<'a>) -> Self::Values<'a>;

    #[doc(hidden)]
    #[allow(private_interfaces, reason = "called by this crate only")]
    fn keep(self, context: &RunContext<'_>) -> Self::Kept;
}

/// Inputs that can be given to a task more than once: borrowed ones.
#[diagnostic::on_unimplemented(
    message = "a task that may run again cannot be given a value to keep",
    label = "a handle is moved in here",
    note = "a handle moved in gives the value itself, which is there only once: lend the handle, `&a` instead of `a`"
)]
pub trait Lent: Held + Sync {
    #[doc(hidden)]
    #[must_use]
    fn again(&self) -> Self;
}

impl<T: Send + Sync + 'static> Lent for Borrowed<T> {
    fn again(&self) -> Self {
        Self(self.0.again())
    }
}

impl<T: Send + Sync + 'static> Lent for Many<T> {
    fn again(&self) -> Self {
        Self {
            first: self.first.again(),
            count: self.count,
        }
    }
}

/// Collects the inputs of a task while it is being submitted, and keeps the handles that were moved in until it is.
#[derive(Debug, Default)]
pub(crate) struct Linker {
    inputs: graph::Inputs,
    engine: Option<*const Engine>,
    mixed: bool,
    given: Vec<TaskRef>,
}

impl Linker {
    fn link(&mut self, task: &TaskRef) -> usize {
        self.push(task, 0)
    }

    /// As [`link`](Self::link), and the handle's want becomes the task's.
    pub(crate) fn give(&mut self, task: TaskRef) -> usize {
        let place = self.push(&task, GIVEN);
        self.given.push(task);
        place
    }

    #[inline]
    fn push(&mut self, task: &TaskRef, flag: u32) -> usize {
        let engine = Arc::as_ptr(task.engine());
        self.mixed |= *self.engine.get_or_insert(engine) != engine;
        self.inputs.push(task.index() | flag);
        self.inputs.len() - 1
    }

    /// The task has been made: the wants given to it are its own now.
    #[inline]
    pub(crate) fn made(self) {
        self.given.into_iter().for_each(TaskRef::forget);
    }

    /// Whether an input belongs to another engine.
    #[inline]
    pub(crate) fn is_foreign(&self, engine: &Arc<Engine>) -> bool {
        self.mixed || self.engine.is_some_and(|of| of != Arc::as_ptr(engine))
    }

    #[inline]
    pub(crate) fn inputs(&self) -> &[u32] {
        &self.inputs
    }
}

/// An input that is borrowed.
#[derive(Debug)]
pub struct Borrowed<T>(Slot<T>);

/// An input that is handed over.
#[derive(Debug)]
pub struct Owned<T>(Slot<T>);

/// A list of inputs.
#[derive(Debug)]
pub struct Many<T> {
    first: Slot<T>,
    count: usize,
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static> Held for Borrowed<T> {
    type Values<'a> = &'a T;
    type Kept = Value<T>;

    #[inline]
    fn values<'a>(self, context: &RunContext<'a>) -> &'a T {
        context.get(&self.0)
    }

    fn keep(self, context: &RunContext<'_>) -> Value<T> {
        Value::new(context.want(&self.0))
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Clone + Send + Sync + 'static> Held for Owned<T> {
    type Values<'a> = T;
    type Kept = Value<T>;

    fn values<'a>(self, context: &RunContext<'a>) -> T {
        context
            .take(&self.0)
            .unwrap_or_else(|| context.get(&self.0).clone())
    }

    fn keep(self, context: &RunContext<'_>) -> Value<T> {
        Value::new(context.want(&self.0))
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static> Held for Many<T> {
    type Values<'a> = Vec<&'a T>;
    type Kept = Vec<Value<T>>;

    fn values<'a>(self, context: &RunContext<'a>) -> Vec<&'a T> {
        (0..self.count)
            .map(|k| context.get(&self.first.after(k)))
            .collect()
    }

    fn keep(self, context: &RunContext<'_>) -> Vec<Value<T>> {
        (0..self.count)
            .map(|k| Value::new(context.want(&self.first.after(k))))
            .collect()
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static> Inputs for &TaskFuture<T> {
    type Held = Borrowed<T>;

    #[inline]
    fn hold(self, linker: &mut Linker) -> Borrowed<T> {
        Borrowed(Slot::of(linker.link(self.task())))
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Clone + Send + Sync + 'static> Inputs for TaskFuture<T> {
    type Held = Owned<T>;

    fn hold(self, linker: &mut Linker) -> Owned<T> {
        Owned(Slot::of(linker.give(self.into_task())))
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static> Inputs for &[TaskFuture<T>] {
    type Held = Many<T>;

    fn hold(self, linker: &mut Linker) -> Many<T> {
        let first = Slot::of(linker.inputs.len());
        for handle in self {
            linker.link(handle.task());
        }
        Many {
            first,
            count: self.len(),
        }
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static> Inputs for &Vec<TaskFuture<T>> {
    type Held = Many<T>;

    fn hold(self, linker: &mut Linker) -> Many<T> {
        self.as_slice().hold(linker)
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static, const N: usize> Inputs for &[TaskFuture<T>; N] {
    type Held = Many<T>;

    fn hold(self, linker: &mut Linker) -> Many<T> {
        self.as_slice().hold(linker)
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + Sync + 'static> Inputs for Vec<TaskFuture<T>> {
    type Held = Many<T>;

    fn hold(self, linker: &mut Linker) -> Many<T> {
        let first = Slot::of(linker.inputs.len());
        let count = self.len();
        for handle in self {
            linker.give(handle.into_task());
        }
        Many { first, count }
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        #[allow(private_interfaces, reason = "called by this crate only")]
        impl<$($name: Held),*> Held for ($($name,)*) {
            type Values<'a> = ($($name::Values<'a>,)*);
            type Kept = ($($name::Kept,)*);

            #[inline]
            #[allow(non_snake_case, reason = "the type's name is the value's")]
            fn values<'a>(self, context: &RunContext<'a>) -> Self::Values<'a> {
                let ($($name,)*) = self;
                ($($name.values(context),)*)
            }

            #[allow(non_snake_case, reason = "the type's name is the value's")]
            fn keep(self, context: &RunContext<'_>) -> Self::Kept {
                let ($($name,)*) = self;
                ($($name.keep(context),)*)
            }
        }

        impl<$($name: Lent),*> Lent for ($($name,)*) {
            #[allow(non_snake_case, reason = "the type's name is the value's")]
            fn again(&self) -> Self {
                let ($($name,)*) = self;
                ($($name.again(),)*)
            }
        }

        #[allow(private_interfaces, reason = "called by this crate only")]
        impl<$($name: Inputs),*> Inputs for ($($name,)*) {
            type Held = ($($name::Held,)*);

            #[inline]
            #[allow(non_snake_case, reason = "the type's name is the value's")]
            fn hold(self, linker: &mut Linker) -> Self::Held {
                let ($($name,)*) = self;
                ($($name.hold(linker),)*)
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);
