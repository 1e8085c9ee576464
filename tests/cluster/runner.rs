//! Runs the tests: like libtest as far as it can be seen, whose arguments are accepted and ignored.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ExitCode, exit};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Far above what any test takes: past it the test hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A test by its name.
pub(crate) type Test = (&'static str, fn());

/// Runs them all, whatever becomes of any.
pub(crate) fn run(tests: &[Test]) -> ExitCode {
    let only = std::env::var("TENTER_TEST").unwrap_or_default();
    let chosen = tests.iter().filter(|(name, _)| name.contains(&only));
    println!("\nrunning {} tests", chosen.clone().count());
    let failed: Vec<&str> = chosen
        .filter(|(name, test)| !passes(name, *test))
        .map(|(name, _)| *name)
        .collect();
    if failed.is_empty() {
        println!("\ntest result: ok\n");
        return ExitCode::SUCCESS;
    }
    println!("\ntest result: FAILED: {}\n", failed.join(", "));
    ExitCode::FAILURE
}

fn passes(name: &str, test: fn()) -> bool {
    let start = Instant::now();
    let (tell, ended) = channel();
    let thread = thread::Builder::new().name(name.into());
    let body = move || {
        // Whether it has panicked; the panic has been printed.
        let _ = tell.send(catch_unwind(AssertUnwindSafe(test)).is_ok());
    };
    thread.spawn(body).expect("threads are to be had");
    let Ok(passed) = ended.recv_timeout(LIMIT) else {
        println!("test {name} ... FAILED: it has not ended after {LIMIT:?}");
        // Its workers end with this process.
        exit(1);
    };
    let outcome = if passed { "ok" } else { "FAILED" };
    println!("test {name} ... {outcome} ({:.1?})", start.elapsed());
    passed
}
