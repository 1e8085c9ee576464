//! Making failed tasks anew, and what failed through them.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tenter::{Client, ErrorKind, Status, TaskFuture};

use crate::support::{
    Counted, Counts, Gate, Log, assert_nothing_left, assert_nothing_left_after, client_of, until,
    watched,
};

/// Something that has to be mended before the tasks that need it succeed.
#[derive(Clone, Default)]
struct Machine {
    works: Arc<AtomicBool>,
    uses: Arc<AtomicUsize>,
}

impl Machine {
    fn mend(&self) {
        self.works.store(true, SeqCst);
    }

    fn uses(&self) -> usize {
        self.uses.load(SeqCst)
    }

    /// A task that needs it and keeps its closure.
    fn task(&self, client: &Client, name: &str) -> TaskFuture<i32> {
        let machine = self.clone();
        client
            .task(name)
            .retries(0)
            .try_submit(move || machine.use_it())
    }

    fn use_it(&self) -> Result<i32, String> {
        let uses = self.uses.fetch_add(1, SeqCst) + 1;
        if self.works.load(SeqCst) {
            Ok(10)
        } else {
            Err(format!("broken at use {uses}"))
        }
    }
}

#[test]
fn a_failed_task_is_made_anew() {
    watched(|| {
        let client = client_of(2);
        let machine = Machine::default();
        let first = machine.task(&client, "root");
        assert_eq!(first.result().unwrap_err().message(), "broken at use 1");
        let second = first.retry().unwrap();
        assert_eq!(second.result().unwrap_err().message(), "broken at use 2");
        assert!(second != first);
        machine.mend();
        let third = second.retry().unwrap();
        assert_eq!(
            (*third.result().unwrap(), third.name().as_str()),
            (10, "root")
        );
        assert_eq!(first.status(), Status::Failed, "what is settled stays");
        assert_eq!(first.result().unwrap_err().message(), "broken at use 1");
        assert_nothing_left_after(&client, (first, second, third));
    });
}

#[test]
fn what_failed_through_it_is_made_anew_with_it_and_nothing_else() {
    watched(|| {
        let client = client_of(2);
        let (machine, runs) = (Machine::default(), Log::new());
        let root = machine.task(&client, "root");
        let log = runs.clone();
        let good = client.submit(move || {
            log.write("good");
            5
        });
        let log = runs.clone();
        let sum = client
            .task("sum")
            .priority(2)
            .submit_with((&root, &good), move |(a, b)| {
                log.write("sum");
                a + b
            });
        let owned = String::from("the sum is ");
        let text = sum.clone().then(move |sum| owned + &sum.to_string());
        let error = text.result().unwrap_err();
        assert_eq!((error.task(), error.message()), ("root", "broken at use 1"));
        machine.mend();
        drop(good);
        let again = text.retry().unwrap();
        assert_eq!(again.result().unwrap(), "the sum is 15");
        assert_eq!((machine.uses(), runs.read()), (2, vec!["good", "sum"]));
        assert_eq!(
            *sum.retry().unwrap().result().unwrap(),
            15,
            "it is the one made before"
        );
        assert_eq!(*root.retry().unwrap().result().unwrap(), 10);
        assert_eq!(machine.uses(), 2);
        assert_nothing_left_after(&client, (root, sum, text, again));
    });
}

#[test]
fn tasks_that_share_a_failed_input_share_the_new_one() {
    watched(|| {
        let client = client_of(2);
        let (left, right) = (Machine::default(), Machine::default());
        let a = left.task(&client, "a");
        let b = right.task(&client, "b");
        let ab = client.submit_with((&a, &b), |(a, b)| a + b);
        let aa = client.submit_with((&a, &a, &ab), |(x, y, z)| x + y + z);
        let alone = a.clone().then(|a| a * 100);
        assert!(aa.result().is_err() && alone.result().is_err());
        until("both have failed", || a.is_done() && b.is_done());
        left.mend();
        right.mend();
        let all = aa.retry().unwrap();
        assert_eq!(*all.result().unwrap(), 40);
        assert_eq!(*alone.retry().unwrap().result().unwrap(), 1000);
        assert_eq!((left.uses(), right.uses()), (2, 2));
        assert_nothing_left_after(&client, (a, b, ab, aa, alone, all));
    });
}

