//! A scheduler's machine alone, whose workers' answers are made up in the order of the runs.

use std::collections::VecDeque;
use std::time::Instant;

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
    let big = Finished::Held { bytes: BIG };
    let width = u64::from(workers) * 8;
    bench.submit_many(1, width);
    while !bench.runs.is_empty() {
        bench.answer(BATCH, &big);
    }
    let small = Finished::Inline(Bytes::from_static(b"x"));
    let (before, start) = (bench.placed, Instant::now());
    for ticket in width + 1..=width + TASKS {
        let input = |k: u64| Input::Ticket(Ticket(1 + (ticket * 7 + k * 13) % width));
        let submit = Submit {
            ticket: Ticket(ticket),
            kind: 0,
            key: None,
            args: Bytes::new(),
            inputs: vec![input(0), input(1)],
            mentions: Vec::new(),
        };
        bench.say(FromClient::Submit(submit));
        if ticket.is_multiple_of(BATCH) {
            while !bench.runs.is_empty() {
                bench.answer(BATCH, &small);
            }
            bench.release(ticket.saturating_sub(BATCH - 1).max(width + 1), BATCH);
        }
    }
    start.elapsed().as_nanos() as f64 / (bench.placed - before) as f64
}

pub(crate) fn median(rounds: usize, mut measure: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..rounds).map(|_| measure()).collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}
