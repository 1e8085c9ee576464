//! Every option with every other: drawn at random, then everything is settled, counted, given back and forgotten.

use std::time::Duration;

use fastrand::Rng;
use tenter::{Client, Once, Task, TaskFuture, attempt, current};

use crate::support::{assert_nothing_left, until, watched};

type AnyError = Box<dyn std::error::Error + Send + Sync>;
type Handles = Vec<TaskFuture<u64>>;

/// What a body does.
#[derive(Clone, Copy)]
struct Part(u32);

impl Part {
    /// It may go on until it is told to stop, so its task is given a time.
    fn is_long(self) -> bool {
        self.0 == 3
    }

    fn play(self) -> Result<u64, AnyError> {
        match self.0 {
            0 => Err("it fails".into()),
            1 => std::panic::panic_any("it panics"),
            2 if attempt() < 2 => Err("it fails at first".into()),
            3 => {
                until("it is told to stop", || current().is_cancelled());
                Ok(current().checkpoint().map(|()| 3)?)
            }
            4 => Ok(*current()
                .task("inner")
                .resource("few", 1)
                .submit(|| 4)
                .result()?),
            5 => {
                let parts = current().map(0..3u64, |x| x);
                Ok(parts.iter().filter_map(|part| part.result().ok()).sum())
            }
            6 => Ok(tenter::blocking(|| 6)),
            other => Ok(u64::from(other)),
        }
    }
}

/// A task with some of the options.
fn draw_options<'c>(client: &'c Client, rng: &mut Rng, part: Part) -> Task<'c, Once> {
    let mut task = client.task("drawn").priority(rng.i32(-1..=1));
    if rng.u8(0..10) < 3 {
        let (many, few) = (rng.u64(0..=3), rng.u64(0..=1));
        task = task.resources(&[("many", many), ("few", few)]);
    }
    if rng.u8(0..10) < 3 {
        task = task.pool("io");
    }
    if part.is_long() || rng.u8(0..10) < 2 {
        task = task.timeout(Duration::from_micros(rng.u64(0..2000)));
    }
    if rng.u8(0..10) < 2 {
        task = task.key(("key", rng.u64(0..6)));
    }
    task
}

/// Submits it in some way.
fn submit(
    task: Task<'_, Once>,
    rng: &mut Rng,
    part: Part,
    input: Option<TaskFuture<u64>>,
) -> TaskFuture<u64> {
    let with = move |x: u64| part.play().map(|y| x + y);
    match (rng.u8(0..4), input) {
        (0, None) => task.try_submit(move || part.play()),
        (0, Some(input)) => task.try_submit_with(input, with),
        (1, None) => task.retries(rng.u32(0..3)).try_submit(move || part.play()),
        (1, Some(input)) => task
            .retries(rng.u32(0..3))
            .try_submit_with(&input, move |x| with(*x)),
        (2, None) => task.try_spawn(async move { part.play() }),
        (2, Some(input)) => task.try_spawn_with(input, move |x| async move {
            let more = current().submit(|| 1).await?;
            Ok::<_, AnyError>(*x + *more)
        }),
        _ => task.submit_flat(move || {
            let client = current();
            let inner = client.task("inner").retries(1);
            inner
                .timeout(Duration::from_millis(1))
                .try_submit(move || part.play())
        }),
    }
}

/// Does something with one of the handles, or with the client.
fn disturb(client: &Client, rng: &mut Rng, handles: &mut Handles) {
    let k = rng.usize(0..handles.len());
    match rng.u8(0..16) {
        0 => handles[k].cancel(),
        1 => handles.extend(handles[k].retry().ok()),
        2 => drop(handles.swap_remove(k)),
        3 => handles.swap_remove(k).detach(),
        4 => handles[k].on_done(|done| drop(done.explain())),
        5 => drop(handles[k].explain()),
        6 => drop(handles.swap_remove(k).take()),
        7 => drop((client.dump_json(10), client.dump_dot(10), client.groups())),
        8 if rng.u8(0..10) == 0 => client.restart(),
        _ => {}
    }
}

fn storm(client: &Client, seed: u64) {
    let rng = &mut Rng::with_seed(seed);
    let mut handles = Handles::new();
    for _ in 0..200 {
        let part = Part(rng.u32(0..10));
        let input = match handles.len() {
            0 => None,
            len => rng.bool().then(|| handles[rng.usize(0..len)].clone()),
        };
        let task = draw_options(client, rng, part);
        handles.push(submit(task, rng, part, input));
        disturb(client, rng, &mut handles);
    }
    drop(tenter::gather_settled(&handles));
    handles.iter().for_each(|handle| drop(handle.retry()));
    drop(handles);
    let all = client
        .task("all")
        .pool("io")
        .resources(&[("many", 3), ("few", 1)]);
    assert_eq!(*all.submit(|| 1).result().unwrap(), 1, "seed {seed}");
    assert_nothing_left(client);
    assert_all_counted(client, seed);
}

fn assert_all_counted(client: &Client, seed: u64) {
    for group in client.groups() {
        let settled = group.finished + group.failed + group.cancelled;
        assert_eq!(
            (group.pending, group.running),
            (0, 0),
            "seed {seed}: {group:?}"
        );
        assert_eq!(group.submitted, settled, "seed {seed}: {group:?}");
    }
    assert_eq!(client.stats().bytes, 0, "seed {seed}");
}

fn builder() -> tenter::Builder {
    let builder = Client::builder().resource("many", 3).resource("few", 1);
    builder.pool("io", 1)
}

#[test]
fn all_options_go_together() {
    watched(|| {
        for seed in 0..12 {
            let threads = 1 + seed as usize % 3;
            storm(&builder().threads(threads).build().unwrap(), seed);
        }
    });
}

#[test]
fn all_options_go_together_in_turn() {
    watched(|| {
        (0..12).for_each(|seed| storm(&builder().deterministic(seed).build().unwrap(), seed))
    });
}

#[cfg(feature = "rayon")]
#[test]
fn all_options_go_together_on_rayons_threads() {
    watched(|| {
        for seed in 0..12 {
            let builder = builder().host(tenter::Host::Rayon);
            storm(
                &builder.threads(1 + seed as usize % 2).build().unwrap(),
                seed,
            );
        }
    });
}
