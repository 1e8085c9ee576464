//! The value of a call that ran here, to be encoded for whoever wants it.

use std::fmt;

use crate::call::hosting::{Encodable, Measure, measure};
use crate::call::plant::checked;
use crate::call::{AnyHandle, Parcel};
use crate::client::current_blame;
use crate::error::TaskError;
use crate::pool::want::TaskRef;

/// The value of a body that has just ended.
#[derive(Clone, Copy)]
pub struct Output<'a> {
    value: &'a dyn Encodable,
    task: &'a dyn Fn() -> TaskRef,
}

/// A value, encoded if it is small.
#[derive(Debug)]
pub enum Size {
    /// All of it.
    Small(Parcel),
    /// So many bytes, and the handles in it.
    Large(u64, Vec<AnyHandle>),
}

impl<'a> Output<'a> {
    pub(super) fn new(value: &'a dyn Encodable, task: &'a dyn Fn() -> TaskRef) -> Self {
        Self { value, task }
    }

    /// Encodes the value if it has at most `limit` bytes; else says how many it has.
    ///
    /// # Errors
    /// `Encoding`, if it cannot be encoded.
    pub fn encode(&self, limit: usize) -> Result<Size, TaskError> {
        let measured =
            checked(|| measure(self.value, limit).map_err(|error| error.to_string().into()));
        measured.map(sized).map_err(|(kind, text)| {
            let text = format!("its result cannot be encoded: {text}");
            TaskError::new(kind, current_blame(), text, None)
        })
    }

    /// The task, which is about to finish with this value.
    pub fn task(&self) -> AnyHandle {
        AnyHandle::of_task((self.task)())
    }
}

fn sized(measure: Measure) -> Size {
    let Measure {
        short,
        total,
        handles,
    } = measure;
    match short {
        Some(bytes) => Size::Small(Parcel {
            bytes,
            handles: handles.into(),
        }),
        None => Size::Large(total, handles),
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}