#[test]
fn retrying_what_has_not_failed_is_harmless() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let queued = client.task("once").submit(|| 7);
        let waiting = queued.clone().then(|x| x + 1);
        assert!(queued.retry().unwrap() == queued && waiting.retry().unwrap() == waiting);
        gate.open();
        assert_eq!(*waiting.result().unwrap(), 8);
        let again = waiting.retry().unwrap();
        assert!(again == waiting && queued.retry().unwrap() == queued);
        let scattered = client.scatter(3);
        assert_eq!(*scattered.retry().unwrap().result().unwrap(), 3);
        assert_eq!(client.stats().started, 3, "the gate and two tasks");
        assert_nothing_left_after(&client, (queued, waiting, again, scattered));
    });
}

#[test]
fn a_root_whose_closure_is_gone_is_named() {
    watched(|| {
        let client = client_of(1);
        let once = client.task("once").try_submit(|| Err::<i32, _>("no luck"));
        let after = client
            .task("after")
            .retries(5)
            .submit_with(&once, |x| x + 1);
        let last = after.clone().then(|x| x + 1);
        last.result().unwrap_err();
        for refused in [once.retry(), after.retry(), last.retry()] {
            let error = refused.unwrap_err();
            assert_eq!((error.task(), error.error().message()), ("once", "no luck"));
            let text = error.to_string();
            assert_eq!(
                text,
                "task `once` cannot be run again: its closure is gone: `.retries(0)` or more at its submit keeps it; a future is spawned again"
            );
            assert!(std::error::Error::source(&error).is_some());
        }
        assert_nothing_left_after(&client, (once, after, last));
    });
}

#[test]
fn one_root_that_cannot_be_made_anew_leaves_all_as_it_is() {
    watched(|| {
        let client = client_of(1);
        let machine = Machine::default();
        let kept = machine.task(&client, "kept");
        let both = |other: &TaskFuture<i32>| client.submit_with((&kept, other), |(a, b)| a + b);
        kept.result().unwrap_err();
        let gate = Gate::close(&client);
        let gone = client.task("gone").try_submit(|| Err::<i32, _>("no luck"));
        let cut = client.task("cut").retries(0).submit(|| 1);
        let (with_gone, with_cut) = (both(&gone), both(&cut));
        assert_eq!(with_gone.status(), Status::Failed);
        cut.cancel();
        gate.open();
        gone.result().unwrap_err();
        machine.mend();
        assert_eq!(with_gone.retry().unwrap_err().task(), "gone");
        let error = with_cut.retry().unwrap_err();
        assert_eq!(
            (error.task(), error.error().kind()),
            ("cut", ErrorKind::Cancelled)
        );
        assert!(
            error
                .to_string()
                .ends_with("it was cancelled, which is for good: submit it again"),
            "{error}"
        );
        assert_eq!(machine.uses(), 1);
        assert_eq!(*kept.retry().unwrap().result().unwrap(), 10);
        assert_nothing_left_after(&client, (kept, gone, cut, with_gone, with_cut));
    });
}

#[test]
fn the_key_names_the_new_task() {
    watched(|| {
        let client = client_of(1);
        let machine = Machine::default();
        let copy = machine.clone();
        let first = client
            .task("keyed")
            .pure("k")
            .retries(0)
            .try_submit(move || copy.use_it());
        let after = client
            .task("after")
            .key("after")
            .submit_with(&first, |x| x + 1);
        after.result().unwrap_err();
        assert!(
            client.task("same").key("k").submit(|| 0) == first,
            "an error is found by its key too"
        );
        machine.mend();
        let gate = Gate::close(&client);
        let second = after.retry().unwrap();
        assert_eq!(
            (second.key(), second.status()),
            (after.key(), Status::Waiting)
        );
        assert!(client.task("same").key("after").submit(|| 0) == second);
        let root = client.task("same").key("k").submit(|| 0);
        assert!(root != first && root == first.retry().unwrap());
        gate.open();
        assert_eq!(
            (*second.result().unwrap(), *root.result().unwrap()),
            (11, 10)
        );
        drop((first, after));
        assert!(
            client.task("same").key("after").submit(|| 0) == second,
            "the end of the old one changes nothing"
        );
        assert_nothing_left_after(&client, (second, root));
    });
}

