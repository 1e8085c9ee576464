//! A parameter server: two actors hold the parameters of a logistic regression, and workers fit it without waiting for
//! each other.
//!
//! Each actor holds one half of the parameters. A worker has its own share of the data. Over and over it asks both
//! actors for what they hold now, computes the gradient on some of its rows, and sends each actor its half of that,
//! which takes a step. No step waits for another worker's; a gradient may be some steps old when it arrives, and the
//! steps get smaller, so that this does not matter in the end. Newton's method on all the data says what the best loss is.
//!
//! ```text
//! cargo run --release --example actors -- --workers 4 --seed 7
//! ```
#![allow(clippy::disallowed_types, reason = "synthetic data are random")]

use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

use fastrand::Rng;
use tenter::{Actor, Client, TaskError, as_completed};

const ROWS: usize = 100_000;
const PARAMETERS: usize = 20;
const HALF: usize = PARAMETERS / 2;
/// Steps of all workers together, and those that a worker takes in one go.
const STEPS: usize = 8000;
const ROUND: usize = 20;
/// Rows that one gradient is computed on.
const BATCH: usize = 128;
const FIRST_RATE: f64 = 2.0;
/// After so many steps the rate is half the first.
const HALVED_AFTER: f64 = 200.0;
/// Keeps the best parameters finite.
const PENALTY: f64 = 1e-3;
const USAGE: &str = "usage: actors [--workers W] [--seed S], where W is 1 to 64 (4 if left out) and S a whole number (1)";

type Parameters = [f64; PARAMETERS];

struct Options {
    workers: usize,
    seed: u64,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args == ["--help"] {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = requested(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("actors: {error}");
            ExitCode::FAILURE
        }
    }
}

