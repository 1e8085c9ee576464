//! What holds on the client's own threads holds on rayon's: blocking seen and unseen, `par_iter` inside of tasks, the end.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use rayon::prelude::*;
use tenter::{
    Client, ErrorKind, Host, Status, TaskError, TaskFuture, as_completed, current, gather,
};

use crate::blocking::five_thousand_consumers;
use crate::in_rayon::{pieces_wait_for_iterators, tasks_wait_for_pieces_that_wait};
use crate::support::{Counts, assert_nothing_left, client_of, rayon_client_of, until, watched};

/// Runs a test on each host, with one place and with several.
fn on_both(test: impl Fn(Client) + Send + 'static) {
    watched(move || {
        for threads in [1, 2, 4] {
            test(client_of(threads));
            test(rayon_client_of(threads));
        }
    });
}

fn on_rayon() -> bool {
    rayon::current_thread_index().is_some()
}

fn parallel_sum(limit: u64) -> u64 {
    (0..limit).into_par_iter().sum()
}

/// The other tests have rayon's threads too, and a task runs elsewhere when none is left.
#[test]
fn tasks_run_on_rayons_threads() {
    watched(|| {
        let client = rayon_client_of(1);
        let name = || std::thread::current().name().unwrap_or_default().to_owned();
        until("a task runs on one", || {
            let task = client.submit(move || (on_rayon(), name()));
            let (on_rayon, name) = task.result().unwrap();
            assert_eq!(*on_rayon, name.contains("-rayon-"), "{name}");
            *on_rayon
        });
        assert_nothing_left(&client);
    });
}

#[test]
fn an_idle_client_keeps_none_of_rayons_threads() {
    watched(|| {
        let client = rayon_client_of(2);
        gather(&client.map(0..100u64, |x| x)).unwrap();
        let own = || client.stats().threads_started;
        until("rayon's threads are back", || {
            client.stats().threads <= own()
        });
    });
}

#[test]
fn one_of_rayons_threads_never_has_a_task() {
    watched(|| {
        let client = rayon_client_of(8);
        let (open, opened) = mpsc::channel::<()>();
        let opened = Arc::new(std::sync::Mutex::new(opened));
        let on_rayons = Arc::new(AtomicUsize::new(0));
        let blocked = client.map(0..8, {
            let on_rayons = Arc::clone(&on_rayons);
            move |_| {
                on_rayons.fetch_add(usize::from(on_rayon()), SeqCst);
                let _ = opened.lock().unwrap().recv();
            }
        });
        until("all run", || client.stats().started == 8);
        // Were all of rayon's threads blocked, nobody would run this.
        assert_eq!(parallel_sum(100), 4950);
        assert!(on_rayons.load(SeqCst) < 3);
        drop(open);
        gather(&blocked).unwrap();
    });
}

