//! An array of numbers whose value and whose encoding are the same memory: nothing is copied where it leaves, and nothing
//! where it arrives.
//!
//! Its encoding is a [head](Array::head), which says how many bytes follow, and the memory of the numbers.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use zerocopy::IntoBytes;

use super::{Fixed, array_of, bytes_of, code_of};
use crate::call::Portable;
use crate::call::parcel::{undecodable, unpack_from};
use crate::error::Failure;
use crate::pool::job;
use crate::pool::want::TaskRef;

/// An array of numbers, shared. Cheap to clone.
#[derive(Clone)]
pub struct Array {
    code: u8,
    held: Held,
}

#[derive(Clone)]
enum Held {
    /// The value of a task, which is kept for it.
    Task(Arc<dyn AsRef<[u8]> + Send + Sync>),
    /// A `Vec` that was received.
    Own(Arc<dyn Numbers>),
}

/// The value of a finished task, which is an array of numbers.
struct Value<T> {
    task: TaskRef,
    of: PhantomData<fn() -> T>,
}

/// A `Vec` of numbers.
trait Numbers: Any + Send + Sync {
    fn bytes(&self) -> &[u8];
}

impl Array {
    /// The value of a finished task, if it is an array of numbers that is laid out as it travels.
    pub(crate) fn of_task<T: Portable>(task: &TaskRef) -> Option<Self> {
        let code = code_of::<T>().filter(|_| cfg!(target_endian = "little"))?;
        let value = Value::<T> {
            task: task.clone(),
            of: PhantomData,
        };
        Some(Self {
            code,
            held: Held::Task(Arc::new(value)),
        })
    }

    /// Which numbers it is of: never 0.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What stands before the numbers in its encoding.
    pub fn head(&self) -> Vec<u8> {
        head(self.as_ref().len())
    }

    /// Bytes of its encoding.
    pub fn encoded_len(&self) -> usize {
        self.head().len() + self.as_ref().len()
    }

    /// Its encoding, copied.
    pub fn encoded(&self) -> Vec<u8> {
        let mut encoded = self.head();
        encoded.reserve_exact(self.as_ref().len());
        encoded.extend_from_slice(self.as_ref());
        encoded
    }

    /// The value itself, if it was received and is a `T`.
    pub(crate) fn share<T: Portable>(&self) -> Option<Arc<T>> {
        match &self.held {
            Held::Task(_) => None,
            Held::Own(numbers) => {
                let value: Arc<dyn Any + Send + Sync> = Arc::clone(numbers) as _;
                value.downcast().ok()
            }
        }
    }

    /// A copy of the value, if it can be read as a `T`.
    pub(crate) fn copy<T: Portable>(&self) -> Result<T, Failure> {
        match array_of(self.as_ref()) {
            Some(array) => array.map_err(|error| undecodable::<T>(&error)),
            // Of a type that is encoded in the same way.
            None => unpack_from(&self.encoded(), &Vec::new().into()),
        }
    }

    /// The value, if it can be read as a `T`: copied only if others have it too.
    pub(crate) fn into_value<T: Portable>(self) -> Result<T, Failure> {
        let is_ours = |numbers: &Arc<dyn Numbers>| {
            let value: &dyn Any = &**numbers;
            Arc::strong_count(numbers) == 1 && value.is::<T>()
        };
        match self.held {
            Held::Own(numbers) if is_ours(&numbers) => {
                let value: Arc<dyn Any + Send + Sync> = numbers;
                let value = value.downcast().ok().and_then(Arc::into_inner);
                Ok(value.expect("it is a `T`, and nobody else has it"))
            }
            _ => self.copy(),
        }
    }
}

/// The bytes of the numbers.
impl AsRef<[u8]> for Array {
    fn as_ref(&self) -> &[u8] {
        match &self.held {
            Held::Task(value) => (**value).as_ref(),
            Held::Own(numbers) => numbers.bytes(),
        }
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array")
            .field("code", &self.code)
            .field("bytes", &self.as_ref().len())
            .finish()
    }
}

