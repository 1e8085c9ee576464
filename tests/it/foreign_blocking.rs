//! Code that blocks on something of others, in tasks and around them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};

use tenter::{Client, ErrorKind, TaskError, TaskFuture, blocking, current};

use crate::spawned::give_way;
use crate::support::{assert_nothing_left, client_of, until, watched};

#[test]
fn outside_of_tasks_it_just_calls() {
    watched(|| {
        let here = std::thread::current().id();
        assert_eq!(blocking(|| std::thread::current().id()), here);
        let panic = catch_unwind(|| blocking(|| panic!("passed on")));
        assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "passed on");
    });
}

#[test]
fn another_task_works_at_the_place_meanwhile() {
    watched(|| {
        let client = client_of(1);
        let (send, receive) = mpsc::channel();
        let waits = client.submit(move || {
            let got: u8 = blocking(|| receive.recv().unwrap());
            got + 1
        });
        until("it blocks", || client.stats().blocked == 1);
        let sends = client.submit(move || send.send(7).unwrap());
        // Nobody waits here, so nothing but the place that was given up can have run the second task.
        until("the other has run", || sends.is_done());
        assert_eq!(*waits.result().unwrap(), 8);
        assert_eq!(client.stats().blocked, 0);
        drop((waits, sends));
        assert_nothing_left(&client);
    });
}

/// Runs many short bodies and gives the greatest number that ran at once.
fn most_at_once(client: &Client) -> usize {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks = client.map(0..500, {
        let most = Arc::clone(&most);
        move |_| {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, SeqCst);
        }
    });
    until("all have run", || tasks.iter().all(TaskFuture::is_done));
    most.load(SeqCst)
}

#[test]
fn nested_and_panicking_calls_leave_as_many_places_as_before() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            for _ in 0..50 {
                let task = client.submit(|| {
                    let caught = catch_unwind(AssertUnwindSafe(|| {
                        blocking(|| blocking(|| blocking(|| panic!("on purpose"))))
                    }));
                    assert!(caught.is_err());
                    blocking(|| blocking(|| 1) + 1)
                });
                let broken = client.submit(|| blocking(|| -> u8 { panic!("on purpose") }));
                assert_eq!(*task.result().unwrap(), 2);
                let error = broken.result().unwrap_err();
                assert_eq!(
                    (error.kind(), error.message()),
                    (ErrorKind::Panicked, "on purpose")
                );
            }
            assert_eq!(client.stats().blocked, 0);
            let most = most_at_once(&client);
            assert!((1..=threads).contains(&most), "{most} at once on {threads}");
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn our_own_waits_go_inside() {
    watched(|| {
        let client = client_of(1);
        let (send, receive) = mpsc::channel();
        let queue = client.queue::<u8>("inside", 0).unwrap();
        let gets = queue.clone();
        let task = client.submit(move || {
            blocking(|| {
                let client = current();
                let inner = client.submit(|| 1);
                let future = client.spawn(async {
                    give_way().await;
                    2
                });
                // Afterwards the place must still be another's, or nobody could send.
                let got =
                    gets.get().unwrap() + *inner.result().unwrap() + *future.result().unwrap();
                got + receive.recv().unwrap()
            })
        });
        let puts = client.submit(move || queue.put(4).unwrap());
        until("it has got the item", || puts.is_done());
        let sends = client.submit(move || send.send(8).unwrap());
        until("it has been sent", || sends.is_done());
        assert_eq!(*task.result().unwrap(), 15);
        drop((task, puts, sends));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_cycle_through_it_is_found() {
    watched(|| {
        let client = client_of(1);
        let given = client.variable::<TaskFuture<u8>>("given").unwrap();
        let gets = given.clone();
        let first = client.task("first").try_submit(move || {
            let second = gets.get()?;
            blocking(|| Ok::<u8, TaskError>(*second.result()?))
        });
        let waits = first.clone();
        let second = client
            .task("second")
            .try_submit(move || Ok::<u8, TaskError>(*waits.result()?));
        given.set(second.clone()).unwrap();
        let error = first.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        assert!(error.message().contains("first") && error.message().contains("second"));
        given.delete();
        drop((first, second));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_future_may_call_it() {
    watched(|| {
        let client = client_of(1);
        let (send, receive) = mpsc::channel();
        let receive = Mutex::new(receive);
        let waits = client.spawn(async move {
            give_way().await;
            let got: u8 = blocking(|| receive.lock().unwrap().recv().unwrap());
            give_way().await;
            got
        });
        let sends = client.spawn(async move { send.send(3).unwrap() });
        until("the other has run", || sends.is_done());
        assert_eq!(*waits.result().unwrap(), 3);
        drop((waits, sends));
        assert_nothing_left(&client);
    });
}

#[test]
fn hundreds_block_at_once_and_the_one_that_ends_it_runs() {
    watched(|| {
        let client = client_of(2);
        let barrier = Arc::new((Mutex::new(0), std::sync::Condvar::new()));
        let arrives = Arc::clone(&barrier);
        let tasks = client.map(0..400, move |_| {
            blocking(|| {
                let (count, bell) = &*arrives;
                let mut count = count.lock().unwrap();
                *count += 1;
                bell.notify_all();
                drop(bell.wait_while(count, |count| *count <= 400).unwrap());
            });
        });
        let last = client.task("last").priority(-1).submit(move || {
            let (count, bell) = &*barrier;
            let count = count.lock().unwrap();
            *bell.wait_while(count, |count| *count < 400).unwrap() += 1;
            bell.notify_all();
        });
        last.result().unwrap();
        tasks.iter().for_each(|task| *task.result().unwrap());
        drop((tasks, last));
        assert_nothing_left(&client);
    });
}

#[test]
fn on_a_deterministic_client_it_just_calls() {
    watched(|| {
        let client = Client::builder().deterministic(3).build().unwrap();
        let task = client.submit(|| {
            let inner = current().submit(|| 2);
            blocking(|| *inner.result().unwrap()) + 1
        });
        assert_eq!(*task.result().unwrap(), 3);
        drop(task);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_wait_on_another_executors_thread_ends() {
    watched(|| {
        let client = client_of(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        // What it waits for needs only our threads: the only thread of theirs may block.
        let hers = client.clone();
        let blocks = runtime.spawn(async move {
            let inner = hers.spawn(async {
                give_way().await;
                *current().submit(|| 1).await.unwrap()
            });
            *inner.result().unwrap()
        });
        assert_eq!(runtime.block_on(blocks).unwrap(), 1);
        // What it waits for needs theirs too: they must be told.
        let (hers, theirs) = (client.clone(), runtime.handle().clone());
        let blocks = runtime.spawn(async move {
            let inner = hers.spawn(async move { theirs.spawn(async { 2 }).await.unwrap() });
            tokio::task::block_in_place(|| *inner.result().unwrap())
        });
        assert_eq!(runtime.block_on(blocks).unwrap(), 2);
        // The last client of it dropped there waits for bodies, and ends.
        let last = client_of(1);
        let body = last.submit(|| 3);
        let drops = runtime.spawn(async move { drop(last) });
        runtime.block_on(drops).unwrap();
        assert!(body.is_done());
        assert_nothing_left(&client);
    });
}
