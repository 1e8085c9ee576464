//! Handles inside results, arguments and what is said to the house.

use bytes::Bytes;

use super::rig::{Rig, big, hello, small};
use crate::net::message::{
    FailureKind, FromClient, FromWorker, Input, PeerId, Question, TaskId, Ticket, ToClient,
    ToWorker,
};
use crate::net::scheduler::{Effect, Stimulus};

fn ask(mentions: Vec<Input>) -> FromClient {
    FromClient::Coordinate {
        request: 5,
        body: Bytes::from_static(b"put"),
        mentions,
    }
}

/// What the last step had the house told.
fn asked(rig: &Rig) -> Vec<(PeerId, Vec<TaskId>)> {
    let asked = |effect: &Effect| match effect {
        Effect::Coordinate { from, mentions, .. } => Some((*from, mentions.clone())),
        _ => None,
    };
    rig.said.iter().filter_map(asked).collect()
}

fn nobody() -> TaskId {
    TaskId {
        slot: 7,
        generation: 7,
    }
}

#[test]
fn the_house_keeps_what_is_mentioned_to_it_until_it_lets_go() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let ticket = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    for _ in 0..2 {
        rig.say(client, ask(vec![Input::Ticket(ticket)]));
        assert_eq!(asked(&rig), [(client, vec![run.task])]);
    }
    rig.release(client, &[ticket]);
    rig.done(worker, run, big());
    assert_eq!(rig.dropped(), [], "the house wants the data");
    let tasks = vec![run.task, nobody()];
    rig.tell(Stimulus::LetGo {
        tasks: tasks.clone(),
    });
    assert_eq!(rig.machine.check().tasks, 1, "it was mentioned twice");
    rig.tell(Stimulus::LetGo {
        tasks: tasks.clone(),
    });
    assert_eq!(rig.dropped(), [(worker, run)]);
    rig.tell(Stimulus::LetGo { tasks });
    rig.assert_nothing_is_left();
}

#[test]
fn a_cancel_does_not_end_what_the_house_wants() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let ticket = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.say(client, ask(vec![Input::Ticket(ticket)]));
    let tickets = vec![ticket];
    rig.say(client, FromClient::Cancel { tickets });
    assert_eq!(rig.failures(), [(ticket, FailureKind::Cancelled)]);
    let (late, task) = (rig.ticket(), run.task);
    rig.say(client, FromClient::Want { ticket: late, task });
    rig.done(worker, run, small());
    assert!(matches!(rig.told()[..], [ToClient::Finished { ticket, .. }] if ticket == late));
    rig.release(client, &[ticket, late]);
    rig.tell(Stimulus::LetGo { tasks: vec![task] });
    rig.assert_nothing_is_left();
}

#[test]
fn a_handle_that_had_gone_keeps_its_place_and_says_so() {
    let mut rig = Rig::new();
    let client = rig.client();
    let ticket = rig.submit(client, &[]);
    rig.say(
        client,
        ask(vec![Input::Task(nobody()), Input::Ticket(ticket)]),
    );
    let mentions = asked(&rig)[0].1.clone();
    assert_eq!(mentions.len(), 2);
    let (task, late) = (mentions[0], rig.ticket());
    rig.say(client, FromClient::Want { ticket: late, task });
    assert_eq!(rig.failures(), [(late, FailureKind::Forgotten)]);
    rig.release(client, &[ticket, late]);
    rig.tell(Stimulus::LetGo { tasks: mentions });
    rig.assert_nothing_is_left();
}

#[test]
fn the_house_answers_clients_and_the_tasks_of_workers() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    let answer = |to: PeerId| Stimulus::Answer {
        to,
        request: 5,
        body: Bytes::from_static(b"got"),
        mentions: vec![nobody()],
    };
    let words = ToClient::Coordinate {
        request: 5,
        body: Bytes::from_static(b"got"),
        mentions: vec![nobody()],
    };
    rig.tell(answer(client));
    assert_eq!(rig.said, [Effect::ToClient(client, words.clone())]);
    rig.tell(answer(worker));
    assert_eq!(rig.said, [], "its tasks have not asked");
    rig.hear(worker, FromWorker::Client(ask(Vec::new())));
    assert_eq!(asked(&rig), [(worker, Vec::new())]);
    rig.tell(answer(worker));
    let words = ToWorker::Client(words);
    assert_eq!(rig.said, [Effect::ToWorker(worker, words)]);
    rig.gone(client);
    rig.tell(answer(client));
    assert_eq!(rig.said, []);
}

#[test]
fn the_house_is_told_once_that_a_peer_is_gone_however_it_went() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker(1), rig.client());
    rig.say(
        client,
        FromClient::Fetch {
            ticket: Ticket(1000),
        },
    );
    rig.gone(worker);
    assert_eq!(rig.said, [Effect::PeerGone(worker)]);
    rig.gone(worker);
    assert_eq!(rig.said, []);
    rig.say(
        client,
        FromClient::SubmitMany(crate::net::message::SubmitMany {
            first_ticket: Ticket(1),
            kind: 99,
            args: Vec::new(),
        }),
    );
    assert_eq!(rig.disconnected(), [client]);
    assert_eq!(rig.said.last(), Some(&Effect::PeerGone(client)));
    rig.gone(client);
    assert_eq!(rig.said, []);
}

#[test]
fn handles_inside_a_result_travel_with_it_and_live_as_long() {
    let mut rig = Rig::new();
    let (worker, client) = (rig.worker_like(hello(1)), rig.client());
    let inner = rig.submit(client, &[]);
    let (_, inside) = rig.sent();
    rig.done(worker, inside, small());
    let outer = rig.submit(client, &[]);
    let (_, run) = rig.sent();
    rig.done_naming(worker, run, big(), &[Input::Task(inside.task)]);
    let named = |words: &ToClient| match words {
        ToClient::Finished { mentions, .. } | ToClient::Located { mentions, .. } => {
            mentions.clone()
        }
        words => panic!("{words:?}"),
    };
    assert_eq!(named(&rig.told()[0]), [inside.task]);
    rig.release(client, &[inner]);
    rig.say(client, FromClient::Fetch { ticket: outer });
    assert_eq!(named(&rig.told()[0]), [inside.task]);
    let user = rig.submit(client, &[outer]);
    let mentions = rig.said.iter().find_map(|effect| match effect {
        Effect::ToWorker(_, ToWorker::Assign(assign)) => Some(assign.inputs[0].mentions.clone()),
        _ => None,
    });
    assert_eq!(mentions, Some(vec![inside.task]));
    let (_, last) = rig.sent();
    rig.done(worker, last, small());
    let late = rig.ticket();
    let want = FromClient::Want {
        ticket: late,
        task: inside.task,
    };
    rig.say(client, want);
    assert!(matches!(rig.told()[..], [ToClient::Finished { .. }]));
    rig.release(client, &[outer, user, late]);
    let question = Question::Workers;
    rig.say(
        client,
        FromClient::Ask {
            request: 1,
            question,
        },
    );
    rig.assert_nothing_is_left();
}
