//! What does a task cost that depends on no other: submitted from outside the pool, run, its result read, its handle dropped?
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod peers;
#[path = "peers/rayon_pool.rs"]
mod rayon_pool;

use std::hash::BuildHasher;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use hashbrown::{DefaultHashBuilder, HashMap};
use parking_lot::Mutex;
use peers::WORKERS;
use rayon_pool::Countdown;
use tenter::{Client, TaskFuture, task};
use tokio::runtime::Runtime;

const TASKS: usize = 1_000_000;
const KEYED_TASKS: u64 = 2_000;
/// Keys that stay meanwhile.
const KEYS: u64 = 10_000;
const KEYED_TASKS_1M: u64 = 10_000;
const KEYS_1M: u64 = 1_000_000;
const SHARDS: usize = 64;
/// Of a ratio, both sides in each.
const ROUNDS: usize = 101;

static LEFT: Countdown = Countdown::new();

// `independent` comes first, since it asks about a fresh process, and `independent_aged` last, since it spoils it for the others.
criterion_group!(
    benches,
    independent,
    keyed,
    keyed_1m,
    call,
    roundtrip,
    lifecycle,
    independent_aged
);
criterion_main!(benches);

fn independent(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "independent");
    bench_independent(&mut group, &peers::client());
    group.finish();
}

/// The same after a million handles were dropped in random order, which leaves every free list and the allocator in disorder.
fn independent_aged(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "independent_aged");
    let client = peers::client();
    release_in_random_order(&client);
    bench_independent(&mut group, &client);
    group.finish();
}

fn bench_independent(group: &mut BenchmarkGroup<WallTime>, client: &Client) {
    rayon_pool::start();
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| tenter_independent(client))
    });
    group.bench_function("rayon", |bencher| bencher.iter(rayon_independent));
    let runtime = runtime();
    group.bench_function("tokio", |bencher| {
        bencher.iter(|| tokio_independent(&runtime))
    });
}

fn tenter_independent(client: &Client) {
    let handles: Vec<_> = (0..TASKS).map(|i| client.submit(move || i)).collect();
    assert_eq!(sum(&handles), TASKS * (TASKS - 1) / 2);
}

fn sum(handles: &[TaskFuture<usize>]) -> usize {
    handles
        .iter()
        .map(|handle| *handle.result().expect("the closure cannot fail"))
        .sum()
}

/// Returns nothing, and so keeps less than the others: what the pool itself costs.
fn rayon_independent() {
    LEFT.start(TASKS);
    for i in 0..TASKS {
        rayon::spawn(move || {
            black_box(i);
            LEFT.one_done();
        });
    }
    LEFT.wait();
}

fn tokio_independent(runtime: &Runtime) {
    let sum = runtime.block_on(async {
        let handles: Vec<_> = (0..TASKS).map(|i| tokio::spawn(async move { i })).collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.expect("the task cannot fail");
        }
        sum
    });
    assert_eq!(sum, TASKS * (TASKS - 1) / 2);
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(WORKERS)
        .build()
        .expect("two threads can be started")
}

fn release_in_random_order(client: &Client) {
    let mut handles: Vec<_> = (0..TASKS).map(|i| client.submit(move || i)).collect();
    sum(&handles);
    let mut random = 88_172_645_463_325_252_u64;
    while !handles.is_empty() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        drop(handles.swap_remove((random % handles.len() as u64) as usize));
    }
}

fn keyed(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "keyed");
    bench_keyed(&mut group, KEYS, KEYED_TASKS);
    group.finish();
}

/// What a key costs in a large table is `keyed` minus `unkeyed`; `map` is what any table of that size would cost.
fn keyed_1m(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "keyed_1m");
    bench_keyed(&mut group, KEYS_1M, KEYED_TASKS_1M);
    let map = ShardedMap::default();
    (0..KEYS_1M).for_each(|i| map.insert(("key", i), i));
    let mut next = fresh_keys(KEYS_1M, KEYED_TASKS_1M);
    group.bench_function("map", |bencher| {
        bencher.iter(|| {
            let keys = next();
            keys.clone().for_each(|i| map.insert(("key", i), i));
            keys.for_each(|i| map.remove(&("key", i)));
        });
    });
    group.finish();
}

