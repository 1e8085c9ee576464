//! Named quantities: who holds how much, who waits in which order, and what is reported.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};

use tenter::{Client, ErrorKind, Status, TaskError, TaskFuture, current, gather};

use crate::support::{Log, assert_nothing_left, assert_nothing_left_after, until, watched};

fn client_with(threads: usize, resources: &[(&str, u64)]) -> Client {
    let builder = Client::builder().threads(threads);
    let declare =
        |builder: tenter::Builder, (name, amount): &(&str, u64)| builder.resource(*name, *amount);
    resources.iter().fold(builder, declare).build().unwrap()
}

/// A running task that holds so much of a resource until it is told to end.
struct Holder {
    end: mpsc::Sender<()>,
    task: TaskFuture<()>,
}

impl Holder {
    fn of(client: &Client, name: &str, resources: &[(&str, u64)]) -> Self {
        let (end, ended) = mpsc::channel();
        let task = client.task(name).resources(resources).submit(move || {
            let _ = ended.recv();
        });
        until("it holds", || task.status() == Status::Running);
        Self { end, task }
    }

    fn end(self) {
        self.end.send(()).unwrap();
        let _ = self.task.result();
    }
}

fn until_in_line<T>(task: &TaskFuture<T>) {
    until("it is in line", || task.explain().contains("it needs"));
    assert_eq!(task.status(), Status::Queued);
}

#[test]
fn never_more_is_held_than_there_is() {
    watched(|| {
        let client = client_with(4, &[("gpu", 3), ("net", 2)]);
        let (gpu, net) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let task = |k: u64| {
            let (gpu, net) = (Arc::clone(&gpu), Arc::clone(&net));
            let needs = [("gpu", k % 4), ("net", k % 3)];
            let body = move || {
                let held = [
                    gpu.fetch_add(k % 4, SeqCst) + k % 4,
                    net.fetch_add(k % 3, SeqCst) + k % 3,
                ];
                std::thread::yield_now();
                gpu.fetch_sub(k % 4, SeqCst);
                net.fetch_sub(k % 3, SeqCst);
                assert!(!k.is_multiple_of(7), "one in seven panics");
                if k.is_multiple_of(5) {
                    Err("one in five fails".to_owned())
                } else {
                    Ok(held)
                }
            };
            client
                .task("member")
                .priority((k % 3) as i32)
                .resources(&needs)
                .try_submit(body)
        };
        let tasks: Vec<_> = (0..600).map(task).collect();
        for (k, task) in tasks.iter().enumerate() {
            match task.result() {
                Ok(&[gpu, net]) => assert!(gpu <= 3 && net <= 2, "{gpu} of 3, {net} of 2"),
                Err(error) => assert!(k % 7 == 0 || k % 5 == 0, "{error}"),
            }
        }
        Holder::of(&client, "all", &[("gpu", 3), ("net", 2)]).end();
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn a_task_in_line_is_queued_and_says_what_it_lacks() {
    watched(|| {
        let client = client_with(2, &[("gpu", 2)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let large = client.task("large").resource("gpu", 2).submit(|| 1);
        until_in_line(&large);
        let text = large.explain();
        for part in ["`large`", "2 of `gpu` (1 of 2 free)", "held by `holder`"] {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        let small = client.task("small").resource("gpu", 1).submit(|| 2);
        until_in_line(&small);
        assert!(
            small.explain().contains("1 before it in line"),
            "{}",
            small.explain()
        );
        let dependent = client.task("dependent").submit_with(&small, |x| *x);
        assert_eq!(dependent.status(), Status::Waiting);
        assert!(
            dependent.explain().contains("`small` (queued)"),
            "{}",
            dependent.explain()
        );
        holder.end();
        assert_eq!(
            (*large.result().unwrap(), *dependent.result().unwrap()),
            (1, 2)
        );
        assert_nothing_left_after(&client, (large, small, dependent));
    });
}

#[test]
fn nobody_gets_past_a_line_by_helping() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let log = Log::new();
        let wrote = log.clone();
        let waits = client.try_submit(move || {
            let needs = current()
                .task("needs")
                .resource("gpu", 1)
                .submit(move || wrote.write(()));
            needs.result().copied()
        });
        until("it waits", || {
            waits.explain().contains("blocked on `needs`")
        });
        assert_eq!(log.len(), 0);
        holder.end();
        waits.result().unwrap();
        assert_eq!(log.len(), 1);
        assert_nothing_left_after(&client, waits);
    });
}

#[test]
fn a_cancelled_body_keeps_what_it_holds_until_it_returns() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        holder.task.cancel();
        assert_eq!(holder.task.status(), Status::Cancelled);
        let next = client.task("next").resource("gpu", 1).submit(|| 1);
        until_in_line(&next);
        assert!(
            next.explain().contains("held by `holder`"),
            "{}",
            next.explain()
        );
        holder.end();
        assert_eq!(*next.result().unwrap(), 1);
        assert_nothing_left_after(&client, next);
    });
}

