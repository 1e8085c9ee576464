//! Every interleaving of the events that settle a task: claim, finish, cancel, failure, last wants, waiting again.
//!
//! The models run the graph itself on loom's primitives. A [`Hand`] is one thread's driver; the books say what is in
//! each payload, so that each is disposed of once, and touching a payload makes loom check that nobody else may.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use loom::thread;

use super::assert_empty;
use crate::graph::State::{Cancelled, Failed, Finished, Queued};
use crate::graph::{Born, Cache, Effects, Entry, GIVEN, Graph, Key, Outcome, Spec};

/// What a payload holds: a task not run, or a result.
type Books = Arc<Mutex<HashMap<u32, Option<Outcome>>>>;

/// One thread's driver.
pub(super) struct Hand {
    pub(super) graph: Arc<Graph<u32>>,
    books: Books,
    pub(super) cache: Cache,
    pub(super) fx: Effects,
    pub(super) ready: Vec<u32>,
    pub(super) woken: Vec<u32>,
    pub(super) unwanted: Vec<u32>,
}

/// Runs `f` in every interleaving.
pub(super) fn model(f: impl Fn(Hand) + Sync + Send + 'static) {
    explore(None, f);
}

/// Runs `f` in every interleaving that has at most `preemptions` preemptions, where all of them would take too long.
pub(super) fn bounded(preemptions: usize, f: impl Fn(Hand) + Sync + Send + 'static) {
    explore(Some(preemptions), f);
}

fn explore(preemptions: Option<usize>, f: impl Fn(Hand) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.max_branches = 10_000;
    builder.check(move || f(Hand::of(Arc::new(Graph::new()), Books::default())));
}

impl Hand {
    fn of(graph: Arc<Graph<u32>>, books: Books) -> Self {
        let (cache, fx) = (Cache::default(), Effects::default());
        Self {
            graph,
            books,
            cache,
            fx,
            ready: vec![],
            woken: vec![],
            unwanted: vec![],
        }
    }

    /// A thread with its own hand that does `f`.
    pub(super) fn spawn(&self, f: impl FnOnce(&mut Self) + 'static) -> thread::JoinHandle<Self> {
        let mut hand = Self::of(Arc::clone(&self.graph), Arc::clone(&self.books));
        thread::spawn(move || {
            f(&mut hand);
            hand
        })
    }

    pub(super) fn task(&mut self, inputs: &[u32]) -> u32 {
        let Self {
            graph, cache, fx, ..
        } = self;
        let born = graph.submit(cache, &Spec::default(), inputs, 0, fx);
        self.born(born)
    }

    /// # Errors
    /// The task that has the key already.
    pub(super) fn keyed(&mut self, key: u64, inputs: &[u32]) -> Result<u32, u32> {
        let Self {
            graph, cache, fx, ..
        } = self;
        let key = Key::from(key);
        let born = match graph.entry(&key, |_| true, fx) {
            Entry::Vacant(vacant) => {
                graph.submit_at((vacant, key), cache, &Spec::default(), inputs, 0, fx)
            }
            Entry::Same(index) => return Err(index),
            Entry::Conflict => panic!("all keys are of one kind"),
        };
        Ok(self.born(born))
    }

    fn born(&mut self, born: Born) -> u32 {
        // Another thread may have settled it unrun by now, and then said so in the books.
        self.books
            .lock()
            .unwrap()
            .entry(born.index())
            .or_insert(None);
        if let Born::Ready(index) = born {
            self.ready.push(index);
        }
        self.perform();
        born.index()
    }

    /// Claims and ends a task. No: it was not to be had.
    pub(super) fn run(&mut self, index: u32, outcome: Outcome) -> bool {
        let claimed = self.graph.claim(index);
        if claimed {
            self.end(index, outcome);
        }
        claimed
    }

    /// Ends a claimed task.
    pub(super) fn end(&mut self, index: u32, outcome: Outcome) {
        let inputs = self.graph.inputs(index);
        for &input in &inputs {
            assert_eq!(
                self.graph.state(input),
                Finished,
                "an input of a running task"
            );
            self.graph.payload_shared(input);
        }
        self.write(index, Some(outcome));
        let Self {
            graph, cache, fx, ..
        } = self;
        if graph.finish(cache, index, outcome, fx) {
            fx.free.push(index);
        }
        for input in inputs {
            graph.drop_want(input, fx);
        }
        self.perform();
    }

    /// Ends a claimed task and has its result remembered.
    pub(super) fn end_remembered(&mut self, index: u32) {
        self.write(index, Some(Outcome::Value));
        let Self {
            graph, cache, fx, ..
        } = self;
        graph.finish_remembered(cache, index, 8, fx);
        self.perform();
    }

    /// Its value was moved out.
    pub(super) fn taken(&self, index: u32) {
        self.books
            .lock()
            .unwrap()
            .insert(index, Some(Outcome::Nothing));
    }

    pub(super) fn cancel(&mut self, index: u32) -> bool {
        let cancelled = self.graph.cancel(&mut self.cache, index, &mut self.fx);
        self.perform();
        cancelled
    }

