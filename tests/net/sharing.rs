//! What is shared by name, between clients of several processes: the types and semantics are those of one process.

use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{scope, yield_now};
use std::time::Duration;

use futures::executor::block_on;
use futures::{FutureExt, StreamExt, join};
use serde::{Deserialize, Serialize};
use tenter::{NameError, WaitError, current, task};

use crate::house::House;
use crate::support::{NEVER, SOON};

const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn items_go_from_client_to_client_in_order() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let (put, got) = (a.queue::<String>("q", 2), b.queue::<String>("q", 2));
    let (put, got) = (put.unwrap(), got.unwrap());
    assert_eq!((put.capacity(), got.is_empty()), (2, true));
    put.put("one".into()).unwrap();
    put.put_timeout("two".into(), SOON).unwrap();
    let full = put.try_put("three".into()).unwrap_err();
    assert_eq!(full.error(), &WaitError::Full);
    assert_eq!(full.into_item(), "three");
    assert_eq!((got.len(), got.is_closed()), (2, false));
    assert_eq!(got.get().unwrap(), "one");
    assert_eq!(got.try_get().unwrap(), "two");
    assert_eq!(got.try_get(), Err(WaitError::Empty));
    assert_eq!(got.try_get_many(5).unwrap(), [""; 0]);
    assert_eq!(got.get_many(0).unwrap(), [""; 0]);
    scope(|scope| {
        scope.spawn(|| ["a", "b", "c", "d"].map(|text| put.put(text.into()).unwrap()));
        let mut texts = Vec::new();
        while texts.len() < 4 {
            texts.extend(got.get_many(3).unwrap());
        }
        assert_eq!(texts, ["a", "b", "c", "d"]);
    });
    put.put("last".into()).unwrap();
    put.close();
    assert!(got.is_closed());
    assert_eq!(put.put("x".into()).unwrap_err().error(), &WaitError::Closed);
    let rest: Result<Vec<_>, _> = got.iter().collect();
    assert_eq!(rest.unwrap(), ["last"]);
    assert_eq!(got.get_timeout(NEVER), Err(WaitError::Closed));
    got.delete();
    assert_eq!(b.queue::<u8>("q", 0).unwrap().len(), 0);
}

#[test]
fn async_code_puts_and_gets_without_a_thread() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let (put, got) = (
        a.queue::<u32>("q", 1).unwrap(),
        b.queue::<u32>("q", 1).unwrap(),
    );
    let (sent, taken) = block_on(async {
        join!(
            async {
                for k in 0..10 {
                    put.put_async(k).await.unwrap();
                }
                put.close();
                10
            },
            got.stream().collect::<Vec<u32>>()
        )
    });
    assert_eq!((sent, taken), (10, (0..10).collect()));
    assert_eq!(block_on(got.get_async()), Err(WaitError::Closed));
    assert!(block_on(put.put_async(1)).is_err());
}

#[test]
fn a_name_stands_for_one_type_and_number_for_all_clients() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let _queue = a.queue::<u32>("n", 4).unwrap();
    let other = NameError::OtherType {
        name: "n".into(),
        holds: "u32".into(),
        asked: "u64",
    };
    assert_eq!(b.queue::<u64>("n", 4).unwrap_err(), other);
    let (name, has, asked) = ("n".to_owned(), 4, 5);
    let other = NameError::OtherCapacity { name, has, asked };
    assert_eq!(b.queue::<u32>("n", 5).unwrap_err(), other);
    let _variable = b.variable::<u64>("n").unwrap();
    let _barrier = a.barrier("n", 2).unwrap();
    let (name, what, has, asked) = ("n".to_owned(), "parties", 2, 3);
    let other = NameError::OtherNumber {
        name,
        what,
        has,
        asked,
    };
    assert_eq!(b.barrier("n", 3).unwrap_err(), other);
    let (name, what) = ("n".to_owned(), "permits");
    let zero = NameError::Zero { name, what };
    assert_eq!(a.semaphore("n", 0).unwrap_err(), zero);
}

