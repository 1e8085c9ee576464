//! Data from process to process: what is fetched and put is what comes, whoever stands still or has gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tenter::net::data::{Content, NotFetched, NotPut, PIECE, PeerMessage, Peers, Shelf};
use tenter::net::message::{Holder, PeerId, Run, TaskId};
use tenter::net::transport::{Address, ConnectError, Link, Reach, Settings};
use tenter::net::wire::{Hello, Party};

use crate::support::{Event, SOON, Side, hasty, timeless};

fn run(number: u32) -> Run {
    Run {
        task: TaskId {
            slot: number,
            generation: 0,
        },
        attempt: 1,
    }
}

fn content(bytes: usize) -> Bytes {
    (0..bytes).map(|k| (k % 251) as u8).collect()
}

#[derive(Clone, Default)]
struct Store {
    data: Arc<Mutex<HashMap<Run, Bytes>>>,
    asked: Arc<AtomicUsize>,
}

impl Shelf for Store {
    fn get(&self, data: Run) -> Option<Content> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let bytes = self.data.lock().unwrap().get(&data).cloned();
        bytes.map(Content::from)
    }

    fn put(&self, data: Run, content: Content) -> Result<(), String> {
        if data.attempt == 7 {
            return Err("there is no room".into());
        }
        let bytes = content.into_bytes();
        self.data.lock().unwrap().insert(data, bytes);
        Ok(())
    }
}

/// A process that gives out what is in its store.
struct Holding {
    store: Store,
    peers: Arc<Peers>,
    holder: Holder,
}

impl Holding {
    fn start(number: u32, settings: Settings) -> Self {
        let store = Store::default();
        let (peers, addr) = Peers::serve(
            settings,
            Reach::Loopback,
            &Address::loopback(),
            Box::new(store.clone()),
        )
        .unwrap();
        Self {
            store,
            peers,
            holder: holder(number, &Address::from(addr)),
        }
    }

    fn has(&self, data: Run, content: &Bytes) {
        self.store
            .data
            .lock()
            .unwrap()
            .insert(data, content.clone());
    }
}

fn holder(number: u32, address: &Address) -> Holder {
    Holder {
        worker: PeerId(number),
        address: address.to_string(),
    }
}

fn asking(settings: Settings) -> Arc<Peers> {
    Peers::start(settings, Reach::Loopback).unwrap()
}

fn fetching(
    peers: &Peers,
    data: Run,
    bytes: usize,
    holders: &[&Holder],
) -> Receiver<Result<Bytes, NotFetched>> {
    let (tell, told) = channel();
    let holders = holders.iter().map(|&holder| holder.clone()).collect();
    peers.fetch(data, bytes as u64, holders, move |outcome| {
        let _ = tell.send(outcome.map(Content::into_bytes));
    });
    told
}

fn fetch(peers: &Peers, data: Run, bytes: usize, holders: &[&Holder]) -> Result<Bytes, NotFetched> {
    fetching(peers, data, bytes, holders)
        .recv_timeout(SOON)
        .unwrap()
}

fn put(peers: &Peers, data: Run, content: &Bytes, to: &Holder) -> Result<(), NotPut> {
    let (tell, told) = channel();
    peers.put(data, content.clone(), to.clone(), move |outcome| {
        let _ = tell.send(outcome);
    });
    told.recv_timeout(SOON).unwrap()
}

/// A peer that answers as a test wants.
fn scripted(
    number: u32,
    mut on_message: impl FnMut(&Link, PeerMessage) + Send + 'static,
) -> (Side<PeerMessage>, Holder) {
    let side = Side::of(hasty(), move |link, messages| {
        messages
            .drain(..)
            .for_each(|message| on_message(link, message));
    });
    let (at, hello) = (Address::loopback(), Hello::new(Party::Peer));
    let addr = side.hub.listen(&at, Reach::Loopback, hello).unwrap();
    (side, holder(number, &Address::from(addr)))
}

/// How many connections were made so far.
fn opened(side: &Side<PeerMessage>) -> usize {
    let events = side.events.try_iter();
    events
        .filter(|event| matches!(event, Event::Opened(..)))
        .count()
}

/// The address of a process that has died.
fn gone(number: u32) -> Holder {
    Holding::start(number, timeless()).holder.clone()
}

#[test]
fn what_is_fetched_is_what_is_held_whatever_its_size() {
    let holding = Holding::start(1, timeless());
    let peers = asking(timeless());
    let piece = PIECE as usize;
    for (number, bytes) in [0, 1, 5000, piece - 1, piece, piece + 1, 9 * piece + 77]
        .into_iter()
        .enumerate()
    {
        let (data, content) = (run(number as u32), content(bytes));
        holding.has(data, &content);
        let fetched = fetch(&peers, data, bytes, &[&holding.holder]).unwrap();
        assert!(fetched == content, "{bytes} bytes");
    }
}

