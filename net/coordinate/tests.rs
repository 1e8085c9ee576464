//! Peers that ask, and go: what is answered, and which tasks are let go.

use bytes::Bytes;

use super::Coordinator;
use super::words::{ask_body, told_of};
use crate::driver::{Ask, CameItem, Refusal, SentItem, Told};
use crate::net::message::{PeerId, TaskId};
use crate::net::scheduler::Stimulus;

/// What is to be said: an answer with its items and the slots of their tasks, or slots of tasks that are let go.
#[derive(Debug, PartialEq)]
enum Said {
    Answer(u32, u64, Told, Vec<String>, Vec<u32>),
    LetGo(Vec<u32>),
}

fn task(slot: u32) -> TaskId {
    TaskId {
        slot,
        generation: 1,
    }
}

fn slots(tasks: &[TaskId]) -> Vec<u32> {
    tasks.iter().map(|task| task.slot).collect()
}

fn said(stimuli: Vec<Stimulus>) -> Vec<Said> {
    let one = |stimulus| match stimulus {
        Stimulus::Answer {
            to,
            request,
            body,
            mentions,
        } => {
            let (told, items) = told_of(&body, mentions.clone()).unwrap();
            let named: usize = items.iter().map(|item| item.handles.len()).sum();
            assert_eq!(named, mentions.len());
            let text = |item: CameItem| String::from_utf8(item.bytes).unwrap();
            let items = items.into_iter().map(text).collect();
            Said::Answer(to.0, request, told, items, slots(&mentions))
        }
        Stimulus::LetGo { tasks } => Said::LetGo(slots(&tasks)),
        other => panic!("not for who coordinates to say: {other:?}"),
    };
    stimuli.into_iter().map(one).collect()
}

struct Rig(Coordinator);

impl Rig {
    fn new() -> Self {
        Self(Coordinator::new().unwrap())
    }

    fn ask(&mut self, peer: u32, request: u64, ask: Ask) -> Vec<Said> {
        self.try_body(peer, request, ask_body(&ask, None), &[])
            .unwrap()
    }

    /// With an item of this text, which names these tasks.
    fn with(&mut self, peer: u32, request: u64, ask: Ask, text: &str, tasks: &[u32]) -> Vec<Said> {
        let item = SentItem {
            bytes: text.as_bytes().to_vec(),
            handles: tasks.iter().map(|&slot| u64::from(slot)).collect(),
        };
        let body = ask_body(&ask, Some(&item));
        self.try_body(peer, request, body, tasks).unwrap()
    }

    fn try_body(
        &mut self,
        peer: u32,
        request: u64,
        body: Bytes,
        tasks: &[u32],
    ) -> Result<Vec<Said>, String> {
        let mut out = Vec::new();
        let mentions = tasks.iter().map(|&slot| task(slot)).collect();
        let peer = PeerId(peer);
        self.0.ask(peer, request, &body, mentions, &mut out)?;
        Ok(said(out))
    }

    fn gone(&mut self, peer: u32) -> Vec<Said> {
        let mut out = Vec::new();
        self.0.peer_gone(PeerId(peer), &mut out);
        said(out)
    }

    /// Opens a thing, by request 1000 of this peer.
    fn open(&mut self, peer: u32, ask: Ask) -> u64 {
        match &self.ask(peer, 1000, ask)[..] {
            [Said::Answer(_, 1000, Told::Opened { thing }, ..)] => *thing,
            other => panic!("not opened: {other:?}"),
        }
    }

    fn queue(&mut self, peer: u32, capacity: u64) -> u64 {
        self.open(peer, queue_ask("u8", capacity))
    }
}

fn queue_ask(holds: &str, capacity: u64) -> Ask {
    let (name, holds) = ("q".to_owned(), holds.to_owned());
    Ask::Queue {
        name,
        holds,
        capacity,
    }
}

fn put(queue: u64) -> Ask {
    Ask::Put { queue, waits: true }
}

fn get(queue: u64) -> Ask {
    Ask::Get {
        queue,
        most: 1,
        waits: true,
    }
}

fn answer(peer: u32, request: u64, told: Told) -> Said {
    Said::Answer(peer, request, told, Vec::new(), Vec::new())
}

fn item(peer: u32, request: u64, text: &str, tasks: &[u32]) -> Said {
    Said::Answer(
        peer,
        request,
        Told::Items,
        vec![text.to_owned()],
        tasks.to_vec(),
    )
}

