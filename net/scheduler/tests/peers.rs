//! Peers that come, go and come again, and clients that share names.

use super::rig::{Rig, big, function, hello, small};
use crate::net::message::{
    ClientHello, Define, FailureKind, FromClient, FromWorker, FunctionInfo, KindOfTask, PeerId,
    Submit, TaskKey, Ticket, ToClient, WorkerHello,
};
use crate::net::scheduler::Stimulus;

/// Another client, which has defined this function, and kind 0 of it.
fn client_with(rig: &mut Rig, peer: u32, info: FunctionInfo) -> PeerId {
    let client = PeerId(peer);
    rig.tell(Stimulus::ClientJoined(client, ClientHello::default()));
    rig.say(client, FromClient::Define(Define::Function(info)));
    rig.kind(client, KindOfTask::default());
    client
}

fn keyed(ticket: u64, kin: u64) -> FromClient {
    FromClient::Submit(Submit {
        ticket: Ticket(ticket),
        kind: 0,
        key: Some(TaskKey {
            text: "the answer".into(),
            kin,
        }),
        args: bytes::Bytes::new(),
        inputs: Vec::new(),
        mentions: Vec::new(),
    })
}

#[test]
fn of_two_functions_under_one_key_the_second_is_a_conflict_and_the_first_goes_on() {
    let mut rig = Rig::new();
    let (worker, first) = (rig.worker(1), rig.client());
    let info = FunctionInfo {
        name: "crate::g".into(),
        signature: 8,
    };
    let second = client_with(&mut rig, 99, info);
    rig.say(first, keyed(1, 7));
    let (_, run) = rig.sent();
    rig.say(second, keyed(1, 8));
    let [ToClient::Failed { failure, .. }] = &rig.told()[..] else {
        panic!("{:?}", rig.told());
    };
    assert_eq!(failure.kind, FailureKind::KeyConflict);
    assert!(failure.text.contains("the answer"), "{}", failure.text);
    assert_eq!(rig.assigned(), []);
    rig.done(worker, run, small());
    assert!(matches!(
        rig.told()[..],
        [ToClient::Finished {
            ticket: Ticket(1),
            ..
        }]
    ));
    rig.gone(first);
    rig.gone(second);
    rig.assert_nothing_is_left();
}

#[test]
fn a_worker_that_connects_again_is_a_new_one_and_what_the_old_one_says_is_out_of_date() {
    let mut rig = Rig::new();
    let (old, client) = (rig.worker(1), rig.client());
    let (made, open) = (rig.submit(client, &[]), rig.submit(client, &[]));
    let data = rig.machine.check().sent;
    assert_eq!(data, 2, "one runs, one is ahead");
    rig.gone(old);
    let new = rig.worker_like(WorkerHello {
        name: "the same".into(),
        ..hello(1)
    });
    let runs = rig.assigned();
    assert!(
        runs.iter().all(|&(at, run)| at == new && run.attempt == 2),
        "{runs:?}"
    );
    for (_, run) in &runs {
        let mut stale = *run;
        stale.attempt = 1;
        rig.done(old, stale, small());
        assert_eq!(rig.said, [], "it is nobody now");
        rig.done(new, stale, big());
        assert_eq!(rig.dropped(), [(new, stale)], "data that nobody asked for");
        rig.fail(new, stale);
        rig.hear(new, FromWorker::Cancelled { run: stale });
        assert_eq!(rig.said, []);
    }
    for (_, run) in runs {
        rig.done(new, run, small());
    }
    rig.release(client, &[made, open]);
    rig.assert_nothing_is_left();
}

#[test]
fn what_a_client_that_has_gone_wanted_does_not_run_unless_others_want_it() {
    let mut rig = Rig::new();
    let first = rig.client();
    let second = client_with(&mut rig, 99, function());
    rig.say(first, keyed(1, 7));
    rig.say(second, keyed(1, 7));
    let mine = FromClient::SubmitMany(crate::net::message::SubmitMany {
        first_ticket: Ticket(2),
        kind: 0,
        args: vec![bytes::Bytes::new(); 10],
    });
    rig.say(first, mine);
    rig.gone(first);
    assert_eq!(rig.machine.check().tasks, 1, "the shared one");
    let worker = rig.worker(4);
    let (_, run) = rig.sent();
    rig.done(worker, run, small());
    assert!(matches!(
        rig.told()[..],
        [ToClient::Finished {
            ticket: Ticket(1),
            ..
        }]
    ));
    rig.gone(second);
    rig.assert_nothing_is_left();
}

#[test]
fn a_client_that_goes_while_it_runs_has_the_token_of_its_task_set() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.hear(worker, FromWorker::Started { run });
    rig.gone(client);
    let cancelled = crate::net::scheduler::Effect::ToWorker(
        worker,
        crate::net::message::ToWorker::Cancel { run },
    );
    assert!(rig.said.contains(&cancelled), "{:?}", rig.said);
    rig.hear(worker, FromWorker::Cancelled { run });
    rig.assert_nothing_is_left();
}
