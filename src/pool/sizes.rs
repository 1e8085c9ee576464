//! How many bytes results take.
//!
//! Only results outside of their nodes are summed: those that need a destructor or do not fit. A number in a node is
//! part of the node, costs nothing more, and is not looked at when it is made and freed.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::job;
use super::local::Local;
use super::run::guarded;
use crate::nbytes::Nbytes;

/// Says of a value, if it is of the type that it was declared for, its bytes.
type Size = Arc<dyn Fn(&dyn Any) -> usize + Send + Sync>;

/// The sizes that the user declared, by type.
#[derive(Clone, Default)]
pub(crate) struct Sizes(HashMap<TypeId, Size>);

impl Sizes {
    pub(crate) fn declare<T: 'static>(&mut self, f: impl Fn(&T) -> usize + Send + Sync + 'static) {
        let size = move |value: &dyn Any| value.downcast_ref().map_or(0, &f);
        self.0.insert(TypeId::of::<T>(), Arc::new(size));
    }

    /// The bytes of a value: as declared, as known, or its own.
    pub(crate) fn of<T: 'static>(&self, value: &T) -> usize {
        let declared = match self.0.is_empty() {
            true => None,
            false => self.0.get(&TypeId::of::<T>()),
        };
        match declared {
            Some(size) => guarded(|| size(value)).unwrap_or(size_of::<T>()),
            None => known(value).unwrap_or(size_of::<T>()),
        }
    }
}

/// The bytes of a value of a type that everybody uses. Of each `T` the compiler keeps the one comparison that holds.
#[inline]
fn known<T: 'static>(value: &T) -> Option<usize> {
    macro_rules! first_of {
        ($($known:ty),* $(,)?) => {
            $(if let Some(value) = (value as &dyn Any).downcast_ref::<$known>() {
                return Some(value.nbytes());
            })*
        };
    }
    macro_rules! numbers {
        ($($number:ty)*) => {
            $(first_of!(
                Vec<$number>, Box<[$number]>, Arc<[$number]>, Arc<Vec<$number>>, Vec<Vec<$number>>,
            );)*
        };
    }
    first_of!(String, Box<str>, Arc<str>, Vec<String>);
    numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char);
    None
}

impl Local {
    /// Adds the bytes of a finished task's result, or of one just about to finish, to the sum, and gives them; 0 if it
    /// is all in the node. Runs user code: nothing is borrowed.
    #[inline]
    pub(super) fn count_bytes(&self, index: u32) -> usize {
        if job::is_outside(&self.engine.graph, index) {
            self.count_outside(index)
        } else {
            0
        }
    }

    #[inline(never)]
    fn count_outside(&self, index: u32) -> usize {
        let graph = &self.engine.graph;
        let bytes = job::value_bytes(graph, index, &self.engine.options.sizes);
        self.stripe.add_bytes(bytes as i64);
        bytes
    }

    /// Takes the bytes of a result that is about to be dropped off the sum.
    pub(super) fn uncount_bytes(&self, index: u32) {
        let graph = &self.engine.graph;
        if job::is_outside(graph, index) {
            let bytes = job::value_bytes(graph, index, &self.engine.options.sizes);
            self.stripe.add_bytes(-(bytes as i64));
        }
    }

    /// Moves the value out of a finished task that nobody else wants. Somebody who only looks may hold a pin for a
    /// moment, and is waited for.
    pub(crate) fn take<T: 'static>(&self, index: u32) -> Option<T> {
        let engine = &self.engine;
        loop {
            if let Some(value) = job::take::<T>(&engine.graph, index) {
                if job::needs_outside::<T>() {
                    let bytes = engine.options.sizes.of(&value);
                    self.stripe.add_bytes(-(bytes as i64));
                }
                return Some(value);
            }
            if !engine.pins.any() {
                return None;
            }
            std::thread::yield_now();
        }
    }
}

impl fmt::Debug for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sizes").finish_non_exhaustive()
    }
}
