//! Random events against a slow, obvious model: who is in which state, who wants whom, what is freed.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::rig::Rig;
use crate::graph::{Outcome, State};

/// One event; numbers pick a task among those that the event fits, if any does.
#[derive(Clone, Copy, Debug)]
enum Event {
    Submit {
        inputs: [usize; 3],
        count: usize,
        key: Option<u64>,
    },
    External,
    Retain(usize),
    Drop(usize),
    Detach(usize),
    Start(usize),
    End(usize, Outcome),
    Cancel(usize),
    Token(usize),
    Rearm(usize, usize),
    Take(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let any = || 0..1000_usize;
    let outcome = prop_oneof![4 => Just(Outcome::Value), 1 => Just(Outcome::Error)];
    let submit = (
        any(),
        any(),
        any(),
        0..=3_usize,
        prop::option::weighted(0.3, 0..4_u64),
    );
    prop_oneof![
        6 => submit.prop_map(|(a, b, c, count, key)| Event::Submit { inputs: [a, b, c], count, key }),
        1 => Just(Event::External),
        2 => any().prop_map(Event::Retain),
        6 => any().prop_map(Event::Drop),
        1 => any().prop_map(Event::Detach),
        5 => any().prop_map(Event::Start),
        5 => (any(), outcome).prop_map(|(task, outcome)| Event::End(task, outcome)),
        2 => any().prop_map(Event::Cancel),
        1 => any().prop_map(Event::Token),
        2 => (any(), any()).prop_map(|(task, on)| Event::Rearm(task, on)),
        1 => any().prop_map(Event::Take),
    ]
}

/// What the model knows of a task.
#[derive(Clone, Debug)]
struct Task {
    state: State,
    /// Handles.
    handles: u64,
    /// Inputs it still wants.
    inputs: Vec<u32>,
    /// A body is running, whatever the state says.
    body: bool,
    token: bool,
    detached: bool,
    key: Option<u64>,
    taken: bool,
    /// Inputs not settled when it was; their lists name its slot until they settle too.
    named_by: Vec<u32>,
}

#[derive(Default)]
struct Model {
    tasks: BTreeMap<u32, Task>,
}

impl Model {
    fn settled(&self, index: u32) -> bool {
        matches!(
            self.tasks[&index].state,
            State::Finished | State::Failed | State::Cancelled
        )
    }

    fn wants(&self, index: u32) -> u64 {
        let named =
            |task: &Task| task.inputs.iter().filter(|&&input| input == index).count() as u64;
        self.tasks[&index].handles + self.tasks.values().map(named).sum::<u64>()
    }

    /// Lets everything follow from the last event, one obvious step at a time.
    fn settle(&mut self) {
        while self.step() {}
    }

    fn step(&mut self) -> bool {
        let indices: Vec<u32> = self.tasks.keys().copied().collect();
        // Failure travels before anything is let go.
        let rules = [
            Self::inherit,
            Self::queue,
            Self::let_go,
            Self::forsake,
            Self::unname,
            Self::free,
        ];
        rules
            .iter()
            .any(|rule| indices.iter().any(|&index| rule(self, index)))
    }

    fn inherit(&mut self, index: u32) -> bool {
        let task = &self.tasks[&index];
        let bad =
            |&input: &u32| matches!(self.tasks[&input].state, State::Failed | State::Cancelled);
        let fails = task.state == State::Waiting && task.inputs.iter().any(bad);
        if fails {
            self.settle_unrun(index, State::Failed);
        }
        fails
    }

    fn queue(&mut self, index: u32) -> bool {
        let task = &self.tasks[&index];
        let done = |&input: &u32| self.tasks[&input].state == State::Finished;
        let ready = task.state == State::Waiting && task.inputs.iter().all(done);
        if ready {
            self.task(index).state = State::Queued;
        }
        ready
    }

    /// A settled task whose body is not running wants nothing.
    fn let_go(&mut self, index: u32) -> bool {
        let goes = self.settled(index)
            && !self.tasks[&index].body
            && !self.tasks[&index].inputs.is_empty();
        if goes {
            self.task(index).inputs.clear();
        }
        goes
    }

    /// Nobody wants it: it does not start, or is told to stop.
    fn forsake(&mut self, index: u32) -> bool {
        let task = &self.tasks[&index];
        if self.settled(index) || task.detached || self.wants(index) > 0 {
            return false;
        }
        let told = task.token;
        if task.body {
            self.task(index).token = true;
            return !told;
        }
        self.settle_unrun(index, State::Cancelled);
        true
    }

