//! Failures, cancels, deaths, and what peers may not say.

use super::rig::{Rig, function, small};
use crate::net::message::{
    ClientHello, Define, FailureKind, FromClient, FromWorker, KindOfTask, PeerId, Run, Submit,
    TaskKey, Ticket, ToClient, ToWorker,
};
use crate::net::scheduler::{Config, Effect, Stimulus};

#[test]
fn an_error_reaches_what_needs_the_task() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let second = rig.submit(client, &[first]);
    rig.fail(worker, run);
    let failed = [(first, FailureKind::Error), (second, FailureKind::Error)];
    assert_eq!(rig.failures(), failed);
    rig.release(client, &[first, second]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_task_is_tried_again_as_often_as_it_says() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.kind(
        client,
        KindOfTask {
            retries: Some(2),
            ..KindOfTask::default()
        },
    );
    let task = rig.submit_kind(client, 1, &[]);
    for attempt in 1..=3 {
        let (_, run) = rig.sent();
        assert_eq!(run.attempt, attempt);
        rig.fail(worker, run);
    }
    assert_eq!(rig.failures(), [(task, FailureKind::Error)]);
}

#[test]
fn a_task_that_kills_workers_is_stopped_and_a_bystander_is_not() {
    let mut rig = Rig::new();
    let client = rig.client();
    let (culprit, bystander) = (rig.submit(client, &[]), rig.submit(client, &[]));
    let mut first: Option<Run> = None;
    for _ in 0..3 {
        let worker = rig.worker(2);
        let runs = rig.assigned();
        let poison = first.map_or(runs[0].1.task, |run| run.task);
        first = first.or(Some(runs[0].1));
        // On its last chance it may have to wait until another is through.
        if !runs.iter().any(|(_, run)| run.task == poison) {
            assert_eq!(runs.len(), 1);
            rig.done(worker, runs[0].1, small());
            let (_, run) = rig.sent();
            assert_eq!(run.task, poison);
        }
        rig.gone(worker);
        if rig.failures() == [(culprit, FailureKind::WorkerDied)] {
            break;
        }
    }
    if rig.failures().is_empty() {
        panic!("{:?}", rig.said);
    }
    let worker = rig.worker(2);
    for (_, run) in rig.assigned() {
        rig.done(worker, run, small());
    }
    rig.release(client, &[culprit, bystander]);
    rig.assert_nothing_is_left();
}

#[test]
fn runs_that_had_not_begun_are_not_blamed() {
    let mut rig = Rig::with(Config {
        deaths: 1,
        ..Config::default()
    });
    let client = rig.client();
    let running = rig.submit(client, &[]);
    rig.submit(client, &[]);
    let worker = rig.worker(1);
    assert_eq!(rig.assigned().len(), 2, "one runs, one is ahead");
    rig.gone(worker);
    assert_eq!(rig.failures(), [(running, FailureKind::WorkerDied)]);
    rig.worker(1);
    assert_eq!(rig.sent().1.attempt, 2);
}

#[test]
fn a_cancel_stops_what_needs_the_task() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let second = rig.submit(client, &[first]);
    rig.say(
        client,
        FromClient::Cancel {
            tickets: vec![first],
        },
    );
    let failed = [
        (first, FailureKind::Cancelled),
        (second, FailureKind::Cancelled),
    ];
    assert_eq!(rig.failures(), failed);
    assert!(
        rig.said
            .contains(&Effect::ToWorker(worker, ToWorker::Cancel { run }))
    );
    rig.done(worker, run, small());
    assert_eq!(rig.told(), [], "it was cancelled");
    rig.release(client, &[first, second]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_cancel_ends_only_this_clients_want_of_what_others_want() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let mine = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let other = PeerId(99);
    rig.tell(Stimulus::ClientJoined(other, ClientHello::default()));
    rig.say(
        other,
        FromClient::Want {
            ticket: Ticket(1),
            task: run.task,
        },
    );
    rig.say(
        client,
        FromClient::Cancel {
            tickets: vec![mine],
        },
    );
    assert_eq!(rig.failures(), [(mine, FailureKind::Cancelled)]);
    rig.done(worker, run, small());
    let finished = ToClient::Finished {
        ticket: Ticket(1),
        result: small(),
        mentions: Vec::new(),
    };
    assert_eq!(rig.told(), [finished]);
    rig.release(client, &[mine]);
    rig.release(other, &[Ticket(1)]);
    rig.assert_nothing_is_left();
}

#[test]
fn one_key_is_one_task_whoever_submits_it() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let other = PeerId(99);
    rig.tell(Stimulus::ClientJoined(other, ClientHello::default()));
    rig.say(other, FromClient::Define(Define::Function(function())));
    rig.say(other, FromClient::Define(Define::Kind(Box::default())));
    let submit = |ticket, kin| {
        FromClient::Submit(Submit {
            ticket: Ticket(ticket),
            kind: 0,
            key: Some(TaskKey {
                text: "k".into(),
                kin,
            }),
            args: bytes::Bytes::new(),
            inputs: Vec::new(),
            mentions: Vec::new(),
        })
    };
    rig.say(client, submit(1, 5));
    let (_, run) = rig.sent();
    rig.say(other, submit(1, 5));
    assert_eq!(rig.assigned(), []);
    rig.say(other, submit(2, 6));
    assert_eq!(rig.failures(), [(Ticket(2), FailureKind::KeyConflict)]);
    rig.done(worker, run, small());
    assert_eq!(rig.told().len(), 2);
    rig.gone(client);
    rig.gone(other);
    rig.assert_nothing_is_left();
}

#[test]
fn inputs_that_cannot_be_had_are_sought_again_and_then_computed_again() {
    let mut rig = Rig::new();
    let (holder, client) = (rig.worker(1), rig.client());
    let input = rig.submit(client, &[]);
    let (_, made) = rig.sent();
    rig.done(holder, made, super::rig::big());
    rig.submit(client, &[input]);
    for _ in 0..3 {
        let (at, run) = rig.sent();
        let data = vec![(made, holder, false)];
        rig.hear(
            at,
            FromWorker::Missing(crate::net::message::Missing { run, data }),
        );
    }
    assert!(rig.told().contains(&ToClient::Lost { ticket: input }));
    let (_, again) = rig.sent();
    assert_eq!((again.task, again.attempt), (made.task, 2));
}

#[test]
fn who_says_what_nobody_may_say_is_disconnected() {
    let submit = |ticket, kind| {
        FromClient::SubmitMany(crate::net::message::SubmitMany {
            first_ticket: Ticket(ticket),
            kind,
            args: vec![bytes::Bytes::new()],
        })
    };
    for words in [
        submit(1, 7),
        submit(0, 0),
        submit(u64::MAX, 0),
        FromClient::Define(Define::Kind(Box::new(KindOfTask {
            function: 9,
            ..KindOfTask::default()
        }))),
        FromClient::Submit(Submit {
            ticket: Ticket(1),
            kind: 0,
            key: None,
            args: bytes::Bytes::new(),
            inputs: vec![crate::net::message::Input::Ticket(Ticket(5))],
            mentions: Vec::new(),
        }),
    ] {
        let mut rig = Rig::new();
        let client = rig.client();
        rig.say(client, words.clone());
        assert_eq!(rig.disconnected(), [client], "{words:?}");
        rig.assert_nothing_is_left();
    }
}
