//! A driver of one thread that keeps books: what is in each payload, what is ready, who was woken.

use super::assert_empty;
use crate::graph::{
    Born, Cache, Census, Effects, Entry, Graph, Id, Key, Outcome, Pin, Spec, State,
};

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Task,
    Result(Outcome),
}

/// What each payload holds, by slot.
#[derive(Debug, Default)]
pub(super) struct Books(Vec<Option<Left>>);

impl Books {
    pub(super) fn insert(&mut self, index: u32, left: Left) -> Option<Left> {
        let index = index as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index].replace(left)
    }

    fn remove(&mut self, index: u32) -> Option<Left> {
        self.0.get_mut(index as usize).and_then(Option::take)
    }

    fn holds(&self, index: u32) -> bool {
        self.0.get(index as usize).is_some_and(Option::is_some)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// The graph with its driver. Payloads are kept here, so that a test sees each disposed of once.
pub(super) struct Rig {
    pub(super) graph: Graph<()>,
    pub(super) cache: Cache,
    pub(super) fx: Effects,
    pub(super) payloads: Books,
    /// Whether every invariant is checked after each event: not for graphs that are too large for that.
    pub(super) checked: bool,
    /// Tasks said to be ready and not yet taken by [`Rig::take_ready`].
    ready: Vec<u32>,
    woken: Vec<u32>,
    unwanted: Vec<u32>,
    gone_waiters: Vec<u32>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self {
            graph: Graph::new(),
            cache: Cache::default(),
            fx: Effects::default(),
            payloads: Books::default(),
            checked: true,
            ready: Vec::new(),
            woken: Vec::new(),
            unwanted: Vec::new(),
            gone_waiters: Vec::new(),
        }
    }

    pub(super) fn task(&mut self, inputs: &[u32]) -> u32 {
        let Self {
            graph, cache, fx, ..
        } = self;
        let born = graph.submit(cache, &Spec::default(), inputs, (), fx);
        self.born(born)
    }

    pub(super) fn pure(&mut self, key: u64) -> u32 {
        let spec = Spec {
            pure: true,
            ..Spec::default()
        };
        self.try_keyed(&spec, key, 0, &[]).expect("a new key")
    }

    pub(super) fn keyed(&mut self, key: u64, inputs: &[u32]) -> Result<u32, Option<u32>> {
        self.try_keyed(&Spec::default(), key, 0, inputs)
    }

    /// # Errors
    /// The task that has the key already; `None` if `kind` is not 0, which is the kind of those that have one.
    pub(super) fn try_keyed(
        &mut self,
        spec: &Spec,
        key: u64,
        kind: u32,
        inputs: &[u32],
    ) -> Result<u32, Option<u32>> {
        let Self {
            graph, cache, fx, ..
        } = self;
        let key = Key::from(key);
        let born = match graph.entry(&key, |_| kind == 0, fx) {
            Entry::Vacant(vacant) => graph.submit_at((vacant, key), cache, spec, inputs, (), fx),
            Entry::Same(index) => return Err(Some(index)),
            Entry::Conflict => return Err(None),
        };
        Ok(self.born(born))
    }

    pub(super) fn external(&mut self) -> u32 {
        let index = self.graph.external(&mut self.cache, &Spec::default(), ());
        self.born(Born::Waiting(index))
    }

    pub(super) fn settled(&mut self, failed: bool) -> u32 {
        let index = self
            .graph
            .settled(&mut self.cache, &Spec::default(), (), failed);
        let outcome = if failed {
            Outcome::Error
        } else {
            Outcome::Value
        };
        assert_eq!(self.payloads.insert(index, Left::Result(outcome)), None);
        index
    }

    fn born(&mut self, born: Born) -> u32 {
        let index = born.index();
        assert_eq!(
            self.payloads.insert(index, Left::Task),
            None,
            "a slot that is still in use"
        );
        if let Born::Ready(index) = born {
            self.ready.push(index);
        }
        self.settle();
        index
    }

    /// Claims a task that must be claimable.
    pub(super) fn start(&mut self, index: u32) {
        assert!(
            self.graph.claim(index),
            "task {index} is {:?}",
            self.graph.state(index)
        );
        self.ready.retain(|&ready| ready != index);
    }

    /// Ends a started task.
    pub(super) fn end(&mut self, index: u32, outcome: Outcome) {
        let inputs = self.graph.inputs(index);
        let Self {
            graph, cache, fx, ..
        } = self;
        self.payloads.insert(index, Left::Result(outcome));
        if graph.finish(cache, index, outcome, fx) {
            fx.free.push(index);
        }
        for input in inputs {
            graph.drop_want(input, fx);
        }
        self.settle();
    }

    /// Ends a started task and has its result remembered.
    pub(super) fn end_remembered(&mut self, index: u32, bytes: usize) {
        let Self {
            graph, cache, fx, ..
        } = self;
        self.payloads.insert(index, Left::Result(Outcome::Value));
        graph.finish_remembered(cache, index, bytes, fx);
        self.settle();
    }

    pub(super) fn run(&mut self, index: u32) {
        self.start(index);
        self.end(index, Outcome::Value);
    }

    pub(super) fn fail(&mut self, index: u32) {
        self.start(index);
        self.end(index, Outcome::Error);
    }

    /// Runs what is ready until nothing is. Says how many ran.
    pub(super) fn run_all(&mut self) -> usize {
        let mut ran = 0;
        while let Some(index) = self.ready.pop() {
            if self.graph.claim(index) {
                self.end(index, Outcome::Value);
                ran += 1;
            }
        }
        ran
    }

    pub(super) fn cancel(&mut self, index: u32) -> bool {
        let cancelled = self.graph.cancel(&mut self.cache, index, &mut self.fx);
        self.settle();
        cancelled
    }

    pub(super) fn drop(&mut self, index: u32) {
        self.graph.drop_want(index, &mut self.fx);
        self.settle();
    }

    pub(super) fn drop_all(&mut self, indices: &[u32]) {
        indices.iter().for_each(|&index| self.drop(index));
    }

    pub(super) fn detach(&mut self, index: u32) {
        self.graph.detach(index, &mut self.fx);
        self.settle();
    }

    pub(super) fn pin(&mut self, id: Id) -> Option<Pin> {
        let pin = self.graph.pin(id, &mut self.fx);
        self.settle();
        pin
    }

    pub(super) fn rearm(&mut self, index: u32, inputs: &[u32]) {
        let Self {
            graph, cache, fx, ..
        } = self;
        graph.let_go(index, fx);
        self.payloads.insert(index, Left::Task);
        if let Born::Ready(index) = graph.rearm(cache, index, inputs, fx) {
            fx.ready.push(index);
        }
        self.settle();
    }

    /// Puts a started task into a line.
    pub(super) fn postpone(&mut self, index: u32) -> bool {
        let postponed = self.graph.postpone(index, &mut self.fx);
        self.settle();
        postponed
    }

    /// Takes a postponed task out of its line, to be queued.
    pub(super) fn resume(&mut self, index: u32) -> bool {
        let ready = self.graph.resume(index, &mut self.fx);
        self.settle();
        ready
    }

    /// Takes a postponed task out of its line, to be run.
    pub(super) fn reclaim(&mut self, index: u32) -> bool {
        let claimed = self.graph.reclaim(index, &mut self.fx);
        self.settle();
        claimed
    }

    pub(super) fn watch(&mut self, index: u32, waiter: u32) -> bool {
        self.graph.watch(&mut self.cache, index, waiter)
    }

    pub(super) fn leave(&mut self, index: u32, waiter: u32) {
        let Self {
            graph,
            cache,
            fx,
            gone_waiters,
            ..
        } = self;
        gone_waiters.push(waiter);
        graph.leave(cache, index, |waiter| gone_waiters.contains(&waiter), fx);
        self.settle();
    }

    /// Does what the effects ask for until nothing is left.
    pub(super) fn settle(&mut self) {
        self.perform();
        assert!(self.fx.is_empty(), "an effect was left: {:?}", self.fx);
        if self.checked {
            self.graph.check();
        }
    }

    fn perform(&mut self) {
        loop {
            self.ready.append(&mut self.fx.ready);
            self.woken.append(&mut self.fx.wake);
            self.unwanted.append(&mut self.fx.unwanted);
            if let Some((task, input)) = self.fx.inherit.pop() {
                assert!(
                    !matches!(self.graph.state(input), State::Finished),
                    "no error to inherit"
                );
                self.finish_unrun(task, Outcome::Error);
            } else if let Some(task) = self.fx.unrun.pop() {
                self.finish_unrun(task, Outcome::Nothing);
            } else if let Some(index) = self.fx.free.pop() {
                let left = Left::Result(self.graph.leaving(index).remains());
                assert_eq!(
                    self.payloads.remove(index),
                    Some(left),
                    "what is in payload {index}"
                );
                self.graph.leaving(index).forget(&mut self.cache);
            } else {
                return;
            }
        }
    }

    fn finish_unrun(&mut self, task: u32, outcome: Outcome) {
        let was = self.payloads.insert(task, Left::Result(outcome));
        assert_eq!(
            was,
            Some(Left::Task),
            "task {task} is settled unrun a second time"
        );
        let failed = outcome == Outcome::Error;
        let Self {
            graph, cache, fx, ..
        } = self;
        graph.finish_unrun(cache, task, failed, fx);
    }

    pub(super) fn state(&self, index: u32) -> State {
        self.graph.state(index)
    }

    #[track_caller]
    pub(super) fn assert_states(&self, indices: &[u32], state: State) {
        for &index in indices {
            assert_eq!(self.state(index), state, "task {index}");
        }
    }

    pub(super) fn refs(&self, index: u32) -> u64 {
        self.graph.total_refs(index)
    }

    pub(super) fn is_freed(&self, index: u32) -> bool {
        !self.payloads.holds(index)
    }

    pub(super) fn take_ready(&mut self) -> Vec<u32> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.sort_unstable();
        ready
    }

    pub(super) fn take_woken(&mut self) -> Vec<u32> {
        let mut woken = std::mem::take(&mut self.woken);
        woken.sort_unstable();
        woken
    }

    pub(super) fn take_unwanted(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unwanted)
    }

    pub(super) fn census(&self) -> Census {
        self.graph.check()
    }

    /// Asserts that everything was freed, each payload disposed of, and nobody is left to be told of anything.
    #[track_caller]
    pub(super) fn assert_over(mut self) {
        assert!(self.fx.is_empty());
        assert_eq!(self.take_woken(), [], "waiters that a test did not look at");
        assert_eq!(
            self.take_unwanted(),
            [],
            "unwanted tasks that a test did not look at"
        );
        assert!(
            self.payloads.is_empty(),
            "payloads left: {:?}",
            self.payloads
        );
        assert_empty(&self.graph, vec![self.cache]);
    }
}
