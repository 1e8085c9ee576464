//! Which worker a task goes to, and when.

use super::rig::{Rig, SECOND, big, hello, small};
use crate::net::message::{
    Condition, FailureKind, Finished, FromClient, FromWorker, FunctionInfo, KindOfTask, Source,
    SubmitMany, Ticket, ToClient, ToWorker, WorkerHello,
};
use crate::net::scheduler::Effect;

#[test]
fn a_task_is_sent_in_the_step_that_makes_it_ready() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (at, run) = rig.sent();
    assert_eq!(at, worker);
    let second = rig.submit(client, &[first]);
    assert_eq!(rig.assigned(), []);
    rig.done(worker, run, small());
    let (_, next) = rig.sent();
    let finished = ToClient::Finished {
        ticket: first,
        result: small(),
        mentions: Vec::new(),
    };
    assert_eq!(rig.told(), [finished]);
    rig.release(client, &[first]);
    rig.done(worker, next, small());
    rig.release(client, &[second]);
    rig.assert_nothing_is_left();
}

#[test]
fn a_small_input_travels_with_the_run_and_a_large_one_says_where_it_is() {
    let mut rig = Rig::new();
    let (_, client) = (rig.worker(1), rig.client());
    let mut tickets = Vec::new();
    for result in [small(), big()] {
        tickets.push(rig.submit(client, &[]));
        let (at, run) = rig.sent();
        rig.done(at, run, result);
    }
    rig.submit(client, &tickets);
    let Some(Effect::ToWorker(_, ToWorker::Assign(assign))) = rig.said.last() else {
        panic!("{:?}", rig.said);
    };
    assert!(matches!(assign.inputs[0].source, Source::Inline(_)));
    assert_eq!(assign.inputs[1].source, Source::Here);
}

#[test]
fn a_task_goes_to_where_its_large_input_is() {
    let mut rig = Rig::new();
    let client = rig.client();
    (0..20).for_each(|_| {
        rig.worker(2);
    });
    let input = rig.submit(client, &[]);
    let (holder, run) = rig.sent();
    rig.done(holder, run, Finished::Held { bytes: 1 << 30 });
    rig.submit(client, &[input]);
    assert_eq!(rig.sent().0, holder);
}

#[test]
fn tasks_without_inputs_wait_on_the_scheduler() {
    let mut rig = Rig::new();
    let (_, client) = (rig.worker(2), rig.client());
    let args = vec![bytes::Bytes::new(); 100];
    let first_ticket = Ticket(1);
    rig.say(
        client,
        FromClient::SubmitMany(SubmitMany {
            first_ticket,
            kind: 0,
            args,
        }),
    );
    assert_eq!(rig.assigned().len(), 3, "two threads, and one ahead");
}

#[test]
fn what_is_made_of_results_goes_before_new_roots() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    (0..5).for_each(|_| {
        rig.submit(client, &[]);
    });
    let dependent = rig.submit(client, &[first]);
    rig.done(worker, run, big());
    let (_, next) = rig.sent();
    rig.said.clear();
    rig.done(worker, next, small());
    let told = rig.told();
    let of = |ticket| {
        told.iter()
            .any(|words| matches!(words, ToClient::Finished { ticket: its, .. } if *its == ticket))
    };
    assert!(of(dependent), "{told:?}");
}

#[test]
fn urgent_tasks_go_first() {
    let mut rig = Rig::new();
    let client = rig.client();
    rig.kind(
        client,
        KindOfTask {
            priority: 9,
            ..KindOfTask::default()
        },
    );
    rig.submit(client, &[]);
    let urgent = rig.submit_kind(client, 1, &[]);
    let worker = rig.worker(1);
    let (_, run) = rig.assigned()[0];
    rig.done(worker, run, small());
    let finished = ToClient::Finished {
        ticket: urgent,
        result: small(),
        mentions: Vec::new(),
    };
    assert_eq!(rig.told(), [finished]);
}

#[test]
fn a_resource_is_given_to_as_many_as_it_is_there_for() {
    let mut rig = Rig::new();
    let gpu = vec![("gpu".to_owned(), 1)];
    rig.worker(4);
    let able = rig.worker_like(WorkerHello {
        resources: gpu.clone(),
        ..hello(4)
    });
    let client = rig.client();
    rig.kind(
        client,
        KindOfTask {
            resources: gpu,
            ..KindOfTask::default()
        },
    );
    rig.submit_kind(client, 1, &[]);
    let (at, run) = rig.sent();
    assert_eq!(at, able);
    let second = rig.submit_kind(client, 1, &[]);
    assert_eq!(rig.assigned(), []);
    let why = rig.machine.why(client, second);
    assert!(why.contains("1 of `gpu`") && why.contains("busy"), "{why}");
    rig.done(able, run, small());
    assert_eq!(rig.sent().0, able);
}

