//! Random graphs with random blocking, cancels, panics and queues, against an oracle that computes them in order.
//!
//! The seed of each graph is printed. `TENTER_SEED=7` runs one, `TENTER_SOAK=1` many.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tenter::{
    Client, ErrorKind, Queue, TaskError, TaskFuture, WaitFor, as_completed, current, gather, wait,
};

use crate::support::{assert_nothing_left, watched};

/// What a task of a random graph does.
#[derive(Clone, Debug)]
struct Node {
    name: String,
    number: u64,
    inputs: Vec<usize>,
    /// Waited for in the body, in this way.
    waits: Vec<usize>,
    way: u32,
    /// Submitted by the body, which waits for them.
    children: u64,
    locks: bool,
    fails: bool,
    cancelled: bool,
    /// Its handle is dropped right after the whole graph has been submitted.
    dropped: bool,
    puts: bool,
    gets: Option<usize>,
    keyed: bool,
    priority: i32,
}

/// A random graph, and the client it runs on.
struct Program {
    nodes: Vec<Node>,
    threads: usize,
    /// On the deterministic host.
    seed: Option<u64>,
    /// Submitted by a task.
    nested: bool,
}

fn earlier(random: &mut Rng, k: usize, most: usize) -> Vec<usize> {
    if k == 0 {
        Vec::new()
    } else {
        (0..random.usize(0..=most))
            .map(|_| random.usize(0..k))
            .collect()
    }
}

impl Program {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let in_turn = random.u32(0..4) == 0;
        let mut nodes: Vec<Node> = Vec::new();
        for k in 0..random.usize(5..120) {
            // Producers depend on nothing and are wanted, so that no consumer waits in vain.
            let puts = random.u32(0..8) == 0;
            let producer = if k > 0 {
                Some(random.usize(0..k)).filter(|&p| nodes[p].puts)
            } else {
                None
            };
            nodes.push(Node {
                name: format!("node {k}"),
                number: random.u64(0..1000),
                inputs: if puts {
                    Vec::new()
                } else {
                    earlier(&mut random, k, 3)
                },
                waits: if puts || random.bool() {
                    Vec::new()
                } else {
                    earlier(&mut random, k, 3)
                },
                way: random.u32(0..5),
                children: if random.u32(0..4) == 0 {
                    random.u64(1..5)
                } else {
                    0
                },
                locks: !in_turn && random.u32(0..16) == 0,
                fails: random.u32(0..30) == 0,
                cancelled: !puts && random.u32(0..20) == 0,
                dropped: !puts && random.u32(0..4) == 0,
                puts,
                gets: producer.filter(|_| !puts && random.bool()),
                keyed: random.u32(0..4) == 0,
                priority: if random.u32(0..4) == 0 {
                    random.i32(-2..3)
                } else {
                    0
                },
            });
        }
        // One item in each queue: the first to ask is the only one.
        let mut taken = HashSet::new();
        nodes
            .iter_mut()
            .for_each(|node| node.gets = node.gets.filter(|&producer| taken.insert(producer)));
        Self {
            nodes,
            threads: random.usize(1..5),
            seed: in_turn.then_some(seed),
            nested: random.bool(),
        }
    }

    /// What each task gives if neither it nor what it needs fails, and who may be to blame if it does.
    fn oracle(&self) -> Vec<(u64, HashSet<usize>)> {
        let mut known: Vec<(u64, HashSet<usize>)> = Vec::new();
        for (k, node) in self.nodes.iter().enumerate() {
            let (mut value, mut blame) = (node.number, HashSet::new());
            for &other in node.inputs.iter().chain(&node.waits) {
                value = value.wrapping_mul(31).wrapping_add(known[other].0);
                blame.extend(known[other].1.iter().copied());
            }
            value += (0..node.children).sum::<u64>()
                + node.gets.map_or(0, |producer| self.nodes[producer].number);
            if node.fails || node.cancelled {
                blame.insert(k);
            }
            known.push((value, blame));
        }
        known
    }

    fn submit(&self, client: &Client) -> Vec<TaskFuture<u64>> {
        let lock = Arc::new(Mutex::new(()));
        let mut handles: Vec<TaskFuture<u64>> = Vec::new();
        for (k, node) in self.nodes.iter().enumerate() {
            let pick = |numbers: &[usize]| -> Vec<_> {
                numbers.iter().map(|&n| handles[n].clone()).collect()
            };
            let queue_of = |n: usize| client.queue::<u64>(&format!("queue {n}"), 1).unwrap();
            let body = Body {
                node: node.clone(),
                waits: pick(&node.waits),
                puts: node.puts.then(|| queue_of(k)),
                gets: node.gets.map(queue_of),
                lock: node.locks.then(|| Arc::clone(&lock)),
            };
            let inputs = pick(&node.inputs);
            let task = client.task(&node.name).priority(node.priority);
            let task = if node.keyed { task.key(k as u64) } else { task };
            handles.push(if inputs.is_empty() {
                task.try_submit(move || body.run(&[]))
            } else {
                task.try_submit_with(inputs, move |values| body.run(&values))
            });
        }
        handles
    }
}

