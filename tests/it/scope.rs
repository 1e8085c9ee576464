//! `Client::scope`: tasks that borrow have all ended when it returns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tenter::{Client, ErrorKind, TaskError, current};

use crate::support::{Counts, Gate, assert_nothing_left, client_of, until, watched};

fn on_few_threads(test: impl Fn(&Client) + Send + 'static) {
    watched(move || {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            test(&client);
            assert_nothing_left(&client);
        }
        let seeded = Client::builder().deterministic(7).build().unwrap();
        test(&seeded);
        assert_nothing_left(&seeded);
    });
}

#[test]
fn tasks_change_what_they_borrow() {
    on_few_threads(|client| {
        let mut numbers: Vec<u64> = (0..1000).collect();
        let offset = 5;
        client
            .scope(|s| {
                for chunk in numbers.chunks_mut(7) {
                    s.spawn(|| chunk.iter_mut().for_each(|x| *x += offset));
                }
            })
            .unwrap();
        assert_eq!(numbers, (5..1005).collect::<Vec<_>>());
    });
}

#[test]
fn results_may_borrow_and_are_read_inside() {
    on_few_threads(|client| {
        let text = "tenter keeps a cloth under tension".to_owned();
        let longest = client
            .scope(|s| {
                let words: Vec<_> = text.split(' ').map(|word| s.spawn(move || word)).collect();
                let words = words.iter().map(|word| *word.result().unwrap());
                words.max_by_key(|word| word.len()).map(str::to_owned)
            })
            .unwrap();
        assert_eq!(longest.unwrap(), "tension");
    });
}

#[test]
fn tasks_submit_into_the_scope() {
    on_few_threads(|client| {
        let count = AtomicUsize::new(0);
        client
            .scope(|s| {
                for _ in 0..10 {
                    s.spawn(|| {
                        for _ in 0..10 {
                            s.spawn(|| count.fetch_add(1, SeqCst));
                        }
                    });
                }
            })
            .unwrap();
        assert_eq!(count.load(SeqCst), 100);
    });
}

#[test]
fn a_scope_within_a_task_gives_its_place_up() {
    fn sum(client: &Client, numbers: &[u64]) -> Result<u64, TaskError> {
        if let [only] = numbers {
            return Ok(*only);
        }
        let (left, right) = numbers.split_at(numbers.len() / 2);
        client.scope(|s| {
            let left = s.spawn(|| sum(&current(), left));
            let right = sum(client, right)?;
            Ok(left.result()?.clone()? + right)
        })?
    }
    on_few_threads(|client| {
        let root = client.try_submit(|| sum(&current(), &(0..300).collect::<Vec<_>>()));
        assert_eq!(*root.result().unwrap(), 299 * 150);
    });
}

#[test]
fn a_panic_in_a_task_is_the_scopes_error_and_stops_no_other() {
    on_few_threads(|client| {
        let count = AtomicUsize::new(0);
        let error = client
            .scope(|s| {
                for k in 0..20 {
                    let count = &count;
                    s.spawn(move || {
                        assert_ne!(k, 3, "the third");
                        count.fetch_add(1, SeqCst);
                    });
                }
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert!(error.message().contains("the third"), "{error}");
        assert!(
            error
                .location()
                .is_some_and(|at| at.file().ends_with("scope.rs"))
        );
        assert_eq!(count.load(SeqCst), 19);
    });
}

#[test]
fn a_panic_in_the_closure_goes_on_when_all_tasks_have_ended() {
    on_few_threads(|client| {
        let counts = Counts::new();
        let ended = AtomicUsize::new(0);
        let panics = catch_unwind(AssertUnwindSafe(|| {
            client.scope(|s| {
                for _ in 0..20 {
                    let (counted, ended) = (counts.counted(), &ended);
                    s.spawn(move || {
                        std::thread::yield_now();
                        drop(counted);
                        ended.fetch_add(1, SeqCst);
                    });
                }
                panic!("in the closure");
            })
        }));
        let payload = panics.map(|_: Result<(), TaskError>| ()).unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"in the closure"));
        assert_eq!((counts.alive(), ended.load(SeqCst)), (0, 20));
    });
}