fn bench_keyed(group: &mut BenchmarkGroup<WallTime>, resident: u64, tasks: u64) {
    let client = peers::client();
    let kept = submit_keyed(&client, 0..resident);
    read(&kept);
    let mut next = fresh_keys(resident, tasks);
    group.bench_function("keyed", |bencher| {
        bencher.iter(|| read(&submit_keyed(&client, next())))
    });
    let mut next = fresh_keys(resident, tasks);
    group.bench_function("named", |bencher| {
        bencher.iter(|| read(&submit_named(&client, next())))
    });
    let mut next = fresh_keys(resident, tasks);
    group.bench_function("unkeyed", |bencher| {
        bencher.iter(|| read(&submit_unkeyed(&client, next())))
    });
}

/// Other keys each time: the places of keys used before would still be in the cache, however large the table.
fn fresh_keys(resident: u64, tasks: u64) -> impl FnMut() -> Range<u64> {
    let mut next = resident;
    move || {
        next += tasks;
        next - tasks..next
    }
}

fn submit_keyed(client: &Client, numbers: Range<u64>) -> Vec<TaskFuture<u64>> {
    numbers
        .map(|i| client.task("keyed").key(("key", i)).submit(move || i))
        .collect()
}

/// The same without the key: tells what the name costs from what the key does.
fn submit_named(client: &Client, numbers: Range<u64>) -> Vec<TaskFuture<u64>> {
    numbers
        .map(|i| client.task("keyed").submit(move || i))
        .collect()
}

fn submit_unkeyed(client: &Client, numbers: Range<u64>) -> Vec<TaskFuture<u64>> {
    numbers.map(|i| client.submit(move || i)).collect()
}

fn read(handles: &[TaskFuture<u64>]) {
    for handle in handles {
        black_box(handle.result().expect("the closure cannot fail"));
    }
}

#[task]
fn noop() {}

#[task]
fn first(a: u64, _b: u64) -> u64 {
    a
}

#[task(pure)]
fn first_pure(a: u64, _b: u64) -> u64 {
    a
}

/// A call of a `#[task]` function beside a closure that does the same: `call` beside `closure`, and with two arguments; a call whose
/// content is its key, beside a closure that is given one. A call has a name, as `named` has.
fn call(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "call");
    let client = peers::client();
    let kept = submit_keyed(&client, 0..KEYS);
    read(&kept);
    group.bench_function("closure", |bencher| {
        bencher.iter(|| read_all((0..KEYED_TASKS).map(|_| client.submit(|| ()))))
    });
    group.bench_function("named", |bencher| {
        bencher.iter(|| read_all((0..KEYED_TASKS).map(|_| client.task("noop").submit(|| ()))))
    });
    group.bench_function("call", |bencher| {
        bencher.iter(|| read_all((0..KEYED_TASKS).map(|_| client.submit(noop::call()))))
    });
    group.bench_function("call_of_two", |bencher| {
        bencher.iter(|| read_all((0..KEYED_TASKS).map(|i| client.submit(first::call(i, i)))))
    });
    let mut next = fresh_keys(KEYS, KEYED_TASKS);
    group.bench_function("keyed", |bencher| {
        bencher.iter(|| read(&submit_keyed(&client, next())))
    });
    let client = forgetful();
    let mut next = fresh_keys(KEYS, KEYED_TASKS);
    group.bench_function("pure_call", |bencher| {
        bencher.iter(|| read_all(next().map(|i| client.submit(first_pure::call(i, i)))))
    });
    let client = peers::client();
    let mut next = fresh_keys(KEYS, KEYED_TASKS);
    group.bench_function("pure_call_remembered", |bencher| {
        bencher.iter(|| read_all(next().map(|i| client.submit(first_pure::call(i, i)))))
    });
    let mut next = fresh_keys(KEYS, KEYED_TASKS);
    group.bench_function("pure_closure_remembered", |bencher| {
        bencher.iter(|| {
            read_all(next().map(|i| client.task("pure").pure(("pure", i)).submit(move || i)))
        })
    });
    group.finish();
    print_call_ratios();
}

