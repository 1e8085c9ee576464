//! How a value of some type is encoded to be shared with other processes.

use std::fmt;

use super::SentItem;
#[cfg(feature = "task")]
use crate::error::TaskError;
use crate::error::{Failure, WaitError};

#[cfg(feature = "task")]
pub(crate) use crate::call::Parcel;

/// Stands for what cannot be made: nothing leaves the process.
#[cfg(not(feature = "task"))]
#[derive(Clone, Debug)]
pub struct Parcel;

/// The largest item, in bytes: what is larger belongs to workers, and its handle here.
#[cfg(feature = "task")]
const LARGEST: usize = 32 << 20;

/// Encodes and decodes values of one type.
pub(crate) struct Codec<T> {
    pack: fn(&T) -> Result<Parcel, Failure>,
    unpack: fn(&Parcel) -> Result<T, Failure>,
}

impl<T> Codec<T> {
    /// # Errors
    /// `Encoding`.
    pub(in crate::sync) fn pack(&self, value: &T) -> Result<Parcel, WaitError> {
        let parcel = (self.pack)(value).map_err(|error| WaitError::Encoding(error.to_string()))?;
        Self::check_size(parcel)
    }

    /// # Errors
    /// `Encoding`.
    pub(in crate::sync) fn unpack(&self, parcel: &Parcel) -> Result<T, WaitError> {
        (self.unpack)(parcel).map_err(|error| WaitError::Encoding(error.to_string()))
    }

    #[cfg(feature = "task")]
    fn check_size(parcel: Parcel) -> Result<Parcel, WaitError> {
        let bytes = parcel.bytes.len();
        if bytes <= LARGEST {
            return Ok(parcel);
        }
        let kind = std::any::type_name::<T>();
        Err(WaitError::Encoding(format!(
            "this `{kind}` takes {bytes} bytes, and what is shared by name at most {LARGEST}: share a handle of it, from `scatter`",
        )))
    }

    #[cfg(not(feature = "task"))]
    fn check_size(parcel: Parcel) -> Result<Parcel, WaitError> {
        Ok(parcel)
    }
}

impl Codec<String> {
    /// That of texts, known everywhere.
    pub(in crate::sync) fn texts() -> Option<Self> {
        #[cfg(feature = "task")]
        return Some(Self::of_portable());
        #[cfg(not(feature = "task"))]
        None
    }
}

#[cfg(feature = "task")]
impl<T: crate::Portable> Codec<T> {
    /// That of a type which can be encoded.
    pub(crate) fn of_portable() -> Self {
        Self {
            pack: crate::call::pack,
            unpack: crate::call::unpack,
        }
    }
}

#[cfg(feature = "task")]
impl Parcel {
    pub(super) fn has_handles(&self) -> bool {
        !self.handles.is_empty()
    }

    /// Names the handles in it as the other side knows them, now or later.
    pub(super) fn name_handles(
        self,
        then: impl FnOnce(Result<SentItem, WaitError>) + Send + 'static,
    ) {
        let Self { bytes, handles } = self;
        if handles.is_empty() {
            let handles = Vec::new();
            return then(Ok(SentItem { bytes, handles }));
        }
        let named = move |named: Result<_, TaskError>| {
            then(match named {
                Ok(handles) => Ok(SentItem { bytes, handles }),
                Err(error) => Err(WaitError::Encoding(format!(
                    "a handle in it cannot be shared: {error}"
                ))),
            });
        };
        crate::elsewhere::tickets(&handles, Box::new(named));
    }
}

#[cfg(not(feature = "task"))]
impl Parcel {
    pub(super) fn has_handles(&self) -> bool {
        false
    }

    pub(super) fn name_handles(self, _: impl FnOnce(Result<SentItem, WaitError>) + Send + 'static) {
    }
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}