impl<T: 'static> AsRef<[u8]> for Value<T> {
    fn as_ref(&self) -> &[u8] {
        let value: &T = job::value(&self.task.engine().graph, self.task.index());
        match bytes_of(value) {
            Some(Cow::Borrowed(bytes)) => bytes,
            _ => unreachable!("it was made of an array that is laid out as it travels"),
        }
    }
}

impl<N: Fixed> Numbers for Vec<N> {
    fn bytes(&self) -> &[u8] {
        self.as_slice().as_bytes()
    }
}

/// Memory that an array is received into.
pub struct Room {
    code: u8,
    head: Vec<u8>,
    /// Bytes of the numbers, once all are there.
    bytes: usize,
    filling: Box<dyn Filling>,
}

/// A `Vec` of numbers, as the bytes that come.
pub(super) trait Filling: Send {
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Makes it at least so many bytes long, in memory for at least `room` if it needs more. No: there is none.
    fn lengthen(&mut self, bytes: usize, room: usize) -> bool;

    fn array(self: Box<Self>, code: u8) -> Array;
}

impl Room {
    /// For the array of these numbers whose encoding has so many bytes, of which `reserved` are taken at once, and more as
    /// they come. `None`, if there is no such array, or no memory.
    pub fn new(code: u8, encoded: u64, reserved: usize) -> Option<Self> {
        let encoded = usize::try_from(encoded).ok()?;
        let head = (1..=10).find_map(|len| {
            let head = head(encoded.checked_sub(len)?);
            (head.len() == len).then_some(head)
        })?;
        let bytes = encoded - head.len();
        Some(Self {
            code,
            head,
            bytes,
            filling: super::filling(code, bytes, reserved)?,
        })
    }

    /// What stands before the numbers.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The place of the `len` bytes of the numbers that come after `from`. `None`, if they are too many, or there is no
    /// memory for them.
    pub fn after(&mut self, from: usize, len: usize) -> Option<&mut [u8]> {
        let end = from.checked_add(len).filter(|end| *end <= self.bytes)?;
        let is_there = self.filling.bytes_mut().len() >= end;
        // As much again as has come.
        if is_there || self.filling.lengthen(end, self.bytes.min(2 * from)) {
            return Some(&mut self.filling.bytes_mut()[from..end]);
        }
        None
    }

    /// The array, all of which is there.
    pub fn into_array(self) -> Array {
        self.filling.array(self.code)
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("code", &self.code)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// Memory for so many bytes of numbers, if they are whole ones laid out as they travel.
pub(super) fn filling<N: Fixed>(bytes: usize, reserved: usize) -> Option<Box<dyn Filling>> {
    let whole = bytes.is_multiple_of(size_of::<N>()) && cfg!(target_endian = "little");
    let first = bytes.min(reserved) / size_of::<N>();
    let numbers = N::new_vec_zeroed(first).ok().filter(|_| whole)?;
    Some(Box::new(numbers))
}

impl<N: Fixed> Filling for Vec<N> {
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.as_mut_slice().as_mut_bytes()
    }

    fn lengthen(&mut self, bytes: usize, room: usize) -> bool {
        let len = bytes.div_ceil(size_of::<N>());
        let lacking = len.max(room / size_of::<N>()) - self.len();
        if self.capacity() < len && self.try_reserve_exact(lacking).is_err() {
            return false;
        }
        self.resize(len, N::default());
        true
    }

    fn array(self: Box<Self>, code: u8) -> Array {
        let held = Held::Own(Arc::new(*self));
        Array { code, held }
    }
}

/// What stands before so many bytes in an encoding: how many they are.
fn head(bytes: usize) -> Vec<u8> {
    let mut head = [0; 10];
    let head = postcard::to_slice(&bytes, &mut head).expect("ten bytes hold any length");
    head.to_vec()
}
