//! The functions that this program has.

use std::fmt;

use crate::call::plant::checked;
use crate::call::{AnyHandle, Defined, Parcel};
use crate::client::current_blame;
use crate::error::{ErrorKind, TaskError};
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
