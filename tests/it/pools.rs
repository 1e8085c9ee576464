//! Named pools: their threads run their tasks and nothing else.

use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use tenter::{Client, ErrorKind, StartError, Status, TaskError, TaskFuture, current, gather};

use crate::support::{Gate, Log, assert_nothing_left, assert_nothing_left_after, until, watched};

fn client_with(threads: usize, pool: usize) -> Client {
    Client::builder()
        .threads(threads)
        .thread_name("t")
        .pool("io", pool)
        .build()
        .unwrap()
}

fn thread_name() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

/// A task of the pool that occupies its thread until it is told to end.
fn occupy(client: &Client) -> (mpsc::Sender<()>, TaskFuture<()>) {
    let (end, ended) = mpsc::channel();
    let task = client.task("occupant").pool("io").submit(move || {
        let _ = ended.recv();
    });
    until("it runs", || task.status() == Status::Running);
    (end, task)
}

#[test]
fn tasks_of_a_pool_run_on_its_threads_and_others_do_not() {
    watched(|| {
        let client = client_with(2, 2);
        let mut handles = Vec::new();
        for k in 0..100 {
            let io = client.task("io").pool("io").submit(thread_name);
            let after = client
                .task("after")
                .submit_with(&io, |io| (io.clone(), thread_name()));
            let again =
                client
                    .task("again")
                    .pool("io")
                    .priority(k % 3)
                    .submit_with(&after, |names| {
                        let nested = current().submit(thread_name);
                        (names.clone(), thread_name(), nested)
                    });
            handles.push(again);
        }
        for handle in &handles {
            let ((io, after), again, nested) = handle.result().unwrap();
            assert!(
                io.starts_with("t-io-") && again.starts_with("t-io-"),
                "{io}, {again}"
            );
            let nested = nested.result().unwrap();
            assert!(
                !after.starts_with("t-io-") && !nested.starts_with("t-io-"),
                "{after}, {nested}"
            );
        }
        assert_nothing_left_after(&client, handles);
    });
}

#[test]
fn a_pool_works_while_all_other_threads_are_busy() {
    watched(|| {
        let client = client_with(1, 1);
        let gate = Gate::close(&client);
        let io = client.task("io").pool("io").submit(thread_name);
        assert_eq!(io.result().unwrap(), "t-io-0");
        gate.open();
        assert_nothing_left_after(&client, io);
    });
}

#[test]
fn who_waits_does_not_run_a_task_of_another_pool() {
    watched(|| {
        let client = client_with(2, 1);
        let main = client.try_submit(|| {
            let io = current().task("io").pool("io").submit(thread_name);
            io.result().cloned()
        });
        assert_eq!(main.result().unwrap(), "t-io-0");
        let io = client.task("io").pool("io").try_submit(|| {
            let main = current().submit(thread_name);
            main.result().cloned()
        });
        assert!(!io.result().unwrap().starts_with("t-io-"));
        assert_nothing_left_after(&client, (main, io));
    });
}

