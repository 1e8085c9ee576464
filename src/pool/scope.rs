//! Scopes of options: what submits on this thread inherit, and what the tasks inherit that those tasks submit.
//!
//! A thread's scope is set while the closure of an `annotate` runs and while the body of a task runs that was submitted
//! in a scope. A task made in a scope has rare data, which names that scope; so a submit that has rare data has seen
//! to the scope already. Without any scope all of this is one look at `scoped`.

use std::sync::Arc;

use super::asked::{Asked, Refusal};
use super::extras::Extra;
use super::job::Job;
use super::local::Local;
use super::run::guarded;
use super::want::TaskRef;
use crate::error::{Blame, TaskError};
use crate::graph::{GIVEN, Key, Spec};

/// Puts a thread's scope back, also when the closure in it panics.
pub(crate) struct Scoped<'l> {
    local: &'l Local,
    outer: Option<Arc<Asked>>,
}

impl Local {
    /// Whether submits on this thread are in a scope.
    #[inline]
    pub(crate) fn is_scoped(&self) -> bool {
        self.scoped.get()
    }

    /// The scope that submits on this thread are in.
    pub(crate) fn scope(&self) -> Option<Arc<Asked>> {
        if self.scoped.get() {
            self.scope.borrow().clone()
        } else {
            None
        }
    }

    /// Makes `scope` this thread's scope until the guard is dropped.
    pub(crate) fn enter_scope(&self, scope: Option<Arc<Asked>>) -> Scoped<'_> {
        self.scoped.set(scope.is_some());
        let outer = self.scope.replace(scope);
        Scoped { local: self, outer }
    }

    /// As [`enter_scope`](Self::enter_scope), for the body or a poll of a pinned task: the scope that it was submitted in.
    pub(super) fn enter_scope_of(&self, index: u32) -> Scoped<'_> {
        let extra = self.engine.extra(index);
        self.enter_scope(extra.and_then(|extra| extra.scope.clone()))
    }

    /// The options of a submit without rare data, in a scope. Or why it makes no task.
    #[cold]
    pub(super) fn in_scope(&self, spec: &Spec) -> Result<Spec, Refusal> {
        let scope = self.scope().unwrap_or_default();
        if let Some(why) = scope.refusal() {
            return Err(why);
        }
        let mut extra = Extra::default();
        Asked::clone(&scope).fill(&mut extra);
        let priority = scope.priority.unwrap_or(spec.priority);
        extra.scope = Some(scope);
        let extra = self.engine.extras.add(extra);
        Ok(Spec {
            priority,
            extra,
            ..*spec
        })
    }

    /// A task that has failed from the start, with the wants that were given to it let go.
    #[cold]
    pub(crate) fn refuse(
        &self,
        spec: &Spec,
        key: Option<Key>,
        inputs: &[u32],
        job: Job,
        (kind, why): Refusal,
    ) -> TaskRef {
        let given = inputs.iter().filter(|input| *input & GIVEN != 0);
        given.for_each(|input| self.drop_want(input & !GIVEN));
        let task = self
            .engine
            .names
            .text_or(spec.name, || job.name().to_owned());
        let blame = Blame {
            task,
            key,
            location: spec.location,
        };
        let extra = self.engine.extras.remove(spec.extra);
        let _ = guarded(|| job.drop_task());
        let _ = guarded(|| drop(extra));
        let error = Job::error(TaskError::new(kind, blame, why, None));
        self.settled(&Spec { extra: 0, ..*spec }, error, true)
    }
}

impl Drop for Scoped<'_> {
    fn drop(&mut self) {
        self.local.scoped.set(self.outer.is_some());
        // Plain data: nothing of the user's is dropped with it.
        drop(self.local.scope.replace(self.outer.take()));
    }
}