    fn settle_unrun(&mut self, index: u32, state: State) {
        let inputs = std::mem::take(&mut self.task(index).inputs);
        let pending = inputs
            .into_iter()
            .filter(|&input| !self.settled(input))
            .collect();
        let task = self.task(index);
        (task.state, task.named_by) = (state, pending);
    }

    fn unname(&mut self, index: u32) -> bool {
        let pending = |input: &u32| self.tasks.contains_key(input) && !self.settled(*input);
        let left: Vec<u32> = self.tasks[&index]
            .named_by
            .iter()
            .copied()
            .filter(pending)
            .collect();
        let fewer = left.len() < self.tasks[&index].named_by.len();
        self.task(index).named_by = left;
        fewer
    }

    fn free(&mut self, index: u32) -> bool {
        let task = &self.tasks[&index];
        let free =
            self.settled(index) && !task.body && task.named_by.is_empty() && self.wants(index) == 0;
        if free {
            self.tasks.remove(&index);
        }
        free
    }

    fn task(&mut self, index: u32) -> &mut Task {
        self.tasks.get_mut(&index).expect("a task of the model")
    }

    /// The task of a key that a submit of it gives.
    fn of_key(&self, key: u64) -> Option<u32> {
        let live = |task: &Task| {
            task.key == Some(key) && !task.token && task.state != State::Cancelled && !task.taken
        };
        self.tasks
            .iter()
            .find(|(_, task)| live(task))
            .map(|(&index, _)| index)
    }
}

/// The graph and the model, side by side.
struct Both {
    rig: Rig,
    model: Model,
}

impl Both {
    fn pick(&self, number: usize, fits: impl Fn(&Task) -> bool) -> Option<u32> {
        let fitting: Vec<u32> = self
            .model
            .tasks
            .iter()
            .filter(|(_, task)| fits(task))
            .map(|(&index, _)| index)
            .collect();
        (!fitting.is_empty()).then(|| fitting[number % fitting.len()])
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Submit { inputs, count, key } => self.submit(&inputs[..count], key),
            Event::External => {
                let index = self.rig.external();
                self.add(index, State::Running, &[], None);
                self.model.task(index).body = true;
            }
            Event::Retain(n) => self.with(
                n,
                |task| task.handles > 0,
                |both, index| {
                    both.rig.graph.retain(index);
                    both.model.task(index).handles += 1;
                },
            ),
            Event::Drop(n) => self.with(
                n,
                |task| task.handles > 0,
                |both, index| {
                    both.model.task(index).handles -= 1;
                    both.rig.drop(index);
                },
            ),
            Event::Detach(n) => self.with(
                n,
                |task| task.handles > 0,
                |both, index| {
                    both.model.task(index).handles -= 1;
                    both.model.task(index).detached = true;
                    both.rig.detach(index);
                },
            ),
            Event::Start(n) => self.with(
                n,
                |task| task.state == State::Queued,
                |both, index| {
                    both.rig.start(index);
                    let task = both.model.task(index);
                    (task.state, task.body) = (State::Running, true);
                },
            ),
            Event::End(n, outcome) => {
                self.with(n, |task| task.body, |both, index| both.end(index, outcome))
            }
            Event::Cancel(n) => self.with(n, |task| task.handles > 0, Self::cancel),
            Event::Token(n) => self.with(
                n,
                |task| task.state == State::Running,
                |both, index| {
                    both.rig.graph.request_cancel(index);
                    both.model.task(index).token = true;
                },
            ),
            Event::Rearm(n, on) => {
                self.with(n, |task| task.body, |both, index| both.rearm(index, on))
            }
            Event::Take(n) => self.with(n, |task| task.handles > 0, Self::take),
        }
        self.model.settle();
        self.compare();
    }

    fn with(
        &mut self,
        number: usize,
        fits: impl Fn(&Task) -> bool,
        act: impl FnOnce(&mut Self, u32),
    ) {
        if let Some(index) = self.pick(number, fits) {
            act(self, index);
        }
    }

    fn submit(&mut self, inputs: &[usize], key: Option<u64>) {
        let pick = |&number: &usize| self.pick(number, |task| task.handles > 0 && !task.taken);
        let inputs: Vec<u32> = inputs.iter().filter_map(pick).collect();
        let Some(key) = key else {
            let index = self.rig.task(&inputs);
            return self.add(index, State::Waiting, &inputs, None);
        };
        let known = self.model.of_key(key);
        match self.rig.keyed(key, &inputs) {
            Ok(index) => {
                assert_eq!(known, None, "key {key}");
                self.add(index, State::Waiting, &inputs, Some(key));
            }
            Err(index) => {
                assert_eq!(known, index, "key {key}");
                self.model.task(known.expect("no conflicts here")).handles += 1;
            }
        }
    }

