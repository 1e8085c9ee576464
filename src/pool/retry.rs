//! Making failed tasks anew.
//!
//! A task can be made anew if what it ran is still there: its closure was shared (see `attempts`), or it never ran, since
//! it failed through an input that can be made anew itself. Such a task keeps, when it fails, a want of each of its
//! inputs, and its job if it has no recipe. All of it goes with the node, or to the task that is made in its place.
//!
//! 1. One retry at a time, under a lock: of two that need the same task the second finds what the first has made.
//! 2. It first walks from the failed task through the failed inputs. If one of them cannot be made anew nothing has
//!    changed. All nodes on the way are there: who failed through an input keeps a want of it.
//! 3. Then it makes the tasks, inputs before their dependents. Each old task keeps a want of its new one from then on:
//!    that is how a second retry finds it. One that is retried again and again keeps the latest alone.
//! 4. No user code runs under the lock: submits leave what follows in the effects, and what is to be dropped is collected.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::Engine;
use super::extras::Extra;
use super::job::{self, Claimed, Job, Kind};
use super::local::Local;
use super::run::guarded;
use super::submit::Keyed;
use super::want::TaskRef;
use crate::error::TaskError;
use crate::graph::{GIVEN, Inputs, Key, Spec, State as TaskState};

/// What a failed task has of which it can be made anew.
#[derive(Default)]
pub(super) enum Kept {
    #[default]
    Nothing,
    /// Its inputs; and its job, which never ran, unless it has a recipe.
    Parts(Option<KeptJob>, Vec<TaskRef>),
    /// The task that was made in its place.
    Successor(TaskRef),
}

impl Kept {
    /// Of a task that has a recipe.
    pub(super) fn recipe(inputs: Vec<TaskRef>) -> Self {
        Self::Parts(None, inputs)
    }
}

/// A job outside the graph that is dropped unless it is taken.
pub(super) struct KeptJob(Option<Job>);

impl KeptJob {
    fn into_job(mut self) -> Job {
        self.0.take().expect("there until it is taken")
    }
}

impl Drop for KeptJob {
    fn drop(&mut self) {
        if let Some(job) = self.0.take() {
            let _ = guarded(|| job.drop_task());
        }
    }
}

/// A step of the walk.
enum Step {
    Enter(u32),
    /// Its inputs have been walked through.
    Leave(u32),
}

/// What a retry leaves, to be dropped when the lock is given up.
#[derive(Default)]
struct Leftovers {
    tasks: Vec<TaskRef>,
    jobs: Vec<KeptJob>,
    extras: Vec<Arc<Extra>>,
    /// Tasks that run elsewhere, to be sent for.
    #[cfg(feature = "task")]
    sent: Vec<crate::elsewhere::Again>,
}

impl Local {
    /// A want of each input of a task that wants them.
    pub(super) fn retained_inputs(&self, index: u32) -> Vec<TaskRef> {
        let graph = &self.engine.graph;
        let want = |input| {
            graph.retain(input);
            TaskRef::own(Arc::clone(&self.anchor), input)
        };
        graph.inputs(index).into_iter().map(want).collect()
    }

    /// Keeps what a task consists of that fails unrun, through this input, if the input can be made anew. Says whether
    /// the payload is empty now.
    #[inline]
    pub(super) fn keep_unrun(&self, claimed: &Claimed, input: u32) -> bool {
        self.engine.graph.extra(input) != 0
            && self.engine.can_be_renewed(input)
            && self.keep_parts(claimed)
    }

    #[cold]
    fn keep_parts(&self, claimed: &Claimed) -> bool {
        let (engine, index) = (&self.engine, claimed.index());
        while engine.graph.is_linking(index) {
            std::thread::yield_now();
        }
        if engine.graph.extra(index) == 0 {
            let number = engine.extras.add(Extra::default());
            engine.graph.set_extra(index, number);
        }
        let extra = engine.extra(index).expect("it has a number");
        let has_recipe = extra.attempts.recipe.is_some();
        let job = (!has_recipe).then(|| KeptJob(Some(job::take_job(&engine.graph, claimed))));
        extra.attempts.now.lock().kept = Kept::Parts(job, self.retained_inputs(index));
        !has_recipe
    }

