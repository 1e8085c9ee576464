//! Holders that cannot be reached, by clients and by workers.

use super::rig::{Rig, SECOND, big, function, hello, small};
use crate::net::message::{
    FailureKind, FromClient, FromWorker, KindOfTask, Located, Missing, PeerId, Run, Ticket,
    ToClient, WorkerHello,
};
use crate::net::scheduler::Stimulus;

fn cannot_fetch(rig: &mut Rig, client: PeerId, ticket: Ticket, data: Run, holder: PeerId) {
    let absent = false;
    let words = FromClient::FetchFailed {
        ticket,
        data,
        holder,
        absent,
    };
    rig.say(client, words);
}

/// As above for so many seconds, as often as it is named.
fn try_for(rig: &mut Rig, client: PeerId, ticket: Ticket, data: Run, holder: PeerId, seconds: u64) {
    for _ in 0..seconds {
        cannot_fetch(rig, client, ticket, data, holder);
        assert_eq!(named(rig), [], "not at once");
        rig.now_us += SECOND;
        rig.tell(Stimulus::Tick);
        assert_eq!(named(rig), [holder]);
    }
}

/// Whom the last step named to a client.
fn named(rig: &Rig) -> Vec<PeerId> {
    let holders = |words: &ToClient| match words {
        ToClient::Located {
            at: Located::Held { holders, .. },
            ..
        } => Some(holders.iter().map(|holder| holder.worker).collect()),
        _ => None,
    };
    rig.told().iter().find_map(holders).unwrap_or_default()
}

/// A result that a worker holds.
fn held(rig: &mut Rig, client: PeerId, worker: PeerId) -> (Ticket, Run) {
    let ticket = rig.submit(client, &[]);
    let (at, run) = rig.sent();
    assert_eq!(at, worker);
    rig.done(worker, run, big());
    (ticket, run)
}

#[test]
fn another_holder_is_named_before_one_that_could_not_be_reached() {
    let mut rig = Rig::new();
    let (first, client) = (rig.worker(1), rig.client());
    let (ticket, run) = held(&mut rig, client, first);
    let second = rig.worker(1);
    let bytes = 1 << 20;
    rig.hear(second, FromWorker::Stored { data: run, bytes });
    for _ in 0..10 {
        cannot_fetch(&mut rig, client, ticket, run, first);
        assert_eq!(named(&rig), [second, first], "at once");
    }
}

#[test]
fn data_that_a_client_cannot_reach_are_computed_again_elsewhere_and_once() {
    let mut rig = Rig::new();
    let (first, client) = (rig.worker(1), rig.client());
    let (ticket, run) = held(&mut rig, client, first);
    let second = rig.worker(1);
    try_for(&mut rig, client, ticket, run, first, 7);
    cannot_fetch(&mut rig, client, ticket, run, first);
    assert_eq!(rig.assigned(), []);
    rig.now_us += 2 * SECOND;
    cannot_fetch(&mut rig, client, ticket, run, first);
    let (at, again) = rig.sent();
    assert_eq!((again.task, again.attempt), (run.task, 2));
    rig.done(at, again, big());
    assert_eq!(named(&rig), [at]);
    try_for(&mut rig, client, ticket, again, at, 8);
    cannot_fetch(&mut rig, client, ticket, again, at);
    assert_eq!(rig.failures(), [(ticket, FailureKind::DataLost)]);
    rig.release(client, &[ticket]);
    rig.gone(second);
    rig.assert_nothing_is_left();
}

#[test]
fn a_client_that_cannot_reach_the_only_worker_is_told_and_others_are_not() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let (ticket, run) = held(&mut rig, client, worker);
    let other = PeerId(99);
    rig.tell(Stimulus::ClientJoined(
        other,
        crate::net::message::ClientHello::default(),
    ));
    let task = run.task;
    rig.say(other, FromClient::Want { ticket, task });
    try_for(&mut rig, client, ticket, run, worker, 8);
    assert_eq!(rig.failures(), []);
    cannot_fetch(&mut rig, client, ticket, run, worker);
    assert_eq!(rig.failures(), [(ticket, FailureKind::DataLost)]);
    assert_eq!(rig.told().len(), 1, "{:?}", rig.told());
    rig.say(other, FromClient::Fetch { ticket });
    assert_eq!(named(&rig), [worker]);
    rig.gone(client);
    rig.gone(other);
    rig.assert_nothing_is_left();
}

