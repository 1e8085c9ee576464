//! Data that nobody needs, data that were lost, data that clients scatter.

use super::rig::{Rig, big, small};
use crate::net::message::{
    ClientHello, Done, FailureKind, FromClient, FromWorker, Input, InputData, PeerId, Scattered,
    Source, Ticket, ToClient, ToWorker,
};
use crate::net::scheduler::{Config, Effect, Stimulus};

#[test]
fn data_that_nobody_needs_are_dropped() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, big());
    let second = rig.submit(client, &[first]);
    let (_, next) = rig.sent();
    rig.release(client, &[first]);
    assert_eq!(rig.dropped(), [], "the dependent needs them");
    rig.done(worker, next, small());
    assert_eq!(rig.dropped(), [(worker, run)]);
    rig.release(client, &[second]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_client_that_has_gone_wants_nothing() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, big());
    rig.submit(client, &[]);
    let (_, running) = rig.sent();
    rig.gone(client);
    assert_eq!(rig.dropped(), [(worker, run)]);
    let cancel = Effect::ToWorker(worker, ToWorker::Cancel { run: running });
    assert!(rig.said.contains(&cancel));
    rig.hear(worker, FromWorker::Cancelled { run: running });
    rig.assert_nothing_is_left();
}

#[test]
fn a_client_may_go_that_wants_data_on_its_way_twice() {
    let mut rig = Rig::new();
    let client = rig.client();
    let (of, ticket) = (rig.ticket(), rig.ticket());
    let scatter = FromClient::Scatter {
        ticket: of,
        name: String::new(),
        data: Scattered::Sized(1 << 20),
        on: Vec::new(),
        mentions: Vec::new(),
    };
    rig.say(client, scatter);
    rig.say(client, FromClient::Retry { ticket, of });
    rig.gone(client);
    assert_eq!(rig.told(), []);
    rig.assert_nothing_is_left();
}

#[test]
fn what_scattered_data_names_is_wanted_while_the_data_are() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let named = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, big());
    for data in [
        Scattered::Sized(1 << 20),
        Scattered::Inline(bytes::Bytes::from_static(b"data")),
    ] {
        let ticket = rig.ticket();
        let scatter = FromClient::Scatter {
            ticket,
            name: String::new(),
            data,
            on: Vec::new(),
            mentions: vec![Input::Ticket(named)],
        };
        rig.say(client, scatter);
        if let [ToClient::Put { data, .. }] = rig.told()[..] {
            let bytes = 1 << 20;
            rig.hear(worker, FromWorker::Stored { data, bytes });
        }
        let reads = rig.submit(client, &[ticket]);
        let assigned = rig.said.iter().find_map(|effect| match effect {
            Effect::ToWorker(_, ToWorker::Assign(assign)) => Some(assign.clone()),
            _ => None,
        });
        let assigned = assigned.expect("the worker is free");
        assert_eq!(assigned.inputs[0].mentions, [run.task]);
        rig.done(worker, assigned.run, small());
        rig.release(client, &[reads, ticket]);
    }
    rig.release(client, &[named]);
    rig.assert_nothing_is_left();
}

#[test]
fn copies_are_made_of_scattered_data_as_soon_as_it_is_there() {
    let mut rig = Rig::new();
    let (_, _, client) = (rig.worker(1), rig.worker(1), rig.client());
    let ticket = rig.ticket();
    let scatter = FromClient::Scatter {
        ticket,
        name: String::new(),
        data: Scattered::Sized(1 << 20),
        on: Vec::new(),
        mentions: Vec::new(),
    };
    rig.say(client, scatter);
    let [ToClient::Put { data, holder, .. }] = &rig.told()[..] else {
        panic!("{:?}", rig.said);
    };
    let (data, first) = (*data, holder.worker);
    let copies = u32::MAX;
    rig.say(client, FromClient::Replicate { ticket, copies });
    assert_eq!(rig.said, []);
    let bytes = 1 << 20;
    rig.hear(first, FromWorker::Stored { data, bytes });
    let is_copy = |effect: &Effect| match effect {
        Effect::ToWorker(worker, ToWorker::Copy(copy)) => *worker != first && copy.data == data,
        _ => false,
    };
    assert!(rig.said.iter().any(is_copy), "{:?}", rig.said);
}