    /// A task in the place of a failed one, whose handle the caller has; of any other, itself.
    ///
    /// # Errors
    /// The error of a task, on the way from that one, that cannot be made anew.
    pub(crate) fn retry(&self, task: &TaskRef) -> Result<TaskRef, TaskError> {
        let engine = &self.engine;
        let mut leftovers = Leftovers::default();
        let lock = engine.retrying.lock();
        let order = engine
            .walk_failed(task.index())
            .map_err(|index| engine.error_of(index))?;
        let new: Vec<u32> = order
            .iter()
            .map(|&old| self.renew(old, &mut leftovers))
            .collect();
        let index = engine.latest(task.index());
        engine.graph.retain(index);
        leftovers.tasks.extend(self.shorten(task.index(), index));
        drop(lock);
        #[cfg(feature = "task")]
        for again in std::mem::take(&mut leftovers.sent) {
            again.send();
        }
        // The old tasks, and through them the new ones, are kept by the leftovers until here.
        new.into_iter()
            .for_each(|index| self.submitted(index, false));
        drop(leftovers);
        Ok(TaskRef::own(Arc::clone(&self.anchor), index))
    }

    /// A task that has successors keeps the latest of them alone. Gives the one that it kept.
    fn shorten(&self, old: u32, latest: u32) -> Option<TaskRef> {
        let extra = self.engine.extra(old)?;
        let kept = &mut extra.attempts.now.lock().kept;
        let Kept::Successor(next) = kept else {
            return None;
        };
        self.engine.graph.retain(latest);
        let latest = TaskRef::own(Arc::clone(&self.anchor), latest);
        Some(std::mem::replace(next, latest))
    }

    /// Makes a new task of the parts of an old one, all of whose failed inputs have successors. Gives its node.
    fn renew(&self, old: u32, leftovers: &mut Leftovers) -> u32 {
        let engine = &self.engine;
        let extra = engine.extra(old).expect("it keeps its parts there");
        #[cfg(feature = "task")]
        if let Some(remote) = &extra.remote {
            let (task, again) = self.again_elsewhere(old, &extra, remote);
            leftovers.sent.push(again);
            let index = task.index();
            extra.attempts.now.lock().kept = Kept::Successor(task);
            return index;
        }
        let parts = std::mem::take(&mut extra.attempts.now.lock().kept);
        let Kept::Parts(job, kept) = parts else {
            unreachable!("the walk has found its parts, and the lock is held since");
        };
        let mut job = match (&extra.attempts.recipe, job) {
            (Some(recipe), _) => recipe.job(),
            (None, job) => job.expect("without a recipe it is kept").into_job(),
        };
        let (inputs, given) = self.renewed_inputs(kept, &mut job, leftovers);
        let spec = Spec {
            name: engine.graph.name(old),
            priority: engine.graph.priority(old),
            location: engine.graph.location(old),
            pure: engine.graph.is_pure(old),
            extra: engine.extras.add(extra.renewed()),
        };
        let key = engine.graph.key(old).map(|key| {
            engine.graph.unpublish(old);
            (key, job::kind(&engine.graph, old))
        });
        let (task, unused) = self.submit_anew(&spec, key, &inputs, job, leftovers);
        match unused {
            None => given.into_iter().for_each(TaskRef::forget),
            Some(job) => {
                leftovers.jobs.push(KeptJob(Some(job)));
                leftovers.extras.extend(engine.extras.remove(spec.extra));
                leftovers.tasks.extend(given);
            }
        }
        let index = task.index();
        extra.attempts.now.lock().kept = Kept::Successor(task);
        index
    }

    /// The inputs of a new task, and the wants that it is given: those of the old one, but its failed inputs' successors.
    fn renewed_inputs(
        &self,
        kept: Vec<TaskRef>,
        job: &mut Job,
        leftovers: &mut Leftovers,
    ) -> (Inputs, Vec<TaskRef>) {
        let (mut inputs, mut given) = (Inputs::new(), Vec::new());
        for input in kept {
            let latest = self.engine.latest(input.index());
            if latest == input.index() {
                inputs.push(latest | GIVEN);
                given.push(input);
                continue;
            }
            inputs.push(latest);
            self.engine.graph.retain(latest);
            let successor = TaskRef::own(Arc::clone(&self.anchor), latest);
            leftovers.tasks.push(job.retarget(successor));
            leftovers.tasks.push(input);
        }
        (inputs, given)
    }

