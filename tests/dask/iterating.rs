//! `as_completed` by batches and as a stream, and callbacks (notes 4.5).

use std::pin::pin;
use std::task::{Context, Waker};

use futures::StreamExt;
use futures::executor::block_on;
use tenter::{Status, TaskFuture, as_completed};

use crate::support::{Counts, Gate, Log, assert_nothing_left, until};
use crate::{div, inc, inc_of, with_client, with_threads};

#[test]
fn many_can_be_added_at_once_while_they_are_taken() {
    with_client(|client| {
        let mut seq = as_completed(client.map(0..3, inc));
        let first = seq.next().unwrap();
        seq.extend(client.map(3..6, inc));
        assert_eq!(seq.len(), 5);
        let rest = std::iter::from_fn(|| seq.next());
        let sum: i64 = rest.chain([first]).map(|f| *f.result().unwrap()).sum();
        assert_eq!(sum, 21);
    });
}

#[test]
fn a_batch_is_all_that_has_completed() {
    with_threads(1, |client| {
        let mut seq = as_completed([1, 2].map(|x| client.scatter(x)));
        let gate = Gate::close(client);
        seq.push(inc_of(client, 2));
        assert_eq!(seq.next_batch().unwrap().len(), 2);
        assert!(seq.try_next_batch().is_empty(), "nothing is ready");
        gate.open();
        let last = seq.next_batch().unwrap();
        assert_eq!((last.len(), *last[0].result().unwrap()), (1, 3));
        assert!(seq.next_batch().unwrap().is_empty(), "all have come");
    });
}

#[test]
fn batches_go_on_until_all_have_come() {
    with_client(|client| {
        let mut seq = as_completed(client.map(0..100, inc));
        let batches: Vec<_> = seq.batches().map(Result::unwrap).collect();
        assert!(batches.iter().all(|batch| !batch.is_empty()));
        let sum: i64 = batches.iter().flatten().map(|f| *f.result().unwrap()).sum();
        assert_eq!(sum, 5050);
    });
}

#[test]
fn a_stream_gives_them_as_they_complete() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let cancelled = inc_of(client, 1);
        cancelled.cancel();
        let mut seq = as_completed([inc_of(client, 2), div(client, 1, 0), cancelled]);
        let opener = std::thread::spawn(move || gate.open());
        let came: Vec<_> = block_on(seq.stream().map(|done| done.status()).collect());
        assert_eq!(came, [Status::Cancelled, Status::Finished, Status::Failed]);
        opener.join().unwrap();
    });
}

#[test]
fn giving_up_an_awaited_one_loses_nothing() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let mut seq = as_completed([inc_of(client, 1)]);
        {
            let mut next = pin!(seq.next_async());
            let pending = next.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(pending.is_pending());
        }
        gate.open();
        assert_eq!(*block_on(seq.next_async()).unwrap().result().unwrap(), 2);
        assert!(block_on(seq.next_async()).is_none());
    });
}

#[test]
fn nothing_comes_after_a_clear() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let counts = Counts::new();
        let value = counts.counted();
        let mut seq = as_completed([client.submit(move || drop(value)), client.scatter(())]);
        seq.clear();
        assert!(seq.is_empty() && !seq.has_ready() && seq.next().is_none());
        until("what nobody wants is dropped", || counts.alive() == 0);
        gate.open();
    });
}

#[test]
fn it_shows_how_many_are_left() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let seq = as_completed([inc_of(client, 1), client.scatter(1)]);
        assert!(format!("{seq:?}").contains("len: 2"), "{seq:?}");
        assert!(seq.has_ready());
        gate.open();
    });
}

#[test]
fn a_callback_is_called_once_whatever_the_end_and_not_by_this_thread() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let log = Log::new();
        let tasks = [inc_of(client, 1), div(client, 1, 0), inc_of(client, 2)];
        let here = std::thread::current().id();
        for (k, task) in tasks.iter().enumerate() {
            let log = log.clone();
            let elsewhere = move || std::thread::current().id() != here;
            task.on_done(move |done| log.write((k, done.status(), elsewhere())));
        }
        tasks[2].cancel();
        gate.open();
        until("all have called back", || log.len() == 3);
        drop(tasks);
        assert_nothing_left(client);
        let mut heard = log.read();
        heard.sort_by_key(|(k, ..)| *k);
        let ends = [Status::Finished, Status::Failed, Status::Cancelled];
        assert!(heard.into_iter().eq((0..3).map(|k| (k, ends[k], true))));
    });
}

#[test]
fn a_callback_added_after_the_end_is_called_too() {
    with_client(|client| {
        let log = Log::new();
        let write = |task: &TaskFuture<i64>| {
            let log = log.clone();
            task.on_done(move |done| log.write(done.status()));
        };
        let (good, bad) = (client.scatter(1), div(client, 1, 0));
        bad.result().unwrap_err();
        write(&good);
        until("it is called", || log.len() == 1);
        write(&bad);
        until("it is called", || log.len() == 2);
        assert_eq!(log.read(), [Status::Finished, Status::Failed]);
    });
}
