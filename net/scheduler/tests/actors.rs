//! Actors: results that stay on the worker that made them.

use super::rig::{Rig, small};
use crate::net::message::{
    Finished, FromClient, FromWorker, Located, PeerId, Run, Ticket, ToClient, ToWorker,
};
use crate::net::scheduler::Effect;

/// An actor of a client, which lives on a worker.
fn housed(rig: &mut Rig, worker: PeerId, client: PeerId) -> (Ticket, Run) {
    let input = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done(worker, run, small());
    let ticket = rig.submit(client, &[input]);
    let (_, run) = rig.sent();
    rig.done(worker, run, Finished::Actor);
    rig.release(client, &[input]);
    (ticket, run)
}

#[test]
fn who_asks_for_an_actor_is_told_where_it_lives() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let (ticket, run) = housed(&mut rig, worker, client);
    assert_eq!(rig.machine.check().tasks, 1, "it keeps no inputs");
    rig.say(client, FromClient::Fetch { ticket });
    let told = rig.told();
    let Some(ToClient::Located {
        at: Located::Actor { data, holder },
        ..
    }) = told.last()
    else {
        panic!("{told:?}");
    };
    assert_eq!((*data, holder.worker), (run, worker));
    rig.release(client, &[ticket]);
    assert_eq!(rig.dropped(), [(worker, run)]);
    rig.assert_nothing_is_left();
}

#[test]
fn an_actor_is_lost_with_its_worker_and_not_made_again() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let (ticket, _) = housed(&mut rig, worker, client);
    rig.worker(1);
    rig.gone(worker);
    assert_eq!(rig.assigned(), []);
    let told = rig.told();
    let Some(ToClient::Failed {
        ticket: of,
        failure,
    }) = told.last()
    else {
        panic!("{told:?}");
    };
    assert_eq!(*of, ticket);
    assert!(
        failure.text.contains(&worker.to_string()),
        "{}",
        failure.text
    );
    rig.release(client, &[ticket]);
    rig.assert_nothing_is_left();
}

#[test]
fn an_actor_is_not_copied_even_when_its_worker_leaves() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let (ticket, run) = housed(&mut rig, worker, client);
    let other = rig.worker(1);
    rig.say(client, FromClient::Replicate { ticket, copies: 2 });
    assert_eq!(rig.said, []);
    let bytes = 0;
    rig.hear(other, FromWorker::Stored { data: run, bytes });
    assert_eq!(rig.dropped(), [(other, run)], "nobody else can have it");
    rig.hear(worker, FromWorker::Leaving);
    assert_eq!(rig.said, [Effect::ToWorker(worker, ToWorker::Leave)]);
}
