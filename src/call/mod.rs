//! Calls of `#[task]` functions: descriptions of tasks, which nest, and of which the graph is made when the outermost one
//! is submitted.
//!
//! 1. `name::call(..)` turns each argument into an [`Arg`]: a value is moved in; of a handle or a nested call there is
//!    only the place among the call's inputs, which stand in its [`Parts`], and of a list of handles ([`gathered`]) the places.
//! 2. The arguments and a pointer to the function are a [`Body`](body::Body), which stands in a [`Job`] from the start. All
//!    code is generic over the types of the signature, never over the function: functions of one signature share it, and
//!    what the attribute generates is a static table and a closure.
//! 3. A submit ([`plant`]) makes the tasks, inputs before their dependents, with a stack of its own: calls nest as deep as
//!    memory lasts. Here a pure call gets its key ([`content`]), and where calls are to be encoded ([`parcel`]) they are.

pub(crate) mod arg;
mod args;
mod body;
mod codecs;
mod content;
mod feed;
mod function;
mod gathered;
mod given;
mod handles;
mod method;
mod options;
mod param;
pub(crate) mod parcel;
pub(crate) mod plant;

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use crate::pool::job::Job;
use arg::{Input, Parts, Rest};
use gathered::{AnyGather, Gather};

pub use arg::IntoArg;
pub(crate) use codecs::Codecs;
pub(crate) use function::{Defined, land};
pub use handles::AnyHandle;
pub(crate) use handles::Pack;
pub use method::Method;
pub(crate) use method::{DefinedMethod, Prepared};
pub use param::{Argument, Portable};
pub use parcel::Parcel;
pub(crate) use parcel::{pack, unpack, unpack_from};

/// What a call from elsewhere is made of.
pub(crate) mod hosting {
    pub(crate) use super::args::Args;
    pub(crate) use super::body::{Eventually, Run, future_in};
    pub(crate) use super::function::Info;
    pub(crate) use super::parcel::{Encodable, Measure, Parcel, decode, measure, unpack_from};
}

/// What the `#[task]` attribute writes; no stability promise.
pub mod generated {
    pub use super::arg::{Arg, IntoArg, Parts};
    pub use super::args::Args;
    pub use super::body::{Fails, fallible, later, later_fallible};
    pub use super::function::{Defined, Definition, Info};
    pub use super::gathered::AnyGather;
    pub use super::given::{Asked, Pass, Show};
    pub use super::method::{DefinedMethod, MethodDefinition, State, state};
    pub use super::param::{Keep, Keeping, Kept, Lend, Own, Param, argument, portable};
    pub use super::{Call, Method, Probe, ProbePlain};
    pub use crate::actor::{Housed, house};
    pub use crate::registry::Registered;
    pub use inventory;
}

/// A call of a `#[task]` function that gives a `T`: a description, which does nothing until it is submitted.
///
/// `name::call(..)` makes it, of values, handles and other calls in any mix. Options chain on it, and hold for this call
/// alone. When it is submitted, so are the calls that are its arguments; what is wrong with one of them is the error of
/// those that depend on it.
///
/// A submit takes it. It cannot be cloned, since its values are moved to the task: describe it again to submit it twice.
/// Dropped, it drops its arguments, at whatever depth, and nothing has run.
///
/// ```
/// use tenter::{Client, task};
///
/// #[task]
/// fn add(a: u64, b: u64) -> u64 {
///     a + b
/// }
///
/// let client = Client::new()?;
/// let three = client.submit(add::call(1, 2));
/// let ten = client.submit(add::call(add::call(3, 4).priority(1), &three));
/// assert_eq!(*ten.result()?, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a call does nothing until it is submitted"]
pub struct Call<T> {
    described: Described,
    of: PhantomData<fn() -> T>,
}

/// A call, whatever it gives.
pub(crate) struct Described {
    /// There until it is planted or dropped.
    job: Option<Job>,
    parts: Parts,
    /// Where it was described.
    location: &'static Location<'static>,
}

impl<T> Call<T> {
    fn new(job: Job, parts: Parts, location: &'static Location<'static>) -> Self {
        let described = Described {
            job: Some(job),
            parts,
            location,
        };
        Self {
            described,
            of: PhantomData,
        }
    }
}

impl Described {
    fn function(&self) -> &'static dyn Defined {
        let job = self.job.as_ref().expect("there until it is planted");
        job.function().expect("it was made as a call")
    }

    /// Whether it has neither inputs nor options.
    fn is_alone(&self) -> bool {
        self.parts.0.is_none()
    }

    /// Drops its own values and inputs, and hands out the calls among these.
    fn dismantle(&mut self, nested: &mut Vec<Self>) {
        if let Some(rest) = self.parts.0.take() {
            let Rest { inputs, .. } = *rest;
            nested.extend(inputs.into_iter().filter_map(Input::into_call));
        }
        if let Some(job) = self.job.take() {
            job.drop_task();
        }
    }
}

/// One after the other, not one in the other: calls nest deeper than a stack would take.
impl Drop for Described {
    #[inline]
    fn drop(&mut self) {
        if self.job.is_some() || self.parts.0.is_some() {
            self.drop_all();
        }
    }
}

impl Described {
    #[cold]
    fn drop_all(&mut self) {
        let mut nested = Vec::new();
        self.dismantle(&mut nested);
        while let Some(mut call) = nested.pop() {
            call.dismantle(&mut nested);
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("function", &self.described.function().info().name)
            .field("type", &std::any::type_name::<T>())
            .finish_non_exhaustive()
    }
}

/// Tells a `Result` and a `Vec` from other types, also under another name.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is one.
    pub const IS_RESULT: bool = true;
}

impl<E: Argument> Probe<Vec<E>> {
    /// It is gathered of the results of tasks that give its elements.
    pub const GATHER: AnyGather = Some(&Gather::<Vec<E>>::OF);
}

/// What [`Probe`] says of other types.
pub trait ProbePlain {
    /// It is no `Result`.
    const IS_RESULT: bool = false;
    /// It is not gathered.
    const GATHER: AnyGather = None;
}

impl<T> ProbePlain for Probe<T> {}