    /// Submits a task, under its key if that is free or names such a task; the caller calls
    /// [`submitted`](Self::submitted) when it may. If there is one already: that one, and the job that is not needed.
    /// One that has failed is none: it may have failed through the old task, and each would then keep the other.
    fn submit_anew(
        &self,
        spec: &Spec,
        key: Option<(Key, Kind)>,
        inputs: &[u32],
        job: Job,
        leftovers: &mut Leftovers,
    ) -> (TaskRef, Option<Job>) {
        let (index, unused) = match key {
            None => (self.enter(spec, inputs, job).0, None),
            Some((key, kind)) => match self.enter_keyed(spec, key, kind, inputs, job) {
                Keyed::New { index, .. } => (index, None),
                Keyed::Known(index, job) if self.engine.has_failed(index) => {
                    let failed = TaskRef::own(Arc::clone(&self.anchor), index);
                    leftovers.tasks.push(failed);
                    (self.enter(spec, inputs, job).0, None)
                }
                Keyed::Known(index, job) => (index, Some(job)),
                // Since the old task's end another kind of task has got the key: it stays with that one.
                Keyed::Conflict(job, _) => (self.enter(spec, inputs, job).0, None),
            },
        };
        (TaskRef::own(Arc::clone(&self.anchor), index), unused)
    }
}

impl Engine {
    /// The failed tasks to be made anew for this one, inputs before their dependents.
    ///
    /// # Errors
    /// One that cannot be made anew.
    fn walk_failed(&self, target: u32) -> Result<Vec<u32>, u32> {
        let (mut order, mut seen) = (Vec::new(), HashSet::new());
        let mut steps = vec![Step::Enter(target)];
        while let Some(step) = steps.pop() {
            let index = match step {
                Step::Leave(index) => {
                    order.push(index);
                    continue;
                }
                Step::Enter(index) => self.latest(index),
            };
            if self.has_failed(index) && seen.insert(index) {
                let inputs = self.kept_inputs(index).ok_or(index)?;
                steps.push(Step::Leave(index));
                steps.extend(inputs.into_iter().map(Step::Enter));
            }
        }
        Ok(order)
    }

    fn has_failed(&self, index: u32) -> bool {
        let state = self.graph.state(index);
        matches!(state, TaskState::Failed | TaskState::Cancelled)
    }

    /// The task that stands for this one now, which has been pinned, as its successors are by it.
    fn latest(&self, mut index: u32) -> u32 {
        while let Some(extra) = self.extra(index) {
            match &extra.attempts.now.lock().kept {
                Kept::Successor(task) => index = task.index(),
                _ => break,
            }
        }
        index
    }

    /// The inputs that a failed task has kept, if it can be made anew.
    fn kept_inputs(&self, index: u32) -> Option<Vec<u32>> {
        let extra = self.extra(index)?;
        let now = extra.attempts.now.lock();
        match &now.kept {
            Kept::Parts(_, inputs) if self.may_be_renewed(index, now.timed_out) => {
                Some(inputs.iter().map(TaskRef::index).collect())
            }
            // What a task elsewhere needs is known there.
            #[cfg(feature = "task")]
            Kept::Nothing
                if extra.has_run_elsewhere() && self.may_be_renewed(index, now.timed_out) =>
            {
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// Whether a failed task can be made anew, or has been.
    fn can_be_renewed(&self, index: u32) -> bool {
        self.extra(index).is_some_and(|extra| {
            let now = extra.attempts.now.lock();
            let kept = !matches!(now.kept, Kept::Nothing);
            #[cfg(feature = "task")]
            let kept = kept || extra.has_run_elsewhere();
            kept && self.may_be_renewed(index, now.timed_out)
        })
    }

    /// A cancel is for good.
    fn may_be_renewed(&self, index: u32, timed_out: bool) -> bool {
        timed_out || self.graph.state(index) == TaskState::Failed
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Parts(_, inputs) => f.debug_tuple("Parts").field(inputs).finish(),
            Self::Successor(task) => f.debug_tuple("Successor").field(task).finish(),
        }
    }
}
