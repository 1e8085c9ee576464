//! What does a dependency cost, in a graph that is built while it runs?

mod peers;
#[path = "peers/rayon_pool.rs"]
mod rayon_pool;
#[path = "peers/static_graph.rs"]
mod static_graph;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rayon_pool::Countdown;
use static_graph::StaticGraph;
use tenter::{Client, TaskFuture, current};

const LINKS: u64 = 1_000_000;
/// Rows, and columns, of the wavefront: a node adds the one above it and the one to its left.
const SIDE: usize = 1024;
/// The tree spawns a task at each of its 2^16 - 1 inner nodes, and each adds what its two halves return.
const DEPTH: u32 = 16;

static LEFT: Countdown = Countdown::new();

criterion_group!(benches, chain, wavefront, tree);
criterion_main!(benches);

fn chain(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "chain");
    rayon_pool::start();
    let client = peers::client();
    group.bench_function("tenter", |bencher| bencher.iter(|| tenter_chain(&client)));
    group.bench_function("rayon", |bencher| {
        bencher.iter(|| {
            LEFT.start(1);
            rayon::spawn(|| rayon_chain(LINKS));
            LEFT.wait();
        });
    });
    group.finish();
}

/// Each link is submitted while its predecessors run, and its handle is gone when the next one is there.
fn tenter_chain(client: &Client) {
    let mut last = client.submit(|| 1);
    for _ in 1..LINKS {
        last = last.then(|x| x + 1);
    }
    assert_eq!(*last.result().expect("no link fails"), LINKS);
}

/// No graph at all: each task spawns the next, and nothing is returned.
fn rayon_chain(links: u64) {
    if black_box(links) == 1 {
        LEFT.one_done();
    } else {
        rayon::spawn(move || rayon_chain(links - 1));
    }
}

fn wavefront(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "wavefront");
    rayon_pool::start();
    let client = peers::client();
    let corner = in_a_loop();
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| assert_eq!(tenter_wavefront(&client), corner))
    });
    group.bench_function("static", |bencher| {
        bencher.iter(|| assert_eq!(StaticGraph::wavefront(SIDE).run(), corner))
    });
    group.finish();
}

/// Only the newest row's handles are kept, so the graph is freed as it is built.
fn tenter_wavefront(client: &Client) -> u64 {
    let mut row = vec![client.submit(|| 1)];
    for column in 1..SIDE {
        row.push(client.submit_with(&row[column - 1], |left| *left));
    }
    for _ in 1..SIDE {
        row = next_row(client, &row);
    }
    *row[SIDE - 1].result().expect("no node fails")
}

fn next_row(client: &Client, above: &[TaskFuture<u64>]) -> Vec<TaskFuture<u64>> {
    let mut row = Vec::with_capacity(SIDE);
    row.push(client.submit_with(&above[0], |above| *above));
    for column in 1..SIDE {
        let inputs = (&above[column], &row[column - 1]);
        row.push(client.submit_with(inputs, |(above, left)| above.wrapping_add(*left)));
    }
    row
}

fn in_a_loop() -> u64 {
    let mut row = vec![1u64; SIDE];
    for _ in 1..SIDE {
        for column in 1..SIDE {
            row[column] = row[column].wrapping_add(row[column - 1]);
        }
    }
    row[SIDE - 1]
}

/// Tasks that submit tasks and wait for them, where rayon has its `join`.
fn tree(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "tree");
    rayon_pool::start();
    let client = peers::client();
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| {
            let sum = client.submit(|| tenter_tree(DEPTH));
            assert_eq!(*sum.result().expect("no node fails"), 1 << DEPTH);
        });
    });
    group.bench_function("rayon", |bencher| {
        bencher.iter(|| {
            let (sum, ()) = rayon::join(|| rayon_tree(DEPTH), || ());
            assert_eq!(sum, 1 << DEPTH);
        });
    });
    group.finish();
}

fn tenter_tree(depth: u32) -> u64 {
    if depth == 0 {
        return black_box(1);
    }
    let right = current().submit(move || tenter_tree(depth - 1));
    let left = tenter_tree(depth - 1);
    left + right.result().expect("no node fails")
}

fn rayon_tree(depth: u32) -> u64 {
    if depth == 0 {
        return black_box(1);
    }
    let (left, right) = rayon::join(|| rayon_tree(depth - 1), || rayon_tree(depth - 1));
    left + right
}
