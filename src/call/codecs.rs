//! How types are encoded, for code that cannot know it from their bounds.
//!
//! A client of a task is one of this process, [`Local`](crate::Local), whose types need not be encodable. Where it shares
//! something with other processes all the same, the encoding is found here: of every type that a `#[task]` function takes or
//! gives, of handles of these, of numbers and of texts.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

use super::param::Portable;
use crate::future::TaskFuture;
use crate::sync::Codec;

/// Encodings by the type.
pub(crate) struct Codecs(HashMap<TypeId, Box<dyn Any + Send>>);

impl Codecs {
    pub(crate) fn add<T: Portable>(&mut self) {
        self.add_one::<T>();
        self.add_one::<TaskFuture<T>>();
    }

    pub(super) fn add_one<T: Portable>(&mut self) {
        let codec = || Box::new(Codec::<T>::of_portable()) as _;
        self.0.entry(TypeId::of::<T>()).or_insert_with(codec);
    }

    pub(crate) fn find<T: 'static>(&self) -> Option<Codec<T>> {
        let codec = self.0.get(&TypeId::of::<T>())?;
        codec.downcast_ref::<Codec<T>>().copied()
    }
}

macro_rules! common {
    ($codecs:ident: $($of:ty)*) => {
        $($codecs.add::<$of>();)*
    };
}

impl Default for Codecs {
    fn default() -> Self {
        let mut codecs = Self(HashMap::new());
        common!(codecs: () bool char String u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 Vec<u8> Vec<f64>);
        codecs
    }
}

impl fmt::Debug for Codecs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Codecs").field(&self.0.len()).finish()
    }
}