#[test]
fn a_panic_an_error_and_an_unwanted_body_give_back() {
    watched(|| {
        let client = client_with(1, &[("gpu", 1)]);
        let task = || client.task("user").resource("gpu", 1);
        task()
            .submit(|| -> u8 { panic!("it panics") })
            .result()
            .unwrap_err();
        task()
            .try_submit(|| Err::<u8, _>("it fails"))
            .result()
            .unwrap_err();
        let (end, ended) = mpsc::channel();
        let (began, begun) = mpsc::channel();
        let unwanted = task().submit(move || {
            began.send(()).unwrap();
            let _ = ended.recv();
        });
        begun.recv().unwrap();
        drop(unwanted);
        end.send(()).unwrap();
        assert_eq!(*task().submit(|| 1).result().unwrap(), 1);
        assert_nothing_left(&client);
    });
}

#[test]
fn who_leaves_the_line_lets_the_next_go_and_is_freed() {
    watched(|| {
        let client = client_with(3, &[("gpu", 2)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let large = client.task("large").resource("gpu", 2).submit(|| ());
        until_in_line(&large);
        let small = client.task("small").resource("gpu", 1).submit(|| 1);
        until_in_line(&small);
        large.cancel();
        assert_eq!(*small.result().unwrap(), 1, "nobody is before it any more");
        let dropped = client.task("dropped").resource("gpu", 2).submit(|| ());
        until_in_line(&dropped);
        drop(dropped);
        drop((large, small));
        until("only the holder is left", || client.stats().live == 1);
        holder.end();
        assert_nothing_left(&client);
    });
}

#[test]
fn a_large_request_is_not_overtaken_by_small_ones() {
    watched(|| {
        let client = client_with(2, &[("gpu", 2)]);
        let log = Log::new();
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let task = |name: &'static str, amount| {
            let log = log.clone();
            let task = client
                .task(name)
                .resource("gpu", amount)
                .submit(move || log.write(name));
            until_in_line(&task);
            task
        };
        let tasks = [task("large", 2), task("a", 1), task("b", 1)];
        holder.end();
        gather(&tasks).unwrap();
        assert_eq!(log.read()[0], "large");
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn the_highest_priority_in_line_goes_first_then_who_came_first() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let log = Log::new();
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let task = |priority: i32| {
            let log = log.clone();
            let task = client.task("member").priority(priority).resource("gpu", 1);
            let task = task.submit(move || log.write(priority));
            until_in_line(&task);
            task
        };
        let tasks = [0, -5, 1, 7, 3, -1].map(task);
        holder.end();
        gather(&tasks).unwrap();
        assert_eq!(log.read(), [7, 3, 1, 0, -1, -5]);
        assert_nothing_left_after(&client, tasks);
    });
}

#[test]
fn a_low_priority_does_not_starve_in_line() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let log = Log::new();
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let task = |priority: i32| {
            let log = log.clone();
            let task = client.task("member").priority(priority).resource("gpu", 1);
            task.submit(move || log.write(priority))
        };
        let low = task(-1);
        until_in_line(&low);
        let high: Vec<_> = (0..500).map(|_| task(9)).collect();
        high.iter().for_each(until_in_line);
        holder.end();
        low.result().unwrap();
        gather(&high).unwrap();
        let place = log
            .read()
            .iter()
            .position(|&priority| priority == -1)
            .unwrap();
        assert!(place <= 61, "it ran as number {place}");
        assert_nothing_left_after(&client, (low, high));
    });
}

#[test]
fn a_line_for_one_resource_holds_nobody_up_who_needs_another() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1), ("net", 1)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let gpu = client.task("gpu").resource("gpu", 1).submit(|| ());
        until_in_line(&gpu);
        let net = client.task("net").resource("net", 1).submit(|| 1);
        assert_eq!(*net.result().unwrap(), 1);
        let both = client
            .task("both")
            .resources(&[("net", 1), ("gpu", 1)])
            .submit(|| 2);
        until_in_line(&both);
        assert_eq!(gpu.status(), Status::Queued);
        holder.end();
        assert_eq!(*both.result().unwrap(), 2);
        assert_nothing_left_after(&client, (gpu, net, both));
    });
}

