//! What does a task cost over a cluster on this machine: a client, a scheduler and two worker processes?
//!
//! Each group has the same number of tasks an iteration on both sides:
//! `net_noop`: tasks that do nothing, submitted by one client that reads all results, beside as many frames through a
//! [relay](relay); `net_chain`: tasks that each need the one before, beside a frame that the relay sends to a worker as often;
//! `net_roundtrip`: one task at a time, beside one frame; `net_transfer`: a result of 64 MiB from one worker to the other, beside
//! a plain [copy] of as many bytes from process to process.
//!
//! Then come all rows with their baselines, both sides in turns, and what has no baseline. Everything shares this machine's cores.
//! `-- rows WORD` prints those rows alone that have this word in their names.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark of sockets opens some, starts threads and reads the clock"
)]

#[path = "net/beside.rs"]
mod beside;
#[path = "net/cluster.rs"]
mod cluster;
#[path = "net/copy.rs"]
mod copy;
#[path = "net/measures.rs"]
mod measures;
#[allow(dead_code, reason = "shared with others, which use more of it")]
mod peers;
#[path = "peers/placing.rs"]
mod placing;
#[path = "net/proxy.rs"]
mod proxy;
#[path = "net/relay.rs"]
mod relay;

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group};

use cluster::Cluster;
use copy::Source;
use peers::WORKERS;
use relay::Relay;

const TASKS: u64 = 200_000;
const LINKS: u64 = 1_000;

criterion_group!(benches, noop, chain, roundtrip, transfer);

fn main() {
    // Copies of this program are the workers, on either side.
    relay::worker_if_asked();
    copy::source_if_asked();
    measures::scheduler_if_asked();
    tenter::worker_if_asked();
    if let Some(word) = rows_asked_for() {
        return beside::print(&word, false);
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
    if is_whole() {
        let test = std::env::args().any(|arg| arg == "--test");
        beside::print("", test);
        measures::print(test);
    }
}

/// The word of the rows that somebody wants alone.
fn rows_asked_for() -> Option<String> {
    let mut args = std::env::args().skip_while(|arg| arg != "rows");
    args.next()?;
    Some(args.find(|arg| !arg.starts_with("--")).unwrap_or_default())
}

/// Whether nobody has asked for some groups only, by a word that is neither an option nor the value of one.
fn is_whole() -> bool {
    const FLAGS: [&str; 8] = [
        "--bench",
        "--test",
        "--verbose",
        "--quiet",
        "--noplot",
        "--quick",
        "--list",
        "--exact",
    ];
    let mut is_value = false;
    std::env::args().skip(1).all(|word| {
        let is_option = word.starts_with("--");
        let is_known = is_option || is_value;
        is_value = is_option && !word.contains('=') && !FLAGS.contains(&&*word);
        is_known
    })
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    peers::group(criterion, name)
}

fn noop(criterion: &mut Criterion) {
    let mut group = group(criterion, "net_noop");
    let cluster = Cluster::start();
    group.bench_function("tenter", |bencher| bencher.iter(|| cluster.noop(TASKS)));
    drop(cluster);
    let mut relay = Relay::start(WORKERS);
    group.bench_function("relay", |bencher| bencher.iter(|| relay.send(TASKS, 1)));
    group.finish();
}

fn chain(criterion: &mut Criterion) {
    let mut group = group(criterion, "net_chain");
    let cluster = Cluster::start();
    group.bench_function("tenter", |bencher| bencher.iter(|| cluster.chain(LINKS)));
    drop(cluster);
    let mut relay = Relay::start(WORKERS);
    group.bench_function("relay", |bencher| bencher.iter(|| relay.send(1, LINKS)));
    group.finish();
}

fn roundtrip(criterion: &mut Criterion) {
    let mut group = group(criterion, "net_roundtrip");
    let cluster = Cluster::start();
    group.bench_function("tenter", |bencher| bencher.iter(|| cluster.noop(1)));
    drop(cluster);
    let mut relay = Relay::start(WORKERS);
    group.bench_function("relay", |bencher| bencher.iter(|| relay.send(1, 1)));
    group.finish();
}

fn transfer(criterion: &mut Criterion) {
    let mut group = group(criterion, "net_transfer");
    let cluster = Cluster::start();
    group.bench_function("tenter", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| cluster.transfer()).sum())
    });
    drop(cluster);
    let mut source = Source::start();
    group.bench_function("relay", |bencher| bencher.iter(|| source.copy()));
    group.finish();
}

fn time(body: impl FnOnce()) -> Duration {
    let start = Instant::now();
    body();
    start.elapsed()
}
