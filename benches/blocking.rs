//! What does waiting cost? Suspended tasks in bytes, blocked tasks in idle cores, queues beside channels, actors beside locks.
//!
//! A plain program, since each row has a unit of its own. Rows with a baseline are run by turns, and the medians divided.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads the clock and starts threads"
)]

#[path = "peers/counting.rs"]
mod counting;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use counting::live_bytes;
use tenter::{Client, TaskFuture};

const ROUNDS: usize = 15;

fn main() {
    suspended_tasks();
    blocked_tasks();
    ping_pong();
    actor_calls();
}

fn client() -> Client {
    Client::builder()
        .threads(2)
        .build()
        .expect("two threads can be started")
}

/// Live bytes of a task that awaits another, its handle and its future included.
fn suspended_tasks() {
    const TASKS: usize = 10_000;
    let client = client();
    let go = client.variable::<()>("go").expect("a new name");
    let opened = go.clone();
    let gate = client.submit(move || opened.get().is_ok());
    // The arena takes whole pages, and tables double: the second half of the tasks shows what one more costs.
    let mut tasks = Vec::with_capacity(2 * TASKS);
    let mut before = 0;
    for half in 0..2 {
        before = live_bytes();
        tasks.extend((0..TASKS).map(|_| {
            let gate = gate.clone();
            client.spawn(async move { gate.await.is_ok_and(|open| *open) })
        }));
        let all = 1 + ((half + 1) * TASKS) as u64;
        while client.stats().started < all {
            std::thread::yield_now();
        }
    }
    // They are polled once each; the last may not have come to rest yet.
    std::thread::sleep(Duration::from_millis(50));
    println!(
        "bytes per suspended task: {}",
        (live_bytes() - before) / TASKS
    );
    go.set(()).expect("the client is open");
    assert!(
        tasks
            .iter()
            .all(|task| *task.result().expect("cannot fail"))
    );
}

/// The share of the cores that works while more tasks than threads are blocked.
fn blocked_tasks() {
    const WINDOW: Duration = Duration::from_millis(100);
    const PIECE: Duration = Duration::from_micros(20);
    let shares = (0..ROUNDS).map(|_| {
        let client = client();
        let go = client.variable::<()>("go").expect("a new name");
        let blocked: Vec<_> = (0..client.threads() + 4)
            .map(|_| {
                let go = go.clone();
                client.submit(move || go.get().is_ok())
            })
            .collect();
        while client.stats().blocked < blocked.len() {
            std::thread::yield_now();
        }
        let busy = Arc::new(AtomicU64::new(0));
        let start = Instant::now() + Duration::from_millis(1);
        let pieces = 2 * client.threads() * (WINDOW.as_micros() / PIECE.as_micros()) as usize;
        let work: Vec<_> = (0..pieces)
            .map(|_| client.submit(piece(start, WINDOW, PIECE, &busy)))
            .collect();
        tenter::gather(&work).expect("cannot fail");
        go.set(()).expect("the client is open");
        tenter::gather(&blocked).expect("cannot fail");
        busy.load(Relaxed) as f64 / (client.threads() as u128 * WINDOW.as_nanos()) as f64
    });
    let share = median(shares.collect());
    println!("cores busy beside blocked tasks: {:.1} %", 100.0 * share);
}

/// Spins for a moment, and adds what of it lies in the window.
fn piece(
    start: Instant,
    window: Duration,
    piece: Duration,
    busy: &Arc<AtomicU64>,
) -> impl FnOnce() + Send + 'static {
    let busy = Arc::clone(busy);
    move || {
        let began = Instant::now();
        while began.elapsed() < piece {
            std::hint::spin_loop();
        }
        let (from, to) = (began.max(start), Instant::now().min(start + window));
        busy.fetch_add(
            to.saturating_duration_since(from).as_nanos() as u64,
            Relaxed,
        );
    }
}