/// Waits that end just when an item comes, by their time or because they are dropped, lose none of them.
#[test]
fn no_item_is_lost_with_a_wait_that_ends() {
    const ITEMS: u64 = 2000;
    let mut house = House::new();
    let ((_, a), (_, b), (_, c)) = (house.client(1), house.client(1), house.client(1));
    let put = a.queue::<u64>("q", 0).unwrap();
    let (by_time, dropped) = (b.queue("q", 0).unwrap(), c.queue("q", 0).unwrap());
    let (sum, count) = (AtomicU64::new(0), AtomicU64::new(0));
    let got = |item: u64| {
        sum.fetch_add(item, SeqCst);
        count.fetch_add(1, SeqCst);
    };
    scope(|scope| {
        scope.spawn(|| (1..=ITEMS).for_each(|item| put.put(item).unwrap()));
        scope.spawn(|| {
            while count.load(SeqCst) < ITEMS {
                match by_time.get_timeout(AT_ONCE) {
                    Ok(item) => got(item),
                    Err(error) => assert_eq!(error, WaitError::TimedOut),
                }
            }
        });
        scope.spawn(|| {
            for round in 0.. {
                let mut wait = Box::pin(dropped.get_async());
                let mut taken = (&mut wait).now_or_never();
                for _ in 0..round % 50 {
                    taken = taken.or_else(|| (&mut wait).now_or_never());
                    yield_now();
                }
                taken.into_iter().for_each(|item| got(item.unwrap()));
                if count.load(SeqCst) >= ITEMS {
                    break;
                }
            }
        });
    });
    assert_eq!(sum.into_inner(), ITEMS * (ITEMS + 1) / 2);
    assert_eq!(put.try_get(), Err(WaitError::Empty));
}

#[test]
fn a_variable_is_one_for_all_clients() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let (set, read) = (
        a.variable::<f64>("v").unwrap(),
        b.variable::<f64>("v").unwrap(),
    );
    assert_eq!((read.try_get(), read.version()), (None, 0));
    assert_eq!(read.get_timeout(AT_ONCE), Err(WaitError::TimedOut));
    scope(|scope| {
        let waits = scope.spawn(|| read.changed(0));
        set.set(1.5).unwrap();
        assert_eq!(waits.join().unwrap(), Ok((1.5, 1)));
    });
    assert_eq!((read.get(), read.versioned()), (Ok(1.5), Some((1.5, 1))));
    set.set(2.5).unwrap();
    assert_eq!(block_on(read.changed_async(1)), Ok((2.5, 2)));
    assert_eq!(read.version(), 2);
    set.delete();
    assert_eq!(read.get(), Err(WaitError::Closed));
    assert_eq!(read.set(1.0), Err(WaitError::Closed));
}

#[test]
fn a_lock_goes_on_when_the_connection_of_its_holder_is_cut() {
    let mut house = House::new();
    let ((first, a), (_, b)) = (house.client(1), house.client(1));
    let held = a.multi_lock(["left", "right"]).lock().unwrap();
    assert_eq!(held.names(), ["left", "right"]);
    let lock = b.lock("right");
    assert!(lock.is_locked());
    assert_eq!(lock.try_lock().unwrap_err(), WaitError::TimedOut);
    assert_eq!(lock.lock_timeout(AT_ONCE).unwrap_err(), WaitError::TimedOut);
    scope(|scope| {
        let waits = scope.spawn(|| lock.lock().map(|guard| guard.names()));
        house.cut(first);
        assert_eq!(waits.join().unwrap().unwrap(), ["right"]);
    });
    let gone = a.lock("left").lock().unwrap_err();
    assert!(matches!(gone, WaitError::Disconnected(_)));
    drop(held);
    let any = b.multi_lock(["left", "right"]).lock_any(1).unwrap();
    assert_eq!(any.names(), ["left"]);
    drop(any);
    assert!(!b.lock("left").is_locked());
    let exceeds = b.multi_lock(["left"]).lock_any(2).unwrap_err();
    assert!(matches!(exceeds, WaitError::Exceeds { .. }));
}

#[task]
fn lock_twice() -> String {
    let lock = current().lock("twice");
    let _guard = lock.lock().unwrap();
    lock.lock().unwrap_err().to_string()
}

#[test]
fn a_task_that_takes_its_own_lock_is_told_so() {
    let mut house = House::new();
    let (_, client) = house.client(1);
    let text = client.submit(lock_twice::call());
    let text = text.result().unwrap();
    assert!(text.starts_with("deadlock: "), "{text}");
    assert!(text.contains("has `twice` already"), "{text}");
    assert!(!client.lock("twice").is_locked());
}

