//! The clock, and what is to be seen while nothing happens.

use super::rig::{Rig, SECOND, big, hello, small};
use crate::net::message::{Condition, FailureKind, FromWorker, KindOfTask, ToClient, WorkerHello};
use crate::net::scheduler::{Config, Stimulus};

fn waiting_a_minute() -> Rig {
    Rig::with(Config {
        no_workers_us: Some(60 * SECOND),
        ..Config::default()
    })
}

#[test]
fn a_clock_that_jumps_ahead_fails_nothing() {
    let mut rig = waiting_a_minute();
    let client = rig.client();
    let task = rig.submit(client, &[]);
    rig.tell(Stimulus::Tick);
    for far in [3600 * SECOND, u64::MAX / 2, u64::MAX] {
        rig.now_us = far;
        rig.tell(Stimulus::Tick);
        assert_eq!(rig.failures(), []);
    }
    rig.now_us = 0;
    for _ in 0..400 {
        rig.now_us += SECOND / 5;
        rig.tell(Stimulus::Tick);
        if rig.failures() == [(task, FailureKind::NoWorkers)] {
            return;
        }
    }
    panic!("time goes on where the clock is now");
}

#[test]
fn a_clock_that_goes_back_stops_nothing() {
    let mut rig = waiting_a_minute();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.now_us = 3600 * SECOND;
    rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.now_us = SECOND;
    rig.done(worker, run, small());
    rig.gone(worker);
    let task = rig.submit(client, &[]);
    let mut ticks = 0;
    while rig.failures() != [(task, FailureKind::NoWorkers)] {
        ticks += 1;
        assert!(ticks < 400, "time stands still");
        rig.now_us += SECOND / 5;
        rig.tell(Stimulus::Tick);
    }
}

#[test]
fn time_goes_by_as_fast_where_ticks_are_far_apart() {
    let mut rig = Rig::with(Config {
        tick_us: 10 * SECOND,
        no_workers_us: Some(60 * SECOND),
        ..Config::default()
    });
    let client = rig.client();
    let task = rig.submit(client, &[]);
    for _ in 0..7 {
        assert_eq!(rig.failures(), []);
        rig.now_us += 10 * SECOND;
        rig.tell(Stimulus::Tick);
    }
    assert_eq!(rig.failures(), [(task, FailureKind::NoWorkers)]);
}

#[test]
fn workers_that_only_leave_are_no_workers() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.hear(worker, FromWorker::Started { run });
    rig.hear(worker, FromWorker::Leaving);
    let task = rig.submit(client, &[]);
    let told = ToClient::Condition(Condition::NoWorkers { ready: 1 });
    assert_eq!(rig.told(), [told]);
    assert_eq!(rig.why(client, task), "it is ready, and there is no worker");
    rig.worker(1);
    let told = ToClient::Condition(Condition::Workers { workers: 1 });
    assert_eq!(rig.told(), [told]);
    rig.release(client, &[first, task]);
}

#[test]
fn every_task_that_does_not_run_says_why() {
    let mut rig = Rig::new();
    let client = rig.client();
    let first = rig.submit(client, &[]);
    let second = rig.submit(client, &[first]);
    assert_eq!(
        rig.why(client, first),
        "it is ready, and there is no worker"
    );
    let why = rig.why(client, second);
    assert!(
        why.contains("1 of 1 inputs") && why.ends_with("which is ready"),
        "{why}"
    );
    let worker = rig.worker(1);
    let (_, run) = rig.sent();
    rig.hear(worker, FromWorker::Started { run });
    let why = rig.why(client, first);
    assert!(
        why.starts_with(&format!("it runs on worker {worker}")),
        "{why}"
    );
    rig.fail(worker, run);
    assert_eq!(rig.why(client, second), "it has failed: no");
    assert_eq!(
        rig.why(client, crate::net::message::Ticket(77)),
        "nobody knows this task"
    );
}

#[test]
fn a_task_in_a_line_says_for_whom_it_waits() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let input = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, big());
    let kind = KindOfTask {
        priority: 9,
        ..KindOfTask::default()
    };
    rig.kind(client, kind);
    let users: Vec<_> = (0..40).map(|_| rig.submit(client, &[input])).collect();
    let why = rig.why(client, users[39]);
    assert!(why.contains(&format!("waits for worker {worker}")), "{why}");
}

#[test]
fn a_task_whose_worker_died_says_so() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let task = rig.submit(client, &[]);
    rig.gone(worker);
    assert_eq!(
        rig.why(client, task),
        "1 workers have died while it ran there; it is ready, and there is no worker"
    );
    rig.worker_like(WorkerHello {
        slots: 0,
        ..hello(0)
    });
    assert!(rig.why(client, task).contains("it is ready, and"));
}

#[test]
fn data_that_wait_for_a_place_say_where() {
    let mut rig = Rig::new();
    rig.worker(1);
    let client = rig.client();
    let ticket = rig.ticket();
    let words = crate::net::message::FromClient::Scatter {
        ticket,
        name: "frame".into(),
        data: crate::net::message::Scattered::Sized(1 << 20),
        on: vec!["db".into()],
        mentions: Vec::new(),
    };
    rig.say(client, words);
    assert_eq!(
        rig.why(client, ticket),
        "its data waits at a client: no worker is on one of db"
    );
}
