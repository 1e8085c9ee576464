//! Tasks that run again: after an error, after a panic, and because they ask for it.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tenter::{Client, ErrorKind, Reschedule, Status, TaskFuture, attempt, current};

use crate::support::{
    Counted, Counts, Gate, Log, assert_nothing_left, assert_nothing_left_after, client_of, until,
    watched,
};

/// A task that gives an error, another one, then 42.
fn third_time_lucky(client: &Client, retries: u32) -> TaskFuture<i32> {
    let task = client.task("lucky").retries(retries);
    task.try_submit(|| match attempt() {
        1 => Err("E1"),
        2 => Err("E2"),
        _ => Ok(42),
    })
}

#[test]
fn a_task_is_tried_again_as_often_as_it_was_said() {
    watched(|| {
        let client = client_of(2);
        for (retries, expected) in [(3, Ok(42)), (2, Ok(42)), (1, Err("E2")), (0, Err("E1"))] {
            let task = third_time_lucky(&client, retries);
            let result = task.result().copied();
            assert_eq!(
                result.as_ref().map_err(|error| error.message()),
                expected.as_ref().map_err(|e| *e)
            );
            if let Err(error) = result {
                assert_eq!((error.kind(), error.task()), (ErrorKind::Failed, "lucky"));
            }
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn a_panic_is_tried_again_like_an_error() {
    watched(|| {
        let client = client_of(1);
        let task = client.task("jumpy").retries(2).submit(|| match attempt() {
            3 => "landed",
            other => panic!("fell {other} times"),
        });
        assert_eq!(*task.result().unwrap(), "landed");
        let never = client
            .task("fallen")
            .retries(1)
            .submit(|| -> u8 { panic!("fell {}", attempt()) });
        let error = never.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Panicked, "fell 2")
        );
        assert_eq!(
            client.stats().failed,
            1,
            "only the last attempt's end counts"
        );
        assert_nothing_left_after(&client, (task, never));
    });
}

#[test]
fn the_number_of_the_attempt_is_known_inside_of_tasks_alone() {
    watched(|| {
        let client = client_of(1);
        assert_eq!(attempt(), 0);
        assert_eq!(*client.submit(attempt).result().unwrap(), 1);
        assert_eq!(
            *client
                .task("named")
                .timeout(Duration::MAX)
                .submit(attempt)
                .result()
                .unwrap(),
            1
        );
        // A body that helps with another sees its own number again afterwards.
        let outer = client.task("outer").retries(1).try_submit(|| {
            let inner = *current().submit(attempt).result().unwrap();
            match attempt() {
                1 => Err("once more"),
                own => Ok((inner, own)),
            }
        });
        assert_eq!(*outer.result().unwrap(), (1, 2));
        assert_eq!(attempt(), 0);
    });
}

#[test]
fn every_attempt_is_lent_the_inputs() {
    watched(|| {
        let client = client_of(2);
        let counts = Counts::new();
        let counted = counts.counted();
        let one = client.submit(move || counted);
        let many: Vec<_> = (0..20).map(|i| client.submit(move || i)).collect();
        let sum = client.task("sum").retries(4).try_submit_with(
            (&one, (&many[0], &many)),
            |(one, (first, many)): (&Counted, (&i32, Vec<&i32>))| {
                let _: &Counted = one;
                let sum = many.into_iter().sum::<i32>() + first;
                if attempt() < 5 {
                    Err(format!("{sum}"))
                } else {
                    Ok(sum)
                }
            },
        );
        let plain = client.task("plain").retries(1).submit_with(&many, |many| {
            assert!(attempt() == 2, "the first attempt fails");
            many.len()
        });
        drop(one);
        assert_eq!(
            (*sum.result().unwrap(), *plain.result().unwrap()),
            (190, 20)
        );
        until("the input is let go", || counts.alive() == 0);
        assert_eq!(counts.clones(), 0);
        drop((sum, plain, many));
        assert_nothing_left(&client);
    });
}

#[test]
fn options_come_before_and_after_retries() {
    watched(|| {
        let client = client_of(1);
        let task = client
            .task("both")
            .key("before")
            .retries(9)
            .retries(1)
            .priority(3)
            .key(("after", 1));
        let task = task.try_submit(|| if attempt() < 3 { Err("again") } else { Ok(()) });
        assert_eq!(task.key().unwrap().to_string(), "after-1");
        assert_eq!(task.result().unwrap_err().message(), "again");
        let known = client
            .task("both")
            .key(("after", 1))
            .retries(5)
            .submit(|| ());
        assert!(known == task, "a known key makes no new task");
        assert_nothing_left_after(&client, (task, known));
    });
}

#[test]
fn a_cancelled_task_is_not_tried_again() {
    watched(|| {
        let client = client_of(1);
        let (open, opened) = mpsc::channel::<()>();
        let (runs, opened) = (Log::new(), Mutex::new(opened));
        let log = runs.clone();
        let task = client.task("doomed").retries(100).submit(move || {
            log.write(attempt());
            let _ = opened.lock().unwrap().recv();
            panic!("in attempt {}", attempt());
        });
        let after = task.clone().then(|()| ());
        until("it runs", || runs.len() == 1);
        task.cancel();
        drop(open);
        assert_eq!(*client.submit(|| 5).result().unwrap(), 5);
        assert_eq!((task.status(), runs.read()), (Status::Cancelled, vec![1]));
        assert_eq!(task.result().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(after.result().unwrap_err().task(), "doomed");
        assert_nothing_left_after(&client, (task, after));
    });
}

#[test]
fn a_task_that_nobody_wants_any_more_is_not_tried_again() {
    watched(|| {
        let client = client_of(1);
        let runs = Log::new();
        let log = runs.clone();
        let task = client
            .task("unwanted")
            .retries(u32::MAX)
            .try_submit(move || {
                log.write(attempt());
                until("nobody wants it", || current().is_cancelled());
                Err::<(), _>("failed")
            });
        until("it runs", || runs.len() == 1);
        drop(task);
        assert_nothing_left(&client);
        assert_eq!(runs.read(), [1]);
    });
}

#[test]
fn a_task_whose_client_closes_is_not_tried_again() {
    watched(|| {
        let client = client_of(1);
        let runs = Log::new();
        let log = runs.clone();
        let task = client.task("late").retries(u32::MAX).try_submit(move || {
            log.write(attempt());
            until("the client closes", || current().is_cancelled());
            Err::<(), _>(format!("failed in attempt {}", attempt()))
        });
        until("it runs", || runs.len() == 1);
        assert!(client.close(Duration::from_secs(100)).is_clean());
        assert_eq!(task.result().unwrap_err().message(), "failed in attempt 1");
        let refused = client.task("refused").retries(3).submit(|| 1);
        assert_eq!(refused.result().unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_rescheduled_task_goes_behind_what_is_queued() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let (log, counts) = (Log::new(), Counts::new());
        let counted = counts.counted();
        let input = client.scatter(counted);
        let (writer, other) = (log.clone(), log.clone());
        let patient =
            client
                .task("patient")
                .retries(0)
                .try_submit_with(&input, move |input: &Counted| {
                    let _: &Counted = input;
                    writer.write(format!("attempt {}", attempt()));
                    if writer.len() < 4 {
                        Err(Reschedule)
                    } else {
                        Ok(writer.len())
                    }
                });
        drop(input);
        let others: Vec<_> = (0..2)
            .map(|k| {
                let log = other.clone();
                client.submit(move || log.write(format!("other {k}")))
            })
            .collect();
        gate.open();
        assert_eq!(*patient.result().unwrap(), 4);
        assert_eq!(log.read(), ["attempt 1", "other 0", "other 1", "attempt 1"]);
        until("the input is let go", || counts.alive() == 0);
        assert_eq!(patient.status(), Status::Finished);
        assert_nothing_left_after(&client, (patient, others));
    });
}

#[test]
fn a_task_that_waits_for_a_rescheduled_one_lets_others_run() {
    watched(|| {
        let client = client_of(1);
        let done = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&done);
        // The inner task is run by whoever waits for it, and again only after what is queued behind its waiter.
        let outer =
            client.submit(move || {
                let inner = current().task("inner").retries(0).try_submit(move || {
                    match seen.load(SeqCst) {
                        0 => Err(Reschedule),
                        done => Ok(done),
                    }
                });
                *inner.result().unwrap()
            });
        let other = client.submit(move || done.fetch_add(7, SeqCst));
        assert_eq!(*outer.result().unwrap(), 7);
        assert_nothing_left_after(&client, (outer, other));
    });
}

#[test]
fn rescheduling_uses_up_no_retry_and_a_retry_follows_it() {
    watched(|| {
        let client = client_of(2);
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let task = client.task("mixed").retries(1).try_submit(
            move || -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
                match count.fetch_add(1, SeqCst) {
                    0..10 => Err(Reschedule.into()),
                    10 => Err("failed".into()),
                    11..20 => Err(Reschedule.into()),
                    _ => Ok(attempt()),
                }
            },
        );
        assert_eq!((*task.result().unwrap(), calls.load(SeqCst)), (2, 21));
        assert_nothing_left_after(&client, task);
    });
}

#[test]
fn a_rescheduled_task_that_nobody_wants_is_not_run_again() {
    watched(|| {
        let client = client_of(1);
        let runs = Log::new();
        let log = runs.clone();
        let task = client.task("again").retries(0).try_submit(move || {
            log.write(());
            Err::<(), _>(Reschedule)
        });
        until("it has run more than once", || runs.len() > 3);
        drop(task);
        assert_nothing_left(&client);
        let before = runs.len();
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
        assert_eq!(runs.len(), before);
    });
}

#[test]
fn asking_to_be_rescheduled_without_retries_is_an_error_that_says_so() {
    let client = Client::new().unwrap();
    let task = client.task("once").try_submit(|| Err::<(), _>(Reschedule));
    let error = task.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().contains(".retries(0)"), "{error}");
    assert_eq!(error.downcast_ref::<Reschedule>(), Some(&Reschedule));
}

/// The calls of tasks that fail, then are rescheduled, then give their number, in the order in which they came.
fn replayed(seed: u64) -> Vec<(i32, u32)> {
    let client = Client::builder()
        .threads(2)
        .deterministic(seed)
        .build()
        .unwrap();
    let log = Log::new();
    let written = log.clone();
    let all = client.submit(move || {
        let client = current();
        let submit = |k| {
            let (log, calls) = (written.clone(), AtomicUsize::new(0));
            client.task("replayed").retries(1).try_submit(move || {
                log.write((k, attempt()));
                match calls.fetch_add(1, SeqCst) {
                    0 => Err(Box::<dyn std::error::Error + Send + Sync>::from("failed")),
                    1 => Err(Reschedule.into()),
                    _ => Ok(k),
                }
            })
        };
        let tasks: Vec<_> = (0..6).map(submit).collect();
        tasks.iter().map(|task| task.result().unwrap()).sum::<i32>()
    });
    assert_eq!(*all.result().unwrap(), 15);
    assert_nothing_left_after(&client, all);
    log.read()
}

#[test]
fn attempts_are_replayed_from_a_seed() {
    watched(|| {
        let first = replayed(7);
        assert_eq!(first, replayed(7));
        assert_eq!(first.len(), 18);
        assert!(
            (0..20).any(|seed| replayed(seed) != first),
            "the seed decides"
        );
    });
}

/// Panics when it is dropped.
struct Thorn(Arc<AtomicUsize>);

impl Drop for Thorn {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        panic!("a destructor of the test panics, as it should");
    }
}

#[test]
fn a_kept_closure_is_dropped_once_and_may_panic_then() {
    watched(|| {
        let client = client_of(1);
        let drops = Arc::new(AtomicUsize::new(0));
        let thorn = Thorn(Arc::clone(&drops));
        let task = client.task("thorny").retries(3).try_submit(move || {
            let _: &Thorn = &thorn;
            Err::<(), _>("failed")
        });
        assert_eq!(task.result().unwrap_err().message(), "failed");
        assert_eq!(drops.load(SeqCst), 0);
        assert_nothing_left_after(&client, task);
        assert_eq!(drops.load(SeqCst), 1);
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
    });
}
