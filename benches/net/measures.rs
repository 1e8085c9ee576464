//! The rows that have no baseline, each with what it is held to.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use tenter::Client;
use tenter::net::server::{Scheduler, SchedulerOptions};

use crate::cluster::{self, Cluster};
use crate::peers::WORKERS;
use crate::placing;
use crate::proxy::Proxy;

/// In the environment of a copy of this program that is to be a scheduler.
const ASKED: &str = "TENTER_BENCH_SCHEDULER";

pub(crate) fn print(test: bool) {
    println!("\nwithout a baseline:");
    let tasks = if test { 2_000 } else { 200_000 };
    scheduler_cpu(tasks);
    wire_bytes(tasks);
    placement(test);
    memory(if test { 10_000 } else { 1_000_000 });
    let job = if test { 300 } else { 10_000 };
    let gap = Cluster::start().longest_gap(job, 100);
    println!(
        "longest time without a finished task around the kill of one of two workers, {job} tasks of 100 us: {} ms (at most 1000, aim 200)",
        gap.as_millis()
    );
}

/// Time of the scheduler's threads, which are in this process.
fn scheduler_cpu(tasks: u64) {
    let cluster = Cluster::start();
    cluster.noop(tasks / 10);
    let Some(before) = scheduler_ns() else {
        println!("scheduler CPU a no-op task: only known on Linux");
        return;
    };
    cluster.noop(tasks);
    let spent = scheduler_ns().unwrap_or(before) - before;
    println!("scheduler CPU a no-op task: {} ns", spent / tasks);
}

/// By the kernel's account of each thread.
fn scheduler_ns() -> Option<u64> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let path = thread.ok()?.path();
        let name = fs::read_to_string(path.join("comm")).ok()?;
        if name.starts_with("tenter-schedul") {
            let stat = fs::read_to_string(path.join("schedstat")).ok()?;
            sum += stat.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    Some(sum)
}

/// A client and workers that reach their scheduler by way of something that counts.
fn wire_bytes(tasks: u64) {
    let scheduler = Scheduler::start("tcp://127.0.0.1:0", SchedulerOptions::default());
    let scheduler = scheduler.expect("loopback has a free port");
    let addr = scheduler.address().trim_start_matches("tcp://");
    let proxy = Proxy::to(addr.parse().expect("it is an address"));
    let to = format!("tcp://{}", proxy.addr);
    let workers: Vec<_> = (0..WORKERS).map(|n| worker(&to, n)).collect();
    let client = Client::connect(to.as_str()).expect("the scheduler listens");
    cluster::noop(&client, tasks / 10);
    let before = proxy.bytes();
    cluster::noop(&client, tasks);
    println!(
        "bytes on the wire a no-op task, all connections: {:.1}",
        (proxy.bytes() - before) as f64 / tasks as f64
    );
    drop(client);
    workers.into_iter().for_each(ended);
}

/// As a local cluster starts one, but for the address.
fn worker(to: &str, number: usize) -> Child {
    let words = format!("worker\n{to}\n--threads\n1\n--name\nw{number}");
    copy_of_this_program("TENTER_WORKER", &words)
}

fn copy_of_this_program(asked: &str, value: &str) -> Child {
    let this = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(this);
    command.env(asked, value).stdin(Stdio::piped());
    command.stdout(Stdio::piped());
    command.spawn().expect("this program can be started")
}

/// It ends when its standard input does.
fn ended(mut child: Child) {
    child.stdin = None;
    child.wait().expect("it was started here");
}

fn placement(test: bool) {
    for workers in [10, 100, 1000] {
        let rounds = if test { 1 } else { 5 };
        println!(
            "to place a task with {workers} workers: {:.0} ns, with two inputs on workers {:.0} ns (at most 1000, flat); its whole life {:.0} and {:.0} ns",
            placing::median(rounds, || placing::placing(workers, false)),
            placing::median(rounds, || placing::placing(workers, true)),
            placing::median(rounds, || placing::independent(workers)),
            placing::median(rounds, || placing::with_inputs(workers)),
        );
    }
}

/// Of a scheduler in a process of its own, which has no workers: by the pages that it has in memory.
fn memory(tasks: u64) {
    let mut child = copy_of_this_program(ASKED, "yes");
    let mut address = String::new();
    let out = child.stdout.take().expect("it is a pipe");
    let read = BufReader::new(out).read_line(&mut address);
    read.expect("the scheduler says where it is");
    let client = Client::connect(address.trim()).expect("the scheduler listens");
    let first = cluster::pending(&client, 1);
    let before = resident(child.id());
    let others = cluster::pending(&client, tasks);
    match (before, resident(child.id())) {
        (Some(before), Some(after)) => println!(
            "scheduler memory a pending task at {tasks} tasks: {} bytes (at most 300)",
            after.saturating_sub(before) / tasks
        ),
        _ => println!("scheduler memory a pending task: only known on Linux"),
    }
    drop((first, others, client));
    ended(child);
}

fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// Is a scheduler until its standard input ends, if this is such a copy, and does not return then.
pub(crate) fn scheduler_if_asked() {
    if std::env::var_os(ASKED).is_none() {
        return;
    }
    let scheduler = Scheduler::start("tcp://127.0.0.1:0", SchedulerOptions::default());
    let scheduler = scheduler.expect("loopback has a free port");
    println!("{}", scheduler.address());
    // However it ends, this is over.
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}