#[test]
fn scattered_data_may_be_all_that_keeps_what_it_names() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let named = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, big());
    let ticket = rig.ticket();
    let scatter = FromClient::Scatter {
        ticket,
        name: String::new(),
        data: Scattered::Sized(1 << 20),
        on: Vec::new(),
        mentions: vec![Input::Ticket(named)],
    };
    rig.say(client, scatter);
    rig.release(client, &[named]);
    assert_eq!(rig.dropped(), []);
    // Nobody will put it any more.
    rig.release(client, &[ticket]);
    assert_eq!(rig.dropped(), [(worker, run)]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_lost_result_may_be_all_that_kept_itself() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let task = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let done = Done {
        run,
        result: big(),
        mentions: vec![Input::Task(run.task)],
        run_us: 10,
        lay_us: 0,
    };
    rig.hear(worker, FromWorker::Done(done));
    rig.release(client, &[task]);
    rig.gone(worker);
    rig.assert_nothing_is_left();
}

#[test]
fn a_result_that_nobody_asked_for_is_dropped() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let stale = crate::net::message::Run {
        attempt: run.attempt + 1,
        ..run
    };
    rig.done(worker, stale, big());
    assert_eq!((rig.dropped(), rig.told()), (vec![(worker, stale)], vec![]));
}

