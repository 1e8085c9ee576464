//! More handles than a count has bits for, and destructors and closures that use the client.

use tenter::{Client, TaskFuture, current};

use crate::support::{
    Counts, Gate, Log, assert_nothing_left, assert_nothing_left_after, client_of, until, watched,
};

/// More than a node counts in its own word.
const MANY: usize = 1_200_000;

#[test]
fn a_handle_may_be_cloned_more_often_than_its_count_has_room_for() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let done = client.scatter(counts.counted());
        let clones: Vec<_> = (0..MANY).map(|_| done.clone()).collect();
        let gate = Gate::close(&client);
        let (kept, log) = (counts.counted(), Log::new());
        let wrote = log.clone();
        let queued = client.submit(move || {
            drop(kept);
            wrote.write(());
        });
        let more: Vec<_> = (0..MANY).map(|_| queued.clone()).collect();
        drop(clones);
        drop(more);
        assert_eq!(
            (counts.alive(), log.len()),
            (2, 0),
            "one handle of each is left"
        );
        drop(queued);
        until("nobody wants it", || counts.alive() == 1);
        gate.open();
        drop(done.take().expect("the only handle"));
        assert_eq!((counts.alive(), log.len()), (0, 0));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_may_have_more_dependents_than_its_count_has_room_for() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let hub = client.submit(|| 1u64);
        let rim: Vec<_> = (0..MANY)
            .map(|_| client.submit_with(&hub, |x| *x))
            .collect();
        drop(hub);
        gate.open();
        let sum: u64 = rim.iter().map(|task| *task.result().unwrap()).sum();
        assert_eq!(sum, MANY as u64);
        assert_nothing_left_after(&client, rim);
    });
}

/// Submits a task, and waits for it, when it is dropped.
struct Submits(Client, Log<u32>);

impl Drop for Submits {
    fn drop(&mut self) {
        let log = self.1.clone();
        self.0.submit(move || log.write(1)).result().unwrap();
    }
}

#[test]
fn a_destructor_may_submit_and_wait() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let log = Log::new();
            let value = Submits(client.clone(), log.clone());
            drop(client.scatter(value));
            let value = Submits(client.clone(), log.clone());
            client.submit(move || drop(value)).result().unwrap();
            let value = Submits(client.clone(), log.clone());
            let cancelled = client.submit_with(&client.submit(|| ()), move |()| drop(value));
            cancelled.cancel();
            drop(cancelled);
            until("each has run its task", || log.len() == 3);
            let value = Submits(client.clone(), log.clone());
            client.submit(move || value).detach();
            until("the last one, too", || log.len() == 4);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_task_may_own_the_last_client() {
    watched(|| {
        for _ in 0..100 {
            let client = client_of(2);
            let log = Log::new();
            let (gate, inner, wrote) = (Gate::close(&client), client.clone(), log.clone());
            let task = client.submit(move || {
                until("it is the last", || {
                    current().is_cancelled() || inner.stats().finished > 0
                });
                drop(inner);
                wrote.write(());
            });
            task.detach();
            drop(client);
            gate.open();
            until("it has ended", || log.len() == 1);
        }
    });
}

#[test]
fn handles_may_be_used_from_many_threads_at_once() {
    watched(|| {
        let client = client_of(2);
        for round in 0..200u64 {
            let task = client.submit(move || round);
            let threads: Vec<_> = (0..4u64).map(|k| use_it(task.clone(), k)).collect();
            drop(task);
            for thread in threads {
                assert_eq!(thread.join().unwrap(), round);
            }
        }
        assert_nothing_left(&client);
    });
}

fn use_it(task: TaskFuture<u64>, k: u64) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || match k {
        0 => *task.result().unwrap(),
        1 => task.then(|x| *x).take().unwrap(),
        2 => futures::executor::block_on(async { *task.await.unwrap() }),
        _ => {
            let mut all = tenter::as_completed([task.clone(), task]);
            drop(all.next().unwrap());
            *all.next().unwrap().result().unwrap()
        }
    })
}
