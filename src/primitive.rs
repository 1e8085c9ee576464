//! The atomics, locks and cells that protocols under proof are built from: std's and `parking_lot`'s, or loom's
//! under `cfg(tenter_loom)`. Cold data that no protocol decides on stays on std's atomics in both builds, which
//! keeps loom's state space small.

#[cfg(not(tenter_loom))]
pub(crate) use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, fence};

#[cfg(tenter_loom)]
pub(crate) use loom::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, fence};

#[cfg(not(tenter_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(tenter_loom)]
pub(crate) use modelled::{Mutex, MutexGuard};

/// A cell whose accesses loom checks for races; elsewhere `std::cell::UnsafeCell`.
#[cfg(not(tenter_loom))]
#[derive(Debug)]
pub(crate) struct Cell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(tenter_loom))]
impl<T> Cell<T> {
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.get()
    }

    pub(crate) fn as_const_ptr(&self) -> *const T {
        self.0.get()
    }
}

/// A cell whose accesses loom checks for races; elsewhere `std::cell::UnsafeCell`.
#[cfg(tenter_loom)]
#[derive(Debug)]
pub(crate) struct Cell<T>(loom::cell::UnsafeCell<T>);

#[cfg(tenter_loom)]
impl<T> Cell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    /// Loom checks at this call that every earlier access happened before it.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.with_mut(|p| p)
    }

    pub(crate) fn as_const_ptr(&self) -> *const T {
        self.0.with(|p| p)
    }
}

#[cfg(tenter_loom)]
mod modelled {
    pub(crate) use loom::sync::MutexGuard;

    /// loom's mutex behind `parking_lot`'s signature: a panic in a model ends the model, so poison cannot be met.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a panic ends the model")
        }
    }
}
