//! The bytes a value takes, what it owns included.

use std::sync::Arc;

/// How many bytes a value takes, what it owns on the heap included.
///
/// An estimate: vectors count their capacity, an allocator's own needs are left out, and what an `Arc` shares is
/// counted by each who holds it. Implement it for your own types to use it in
/// [`Builder::nbytes`](crate::Builder::nbytes).
///
/// ```
/// use tenter::Nbytes;
/// assert_eq!(5u64.nbytes(), 8);
/// assert_eq!(vec![0u16; 100].nbytes(), 24 + 200);
/// assert_eq!((1u32, "abc".to_owned()).nbytes(), size_of::<(u32, String)>() + 3);
/// ```
pub trait Nbytes {
    /// The bytes of this value.
    fn nbytes(&self) -> usize;
}

/// What a value owns besides itself.
fn owned<T: Nbytes>(value: &T) -> usize {
    value.nbytes().saturating_sub(size_of::<T>())
}

macro_rules! plain {
    ($($plain:ty)*) => {
        $(impl Nbytes for $plain {
            #[inline]
            fn nbytes(&self) -> usize {
                size_of::<Self>()
            }
        })*
    };
}

plain!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char);

impl Nbytes for () {
    fn nbytes(&self) -> usize {
        0
    }
}

impl Nbytes for str {
    fn nbytes(&self) -> usize {
        self.len()
    }
}

impl Nbytes for String {
    fn nbytes(&self) -> usize {
        size_of::<Self>() + self.capacity()
    }
}

impl<T: Nbytes> Nbytes for [T] {
    fn nbytes(&self) -> usize {
        self.iter().map(Nbytes::nbytes).sum()
    }
}

impl<T: Nbytes, const N: usize> Nbytes for [T; N] {
    fn nbytes(&self) -> usize {
        self.as_slice().nbytes()
    }
}

impl<T: Nbytes> Nbytes for Vec<T> {
    fn nbytes(&self) -> usize {
        let spare = (self.capacity() - self.len()) * size_of::<T>();
        size_of::<Self>() + self.as_slice().nbytes() + spare
    }
}

impl<T: Nbytes + ?Sized> Nbytes for Box<T> {
    fn nbytes(&self) -> usize {
        size_of::<Self>() + (**self).nbytes()
    }
}

impl<T: Nbytes + ?Sized> Nbytes for Arc<T> {
    fn nbytes(&self) -> usize {
        size_of::<Self>() + (**self).nbytes()
    }
}

impl<T: Nbytes> Nbytes for Option<T> {
    fn nbytes(&self) -> usize {
        size_of::<Self>() + self.as_ref().map_or(0, owned)
    }
}

impl<T: Nbytes, E: Nbytes> Nbytes for Result<T, E> {
    fn nbytes(&self) -> usize {
        let owned = match self {
            Ok(value) => owned(value),
            Err(error) => owned(error),
        };
        size_of::<Self>() + owned
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Nbytes),*> Nbytes for ($($name,)*) {
            #[allow(non_snake_case, reason = "the type's name is the value's")]
            fn nbytes(&self) -> usize {
                let ($($name,)*) = self;
                size_of::<Self>() $(+ owned($name))*
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