/// A round trip over two queues of one place, between two tasks and between two threads.
fn ping_pong() {
    const TRIPS: u32 = 10_000;
    let client = client();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = |way: &str| format!("{way}-{round}");
        let there = client.queue::<u32>(&name("there"), 1).expect("a new name");
        let back = client.queue::<u32>(&name("back"), 1).expect("a new name");
        let (source, sink) = (there.clone(), back.clone());
        ours.push(timed(TRIPS, || {
            let echo = client.submit(move || {
                (0..TRIPS).for_each(|_| sink.put(source.get().expect("open")).expect("open"));
            });
            let player = client.submit(move || {
                for i in 0..TRIPS {
                    there.put(i).expect("open");
                    black_box(back.get().expect("open"));
                }
            });
            player.result().expect("cannot fail");
            echo.result().expect("cannot fail");
        }));
        theirs.push(timed(TRIPS, || channels(TRIPS)));
    }
    row(
        "queue ping-pong",
        median(ours),
        "crossbeam-channel",
        median(theirs),
    );
}

fn channels(trips: u32) {
    let (there, source) = crossbeam::channel::bounded::<u32>(1);
    let (sink, back) = crossbeam::channel::bounded::<u32>(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            (0..trips).for_each(|_| sink.send(source.recv().expect("open")).expect("open"))
        });
        scope.spawn(move || {
            for i in 0..trips {
                there.send(i).expect("open");
                black_box(back.recv().expect("open"));
            }
        });
    });
}

/// Additions to a shared number by two callers: an actor, a lock, a thread behind a channel.
fn actor_calls() {
    const CALLS: u64 = 50_000;
    let client = client();
    let (mut actor, mut lock, mut channel) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        actor.push(timed(2 * CALLS as u32, || by_actor(&client, CALLS)));
        lock.push(timed(2 * CALLS as u32, || by_lock(CALLS)));
        channel.push(timed(2 * CALLS as u32, || by_channel(CALLS)));
    }
    let actor = median(actor);
    row("actor call", actor, "mutex", median(lock));
    row("actor call", actor, "channel", median(channel));
}

fn by_actor(client: &Client, calls: u64) {
    let actor = client.actor(0u64);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let calls: Vec<TaskFuture<u64>> = (0..calls).map(|_| actor.call(add_one)).collect();
                calls
                    .last()
                    .expect("there are some")
                    .result()
                    .expect("cannot fail");
            });
        }
    });
    assert_eq!(
        *actor.call(|n| *n).result().expect("cannot fail"),
        2 * calls
    );
}

fn add_one(n: &mut u64) -> u64 {
    *n += 1;
    *n
}

fn by_lock(calls: u64) {
    let lock = std::sync::Mutex::new(0u64);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                (0..calls).for_each(|_| {
                    black_box(add_one(&mut lock.lock().expect("no panic")));
                })
            });
        }
    });
    assert_eq!(lock.into_inner().expect("no panic"), 2 * calls);
}

/// Each call has its answer, as an actor's has: the caller sends where it wants it.
fn by_channel(calls: u64) {
    type Call = crossbeam::channel::Sender<u64>;
    let (send, mailbox) = crossbeam::channel::unbounded::<Call>();
    let total = std::thread::scope(|scope| {
        let server = scope.spawn(move || {
            let mut n = 0;
            for answer in mailbox {
                answer.send(add_one(&mut n)).expect("the caller waits");
            }
            n
        });
        for send in [send.clone(), send] {
            scope.spawn(move || {
                let answers: Vec<_> = (0..calls)
                    .map(|_| {
                        let (answer, receive) = crossbeam::channel::bounded(1);
                        send.send(answer).expect("the server lives");
                        receive
                    })
                    .collect();
                answers
                    .last()
                    .expect("there are some")
                    .recv()
                    .expect("it answers");
                answers
            });
        }
        server.join().expect("no panic")
    });
    assert_eq!(total, 2 * calls);
}

/// Nanoseconds for one of so many.
fn timed(count: u32, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / f64::from(count)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(ours: &str, our_nanos: f64, theirs: &str, their_nanos: f64) {
    println!(
        "{ours}: {our_nanos:.0} ns, {theirs}: {their_nanos:.0} ns, ratio: {:.2}",
        our_nanos / their_nanos
    );
}
