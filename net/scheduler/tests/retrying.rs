//! What has failed, made anew.

use super::rig::{Rig, big, small};
use crate::net::message::{
    FailureKind, FromClient, FunctionInfo, Input, KindOfTask, PeerId, Scattered, Submit, TaskKey,
    Ticket, ToClient,
};
use crate::net::scheduler::Config;

fn retry(rig: &mut Rig, client: PeerId, of: Ticket) -> Ticket {
    let ticket = rig.ticket();
    rig.say(client, FromClient::Retry { ticket, of });
    ticket
}

/// What a retry was refused with.
#[track_caller]
fn refusal(rig: &Rig, ticket: Ticket) -> (FailureKind, String) {
    match &rig.told()[..] {
        [
            ToClient::Failed {
                ticket: its,
                failure,
            },
        ] if *its == ticket => (failure.kind, failure.text.clone()),
        told => panic!("{told:?}"),
    }
}

#[test]
fn what_failed_and_what_failed_through_it_run_again() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let good = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, big());
    let bad = rig.submit(client, &[good]);
    let (_, failing) = rig.sent();
    let between = rig.submit(client, &[bad]);
    let last = rig.submit(client, &[between, good]);
    rig.fail(worker, failing);
    assert_eq!(rig.failures().len(), 3);
    let again = retry(&mut rig, client, last);
    let (_, run) = rig.sent();
    assert_ne!(run.task, failing.task, "a new task");
    rig.done(worker, run, small());
    for _ in 0..2 {
        let (_, run) = rig.sent();
        rig.done(worker, run, small());
    }
    assert!(matches!(rig.told()[..], [ToClient::Finished { ticket, .. }] if ticket == again));
    rig.release(client, &[good, bad, between, last, again]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_failed_task_is_made_anew_once() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(2), rig.client());
    let bad = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let (one, other) = (rig.submit(client, &[bad]), rig.submit(client, &[bad]));
    rig.fail(worker, run);
    let first = retry(&mut rig, client, one);
    let (_, run) = rig.sent();
    let second = retry(&mut rig, client, other);
    assert_eq!(rig.assigned(), [], "the root runs already");
    let third = retry(&mut rig, client, one);
    rig.fail(worker, run);
    assert_eq!(rig.failures().len(), 3, "all of them waited for one root");
    let fourth = retry(&mut rig, client, one);
    rig.sent();
    rig.release(client, &[bad, one, other, first, second, third, fourth]);
    rig.gone(worker);
    rig.assert_nothing_is_left();
}

#[test]
fn a_task_that_has_not_failed_is_itself_again() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let task = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let again = retry(&mut rig, client, task);
    rig.done(worker, run, small());
    assert_eq!(rig.told().len(), 2);
    rig.release(client, &[task, again]);
    rig.assert_nothing_is_left();
}

#[test]
fn its_key_names_the_new_task() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let keyed = |ticket| {
        FromClient::Submit(Submit {
            ticket,
            kind: 0,
            key: Some(TaskKey {
                text: "k".into(),
                kin: 1,
            }),
            args: bytes::Bytes::new(),
            inputs: Vec::new(),
            mentions: Vec::new(),
        })
    };
    let first = rig.ticket();
    rig.say(client, keyed(first));
    let (_, run) = rig.sent();
    rig.fail(worker, run);
    let again = retry(&mut rig, client, first);
    let (_, run) = rig.sent();
    let later = rig.ticket();
    rig.say(client, keyed(later));
    rig.done(worker, run, small());
    let told = rig.told();
    assert_eq!(told.len(), 2, "{told:?}");
    rig.release(client, &[first, again, later]);
    rig.assert_nothing_is_left();
}

