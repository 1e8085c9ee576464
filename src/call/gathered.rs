//! An argument that is gathered: a list of handles where a function takes a `Vec`.
//!
//! Its handles are inputs of the task like others, side by side. Who describes the call knows the type of the elements; who
//! encodes, hashes and runs it knows that of the list. So the argument says how it is gathered, and of a call from elsewhere the
//! function does ([`Info::gathers`](super::function::Info)).

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use super::handles::{AnyHandle, Pack, pack_value};
use super::param::Argument;
use super::parcel::Source;
use crate::error::Failure;
use crate::pool::job::{RunContext, Slot};

/// How a `T` is made of the values of several inputs.
pub(super) struct Gather<T> {
    /// Of each value itself, if nobody else wants it, else of a clone.
    take: fn(&RunContext<'_>, Range<usize>) -> T,
    /// Of clones.
    cloned: fn(&RunContext<'_>, Range<usize>) -> T,
    decode: fn(&mut Source<'_, '_>, Range<usize>) -> Result<T, Failure>,
    /// Of clones of the results of handles, which it waits for.
    wait: fn(&[AnyHandle]) -> Result<T, Failure>,
    /// How each value is encoded.
    pack: Pack,
}

/// How the argument of some place is gathered, if it can be.
pub type AnyGather = Option<&'static (dyn Any + Send + Sync)>;

impl<E: Argument> Gather<Vec<E>> {
    pub(super) const OF: Self = Self {
        take: |context, inputs| inputs.map(|place| take::<E>(context, place)).collect(),
        cloned: |context, inputs| inputs.map(|place| cloned::<E>(context, place)).collect(),
        decode: |source, inputs| source.elements::<E>(inputs),
        wait: |handles| handles.iter().map(result_of::<E>).collect(),
        pack: pack_value::<E>,
    };
}

/// The value of an input that is an `E`.
pub(super) fn take<E: Argument>(context: &RunContext<'_>, place: usize) -> E {
    let taken = context.take(&Slot::<E>::of(place));
    taken.unwrap_or_else(|| cloned(context, place))
}

fn cloned<E: Argument>(context: &RunContext<'_>, place: usize) -> E {
    context.get(&Slot::<E>::of(place)).clone()
}

/// The result of a handle of a task that gives an `E`.
fn result_of<E: Argument>(handle: &AnyHandle) -> Result<E, Failure> {
    let handle = handle.open::<E>().ok_or_else(|| {
        let asked = std::any::type_name::<E>();
        format!("a handle of its list is of a task that gives something else than `{asked}`")
    })?;
    Ok(handle.result()?.clone())
}

impl<T> Clone for Gather<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Gather<T> {}

impl<T: 'static> Gather<T> {
    /// The same, known to be for a `T`.
    pub(super) fn find(any: AnyGather) -> Option<Self> {
        any?.downcast_ref().copied()
    }

    #[inline]
    pub(super) fn decode(
        &self,
        source: &mut Source<'_, '_>,
        inputs: Range<usize>,
    ) -> Result<T, Failure> {
        (self.decode)(source, inputs)
    }
}

/// An argument that is gathered when the call runs.
pub(super) struct Gathered<T> {
    inputs: Range<usize>,
    how: Gather<T>,
    /// What is lent, once somebody borrows it.
    made: OnceLock<T>,
}

impl<E: Argument> Gathered<Vec<E>> {
    /// Of these inputs, each of which gives an `E`.
    pub(super) fn of(inputs: Range<usize>) -> Self {
        Self::new(inputs, Gather::<Vec<E>>::OF)
    }
}

impl<T> Gathered<T> {
    pub(super) fn new(inputs: Range<usize>, how: Gather<T>) -> Self {
        Self {
            inputs,
            how,
            made: OnceLock::new(),
        }
    }

    pub(super) fn inputs(&self) -> Range<usize> {
        self.inputs.clone()
    }

    pub(super) fn pack(&self) -> Pack {
        self.how.pack
    }

    /// For the only attempt.
    pub(super) fn take(&self, context: &RunContext<'_>) -> T {
        (self.how.take)(context, self.inputs())
    }

    /// For one of several attempts.
    pub(super) fn cloned(&self, context: &RunContext<'_>) -> T {
        (self.how.cloned)(context, self.inputs())
    }

    /// For a method, which waits for those of the handles that it came with.
    pub(super) fn wait(&self, handles: &[AnyHandle]) -> Result<T, Failure> {
        let handles = handles.get(self.inputs()).ok_or_else(|| {
            let (inputs, came) = (&self.inputs, handles.len());
            format!("it is of the handles {inputs:?}, and {came} came with it")
        })?;
        (self.how.wait)(handles)
    }

    /// To be borrowed by the only attempt.
    pub(super) fn lend_taken(&self, context: &RunContext<'_>) -> &T {
        self.made.get_or_init(|| self.take(context))
    }

    /// To be borrowed by all attempts.
    pub(super) fn lend(&self, context: &RunContext<'_>) -> &T {
        self.made.get_or_init(|| self.cloned(context))
    }
}

impl<T> fmt::Debug for Gathered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gathered").field(&self.inputs).finish()
    }
}

impl<T> fmt::Debug for Gather<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gather")
    }
}
