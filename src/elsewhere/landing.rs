//! The backend's side of a node.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use super::held::Held;
use super::remote::{Remote, Seen};
use super::{Came, Gone, Land, RemoteId, Report};
use crate::call::AnyHandle;
use crate::call::plant::checked;
use crate::error::{ErrorKind, TaskError};
use crate::future::Status;
use crate::graph::{Outcome, Spec};
use crate::pool::Engine;
use crate::pool::extras::Extra;
use crate::pool::job::{Claimed, Job};
use crate::pool::local::{self, Local};
use crate::pool::want::{Anchor, TaskRef};
use crate::raw::array::Array;

/// Where what comes of a task elsewhere is told. Of all that is told of one task, only the first end counts. Cheap to clone.
///
/// Telling it runs user code (decoders, wakers, destructors): nothing may be locked that these can come back to.
#[derive(Clone)]
pub struct Landing {
    anchor: Arc<Anchor>,
    extra: Arc<Extra>,
}

impl Landing {
    /// Makes the node of a task elsewhere, which `enter` enters into the graph, unless that finds a reason against it.
    pub(super) fn make<E>(
        local: &Local,
        spec: &Spec,
        mut extra: Extra,
        land: Land,
        enter: impl FnOnce(&Spec) -> Result<TaskRef, E>,
    ) -> Result<(Self, TaskRef), E> {
        extra.remote = Some(Remote::new(land));
        let (number, extra) = local.engine.extras.add_shared(extra);
        let spec = Spec {
            extra: number,
            pure: false,
            ..*spec
        };
        match enter(&spec) {
            Ok(task) => {
                let anchor = Arc::clone(task.anchor());
                let landing = Self { anchor, extra };
                landing.remote().stand_for(task.index());
                Ok((landing, task))
            }
            Err(why) => {
                drop(local.engine.extras.remove(number));
                Err(why)
            }
        }
    }

    /// As [`make`](Self::make), without a key.
    pub(super) fn external(
        local: &Local,
        spec: &Spec,
        extra: Extra,
        (job, land): (Job, Land),
    ) -> (Self, TaskRef) {
        let Ok(made) = Self::make(local, spec, extra, land, |spec| {
            Ok::<_, Infallible>(local.external(spec, job))
        });
        made
    }

    pub(super) fn remote(&self) -> &Remote {
        self.extra.remote.as_ref().expect("it was made with one")
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.anchor.engine
    }

    /// What people call the task. Only before anything else is told of it: later the node may be gone.
    pub fn name(&self) -> String {
        self.engine().name(self.remote().index())
    }

    /// Whether somebody waits for the value.
    pub fn is_wanted(&self) -> bool {
        self.remote().is_wanted()
    }

    /// Whether it was not watched before: from now on it is.
    pub fn watch(&self) -> bool {
        self.remote().watch_status()
    }

    /// How far the task is that has not ended: `Waiting`, `Queued` or `Running`.
    pub fn stands(&self, status: Status) {
        self.remote().stands(status);
    }

    /// The task has finished; its value is still elsewhere.
    pub fn finished(&self) {
        self.remote().see(Seen::Finished);
        self.remote().fire(self.engine());
    }

    /// What came of the task is lost, and is being computed again.
    pub fn lost(&self) {
        self.remote().see(Seen::Lost);
    }

    /// The task's value has come: its bytes, and the names of the handles in it.
    pub fn deliver(&self, bytes: &[u8], handles: &[RemoteId]) {
        self.land(Came::Bytes(bytes), handles);
    }

    /// The task's value has come: an array of numbers.
    pub fn deliver_array(&self, array: Array) {
        self.land(Came::Array(array), &[]);
    }

    fn land(&self, came: Came<'_>, handles: &[RemoteId]) {
        let Some(claimed) = self.remote().win() else {
            return;
        };
        let engine = self.engine();
        let named = |&name| AnyHandle::named(engine, name);
        let handles: Arc<[AnyHandle]> = match handles {
            [] => NO_HANDLES.with(Arc::clone),
            handles => handles.iter().map(named).collect(),
        };
        let land = self.remote().land;
        let landed = checked(|| land(&engine.graph, &claimed, came, &handles));
        let result = landed.map_err(|(kind, text)| {
            let text = format!("its result cannot be decoded: {text}");
            TaskError::new(kind, engine.blame(claimed.index()), text, None)
        });
        self.settle(&claimed, result);
    }

    /// The task has failed.
    pub fn fail(&self, report: &Report) {
        let Some(claimed) = self.remote().win() else {
            return;
        };
        let error = report.error_of(&self.engine().blame(claimed.index()));
        let attempts = &self.extra.attempts;
        let over = || error.kind() == ErrorKind::TimedOut && attempts.has_timed_out_elsewhere();
        if !error.is_inherited() && (error.is_cancelled() || over()) {
            return self.settle_cancelled(&claimed);
        }
        self.settle(&claimed, Err(error));
    }

    /// Nothing will come of the task, since there is nobody any more to say so.
    pub fn give_up(&self, gone: &Gone) {
        if let Some(claimed) = self.remote().win() {
            let blame = self.engine().blame(claimed.index());
            let error = TaskError::new(gone.kind, blame, &*gone.text, None);
            self.settle(&claimed, Err(error));
        }
    }

    /// The task will not leave, for this error of what it needs. Gives those that have waited for that.
    pub(super) fn stays(&self, error: TaskError) -> Vec<Arc<Held>> {
        self.inherit(error);
        self.remote().end_here()
    }

    fn inherit(&self, error: TaskError) {
        if let Some(claimed) = self.remote().win() {
            self.settle(&claimed, Err(error.inherited()));
        }
    }

    /// The task is not to be run, since its client ends.
    pub fn cancel(&self) {
        if let Some(claimed) = self.remote().win() {
            self.settle_cancelled(&claimed);
        }
    }

    fn settle_cancelled(&self, claimed: &Claimed) {
        local::with(self.engine(), |local| {
            local.engine.cancel(local, claimed.index());
            local.finish_outside(claimed, Outcome::Nothing);
        });
        self.remote().fire(self.engine());
    }

    fn settle(&self, claimed: &Claimed, result: Result<(), TaskError>) {
        local::with(self.engine(), |local| {
            let outcome = match result {
                Ok(()) => Outcome::Value,
                Err(error) => local.fail(claimed, error),
            };
            local.finish_outside(claimed, outcome);
        });
        self.remote().fire(self.engine());
    }
}

thread_local! {
    /// What stands beside most results: an empty list, which would else be made for each.
    static NO_HANDLES: Arc<[AnyHandle]> = Vec::new().into();
}

impl fmt::Debug for Landing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Landing").field(self.remote()).finish()
    }
}