    pub(super) fn drop(&mut self, index: u32) {
        self.graph.drop_want(index, &mut self.fx);
        self.perform();
    }

    fn rearm(&mut self, index: u32, inputs: &[u32]) {
        let Self {
            graph, cache, fx, ..
        } = self;
        graph.let_go(index, fx);
        if let Born::Ready(index) = graph.rearm(cache, index, inputs, fx) {
            fx.ready.push(index);
        }
        self.perform();
    }

    fn write(&self, index: u32, outcome: Option<Outcome>) {
        self.graph.payload(index);
        let was = self.books.lock().unwrap().insert(index, outcome);
        assert_eq!(
            was.flatten(),
            None,
            "payload {index} is written a second time"
        );
    }

    /// Does what the effects ask for.
    pub(super) fn perform(&mut self) {
        loop {
            self.ready.append(&mut self.fx.ready);
            self.woken.append(&mut self.fx.wake);
            self.unwanted.append(&mut self.fx.unwanted);
            if let Some((task, input)) = self.fx.inherit.pop() {
                if self.graph.state(input) == Failed {
                    self.graph.payload_shared(input);
                }
                self.finish_unrun(task, Outcome::Error);
            } else if let Some(task) = self.fx.unrun.pop() {
                self.finish_unrun(task, Outcome::Nothing);
            } else if let Some(index) = self.fx.free.pop() {
                self.graph.payload(index);
                let left = self.books.lock().unwrap().remove(&index);
                assert_eq!(
                    left,
                    Some(Some(self.graph.leaving(index).remains())),
                    "payload {index}"
                );
                self.graph.leaving(index).forget(&mut self.cache);
            } else {
                return;
            }
        }
    }

    fn finish_unrun(&mut self, task: u32, outcome: Outcome) {
        self.write(task, Some(outcome));
        let Self {
            graph, cache, fx, ..
        } = self;
        graph.finish_unrun(cache, task, outcome == Outcome::Error, fx);
    }

    /// Waits for a thread and takes over what it was told.
    pub(super) fn join(&mut self, thread: thread::JoinHandle<Self>) {
        let mut other = thread.join().unwrap();
        self.ready.append(&mut other.ready);
        self.woken.append(&mut other.woken);
        self.unwanted.append(&mut other.unwanted);
        self.graph.flush(&mut other.cache);
    }

    /// Runs what is ready. Says how many hints were good.
    pub(super) fn run_ready(&mut self) -> usize {
        let mut ran = 0;
        while let Some(index) = self.ready.pop() {
            ran += usize::from(self.run(index, Outcome::Value));
        }
        ran
    }

    /// Drops these wants and asserts that then nothing is left.
    pub(super) fn assert_over(mut self, wants: &[u32]) {
        self.perform();
        wants.iter().for_each(|&index| self.drop(index));
        assert!(
            self.books.lock().unwrap().is_empty(),
            "payloads left: {:?}",
            self.books
        );
        assert_empty(&self.graph, vec![self.cache]);
    }
}

#[test]
fn edge_against_finish() {
    model(|mut main| {
        let a = main.task(&[]);
        let other = main.spawn(move |hand| assert!(hand.run(a, Outcome::Value)));
        let b = main.task(&[a]);
        main.join(other);
        assert_eq!(main.run_ready(), 1, "the dependent is ready once");
        main.assert_over(&[a, b]);
    });
}

#[test]
fn double_claim() {
    model(|mut main| {
        let a = main.task(&[]);
        let other = main.spawn(move |hand| {
            hand.run(a, Outcome::Value);
        });
        main.run(a, Outcome::Value);
        main.join(other);
        assert_eq!(main.graph.state(a), Finished);
        main.assert_over(&[a]);
    });
}

#[test]
fn cancel_against_finish() {
    model(|mut main| {
        let a = main.task(&[]);
        let b = main.task(&[a]);
        assert!(main.graph.claim(a));
        let other = main.spawn(move |hand| hand.end(a, Outcome::Value));
        let cancelled = main.cancel(a);
        main.join(other);
        let expected = if cancelled {
            (Cancelled, Failed)
        } else {
            (Finished, Queued)
        };
        assert_eq!((main.graph.state(a), main.graph.state(b)), expected);
        main.assert_over(&[a, b]);
    });
}

#[test]
fn cancel_against_claim() {
    model(|mut main| {
        let a = main.task(&[]);
        let other = main.spawn(move |hand| {
            hand.run(a, Outcome::Value);
        });
        let cancelled = main.cancel(a);
        main.join(other);
        assert_eq!(
            main.graph.state(a),
            if cancelled { Cancelled } else { Finished }
        );
        main.assert_over(&[a]);
    });
}

#[test]
fn last_handle_against_claim_and_finish() {
    model(|mut main| {
        let a = main.task(&[]);
        let other = main.spawn(move |hand| {
            hand.run(a, Outcome::Value);
        });
        main.drop(a);
        main.join(other);
        main.assert_over(&[]);
    });
}

