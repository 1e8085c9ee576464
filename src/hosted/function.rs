//! The functions that this program has.

use std::fmt;

use crate::call::plant::checked;
use crate::call::{AnyHandle, Defined, Parcel};
use crate::client::current_blame;
use crate::error::{ErrorKind, TaskError};
use crate::raw::array::Array;
use crate::registry;

/// A `#[task]` function of this program.
#[derive(Clone, Copy)]
pub struct Function(pub(super) &'static dyn Defined);

/// All of them, in an order that stays.
pub fn functions() -> Vec<Function> {
    registry::all().into_iter().map(Function).collect()
}

impl Function {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.0.info().name
    }

    /// Of its signature and version.
    pub fn signature_hash(&self) -> u64 {
        self.0.info().signature_hash
    }

    /// The value of a finished task of this function, if it is an array of numbers: that need not be encoded.
    ///
    /// # Errors
    /// The task's error.
    pub fn array(&self, task: &AnyHandle) -> Result<Option<Array>, TaskError> {
        let Some(task) = task.task() else {
            return Ok(None);
        };
        AnyHandle::wait(&task)?;
        Ok(self.0.lend_result(&task))
    }

    /// Whether what it gives is an actor, which stays where it was made.
    pub fn makes_actors(&self) -> bool {
        self.0.info().houses
    }

    /// Encodes the value of a finished task of this function.
    ///
    /// # Errors
    /// The task's error; `Encoding`, if it is the value that cannot be encoded.
    pub fn encode(&self, task: &AnyHandle) -> Result<Parcel, TaskError> {
        let Some(task) = task.task() else {
            let text = "it is not a task of this process";
            return Err(TaskError::new(
                ErrorKind::Encoding,
                current_blame(),
                text,
                None,
            ));
        };
        AnyHandle::wait(&task)?;
        checked(|| self.0.encode_result(&task)).map_err(|(kind, text)| {
            TaskError::new(kind, task.engine().blame(task.index()), text, None)
        })
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function").field(&self.name()).finish()
    }
}