#[test]
fn permits_are_counted_over_all_clients() {
    let mut house = House::new();
    let ((first, a), (_, b)) = (house.client(1), house.client(1));
    let ours = a.semaphore("s", 3).unwrap();
    let theirs = b.semaphore("s", 3).unwrap();
    let two = ours.acquire(2).unwrap();
    assert_eq!((two.permits(), theirs.available()), (2, 1));
    assert_eq!(theirs.try_acquire(2).unwrap_err(), WaitError::TimedOut);
    let most = theirs.acquire(4).unwrap_err();
    assert!(matches!(
        most,
        WaitError::Exceeds {
            asked: 4,
            most: 3,
            ..
        }
    ));
    block_on(theirs.acquire_async(1)).unwrap().forget();
    let text = theirs.release(2).unwrap_err().to_string();
    assert!(text.contains("only 1 are missing"), "{text}");
    scope(|scope| {
        let waits = scope.spawn(|| theirs.acquire(3).map(|guard| guard.permits()));
        house.cut(first);
        theirs.release(1).unwrap();
        assert_eq!(waits.join().unwrap(), Ok(3));
    });
    drop(two);
    assert_eq!(theirs.available(), 3);
    theirs.delete();
    assert_eq!(theirs.acquire(1).unwrap_err(), WaitError::Closed);
}

#[task]
fn meet(parties: usize) -> Result<(bool, u64), WaitError> {
    let client = current();
    client.event("go").wait()?;
    let barrier = client.barrier("all", parties).unwrap();
    let met = barrier.wait()?;
    Ok((met.is_leader(), met.generation()))
}

/// Four bodies on two clients of one thread each: who waits gives its place up.
#[test]
fn bodies_of_several_clients_meet_at_a_barrier() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let tasks = [&a, &b, &a, &b].map(|client| client.submit(meet::call(4)));
    let event = b.event("go");
    assert_eq!(
        a.event("go").wait_timeout(AT_ONCE),
        Err(WaitError::TimedOut)
    );
    event.set();
    assert!(a.event("go").is_set());
    let met: Vec<_> = tasks.iter().map(|task| *task.result().unwrap()).collect();
    assert_eq!(met.iter().filter(|(leads, _)| *leads).count(), 1);
    assert!(met.iter().all(|(_, generation)| *generation == 0));
    event.clear();
    assert!(!a.event("go").is_set());
    let barrier = a.barrier("all", 4).unwrap();
    assert_eq!(barrier.wait_timeout(AT_ONCE), Err(WaitError::TimedOut));
    assert_eq!((barrier.waiting(), barrier.parties()), (0, 4));
    event.delete();
    assert_eq!(event.wait(), Err(WaitError::Closed));
}

#[test]
fn messages_reach_subscribers_of_all_clients() {
    let mut house = House::new();
    let ((_, a), (second, b)) = (house.client(1), house.client(1));
    let (tells, hears) = (a.topic::<u32>("t").unwrap(), b.topic::<u32>("t").unwrap());
    let mut all = hears.subscribe(64).unwrap();
    let mut slow = a.topic::<u32>("t").unwrap().subscribe(2).unwrap();
    assert_eq!(all.try_recv().unwrap_err(), WaitError::TimedOut);
    assert_eq!(all.recv_timeout(AT_ONCE).unwrap_err(), WaitError::TimedOut);
    (0..5).for_each(|k| tells.publish(k).unwrap());
    let heard: Vec<u32> = all.by_ref().take(4).map(|m| *m.unwrap()).collect();
    assert_eq!(heard, [0, 1, 2, 3]);
    let late = slow.recv().unwrap();
    assert_eq!((*late, late.number(), late.missed()), (3, 3, 3));
    let history: Vec<u32> = hears.history().iter().map(|m| **m).collect();
    assert_eq!(history, [0, 1, 2, 3, 4]);
    assert_eq!(tells.subscribers(), 2);
    let last = block_on(all.stream().next()).unwrap();
    assert_eq!(*last, 4);
    assert_eq!(tells.subscribers(), 1);
    let _kept = hears.subscribe(1).unwrap();
    house.cut(second);
    while tells.subscribers() > 1 {}
    tells.delete();
    assert_eq!(slow.recv().unwrap_err(), WaitError::Closed);
}

#[test]
fn texts_of_events_are_shared() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    assert!(b.events("beam").unwrap().is_empty());
    a.log_event("beam", "shutter open").unwrap();
    b.log_event("beam", "frame 1").unwrap();
    let events = a.events("beam").unwrap();
    let texts: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
    assert_eq!(texts, ["shutter open", "frame 1"]);
}

