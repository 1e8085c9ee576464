//! How long does the scheduler take to place a task with 10, 100 and 1,000 workers, how long over its whole life from its submit to its
//! end, and how many bytes does a task take that waits?
//!
//! Nothing else runs: the workers' answers are made up here, in the order of the runs.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

#[path = "peers/counting.rs"]
mod counting;
#[path = "peers/placing.rs"]
mod placing;

use placing::{BATCH, Bench, independent, median, placing, with_inputs};

fn bytes_of_a_waiting_task() -> usize {
    let count = 1 << 20;
    let mut bench = Bench::new(0);
    let before = counting::live_bytes();
    for first in (1..=count).step_by(BATCH as usize) {
        bench.submit_many(first, BATCH);
    }
    (counting::live_bytes() - before) / count as usize
}

fn main() {
    println!("to place a task, and its whole life in the scheduler, medians of 5:");
    for workers in [10, 100, 1000] {
        println!(
            "{workers:>5} workers: {:.0} of {:.0} ns independent, {:.0} of {:.0} ns with two inputs on workers",
            median(5, || placing(workers, false)),
            median(5, || independent(workers)),
            median(5, || placing(workers, true)),
            median(5, || with_inputs(workers))
        );
    }
    println!("bytes per task that waits: {}", bytes_of_a_waiting_task());
}