/// What a call is held to: both sides in turns on one client, medians of the rounds.
fn print_call_ratios() {
    let client = forgetful();
    let kept = submit_keyed(&client, 0..KEYS);
    read(&kept);
    let closure = || read_all((0..KEYED_TASKS).map(|_| client.submit(|| ())));
    let noop = || read_all((0..KEYED_TASKS).map(|_| client.submit(noop::call())));
    let ratio = ratio_in_turns(noop, closure);
    println!("call: no-op call / no-op closure: {ratio:.2} (at most 1.3)");
    let mut next = fresh_keys(KEYS, KEYED_TASKS);
    let keyed = || read(&submit_keyed(&client, next()));
    let mut next = fresh_keys(KEYS, KEYED_TASKS);
    let pure = || read_all(next().map(|i| client.submit(first_pure::call(i, i))));
    let ratio = ratio_in_turns(pure, keyed);
    println!("call: pure call of two integers / keyed: {ratio:.2} (at most 1.5)");
}

fn ratio_in_turns(mut one: impl FnMut(), mut other: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| time(&mut one) / time(&mut other))
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn time(f: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64()
}

/// A client that remembers no pure results: `keyed` ones are not remembered either.
fn forgetful() -> Client {
    let builder = Client::builder().threads(WORKERS).remember(0);
    builder.build().expect("two threads can be started")
}

fn read_all<T: Send + Sync + 'static>(handles: impl Iterator<Item = TaskFuture<T>>) {
    let handles: Vec<_> = handles.collect();
    for handle in &handles {
        black_box(handle.result().expect("the task cannot fail"));
    }
}

/// What any table would cost: fast hashes, uncontended locks.
type Shard = Mutex<HashMap<(&'static str, u64), u64>>;

struct ShardedMap {
    hasher: DefaultHashBuilder,
    shards: Vec<Shard>,
}

impl Default for ShardedMap {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl ShardedMap {
    fn insert(&self, key: (&'static str, u64), value: u64) {
        self.shard(&key).lock().insert(key, value);
    }

    fn remove(&self, key: &(&'static str, u64)) {
        self.shard(key).lock().remove(key);
    }

    fn shard(&self, key: &(&'static str, u64)) -> &Shard {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }
}

/// A group of single tasks.
fn short_group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(15);
    group
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    group
}

/// One task at a time, submitted while the pool is idle, and its result awaited.
fn roundtrip(criterion: &mut Criterion) {
    let mut group = short_group(criterion, "roundtrip");
    rayon_pool::start();
    let client = peers::client();
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| {
            *client
                .submit(|| black_box(7u64))
                .result()
                .expect("cannot fail")
        })
    });
    group.bench_function("rayon", |bencher| {
        bencher.iter(|| {
            let (sender, receiver) = std::sync::mpsc::sync_channel(1);
            rayon::spawn(move || sender.send(black_box(7u64)).expect("the receiver waits"));
            receiver.recv().expect("the task sends")
        });
    });
    let runtime = runtime();
    group.bench_function("tokio", |bencher| {
        bencher.iter(|| {
            runtime
                .block_on(runtime.spawn(async { black_box(7u64) }))
                .expect("cannot fail")
        });
    });
    group.finish();
}

/// Start, one task, its result, stop.
fn lifecycle(criterion: &mut Criterion) {
    let mut group = short_group(criterion, "lifecycle");
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| {
            *peers::client()
                .submit(|| black_box(7u64))
                .result()
                .expect("cannot fail")
        });
    });
    group.bench_function("rayon", |bencher| {
        bencher.iter(|| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(WORKERS);
            builder
                .build()
                .expect("two threads can be started")
                .install(|| black_box(7u64))
        });
    });
    group.bench_function("tokio", |bencher| {
        bencher.iter(|| {
            let runtime = runtime();
            runtime
                .block_on(runtime.spawn(async { black_box(7u64) }))
                .expect("cannot fail")
        });
    });
    group.finish();
}