#[test]
fn every_wait_ends_with_its_connection_and_says_so() {
    let mut house = House::new();
    let ((first, a), (_, b)) = (house.client(1), house.client(1));
    let queue = a.queue::<u32>("q", 0).unwrap();
    let (variable, event) = (a.variable::<u32>("v").unwrap(), a.event("e"));
    let (mut items, topic) = (queue.stream(), a.topic::<u32>("t").unwrap());
    let mut messages = topic.subscribe(1).unwrap().stream();
    scope(|scope| {
        let waits = [
            scope.spawn(|| match block_on(items.next()) {
                None => Err(items.refused().unwrap().clone()),
                Some(_) => Ok(()),
            }),
            scope.spawn(|| match block_on(messages.next()) {
                None => Err(messages.refused().unwrap().clone()),
                Some(_) => Ok(()),
            }),
            scope.spawn(|| queue.iter().next().unwrap().map(drop)),
            scope.spawn(|| variable.get().map(drop)),
            scope.spawn(|| event.wait()),
            scope.spawn(|| block_on(queue.get_async()).map(drop)),
        ];
        house.cut(first);
        for wait in waits {
            let ended = wait.join().unwrap().unwrap_err();
            assert!(matches!(ended, WaitError::Disconnected(_)), "{ended}");
        }
    });
    let later = a.queue::<u32>("other", 0).unwrap_err();
    assert!(later.to_string().contains("it was cut"), "{later}");
    assert_eq!((queue.len(), event.is_set()), (0, false));
    let other = b.queue::<u32>("q", 0).unwrap();
    other.put(1).unwrap();
    assert_eq!(other.get(), Ok(1));
}

#[test]
fn the_end_of_a_client_ends_its_waits() {
    let mut house = House::new();
    let (_, client) = house.client(1);
    let queue = client.queue::<u32>("q", 0).unwrap();
    scope(|scope| {
        let waits = scope.spawn(|| queue.get());
        assert!(client.close(SOON).is_clean());
        assert_eq!(waits.join().unwrap(), Err(WaitError::Closed));
    });
    assert_eq!(client.queue::<u32>("q", 0).unwrap_err(), NameError::Closed);
}

#[test]
fn a_client_that_begins_anew_ends_its_waits_and_leaves_what_others_have() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let (queue, other) = (
        a.queue::<u32>("q", 0).unwrap(),
        b.queue::<u32>("q", 0).unwrap(),
    );
    block_on(async {
        let mut waits = pin!(queue.get_async());
        assert!((&mut waits).now_or_never().is_none());
        a.restart();
        assert_eq!(waits.await, Err(WaitError::Closed));
    });
    other.put(1).unwrap();
    assert_eq!(other.get(), Ok(1));
    other.put(2).unwrap();
    assert_eq!(queue.get(), Ok(2));
}

/// No task takes or gives one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unknown(u8);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known(u8);

#[task]
fn share(known: Known) -> String {
    let client = current();
    client.queue("known", 0).unwrap().put(known).unwrap();
    let error = client.queue::<Unknown>("unknown", 0).unwrap_err();
    let queue = client.anywhere().queue("unknown", 0).unwrap();
    queue.put(Unknown(2)).unwrap();
    error.to_string()
}

#[test]
fn a_task_shares_types_that_tasks_take_or_give_and_others_through_a_client_of_any_place() {
    let mut house = House::new();
    let ((_, a), (_, b)) = (house.client(1), house.client(1));
    let shared = a.submit(share::call(Known(1)));
    let text = shared.result().unwrap();
    assert!(text.contains("client.anywhere()"), "{text}");
    assert_eq!(b.queue("known", 0).unwrap().get(), Ok(Known(1)));
    assert_eq!(b.queue("unknown", 0).unwrap().get(), Ok(Unknown(2)));
}

/// Comes back as nothing.
#[derive(Clone, Debug, Serialize)]
struct OneWay;

impl<'de> Deserialize<'de> for OneWay {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("there is no way back"))
    }
}

#[test]
fn an_item_that_cannot_be_decoded_is_an_error_once() {
    let mut house = House::new();
    let (_, client) = house.client(1);
    let queue = client.queue::<OneWay>("q", 0).unwrap();
    queue.put(OneWay).unwrap();
    let error = queue.get().unwrap_err();
    assert!(matches!(&error, WaitError::Encoding(_)), "{error}");
    assert_eq!(queue.try_get().unwrap_err(), WaitError::Empty);
}