#[test]
fn who_asked_first_gets_the_first_item() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 0);
    assert_eq!(rig.queue(2, 0), queue);
    assert_eq!(rig.ask(2, 1, get(queue)), []);
    assert_eq!(rig.ask(3, 1, get(queue)), []);
    let first = rig.with(1, 1, put(queue), "a", &[]);
    assert_eq!(first, [answer(1, 1, Told::Done), item(2, 1, "a", &[])]);
    let second = rig.with(1, 2, put(queue), "b", &[]);
    assert_eq!(second, [answer(1, 2, Told::Done), item(3, 1, "b", &[])]);
}

#[test]
fn a_full_queue_takes_the_next_item_when_one_was_taken() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 1);
    rig.with(1, 1, put(queue), "a", &[]);
    assert_eq!(rig.with(1, 2, put(queue), "b", &[]), []);
    let (waits, full) = (false, Told::Full);
    let third = rig.with(1, 3, Ask::Put { queue, waits }, "c", &[]);
    assert_eq!(third, [answer(1, 3, full)]);
    let taken = rig.ask(2, 1, get(queue));
    assert_eq!(taken, [item(2, 1, "a", &[]), answer(1, 2, Told::Done)]);
}

#[test]
fn the_tasks_in_an_item_are_wanted_until_it_is_kept() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 0);
    assert_eq!(rig.with(1, 1, put(queue), "a", &[5, 6]).len(), 1);
    assert_eq!(rig.ask(2, 9, get(queue)), [item(2, 9, "a", &[5, 6])]);
    assert_eq!(rig.ask(2, 9, Ask::Keep), [Said::LetGo(vec![5, 6])]);
    assert_eq!(rig.ask(2, 9, Ask::Keep), []);
}

#[test]
fn an_item_that_nobody_took_in_goes_back_to_the_front() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 1);
    rig.with(1, 1, put(queue), "a", &[5]);
    assert_eq!(rig.ask(2, 1, get(queue)), [item(2, 1, "a", &[5])]);
    rig.with(1, 2, put(queue), "b", &[]);
    assert_eq!(rig.ask(2, 1, Ask::Return), []);
    assert_eq!(rig.ask(3, 1, get(queue)), [item(3, 1, "a", &[5])]);
    assert_eq!(rig.ask(3, 2, get(queue)), [item(3, 2, "b", &[])]);
}

#[test]
fn what_a_peer_has_taken_but_not_kept_goes_back_with_it() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 0);
    for (request, text) in [(1, "a"), (2, "b"), (3, "c")] {
        rig.with(1, request, put(queue), text, &[]);
    }
    rig.ask(2, 1, get(queue));
    rig.ask(2, 2, get(queue));
    rig.ask(2, 3, get(queue));
    rig.ask(2, 2, Ask::Keep);
    assert_eq!(rig.ask(2, 4, get(queue)), []);
    assert_eq!(rig.gone(2), []);
    assert_eq!(rig.ask(3, 1, get(queue)), [item(3, 1, "a", &[])]);
    assert_eq!(rig.ask(3, 2, get(queue)), [item(3, 2, "c", &[])]);
}

#[test]
fn a_cancelled_wait_takes_nothing_and_one_that_was_answered_stays_so() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 0);
    assert_eq!(rig.ask(2, 1, get(queue)), []);
    assert_eq!(rig.ask(2, 1, Ask::Cancel), [answer(2, 1, Told::TimedOut)]);
    rig.with(1, 1, put(queue), "a", &[]);
    assert_eq!(rig.ask(2, 2, get(queue)), [item(2, 2, "a", &[])]);
    assert_eq!(rig.ask(2, 2, Ask::Cancel), []);
    assert_eq!(rig.ask(2, 2, Ask::Return), []);
    assert_eq!(rig.ask(3, 1, get(queue)), [item(3, 1, "a", &[])]);
}

#[test]
fn a_wait_for_room_that_is_cancelled_lets_its_tasks_go() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 1);
    rig.with(1, 1, put(queue), "a", &[]);
    assert_eq!(rig.with(1, 2, put(queue), "b", &[7]), []);
    let cancelled = rig.ask(1, 2, Ask::Cancel);
    let ends = [answer(1, 2, Told::TimedOut), Said::LetGo(vec![7])];
    assert_eq!(cancelled, ends);
}

