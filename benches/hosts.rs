//! Whose threads should run tasks: the client's own, or rayon's?
//!
//! Four questions (T1 to T4), on as many threads as `TENTER_THREADS` says, else one for each core. Every round asks each
//! side once, in turn; what is printed is the median of the rounds' ratios, so that a machine whose speed changes
//! between rounds does not decide. `TENTER_ROUNDS` sets the rounds, `--test` runs one.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::hint::black_box;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tenter::{Client, Host, current, gather};

/// Steps of a parallel iterator that take a core about a millisecond.
const STEPS: u64 = 700_000;
const NO_OPS: usize = 1_000_000;

struct Sides {
    threads: usize,
    own: Client,
    rayons: Client,
    rounds: usize,
}

fn main() {
    let threads = number("TENTER_THREADS").unwrap_or_else(cores);
    let one = std::env::args().any(|arg| arg == "--test");
    let rounds = number("TENTER_ROUNDS").unwrap_or(if one { 1 } else { 31 });
    let build = |host| {
        let builder = Client::builder().threads(threads).host(host);
        builder.build().expect("first to use rayon here")
    };
    // Rayon's first: it starts the global pool, which all sides share.
    let (rayons, own) = (build(Host::Rayon), build(Host::Threads));
    let sides = Sides {
        threads,
        own,
        rayons,
        rounds,
    };
    println!(
        "{threads} threads, {} cores, medians of {rounds} rounds",
        cores()
    );
    alone(&sides);
    together(&sides);
    no_ops(&sides);
    blocked(&sides);
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn step(x: u64) -> u64 {
    black_box(x).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7
}

fn iterate(steps: u64) -> u64 {
    (0..steps)
        .into_par_iter()
        .map(step)
        .reduce(|| 0, u64::wrapping_add)
}

fn timed(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints how long two sides take, and each as a multiple of the first.
fn compare(
    what: &str,
    sides: &Sides,
    mut first: impl FnMut(),
    others: &mut [(&str, &mut dyn FnMut())],
) {
    let mut base = Vec::new();
    let mut ratios = vec![Vec::new(); others.len()];
    first();
    for _ in 0..sides.rounds {
        let time = timed(&mut first);
        base.push(time);
        for ((_, other), ratios) in others.iter_mut().zip(&mut ratios) {
            ratios.push(timed(&mut *other) / time);
        }
    }
    let micros = 1e6 * median(base);
    let ratios = others
        .iter()
        .zip(ratios)
        .map(|((name, _), ratios)| format!("{name} {:.3}", median(ratios)));
    println!(
        "{what}: {micros:.0} us; times that: {}",
        ratios.collect::<Vec<_>>().join(", ")
    );
}

/// T1: a `par_iter` inside the only task.
fn alone(sides: &Sides) {
    let on = |client: &Client| {
        let task = client.submit(|| iterate(STEPS));
        black_box(*task.result().expect("it cannot fail"));
    };
    let plain = || {
        let (send, sum) = mpsc::channel();
        rayon::spawn(move || send.send(iterate(STEPS)).expect("awaited"));
        black_box(sum.recv().expect("it ends"));
    };
    let (mut rayons, mut own) = (|| on(&sides.rayons), || on(&sides.own));
    compare(
        "T1 par_iter in one task, plain rayon::spawn",
        sides,
        plain,
        &mut [("rayon's", &mut rayons), ("own", &mut own)],
    );
}

/// T2: as many tasks as threads, and four times as many, with a `par_iter` each.
fn together(sides: &Sides) {
    for tasks in [sides.threads, 4 * sides.threads] {
        let on = |client: &Client| {
            let all = client.map(0..tasks, |_| iterate(STEPS));
            black_box(gather(&all).expect("none can fail"));
        };
        let plain = || {
            rayon::scope(|scope| {
                for _ in 0..tasks {
                    scope.spawn(|_| {
                        black_box(iterate(STEPS));
                    });
                }
            });
        };
        let (mut rayons, mut own) = (|| on(&sides.rayons), || on(&sides.own));
        compare(
            &format!("T2 par_iter in each of {tasks} tasks, plain rayon::scope"),
            sides,
            plain,
            &mut [("rayon's", &mut rayons), ("own", &mut own)],
        );
    }
}

/// T3: tasks that do nothing, a million at once, and one at a time.
fn no_ops(sides: &Sides) {
    let many = |client: &Client| {
        let all: Vec<_> = (0..NO_OPS).map(|k| client.submit(move || k)).collect();
        black_box(gather(&all).expect("none can fail"));
    };
    let one_by_one = |client: &Client| {
        for k in 0..1000 {
            black_box(*client.submit(move || k).result().expect("it cannot fail"));
        }
    };
    let mut rayons = || many(&sides.rayons);
    compare(
        "T3 a million no-op tasks, own threads",
        sides,
        || many(&sides.own),
        &mut [("rayon's", &mut rayons)],
    );
    let mut rayons = || one_by_one(&sides.rayons);
    compare(
        "T3 a thousand no-op tasks one by one, own threads",
        sides,
        || one_by_one(&sides.own),
        &mut [("rayon's", &mut rayons)],
    );
}

/// T4: more tasks than threads, all blocked on tasks that use `par_iter`. That it ends is the question.
fn blocked(sides: &Sides) {
    let repeats = if sides.rounds == 1 { 10 } else { 10_000 };
    let tasks = sides.threads as u64 + 4;
    for (name, client) in [("rayon's", &sides.rayons), ("own", &sides.own)] {
        let time = timed(|| {
            for _ in 0..repeats {
                let all = client.map(0..tasks, |k| {
                    let inner = current().submit(move || iterate(500) + k);
                    *inner
                        .result_timeout(Duration::from_secs(60))
                        .expect("it does not hang")
                });
                black_box(gather(&all).expect("none hangs"));
            }
        });
        let micros = 1e6 * time / f64::from(repeats);
        println!(
            "T4 {repeats} times {tasks} blocked tasks, {name}: {micros:.0} us each, {:?}",
            client.stats()
        );
    }
}
