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
//! On worker processes, and with a second client, in another terminal, that turns a knob of the run:
//! ```text
//! cargo run --release --features net --example beamline -- --cluster 2 --frames 2000
//! cargo run --release --features net --example beamline -- --attach tcp://127.0.0.1:PORT --set mask_sigma=12
//! ```
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a program may read the clock, draw numbers and start threads"
)]

#[cfg(feature = "net")]
mod afar;
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tenter::{Anywhere, Client, StartError};

use crate::args::{Options, Request};
use crate::beamline::{Beamline, DATABASE};
use crate::detector::Schedule;
use crate::knobs::Knobs;

/// The error of a task, whatever it is.
type Fault = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    #[cfg(feature = "net")]
    tenter::worker_if_asked();
    let options = match args::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Attach {
            address,
            mask_sigma,
        }) => {
            return match afar::attach(&address, mask_sigma) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => refuse(&error.to_string()),
            };
        }
        Ok(Request::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(sentence) => return refuse(&sentence),
    };
    let place = match prepare(&options) {
        Ok(place) => place,
        Err(sentence) => return refuse(&sentence),
    };
    match run(&options, &place.client) {
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
fn prepare(options: &Options) -> Result<Place, String> {
    let place = match options.cluster {
        None => here(options).map_err(|error| error.to_string())?,
        Some(workers) => {
            afar::start(workers, options.threads).map_err(|error| error.to_string())?
        }
    };
    outfile::create(&options.out)?;
    Ok(place)
}

/// Where the tasks run.
struct Place {
    client: Client<Anywhere>,
    /// Ends after the client.
    #[cfg(feature = "net")]
    _cluster: Option<tenter::LocalCluster>,
}

fn here(options: &Options) -> Result<Place, StartError> {
    let builder = Client::builder().resource(DATABASE, 1);
    let builder = match options.threads {
        Some(threads) => builder.threads(threads),
        None => builder,
    };
    Ok(Place {
        client: builder.connect(None)?,
        #[cfg(feature = "net")]
        _cluster: None,
    })
}

/// Without the feature that it needs.
#[cfg(not(feature = "net"))]
mod afar {
    use crate::Place;

    const SENTENCE: &str = "--cluster and --attach need the feature net: cargo run --release --features net --example beamline";

    pub(crate) fn start(_: usize, _: Option<usize>) -> Result<Place, String> {
        Err(SENTENCE.into())
    }

    pub(crate) fn attach(_: &str, _: Option<f64>) -> Result<(), String> {
        Err(SENTENCE.into())
    }
}

/// Whether every bound that applies holds.
fn run(options: &Options, client: &Client<Anywhere>) -> Result<bool, Box<dyn Error>> {
    let schedules = Schedule::both(options.frames, options.seed);
    let knobs = Knobs::of(client)?;
    knobs.set()?;
    let at_hand = knobs.clone();
    let was_asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if was_asked.swap(true, Ordering::Relaxed) {
            // It seems to be stuck. The exit code is that of shells for one that Ctrl-C has ended.
            std::process::exit(130);
        }
        // The knobs may be another process's, and that may be stuck.
        let at_hand = at_hand.clone();
        std::thread::spawn(move || at_hand.stop());
    })?;
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
