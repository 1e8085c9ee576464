//! Lists of handles as arguments of calls that take a `Vec`.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use serde::{Deserialize, Serialize};
use tenter::{Client, ErrorKind, TaskFuture, task};

#[task]
fn square(x: u64) -> u64 {
    x * x
}

#[task]
fn sum(of: &[u64]) -> u64 {
    of.iter().sum()
}

#[task]
fn sum_owned(of: Vec<u64>) -> u64 {
    of.into_iter().sum()
}

#[task]
async fn sum_later(of: &[u64]) -> u64 {
    of.iter().sum()
}

#[task]
async fn sum_owned_later(of: Vec<u64>) -> u64 {
    of.into_iter().sum()
}

type Numbers = Vec<u64>;

/// The list has another name, and other arguments before and behind it.
#[task]
fn weighed(by: u64, of: Numbers, and: &u64) -> u64 {
    of.iter().map(|x| x * by).sum::<u64>() + and
}

#[task]
fn length(of: Vec<Vec<u8>>) -> usize {
    of.concat().len()
}

fn clients() -> [Client; 2] {
    [false, true].map(|encode| Client::builder().encode(encode).build().unwrap())
}

#[test]
fn every_form_of_a_list_is_gathered() {
    for client in clients() {
        let parts = client.submit_many((1..=4).map(square::call));
        let array = [parts[0].clone(), parts[1].clone()];
        let sums = [
            client.submit(sum::call(&parts)),
            client.submit(sum::call(&parts[..])),
            client.submit(sum_owned::call(&parts)),
            client.submit(sum_later::call(&parts)),
            client.submit(sum_owned_later::call(&parts)),
            client.submit(sum_owned::call(parts)),
        ];
        for sum in sums {
            assert_eq!(*sum.result().unwrap(), 30);
        }
        assert_eq!(*client.submit(sum::call(&array)).result().unwrap(), 5);
        assert_eq!(*client.submit(sum_later::call(array)).result().unwrap(), 5);
        let none: [TaskFuture<u64>; 0] = [];
        assert_eq!(*client.submit(sum::call(&none)).result().unwrap(), 0);
    }
}

#[test]
fn lists_stand_beside_other_arguments() {
    for client in clients() {
        let parts = client.submit_many((1..=3).map(square::call));
        let call = || weighed::call(square::call(2), &parts, &parts[0]);
        assert_eq!(*client.submit(call()).result().unwrap(), 57);
        assert_eq!(*client.submit(call().retries(2)).result().unwrap(), 57);
        let values = weighed::call(2, vec![1, 2], 3);
        assert_eq!(*client.submit(values).result().unwrap(), 9);
    }
}

#[test]
fn an_element_may_be_a_list_or_the_same_task_twice() {
    for client in clients() {
        let part = client.scatter(vec![1u8, 2, 3]);
        let twice = vec![part.clone(), part];
        assert_eq!(*client.submit(length::call(twice)).result().unwrap(), 6);
    }
}

#[test]
fn a_list_with_a_failed_task_is_its_failure() {
    for client in clients() {
        let good = client.submit(square::call(1));
        let bad = client.try_submit(|| Err::<u64, _>("no beam"));
        let error = client.submit(sum::call(&[good, bad]));
        let error = error.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Failed, "no beam")
        );
        assert!(error.is_inherited());
    }
}

#[task(pure)]
fn pure_sum(of: &[u64], and: &[u64]) -> u64 {
    of.iter().chain(and).sum()
}

#[test]
fn the_key_of_a_pure_call_tells_lists_apart() {
    let client = Client::new().unwrap();
    let [a, b] = [1u64, 2].map(|x| client.scatter(x));
    let key = |of: &[TaskFuture<u64>], and: &[TaskFuture<u64>]| {
        client.submit(pure_sum::call(of, and)).key().unwrap()
    };
    let both = [a.clone(), b.clone()];
    assert_eq!(key(&both, &[]), key(&both, &[]));
    let keys = [
        key(&both, &[]),
        key(&[], &both),
        key(&[b.clone(), a.clone()], &[]),
        key(&[a], &[b]),
    ];
    for (k, one) in keys.iter().enumerate() {
        assert!(keys[k + 1..].iter().all(|other| other != one));
    }
}

static CLONES: AtomicUsize = AtomicUsize::new(0);

#[derive(Serialize, Deserialize)]
struct Counted(u64);

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, SeqCst);
        Self(self.0)
    }
}

#[task]
fn count(of: Vec<Counted>) -> u64 {
    of.iter().map(|one| one.0).sum()
}

#[task]
fn look(of: &[Counted]) -> u64 {
    of.iter().map(|one| one.0).sum()
}

#[test]
fn elements_are_moved_if_nobody_else_wants_them() {
    let client = Client::builder().encode(false).build().unwrap();
    let parts = || client.map(0..10, Counted);
    let mut clones = 0;
    let mut check = |sum: TaskFuture<u64>, more: usize| {
        assert_eq!(*sum.result().unwrap(), 45);
        clones += more;
        assert_eq!(CLONES.load(SeqCst), clones);
    };
    check(client.submit(count::call(parts())), 0);
    check(client.submit(look::call(parts())), 0);
    let kept = parts();
    check(client.submit(count::call(&kept)), 10);
    check(client.submit(look::call(&kept)), 10);
    // Each attempt is given a list of its own.
    check(client.submit(count::call(parts()).retries(1)), 10);
}