#[test]
fn a_nested_parallel_iterator_ends() {
    on_both(|client| {
        let tasks = client.map(0..50u64, |k| {
            (0..20u64)
                .into_par_iter()
                .map(|i| k * parallel_sum(i))
                .sum::<u64>()
        });
        let sum: u64 = gather(&tasks).unwrap().into_iter().sum();
        assert_eq!(sum, 49 * 25 * 1140);
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn blocked_tasks_give_their_place_to_others() {
    on_both(|client| {
        let queue = client.queue::<u64>("items", 0).unwrap();
        let consumers = client.map(0..20, {
            let queue = queue.clone();
            move |_| queue.get().unwrap()
        });
        until("all are blocked", || client.stats().blocked == 20);
        let others = client.map(0..1000u64, |x| x);
        assert_eq!(gather(&others).unwrap().into_iter().sum::<u64>(), 999 * 500);
        (0..20).for_each(|item| queue.put(item).unwrap());
        assert_eq!(gather(&consumers).unwrap().into_iter().sum::<u64>(), 190);
        drop((consumers, others));
        assert_nothing_left(&client);
    });
}

#[test]
fn five_thousand_consumers_wait_for_a_producer() {
    watched(|| {
        for client in [client_of(2), rayon_client_of(2)] {
            five_thousand_consumers(&client);
        }
    });
}

#[test]
fn trees_of_waits_end() {
    fn count(depth: u32) -> Result<u64, TaskError> {
        if depth == 0 {
            return Ok(1);
        }
        let child = |_| current().try_submit(move || count(depth - 1));
        let mut running = as_completed((0..3).map(child));
        let mut sum = 0;
        while let Some(done) = running.next() {
            sum += *done.result()?;
        }
        Ok(sum)
    }
    on_both(|client| {
        assert_eq!(*client.try_submit(|| count(6)).result().unwrap(), 729);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_deep_recursion_of_waits_ends() {
    fn down(n: u64) -> Result<u64, TaskError> {
        if n == 0 {
            return Ok(0);
        }
        Ok(current().try_submit(move || down(n - 1)).result()? + 1)
    }
    on_both(|client| {
        assert_eq!(*client.try_submit(|| down(5_000)).result().unwrap(), 5_000);
        assert_nothing_left(&client);
    });
}

#[test]
fn parallel_iterators_may_wait_for_tasks() {
    on_both(|client| tasks_wait_for_pieces_that_wait(&client, 10));
}

#[test]
fn parallel_iterators_may_wait_for_tasks_that_use_one() {
    on_both(|client| pieces_wait_for_iterators(&client, 10));
}

/// Rayon runs whatever it finds while a task waits for its iterator: were that another task that waits for the first one,
/// neither would end.
#[test]
fn no_task_runs_on_top_of_the_iterator_of_one_it_waits_for() {
    on_both(|client| {
        for round in 0..200u64 {
            let iterates = client.submit(move || parallel_sum(2_000 + round % 7));
            let waits = |_| {
                let iterates = iterates.clone();
                client.try_submit(move || iterates.result().copied())
            };
            let waiting: Vec<_> = (0..6).map(waits).collect();
            gather(&waiting).unwrap();
        }
        assert_nothing_left(&client);
    });
}

/// Nor may a task that is blocked run a piece of an iterator which waits for that task.
#[test]
fn a_blocked_task_takes_up_no_piece_that_waits_for_it() {
    on_both(|client| {
        let queue = client.queue::<u64>("items", 0).unwrap();
        let first = client.submit({
            let queue = queue.clone();
            move || queue.get().unwrap()
        });
        until("the first is blocked", || client.stats().blocked == 1);
        let second = client.try_submit(move || first.result().copied());
        until("both are blocked", || client.stats().blocked == 2);
        let pieces = Arc::new(AtomicUsize::new(0));
        let third = client.try_submit({
            let pieces = Arc::clone(&pieces);
            move || {
                let wait = |_| {
                    pieces.fetch_add(1, SeqCst);
                    second.result().copied()
                };
                let sum: Result<u64, TaskError> = (0..64).into_par_iter().map(wait).sum();
                sum
            }
        });
        until("pieces wait", || pieces.load(SeqCst) > 0);
        queue.put(1).unwrap();
        assert_eq!(*third.result().unwrap(), 64);
        drop(third);
        assert_nothing_left(&client);
    });
}

#[test]
fn more_tasks_than_threads_wait_for_tasks_with_iterators() {
    watched(|| {
        for threads in [2, 3, 8] {
            let client = rayon_client_of(threads);
            for _ in 0..100 {
                let blocked = client.map(0..threads as u64 + 4, |k| {
                    let inner = current().submit(move || k + parallel_sum(64));
                    *inner.result_timeout(Duration::from_secs(60)).unwrap()
                });
                let sum: u64 = gather(&blocked).unwrap().into_iter().sum();
                let n = threads as u64 + 4;
                assert_eq!(sum, n * (n - 1) / 2 + n * 2016);
            }
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn tasks_may_block_unseen() {
    on_both(|client| {
        let barrier = Arc::new(Barrier::new(12));
        let tasks = client.map(0..12, move |_| barrier.wait().is_leader());
        gather(&tasks).unwrap();
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn tasks_submitted_from_another_rayon_pool_run() {
    watched(|| {
        let other = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        let client = rayon_client_of(2);
        let tasks = other.install(|| client.par_map(0..1000u64, |x| x + 1));
        assert_eq!(gather(&tasks).unwrap().into_iter().sum::<u64>(), 500_500);
        drop(tasks);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_panic_is_the_tasks_error_and_no_more() {
    on_both(|client| {
        let alone = client
            .task("alone")
            .submit(|| -> u32 { panic!("in a body") });
        let within = client.task("within").submit(|| {
            (0..100)
                .into_par_iter()
                .for_each(|i| assert_ne!(i, 37, "in a piece"))
        });
        for (error, text) in [
            (alone.result().unwrap_err(), "in a body"),
            (within.result().unwrap_err(), "in a piece"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Panicked);
            assert!(error.message().contains(text), "{error}");
        }
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
        drop((alone, within));
        assert_nothing_left(&client);
    });
}

#[test]
fn closing_cancels_what_has_not_started_and_drops_it() {
    on_both(|client| {
        let counts = Counts::new();
        let running = client.submit(|| {
            until("it is told to stop", || current().is_cancelled());
        });
        until("it runs", || running.status() == Status::Running);
        let many = client.map((0..1000).map(|_| counts.counted()), |counted| {
            until("it is told to stop", || current().is_cancelled());
            drop(counted);
        });
        assert!(client.close(Duration::from_secs(60)).is_clean());
        assert_eq!(counts.alive(), 0);
        assert_eq!(client.stats().threads, 0);
        assert!(many.iter().all(TaskFuture::is_done));
        let late = client.submit(|| 1);
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_client_may_be_dropped_in_a_task_and_in_a_piece() {
    on_both(|client| {
        let inner = rayon_client_of(2);
        let task = inner.submit(|| 1);
        let drops = client.submit(move || {
            let last = std::sync::Mutex::new(Some(inner));
            (0..2).into_par_iter().for_each(|_| {
                drop(last.lock().unwrap().take());
            });
        });
        drops.result().unwrap();
        assert!(task.is_done());
        let own = client.clone();
        let waits = client.submit(move || drop(own));
        drop(client);
        until("it has ended", || waits.is_done());
    });
}

#[test]
fn clients_share_rayons_threads() {
    watched(|| {
        let clients: Vec<_> = (0..4).map(|_| rayon_client_of(3)).collect();
        for _ in 0..50 {
            let tasks: Vec<_> = clients
                .iter()
                .flat_map(|client| client.map(0..20u64, parallel_sum))
                .collect();
            let through = clients[0].submit(|| 7);
            let across = clients[1].try_submit({
                let through = through.clone();
                move || through.result().copied()
            });
            assert_eq!(*across.result().unwrap(), 7);
            assert_eq!(
                tasks.iter().map(|t| *t.result().unwrap()).sum::<u64>(),
                4 * 1140
            );
        }
        clients.iter().for_each(assert_nothing_left);
    });
}

#[test]
fn a_task_waits_for_a_task_of_a_client_on_other_threads() {
    watched(|| {
        let (rayons, own) = (rayon_client_of(2), client_of(2));
        let go = own.variable::<u64>("go").unwrap();
        let waits = rayons.map(0..6u64, {
            let own = own.clone();
            move |k| {
                let go = go.clone();
                k + *own.submit(move || go.get().unwrap()).result().unwrap()
            }
        });
        until("all are blocked", || own.stats().blocked == 6);
        assert_eq!(*rayons.submit(|| parallel_sum(10)).result().unwrap(), 45);
        own.variable::<u64>("go").unwrap().set(1).unwrap();
        assert_eq!(gather(&waits).unwrap().into_iter().sum::<u64>(), 21);
    });
}

#[test]
fn a_seed_goes_before_the_host() {
    watched(|| {
        let builder = Client::builder().host(Host::Rayon).deterministic(3);
        let client = builder.build().unwrap();
        assert!(!*client.submit(on_rayon).result().unwrap());
    });
}