#[test]
fn a_task_holds_nothing_while_it_waits_for_another_ones_result() {
    watched(|| {
        let client = client_with(1, &[("gpu", 1)]);
        let inner = |client: &Client| client.task("inner").resource("gpu", 1).submit(|| 5);
        let outer = client
            .annotate()
            .resource("gpu", 1)
            .enter(|| client.submit(move || inner(&current())).flatten());
        assert_eq!(*outer.result().unwrap(), 5);
        assert_nothing_left_after(&client, outer);
    });
}

#[test]
fn who_waits_for_a_task_that_needs_what_it_holds_is_told_of_the_deadlock() {
    watched(|| {
        for threads in [1, 3] {
            let client = client_with(threads, &[("gpu", 1)]);
            let outer = client.task("outer").resource("gpu", 1).try_submit(|| {
                let inner = current().task("inner").resource("gpu", 1).submit(|| 1);
                inner.result().copied()
            });
            let error = outer.result().unwrap_err();
            assert_eq!((error.kind(), error.task()), (ErrorKind::Deadlock, "outer"));
            for part in ["`outer`", "`inner`", "waits for `gpu`"] {
                assert!(
                    error.message().contains(part),
                    "`{part}` is missing in: {error}"
                );
            }
            assert_nothing_left_after(&client, outer);
        }
    });
}

#[test]
fn a_deadlock_that_an_input_completes_is_reported_too() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let input = Holder::of(&client, "input", &[]);
        let given = input.task.clone();
        let outer = client.task("outer").resource("gpu", 1).try_submit(move || {
            let client = current();
            let inner = client.task("inner").resource("gpu", 1);
            inner.submit_with(&given, |()| 1).result().copied()
        });
        until("it waits", || {
            outer.explain().contains("blocked on `inner`")
        });
        input.end();
        assert_eq!(outer.result().unwrap_err().kind(), ErrorKind::Deadlock);
        assert_nothing_left_after(&client, outer);
    });
}

/// A task that waits for itself, so that its error says that the detector has looked.
fn looked(client: &Client) {
    let given = client.variable::<TaskFuture<u8>>("own").unwrap();
    let own = client.try_submit({
        let given = given.clone();
        let beside = client.clone();
        move || {
            let other = beside.try_submit(move || Ok::<_, TaskError>(*given.get()?.result()?));
            other.result().copied()
        }
    });
    given.set(own.clone()).unwrap();
    assert_eq!(own.result().unwrap_err().kind(), ErrorKind::Deadlock);
    given.delete();
}

#[test]
fn no_deadlock_is_reported_while_another_holder_may_give_back() {
    watched(|| {
        let client = client_with(2, &[("gpu", 2)]);
        let other = Holder::of(&client, "other", &[("gpu", 1)]);
        let outer = client.task("outer").resource("gpu", 1).try_submit(|| {
            let inner = current().task("inner").resource("gpu", 1).submit(|| 1);
            inner.result().copied()
        });
        until("it waits", || {
            outer.explain().contains("blocked on `inner`")
        });
        looked(&client);
        looked(&client);
        other.end();
        assert_eq!(*outer.result().unwrap(), 1);
        assert_nothing_left_after(&client, outer);
    });
}

#[test]
fn a_request_that_can_never_be_met_fails_at_once() {
    let client = client_with(1, &[("gpu", 2), ("net", 0)]);
    let unknown = client.task("unknown").resource("tpu", 1).submit(|| 1);
    let error = unknown.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.task()),
        (ErrorKind::NoSuchResource, "unknown")
    );
    for part in [
        "`tpu`",
        "`gpu`, `net`",
        "Client::builder().resource(\"tpu\", ..)",
    ] {
        assert!(
            error.message().contains(part),
            "`{part}` is missing in: {error}"
        );
    }
    let more = client.task("more").key("k").resource("gpu", 3).submit(|| 1);
    let error = more.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchResource);
    assert!(
        error
            .message()
            .contains("3 of `gpu`, of which the client has 2"),
        "{error}"
    );
    let none = client.task("none").resource("net", 1).submit(|| 1);
    assert_eq!(none.result().unwrap_err().kind(), ErrorKind::NoSuchResource);
    let plain = Client::new().unwrap();
    let error = plain.task("plain").resource("gpu", 1).submit(|| 1);
    assert!(
        error
            .result()
            .unwrap_err()
            .message()
            .contains("the client has no resources")
    );
    assert_nothing_left_after(&client, (unknown, more, none));
}

