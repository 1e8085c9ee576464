//! Fibonacci numbers as tasks that submit tasks and block on their results.
//!
//! Written this way `fib(n)` would take a number of calls that grows as fast as its value. `pure` makes a call's content its key, so each
//! number is computed once, by whichever task asks first, and the rest share its result.
//!
//! ```text
//! cargo run --release --example fib -- 1000
//! ```
#![allow(clippy::disallowed_methods, reason = "a program may read the clock")]

use std::process::ExitCode;
use std::time::Instant;

use num_bigint::BigUint;
use tenter::{Client, TaskError, current, task};

const USAGE: &str = "usage: fib [N], where N is a whole number from 0 to 5000 (1000 if left out)";

fn main() -> ExitCode {
    let Some(n) = requested(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(n) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fib({n}): {error}");
            ExitCode::FAILURE
        }
    }
}

fn requested(mut args: impl Iterator<Item = String>) -> Option<u64> {
    let n = args.next().map_or(Some(1000), |arg| arg.parse().ok())?;
    (n <= 5000 && args.next().is_none()).then_some(n)
}

fn run(n: u64) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let client = Client::connect(None)?;
    let answer = client.submit(fib::call(n));
    let value = answer.result()?;
    let elapsed = start.elapsed();
    let stats = client.stats();

    println!("fib({n}): {value}");
    println!("tasks: {}", stats.started);
    println!("threads: {}", stats.threads_started);
    println!("time: {elapsed:.1?}");
    if *value != in_a_loop(n) {
        return Err("the value is wrong".into());
    }
    Ok(())
}

#[task(pure)]
fn fib(n: u64) -> Result<BigUint, TaskError> {
    if n < 2 {
        return Ok(n.into());
    }
    let client = current();
    let (a, b) = (
        client.submit(fib::call(n - 1)),
        client.submit(fib::call(n - 2)),
    );
    Ok(a.result()? + b.result()?)
}

/// The same number without tasks, to check the answer by.
fn in_a_loop(n: u64) -> BigUint {
    let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
    for _ in 0..n {
        (a, b) = (b.clone(), a + b);
    }
    a
}
