//! Transitions: the story that is kept and the observer that is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;

use tenter::{Client, Status, TaskFuture, TaskId, Transition, current};

use crate::support::{Gate, Log, assert_nothing_left, assert_nothing_left_after, until, watched};

fn client_with_story(threads: usize, length: usize) -> Client {
    let builder = Client::builder().threads(threads).story(length);
    builder.build().expect("threads are to be had")
}

/// The steps of a key as words, without the name.
fn steps(client: &Client, key: &'static str) -> Vec<String> {
    let story = client.story(key);
    assert!(story.iter().all(|step| step.key() == Some(&key.into())));
    let words = |step: &Transition| {
        let text = step.to_string();
        let (name, words) = text.rsplit_once(": ").expect("a name and two words");
        assert_eq!(name, format!("`{}` (key {key})", step.name()));
        words.to_owned()
    };
    story.iter().map(words).collect()
}

#[test]
fn a_story_tells_a_life_from_submit_to_forgotten() {
    watched(|| {
        let client = client_with_story(1, 100);
        let gate = Gate::close(&client);
        let a = client.task("a").key("a").submit(|| 1);
        let b = client.task("b").key("b").submit_with(&a, |a| a + 1);
        let same = client.task("b").key("b").submit(|| 0);
        gate.open();
        assert_eq!((*b.result().unwrap(), *same.result().unwrap()), (2, 2));
        drop((a, same));
        let life = [
            "new -> waiting",
            "waiting -> queued",
            "queued -> running",
            "running -> finished",
        ];
        assert_eq!(steps(&client, "b"), life);
        let id = b.id();
        assert!(
            client
                .story("b")
                .iter()
                .all(|step| step.id() == id && step.name() == "b")
        );
        drop(b);
        until("both are forgotten", || {
            forgotten(&client.transitions()) >= 2
        });
        assert_eq!(steps(&client, "b").last().unwrap(), "finished -> forgotten");
        assert_eq!(
            steps(&client, "a"),
            [
                "new -> queued",
                "queued -> running",
                "running -> finished",
                "finished -> forgotten"
            ]
        );
        assert_eq!(client.story("unknown").len(), 0);
    });
}

#[test]
fn a_story_tells_of_failures_and_cancels() {
    watched(|| {
        let client = client_with_story(1, 100);
        let running = client.task("r").key("r").submit(|| {
            until("it is cancelled", || current().is_cancelled());
        });
        until("it runs", || running.status() == Status::Running);
        let queued = client.task("q").key("q").submit(|| 1);
        let waiting = client.task("w").key("w").submit_with(&queued, |q| *q);
        let bad = client
            .task("bad")
            .key("bad")
            .submit(|| -> u8 { panic!("so it is") });
        let heir = client.task("heir").key("heir").submit_with(&bad, |x| *x);
        waiting.cancel();
        queued.cancel();
        assert_eq!(
            steps(&client, "q"),
            ["new -> queued", "queued -> cancelled"]
        );
        assert_eq!(
            steps(&client, "w"),
            ["new -> waiting", "waiting -> cancelled"]
        );
        running.cancel();
        let stopped = ["new -> queued", "queued -> running", "running -> cancelled"];
        assert_eq!(steps(&client, "r"), stopped);
        assert!(heir.result().is_err());
        assert_eq!(
            steps(&client, "heir"),
            ["new -> waiting", "waiting -> failed"]
        );
        assert_eq!(steps(&client, "bad").last().unwrap(), "running -> failed");
        drop((running, queued, waiting, bad, heir));
        until("all are forgotten", || {
            forgotten(&client.transitions()) == 5
        });
        assert_eq!(
            steps(&client, "r").last().unwrap(),
            "cancelled -> forgotten"
        );
        assert_eq!(
            steps(&client, "heir").last().unwrap(),
            "failed -> forgotten"
        );
    });
}

