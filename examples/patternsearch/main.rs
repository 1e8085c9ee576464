//! An asynchronous parallel pattern search: finds the minimum of a function without derivatives, and never waits for a slow evaluation.
//!
//! The search keeps a few trial points around the best point so far in flight, and refills them from `as_completed` as results come. A
//! better result moves the centre at once, while trials around older centres still run and still count; only when all the nearest trials
//! are worse does the step halve. No point is evaluated twice. After dask-patternsearch (Welch, 2017), which follows Dennis and Torczon,
//! *Direct search methods on parallel machines* (1991).
//!
//! ```text
//! cargo run --release --example patternsearch -- --seed 7
//! ```
#![allow(
    clippy::disallowed_types,
    reason = "trial directions are shuffled with random numbers"
)]

mod search;
mod stencil;

use std::process::ExitCode;

use search::{Found, Plan, search};
use tenter::Client;

const USAGE: &str = "usage: patternsearch [--seed S], where S is a whole number (1 if left out)";
/// The function has a local minimum of 3.70 beside the global one. With longer first steps the search now and then leaps into its basin:
/// 19 times of 200 with 0.2, never of 1,000 with this.
const PLAN: Plan<4> = Plan {
    start: [-1.2, 1.0, -1.2, 1.0],
    step: 0.025,
    stop_ratio: 1e-6,
};

fn main() -> ExitCode {
    let Some(seed) = requested(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("patternsearch: {error}");
            ExitCode::FAILURE
        }
    }
}

fn requested(args: impl Iterator<Item = String>) -> Option<u64> {
    let args: Vec<String> = args.collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Some(1),
        ["--seed", seed] => seed.parse().ok(),
        _ => None,
    }
}

fn run(seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new()?;
    let Found {
        point,
        cost,
        evaluations,
        distinct,
    } = search(&client, &PLAN, rosenbrock, fastrand::Rng::with_seed(seed))?;
    println!("minimum: {cost:.12}");
    println!("point: {point:.6?}");
    println!("evaluations: {evaluations}");
    println!("duplicates: {}", evaluations - distinct);
    if cost >= 1e-6 {
        return Err("the search did not find the minimum at (1, 1, 1, 1)".into());
    }
    Ok(())
}

/// Rosenbrock's function, chained: its global minimum, 0, is where all coordinates are 1, at the end of a curved valley.
fn rosenbrock<const N: usize>(x: &[f64; N]) -> f64 {
    let link =
        |pair: &[f64]| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (1.0 - pair[0]).powi(2);
    x.windows(2).map(link).sum()
}