#[test]
fn a_cancelled_task_that_runs_is_waited_for() {
    watched(|| {
        let client = client_of(2);
        let (mut steps, running) = (0, AtomicUsize::new(0));
        let error = client
            .scope(|s| {
                let (steps, running) = (&mut steps, &running);
                let task = s.spawn(move || {
                    running.store(1, SeqCst);
                    until("it is told", || current().is_cancelled());
                    *steps += 1;
                });
                until("it runs", || running.load(SeqCst) == 1);
                task.cancel();
            })
            .unwrap_err();
        assert_eq!((error.kind(), steps), (ErrorKind::Cancelled, 1));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_task_cancelled_before_it_starts_lets_go_of_what_it_borrows() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let gate = Gate::close(&client);
        let ran = AtomicUsize::new(0);
        let error = client
            .scope(|s| {
                let (counted, ran) = (counts.counted(), &ran);
                let task = s.spawn(move || {
                    drop(counted);
                    ran.fetch_add(1, SeqCst)
                });
                task.cancel();
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!((ran.load(SeqCst), counts.alive()), (0, 0));
        gate.open();
        assert_nothing_left(&client);
    });
}

#[test]
fn closing_ends_a_scope() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let gate = Gate::close(&client);
        let error = client
            .scope(|s| {
                for _ in 0..10 {
                    let counted = counts.counted();
                    s.spawn(move || drop(counted));
                }
                drop(client.close(Duration::ZERO));
                let late = s.spawn(|| counts.alive());
                assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(counts.alive(), 0);
        gate.open();
    });
}

#[test]
fn a_destructor_that_panics_keeps_no_scope_waiting() {
    struct Panics<'a>(&'a AtomicUsize);
    impl Drop for Panics<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            panic!("in a destructor");
        }
    }
    watched(|| {
        let client = client_of(1);
        let dropped = AtomicUsize::new(0);
        let gate = Gate::close(&client);
        let error = client
            .scope(|s| {
                let panics = Panics(&dropped);
                s.spawn(move || drop(panics)).cancel();
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(dropped.load(SeqCst), 1);
        gate.open();
        let error = client
            .scope(|s| {
                let panics = Panics(&dropped);
                s.spawn(move || drop(panics));
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(dropped.load(SeqCst), 2);
        assert_nothing_left(&client);
    });
}

/// It leaks what the task had, and no more.
#[test]
fn a_forgotten_handle_does_not_shorten_the_wait() {
    watched(|| {
        let client = client_of(2);
        let mut value = 1;
        client
            .scope(|s| std::mem::forget(s.spawn(|| value += 1)))
            .unwrap();
        assert_eq!(value, 2);
    });
}

#[test]
fn an_empty_scope_gives_the_closures_value() {
    on_few_threads(|client| {
        let before = client.stats().submitted;
        assert_eq!(client.scope(|_| 17).unwrap(), 17);
        assert_eq!(client.stats().submitted, before);
    });
}

/// A cancelled task is settled at once, so nothing but the end of the scope waits for its body.
#[test]
fn a_body_that_is_cancelled_and_blocked_has_its_turn_to_end() {
    watched(|| {
        for seed in 0..8 {
            let client = Client::builder().deterministic(seed).build().unwrap();
            let outer = client.submit(|| {
                let client = current();
                let (started, go) = (client.event("started"), client.event("go"));
                let mut ended = false;
                let scope = client.scope(|s| {
                    let body = s.spawn(|| {
                        started.set();
                        ended = go.wait().is_ok();
                    });
                    started.wait().unwrap();
                    body.cancel();
                    go.set();
                });
                (ended, scope.unwrap_err().kind())
            });
            assert_eq!(*outer.result().unwrap(), (true, ErrorKind::Cancelled));
        }
    });
}