#[test]
fn many_fetches_at_once_come_over_one_connection() {
    let (side, holder) = scripted(1, |link, message| {
        if let PeerMessage::Get { request, data, .. } = message {
            let content = content(data.task.slot as usize);
            let total = content.len() as u64;
            let piece = PeerMessage::Piece {
                request,
                total,
                array: 0,
                content,
            };
            link.send([&piece]).unwrap();
        }
    });
    let peers = asking(timeless());
    let waiting: Vec<_> = (1..200)
        .map(|k| fetching(&peers, run(k), k as usize, &[&holder]))
        .collect();
    for (k, told) in waiting.into_iter().enumerate() {
        assert_eq!(told.recv_timeout(SOON).unwrap().unwrap(), content(k + 1));
    }
    assert_eq!(opened(&side), 1);
}

#[test]
fn who_wants_what_is_being_fetched_waits_for_the_same() {
    let holding = Holding::start(1, timeless());
    let content = content(4 * PIECE as usize);
    holding.has(run(1), &content);
    let peers = asking(timeless());
    let waiting: Vec<_> = (0..10)
        .map(|_| fetching(&peers, run(1), content.len(), &[&holding.holder]))
        .collect();
    for told in waiting {
        assert!(told.recv_timeout(SOON).unwrap().unwrap() == content);
    }
    // One piece could be the last of the first fetch before the tenth was asked for.
    assert!(holding.store.asked.load(Ordering::Relaxed) < 40);
}

#[test]
fn holders_are_asked_in_order_until_one_has_it() {
    let (empty, full) = (Holding::start(1, timeless()), Holding::start(2, timeless()));
    full.has(run(1), &content(100));
    let gone = gone(3);
    let peers = asking(hasty());
    let holders = [&empty.holder, &gone, &full.holder];
    assert_eq!(fetch(&peers, run(1), 100, &holders).unwrap(), content(100));
    assert_eq!(empty.store.asked.load(Ordering::Relaxed), 1);
}

#[test]
fn data_that_nobody_gives_come_with_who_was_asked_and_who_answered() {
    let empty = Holding::start(1, timeless());
    let (gone, nonsense) = (gone(2), holder(3, &Address::loopback()));
    let nonsense = Holder {
        address: "nowhere".into(),
        ..nonsense
    };
    let peers = asking(hasty());
    let failure = fetch(&peers, run(1), 10, &[&empty.holder, &gone, &nonsense]).unwrap_err();
    let mut tried = failure.tried.clone();
    tried.sort_unstable();
    assert_eq!(
        tried,
        [(PeerId(1), true), (PeerId(2), false), (PeerId(3), false)]
    );
    assert!(failure.to_string().contains("nowhere"), "{failure}");
    let failure = fetch(&peers, run(1), 10, &[]).unwrap_err();
    assert_eq!(failure.tried, []);
}

#[test]
fn a_holder_that_could_not_be_reached_is_tried_once_more() {
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = tries.clone();
    let (side, holder) = scripted(1, move |link, message| {
        if seen.fetch_add(1, Ordering::Relaxed) == 0 {
            return link.cut("it breaks off");
        }
        if let PeerMessage::Get { request, .. } = message {
            let piece = PeerMessage::Piece {
                request,
                total: 3,
                array: 0,
                content: content(3),
            };
            link.send([&piece]).unwrap();
        }
    });
    let peers = asking(hasty());
    assert_eq!(fetch(&peers, run(1), 3, &[&holder]).unwrap(), content(3));
    assert_eq!(opened(&side), 2);
}

#[test]
fn a_holder_that_stands_still_is_given_up_for_the_next() {
    let (_side, still) = scripted(1, |_, _| {});
    let full = Holding::start(2, hasty());
    full.has(run(1), &content(PIECE as usize * 2));
    let peers = asking(hasty());
    let fetched = fetch(&peers, run(1), PIECE as usize * 2, &[&still, &full.holder]);
    assert!(fetched.unwrap() == content(PIECE as usize * 2));
}

#[test]
fn a_holder_that_gives_something_else_is_not_believed() {
    let (_side, liar) = scripted(1, |link, message| {
        if let PeerMessage::Get { request, .. } = message {
            let piece = PeerMessage::Piece {
                request,
                total: u64::MAX,
                array: 0,
                content: content(9),
            };
            link.send([&piece]).unwrap();
        }
    });
    let peers = asking(hasty());
    let failure = fetch(&peers, run(1), 10, &[&liar]).unwrap_err();
    assert_eq!(failure.tried, [(PeerId(1), false)]);
    assert!(
        failure.reason.contains("9 of 18446744073709551615 bytes"),
        "{failure}"
    );
}