#[test]
fn no_more_run_at_a_time_than_the_pool_has_threads() {
    watched(|| {
        let client = client_with(2, 3);
        let running = Arc::new(AtomicUsize::new(0));
        let threads = Log::new();
        let tasks: Vec<_> = (0..300)
            .map(|_| {
                let (running, threads) = (Arc::clone(&running), threads.clone());
                client.task("io").pool("io").submit(move || {
                    threads.write(thread_name());
                    let now = running.fetch_add(1, SeqCst) + 1;
                    std::thread::yield_now();
                    running.fetch_sub(1, SeqCst);
                    now
                })
            })
            .collect();
        assert!(gather(&tasks).unwrap().into_iter().all(|&now| now <= 3));
        assert!(threads.read().into_iter().collect::<HashSet<_>>().len() <= 3);
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn all_threads_of_a_pool_run_at_a_time() {
    watched(|| {
        let client = client_with(1, 3);
        let meeting = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let meeting = Arc::clone(&meeting);
                client
                    .task("io")
                    .pool("io")
                    .submit(move || _ = meeting.wait())
            })
            .collect();
        gather(&tasks).unwrap();
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn tasks_of_a_pool_may_wait_for_each_other() {
    watched(|| {
        let client = client_with(1, 1);
        let queue = client.queue::<u32>("items", 0).unwrap();
        let first = client.task("first").pool("io").try_submit(move || {
            let queue = current().queue::<u32>("items", 0)?;
            let item = queue.get()?;
            let inner = current().task("inner").pool("io").submit(move || item + 1);
            Ok::<_, TaskError>(*inner.result()?)
        });
        let second = client
            .task("second")
            .pool("io")
            .submit(move || queue.put(1).unwrap());
        assert_eq!(*first.result().unwrap(), 2);
        second.result().unwrap();
        assert_nothing_left_after(&client, (first, second));
    });
}

#[test]
fn a_deadlock_in_a_pool_is_reported() {
    watched(|| {
        let client = client_with(1, 1);
        let given = client.variable::<TaskFuture<u8>>("own").unwrap();
        let get = given.clone();
        let own = client.task("own").pool("io").try_submit(move || {
            let client = current();
            let other = client.task("other").pool("io");
            let other = other.try_submit(move || Ok::<_, TaskError>(*get.get()?.result()?));
            other.result().copied()
        });
        given.set(own.clone()).unwrap();
        assert_eq!(own.result().unwrap_err().kind(), ErrorKind::Deadlock);
        given.delete();
        assert_nothing_left_after(&client, own);
    });
}

#[test]
fn a_task_in_the_line_of_a_pool_says_so_and_leaves_it_when_cancelled() {
    watched(|| {
        let client = client_with(1, 1);
        let (end, occupant) = occupy(&client);
        let next = client.task("next").pool("io").submit(|| 1);
        until("it is in line", || {
            next.explain().contains("queued for the pool `io`")
        });
        assert_eq!(next.status(), Status::Queued);
        let dropped = client.task("dropped").pool("io").submit(|| 1);
        drop(dropped);
        next.cancel();
        assert_eq!(next.status(), Status::Cancelled);
        drop(next);
        until("only the occupant is left", || client.stats().live == 1);
        end.send(()).unwrap();
        assert_nothing_left_after(&client, occupant);
    });
}

#[test]
fn higher_priority_goes_first_in_a_pool_then_who_came_first() {
    watched(|| {
        let client = client_with(1, 1);
        let (end, occupant) = occupy(&client);
        let log = Log::new();
        let tasks = [(0, 1), (5, 2), (-1, 3), (5, 4), (0, 5)].map(|(priority, number)| {
            let log = log.clone();
            client
                .task("member")
                .pool("io")
                .priority(priority)
                .submit(move || log.write(number))
        });
        end.send(()).unwrap();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), [2, 4, 1, 5, 3]);
        assert_nothing_left_after(&client, (occupant, tasks));
    });
}

#[test]
fn a_task_may_need_a_pool_and_a_resource() {
    watched(|| {
        let builder = Client::builder().threads(2).thread_name("t").pool("io", 2);
        let client = builder.resource("disk", 1).build().unwrap();
        let held = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let held = Arc::clone(&held);
                client
                    .task("io")
                    .pool("io")
                    .resource("disk", 1)
                    .submit(move || {
                        let now = held.fetch_add(1, SeqCst) + 1;
                        std::thread::yield_now();
                        held.fetch_sub(1, SeqCst);
                        (now, thread_name())
                    })
            })
            .collect();
        for (now, thread) in gather(&tasks).unwrap() {
            assert_eq!(*now, 1);
            assert!(thread.starts_with("t-io-"), "{thread}");
        }
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn an_unknown_pool_is_an_error_that_names_those_there_are() {
    let client = client_with(1, 1);
    let lost = client.task("lost").pool("oi").submit(|| 1);
    let error = lost.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.task()),
        (ErrorKind::NoSuchPool, "lost")
    );
    for part in ["`oi`", "are `io`", "Client::builder().pool(\"oi\", ..)"] {
        assert!(
            error.message().contains(part),
            "`{part}` is missing in: {error}"
        );
    }
    assert_nothing_left_after(&client, lost);
}

#[test]
fn a_pool_without_threads_or_with_a_bad_name_is_refused() {
    let error = Client::builder().pool("io", 0).build().unwrap_err();
    assert!(
        matches!(&error, StartError::Option(text) if text.contains("`io`")),
        "{error}"
    );
    let error = Client::builder().pool("i\0o", 1).build().unwrap_err();
    assert!(matches!(error, StartError::ThreadName(_)));
    Client::builder()
        .threads(1)
        .pool("io", 0)
        .pool("io", 1)
        .build()
        .expect("the last number counts");
}

#[test]
fn closing_cancels_what_is_in_line_and_waits_for_the_pools_bodies() {
    watched(|| {
        let client = client_with(1, 1);
        let (end, occupant) = occupy(&client);
        let next = client.task("next").pool("io").submit(|| 1);
        let report = client.close(Duration::ZERO);
        assert_eq!(report.still_running(), ["occupant"]);
        assert_eq!(next.status(), Status::Cancelled);
        end.send(()).unwrap();
        assert!(client.close(Duration::from_secs(100)).is_clean());
        assert_eq!(client.stats().threads, 0);
        drop((occupant, next));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_of_a_pool_may_drop_the_last_client() {
    watched(|| {
        let client = client_with(1, 1);
        let (give, given) = mpsc::channel::<Client>();
        let (tell, told) = mpsc::channel();
        client
            .task("last")
            .pool("io")
            .submit(move || {
                drop(given.recv());
                tell.send(()).unwrap();
            })
            .detach();
        give.send(client).unwrap();
        told.recv().unwrap();
    });
}

#[test]
fn with_a_seed_the_tasks_of_a_pool_take_turns_with_all_others() {
    watched(|| {
        for seed in 0..10 {
            let client = Client::builder()
                .pool("io", 2)
                .deterministic(seed)
                .build()
                .unwrap();
            let sum = client.try_submit(|| {
                let io: Vec<_> = (0..10u64)
                    .map(|k| current().task("io").pool("io").submit(move || k))
                    .collect();
                Ok::<_, TaskError>(gather(&io)?.into_iter().sum::<u64>())
            });
            assert_eq!(*sum.result().unwrap(), 45);
            assert_nothing_left_after(&client, sum);
        }
    });
}

#[test]
fn blocking_lets_a_spare_of_the_pool_run() {
    watched(|| {
        let client = client_with(1, 1);
        let (send, receive) = mpsc::channel();
        let waits = client
            .task("waits")
            .pool("io")
            .submit(move || tenter::blocking(|| tenter::blocking(|| receive.recv()).unwrap()));
        until("it waits", || waits.status() == Status::Running);
        let sends = client.task("sends").pool("io").submit(move || {
            assert!(std::panic::catch_unwind(|| tenter::blocking(|| panic!("passed on"))).is_err());
            send.send(7).unwrap();
        });
        sends.result().unwrap();
        assert_eq!(*waits.result().unwrap(), 7);
        until("nobody counts as blocked", || client.stats().blocked == 0);
        let again = client.task("again").pool("io").submit(|| 8);
        assert_eq!(*again.result().unwrap(), 8);
    });
}