#[test]
fn a_deleted_queue_is_closed_for_who_had_it_and_its_name_is_free() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 0);
    rig.with(1, 1, put(queue), "a", &[5]);
    rig.with(1, 2, put(queue), "b", &[]);
    rig.ask(2, 1, get(queue));
    rig.ask(2, 2, get(queue));
    assert_eq!(rig.ask(2, 3, get(queue)), []);
    let deleted = rig.ask(1, 3, Ask::Delete { thing: queue });
    assert!(deleted.contains(&answer(1, 3, Told::Done)));
    assert!(deleted.contains(&answer(2, 3, Told::Closed)));
    let returned = rig.ask(2, 1, Ask::Return);
    assert_eq!(returned, [Said::LetGo(vec![5])], "there is no queue for it");
    assert_eq!(rig.ask(2, 4, get(queue)), [answer(2, 4, Told::Closed)]);
    let new = rig.open(1, queue_ask("other", 7));
    assert_ne!(new, queue);
}

#[test]
fn a_name_holds_one_type_and_number() {
    let mut rig = Rig::new();
    rig.queue(1, 4);
    let holds = "u8".to_owned();
    let other = rig.ask(2, 1, queue_ask("u16", 4));
    let refused = Told::Refused(Refusal::OtherType { holds });
    assert_eq!(other, [answer(2, 1, refused)]);
    let other = rig.ask(2, 2, queue_ask("u8", 5));
    let refused = Told::Refused(Refusal::OtherCapacity { has: 4 });
    assert_eq!(other, [answer(2, 2, refused)]);
    let barrier = |parties| {
        let name = "q".to_owned();
        Ask::Barrier { name, parties }
    };
    rig.open(1, barrier(3));
    let refused = Told::Refused(Refusal::OtherNumber { has: 3 });
    assert_eq!(rig.ask(2, 3, barrier(2)), [answer(2, 3, refused)]);
}

#[test]
fn a_variable_keeps_its_tasks_until_the_next_value_and_its_readers() {
    let mut rig = Rig::new();
    let (name, holds) = ("v".to_owned(), "u8".to_owned());
    let variable = rig.open(1, Ask::Variable { name, holds });
    let changed = |since| Ask::Changed {
        variable,
        since,
        waits: true,
    };
    assert_eq!(rig.ask(2, 1, changed(0)), []);
    let set = rig.with(1, 1, Ask::Set { variable }, "a", &[5]);
    let value = Told::Value { version: 1 };
    let shown = Said::Answer(2, 1, value, vec!["a".to_owned()], vec![5]);
    assert_eq!(set, [answer(1, 1, Told::Done), shown]);
    let set = rig.with(1, 2, Ask::Set { variable }, "b", &[]);
    assert_eq!(set, [answer(1, 2, Told::Done)]);
    assert_eq!(rig.ask(2, 1, Ask::Keep), [Said::LetGo(vec![5])]);
    let value = Told::Value { version: 2 };
    let shown = Said::Answer(2, 2, value, vec!["b".to_owned()], vec![]);
    assert_eq!(rig.ask(2, 2, changed(1)), [shown]);
    assert_eq!(rig.ask(2, 2, changed(2)), [], "its number is free again");
}

fn lock(names: &[&str], need: u64, waits: bool) -> Ask {
    Ask::Lock {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        need,
        waits,
    }
}

fn locked(which: &[u32]) -> Told {
    Told::Locked {
        which: which.to_vec(),
    }
}

#[test]
fn a_lock_goes_to_the_next_when_its_holder_is_gone() {
    let mut rig = Rig::new();
    let granted = rig.ask(1, 1, lock(&["a", "b"], 2, true));
    assert_eq!(granted, [answer(1, 1, locked(&[0, 1]))]);
    assert_eq!(rig.ask(2, 1, lock(&["b"], 1, true)), []);
    assert_eq!(rig.ask(3, 1, lock(&["c", "b", "a"], 2, true)), []);
    let refused = rig.ask(3, 2, lock(&["b"], 1, false));
    assert_eq!(refused, [answer(3, 2, Told::TimedOut)]);
    let next = rig.gone(1);
    assert_eq!(next.len(), 2);
    assert!(next.contains(&answer(2, 1, locked(&[0]))));
    assert!(next.contains(&answer(3, 1, locked(&[0, 2]))));
    let name = "a".to_owned();
    let is_locked = rig.ask(4, 1, Ask::IsLocked { name });
    assert_eq!(is_locked, [answer(4, 1, Told::Flag(true))]);
}

