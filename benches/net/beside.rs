//! The rows that have a baseline: both sides in turns, medians of many rounds, and their ratio.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::copy::{BYTES, Source};
use crate::peers::WORKERS;
use crate::relay::Relay;
use crate::{LINKS, TASKS, time};

/// How a row reads.
enum Shown {
    /// So many a second, more is better.
    Rate(&'static str, f64),
    /// So long each, less is better.
    Each(u64),
}

struct Row {
    name: &'static str,
    baseline: &'static str,
    shown: Shown,
    /// What it is held to.
    bar: &'static str,
}

/// Prints those with this word in their names.
pub(crate) fn print(word: &str, test: bool) {
    let (rounds, share) = if test { (1, 100) } else { (11, 1) };
    let cluster = Cluster::start();
    let mut relay = Relay::start(WORKERS);
    let mut source = Source::start();
    println!("\nbeside their baselines, medians of {rounds} rounds in turns:");
    let tasks = TASKS / share;
    Row {
        name: "no-op tasks",
        baseline: "relay",
        shown: Shown::Rate("tasks/s", tasks as f64),
        bar: "at least 0.05, aim 0.3",
    }
    .print(
        word,
        rounds,
        || time(|| cluster.noop(tasks)),
        || time(|| relay.send(tasks, 1)),
    );
    let links = LINKS / share.min(10);
    Row {
        name: "chain, a link",
        baseline: "relay",
        shown: Shown::Each(links),
        bar: "at most 35 us: 1/30 of Ray's",
    }
    .print(
        word,
        rounds,
        || time(|| cluster.chain(links)),
        || time(|| relay.send(1, links)),
    );
    let lone = 1_000 / share;
    Row {
        name: "lone task there and back",
        baseline: "relay",
        shown: Shown::Each(lone),
        bar: "at most 3, aim 1.5",
    }
    .print(
        word,
        rounds,
        || time(|| (0..lone).for_each(|_| cluster.noop(1))),
        || time(|| (0..lone).for_each(|_| relay.send(1, 1))),
    );
    Row {
        name: "64 MiB worker to worker",
        baseline: "copy",
        shown: Shown::Rate("GB/s", BYTES as f64 / 1e9),
        bar: "at least 0.5, aim 0.9",
    }
    .print(
        word,
        rounds,
        || cluster.transfer(),
        || time(|| source.copy()),
    );
}

impl Row {
    fn print(
        &self,
        word: &str,
        rounds: usize,
        mut ours: impl FnMut() -> Duration,
        mut theirs: impl FnMut() -> Duration,
    ) {
        if !self.name.contains(word) {
            return;
        }
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            times[0].push(ours());
            times[1].push(theirs());
        }
        let [ours, theirs] = times.map(median);
        let Self {
            name,
            baseline,
            bar,
            ..
        } = self;
        let (unit, ours, theirs) = match self.shown {
            Shown::Rate(unit, of) => (unit, of / ours, of / theirs),
            Shown::Each(of) => ("us", ours / of as f64 * 1e6, theirs / of as f64 * 1e6),
        };
        println!(
            "{name}: {} {unit}, {baseline} {}, ratio {:.3} ({bar})",
            rounded(ours),
            rounded(theirs),
            ours / theirs
        );
    }
}

fn rounded(number: f64) -> String {
    let digits = if number > 1000.0 { 0 } else { 2 };
    format!("{number:.digits$}")
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
