//! How many bytes does a node of a graph take, with its edges, its closure, the place of its result and one handle?
//!
//! The graph is complete before any of it runs: 1024 x 1024 nodes, two inputs each, behind a task that waits to be released.

#[path = "peers/counting.rs"]
mod counting;

use std::sync::mpsc::{Receiver, channel};

use counting::live_bytes;

use tenter::{Client, TaskFuture};

const SIDE: usize = 1024;
const NODES: usize = SIDE * SIDE;

fn main() {
    let client = Client::builder()
        .threads(2)
        .build()
        .expect("two threads can be started");
    let (open, gate) = channel();
    let before = live_bytes();
    let nodes = build(&client, gate);
    let after = live_bytes();
    assert!(
        !nodes.iter().any(TaskFuture::is_done),
        "a node ran before the gate was opened"
    );
    println!("bytes per node: {}", (after - before) / NODES);

    open.send(1).expect("the first node waits for it");
    assert_eq!(*nodes[NODES - 1].result().expect("no node fails"), corner());
    assert!(
        nodes.iter().all(TaskFuture::is_done),
        "the last node depends on all others"
    );
}

/// All nodes, row after row. The first waits at the gate; each other one adds what is above it and to its left.
fn build(client: &Client, gate: Receiver<u64>) -> Vec<TaskFuture<u64>> {
    let mut nodes: Vec<TaskFuture<u64>> = Vec::with_capacity(NODES);
    nodes.push(client.submit(move || gate.recv().expect("the gate is opened")));
    for index in 1..NODES {
        nodes.push(submit_node(client, &nodes, index));
    }
    nodes
}

fn submit_node(client: &Client, nodes: &[TaskFuture<u64>], index: usize) -> TaskFuture<u64> {
    // Two words for the closure to hold, since most closures hold something.
    let (row, column) = (index / SIDE, index % SIDE);
    let place = move |value: u64| value.wrapping_add(cell(row, column));
    match (row, column) {
        (0, _) => client.submit_with(&nodes[index - 1], move |left| place(*left)),
        (_, 0) => client.submit_with(&nodes[index - SIDE], move |above| place(*above)),
        _ => {
            let inputs = (&nodes[index - SIDE], &nodes[index - 1]);
            client.submit_with(inputs, move |(above, left)| {
                place(above.wrapping_add(*left))
            })
        }
    }
}

/// What a node adds to its inputs, so that a node that ran in another's place is noticed.
fn cell(row: usize, column: usize) -> u64 {
    (row * SIDE + column) as u64
}

/// The last node's value, without tasks.
fn corner() -> u64 {
    let mut values = vec![1u64; NODES];
    for index in 1..NODES {
        let (row, column) = (index / SIDE, index % SIDE);
        let above = if row > 0 { values[index - SIDE] } else { 0 };
        let left = if column > 0 { values[index - 1] } else { 0 };
        values[index] = cell(row, column).wrapping_add(above).wrapping_add(left);
    }
    values[NODES - 1]
}
