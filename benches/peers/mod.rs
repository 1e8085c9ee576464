//! What the benchmarks share: every side gets as many threads, and a group its settings.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use tenter::Client;

/// Threads on either side, wherever the benchmark runs, so that ratios from different machines compare.
pub(crate) const WORKERS: usize = 2;

/// A group whose iterations are long: ten samples of a few iterations each.
pub(crate) fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    group
}

/// A fresh client: its arena has no history.
pub(crate) fn client() -> Client {
    Client::builder()
        .threads(WORKERS)
        .build()
        .expect("two threads can be started")
}
