//! What is wanted runs and stays; what nobody wants goes.

use tenter::{Client, ErrorKind, Status, TakeError, TaskFuture};

use crate::support::{Counts, Gate, Log, assert_nothing_left, client_of, until, watched};

#[test]
fn dropping_the_last_handle_cancels_what_has_not_started() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let ran = Log::new();
        for k in 0..100 {
            let (counted, ran) = (counts.counted(), ran.clone());
            let task = client.submit(move || (drop(counted), ran.write(k)));
            if k % 10 == 0 {
                drop(task.clone());
                task.detach();
            }
        }
        until(
            "closures of unwanted tasks are dropped while the gate is closed",
            || counts.alive() == 10,
        );
        gate.open();
        until("the detached have run", || counts.alive() == 0);
        assert_nothing_left(&client);
        assert_eq!(
            ran.read().iter().filter(|&k| k % 10 == 0).count(),
            ran.len()
        );
        assert_eq!(ran.len(), 10);
        assert_eq!(client.stats().cancelled, 90);
    });
}

#[test]
fn a_dependent_wants_its_inputs() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let a = client.submit(|| 1);
        let b = client.submit_with(&a, |a| a + 1);
        drop(a);
        let c = b.then(|b| b + 1);
        gate.open();
        assert_eq!(*c.result().unwrap(), 3);
    });
}

#[test]
fn dropping_a_dependent_lets_its_inputs_go() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let counts = Counts::new();
        let (x, y) = (counts.counted(), counts.counted());
        let a = client.submit(move || drop(x));
        let b = a.then(move |()| drop(y));
        drop(b);
        until("both closures are dropped", || counts.alive() == 0);
        gate.open();
        assert_nothing_left(&client);
    });
}

#[test]
fn take_gives_the_value_to_a_sole_owner() {
    watched(|| {
        let client = Client::new().unwrap();
        let counts = Counts::new();
        for _ in 0..1000 {
            let value = counts.counted();
            let sole = client.submit(move || value);
            drop(sole.take().unwrap());
        }
        let value = counts.counted();
        let shared = client.submit(move || value);
        let other = shared.clone();
        let TakeError::Shared(back) = shared.take().unwrap_err() else {
            panic!("it has a value")
        };
        drop(other);
        drop(back.take().unwrap());
        assert_eq!((counts.clones(), counts.alive()), (0, 0));
        assert_nothing_left(&client);
    });
}

#[test]
fn results_are_freed_exactly_once() {
    watched(|| {
        let client = client_of(2);
        let counts = Counts::new();
        let made: Vec<_> = (0..1000).map(|_| counts.counted()).collect();
        let firsts = client.map(made, |value| value);
        let seconds: Vec<_> = firsts
            .iter()
            .map(|f| client.submit_with(f, Clone::clone))
            .collect();
        drop(firsts);
        let some: Vec<_> = seconds.into_iter().step_by(3).collect();
        tenter::gather(&some).unwrap();
        drop(some);
        assert_nothing_left(&client);
        // The last want goes a moment before the destructor has run.
        until("all are dropped", || counts.alive() == 0);
        assert_eq!(counts.dropped(), 1000 + counts.clones());
    });
}

#[test]
fn handles_are_readable_after_the_client_is_gone() {
    watched(|| {
        let counts = Counts::new();
        let client = client_of(1);
        let value = counts.counted();
        let done = client.submit(move || value);
        let failed = client.submit(|| -> u8 { panic!("kept") });
        done.result().unwrap();
        failed.result().unwrap_err();
        drop(client);
        assert!(done.result().is_ok() && done.clone().result().is_ok());
        assert_eq!(failed.result().unwrap_err().message(), "kept");
        assert_eq!((counts.alive(), done.status()), (1, Status::Finished));
        assert!(!done.explain().is_empty() && !done.name().is_empty());
        let refused = done.clone().then(|_| 1);
        assert_eq!(refused.result().unwrap_err().kind(), ErrorKind::Closed);
        drop((done, refused));
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn a_chain_of_captured_handles_drops_with_constant_stack() {
    watched(|| {
        let client = client_of(1);
        let gate = Gate::close(&client);
        let mut tip = client.submit(|| ());
        for _ in 0..1_000_000 {
            let last = tip;
            tip = client.submit(move || drop(last));
        }
        drop(tip);
        gate.open();
        assert_nothing_left(&client);
    });
}

#[test]
fn a_chain_of_captured_results_drops_with_constant_stack() {
    watched(|| {
        let client = client_of(1);
        let mut tip = client.scatter(None);
        for _ in 0..200_000 {
            tip = client.scatter(Some(Box::new(tip) as Box<dyn std::any::Any + Send + Sync>));
        }
        drop(tip);
        assert_nothing_left(&client);
    });
}

/// A chain of a million tasks, none of which can start before the gate opens.
fn long_chain(client: &Client) -> (Gate, TaskFuture<u64>, TaskFuture<u64>) {
    let gate = Gate::close(client);
    let root = client.task("root").submit(|| 0u64);
    let tip = (0..1_000_000).fold(root.clone(), |tip, _| tip.then(|x| x + 1));
    (gate, root, tip)
}

#[test]
fn a_chain_of_a_million_can_be_dropped() {
    watched(|| {
        let client = client_of(1);
        let (gate, root, tip) = long_chain(&client);
        drop((root, tip));
        assert_eq!(client.stats().started, 1, "the gate alone has started");
        gate.open();
        assert_nothing_left(&client);
    });
}

#[test]
fn a_chain_of_a_million_can_be_cancelled() {
    watched(|| {
        let client = client_of(1);
        let (gate, root, tip) = long_chain(&client);
        root.cancel();
        assert_eq!(tip.status(), Status::Failed);
        assert_eq!(tip.result().unwrap_err().task(), "root");
        drop((root, tip));
        gate.open();
        assert_nothing_left(&client);
    });
}