#[test]
fn each_holder_is_given_its_time_also_after_another_was_not_reached() {
    let mut rig = Rig::new();
    let (first, client) = (rig.worker(1), rig.client());
    let (ticket, run) = held(&mut rig, client, first);
    try_for(&mut rig, client, ticket, run, first, 5);
    rig.gone(first);
    rig.now_us += 5 * SECOND;
    let second = rig.worker(1);
    let (at, again) = rig.sent();
    rig.done(at, again, big());
    try_for(&mut rig, client, ticket, again, second, 7);
    assert_eq!(rig.failures(), []);
    rig.release(client, &[ticket]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_holder_that_always_has_nothing_is_not_asked_for_ever() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let (ticket, mut run) = held(&mut rig, client, worker);
    for _ in 0..100 {
        let words = FromClient::FetchFailed {
            ticket,
            data: run,
            holder: worker,
            absent: true,
        };
        rig.say(client, words);
        let Some(&(_, again)) = rig.assigned().first() else {
            break;
        };
        rig.done(worker, again, big());
        run = again;
    }
    assert_eq!(rig.failures(), [(ticket, FailureKind::DataLost)]);
    rig.release(client, &[ticket]);
    rig.gone(worker);
    rig.assert_nothing_is_left();
}

/// Data on one host, and a task on the other that needs them; neither worker reaches the other.
fn two_islands(rig: &mut Rig, client: PeerId) -> (Ticket, Ticket) {
    for host in ["h0", "h1"] {
        let kind = KindOfTask {
            on: vec![host.into()],
            ..KindOfTask::default()
        };
        rig.kind(client, kind);
        let hello = WorkerHello {
            host: host.into(),
            functions: vec![function()],
            ..hello(1)
        };
        rig.worker_like(hello);
    }
    let data = rig.submit_kind(client, 1, &[]);
    let (worker, run) = rig.sent();
    rig.done(worker, run, big());
    (data, rig.submit_kind(client, 2, &[data]))
}

#[test]
fn a_task_whose_worker_never_reaches_its_input_fails_and_says_whom() {
    let mut rig = Rig::new();
    let client = rig.client();
    let (data, user) = two_islands(&mut rig, client);
    let mut computed = 0;
    for _ in 0..200 {
        let Some(&(at, run)) = rig.assigned().first() else {
            break;
        };
        let inputs = rig.said.iter().find_map(|effect| match effect {
            crate::net::scheduler::Effect::ToWorker(
                _,
                crate::net::message::ToWorker::Assign(assign),
            ) => Some(assign.inputs.clone()),
            _ => None,
        });
        match inputs.unwrap_or_default().first() {
            None => {
                computed += 1;
                rig.done(at, run, big());
            }
            Some(input) => {
                let crate::net::message::Source::At { holders, .. } = &input.source else {
                    panic!("{input:?}");
                };
                rig.now_us += 2 * SECOND;
                let data = vec![(input.data, holders[0].worker, false)];
                rig.hear(at, FromWorker::Missing(Missing { run, data }));
            }
        }
    }
    assert_eq!(
        rig.failures(),
        [(user, FailureKind::DataLost)],
        "{computed} {:?}",
        rig.said
    );
    assert!((1..40).contains(&computed), "{computed}");
    let why = rig.why(client, user);
    assert!(why.contains("see that workers reach each other"), "{why}");
    rig.release(client, &[data, user]);
    rig.assert_nothing_is_left();
}

#[test]
fn the_only_copy_of_scattered_data_is_not_given_up_for_a_worker_that_cannot_reach_it() {
    let mut rig = Rig::new();
    let (holder, client) = (rig.worker(1), rig.client());
    let ticket = rig.ticket();
    let words = FromClient::Scatter {
        ticket,
        name: "frame".into(),
        data: crate::net::message::Scattered::Sized(1 << 20),
        on: Vec::new(),
        mentions: Vec::new(),
    };
    rig.say(client, words);
    let [ToClient::Put { data, .. }] = rig.told()[..] else {
        panic!("{:?}", rig.told());
    };
    let bytes = 1 << 20;
    rig.hear(holder, FromWorker::Stored { data, bytes });
    let user = rig.submit(client, &[ticket]);
    for _ in 0..10 {
        let (at, run) = rig.sent();
        let data = vec![(data, holder, false)];
        rig.hear(at, FromWorker::Missing(Missing { run, data }));
    }
    let (at, run) = rig.sent();
    rig.done(at, run, small());
    assert!(matches!(rig.told()[..], [ToClient::Finished { ticket, .. }] if ticket == user));
    rig.release(client, &[ticket, user]);
    rig.assert_nothing_is_left();
}