#[test]
fn two_last_handles_against_finish() {
    bounded(3, |mut main| {
        let a = main.task(&[]);
        main.graph.retain(a);
        assert!(main.graph.claim(a));
        let finisher = main.spawn(move |hand| hand.end(a, Outcome::Value));
        let dropper = main.spawn(move |hand| hand.drop(a));
        main.drop(a);
        main.join(finisher);
        main.join(dropper);
        main.assert_over(&[]);
    });
}

/// Its last dependent lets an input go while its last handle is dropped: it is cancelled once, and freed once.
#[test]
fn last_handle_against_last_edge() {
    for settled in [false, true] {
        model(move |mut main| {
            let a = main.task(&[]);
            if settled {
                main.run(a, Outcome::Value);
            }
            let b = main.task(&[a]);
            let other = main.spawn(move |hand| hand.drop(b));
            main.drop(a);
            main.join(other);
            main.assert_over(&[]);
        });
    }
}

#[test]
fn two_inputs_finish_at_once() {
    for outcome in [Outcome::Value, Outcome::Error] {
        model(move |mut main| {
            let (a, b) = (main.task(&[]), main.task(&[]));
            let c = main.task(&[a, b]);
            let other = main.spawn(move |hand| assert!(hand.run(a, outcome)));
            assert!(main.run(b, outcome));
            main.join(other);
            assert_eq!(main.run_ready(), usize::from(outcome == Outcome::Value));
            let state = if outcome == Outcome::Value {
                Finished
            } else {
                Failed
            };
            assert_eq!(main.graph.state(c), state);
            main.assert_over(&[a, b, c]);
        });
    }
}

/// Of the failing input and the cancel one settles the dependent; the machine's reference is dropped once.
#[test]
fn failing_input_against_cancel_of_the_dependent() {
    model(|mut main| {
        let a = main.task(&[]);
        let b = main.task(&[a]);
        let other = main.spawn(move |hand| assert!(hand.run(a, Outcome::Error)));
        let cancelled = main.cancel(b);
        main.join(other);
        assert_eq!(
            main.graph.state(b),
            if cancelled { Cancelled } else { Failed }
        );
        main.assert_over(&[a, b]);
    });
}

/// A dependent that fails while it is being linked gives up no want that it has not taken yet.
#[test]
fn failing_input_against_linking_of_the_next() {
    model(|mut main| {
        let (a, b) = (main.task(&[]), main.task(&[]));
        let other = main.spawn(move |hand| assert!(hand.run(a, Outcome::Error)));
        let c = main.task(&[a, b]);
        main.join(other);
        assert_eq!(main.graph.state(c), Failed);
        assert_eq!(main.graph.state(b), Queued, "its handle wants it");
        main.assert_over(&[a, b, c]);
    });
}

/// As a client that is being closed does it: it finds a task by its slot while the task is being linked.
#[test]
fn cancel_by_slot_against_linking() {
    model(|mut main| {
        let a = main.task(&[]);
        main.run(a, Outcome::Value);
        let other = main.spawn(move |hand| {
            let later = [1, 2, 3].into_iter().filter(|&index| index != a);
            for index in later {
                if let Some(pin) = hand.graph.pin_any(index) {
                    hand.cancel(index);
                    hand.drop(pin.0);
                }
            }
        });
        let b = main.task(&[a]);
        main.join(other);
        main.assert_over(&[a, b]);
    });
}

/// The caller's want of a given input is the dependent's from the start, and given up once, by either.
#[test]
fn given_inputs_against_a_failing_one() {
    model(|mut main| {
        let (a, b) = (main.task(&[]), main.task(&[]));
        let other = main.spawn(move |hand| assert!(hand.run(a, Outcome::Error)));
        let c = main.task(&[a, b | GIVEN]);
        main.join(other);
        assert_eq!(main.graph.state(c), Failed);
        main.assert_over(&[a, c]);
    });
}

#[test]
fn waiting_again_against_cancel() {
    model(|mut main| {
        let (outer, inner) = (main.task(&[]), main.task(&[]));
        assert!(main.graph.claim(outer));
        let other = main.spawn(move |hand| {
            hand.rearm(outer, &[inner]);
            hand.drop(inner);
        });
        assert!(main.cancel(outer));
        main.join(other);
        main.assert_over(&[outer]);
    });
}

#[test]
fn waiting_again_against_the_last_handle() {
    model(|mut main| {
        let (outer, inner) = (main.task(&[]), main.task(&[]));
        assert!(main.graph.claim(outer));
        let other = main.spawn(move |hand| hand.rearm(outer, &[inner]));
        main.drop(outer);
        main.join(other);
        assert_eq!(main.graph.state(inner), Queued, "its handle wants it");
        main.assert_over(&[inner]);
    });
}

#[test]
fn waiting_again_against_the_targets_end() {
    for outcome in [Outcome::Value, Outcome::Error] {
        model(move |mut main| {
            let (outer, inner) = (main.task(&[]), main.task(&[]));
            assert!(main.graph.claim(outer));
            let other = main.spawn(move |hand| hand.rearm(outer, &[inner]));
            assert!(main.run(inner, outcome));
            main.join(other);
            assert_eq!(main.run_ready(), usize::from(outcome == Outcome::Value));
            main.assert_over(&[outer, inner]);
        });
    }
}
