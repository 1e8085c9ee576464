//! What is kept, and for whom (notes 4.3).

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

use tenter::{Status, gather};

use crate::support::{Counts, Gate, assert_nothing_left, until};
use crate::{div, inc_of, with_client, with_threads};

#[test]
fn a_result_lives_as_long_as_a_handle() {
    with_client(|client| {
        let counts = Counts::new();
        let value = counts.counted();
        let x = client.submit(move || value);
        x.result().unwrap();
        let y = x.clone();
        drop(x);
        assert_eq!(counts.alive(), 1);
        drop(y);
        until("it is dropped", || counts.alive() == 0);
        assert_nothing_left(client);
    });
}

#[test]
fn a_key_whose_handles_are_gone_is_computed_again() {
    with_client(|client| {
        let next = Arc::new(AtomicI64::new(0));
        let draw = || {
            let next = Arc::clone(&next);
            client
                .task("x")
                .key("x")
                .submit(move || next.fetch_add(1, SeqCst))
        };
        let x = draw();
        assert_eq!(*x.result().unwrap(), 0);
        drop(x);
        assert_nothing_left(client);
        assert_eq!(*draw().result().unwrap(), 1);
    });
}

#[test]
fn a_scattered_value_lives_as_long_as_a_handle() {
    with_client(|client| {
        let counts = Counts::new();
        let x = client.scatter(counts.counted());
        let y = x.then(|x| std::ptr::from_ref(x) as usize);
        y.result().unwrap();
        until("it is dropped", || counts.alive() == 0);
        assert_eq!(counts.clones(), 0);
    });
}

#[test]
fn an_input_is_kept_for_the_task_that_needs_it_and_no_longer() {
    with_threads(1, |client| {
        let counts = Counts::new();
        let gate = Gate::close(client);
        let value = counts.counted();
        let (x, y) = (client.submit(move || value), inc_of(client, 1));
        let z = client.submit_with((&x, &y), |(_, y)| *y);
        drop((x, y));
        assert_eq!(client.stats().live, 4);
        gate.open();
        assert_eq!(*z.result().unwrap(), 2);
        until("z alone is left", || client.stats().live == 1);
        until("the value is dropped", || counts.alive() == 0);
    });
}

#[test]
fn a_failed_chain_is_forgotten_as_a_whole() {
    with_client(|client| {
        let x = div(client, 1, 0);
        let y = x.clone().then(|x| x + 1);
        let z = y.clone().then(|y| y + 1);
        z.result().unwrap_err();
        drop((x, z));
        assert_eq!(y.result().unwrap_err().task(), "div");
        drop(y);
        assert_nothing_left(client);
    });
}

#[test]
fn a_task_is_kept_while_any_client_wants_it() {
    with_client(|client| {
        let counts = Counts::new();
        let value = counts.counted();
        let mine = client.task("x").key("x").submit(move || value);
        let other = client.clone();
        let theirs = other
            .task("x")
            .key("x")
            .submit(|| unreachable!("it is known"));
        mine.result().unwrap();
        drop(mine);
        assert_eq!((theirs.status(), counts.alive()), (Status::Finished, 1));
        let _: &crate::support::Counted = theirs.result().unwrap();
        drop(theirs);
        until("it is dropped", || counts.alive() == 0);
    });
}

#[test]
fn a_gathered_graph_leaves_nothing_behind() {
    with_client(|client| {
        let total = {
            let parts = client.map(0..100_i64, |x| x);
            let sums: Vec<_> = parts
                .chunks(10)
                .map(|c| client.submit_with(c, |c| c.into_iter().sum::<i64>()))
                .collect();
            gather(&sums).unwrap().into_iter().sum::<i64>()
        };
        assert_eq!(total, 4950);
        assert_nothing_left(client);
    });
}

#[test]
fn an_old_handle_does_not_touch_the_new_task_of_its_key() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        let old = client.task("x").key("x").submit(|| 1);
        old.cancel();
        let new = client.task("x").key("x").submit(|| 2);
        drop(old);
        gate.open();
        assert_eq!(*new.result().unwrap(), 2);
        let again = client.task("x").key("x").submit(|| 3);
        assert_eq!(*again.result().unwrap(), 2);
    });
}

#[test]
fn unwanted_work_is_not_started() {
    with_threads(1, |client| {
        let gate = Gate::close(client);
        drop(inc_of(client, 1));
        drop(client.submit_with(&inc_of(client, 2), |x| x + 1));
        gate.open();
        assert_nothing_left(client);
        assert_eq!(client.stats().started, 1, "the gate alone");
    });
}

#[test]
fn a_detached_task_runs_for_its_effects_and_is_forgotten() {
    with_client(|client| {
        let ran = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&ran);
        client.submit(move || count.fetch_add(1, SeqCst)).detach();
        until("it ran", || ran.load(SeqCst) == 1);
        assert_nothing_left(client);
    });
}

#[test]
fn a_detached_task_that_fails_is_forgotten() {
    with_client(|client| {
        div(client, 1, 0).detach();
        until("it failed", || client.stats().failed == 1);
        assert_nothing_left(client);
    });
}

#[test]
fn a_handle_of_before_a_restart_does_not_touch_the_new_task_of_its_key() {
    with_threads(1, |client| {
        let old = client.task("x").key("x").submit(|| 1);
        old.result().unwrap();
        client.restart();
        let new = client.task("x").key("x").submit(|| 2);
        assert_eq!((old.result().unwrap(), new.result().unwrap()), (&1, &2));
        drop(old);
        let again = client.task("x").key("x").submit(|| 3);
        assert!(again == new);
    });
}