#[test]
fn what_is_put_is_on_the_shelf() {
    let holding = Holding::start(1, timeless());
    let peers = asking(timeless());
    for bytes in [0, 10, PIECE as usize, 9 * PIECE as usize + 1] {
        let content = content(bytes);
        put(&peers, run(bytes as u32), &content, &holding.holder).unwrap();
        let store = holding.store.data.lock().unwrap();
        assert!(store[&run(bytes as u32)] == content);
    }
}

#[test]
fn more_puts_than_are_offered_at_once_all_arrive() {
    let holding = Holding::start(1, timeless());
    let peers = asking(timeless());
    let (tell, told) = channel();
    for k in 0..300 {
        let tell = tell.clone();
        peers.put(run(k), content(5000), holding.holder.clone(), move |put| {
            let _ = tell.send(put);
        });
    }
    for _ in 0..300 {
        told.recv_timeout(SOON).unwrap().unwrap();
    }
    assert_eq!(holding.store.data.lock().unwrap().len(), 300);
}

#[test]
fn a_put_that_is_declined_or_goes_nowhere_says_why() {
    let holding = Holding::start(1, timeless());
    let peers = asking(hasty());
    let unwanted = Run {
        attempt: 7,
        ..run(1)
    };
    let refused = put(&peers, unwanted, &content(10), &holding.holder).unwrap_err();
    assert_eq!(refused.reason, "there is no room");
    let (_side, still) = scripted(2, |_, _| {});
    put(&peers, run(1), &content(10), &still).unwrap_err();
    put(&peers, run(1), &content(10), &gone(3)).unwrap_err();
}

#[test]
fn puts_behind_those_that_stall_are_offered_once_these_are_given_up() {
    let stalling = 8;
    let mut offers = 0;
    let (_side, holder) = scripted(1, move |link, message| {
        if let PeerMessage::Offer { request, .. } = message {
            offers += 1;
            if offers > stalling {
                link.send([&PeerMessage::Taken { request }]).unwrap();
            }
        }
    });
    let peers = asking(hasty());
    let (tell, told) = channel();
    for k in 0..=stalling {
        let tell = tell.clone();
        peers.put(run(k), content(10), holder.clone(), move |put| {
            let _ = tell.send(put.is_ok());
        });
    }
    let arrived = (0..=stalling).filter(|_| told.recv_timeout(SOON).unwrap());
    assert_eq!(arrived.count(), 1);
}

#[test]
fn both_sides_fetch_from_each_other_at_once() {
    let (a, b) = (Holding::start(1, timeless()), Holding::start(2, timeless()));
    let big = content(20 * PIECE as usize);
    a.has(run(1), &big);
    b.has(run(2), &big);
    let there = fetching(&a.peers, run(2), big.len(), &[&b.holder]);
    let back = fetching(&b.peers, run(1), big.len(), &[&a.holder]);
    assert!(there.recv_timeout(SOON).unwrap().unwrap() == big);
    assert!(back.recv_timeout(SOON).unwrap().unwrap() == big);
}

#[test]
fn who_waits_is_told_when_the_connections_end() {
    let (_side, still) = scripted(1, |_, _| {});
    let peers = asking(timeless());
    let told = fetching(&peers, run(1), 10, &[&still]);
    let resting = fetching(&peers, run(2), 10, &[&gone(2)]);
    let (tell, put) = channel();
    peers.put(run(3), content(3), still, move |outcome| {
        let _ = tell.send(outcome);
    });
    drop(peers);
    told.recv_timeout(SOON).unwrap().unwrap_err();
    resting.recv_timeout(SOON).unwrap().unwrap_err();
    put.recv_timeout(SOON).unwrap().unwrap_err();
}

#[test]
fn a_peer_that_offers_without_end_is_sent_away() {
    let holding = Holding::start(1, timeless());
    let side = Side::<PeerMessage>::of(timeless(), |_, _| {});
    let to: Address = holding.holder.address.parse().unwrap();
    side.hub
        .connect(&to, Reach::Loopback, Hello::new(Party::Peer))
        .unwrap();
    let offers: Vec<_> = (0..65)
        .map(|request| PeerMessage::Offer {
            request,
            data: run(1),
            bytes: u64::MAX,
        })
        .collect();
    side.opened().send(&offers).unwrap();
    let why = loop {
        // Some may be answered before.
        if let Event::Lost(_, why) = side.next() {
            break why;
        }
    };
    assert!(why.reason.contains("more at once"), "{why}");
}

#[test]
fn data_is_not_given_to_schedulers() {
    let holding = Holding::start(1, timeless());
    let (side, _) = scripted(2, |_, _| {});
    let to: Address = holding.holder.address.parse().unwrap();
    let refused = side
        .hub
        .connect(&to, Reach::Loopback, Hello::new(Party::Scheduler))
        .unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(_)), "{refused}");
}