#[test]
fn a_value_that_is_given_and_a_task_put_back_are_told_of() {
    watched(|| {
        let client = client_with_story(1, 100);
        let given = client.scatter(5);
        let flat = client.submit(|| current().submit(|| 1)).flatten();
        flat.result().unwrap();
        let of = |id: TaskId| -> Vec<_> {
            let story = client.transitions().into_iter();
            let steps = story.filter(|step| step.id() == id);
            steps.map(|step| (step.from(), step.to())).collect()
        };
        assert_eq!(of(given.id()), [(None, Some(Status::Finished))]);
        let put_back = (Some(Status::Running), Some(Status::Waiting));
        let story = of(flat.id());
        assert_eq!(
            story.iter().filter(|&&step| step == put_back).count(),
            1,
            "{story:?}"
        );
        assert_nothing_left_after(&client, (given, flat));
    });
}

#[test]
fn without_a_story_nothing_is_kept() {
    let client = Client::new().unwrap();
    let task = client.task("t").key("t").submit(|| 1);
    task.result().unwrap();
    assert_eq!(
        (client.story("t").len(), client.transitions().len()),
        (0, 0)
    );
    let client = client_with_story(1, 0);
    client.task("t").key("t").submit(|| 1).result().unwrap();
    assert_eq!(client.transitions().len(), 0);
}

#[test]
fn the_newest_transitions_are_kept() {
    watched(|| {
        let client = client_with_story(1, 10);
        for k in 0..100u64 {
            client.task("many").key(k).submit(|| 1).result().unwrap();
        }
        let is_last = |step: &Transition| (step.key(), step.to()) == (Some(&99u64.into()), None);
        until("the last is forgotten", || {
            client.transitions().last().is_some_and(is_last)
        });
        let kept = client.transitions();
        assert_eq!(kept.len(), 10);
        assert!(kept.is_sorted_by_key(Transition::time));
        let last = kept.last().unwrap();
        assert_eq!((last.key(), last.to()), (Some(&99u64.into()), None));
        let without_limit = client_with_story(1, usize::MAX);
        without_limit.submit(|| 1).result().unwrap();
        until("all is noted", || without_limit.transitions().len() == 4);
    });
}

#[test]
fn what_a_thread_has_noted_outlives_it() {
    watched(|| {
        let client = client_with_story(1, 1000);
        thread::scope(|scope| {
            for name in ["x", "y", "z"] {
                let client = &client;
                scope.spawn(move || client.task(name).key(name).submit(|| 1).detach());
            }
        });
        until("all are forgotten", || client.stats().live == 0);
        for key in ["x", "y", "z"] {
            let story = ["new -> queued", "queued -> running", "running -> finished"];
            assert_eq!(steps(&client, key)[..3], story);
        }
    });
}

/// Every task's steps, sorted by time, follow from each other; only the note of being queued may be missing.
fn assert_lives(transitions: &[Transition]) -> usize {
    let mut lives: HashMap<TaskId, Vec<&Transition>> = HashMap::new();
    for step in transitions {
        lives.entry(step.id()).or_default().push(step);
    }
    for life in lives.values() {
        let mut at = None;
        for step in life {
            let skipped = (at, step.from()) == (Some(Status::Waiting), Some(Status::Queued));
            assert!(step.from() == at || skipped, "{life:#?}");
            at = step.to();
        }
        assert_eq!(at, None, "forgotten at the end: {life:#?}");
    }
    lives.len()
}

/// The note is written a moment after the last want has gone.
fn forgotten(transitions: &[Transition]) -> usize {
    transitions
        .iter()
        .filter(|step| step.to().is_none())
        .count()
}

/// A graph in which tasks wait, fail, are cancelled while they wait, and are dropped. How many tasks it had.
fn grow(client: &Client) -> usize {
    const TASKS: usize = 1500;
    let mut random = fastrand::Rng::with_seed(11);
    let mut tasks: Vec<TaskFuture<u64>> = vec![client.submit(|| 1)];
    for k in 1..TASKS {
        let (a, b) = (
            random.choice(&tasks).unwrap(),
            random.choice(&tasks).unwrap(),
        );
        let fails = random.u8(0..40) == 0;
        let task = client.submit_with((a, b), move |(a, b)| {
            assert!(!fails, "as it was to be");
            a.wrapping_add(*b)
        });
        tasks.push(task);
        if k % 50 == 0 {
            tasks.truncate(10);
        }
    }
    let _ = tenter::gather(&tasks);
    TASKS
}

