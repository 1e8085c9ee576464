//! How long does the scheduler take over a task, from its submit to its end, with 10, 100 and 1,000 workers, and how many bytes
//! does a task take that waits?
//!
//! Nothing else runs: the workers' answers are made up here, in the order of the runs.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

#[path = "peers/counting.rs"]
mod counting;
#[path = "peers/placing.rs"]
mod placing;

use placing::{BATCH, Bench, independent, median, with_inputs};

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
    println!("a task's whole life in the scheduler, median of 5:");
    for workers in [10, 100, 1000] {
        println!(
            "{workers:>5} workers: {:.0} ns independent, {:.0} ns with two inputs on workers",
            median(5, || independent(workers)),
            median(5, || with_inputs(workers))
        );
    }
    println!("bytes per task that waits: {}", bytes_of_a_waiting_task());
}
