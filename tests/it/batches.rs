//! `as_completed` by batches, emptied, and as a stream.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures::executor::block_on;
use futures::{Stream, StreamExt};
use tenter::{Client, Status, WaitError, as_completed};

use crate::support::{Counts, Gate, assert_nothing_left, client_of, until, watched};

#[test]
fn a_batch_is_all_that_has_completed() {
    watched(|| {
        let client = client_of(1);
        let mut running = as_completed((0..3).map(|k| client.scatter(k)));
        let gate = Gate::close(&client);
        running.push(client.submit(|| 3));
        assert_eq!((running.len(), running.has_ready()), (4, true));
        assert_eq!(running.next_batch().unwrap().len(), 3);
        assert_eq!((running.len(), running.has_ready()), (1, false));
        assert!(running.try_next_batch().is_empty());
        assert_eq!(
            running.next_batch_timeout(Duration::ZERO).unwrap_err(),
            WaitError::TimedOut
        );
        gate.open();
        assert_eq!(running.next_batch().unwrap().len(), 1);
        assert!(running.is_empty());
        assert!(running.next_batch().unwrap().is_empty(), "all have come");
        assert_eq!(running.next_batch_timeout(Duration::ZERO), Ok(Vec::new()));
        drop(running);
        assert_nothing_left(&client);
    });
}

#[test]
fn batches_end_with_the_last_handle() {
    watched(|| {
        let client = client_of(2);
        let mut running = as_completed(client.map(0..1000u64, |x| x));
        running.push(client.submit(|| panic!("on purpose")));
        let cancelled = client.submit(|| 1);
        cancelled.cancel();
        running.push(cancelled);
        let all: Vec<_> = running
            .batches()
            .map(Result::unwrap)
            .inspect(|b| assert!(!b.is_empty()))
            .flatten()
            .collect();
        let of = |status| all.iter().filter(|task| task.status() == status).count();
        assert_eq!((all.len(), of(Status::Failed)), (1002, 1));
        assert!(of(Status::Cancelled) <= 1 && running.is_empty());
        drop(all);
        assert_nothing_left(&client);
    });
}

#[test]
fn more_can_be_pushed_between_batches_inside_a_task() {
    watched(|| {
        let client = client_of(1);
        let walked = client.submit(|| {
            let client = tenter::current();
            let (mut budget, mut seen) = (500u32, 0);
            let mut running = as_completed([client.submit(|| 0)]);
            while !running.is_empty() {
                for done in running.next_batch().unwrap() {
                    seen += 1;
                    let more = 2.min(budget);
                    budget -= more;
                    let k = *done.result().unwrap();
                    running.extend((0..more).map(|_| client.submit(move || k + 1)));
                }
            }
            seen
        });
        assert_eq!(*walked.result().unwrap(), 501);
        drop(walked);
        assert_nothing_left(&client);
    });
}

#[test]
fn clear_drops_what_has_not_come() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let counted = counts.counted();
        let kept = client.submit(|| 1);
        let mut running = as_completed([kept.clone(), client.submit(move || (drop(counted), 2).1)]);
        running.push(client.scatter(3));
        running.clear();
        assert_eq!((running.len(), running.has_ready()), (0, false));
        until("the unwanted is gone", || counts.alive() == 0);
        assert!(running.next().is_none() && running.next_batch().unwrap().is_empty());
        running.push(client.scatter(4));
        gate.open();
        assert_eq!(*kept.result().unwrap(), 1);
        assert_eq!(*running.next().unwrap().result().unwrap(), 4);
        assert!(running.next().is_none(), "what was cleared does not come");
        drop((kept, running));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_stream_gives_the_handles_as_they_complete() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let queued = client.submit(|| 1);
        let failing = client.submit(|| -> i32 { panic!("on purpose") });
        let mut running = as_completed([queued, failing, client.scatter(0)]);
        let opener = std::thread::spawn(move || gate.open());
        let came: Vec<_> = block_on(async {
            let stream = running.stream();
            assert_eq!(stream.size_hint(), (3, Some(3)));
            stream
                .map(|done| (done.status(), done.result().ok().copied()))
                .collect()
                .await
        });
        assert_eq!(
            came,
            [
                (Status::Finished, Some(0)),
                (Status::Finished, Some(1)),
                (Status::Failed, None)
            ]
        );
        assert!(running.is_empty());
        assert!(block_on(running.next_async()).is_none());
        opener.join().unwrap();
        drop(running);
        assert_nothing_left(&client);
    });
}

#[test]
fn more_can_be_pushed_while_it_is_awaited() {
    watched(|| {
        let client = client_of(2);
        let seen = block_on(async {
            let (mut budget, mut seen) = (500, 0);
            let mut running = as_completed([client.submit(|| 0)]);
            while let Some(done) = running.next_async().await {
                seen += 1;
                let more = 2.min(budget);
                budget -= more;
                let k = *done.result().unwrap();
                running.extend((0..more).map(|_| client.submit(move || k + 1)));
            }
            seen
        });
        assert_eq!(seen, 501);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_stream_that_is_dropped_loses_no_handle() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let mut running = as_completed(client.map(0..10, |x| x));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(pin!(running.stream()).poll_next(&mut context).is_pending());
            assert!(
                pin!(running.next_async())
                    .as_mut()
                    .poll(&mut context)
                    .is_pending()
            );
        }
        gate.open();
        assert_eq!(block_on(running.stream().take(4).count()), 4);
        assert_eq!(running.len(), 6);
        assert_eq!(running.batches().flat_map(Result::unwrap).count(), 6);
        drop(running);
        assert_nothing_left(&client);
    });
}

#[test]
fn streams_work_in_tokio_tasks() {
    watched(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let client = client_of(2);
        let sums: Vec<_> = (0..10u64)
            .map(|_| {
                let tasks = client.map(0..100u64, |x| x);
                runtime.spawn(async move {
                    let mut running = as_completed(tasks);
                    let results = running.stream().map(|done| *done.result().unwrap());
                    results.fold(0, async |sum, x| sum + x).await
                })
            })
            .collect();
        for sum in sums {
            assert_eq!(runtime.block_on(sum).unwrap(), 4950);
        }
        assert_nothing_left(&client);
    });
}

#[test]
fn the_end_of_the_client_ends_a_stream() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let mut running = as_completed(client.map(0..10, |x| x));
        let closing = std::thread::spawn(move || {
            let report = client.close(Duration::ZERO);
            gate.open();
            report
        });
        let statuses: Vec<_> = block_on(running.stream().map(|done| done.status()).collect());
        assert_eq!(statuses, [Status::Cancelled; 10]);
        assert_eq!(closing.join().unwrap().still_running(), ["gate"]);
    });
}

#[test]
fn handles_of_several_clients_come_in_one_set() {
    watched(|| {
        let clients: [Client; 2] = [client_of(1), client_of(1)];
        let mut running = as_completed(clients.iter().flat_map(|client| client.map(0..50, |x| x)));
        assert_eq!(running.batches().flat_map(Result::unwrap).count(), 100);
        running.extend(clients.iter().map(|client| client.submit(|| 1)));
        assert_eq!(block_on(running.stream().count()), 2);
        drop(running);
        clients.iter().for_each(assert_nothing_left);
    });
}
