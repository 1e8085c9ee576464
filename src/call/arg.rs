//! An argument of a call: a value, or an input of the task that it becomes.

use crate::call::gathered::Gathered;
use crate::call::options::Options;
use crate::call::param::Argument;
use crate::call::{Call, Described};
use crate::future::TaskFuture;
use crate::pool::job::Slot;
use crate::pool::want::TaskRef;

/// What can be an argument of type `T` of a call: a `T`, a handle of a task that gives one, or a call that does. Of a `Vec`, a list
/// of handles too, each of a task that gives an element: a `Vec`, a slice or an array.
///
/// A handle can be lent or moved in. Where the function takes `&T`, it borrows the result from the graph; where it takes
/// `T`, it gets the result itself if nobody else wants it, else a clone. So it does for each element of a list. Since a `Vec`
/// may be one of handles, the compiler has to be told of what an empty one is: `Vec::<f64>::new()`, not `vec![]`.
///
/// ```
/// use tenter::{Client, task};
///
/// #[task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[task]
/// fn sum(of: &[u64]) -> u64 {
///     of.iter().sum()
/// }
///
/// let client = Client::new()?;
/// let parts = client.submit_many((1..=3).map(square::call));
/// assert_eq!(*client.submit(sum::call(&parts)).result()?, 14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of type `{T}`",
    label = "neither a `{T}`, nor a handle or a call that gives one",
    note = "an argument is a value (`{T}`), a handle (`TaskFuture<{T}>` or `&TaskFuture<{T}>`) or another call \
            (`Call<{T}>`)"
)]
pub trait IntoArg<T> {
    #[doc(hidden)]
    fn into_arg(self, parts: &mut Parts) -> Arg<T>;
}

/// An argument, once it is part of a call.
#[derive(Debug)]
pub struct Arg<T>(pub(super) Kind<T>);

#[derive(Debug)]
pub(super) enum Kind<T> {
    Value(T),
    Input(Slot<T>),
    Gathered(Box<Gathered<T>>),
    /// It was given to the function.
    Gone,
}

/// What few calls have: inputs and options.
#[derive(Debug, Default)]
pub struct Parts(pub(super) Option<Box<Rest>>);

#[derive(Debug, Default)]
pub(super) struct Rest {
    pub(super) inputs: Vec<Input>,
    pub(super) options: Options,
}

/// An input of a call.
pub(super) enum Input {
    Task(TaskRef),
    Call(Described),
    /// A call that is being planted.
    Out,
}

impl Input {
    pub(super) fn into_call(self) -> Option<Described> {
        match self {
            Self::Call(call) => Some(call),
            Self::Task(_) | Self::Out => None,
        }
    }

    pub(super) fn into_task(self) -> Option<TaskRef> {
        match self {
            Self::Task(task) => Some(task),
            Self::Call(_) | Self::Out => None,
        }
    }
}

impl Parts {
    pub(super) fn rest(&mut self) -> &mut Rest {
        self.0.get_or_insert_default()
    }

    /// The argument that is this input, which gives a `T`.
    fn input<T>(&mut self, input: Input) -> Arg<T> {
        let inputs = &mut self.rest().inputs;
        inputs.push(input);
        Arg(Kind::Input(Slot::of(inputs.len() - 1)))
    }
}

impl Parts {
    /// The argument that is a list of what these give.
    fn inputs<E: Argument>(&mut self, handles: impl Iterator<Item = TaskRef>) -> Arg<Vec<E>> {
        let inputs = &mut self.rest().inputs;
        let first = inputs.len();
        inputs.extend(handles.map(Input::Task));
        Arg(Kind::Gathered(Box::new(Gathered::of(first..inputs.len()))))
    }
}

impl<T> IntoArg<T> for T {
    #[inline]
    fn into_arg(self, _: &mut Parts) -> Arg<T> {
        Arg(Kind::Value(self))
    }
}

impl<T> IntoArg<T> for &TaskFuture<T> {
    fn into_arg(self, parts: &mut Parts) -> Arg<T> {
        parts.input(Input::Task(self.task().clone()))
    }
}

impl<T> IntoArg<T> for TaskFuture<T> {
    fn into_arg(self, parts: &mut Parts) -> Arg<T> {
        parts.input(Input::Task(self.into_task()))
    }
}

impl<T> IntoArg<T> for Call<T> {
    fn into_arg(self, parts: &mut Parts) -> Arg<T> {
        parts.input(Input::Call(self.described))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Argument> IntoArg<Vec<T>> for Vec<TaskFuture<T>> {
    fn into_arg(self, parts: &mut Parts) -> Arg<Vec<T>> {
        parts.inputs(self.into_iter().map(TaskFuture::into_task))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Argument, const N: usize> IntoArg<Vec<T>> for [TaskFuture<T>; N] {
    fn into_arg(self, parts: &mut Parts) -> Arg<Vec<T>> {
        parts.inputs(self.into_iter().map(TaskFuture::into_task))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Argument> IntoArg<Vec<T>> for &[TaskFuture<T>] {
    fn into_arg(self, parts: &mut Parts) -> Arg<Vec<T>> {
        parts.inputs(self.iter().map(|handle| handle.task().clone()))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Argument> IntoArg<Vec<T>> for &Vec<TaskFuture<T>> {
    fn into_arg(self, parts: &mut Parts) -> Arg<Vec<T>> {
        self.as_slice().into_arg(parts)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Argument, const N: usize> IntoArg<Vec<T>> for &[TaskFuture<T>; N] {
    fn into_arg(self, parts: &mut Parts) -> Arg<Vec<T>> {
        self.as_slice().into_arg(parts)
    }
}

/// A text is copied.
impl IntoArg<String> for &str {
    fn into_arg(self, _: &mut Parts) -> Arg<String> {
        Arg(Kind::Value(self.to_owned()))
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task(task) => task.fmt(f),
            Self::Call(_) => f.write_str("call"),
            Self::Out => f.write_str("out"),
        }
    }
}