#[test]
fn a_restricted_task_waits_for_its_host() {
    let mut rig = Rig::new();
    rig.worker(4);
    let client = rig.client();
    rig.kind(
        client,
        KindOfTask {
            on: vec!["db".into()],
            ..KindOfTask::default()
        },
    );
    let task = rig.submit_kind(client, 1, &[]);
    assert_eq!(rig.assigned(), []);
    let why = rig.machine.why(client, task);
    assert_eq!(
        why,
        "it is ready, and none of 1 workers has one of the hosts or names db"
    );
    let able = rig.worker_like(WorkerHello {
        host: "db".into(),
        ..hello(1)
    });
    assert_eq!(rig.sent().0, able);
}

#[test]
fn a_preferred_host_is_taken_while_it_has_room() {
    let mut rig = Rig::new();
    (0..10).for_each(|_| {
        rig.worker(4);
    });
    let near = rig.worker_like(WorkerHello {
        host: "near".into(),
        ..hello(1)
    });
    let client = rig.client();
    rig.kind(
        client,
        KindOfTask {
            prefer: vec!["near".into()],
            ..KindOfTask::default()
        },
    );
    let places: Vec<_> = (0..3)
        .map(|_| {
            rig.submit_kind(client, 1, &[]);
            rig.sent().0
        })
        .collect();
    assert_eq!(
        places.iter().filter(|&&place| place == near).count(),
        2,
        "one ahead"
    );
}

#[test]
fn a_task_is_not_sent_where_its_function_is_not() {
    let mut rig = Rig::new();
    let other = FunctionInfo {
        name: "crate::g".into(),
        signature: 1,
    };
    rig.worker_like(WorkerHello {
        functions: vec![other],
        ..hello(4)
    });
    let client = rig.client();
    let lost = rig.submit(client, &[]);
    assert_eq!(rig.failures(), [(lost, FailureKind::UnknownFunction)]);
    let able = rig.worker(1);
    let found: Vec<_> = (0..2)
        .map(|_| {
            rig.submit(client, &[]);
            rig.sent().0
        })
        .collect();
    assert_eq!(found, [able, able]);
}

#[test]
fn a_worker_with_nothing_to_do_asks_for_what_has_not_begun() {
    let mut rig = Rig::new();
    let (busy, client) = (rig.worker(1), rig.client());
    rig.submit(client, &[]);
    let (_, running) = rig.sent();
    rig.submit(client, &[]);
    let (_, ahead) = rig.sent();
    rig.hear(busy, FromWorker::Started { run: running });
    rig.now_us += SECOND;
    let idle = rig.worker(1);
    let asked = Effect::ToWorker(busy, ToWorker::Return { runs: vec![ahead] });
    assert!(rig.said.contains(&asked), "{:?}", rig.said);
    rig.hear(
        busy,
        FromWorker::Returned {
            runs: vec![ahead],
            kept: Vec::new(),
        },
    );
    let (at, again) = rig.sent();
    assert_eq!((at, again.task, again.attempt), (idle, ahead.task, 2));
}

#[test]
fn a_run_that_has_begun_stays() {
    let mut rig = Rig::new();
    let (busy, client) = (rig.worker(1), rig.client());
    rig.submit(client, &[]);
    rig.submit(client, &[]);
    let (_, ahead) = rig.sent();
    rig.now_us += SECOND;
    rig.worker(1);
    rig.hear(
        busy,
        FromWorker::Returned {
            runs: Vec::new(),
            kept: vec![ahead],
        },
    );
    assert_eq!(rig.assigned(), []);
    rig.done(busy, ahead, small());
    assert!(matches!(rig.told()[..], [ToClient::Finished { .. }]));
}

#[test]
fn a_blocked_body_makes_room() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.submit(client, &[]);
    rig.submit(client, &[]);
    rig.submit(client, &[]);
    assert_eq!(rig.assigned(), [], "one runs, one is ahead");
    rig.hear(worker, FromWorker::Slots { delta: -1 });
    assert_eq!(rig.assigned().len(), 1);
}

#[test]
fn that_there_are_no_workers_is_told_once() {
    let mut rig = Rig::new();
    let client = rig.client();
    let task = rig.submit(client, &[]);
    let none = ToClient::Condition(Condition::NoWorkers { ready: 1 });
    assert_eq!(rig.told(), [none]);
    assert_eq!(
        rig.machine.why(client, task),
        "it is ready, and there is no worker"
    );
    rig.submit(client, &[]);
    assert_eq!(rig.told(), []);
    rig.worker(1);
    assert_eq!(
        rig.told(),
        [ToClient::Condition(Condition::Workers { workers: 1 })]
    );
}