#[test]
fn the_steps_of_every_task_follow_from_each_other() {
    watched(|| {
        for threads in [1, 4] {
            let client = client_with_story(threads, 1 << 20);
            let tasks = grow(&client);
            until("all are forgotten", || {
                forgotten(&client.transitions()) == tasks
            });
            assert_eq!(assert_lives(&client.transitions()), tasks);
        }
    });
}

#[test]
fn the_observer_is_told_everything() {
    watched(|| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let client = Client::builder()
            .threads(3)
            .observer(move |step| tell.lock().unwrap().push(step.clone()))
            .build()
            .unwrap();
        let tasks = grow(&client);
        until("all are forgotten", || {
            forgotten(&told.lock().unwrap()) == tasks
        });
        let mut steps = std::mem::take(&mut *told.lock().unwrap());
        steps.sort_by_key(Transition::time);
        assert_eq!(assert_lives(&steps), tasks);
        assert_eq!(client.transitions().len(), 0, "an observer keeps no story");
    });
}

#[test]
fn an_observer_that_panics_does_no_harm() {
    watched(|| {
        let client = Client::builder()
            .threads(1)
            .story(100)
            .observer(|step| assert!(step.to() != Some(Status::Running), "in the observer"))
            .build()
            .unwrap();
        let task = client.task("t").key("t").submit(|| 1);
        let heir = client.submit_with(&task, |x| x + 1);
        assert_eq!(*heir.result().unwrap(), 2);
        assert_eq!(steps(&client, "t").len(), 3);
        assert_nothing_left_after(&client, (task, heir));
    });
}

#[test]
fn an_observer_may_use_the_client_and_is_told_of_what_it_does() {
    watched(|| {
        let log = Log::new();
        let (seen, inner) = (log.clone(), Arc::new(Mutex::new(None::<Client>)));
        let guest = Arc::clone(&inner);
        let client = Client::builder()
            .threads(2)
            .observer(move |step| {
                seen.write(step.name().to_owned());
                let client = guest.lock().unwrap().clone();
                if let Some(client) = client.filter(|_| step.name() == "outer") {
                    drop(client.task("inner").submit(String::new));
                    assert!(!client.dump_json(10).is_empty() && !client.groups().is_empty());
                }
            })
            .build()
            .unwrap();
        *inner.lock().unwrap() = Some(client.clone());
        let told = |name: &str| log.read().iter().filter(|told| *told == name).count();
        let task = client.task("outer").submit(|| vec![1]);
        let heir = task.clone().then(Vec::len);
        assert_eq!(*heir.result().unwrap(), 1);
        drop((task, heir));
        until("the observer is told of all", || {
            (told("outer"), told("inner") >= 12) == (4, true)
        });
        assert_nothing_left(&client);
        // Each was submitted, cancelled or run, and forgotten.
        let inners = client
            .groups()
            .into_iter()
            .find(|group| group.name.as_deref() == Some("inner"));
        let inners = inners.unwrap();
        assert_eq!((inners.submitted, inners.pending), (4, 0));
        *inner.lock().unwrap() = None;
    });
}

#[test]
fn another_attempt_and_the_end_of_the_time_are_told_of() {
    watched(|| {
        let client = client_with_story(1, 100);
        let again = client.task("a").key("a").retries(1);
        let again = again.try_submit(|| match tenter::attempt() {
            2 => Ok(()),
            _ => Err("once more"),
        });
        again.result().unwrap();
        let limit = std::time::Duration::from_millis(5);
        let late = client.task("l").key("l").timeout(limit).submit(|| {
            until("its time is over", || current().is_cancelled());
        });
        assert!(late.result().is_err());
        let life = [
            "new -> queued",
            "queued -> running",
            "running -> running",
            "running -> finished",
        ];
        assert_eq!(steps(&client, "a"), life);
        let life = ["new -> queued", "queued -> running", "running -> cancelled"];
        until("the end is noted", || steps(&client, "l") == life);
        assert_nothing_left_after(&client, (again, late));
    });
}
