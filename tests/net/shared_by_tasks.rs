//! What tasks of several workers share by name with each other and with clients: a whole cluster in one process.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use tenter::net::worker::WorkerOptions;
use tenter::{TaskError, TaskFuture, current, gather, task};

use crate::work::{Cluster, named};

/// Two workers with a thread each.
fn cluster() -> Cluster {
    Cluster::with(["w0", "w1"].map(|name| WorkerOptions {
        threads: Some(1),
        ..named(name)
    }))
}

#[task]
fn frame(number: u64) -> Vec<u64> {
    vec![number; 10_000]
}

#[task]
fn produce(frames: u64) -> Result<u64, TaskError> {
    let client = current();
    let queue = client.queue::<TaskFuture<Vec<u64>>>("frames", 4)?;
    for number in 1..=frames {
        queue.put(client.submit(frame::call(number)))?;
    }
    queue.close();
    Ok(frames)
}

#[task]
fn consume() -> Result<u64, TaskError> {
    let queue = current().queue::<TaskFuture<Vec<u64>>>("frames", 4)?;
    let mut sum = 0;
    for frame in &queue {
        sum += frame?.result()?[0];
    }
    Ok(sum)
}

/// Bounded, so that all of them wait for each other, on two threads altogether.
#[test]
fn tasks_of_two_workers_share_a_queue_of_handles() {
    let cluster = cluster();
    let client = cluster.client();
    let consumers = [(); 3].map(|()| client.submit(consume::call()));
    let producer = client.submit(produce::call(20));
    assert_eq!(*producer.result().unwrap(), 20);
    let sums: u64 = gather(&consumers).unwrap().into_iter().sum();
    assert_eq!(sums, 20 * 21 / 2);
}

#[task]
fn arrive(parties: usize) -> Result<u64, TaskError> {
    Ok(current().barrier("all", parties)?.wait()?.generation())
}

#[test]
fn more_tasks_than_threads_meet_at_a_barrier() {
    let cluster = cluster();
    let client = cluster.client();
    let tasks: Vec<_> = (0..7).map(|_| client.submit(arrive::call(8))).collect();
    assert_eq!(
        client
            .barrier("all", 8)
            .unwrap()
            .wait()
            .unwrap()
            .generation(),
        0
    );
    assert_eq!(gather(&tasks).unwrap(), [&0; 7]);
}

/// Bodies that are in at once. The workers are in this process, which a lock of theirs does not know.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

#[task]
fn enter(number: u64) -> Result<u64, TaskError> {
    let _guard = current().lock("door").lock()?;
    assert_eq!(INSIDE.fetch_add(1, SeqCst), 0);
    std::thread::yield_now();
    INSIDE.fetch_sub(1, SeqCst);
    Ok(number)
}

#[test]
fn a_lock_lets_one_task_of_all_workers_in() {
    let cluster = cluster();
    let client = cluster.client();
    let tasks: Vec<_> = (0..50).map(|k| client.submit(enter::call(k))).collect();
    gather(&tasks).unwrap();
    assert!(!client.lock("door").is_locked());
}

#[task]
fn hold() -> Result<u64, TaskError> {
    let client = current();
    let _guard = client.lock("beam").lock()?;
    let runs = client.variable::<u64>("runs")?;
    runs.set(runs.try_get().unwrap_or(0) + 1)?;
    client.event("go on").wait()?;
    Ok(runs.get()?)
}

#[test]
fn what_the_tasks_of_a_dead_worker_held_goes_on() {
    let mut cluster = cluster();
    let client = cluster.client();
    let task = client.task("hold").prefer("w0").submit(hold::call());
    let runs = client.variable::<u64>("runs").unwrap();
    assert_eq!(runs.get(), Ok(1));
    let lock = client.lock("beam");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| lock.lock());
        drop(cluster.workers.remove(0));
        let guard = waits.join().unwrap().unwrap();
        client.event("go on").set();
        drop(guard);
    });
    assert_eq!(*task.result().unwrap(), 2, "it has run again");
}
