//! Workers that hold almost as much as they may.

use super::rig::{Rig, hello, small};
use crate::net::message::{Finished, KindOfTask, PeerId, Run, Ticket, ToClient, WorkerHello};
use crate::net::scheduler::Stimulus;

const LIMIT: u64 = 1000;

fn limited(rig: &mut Rig, slots: u32) -> PeerId {
    rig.worker_like(WorkerHello {
        memory_limit: LIMIT,
        ..hello(slots)
    })
}

/// Fills a worker past four fifths with the result of a task that was just sent.
fn fill(rig: &mut Rig, worker: PeerId, run: Run) {
    let bytes = LIMIT * 4 / 5 + 1;
    rig.done(worker, run, Finished::Held { bytes });
}

#[test]
fn a_full_worker_gets_nothing_while_others_can_run_it() {
    let mut rig = Rig::new();
    let (full, client) = (limited(&mut rig, 2), rig.client());
    let first = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    fill(&mut rig, full, run);
    let other = limited(&mut rig, 1);
    for _ in 0..300 {
        rig.submit(client, &[]);
        assert!(rig.assigned().iter().all(|&(at, _)| at == other));
    }
    let waiting = rig.submit(client, &[]);
    let why = rig.why(client, waiting);
    assert!(
        why.contains("1 of them since they hold more than 80 %"),
        "{why}"
    );
    rig.release(client, &[first]);
    assert!(
        rig.assigned().iter().any(|&(at, _)| at == full),
        "{:?}",
        rig.said
    );
}

#[test]
fn at_four_fifths_it_is_not_full() {
    let mut rig = Rig::new();
    let (worker, client) = (limited(&mut rig, 1), rig.client());
    rig.submit(client, &[]);
    let (_, run) = rig.sent();
    let bytes = LIMIT * 4 / 5;
    rig.done(worker, run, Finished::Held { bytes });
    rig.submit(client, &[]);
    let second = rig.submit(client, &[]);
    assert_eq!(rig.assigned().len(), 1, "one ahead of {second}");
}

#[test]
fn when_all_are_full_each_runs_one_at_a_time() {
    let mut rig = Rig::new();
    let client = rig.client();
    let workers = [limited(&mut rig, 4), limited(&mut rig, 4)];
    for _ in 0..2 {
        rig.submit(client, &[]);
        let (at, run) = rig.sent();
        fill(&mut rig, at, run);
    }
    let mut sent = Vec::new();
    let tickets: Vec<Ticket> = (0..6)
        .map(|_| {
            let ticket = rig.submit(client, &[]);
            sent.extend(rig.assigned());
            ticket
        })
        .collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(
        workers
            .iter()
            .all(|worker| sent.iter().any(|(at, _)| at == worker))
    );
    let mut finished = 0;
    while let Some((at, run)) = sent.pop() {
        rig.done(at, run, small());
        finished += rig.told().len();
        sent.extend(rig.assigned());
    }
    assert_eq!(finished, tickets.len());
}

#[test]
fn a_queue_that_only_full_ones_are_left_for_is_served_with_the_next_tick() {
    let mut rig = Rig::new();
    let client = rig.client();
    let full = limited(&mut rig, 1);
    rig.submit(client, &[]);
    let (_, run) = rig.sent();
    fill(&mut rig, full, run);
    let other = limited(&mut rig, 1);
    rig.submit(client, &[]);
    rig.submit(client, &[]);
    rig.submit(client, &[]);
    rig.gone(other);
    rig.tell(Stimulus::Tick);
    let busy = rig.machine.check().sent;
    assert_eq!(busy, 1, "one at a time");
}

#[test]
fn what_needs_the_data_of_a_full_worker_runs_there_if_nobody_else_has_room() {
    let mut rig = Rig::new();
    let (full, client) = (limited(&mut rig, 1), rig.client());
    let input = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    fill(&mut rig, full, run);
    let user = rig.submit(client, &[input]);
    let (at, run) = rig.sent();
    rig.done(at, run, small());
    assert!(matches!(rig.told()[..], [ToClient::Finished { ticket, .. }] if ticket == user));
    rig.release(client, &[input, user]);
    rig.assert_nothing_is_left();
}

#[test]
fn roots_do_not_flood_memory_with_results_that_wait_to_be_used() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(2), rig.client());
    rig.kind(client, KindOfTask::default());
    rig.run_us = 10_000;
    let roots: Vec<Ticket> = (0..200).map(|_| rig.submit(client, &[])).collect();
    let users: Vec<Ticket> = roots
        .iter()
        .map(|&root| rig.submit(client, &[root]))
        .collect();
    rig.release(client, &roots);
    rig.gone(worker);
    let worker = rig.worker(2);
    let (mut open, mut most) = (rig.assigned(), 0);
    let is_user = |rig: &Rig, run: Run| {
        rig.said.iter().any(|effect| match effect {
            crate::net::scheduler::Effect::ToWorker(
                _,
                crate::net::message::ToWorker::Assign(assign),
            ) => assign.run == run && !assign.inputs.is_empty(),
            _ => false,
        })
    };
    let mut users_open: Vec<Run> = Vec::new();
    while !open.is_empty() {
        let (at, run) = open.remove(0);
        let small_one = users_open.contains(&run);
        let bytes = 1 << 20;
        rig.done(
            at,
            run,
            if small_one {
                small()
            } else {
                Finished::Held { bytes }
            },
        );
        for (at, run) in rig.assigned() {
            if is_user(&rig, run) {
                users_open.push(run);
            }
            open.push((at, run));
        }
        most = most.max(rig.machine.check().copies);
    }
    assert!(most <= 8, "{most} results waited at {worker}");
    rig.release(client, &users);
    rig.assert_nothing_is_left();
}