#[test]
fn a_key_that_has_got_another_task_meanwhile_gives_that_one() {
    watched(|| {
        let client = client_of(1);
        let slow = client
            .task("slow")
            .key("k")
            .retries(0)
            .timeout(Duration::ZERO)
            .submit(|| 1);
        assert_eq!(slow.result().unwrap_err().kind(), ErrorKind::TimedOut);
        // Its key was free with its end.
        let new = client.task("new").key("k").submit(|| 2);
        let again = slow.retry().unwrap();
        assert!(again == new);
        drop((slow, again, new));
        let other = client.task("other").key("k").submit(|| "another type");
        let slow = client
            .task("slow")
            .key("l")
            .retries(0)
            .timeout(Duration::ZERO)
            .submit(|| 1);
        slow.result().unwrap_err();
        let typed = client.task("typed").key("l").submit(|| "another type");
        let unkeyed = slow.retry().unwrap();
        assert_eq!(
            (unkeyed.key(), unkeyed.result().unwrap_err().kind()),
            (None, ErrorKind::TimedOut)
        );
        assert_nothing_left_after(&client, (slow, other, typed, unkeyed));
    });
}

#[test]
fn what_timed_out_is_made_anew_while_its_body_still_runs() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let input = client.scatter(counts.counted());
        let (open, opened) = mpsc::channel::<()>();
        let opened = std::sync::Mutex::new(Some(opened));
        let task = client
            .task("stuck")
            .timeout(Duration::from_millis(200))
            .retries(0)
            .submit_with(&input, move |_| {
                let first = opened.lock().unwrap().take();
                if let Some(opened) = first {
                    let _ = opened.recv();
                }
                4
            });
        drop(input);
        let after = task.clone().then(|x| x + 1);
        assert_eq!(after.result().unwrap_err().kind(), ErrorKind::TimedOut);
        let mut again = after.retry().unwrap();
        // The machine may give an attempt no time.
        while again.result().is_err() {
            again = again.retry().unwrap();
        }
        assert_eq!(*again.result().unwrap(), 5);
        drop(open);
        assert_nothing_left_after(&client, (task, after, again));
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn a_failed_task_keeps_what_it_needs_as_long_as_it_has_a_handle() {
    watched(|| {
        let client = client_of(1);
        let (counts, machine) = (Counts::new(), Machine::default());
        let (value, captured) = (counts.counted(), counts.counted());
        let input = client.scatter(value);
        let copy = machine.clone();
        let root = client
            .task("root")
            .retries(0)
            .try_submit_with(&input, move |_| copy.use_it());
        // A handle moved in is the last one: made anew, the task is still given the value itself.
        let after = client.submit_with((input, &root), move |(value, _): (Counted, _)| {
            drop(captured);
            value
        });
        after.result().unwrap_err();
        assert_eq!(counts.alive(), 2);
        machine.mend();
        let again = after.retry().unwrap();
        drop((after, root));
        let value = again.take().unwrap();
        assert_nothing_left(&client);
        assert_eq!(counts.alive(), 1);
        drop(value);
        let root = machine_free_root(&client, counts.counted());
        root.result().unwrap_err();
        let unrun = root.then(move |()| ());
        unrun.result().unwrap_err();
        assert_eq!(counts.alive(), 1);
        assert_nothing_left_after(&client, unrun);
        assert_eq!(
            counts.alive(),
            0,
            "never retried, all of it goes with the handle"
        );
    });
}

/// A task that always fails and keeps its closure, and with it this.
fn machine_free_root(client: &Client, counted: Counted) -> TaskFuture<()> {
    client.task("root").retries(0).try_submit(move || {
        let _: &Counted = &counted;
        Err("always")
    })
}

#[test]
fn a_retry_fails_again_as_often_as_the_root_does() {
    watched(|| {
        let client = client_of(2);
        let machine = Machine::default();
        let last = machine
            .task(&client, "root")
            .then(|x| x + 1)
            .then(|x| x + 1);
        last.result().unwrap_err();
        for uses in 2..50 {
            let failed = last.retry().unwrap();
            let text = failed.result().unwrap_err().message().to_owned();
            assert_eq!(text, format!("broken at use {uses}"));
        }
        machine.mend();
        let again = last.retry().unwrap();
        assert_eq!(*again.result().unwrap(), 12);
        assert_nothing_left_after(&client, (last, again));
    });
}

#[test]
fn a_chain_of_a_hundred_thousand_is_made_anew() {
    watched(|| {
        const LINKS: usize = 100_000;
        let client = client_of(2);
        let machine = Machine::default();
        let mut last = machine.task(&client, "root").then(|x| *x as usize);
        for _ in 0..LINKS {
            last = last.then(|x| x + 1);
        }
        assert_eq!(last.result().unwrap_err().task(), "root");
        machine.mend();
        let again = last.retry().unwrap();
        assert_eq!(*again.result().unwrap(), LINKS + 10);
        drop(last);
        assert_nothing_left_after(&client, again);
        // Failed and never retried: what it keeps goes without recursion too.
        let broken = Machine::default();
        let mut last = broken.task(&client, "root").then(|x| *x as usize);
        for _ in 0..LINKS {
            last = last.then(|x| x + 1);
        }
        last.result().unwrap_err();
        assert_nothing_left_after(&client, last);
    });
}

