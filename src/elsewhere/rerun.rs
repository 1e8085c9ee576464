//! The call of a task elsewhere, run in this process for who looks for its fault.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::call::{Defined, Parcel};
use crate::future::TaskFuture;
use crate::inputs::Linker;
use crate::pool::want::TaskRef;
use crate::task::{Called, Plan};

/// A call as it was sent.
pub(crate) struct KeptCall {
    pub(super) function: &'static dyn Defined,
    pub(super) parcel: Arc<Parcel>,
    pub(super) inputs: Vec<TaskRef>,
}

impl TaskRef {
    /// A task of this process that runs the same call, if that is kept.
    pub(crate) fn rerun_here(&self, location: &'static Location<'static>) -> Option<Self> {
        let extra = self.engine().extra(self.index())?;
        let call = extra.remote.as_ref()?.kept()?;
        let mut linker = Linker::default();
        for input in &call.inputs {
            linker.give(input.clone());
        }
        let job = call.function.travelling(&call.parcel, false);
        let plan = Plan::new(self.engine(), Called::Function(call.function.info()));
        let task: TaskFuture<()> = plan.launch(linker, job, location);
        Some(task.into_task())
    }
}

impl fmt::Debug for KeptCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCall")
            .field("function", &self.function.info().name)
            .finish_non_exhaustive()
    }
}