#[test]
fn a_refused_task_lets_its_inputs_and_its_closure_go() {
    watched(|| {
        let client = client_with(1, &[]);
        let counts = crate::support::Counts::new();
        let (input, held) = (client.scatter(counts.counted()), counts.counted());
        let refused = client
            .task("refused")
            .resource("gpu", 1)
            .submit_with(input, move |_input| drop(held));
        assert_eq!(counts.alive(), 0);
        let input = client.scatter(counts.counted());
        let scoped = client
            .annotate()
            .resource("gpu", 1)
            .enter(|| client.submit_with(input, |_| ()));
        assert_eq!(counts.alive(), 0);
        assert_eq!(
            scoped.result().unwrap_err().kind(),
            ErrorKind::NoSuchResource
        );
        assert_nothing_left_after(&client, (refused, scoped));
    });
}

#[test]
fn none_of_a_resource_is_nothing_and_the_last_amount_counts() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let free = client
            .task("free")
            .resource("gpu", 1)
            .resource("gpu", 0)
            .submit(|| 1);
        assert_eq!(*free.result().unwrap(), 1);
        holder.end();
        let huge = Client::builder()
            .threads(1)
            .resource("bytes", 1)
            .resource("bytes", u64::MAX)
            .build()
            .unwrap();
        let all = huge.task("all").resource("bytes", u64::MAX).submit(|| 1);
        assert_eq!(*all.result().unwrap(), 1);
    });
}

#[test]
fn closing_ends_those_in_line() {
    watched(|| {
        let client = client_with(2, &[("gpu", 1)]);
        let holder = Holder::of(&client, "holder", &[("gpu", 1)]);
        let next = client.task("next").resource("gpu", 1).submit(|| 1);
        until_in_line(&next);
        let report = client.close(std::time::Duration::ZERO);
        assert_eq!(report.still_running(), ["holder"]);
        assert_eq!(next.status(), Status::Cancelled);
        holder.end();
        drop(next);
        assert_nothing_left(&client);
    });
}

#[test]
fn the_deterministic_client_honours_resources() {
    watched(|| {
        for seed in 0..20 {
            let client = Client::builder()
                .threads(4)
                .deterministic(seed)
                .resource("gpu", 2)
                .build()
                .unwrap();
            let held = Arc::new(AtomicU64::new(0));
            let all = client.submit(move || {
                let tasks: Vec<_> = (0..20)
                    .map(|k| {
                        let held = Arc::clone(&held);
                        let amount = 1 + k % 2;
                        current()
                            .task("member")
                            .resource("gpu", amount)
                            .try_submit(move || {
                                let now = held.fetch_add(amount, SeqCst) + amount;
                                current().submit(|| ()).result()?;
                                held.fetch_sub(amount, SeqCst);
                                Ok::<_, TaskError>(now)
                            })
                    })
                    .collect();
                gather(&tasks).unwrap().into_iter().copied().max()
            });
            assert!(all.result().unwrap().is_some_and(|most| most <= 2));
            assert_nothing_left_after(&client, all);
        }
    });
}

#[test]
fn whose_turn_it_is_by_age_goes_when_a_newcomer_is_served() {
    watched(|| {
        let client = client_with(4, &[("gpu", 2), ("cpu", 200)]);
        let first = Holder::of(&client, "first", &[("gpu", 1)]);
        let second = Holder::of(&client, "second", &[("gpu", 1)]);
        let low = client.task("low").resource("gpu", 1).submit(|| 1);
        until_in_line(&low);
        let high = client
            .task("high")
            .priority(1)
            .resource("gpu", 2)
            .submit(|| 2);
        until_in_line(&high);
        second.end();
        // What is free is not enough for the high one, which goes first, until it is the oldest one's turn. Nobody gives
        // anything back meanwhile.
        let hold = |_| {
            let end = first.task.clone();
            let task = client.task("other").resource("cpu", 1);
            task.spawn(async move { drop(end.await) })
        };
        let others: Vec<_> = (0..200).map(hold).collect();
        for other in &others {
            until("it goes", || other.status() == Status::Running);
        }
        assert_eq!(*low.result().unwrap(), 1);
        first.end();
        assert_eq!(*high.result().unwrap(), 2);
        gather(&others).unwrap();
    });
}