#[test]
fn a_task_that_has_anothers_result_is_made_anew() {
    watched(|| {
        let client = client_of(1);
        let machine = Machine::default();
        let copy = machine.clone();
        let outer = client.submit(move || copy.task(&tenter::current(), "inner"));
        let flat = outer.flatten();
        let after = flat.clone().then(|x| x + 1);
        assert_eq!(after.result().unwrap_err().task(), "inner");
        machine.mend();
        let again = after.retry().unwrap();
        assert_eq!((*again.result().unwrap(), machine.uses()), (11, 2));
        assert_eq!(*flat.retry().unwrap().result().unwrap(), 10);
        assert_nothing_left_after(&client, (flat, after, again));
    });
}

#[test]
fn many_threads_retry_the_same_task_and_get_one() {
    watched(|| {
        let client = client_of(2);
        for _ in 0..50 {
            let machine = Machine::default();
            let root = machine.task(&client, "root");
            let handles: Vec<_> = (0..4).map(|k| root.clone().then(move |x| x + k)).collect();
            handles
                .iter()
                .for_each(|handle| drop(handle.result().unwrap_err()));
            machine.mend();
            let sums: Vec<i32> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|k| {
                        let handles = &handles;
                        scope.spawn(move || {
                            let all = handles
                                .iter()
                                .map(|handle| *handle.retry().unwrap().result().unwrap());
                            all.sum::<i32>() + k
                        })
                    })
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .collect()
            });
            assert_eq!((sums, machine.uses()), (vec![46, 47, 48, 49], 2));
            drop((root, handles));
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn dependents_that_fail_while_they_are_submitted_keep_their_closures_too() {
    watched(|| {
        let client = client_of(2);
        for _ in 0..300 {
            let machine = Machine::default();
            let inputs: Vec<_> = (0..8).map(|_| machine.task(&client, "root")).collect();
            let sum = client.submit_with(&inputs, |inputs| inputs.into_iter().sum::<i32>());
            drop(inputs);
            sum.result().unwrap_err();
            machine.mend();
            let mut again = sum.retry().unwrap();
            // Some may have failed only now.
            while again.result().is_err() {
                again = again.retry().unwrap();
            }
            assert_eq!(*again.result().unwrap(), 80);
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn nothing_is_made_anew_by_a_closed_client() {
    watched(|| {
        let client = client_of(1);
        let machine = Machine::default();
        let root = machine.task(&client, "root");
        root.result().unwrap_err();
        assert!(client.close(Duration::from_secs(100)).is_clean());
        let error = root.retry().unwrap_err();
        assert_eq!(
            error.to_string(),
            "task `root` cannot be run again: the client is closed: start another one"
        );
        let refused = client.task("refused").retries(0).submit(|| 1);
        assert_eq!(
            refused.retry().unwrap_err().error().kind(),
            ErrorKind::Closed
        );
        assert_eq!(machine.uses(), 1);
    });
}

#[test]
fn a_handle_that_is_retried_again_and_again_keeps_the_newest_task_alone() {
    watched(|| {
        let client = client_of(1);
        let first = client
            .task("bad")
            .retries(0)
            .try_submit(|| Err::<(), _>("bad"));
        for _ in 0..1000 {
            assert!(first.result().is_err());
            assert!(first.retry().unwrap().result().is_err());
        }
        until("the others are freed", || client.stats().live <= 2);
        assert_nothing_left_after(&client, first);
    });
}

#[test]
fn a_task_is_not_made_anew_as_one_that_failed_through_it() {
    watched(|| {
        let client = client_of(1);
        let broken = Arc::new(AtomicBool::new(true));
        let breaks = Arc::clone(&broken);
        let first = client
            .task("first")
            .key("key")
            .retries(0)
            .try_submit(move || {
                if breaks.load(SeqCst) {
                    Err("broken")
                } else {
                    Ok(1)
                }
            });
        assert!(first.result().is_err());
        client.restart(); // The key is free.
        let through = client
            .task("through")
            .key("key")
            .retries(0)
            .submit_with(&first, |x| x + 1);
        assert!(through.result().is_err());
        broken.store(false, SeqCst);
        assert_eq!(*first.retry().unwrap().result().unwrap(), 1);
        assert_eq!(*through.retry().unwrap().result().unwrap(), 2);
        assert_nothing_left_after(&client, (first, through));
    });
}
