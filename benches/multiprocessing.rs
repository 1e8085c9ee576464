//! What does a map over many items cost in a pool of processes, which Python's users must start, and what here, where nothing is copied?

mod peers;
#[path = "peers/process_pool.rs"]
mod process_pool;
#[path = "peers/python.rs"]
mod python;

#[path = "../examples/beamline/integrate.rs"]
#[allow(dead_code, unreachable_pub, reason = "the example uses more of it")]
mod integrate;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group};
use integrate::{Axis, PixelBins};
use process_pool::ProcessPool;
use tenter::Client;

const NOOP_ITEMS: u64 = 10_000;
const FRAME_ITEMS: usize = 200;
/// As large as the detector frames of the beamline example.
const ROWS: usize = 1065;
const COLUMNS: usize = 1030;
/// Frames that differ; the items take turns with them.
const FRAMES: usize = 8;
const BINS: usize = 79;
/// Times the kernel runs over a frame, so that an item takes about 5 ms.
const PASSES: usize = 7;

criterion_group!(benches, map_noop, map_frames);

/// What `criterion_main!` writes, after a look whether this process is a worker of the pool.
fn main() {
    match std::env::var(process_pool::FUNCTION).as_deref() {
        Ok("noop") => process_pool::serve(|item, results| results.extend_from_slice(item)),
        Ok("integrate") => serve_integrate(),
        _ => {
            benches();
            Criterion::default().configure_from_args().final_summary();
            Ok(())
        }
    }
    .expect("the pool holds its ends of the pipes");
}

/// Items that cost nothing: what is left is the pool's own work.
fn map_noop(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "map_noop");
    let client = peers::client();
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| {
            let handles = client.map(0..NOOP_ITEMS, black_box);
            let sum = handles
                .iter()
                .map(|handle| handle.result().expect("no item fails"))
                .sum();
            check_sum(sum);
        });
    });
    let mut pool =
        ProcessPool::start("noop", size_of::<u64>()).expect("this program can be started again");
    group.bench_function("process_pool", |bencher| {
        bencher.iter(|| {
            let items: Vec<_> = (0..NOOP_ITEMS).map(u64::to_le_bytes).collect();
            check_sum(
                pool.map(&items)
                    .as_chunks()
                    .0
                    .iter()
                    .map(|result| u64::from_le_bytes(*result))
                    .sum(),
            );
        });
    });
    if !python::is_there() {
        println!("Python's pools are left out: there is no python3 here.");
        return;
    }
    for kind in ["pool", "executor"] {
        group.bench_function(format!("python_{kind}"), |bencher| {
            bencher.iter_custom(|rounds| {
                python::time(kind, NOOP_ITEMS, rounds).expect("the program runs")
            });
        });
    }
    group.finish();
}

fn check_sum(sum: u64) {
    assert_eq!(sum, NOOP_ITEMS * (NOOP_ITEMS - 1) / 2);
}

/// Frames that have arrived in this process: tasks read them where they are, a pool of processes sends them over.
fn map_frames(criterion: &mut Criterion) {
    let mut group = peers::group(criterion, "map_frames");
    let frames: Vec<Arc<Vec<u16>>> = (0..FRAMES).map(|seed| Arc::new(frame(seed))).collect();
    let expected = black_box(integrate(&table(), &frames[(FRAME_ITEMS - 1) % FRAMES]));
    let (client, bins) = (peers::client(), Arc::new(table()));
    group.bench_function("tenter", |bencher| {
        bencher.iter(|| assert_eq!(tenter_map(&client, &bins, &frames), expected));
    });
    let mut pool = ProcessPool::start("integrate", BINS * size_of::<f64>())
        .expect("this program can be started again");
    let bytes: Vec<Vec<u8>> = frames
        .iter()
        .map(|frame| frame.iter().flat_map(|count| count.to_le_bytes()).collect())
        .collect();
    group.bench_function("process_pool", |bencher| {
        bencher.iter(|| {
            let items: Vec<&[u8]> = (0..FRAME_ITEMS)
                .map(|item| &bytes[item % FRAMES][..])
                .collect();
            let results = pool.map(&items);
            assert_eq!(
                from_bytes(&results[results.len() - BINS * size_of::<f64>()..]),
                expected
            );
        });
    });
    group.finish();
}

/// The last profile; the others are read too.
fn tenter_map(client: &Client, bins: &Arc<PixelBins>, frames: &[Arc<Vec<u16>>]) -> Vec<f64> {
    let items = (0..FRAME_ITEMS).map(|item| Arc::clone(&frames[item % FRAMES]));
    let bins = Arc::clone(bins);
    let handles = client.map(items, move |frame| integrate(&bins, &frame));
    let profiles = tenter::gather(&handles).expect("no item fails");
    profiles[FRAME_ITEMS - 1].clone()
}

/// A worker's side: its table stays, each item is a frame.
fn serve_integrate() -> std::io::Result<()> {
    let bins = table();
    let mut frame = Vec::with_capacity(ROWS * COLUMNS);
    process_pool::serve(|item, results| {
        frame.clear();
        frame.extend(
            item.as_chunks()
                .0
                .iter()
                .map(|count| u16::from_le_bytes(*count)),
        );
        results.extend(
            integrate(&bins, &frame)
                .into_iter()
                .flat_map(f64::to_le_bytes),
        );
    })
}

fn integrate(bins: &PixelBins, frame: &[u16]) -> Vec<f64> {
    (1..PASSES).for_each(|_| drop(black_box(bins.integrate(black_box(frame)))));
    bins.integrate(frame)
}

fn from_bytes(bytes: &[u8]) -> Vec<f64> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|value| f64::from_le_bytes(*value))
        .collect()
}

/// Rings around the middle of the frame.
fn table() -> PixelBins {
    let (middle_row, middle_column) = (ROWS as f64 / 2.0, COLUMNS as f64 / 2.0);
    let axis = Axis {
        low: 0.0,
        width: middle_column / BINS as f64,
        bins: BINS,
    };
    PixelBins::new(ROWS, COLUMNS, axis, |row, column| {
        Some((row as f64 - middle_row).hypot(column as f64 - middle_column))
    })
}

fn frame(seed: usize) -> Vec<u16> {
    (0..ROWS * COLUMNS)
        .map(|pixel| (pixel.wrapping_mul(2_654_435_761) >> 7) as u16 % 97 + seed as u16)
        .collect()
}