    fn add(&mut self, index: u32, state: State, inputs: &[u32], key: Option<u64>) {
        let task = Task {
            state,
            handles: 1,
            inputs: inputs.to_vec(),
            body: false,
            token: false,
            detached: false,
            key,
            taken: false,
            named_by: Vec::new(),
        };
        assert!(
            self.model.tasks.insert(index, task).is_none(),
            "slot {index} is in use"
        );
    }

    fn end(&mut self, index: u32, outcome: Outcome) {
        let task = self.model.task(index);
        task.body = false;
        if task.state == State::Running {
            task.state = if outcome == Outcome::Value {
                State::Finished
            } else {
                State::Failed
            };
        }
        self.rig.end(index, outcome);
    }

    fn cancel(&mut self, index: u32) {
        let settled = self.model.settled(index);
        if !settled && self.model.tasks[&index].body {
            let task = self.model.task(index);
            (task.state, task.token) = (State::Cancelled, true);
        } else if !settled {
            self.model.settle_unrun(index, State::Cancelled);
        }
        assert_eq!(self.rig.cancel(index), !settled);
    }

    fn rearm(&mut self, index: u32, on: usize) {
        let wanted = |task: &Task| task.handles > 0 && !task.taken;
        // A task that waited for a later one could close a cycle, which is the driver's to refuse.
        let on = self
            .pick(on, wanted)
            .filter(|&on| on != index && !self.needs(on, index));
        let on: Vec<u32> = on.into_iter().collect();
        let task = self.model.task(index);
        (task.inputs, task.body) = (on.clone(), false);
        if task.token {
            self.model.settle_unrun(index, State::Cancelled);
        } else {
            task.state = State::Waiting;
        }
        self.rig.rearm(index, &on);
    }

    /// Whether `index` waits for `on`, over any number of tasks.
    fn needs(&self, index: u32, on: u32) -> bool {
        let inputs = &self.model.tasks[&index].inputs;
        index == on || inputs.iter().any(|&input| self.needs(input, on))
    }

    fn take(&mut self, index: u32) {
        let task = &self.model.tasks[&index];
        let sole = self.model.wants(index) == 1;
        let takes = task.state == State::Finished && sole && !task.taken;
        assert_eq!(self.rig.graph.try_take(index), takes, "taking {index}");
        if takes {
            self.rig
                .payloads
                .insert(index, super::rig::Left::Result(Outcome::Nothing));
            self.model.task(index).taken = true;
        }
    }

    fn compare(&mut self) {
        self.rig.take_unwanted();
        let live: Vec<u32> = self.rig.graph.live().collect();
        let expected: Vec<u32> = self.model.tasks.keys().copied().collect();
        assert_eq!(live, expected, "who is alive");
        for (&index, task) in &self.model.tasks {
            let wanted = self.model.wants(index) > 0;
            let same = self.rig.state(index) == task.state;
            assert!(
                same || !wanted && self.rig.graph.is_settled(index),
                "task {index}: {task:?}"
            );
            let machine = !self.model.settled(index) || task.body || !task.named_by.is_empty();
            let refs = self.model.wants(index) + u64::from(machine);
            assert_eq!(self.rig.refs(index), refs, "references of task {index}");
            if task.state == State::Running {
                assert_eq!(
                    self.rig.graph.is_cancel_requested(index),
                    task.token,
                    "token {index}"
                );
            }
        }
    }

    /// Ends every body and drops every handle.
    fn finish(mut self) {
        let mut number = 0;
        while !self.model.tasks.is_empty() {
            number += 1;
            assert!(
                number < 10_000,
                "tasks that nobody can end: {:?}",
                self.model.tasks
            );
            self.apply(Event::Drop(number));
            self.apply(Event::End(number, Outcome::Value));
            self.apply(Event::Start(number));
        }
        assert!(
            self.model.tasks.is_empty(),
            "tasks that nobody can end: {:?}",
            self.model.tasks
        );
        self.rig.assert_over();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x7e27e5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn graph_and_model_agree_after_every_event(events in vec(event(), 1..120)) {
        let mut both = Both { rig: Rig::new(), model: Model::default() };
        events.into_iter().for_each(|event| both.apply(event));
        both.finish();
    }
}