fn requested(args: &[String]) -> Option<Options> {
    let mut options = Options {
        workers: 4,
        seed: 1,
    };
    for pair in args.chunks(2) {
        match pair {
            [name, value] if name == "--workers" => options.workers = value.parse().ok()?,
            [name, value] if name == "--seed" => options.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    (1..=64).contains(&options.workers).then_some(options)
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new()?;
    let data = Arc::new(Data::synthetic(&mut Rng::with_seed(options.seed)));
    let servers = ["first half", "second half"].map(|name| {
        let builder = client.actor_builder(name).mailbox(1000);
        builder.build(Server::default())
    });

    let rounds = (STEPS / ROUND).div_ceil(options.workers);
    let share = ROWS.div_ceil(options.workers);
    let workers = (0..options.workers).map(|number| Worker {
        servers: servers.clone(),
        data: Arc::clone(&data),
        rows: number * share..ROWS.min((number + 1) * share),
        rng: Rng::with_seed(options.seed ^ (1 + number as u64) << 32),
        rounds,
    });
    let go_on = |worker: Worker| client.task("worker").try_submit(|| worker.round());
    let mut running = as_completed(workers.map(go_on));
    while let Some(done) = running.next() {
        let worker = done.take()?;
        if worker.rounds > 0 {
            running.push(go_on(worker));
        }
    }

    let fitted = fetch(&servers)?;
    let (loss, optimum) = (data.loss(&fitted), data.loss(&data.best()));
    let gap = 100.0 * (loss - optimum) / optimum;
    println!("loss: {loss:.6}");
    println!("optimum: {optimum:.6}");
    println!("loss gap: {gap:.4} %");
    if gap >= 1.0 {
        return Err("the workers did not come near the optimum".into());
    }
    Ok(())
}

/// One half of the parameters, and how many steps they have made.
#[derive(Default)]
struct Server {
    half: [f64; HALF],
    steps: f64,
}

impl Server {
    fn step(&mut self, gradient: &[f64; HALF]) {
        let rate = FIRST_RATE / (1.0 + self.steps / HALVED_AFTER);
        self.steps += 1.0;
        for (parameter, slope) in self.half.iter_mut().zip(gradient) {
            *parameter -= rate * slope;
        }
    }
}

/// The parameters as they are now; each half may be some steps ahead of the other.
fn fetch(servers: &[Actor<Server>; 2]) -> Result<Parameters, TaskError> {
    let halves = servers
        .each_ref()
        .map(|server| server.call(|server| server.half));
    let mut parameters = [0.0; PARAMETERS];
    for (half, into) in halves.iter().zip(parameters.chunks_mut(HALF)) {
        into.copy_from_slice(half.result()?);
    }
    Ok(parameters)
}

/// A worker between two rounds: a task takes it and gives it back, so that all workers have their turn on few cores.
struct Worker {
    servers: [Actor<Server>; 2],
    data: Arc<Data>,
    rows: Range<usize>,
    rng: Rng,
    rounds: usize,
}

impl Worker {
    fn round(mut self) -> Result<Self, TaskError> {
        for _ in 0..ROUND {
            self.step()?;
        }
        self.rounds -= 1;
        Ok(self)
    }

    fn step(&mut self) -> Result<(), TaskError> {
        let parameters = fetch(&self.servers)?;
        let rows = &self.data.rows;
        let batch = (0..BATCH).map(|_| &rows[self.rng.usize(self.rows.clone())]);
        let gradient = gradient(batch, &parameters);
        for (server, half) in self.servers.iter().zip(gradient.chunks(HALF)) {
            let half: [f64; HALF] = half.try_into().expect("a half");
            server.call(move |server| server.step(&half)).detach();
        }
        Ok(())
    }
}

/// One observation: what was measured, and whether it happened.
struct Row {
    x: Parameters,
    y: f64,
}

impl Row {
    /// How likely these parameters say it was to happen.
    fn chance(&self, parameters: &Parameters) -> f64 {
        1.0 / (1.0 + (-dot(&self.x, parameters)).exp())
    }
}

/// The mean slope of the loss on these rows.
fn gradient<'a>(rows: impl ExactSizeIterator<Item = &'a Row>, at: &Parameters) -> Parameters {
    let mut slope = at.map(|parameter| PENALTY * parameter);
    let count = rows.len() as f64;
    for row in rows {
        let error = row.chance(at) - row.y;
        for (slope, x) in slope.iter_mut().zip(&row.x) {
            *slope += error * x / count;
        }
    }
    slope
}

struct Data {
    rows: Vec<Row>,
}

impl Data {
    /// Normal measurements, of which the first is constant, and what true parameters make of them by chance.
    fn synthetic(rng: &mut Rng) -> Self {
        let truth: Parameters = std::array::from_fn(|_| normal(rng) / 2.0);
        let mut row = || {
            let mut x: Parameters = std::array::from_fn(|_| normal(rng));
            x[0] = 1.0;
            let mut row = Row { x, y: 0.0 };
            row.y = f64::from(rng.f64() < row.chance(&truth));
            row
        };
        Self {
            rows: (0..ROWS).map(|_| row()).collect(),
        }
    }

    /// The mean negative logarithm of the likelihood, and the penalty.
    fn loss(&self, parameters: &Parameters) -> f64 {
        let surprise = |row: &Row| {
            let margin = dot(&row.x, parameters) * (2.0 * row.y - 1.0);
            (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
        };
        let mean = self.rows.iter().map(surprise).sum::<f64>() / self.rows.len() as f64;
        mean + PENALTY / 2.0 * dot(parameters, parameters)
    }

    /// The parameters of least loss, by Newton's method.
    fn best(&self) -> Parameters {
        let mut best = [0.0; PARAMETERS];
        for _ in 0..12 {
            let slope = gradient(self.rows.iter(), &best);
            let step = solve(self.curvature(&best), slope);
            best = std::array::from_fn(|k| best[k] - step[k]);
        }
        best
    }

    fn curvature(&self, at: &Parameters) -> [Parameters; PARAMETERS] {
        let mut matrix = [[0.0; PARAMETERS]; PARAMETERS];
        for row in &self.rows {
            let chance = row.chance(at);
            let weight = chance * (1.0 - chance) / self.rows.len() as f64;
            for (line, a) in matrix.iter_mut().zip(&row.x) {
                for (entry, b) in line.iter_mut().zip(&row.x) {
                    *entry += weight * a * b;
                }
            }
        }
        (0..PARAMETERS).for_each(|k| matrix[k][k] += PENALTY);
        matrix
    }
}

/// Solves a system with a positive definite matrix, by elimination, which needs no pivots then.
fn solve(mut matrix: [Parameters; PARAMETERS], mut right: Parameters) -> Parameters {
    for k in 0..PARAMETERS {
        for row in k + 1..PARAMETERS {
            let factor = matrix[row][k] / matrix[k][k];
            let pivot = matrix[k];
            for (entry, above) in matrix[row].iter_mut().zip(pivot) {
                *entry -= factor * above;
            }
            right[row] -= factor * right[k];
        }
    }
    for k in (0..PARAMETERS).rev() {
        let known: f64 = (k + 1..PARAMETERS).map(|j| matrix[k][j] * right[j]).sum();
        right[k] = (right[k] - known) / matrix[k][k];
    }
    right
}

fn dot(a: &Parameters, b: &Parameters) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Standard normal, by Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}