struct Body {
    node: Node,
    waits: Vec<TaskFuture<u64>>,
    puts: Option<Queue<u64>>,
    gets: Option<Queue<u64>>,
    lock: Option<Arc<Mutex<()>>>,
}

impl Body {
    fn run(self, inputs: &[&u64]) -> Result<u64, TaskError> {
        let node = &self.node;
        if let Some(queue) = &self.puts {
            queue.put(node.number).unwrap();
        }
        let mut value = inputs.iter().fold(node.number, |value, &&x| {
            value.wrapping_mul(31).wrapping_add(x)
        });
        for other in &self.waits {
            value = value
                .wrapping_mul(31)
                .wrapping_add(wait_in_some_way(other, node.way)?);
        }
        let held = self.lock.as_ref().map(|lock| lock.lock());
        let children: Vec<_> = (0..node.children)
            .map(|x| current().submit(move || x))
            .collect();
        value += gather(&children)?.into_iter().sum::<u64>();
        drop(held);
        if let Some(queue) = &self.gets {
            value += queue.get()?;
        }
        assert!(!node.fails, "{} fails", node.name);
        Ok(value)
    }
}

fn wait_in_some_way(task: &TaskFuture<u64>, way: u32) -> Result<u64, TaskError> {
    match way {
        0 => task.result().copied(),
        1 => task.result_timeout(Duration::MAX).copied(),
        2 => as_completed([task.clone()])
            .next()
            .expect("not refused")
            .result()
            .copied(),
        3 => {
            wait(std::slice::from_ref(task), WaitFor::All, None)?;
            task.try_result().expect("waited for").copied()
        }
        _ => task.clone().then(|x| *x).result().copied(),
    }
}

fn run(seed: u64) {
    println!("TENTER_SEED={seed}");
    let program = Arc::new(Program::new(seed));
    let mut builder = Client::builder().threads(program.threads);
    if let Some(seed) = program.seed {
        builder = builder.deterministic(seed);
    }
    let client = builder.build().unwrap();
    let handles = if program.nested {
        let inner = Arc::clone(&program);
        client
            .submit(move || inner.submit(&current()))
            .take()
            .unwrap()
    } else {
        program.submit(&client)
    };
    program
        .nodes
        .iter()
        .zip(&handles)
        .filter(|(node, _)| node.cancelled)
        .for_each(|(_, handle)| handle.cancel());
    let mut kept: Vec<_> = handles.into_iter().enumerate().collect();
    kept.retain(|(k, _)| !program.nodes[*k].dropped);
    let known = program.oracle();
    for (k, handle) in &kept {
        assert_as_known(&program, *k, handle, &known[*k]);
    }
    drop(kept);
    assert_nothing_left(&client);
    assert!(client.close(Duration::MAX).is_clean());
}

fn assert_as_known(
    program: &Program,
    k: usize,
    handle: &TaskFuture<u64>,
    (value, blame): &(u64, HashSet<usize>),
) {
    match handle.result() {
        Ok(result) => {
            let failing = blame.iter().find(|&&culprit| program.nodes[culprit].fails);
            assert_eq!((result, failing), (value, None), "node {k}");
        }
        Err(error) => {
            let culprit = blame
                .iter()
                .find(|&&culprit| program.nodes[culprit].name == error.task());
            let culprit = &program.nodes
                [*culprit.unwrap_or_else(|| panic!("node {k} has no reason to fail: {error}"))];
            let expected = match error.kind() {
                ErrorKind::Panicked => {
                    culprit.fails && error.message() == format!("{} fails", culprit.name)
                }
                ErrorKind::Cancelled => culprit.cancelled,
                _ => false,
            };
            assert!(expected, "node {k}: {error}");
        }
    }
}

#[test]
fn random_graphs_give_what_the_oracle_says() {
    let variable = |name| std::env::var(name).ok();
    if let Some(seed) = variable("TENTER_SEED") {
        return watched(move || run(seed.parse().expect("a number")));
    }
    let count = if variable("TENTER_SOAK").is_some() {
        20_000
    } else {
        400
    };
    let start = fastrand::u64(0..1 << 40);
    for seed in start..start + count {
        watched(move || run(seed));
    }
}
