//! What is interned goes when nobody uses it.

use super::rig::Rig;
use crate::net::message::{
    ClientHello, Define, FromClient, FunctionInfo, KindOfTask, PeerId, WorkerHello,
};
use crate::net::scheduler::Stimulus;

/// A client with names of its own.
fn a_client_with_names(rig: &mut Rig, number: u32) {
    let client = PeerId(1000 + number);
    rig.tell(Stimulus::ClientJoined(client, ClientHello::default()));
    for k in 0..20 {
        let name = format!("f{number}.{k}");
        let info = FunctionInfo { name, signature: 1 };
        rig.say(client, FromClient::Define(Define::Function(info)));
        let kind = KindOfTask {
            function: k,
            on: vec![format!("host{number}.{k}")],
            resources: vec![(format!("resource{number}.{k}"), 1)],
            ..KindOfTask::default()
        };
        rig.kind(client, kind);
        rig.submit_kind(client, k, &[]);
    }
    rig.gone(client);
    rig.tell(Stimulus::Tick);
}

#[test]
fn names_of_clients_that_have_gone_are_forgotten() {
    let mut rig = Rig::new();
    let worker = WorkerHello {
        resources: vec![("gpu".into(), 2)],
        ..super::rig::hello(1)
    };
    rig.worker_like(worker);
    let client = rig.client();
    let kind = KindOfTask {
        resources: vec![("gpu".into(), 1)],
        ..KindOfTask::default()
    };
    rig.kind(client, kind);
    for number in 0..60 {
        a_client_with_names(&mut rig, number);
        let interned = rig.machine.check().interned;
        assert!(interned < 2500, "{interned} after {number} clients");
    }
    rig.submit_kind(client, 1, &[]);
    rig.sent();
}

#[test]
fn a_requirement_with_tasks_that_wait_outlives_a_sweep() {
    let mut rig = Rig::new();
    rig.worker(1);
    let client = rig.client();
    let kind = KindOfTask {
        on: vec!["db".into()],
        ..KindOfTask::default()
    };
    rig.kind(client, kind);
    let task = rig.submit_kind(client, 1, &[]);
    (0..30).for_each(|number| a_client_with_names(&mut rig, number));
    let why = rig.why(client, task);
    assert!(why.ends_with("has one of the hosts or names db"), "{why}");
    rig.worker_like(WorkerHello {
        host: "db".into(),
        ..super::rig::hello(1)
    });
    rig.sent();
}
