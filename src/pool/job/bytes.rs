//! The bytes of a payload: room for a value of up to 40 bytes, or for the box of a larger one.
//!
//! The bytes do not know what they hold; each function's caller does.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

pub(super) const WORDS: usize = 5;

pub(super) type Data = *mut MaybeUninit<u64>;

pub(super) const EMPTY: [MaybeUninit<u64>; WORDS] = [MaybeUninit::uninit(); WORDS];

/// Whether a value takes memory outside of its node.
pub(crate) const fn needs_outside<T>() -> bool {
    std::mem::needs_drop::<T>() || !fits::<T>()
}

pub(super) const fn fits<T>() -> bool {
    size_of::<T>() <= WORDS * size_of::<u64>() && align_of::<T>() <= align_of::<u64>()
}

/// Writes a value into a payload's bytes, boxed when it does not fit.
///
/// # Safety
/// The bytes are the caller's and hold nothing that needs a drop.
#[inline]
pub(super) unsafe fn put<T>(data: Data, value: T) {
    // SAFETY: room and alignment by `fits`, or a pointer's.
    unsafe {
        if fits::<T>() {
            data.cast::<T>().write(value);
        } else {
            data.cast::<*mut T>().write(Box::into_raw(Box::new(value)));
        }
    }
}

/// Where a `T` put there is.
///
/// # Safety
/// The bytes hold a `T` put by [`put`].
#[inline]
pub(super) unsafe fn peek<'a, T>(data: *const MaybeUninit<u64>) -> &'a T {
    // SAFETY: in place, or boxed when it does not fit.
    unsafe {
        if fits::<T>() {
            &*data.cast()
        } else {
            &**data.cast::<*const T>()
        }
    }
}

/// Moves a `T` put there out again.
///
/// # Safety
/// The bytes hold a `T` put by [`put`], which is forgotten by this.
#[inline]
pub(super) unsafe fn pull<T>(data: Data) -> T {
    // SAFETY: the caller's word.
    unsafe {
        if fits::<T>() {
            data.cast::<T>().read()
        } else {
            *Box::from_raw(*data.cast::<*mut T>())
        }
    }
}

/// Drops a `T` put there.
///
/// # Safety
/// The bytes hold a `T` put by [`put`], which is gone after this.
pub(super) unsafe fn drop_as<T>(data: Data) {
    // SAFETY: the caller's word.
    drop(unsafe { pull::<T>(data) });
}
