//! A scheduler's machine alone, whose workers' answers are made up in the order of the runs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tenter::net::message::{
    ClientHello, Define, Done, Finished, FromClient, FromWorker, FunctionInfo, Input, KindOfTask,
    PeerId, Run, Submit, SubmitMany, Ticket, ToWorker, WorkerHello,
};
use tenter::net::scheduler::{Config, Effect, Machine, Stimulus};

const CLIENT: PeerId = PeerId(1);
const TASKS: u64 = 200_000;
/// Tasks submitted at once, and answers taken in at once.
pub(crate) const BATCH: u64 = 256;
/// Tasks for which there is room with ten workers.
const FEW: u64 = 16;
const BIG: u64 = 1 << 20;

pub(crate) struct Bench {
    machine: Machine,
    now_us: u64,
    out: Vec<Effect>,
    runs: VecDeque<(PeerId, Run)>,
    placed: u64,
}

impl Bench {
    pub(crate) fn new(workers: u32) -> Self {
        let mut bench = Self {
            machine: Machine::new(Config::default()),
            now_us: 0,
            out: Vec::new(),
            runs: VecDeque::new(),
            placed: 0,
        };
        let function = FunctionInfo {
            name: "noop".into(),
            signature: 1,
        };
        for worker in 0..workers {
            let hello = WorkerHello {
                slots: 4,
                functions: vec![function.clone()],
                ..WorkerHello::default()
            };
            bench.tell(Stimulus::WorkerJoined(PeerId(2 + worker), Box::new(hello)));
        }
        bench.tell(Stimulus::ClientJoined(CLIENT, ClientHello::default()));
        bench.say(FromClient::Define(Define::Function(function)));
        bench.say(FromClient::Define(Define::Kind(
            Box::<KindOfTask>::default(),
        )));
        bench
    }

    fn tell(&mut self, stimulus: Stimulus) {
        self.now_us += 1;
        self.machine.handle(self.now_us, stimulus, &mut self.out);
        for effect in self.out.drain(..) {
            if let Effect::ToWorker(worker, ToWorker::Assign(assign)) = effect {
                self.placed += 1;
                self.runs.push_back((worker, assign.run));
            }
        }
    }

    fn say(&mut self, words: FromClient) {
        self.tell(Stimulus::FromClient(CLIENT, words));
    }

    /// Ends the oldest runs.
    fn answer(&mut self, count: u64, result: &Finished) {
        for _ in 0..count {
            let Some((worker, run)) = self.runs.pop_front() else {
                return;
            };
            let done = Done {
                run,
                result: result.clone(),
                mentions: Vec::new(),
                run_us: 1,
                lay_us: 0,
            };
            self.tell(Stimulus::FromWorker(worker, FromWorker::Done(done)));
        }
    }

    /// A task that needs two of the results of the first so many tickets, or none.
    fn submit(&mut self, ticket: u64, inputs: Option<u64>) {
        let input = |of: u64, k: u64| Input::Ticket(Ticket(1 + (ticket * 7 + k * 13) % of));
        let inputs = inputs.map_or_else(Vec::new, |of| vec![input(of, 0), input(of, 1)]);
        self.say(FromClient::Submit(Submit {
            ticket: Ticket(ticket),
            kind: 0,
            key: None,
            args: Bytes::new(),
            inputs,
            mentions: Vec::new(),
        }));
    }

    /// Makes eight such results a worker. Gives how many.
    fn make_inputs(&mut self, workers: u32, result: &Finished) -> u64 {
        let width = u64::from(workers) * 8;
        self.submit_many(1, width);
        while !self.runs.is_empty() {
            self.answer(BATCH, result);
        }
        width
    }

    pub(crate) fn submit_many(&mut self, first: u64, count: u64) {
        let args = vec![Bytes::new(); count as usize];
        self.say(FromClient::SubmitMany(SubmitMany {
            first_ticket: Ticket(first),
            kind: 0,
            args,
        }));
    }

    fn release(&mut self, first: u64, count: u64) {
        let tickets = (first..first + count).map(Ticket).collect();
        self.say(FromClient::Release { tickets });
    }
}

/// Independent tasks with small results.
pub(crate) fn independent(workers: u32) -> f64 {
    let mut bench = Bench::new(workers);
    let small = Finished::Inline(Bytes::from_static(b"x"));
    let start = Instant::now();
    for first in (1..=TASKS).step_by(BATCH as usize) {
        bench.submit_many(first, BATCH);
        while !bench.runs.is_empty() {
            bench.answer(BATCH, &small);
        }
        bench.release(first, BATCH);
    }
    start.elapsed().as_nanos() as f64 / bench.placed as f64
}

/// Tasks that each need two results that stay on workers: every placement compares holders.
pub(crate) fn with_inputs(workers: u32) -> f64 {
    let mut bench = Bench::new(workers);
    let width = bench.make_inputs(workers, &Finished::Held { bytes: BIG });
    let small = Finished::Inline(Bytes::from_static(b"x"));
    let (before, start) = (bench.placed, Instant::now());
    for first in (width + 1..=width + TASKS).step_by(BATCH as usize) {
        (first..first + BATCH).for_each(|ticket| bench.submit(ticket, Some(width)));
        while !bench.runs.is_empty() {
            bench.answer(BATCH, &small);
        }
        bench.release(first, BATCH);
    }
    start.elapsed().as_nanos() as f64 / (bench.placed - before) as f64
}

/// To choose a worker for a task and to send it there: what a submit takes if there is room, less what it takes if there is none and
/// nothing to choose by. `inputs`: it needs two results that stay on workers; else none.
pub(crate) fn placing(workers: u32, inputs: bool) -> f64 {
    submits(workers, inputs, true) - submits(workers, inputs, false)
}

/// A submit alone.
fn submits(workers: u32, inputs: bool, room: bool) -> f64 {
    let mut bench = Bench::new(workers);
    let small = Finished::Inline(Bytes::from_static(b"x"));
    let held = Finished::Held { bytes: BIG };
    let width = bench.make_inputs(workers, if room { &held } else { &small });
    let mut ticket = width + 1;
    if !room {
        let many = u64::from(workers) * 300;
        bench.submit_many(ticket, many);
        bench.runs.clear();
        ticket += many;
    }
    let mut took = Duration::ZERO;
    for _ in 0..TASKS / 4 / FEW {
        let start = Instant::now();
        (ticket..ticket + FEW).for_each(|ticket| bench.submit(ticket, inputs.then_some(width)));
        took += start.elapsed();
        assert_eq!(bench.runs.len() as u64, if room { FEW } else { 0 });
        bench.answer(FEW, &small);
        bench.release(ticket, FEW);
        ticket += FEW;
    }
    took.as_nanos() as f64 / (TASKS / 4 / FEW * FEW) as f64
}

pub(crate) fn median(rounds: usize, mut measure: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..rounds).map(|_| measure()).collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}
