//! Clients that ask how far their tasks are.

use super::rig::{Rig, small};
use crate::net::message::{FromClient, FromWorker, PeerId, Stage, Ticket, ToClient};

impl Rig {
    fn watch(&mut self, client: PeerId, tickets: &[Ticket]) {
        let tickets = tickets.to_vec();
        self.say(client, FromClient::Watch { tickets });
    }

    /// What the last step said of how far tasks are.
    fn stages(&self) -> Vec<(Ticket, Stage)> {
        let stage = |words: ToClient| match words {
            ToClient::Stage { ticket, stage } => Some((ticket, stage)),
            _ => None,
        };
        self.told().into_iter().filter_map(stage).collect()
    }
}

#[test]
fn who_asks_is_told_at_once_and_of_each_change() {
    let mut rig = Rig::new();
    let client = rig.client();
    let a = rig.submit(client, &[]);
    let b = rig.submit(client, &[a]);
    rig.watch(client, &[a, b, Ticket(77)]);
    assert_eq!(rig.stages(), [(a, Stage::Queued), (b, Stage::Waiting)]);
    let worker = rig.worker(1);
    let (_, run) = rig.sent();
    assert_eq!(rig.stages(), [], "it lies at the worker");
    rig.hear(worker, FromWorker::Started { run });
    assert_eq!(rig.stages(), [(a, Stage::Running)]);
    rig.done(worker, run, small());
    assert_eq!(rig.stages(), [(b, Stage::Queued)]);
    rig.watch(client, &[a]);
    assert_eq!(rig.stages(), [], "of its end it was told");
}

#[test]
fn a_run_that_comes_to_nothing_is_ready_again() {
    let mut rig = Rig::new();
    let (client, worker) = (rig.client(), rig.worker(1));
    let a = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.hear(worker, FromWorker::Started { run });
    rig.watch(client, &[a]);
    assert_eq!(rig.stages(), [(a, Stage::Running)]);
    rig.gone(worker);
    assert_eq!(rig.stages(), [(a, Stage::Queued)]);
}

#[test]
fn nobody_is_told_who_has_not_asked() {
    let mut rig = Rig::new();
    let (client, worker) = (rig.client(), rig.worker(1));
    let a = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let b = rig.submit(client, &[a]);
    rig.hear(worker, FromWorker::Started { run });
    assert_eq!(rig.stages(), []);
    rig.done(worker, run, small());
    assert_eq!(rig.stages(), []);
    rig.gone(worker);
    assert_eq!(rig.stages(), []);
    rig.release(client, &[a, b]);
    rig.assert_nothing_is_left();
}

#[test]
fn what_is_watched_and_let_go_is_forgotten() {
    let mut rig = Rig::new();
    let client = rig.client();
    let a = rig.submit(client, &[]);
    let b = rig.submit(client, &[a]);
    rig.watch(client, &[a, b]);
    rig.release(client, &[b, a]);
    rig.assert_nothing_is_left();
    let c = rig.submit(client, &[]);
    rig.watch(client, &[c]);
    rig.gone(client);
    rig.assert_nothing_is_left();
}
