//! The image pipeline of a synchrotron beamline: detectors, processing, a database, people who watch and turn knobs.
//!
//! Two detector tasks put frames into a bounded queue. Consumer tasks take them and submit for each a graph: repair hot pixels, integrate
//! around the beam, take the background off, find peaks, store. One task writes the database. All are `#[task]` functions that share
//! queues and variables by name, so nothing here depends on the place where they run. The program knows what it should find and ends with
//! 1 if it finds something else.
//!
//! ```text
//! cargo run --release --example beamline -- --frames 60 --seed 7 --out x.sqlite
//! ```
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a program may read the clock, draw numbers and start threads"
)]

mod args;
mod background;
mod beamline;
mod check;
mod detector;
mod detector_a;
mod detector_b;
mod image;
mod integrate;
mod knobs;
mod measured;
mod outfile;
mod peaks;
mod pipeline;
mod poisson;
mod progress;
mod repair;
mod store;
mod watch;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tenter::{Anywhere, Client, StartError};

use crate::args::{Options, Request};
use crate::beamline::{Beamline, DATABASE};
use crate::detector::Schedule;
use crate::knobs::Knobs;

/// The error of a task, whatever it is.
type Fault = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let options = match args::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(sentence) => return refuse(&sentence),
    };
    let client = match prepare(&options) {
        Ok(client) => client,
        Err(sentence) => return refuse(&sentence),
    };
    match run(&options, &client) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("beamline: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(sentence: &str) -> ExitCode {
    eprintln!("beamline: {sentence}");
    ExitCode::from(2)
}

/// Connects, and makes the database only then. The error is a sentence naming the cause and the next step.
fn prepare(options: &Options) -> Result<Client<Anywhere>, String> {
    let client = connect(options).map_err(|error| error.to_string())?;
    outfile::create(&options.out)?;
    Ok(client)
}

fn connect(options: &Options) -> Result<Client<Anywhere>, StartError> {
    let builder = Client::builder().resource(DATABASE, 1);
    match options.threads {
        Some(threads) => builder.threads(threads).connect(None),
        None => builder.connect(None),
    }
}

/// Whether every bound that applies holds.
fn run(options: &Options, client: &Client<Anywhere>) -> Result<bool, Box<dyn Error>> {
    let schedules = Schedule::both(options.frames, options.seed);
    let knobs = Knobs::of(client)?;
    knobs.set()?;
    let at_hand = knobs.clone();
    ctrlc::set_handler(move || at_hand.stop())?;
    knobs.listen();

    let line = Beamline::start(client, schedules, knobs, options.out.clone())?;
    let start = Instant::now();
    let outcome = line.attend();
    let elapsed = start.elapsed();
    let closed = client.close(Duration::from_secs(10));
    if !closed.is_clean() {
        eprintln!(
            "beamline: still running: {}",
            closed.still_running().join(", ")
        );
    }
    let holds = report(&options.out, line.delivered(), elapsed)?;
    outcome?;
    Ok(holds)
}

/// Prints what the database holds, and says whether that is right.
fn report(path: &Path, delivered: [u32; 2], elapsed: Duration) -> rusqlite::Result<bool> {
    let rows = store::read_back(path)?;
    let findings = check::check(&rows, delivered);
    for line in &findings.lines {
        println!("{line}");
    }
    let rate = rows.len() as f64 / elapsed.as_secs_f64();
    println!("throughput: {rate:.1} frames/s");
    println!("database: {}", path.display());
    for broken in &findings.broken {
        eprintln!("beamline: {broken}");
    }
    Ok(findings.broken.is_empty())
}