#[test]
fn a_waiter_that_is_gone_does_not_hold_up_those_behind_it() {
    let mut rig = Rig::new();
    rig.ask(1, 1, lock(&["a"], 1, true));
    rig.ask(2, 1, lock(&["a"], 1, true));
    rig.ask(3, 1, lock(&["a"], 1, true));
    assert_eq!(rig.gone(2), []);
    let next = rig.ask(1, 1, Ask::Return);
    assert_eq!(next, [answer(3, 1, locked(&[0]))]);
}

#[test]
fn permits_come_back_with_their_guard_or_its_peer_unless_they_were_forgotten() {
    let mut rig = Rig::new();
    let (name, permits) = ("s".to_owned(), 3);
    let semaphore = rig.open(1, Ask::Semaphore { name, permits });
    let acquire = |permits| Ask::Acquire {
        semaphore,
        permits,
        waits: true,
    };
    rig.ask(1, 1, acquire(2));
    rig.ask(1, 2, acquire(1));
    rig.ask(1, 2, Ask::Forget);
    assert_eq!(rig.ask(2, 1, acquire(3)), []);
    assert_eq!(rig.gone(1), [], "one is away");
    let (asked, most) = (2, 1);
    let permits = asked;
    let release = rig.ask(3, 1, Ask::Release { semaphore, permits });
    assert_eq!(release, [answer(3, 1, Told::NotMissing { most })]);
    let release = rig.ask(
        3,
        2,
        Ask::Release {
            semaphore,
            permits: 1,
        },
    );
    let acquired = answer(2, 1, Told::Acquired);
    assert_eq!(release, [answer(3, 2, Told::Done), acquired]);
}

#[test]
fn a_party_that_is_gone_was_never_at_the_barrier() {
    let mut rig = Rig::new();
    let (name, parties) = ("b".to_owned(), 2);
    let barrier = rig.open(1, Ask::Barrier { name, parties });
    let arrive = || Ask::Arrive { barrier };
    rig.ask(1, 1, arrive());
    assert_eq!(rig.gone(1), []);
    assert_eq!(rig.ask(2, 1, arrive()), []);
    let met = |leader| Told::Met {
        leader,
        generation: 0,
    };
    let last = rig.ask(3, 1, arrive());
    assert_eq!(last.len(), 2);
    assert!(last.contains(&answer(2, 1, met(false))));
    assert!(last.contains(&answer(3, 1, met(true))));
}

#[test]
fn a_subscriber_reads_from_where_it_says_and_ends_with_its_peer() {
    let mut rig = Rig::new();
    let (name, holds) = ("t".to_owned(), "u8".to_owned());
    let topic = rig.open(1, Ask::Topic { name, holds });
    let (buffer, next) = (2, 0);
    let subscribed = rig.ask(2, 1, Ask::Subscribe { topic, buffer });
    assert_eq!(subscribed, [answer(2, 1, Told::Subscribed { next })]);
    let message = |from, waits| Ask::Message {
        subscriber: 1,
        from,
        waits,
    };
    assert_eq!(rig.ask(2, 2, message(0, true)), []);
    let told = rig.with(1, 1, Ask::Tell { topic }, "a", &[5]);
    let is_first = |said: &Said| match said {
        Said::Answer(2, 2, Told::Messages { of }, items, tasks) => {
            matches!(of[..], [(0, _, 0)]) && items == &["a"] && tasks == &[5]
        }
        _ => false,
    };
    assert!(is_first(&told[1]), "{told:?}");
    assert_eq!(rig.ask(2, 2, Ask::Return), []);
    rig.with(1, 2, Ask::Tell { topic }, "b", &[]);
    rig.with(1, 3, Ask::Tell { topic }, "c", &[]);
    let late = rig.ask(2, 3, message(0, false));
    let [Said::Answer(2, 3, Told::Messages { of }, items, _)] = &late[..] else {
        panic!("{late:?}");
    };
    assert!(matches!(of[..], [(1, _, 1)]), "one was lost to it: {of:?}");
    assert_eq!(items, &["b"]);
    let none = rig.ask(2, 4, message(3, false));
    assert_eq!(none, [answer(2, 4, Told::TimedOut)]);
    rig.gone(2);
    let count = rig.ask(1, 4, Ask::Subscribers { topic });
    assert_eq!(count, [answer(1, 4, Told::Number(0))]);
    let deleted = rig.ask(1, 5, Ask::Delete { thing: topic });
    let ends = [answer(1, 5, Told::Done), Said::LetGo(vec![5])];
    assert_eq!(deleted, ends);
}

