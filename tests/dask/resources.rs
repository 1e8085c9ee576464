//! Resources (notes 4.8 and 4.10).

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;

use tenter::{Builder, Client, ErrorKind, Status, TaskFuture, gather};

use crate::support::until;
use crate::with_built;

fn builder() -> Builder {
    let builder = Client::builder().threads(3);
    builder.resource("gpu", 2).resource("net", 1)
}

/// A running task of the key `x` that holds so much of `gpu` until it is told to end.
struct Holder {
    end: mpsc::Sender<()>,
    task: TaskFuture<i32>,
}

impl Holder {
    fn of(client: &Client, amount: u64) -> Self {
        let ((end, ended), (tell, begun)) = (mpsc::channel(), mpsc::channel());
        let task = client.task("holder").key("x").resource("gpu", amount);
        let task = task.submit(move || {
            let _ = (tell.send(()), ended.recv());
            0
        });
        begun.recv().unwrap();
        Self { end, task }
    }
}

fn gpu_task(client: &Client, amount: u64) -> TaskFuture<u64> {
    let task = client.task("gpu").key("y").resource("gpu", amount);
    task.submit(move || amount)
}

fn until_in_line<T>(task: &TaskFuture<T>) {
    until("it is in line", || task.explain().contains("it needs"));
}

#[test]
fn as_many_run_at_once_as_there_are_resources_for() {
    with_built(builder(), |client| {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                client.task("member").resource("gpu", 1).submit(move || {
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, SeqCst);
                })
            })
            .collect();
        gather(&tasks).unwrap();
        assert!((1..=2).contains(&most.load(SeqCst)));
    });
}

#[test]
fn work_waits_in_line_until_its_resources_are_free() {
    with_built(builder(), |client| {
        let holder = Holder::of(client, 1);
        let all = gpu_task(client, 2);
        until_in_line(&all);
        assert_eq!(all.status(), Status::Queued);
        holder.end.send(()).unwrap();
        assert_eq!(*all.result().unwrap(), 2);
    });
}

#[test]
fn work_that_needs_something_else_or_nothing_goes_on_beside() {
    with_built(builder(), |client| {
        let holder = Holder::of(client, 2);
        let waits = gpu_task(client, 1);
        until_in_line(&waits);
        let other = client.task("other").resource("net", 1).submit(|| 1);
        let plain = client.submit(|| 2);
        assert_eq!(gather(&[other, plain]).unwrap(), [&1, &2]);
        assert!(!waits.is_done());
        holder.end.send(()).unwrap();
        waits.result().unwrap();
    });
}

#[test]
fn work_that_could_never_run_fails_at_once_and_says_why() {
    with_built(builder(), |client| {
        let more = client.task("more").resource("gpu", 3).submit(|| 1);
        let unknown = client.task("unknown").resource("tpu", 1).submit(|| 1);
        for (task, part) in [(more, "3 of `gpu`"), (unknown, "`tpu`")] {
            assert_eq!(task.status(), Status::Failed);
            let error = task.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoSuchResource);
            assert!(error.message().contains(part), "{error}");
        }
        let nowhere = client.task("nowhere").pool("io").submit(|| 1);
        assert_eq!(nowhere.result().unwrap_err().kind(), ErrorKind::NoSuchPool);
    });
}

#[test]
fn a_key_cancelled_in_line_and_submitted_again_gets_its_resources() {
    with_built(builder(), |client| {
        let holder = Holder::of(client, 2);
        let first = gpu_task(client, 1);
        until_in_line(&first);
        first.cancel();
        let second = gpu_task(client, 1);
        until_in_line(&second);
        holder.end.send(()).unwrap();
        assert_eq!(*second.result().unwrap(), 1);
        assert_eq!(first.status(), Status::Cancelled);
    });
}

#[test]
fn a_cancelled_body_keeps_its_resources_until_it_ends() {
    with_built(builder(), |client| {
        let holder = Holder::of(client, 2);
        holder.task.cancel();
        let next = gpu_task(client, 1);
        until_in_line(&next);
        holder.end.send(()).unwrap();
        assert_eq!(*next.result().unwrap(), 1);
    });
}

#[test]
fn the_resources_of_cancelled_work_are_all_free_again() {
    with_built(builder(), |client| {
        for _ in 0..10 {
            let holder = Holder::of(client, 2);
            let in_line = gpu_task(client, 2);
            until_in_line(&in_line);
            in_line.cancel();
            holder.task.cancel();
            holder.end.send(()).unwrap();
        }
        assert_eq!(*gpu_task(client, 2).result().unwrap(), 2);
    });
}

#[test]
fn a_key_wanted_again_while_its_old_body_runs_needs_its_own_resources() {
    with_built(builder(), |client| {
        let Holder { end, task } = Holder::of(client, 2);
        drop(task);
        let same = client.task("same").key("x").resource("gpu", 2).submit(|| 1);
        until_in_line(&same);
        drop(same);
        let other = client
            .task("other")
            .key("x")
            .resource("net", 1)
            .submit(|| 2);
        assert_eq!(*other.result().unwrap(), 2);
        end.send(()).unwrap();
        assert_eq!(*gpu_task(client, 2).result().unwrap(), 2);
    });
}
