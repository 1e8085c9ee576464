//! Arrays of numbers as raw bytes: what a detector's frame or a column of measurements should travel as.
//!
//! A `Vec` or boxed slice of numbers that is itself an argument or a result of a [`#[task]`](crate::task) function is encoded
//! so already. As a part of something larger it is, with this module as its `with`:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Frame {
//!     width: usize,
//!     #[serde(with = "tenter::raw")]
//!     pixels: Vec<u16>,
//! }
//! ```
//!
//! Without it each number is encoded for itself: an integer of more than 8 bits then takes between one byte and a few more
//! than it has, and a large array takes hundreds of times as long.
//!
//! # Size
//! The number of bytes, in as few bytes as that takes (1 below 128, 4 for 64 MiB), and then the bytes of the numbers, little
//! endian, on every machine: 2 for each `u16`, 8 for each `f64`. The numbers are those of fixed width: `u8` to `u128`, `i8` to
//! `i128`, `f32` and `f64`; not `usize`, whose width is the machine's.

pub(crate) mod array;

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use array::Filling;

/// A number of fixed width.
#[allow(private_bounds, reason = "only this crate says what a number is")]
pub trait Number: Fixed {}

/// What numbers can do here.
#[allow(unnameable_types, reason = "that is its purpose")]
pub(crate) trait Fixed:
    FromBytes + IntoBytes + Immutable + Copy + Default + Send + Sync + 'static
{
    /// With its bytes in the other order.
    #[cfg(target_endian = "big")]
    fn swapped(self) -> Self;
}

macro_rules! numbers {
    ($($code:literal $number:ty)*) => {
        $(
            impl Number for $number {}

            impl Fixed for $number {
                #[cfg(target_endian = "big")]
                fn swapped(self) -> Self {
                    Self::from_ne_bytes(self.to_le_bytes())
                }
            }
        )*

        /// The bytes of a value that is an array of numbers.
        #[inline]
        pub(crate) fn bytes_of<T: 'static>(value: &T) -> Option<Cow<'_, [u8]>> {
            if !may_be_array::<T>() {
                return None;
            }
            let value: &dyn Any = value;
            $(
                if let Some(array) = value.downcast_ref::<Vec<$number>>() {
                    return Some(bytes(array));
                }
                if let Some(array) = value.downcast_ref::<Box<[$number]>>() {
                    return Some(bytes(array));
                }
            )*
            None
        }

        /// Whether a `T` is an array of numbers, and of which.
        fn code_of<T: 'static>() -> Option<u8> {
            if !may_be_array::<T>() {
                return None;
            }
            let of = TypeId::of::<T>();
            $(
                if of == TypeId::of::<Vec<$number>>() || of == TypeId::of::<Box<[$number]>>() {
                    return Some($code);
                }
            )*
            None
        }

        /// Memory for so many bytes of the numbers with this code, of which some are taken at once.
        fn filling(code: u8, bytes: usize, reserved: usize) -> Option<Box<dyn Filling>> {
            match code {
                $($code => array::filling::<$number>(bytes, reserved),)*
                _ => None,
            }
        }

        /// The array of numbers that has these bytes: `None`, if a `T` is no such array.
        #[inline]
        fn array_of<T: 'static>(bytes: &[u8]) -> Option<Result<T, postcard::Error>> {
            let mut value = None::<T>;
            $(
                if let Some(place) = place_of::<T, Vec<$number>>(&mut value) {
                    *place = numbers(bytes);
                    return Some(set(value));
                }
                if let Some(place) = place_of::<T, Box<[$number]>>(&mut value) {
                    *place = numbers(bytes).map(Vec::into_boxed_slice);
                    return Some(set(value));
                }
            )*
            None
        }
    };
}

// The codes stand on the wire, and stay what they are.
numbers!(1 u8 2 u16 3 u32 4 u64 5 u128 6 i8 7 i16 8 i32 9 i64 10 i128 11 f32 12 f64);

/// The array of numbers that these bytes begin with, which are taken: `None`, if a `T` is no such array.
#[inline]
pub(crate) fn take<T: 'static>(rest: &mut &[u8]) -> Option<Result<T, postcard::Error>> {
    code_of::<T>()?;
    let (bytes, left) = match postcard::take_from_bytes::<&[u8]>(rest) {
        Ok(taken) => taken,
        Err(error) => return Some(Err(error)),
    };
    *rest = left;
    array_of(bytes)
}

/// Whether a type has the size of an array of numbers: of most types no more need be asked.
const fn may_be_array<T>() -> bool {
    size_of::<T>() == size_of::<Vec<u8>>() || size_of::<T>() == size_of::<Box<[u8]>>()
}

fn place_of<T: 'static, A: 'static>(value: &mut Option<T>) -> Option<&mut Option<A>> {
    let value: &mut dyn Any = value;
    value.downcast_mut()
}

fn set<T>(value: Option<T>) -> Result<T, postcard::Error> {
    value.ok_or(postcard::Error::DeserializeBadEncoding)
}

/// The numbers as they travel.
fn bytes<N: Fixed>(numbers: &[N]) -> Cow<'_, [u8]> {
    #[cfg(target_endian = "big")]
    {
        let swapped: Vec<N> = numbers.iter().map(|number| number.swapped()).collect();
        Cow::Owned(swapped.as_bytes().to_vec())
    }
    #[cfg(target_endian = "little")]
    Cow::Borrowed(numbers.as_bytes())
}

/// The numbers that have these bytes, if there is a whole number of them.
fn numbers<N: Fixed>(bytes: &[u8]) -> Option<Vec<N>> {
    if !bytes.len().is_multiple_of(size_of::<N>()) {
        return None;
    }
    let mut numbers = vec![N::default(); bytes.len() / size_of::<N>()];
    numbers.as_mut_bytes().copy_from_slice(bytes);
    #[cfg(target_endian = "big")]
    numbers
        .iter_mut()
        .for_each(|number| *number = number.swapped());
    Some(numbers)
}

/// Bytes that are serialized as bytes.
pub(crate) struct Bytes<'b>(pub(crate) Cow<'b, [u8]>);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// Serializes an array of numbers as bytes; for `#[serde(with = "tenter::raw")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<A, N, S>(array: &A, serializer: S) -> Result<S::Ok, S::Error>
where
    A: AsRef<[N]>,
    N: Number,
    S: Serializer,
{
    serializer.serialize_bytes(&bytes(array.as_ref()))
}

/// Deserializes an array of numbers of bytes; for `#[serde(with = "tenter::raw")]`.
///
/// # Errors
/// If there are bytes left over that are no number, and those of the deserializer.
pub fn deserialize<'de, A, N, D>(deserializer: D) -> Result<A, D::Error>
where
    A: From<Vec<N>> + AsRef<[N]>,
    N: Number,
    D: Deserializer<'de>,
{
    let numbers = deserializer.deserialize_byte_buf(Numbers(PhantomData))?;
    Ok(A::from(numbers))
}

/// Takes bytes, however a format gives them.
struct Numbers<N>(PhantomData<N>);

impl<'de, N: Number> Visitor<'de> for Numbers<N> {
    type Value = Vec<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bytes of numbers of {} bytes each", size_of::<N>())
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Vec<N>, E> {
        numbers(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    /// Formats without bytes, as JSON, give a list of them.
    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Vec<N>, S::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element::<u8>()? {
            bytes.push(byte);
        }
        numbers(&bytes).ok_or_else(|| S::Error::invalid_length(bytes.len(), &self))
    }
}
