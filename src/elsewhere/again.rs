//! Failed tasks that are made anew: by the other side, which knows what that takes.

use std::convert::Infallible;

use super::held::{send_new, step_all};
use super::landing::Landing;
use super::remote::Remote;
use crate::graph::{Entry, Spec};
use crate::pool::events::Event;
use crate::pool::extras::Extra;
use crate::pool::job::{self, Job};
use crate::pool::local::Local;
use crate::pool::want::TaskRef;

/// A task that takes the place of a failed one, once it is sent for.
#[derive(Debug)]
pub(crate) struct Again {
    landing: Landing,
    failed: u64,
}

impl Local {
    /// A node in the place of a failed one. It takes over the key. Runs no user code.
    pub(crate) fn again_elsewhere(
        &self,
        old: u32,
        extra: &Extra,
        remote: &Remote,
    ) -> (TaskRef, Again) {
        let graph = &self.engine.graph;
        let spec = Spec {
            name: graph.name(old),
            priority: graph.priority(old),
            location: graph.location(old),
            pure: false,
            extra: 0,
        };
        let enter = |spec: &Spec| Ok::<_, Infallible>(self.enter_again(old, spec));
        let Ok((landing, task)) = Landing::make(self, &spec, extra.renewed(), remote.land, enter);
        if let Some(call) = remote.kept() {
            landing.remote().keep(call);
        }
        let failed = remote.ticket().expect("it was looked at before");
        (task, Again { landing, failed })
    }

    fn enter_again(&self, old: u32, spec: &Spec) -> TaskRef {
        let graph = &self.engine.graph;
        let job = Job::awaited_as(graph, old);
        let key = graph.key(old).inspect(|_| graph.unpublish(old));
        let index = {
            let state = &mut *self.state();
            let kind = job.kind();
            let kin = |index| kind.is_answered_by(job::kind(graph, index));
            let entry = key.map(|key| (graph.entry(&key, kin, &mut state.fx), key));
            match entry {
                Some((Entry::Vacant(vacant), key)) => {
                    graph.external_at((vacant, key), &mut state.cache, spec, job)
                }
                // Since the old task's end another task has got the key, and keeps it.
                Some((Entry::Same(other), _)) => {
                    graph.drop_want(other, &mut state.fx);
                    graph.external(&mut state.cache, spec, job)
                }
                Some((Entry::Conflict, _)) | None => graph.external(&mut state.cache, spec, job),
            }
        };
        self.happens_quietly(index, Event::External);
        TaskRef::own(std::sync::Arc::clone(&self.anchor), index)
    }
}

impl Again {
    /// Sends for it. If that cannot be, it has failed.
    pub(crate) fn send(self) {
        let Self { landing, failed } = self;
        let send = |backend: &dyn crate::driver::Backend| backend.retry(failed, landing.clone());
        step_all(send_new(&landing, send));
    }
}