#[test]
fn lost_data_are_computed_again_with_what_they_were_made_of() {
    let mut rig = Rig::new();
    let (first, client) = (rig.worker(1), rig.client());
    let a = rig.submit(client, &[]);
    let run_a = rig.sent().1;
    rig.done(first, run_a, big());
    let b = rig.submit(client, &[a]);
    let run_b = rig.sent().1;
    rig.release(client, &[a]);
    rig.done(first, run_b, big());
    assert_eq!(rig.dropped(), [(first, run_a)]);
    rig.gone(first);
    assert_eq!(rig.told()[0], ToClient::Lost { ticket: b });
    let second = rig.worker(1);
    let (_, again_a) = rig.sent();
    assert_eq!((again_a.task, again_a.attempt), (run_a.task, 2));
    rig.done(second, again_a, big());
    let (_, again_b) = rig.sent();
    assert_eq!((again_b.task, again_b.attempt), (run_b.task, 2));
    rig.done(second, again_b, big());
    assert!(matches!(rig.told()[..], [ToClient::Finished { ticket, .. }] if ticket == b));
    assert_eq!(rig.dropped(), [(second, again_a)]);
    rig.release(client, &[b]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_copy_is_as_good_as_the_original() {
    let mut rig = Rig::new();
    let (first, client) = (rig.worker(1), rig.client());
    let ticket = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(first, run, big());
    let second = rig.worker(1);
    rig.say(client, FromClient::Replicate { ticket, copies: 2 });
    let asked = |effect: &Effect| matches!(effect, Effect::ToWorker(worker, ToWorker::Copy(InputData { data, source: Source::At { .. }, .. })) if *worker == second && *data == run);
    assert!(rig.said.iter().any(asked), "{:?}", rig.said);
    rig.hear(
        second,
        FromWorker::Stored {
            data: run,
            bytes: 1 << 20,
        },
    );
    rig.gone(first);
    assert_eq!(rig.told(), []);
    rig.say(client, FromClient::Fetch { ticket });
    assert!(matches!(&rig.told()[..], [ToClient::Located { .. }]));
}

#[test]
fn recipes_past_the_limit_are_forgotten_oldest_first() {
    let mut rig = Rig::with(Config {
        lineage_limit: 2,
        ..Config::default()
    });
    let (worker, client) = (rig.worker(1), rig.client());
    let mut chain: Vec<Ticket> = Vec::new();
    for _ in 0..10 {
        let inputs: Vec<Ticket> = chain.last().copied().into_iter().collect();
        chain.push(rig.submit(client, &inputs));
        let (_, run) = rig.sent();
        rig.done(worker, run, big());
    }
    let (last, others) = chain.split_last().expect("ten");
    rig.release(client, others);
    assert_eq!(rig.machine.check().tasks, 3, "the last and two recipes");
    rig.gone(worker);
    assert_eq!(rig.failures(), [(*last, FailureKind::DataLost)]);
    rig.release(client, &[*last]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_chain_of_small_results_keeps_no_recipes() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let mut last: Option<Ticket> = None;
    for _ in 0..10 {
        let inputs: Vec<Ticket> = last.into_iter().collect();
        let next = rig.submit(client, &inputs);
        let (_, run) = rig.sent();
        rig.done(worker, run, small());
        rig.release(client, &inputs);
        last = Some(next);
    }
    assert_eq!(rig.machine.check().tasks, 1);
}

fn scatter(rig: &mut Rig, client: PeerId) -> (Ticket, PeerId, crate::net::message::Run) {
    let ticket = rig.ticket();
    let data = Scattered::Sized(1 << 20);
    rig.say(
        client,
        FromClient::Scatter {
            ticket,
            name: "frame".into(),
            data,
            on: Vec::new(),
            mentions: Vec::new(),
        },
    );
    put(rig, ticket)
}

fn put(rig: &Rig, ticket: Ticket) -> (Ticket, PeerId, crate::net::message::Run) {
    let told = rig.told();
    let Some(ToClient::Put { data, holder, .. }) = told.last() else {
        panic!("{told:?}");
    };
    (ticket, holder.worker, *data)
}

#[test]
fn scattered_data_are_lost_with_their_only_copy() {
    let mut rig = Rig::new();
    let (_, client) = (rig.worker(1), rig.client());
    let (ticket, worker, data) = scatter(&mut rig, client);
    rig.hear(
        worker,
        FromWorker::Stored {
            data,
            bytes: 1 << 20,
        },
    );
    assert!(matches!(rig.told()[..], [ToClient::Finished { .. }]));
    rig.submit(client, &[ticket]);
    rig.gone(worker);
    let kinds: Vec<FailureKind> = rig.failures().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(
        kinds,
        [FailureKind::DataLost, FailureKind::DataLost],
        "and what needs them"
    );
}

#[test]
fn data_on_their_way_to_a_worker_that_dies_go_to_another() {
    let mut rig = Rig::new();
    let (_, client) = (rig.worker(1), rig.client());
    let (ticket, worker, first) = scatter(&mut rig, client);
    rig.gone(worker);
    let other = rig.worker(1);
    let (_, worker, data) = put(&rig, ticket);
    assert_eq!((worker, data.task), (other, first.task));
    assert!(data.attempt > first.attempt);
    rig.release(client, &[ticket]);
    rig.hear(
        other,
        FromWorker::Stored {
            data,
            bytes: 1 << 20,
        },
    );
    assert_eq!(rig.dropped(), [(other, data)]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_worker_that_leaves_hands_over_what_only_it_has() {
    let mut rig = Rig::new();
    let (leaver, client) = (rig.worker(1), rig.client());
    let ticket = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(leaver, run, big());
    let heir = rig.worker(1);
    rig.hear(leaver, FromWorker::Leaving);
    let left = Effect::ToWorker(leaver, ToWorker::Leave);
    assert!(!rig.said.contains(&left));
    rig.hear(
        heir,
        FromWorker::Stored {
            data: run,
            bytes: 1 << 20,
        },
    );
    assert!(rig.said.contains(&left), "{:?}", rig.said);
    rig.gone(leaver);
    assert_eq!(rig.told(), []);
    rig.release(client, &[ticket]);
    assert_eq!(rig.dropped(), [(heir, run)]);
}

#[test]
fn a_task_is_wanted_by_a_name_that_travelled() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.tell(Stimulus::ClientJoined(PeerId(99), ClientHello::default()));
    rig.say(
        PeerId(99),
        FromClient::Want {
            ticket: Ticket(1),
            task: run.task,
        },
    );
    rig.release(client, &[first]);
    rig.done(worker, run, small());
    let finished = ToClient::Finished {
        ticket: Ticket(1),
        result: small(),
        mentions: Vec::new(),
    };
    assert_eq!(rig.told(), [finished]);
    rig.release(PeerId(99), &[Ticket(1)]);
    rig.say(
        PeerId(99),
        FromClient::Want {
            ticket: Ticket(2),
            task: run.task,
        },
    );
    assert_eq!(rig.failures(), [(Ticket(2), FailureKind::Forgotten)]);
}
