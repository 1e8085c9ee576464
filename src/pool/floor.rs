//! Whether a rayon job runs at the bottom of its thread's stack, or inside of another job's wait.
//!
//! Rayon does not say. But from the handler that it calls when a thread starts to a job that the thread's main loop runs,
//! the stack grows by the same frames and so by the same number of bytes each time, and any job inside of another lies
//! deeper. That number is measured in a pool of one thread that nobody else knows, where nothing can be nested; all jobs
//! of ours are of one type, so that they have the same frames. A job that lies any deeper counts as nested: a wrong
//! answer of that kind costs speed, and never a deadlock.
//!
//! Threads whose start we have not seen cannot be judged, so the global pool must be ours.

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::drain::{Reserved, drain};
use super::{Engine, Options};
use crate::error::StartError;

/// What is known of rayon's global pool, once we have started it.
struct Floor {
    /// Bytes of stack from the start of a thread to a job at the bottom.
    depth: usize,
    threads: usize,
    stack_size: usize,
}

static FLOOR: OnceLock<Floor> = OnceLock::new();

thread_local! {
    /// Where the stack of this thread, one of rayon's that we have started, begins.
    static BASE: Cell<usize> = const { Cell::new(0) };
}

/// Starts rayon's global pool, unless that has been done here before.
pub(super) fn start(options: &Options) -> Result<(), StartError> {
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock();
    if FLOOR.get().is_some() {
        return Ok(());
    }
    let depth = measure().map_err(StartError::Spawn)?;
    let (name, threads, stack_size) = (
        options.thread_name.clone(),
        options.threads,
        options.stack_size,
    );
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(stack_size)
        .thread_name(move |k| format!("{name}-rayon-{k}"))
        .start_handler(mark)
        .build_global()
        .map_err(|error| match error.source() {
            Some(_) => StartError::Spawn(io::Error::other(error)),
            None => StartError::RayonInUse,
        })?;
    let threads = rayon::current_num_threads();
    FLOOR.get_or_init(|| Floor {
        depth,
        threads,
        stack_size,
    });
    Ok(())
}

fn measure() -> io::Result<usize> {
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .start_handler(mark)
        .build()
        .map_err(|error: ThreadPoolBuildError| io::Error::other(error))?;
    let (tell, depth) = mpsc::channel();
    spawn_in(Some(&pool), Errand::Measure(tell));
    depth.recv().map_err(io::Error::other)
}

/// Called by each thread at its start.
fn mark(_: usize) {
    BASE.set(here());
}

#[inline(never)]
fn here() -> usize {
    let mark = std::hint::black_box(0u8);
    std::hint::black_box(std::ptr::from_ref(&mark)).addr()
}

/// Rayon's global threads; none before [`start`].
pub(super) fn threads() -> usize {
    FLOOR.get().map_or(0, |floor| floor.threads)
}

pub(super) fn stack_size() -> usize {
    FLOOR.get().map_or(0, |floor| floor.stack_size)
}

/// Whether this is a thread of another of rayon's pools: what it spawns stays there.
pub(super) fn in_other_pool() -> bool {
    rayon::current_thread_index().is_some() && BASE.get() == 0
}

/// What our rayon jobs do; one type for all, see the head of this file.
pub(super) enum Errand {
    Drain(Arc<Engine>, Reserved),
    Measure(mpsc::Sender<usize>),
}

/// Sends one of the global pool's threads on an errand.
pub(super) fn spawn(errand: Errand) {
    spawn_in(None, errand);
}

fn spawn_in(pool: Option<&ThreadPool>, errand: Errand) {
    let job = move || run(errand);
    match pool {
        Some(pool) => pool.spawn(job),
        None => rayon::spawn(job),
    }
}

#[inline(never)]
fn run(errand: Errand) {
    let base = BASE.get();
    let depth = base.abs_diff(here());
    match errand {
        Errand::Measure(tell) => drop(tell.send(depth)),
        Errand::Drain(engine, reserved) => {
            let floor = FLOOR.get().map_or(0, |floor| floor.depth);
            drain(engine, base != 0 && depth <= floor);
            drop(reserved);
        }
    }
}
