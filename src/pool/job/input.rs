//! What a body may read: the values of its inputs, by typed places in the list of them.

#[cfg(feature = "task")]
use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::Arc;

#[cfg(feature = "task")]
use super::kind;
use super::{Job, value};
use crate::graph::Graph;
use crate::pool::local::Local;
use crate::pool::want::TaskRef;

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
        let inputs = self.inputs();
        self.is_of::<T>(*inputs.get(place)?)
            .then(|| Slot::of(place))
    }

    /// The nodes of its inputs.
    #[cfg(feature = "task")]
    pub(crate) fn inputs(&self) -> crate::graph::Inputs {
        self.graph.inputs(self.index)
    }

    /// Whether the value of an input is a `T`.
    #[cfg(feature = "task")]
    pub(crate) fn is_of<T: 'static>(&self, input: u32) -> bool {
        kind(self.graph, input).value() == TypeId::of::<T>()
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