#[test]
fn handles_in_its_arguments_are_wanted_anew() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let inside = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, small());
    let ticket = rig.ticket();
    let submit = Submit {
        ticket,
        kind: 0,
        key: None,
        args: bytes::Bytes::new(),
        inputs: Vec::new(),
        mentions: vec![Input::Ticket(inside)],
    };
    rig.say(client, FromClient::Submit(submit));
    let (_, failing) = rig.sent();
    rig.fail(worker, failing);
    let again = retry(&mut rig, client, ticket);
    rig.release(client, &[ticket, inside]);
    rig.gone(worker);
    let worker = rig.worker(1);
    let (_, run) = rig.sent();
    assert_eq!(run.attempt, 2);
    rig.done(worker, run, small());
    rig.release(client, &[again]);
    rig.assert_nothing_is_left();
}

#[test]
fn what_has_no_recipe_or_was_cancelled_says_so() {
    let mut rig = Rig::with(Config {
        lineage_limit: 0,
        ..Config::default()
    });
    let (worker, client) = (rig.worker(1), rig.client());
    let input = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, small());
    let forgotten = rig.submit(client, &[input]);
    let (_, run) = rig.sent();
    rig.fail(worker, run);
    let again = retry(&mut rig, client, forgotten);
    let (kind, text) = refusal(&rig, again);
    assert_eq!(kind, FailureKind::Error);
    assert!(
        text.contains("lineage_limit") && text.ends_with("it had failed: no"),
        "{text}"
    );

    let cancelled = rig.submit(client, &[]);
    let tickets = vec![cancelled];
    rig.say(client, FromClient::Cancel { tickets });
    let second = retry(&mut rig, client, cancelled);
    let (kind, text) = refusal(&rig, second);
    assert_eq!(kind, FailureKind::Cancelled);
    assert!(text.contains("was cancelled, which is for good"), "{text}");

    let scattered = rig.ticket();
    let words = FromClient::Scatter {
        ticket: scattered,
        name: "frame".into(),
        data: Scattered::Sized(1 << 20),
        on: vec!["nowhere".into()],
        mentions: Vec::new(),
    };
    rig.say(client, words);
    let user = rig.submit(client, &[scattered]);
    rig.release(client, &[scattered]);
    assert_eq!(rig.failures(), [(user, FailureKind::DataLost)]);
    let third = retry(&mut rig, client, user);
    assert_eq!(refusal(&rig, third).0, FailureKind::DataLost);
    let unknown = retry(&mut rig, client, scattered);
    assert_eq!(refusal(&rig, unknown).0, FailureKind::Forgotten);
    rig.gone(client);
    rig.gone(worker);
    rig.assert_nothing_is_left();
}

#[test]
fn a_task_that_was_taken_for_a_killer_has_three_more_lives() {
    let mut rig = Rig::with(Config {
        deaths: 1,
        ..Config::default()
    });
    let client = rig.client();
    let info = FunctionInfo {
        name: "other".into(),
        signature: 1,
    };
    rig.say(
        client,
        FromClient::Define(crate::net::message::Define::Function(info)),
    );
    rig.kind(client, KindOfTask::default());
    let task = rig.submit(client, &[]);
    let worker = rig.worker(1);
    rig.gone(worker);
    assert_eq!(rig.failures(), [(task, FailureKind::WorkerDied)]);
    let again = retry(&mut rig, client, task);
    let worker = rig.worker(1);
    let (_, run) = rig.sent();
    rig.done(worker, run, small());
    rig.release(client, &[task, again]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_long_chain_of_failures_is_made_anew() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let mut chain = vec![rig.submit(client, &[])];
    let (_, run) = rig.sent();
    for _ in 0..300 {
        let last = chain[chain.len() - 1];
        chain.push(rig.submit(client, &[last]));
    }
    rig.fail(worker, run);
    let last = chain[chain.len() - 1];
    let again = retry(&mut rig, client, last);
    for _ in 0..301 {
        let (_, run) = rig.sent();
        rig.done(worker, run, small());
    }
    assert!(matches!(rig.told()[..], [ToClient::Finished { ticket, .. }] if ticket == again));
    chain.push(again);
    rig.release(client, &chain);
    rig.assert_nothing_is_left();
}