#[test]
fn the_newest_message_of_a_history_comes_however_large_it_is() {
    let mut rig = Rig::new();
    let (name, holds) = ("t".to_owned(), "String".to_owned());
    let topic = rig.open(1, Ask::Topic { name, holds });
    let large = "x".repeat(17 << 20);
    rig.with(1, 20, Ask::Tell { topic }, "old", &[]);
    rig.with(1, 21, Ask::Tell { topic }, &large, &[]);
    let said = rig.ask(1, 22, Ask::History { topic });
    let [Said::Answer(1, 22, Told::Messages { of }, items, _)] = &said[..] else {
        panic!("no messages");
    };
    assert_eq!((of.len(), items.len()), (1, 1));
    assert!(items[0] == large);
}

#[test]
fn a_published_handle_stays_until_it_is_replaced_or_taken_back() {
    let mut rig = Rig::new();
    let publish = |replaces| Ask::Publish {
        name: "n".to_owned(),
        holds: "u8".to_owned(),
        replaces,
    };
    let published = || Ask::Published {
        name: "n".to_owned(),
        holds: "u8".to_owned(),
    };
    let unknown = Told::Refused(Refusal::Unknown);
    assert_eq!(rig.ask(2, 1, published()), [answer(2, 1, unknown)]);
    rig.with(1, 1, publish(false), "", &[5]);
    let taken = rig.with(1, 2, publish(false), "", &[6]);
    let taken_too = Told::Refused(Refusal::Taken);
    assert_eq!(taken, [answer(1, 2, taken_too), Said::LetGo(vec![6])]);
    assert_eq!(rig.gone(1), []);
    assert_eq!(rig.ask(2, 2, published()), [item(2, 2, "", &[5])]);
    let replaced = rig.with(3, 1, publish(true), "", &[7]);
    assert_eq!(replaced, [answer(3, 1, Told::Done)], "a reader has it");
    assert_eq!(rig.ask(2, 2, Ask::Keep), [Said::LetGo(vec![5])]);
    let name = "n".to_owned();
    let taken_back = rig.ask(3, 2, Ask::Unpublish { name });
    let yes = Told::Flag(true);
    assert_eq!(taken_back, [answer(3, 2, yes), Said::LetGo(vec![7])]);
}

#[test]
fn what_no_peer_may_say_is_refused_and_lets_its_tasks_go() {
    let mut rig = Rig::new();
    let queue = rig.queue(1, 0);
    rig.ask(1, 1, get(queue));
    let again = rig.try_body(1, 1, ask_body(&get(queue), None), &[]);
    assert!(again.unwrap_err().contains("under way already"));
    let body = ask_body(&get(queue), None);
    for cut in 0..body.len() {
        let mut out = Vec::new();
        let cut = body.slice(..cut);
        let read = rig.0.ask(PeerId(2), 1, &cut, vec![task(3)], &mut out);
        assert!(read.unwrap_err().contains("cannot be read"));
        assert_eq!(said(out), [Said::LetGo(vec![3])]);
    }
    let beside = rig.try_body(2, 1, ask_body(&Ask::Look { queue }, None), &[9]);
    assert_eq!(beside.unwrap()[1..], [Said::LetGo(vec![9])]);
    let nonsense = rig.ask(2, 2, Ask::Set { variable: queue });
    assert!(matches!(
        &nonsense[..],
        [Said::Answer(2, 2, Told::Nonsense(_), ..)]
    ));
}

#[test]
#[expect(clippy::disallowed_types, reason = "the bytes are random, from a seed")]
fn whatever_bytes_come_nothing_panics() {
    let mut rig = Rig::new();
    let mut random = fastrand::Rng::with_seed(7);
    let queue = rig.queue(1, 1);
    let honest = [put(queue), get(queue), lock(&["a"], 1, true)];
    for request in 0..20_000 {
        let honest = &honest[random.usize(..honest.len())];
        let mut body = ask_body(honest, None).to_vec();
        for _ in 0..random.usize(..4) {
            let place = random.usize(..body.len());
            body[place] = random.u8(..);
        }
        if random.bool() {
            body = (0..random.usize(..40)).map(|_| random.u8(..40)).collect();
        }
        let (peer, tasks) = (random.u32(1..4), [random.u32(..)]);
        // What is refused ends its peer.
        if rig.try_body(peer, request, body.into(), &tasks).is_err() {
            rig.gone(peer);
        }
    }
    (1..4).for_each(|peer| drop(rig.gone(peer)));
    let name = "a".to_owned();
    let is_locked = rig.ask(1, 1, Ask::IsLocked { name });
    assert_eq!(is_locked, [answer(1, 1, Told::Flag(false))]);
}
