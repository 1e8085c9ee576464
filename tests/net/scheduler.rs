//! A scheduler that serves, spoken to by clients and workers that are nothing but sockets.

use std::collections::VecDeque;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use tenter::net::message::{
    Assign, ClientHello, Define, Done, FailureKind, Finished, FromClient, FromWorker, FunctionInfo,
    Run, Submit, SubmitMany, Ticket, ToClient, ToWorker, WorkerHello,
};
use tenter::net::scheduler::Config;
use tenter::net::server::{Log, Scheduler, SchedulerOptions};
use tenter::net::transport::{Reach, Settings};
use tenter::net::wire::{Hello, Kind, Message, Packer, Party, read_reason};

use crate::support::{Bare, SOON, bytes_of, packed, timeless};

/// A scheduler with what it notes.
pub(crate) struct Served {
    pub(crate) scheduler: Scheduler,
    notes: Receiver<String>,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::with(timeless(), Config::default())
    }

    fn with(settings: Settings, config: Config) -> Self {
        let (tell, notes) = channel();
        let options = SchedulerOptions {
            settings,
            config,
            log: Log::new(move |notice| {
                // A test that has ended hears no more.
                let _ = tell.send(notice.to_string());
            }),
            ..SchedulerOptions::default()
        };
        let scheduler = Scheduler::start("tcp://127.0.0.1:0", options).unwrap();
        Self { scheduler, notes }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        let address = self.scheduler.address().strip_prefix("tcp://");
        address.unwrap().parse().unwrap()
    }

    fn client(&self, name: &str) -> Peer<ToClient> {
        let name = name.into();
        let hello = ClientHello {
            name,
            ..ClientHello::default()
        };
        Peer::greet(self.addr(), Party::Client(hello))
    }

    fn worker(&self, name: &str, slots: u32) -> Peer<ToWorker> {
        Peer::greet(self.addr(), Party::Worker(worker(name, slots)))
    }

    /// Waits until nothing is left of what clients wanted.
    pub(crate) fn is_empty(&self) {
        let left = || self.scheduler.census().tasks;
        let deadline = std::time::Instant::now() + SOON;
        while left() > 0 {
            assert!(std::time::Instant::now() < deadline, "{} are left", left());
            std::thread::yield_now();
        }
    }

    /// The next note in which this stands.
    fn note_with(&self, text: &str) -> String {
        let next = || {
            self.notes
                .recv_timeout(SOON)
                .expect("nothing more is noted")
        };
        std::iter::repeat_with(next)
            .find(|note| note.contains(text))
            .expect("endless")
    }
}

fn worker(name: &str, slots: u32) -> WorkerHello {
    WorkerHello {
        name: name.into(),
        host: "here".into(),
        slots,
        functions: vec![function()],
        ..WorkerHello::default()
    }
}

fn function() -> FunctionInfo {
    FunctionInfo {
        name: "double".into(),
        signature: 7,
    }
}

/// One end that says and hears messages.
pub(crate) struct Peer<M> {
    bare: Bare,
    heard: VecDeque<M>,
}

impl<M: Message> Peer<M> {
    pub(crate) fn greet(to: SocketAddr, party: Party) -> Self {
        let mut peer = Self {
            bare: Bare::connect(to),
            heard: VecDeque::new(),
        };
        peer.bare.send(&hello(party));
        let frame = peer.bare.frame().expect("a hello");
        assert_eq!(frame.kind, Kind::Hello);
        peer
    }

    pub(crate) fn say<W: Message>(&mut self, words: &[W]) {
        self.bare.send(&packed(words));
    }

    pub(crate) fn hear(&mut self) -> M {
        while self.heard.is_empty() {
            let frame = self.bare.frame().expect("more words");
            if frame.kind == Kind::Heartbeat {
                continue;
            }
            assert_eq!(frame.kind, Kind::Messages, "{}", read_reason(&frame));
            let mut heard = Vec::new();
            frame.decode(&mut heard, M::decode).unwrap();
            self.heard.extend(heard);
        }
        self.heard.pop_front().expect("it is not empty")
    }

    /// Why the other side ends the connection.
    fn ended(&mut self) -> String {
        assert!(self.heard.is_empty(), "there are words left");
        let frame = self.bare.frame().expect("a reason");
        assert_eq!(frame.kind, Kind::Close);
        read_reason(&frame)
    }
}

impl Peer<ToClient> {
    fn finished(&mut self) -> (Ticket, Bytes) {
        match self.hear() {
            ToClient::Finished {
                ticket,
                result: Finished::Inline(bytes),
                ..
            } => (ticket, bytes),
            other => panic!("{other:?} instead of a result"),
        }
    }
}

impl Peer<ToWorker> {
    /// The next run, of the one kind that there is.
    fn assigned(&mut self) -> Assign {
        loop {
            match self.hear() {
                ToWorker::Assign(assign) => return assign,
                ToWorker::Kind(kind) => assert_eq!(kind.function, 0),
                other => panic!("{other:?} instead of a run"),
            }
        }
    }

    fn is_done(&mut self, run: Run, result: &'static [u8]) {
        let result = Finished::Inline(Bytes::from_static(result));
        let done = Done {
            run,
            result,
            mentions: Vec::new(),
            run_us: 1,
            lay_us: 1,
        };
        self.say(&[FromWorker::Done(done)]);
    }
}

fn hello(party: Party) -> Vec<u8> {
    let mut packer = Packer::default();
    Hello::new(party).write(&mut packer).unwrap();
    bytes_of(&mut packer)
}

/// The function and one kind of task of it.
fn definitions() -> [FromClient; 2] {
    [
        FromClient::Define(Define::Function(function())),
        FromClient::Define(Define::Kind(Box::default())),
    ]
}

fn submit(ticket: u64, kind: u32, args: impl Into<Bytes>) -> FromClient {
    FromClient::Submit(Submit {
        ticket: Ticket(ticket),
        kind,
        key: None,
        args: args.into(),
        inputs: Vec::new(),
        mentions: Vec::new(),
    })
}

#[test]
fn a_submit_is_given_to_the_worker_and_its_result_comes_back() {
    let served = Served::start();
    let (mut worker, mut client) = (served.worker("w", 1), served.client("c"));
    client.say(&definitions());
    client.say(&[submit(1, 0, "21")]);
    let assign = worker.assigned();
    assert_eq!(assign.args, "21");
    worker.is_done(assign.run, b"42");
    assert_eq!(client.finished(), (Ticket(1), "42".into()));
    let tickets = vec![Ticket(1)];
    client.say(&[FromClient::Release { tickets }, submit(2, 0, "1")]);
    let assign = worker.assigned();
    worker.is_done(assign.run, b"2");
    assert_eq!(client.finished(), (Ticket(2), "2".into()));
    assert_eq!(
        served.scheduler.census().tasks,
        1,
        "what was released is gone"
    );
}

#[test]
fn a_cut_workers_run_goes_to_another() {
    let served = Served::start();
    let (mut first, mut client) = (served.worker("first", 1), served.client("c"));
    client.say(&definitions());
    client.say(&[submit(1, 0, "21")]);
    let lost = first.assigned().run;
    let mut second = served.worker("second", 1);
    drop(first);
    let again = second.assigned();
    assert_eq!((again.run.task, again.run.attempt), (lost.task, 2));
    second.is_done(again.run, b"42");
    assert_eq!(client.finished(), (Ticket(1), "42".into()));
    let note = served.note_with("is lost");
    assert!(
        note.starts_with("worker first (p0) at 127.0.0.1:"),
        "{note}"
    );
}

#[test]
fn a_run_waits_for_a_worker_that_comes_later() {
    let served = Served::start();
    let mut client = served.client("c");
    client.say(&definitions());
    client.say(&[submit(1, 0, "21")]);
    assert!(matches!(client.hear(), ToClient::Condition(_)));
    let mut worker = served.worker("w", 1);
    let assign = worker.assigned();
    worker.is_done(assign.run, b"42");
    assert!(matches!(client.hear(), ToClient::Condition(_)));
    assert_eq!(client.finished(), (Ticket(1), "42".into()));
}

#[test]
fn numbers_that_mean_nothing_end_only_who_sent_them() {
    let served = Served::start();
    let (mut worker, mut client) = (served.worker("w", 1), served.client("good"));
    client.say(&definitions());
    let mut bad = served.client("bad");
    bad.say(&[submit(1, 3, "0")]);
    let reason = bad.ended();
    assert!(reason.contains('3'), "{reason}");
    let note = served.note_with("was disconnected");
    assert!(
        note.contains("client bad (p2)") && note.ends_with(&reason),
        "{note}"
    );
    let mut worse = served.worker("worse", 1);
    worse.say(&[FromWorker::Client(submit(1, 0, "0"))]);
    worse.ended();
    client.say(&[submit(1, 0, "21")]);
    let assign = worker.assigned();
    worker.is_done(assign.run, b"42");
    assert_eq!(client.finished(), (Ticket(1), "42".into()));
}

#[test]
fn what_a_client_submits_together_reaches_a_worker_together() {
    const TASKS: u16 = 100;
    let served = Served::start();
    let (mut worker, mut client) = (served.worker("w", 200), served.client("c"));
    let mut words = definitions().to_vec();
    words.extend((1..=u64::from(TASKS)).map(|ticket| submit(ticket, 0, "0")));
    client.say(&words);
    let frame = worker.bare.frame().unwrap();
    // And their kind, which is sent once.
    assert_eq!((frame.kind, frame.count), (Kind::Messages, TASKS + 1));
}

#[test]
fn what_a_worker_has_done_together_is_told_together() {
    const TASKS: usize = 100;
    let served = Served::start();
    let (mut worker, mut client) = (served.worker("w", 200), served.client("c"));
    client.say(&definitions());
    client.say(&[FromClient::SubmitMany(SubmitMany {
        first_ticket: Ticket(1),
        kind: 0,
        args: vec![Bytes::from_static(b"0"); TASKS],
    })]);
    let done: Vec<FromWorker> = std::iter::repeat_with(|| worker.assigned().run)
        .take(TASKS)
        .map(|run| {
            FromWorker::Done(Done {
                run,
                result: Finished::Inline("1".into()),
                mentions: Vec::new(),
                run_us: 1,
                lay_us: 1,
            })
        })
        .collect();
    worker.say(&done);
    let frame = client.bare.frame().unwrap();
    assert_eq!((frame.kind, frame.count), (Kind::Messages, TASKS as u16));
}

#[test]
fn a_run_too_large_for_its_worker_fails_and_the_worker_stays() {
    let served = Served::start();
    let mut narrow = Hello::new(Party::Worker(worker("narrow", 1)));
    narrow.frame_limit = 100_000;
    let mut packer = Packer::default();
    narrow.write(&mut packer).unwrap();
    let mut worker = Peer {
        bare: Bare::connect(served.addr()),
        heard: VecDeque::<ToWorker>::new(),
    };
    worker.bare.send(&bytes_of(&mut packer));
    assert_eq!(worker.bare.frame().unwrap().kind, Kind::Hello);
    let mut client = served.client("c");
    client.say(&definitions());
    client.say(&[submit(1, 0, vec![0; 200_000]), submit(2, 0, "21")]);
    match client.hear() {
        ToClient::Failed { ticket, failure } => {
            assert_eq!((ticket, failure.kind), (Ticket(1), FailureKind::Encoding));
            assert!(
                failure.text.contains("at most 100000 are allowed"),
                "{failure:?}"
            );
        }
        other => panic!("{other:?} instead of a failure"),
    }
    let assign = worker.assigned();
    worker.is_done(assign.run, b"42");
    assert_eq!(client.finished(), (Ticket(2), "42".into()));
}

#[test]
fn time_passes_for_the_tasks_that_no_worker_can_run() {
    let settings = Settings {
        heartbeat: Duration::from_millis(20),
        ..timeless()
    };
    let config = Config {
        no_workers_us: Some(1),
        ..Config::default()
    };
    let served = Served::with(settings, config);
    let mut client = served.client("c");
    client.say(&definitions());
    client.say(&[submit(1, 0, "21")]);
    loop {
        match client.hear() {
            ToClient::Condition(_) => {}
            ToClient::Failed { failure, .. } => {
                assert_eq!(failure.kind, FailureKind::NoWorkers);
                return;
            }
            other => panic!("{other:?} instead of a failure"),
        }
    }
}

#[test]
fn everyone_is_told_that_the_scheduler_ends() {
    let served = Served::start();
    let (mut worker, mut client) = (served.worker("w", 1), served.client("c"));
    served.note_with("client c");
    drop(served.scheduler);
    assert_eq!(worker.ended(), "the scheduler has ended");
    assert_eq!(client.ended(), "the scheduler has ended");
}

#[test]
fn who_was_let_in_as_the_scheduler_ends_is_told_so_too() {
    let hello = hello(Party::Worker(worker("w", 1)));
    for _ in 0..5 {
        let served = Served::start();
        let mut crowd: Vec<Bare> = (0..50).map(|_| Bare::connect(served.addr())).collect();
        crowd.iter_mut().for_each(|bare| bare.send(&hello));
        assert_eq!(crowd[0].frame().expect("a hello").kind, Kind::Hello);
        let ending = std::thread::spawn(move || drop(served));
        assert_eq!(ends(crowd.remove(0)), ["the scheduler has ended"]);
        for end in crowd.into_iter().flat_map(ends) {
            assert_eq!(end, "the scheduler has ended");
        }
        ending.join().unwrap();
    }
}

/// Why the other side ends a connection, if it was heard before.
fn ends(mut bare: Bare) -> Vec<String> {
    let mut bytes = Vec::new();
    // Who was not let in is cut off, maybe.
    let _ = bare.socket.read_to_end(&mut bytes);
    bare.unpacker.feed(&bytes);
    let frames = std::iter::from_fn(|| bare.unpacker.next_frame().unwrap());
    let ends = frames.filter(|frame| matches!(frame.kind, Kind::Close | Kind::Refuse));
    ends.map(|frame| read_reason(&frame)).collect()
}

#[test]
fn whoever_leaves_leaves_nothing_behind() {
    let served = Served::start();
    let (worker, mut client) = (served.worker("w", 1), served.client("c"));
    client.say(&definitions());
    client.say(&[submit(1, 0, "21"), submit(2, 0, "21")]);
    drop((worker, client));
    served.note_with("client c");
    served.note_with("is lost");
    served.note_with("is lost");
    let census = served.scheduler.census();
    assert_eq!((census.tasks, census.sent, census.tickets), (0, 0, 0));
}

#[test]
fn who_has_no_business_here_is_told_where_to_go() {
    let served = Served::start();
    let cases = [
        (
            Party::Scheduler,
            "this is a scheduler, and a scheduler has no business with it",
        ),
        (
            Party::Peer,
            "this is a scheduler, and a peer has no business with it",
        ),
        (
            Party::Worker(worker("w", 0)),
            "a worker must have at least one thread",
        ),
    ];
    for (party, why) in cases {
        let mut bare = Bare::connect(served.addr());
        bare.send(&hello(party));
        let frame = bare.frame().unwrap();
        assert_eq!(frame.kind, Kind::Refuse);
        let reason = read_reason(&frame);
        assert!(reason.starts_with(why), "{reason}");
    }
}

#[test]
fn a_scheduler_that_cannot_listen_says_why() {
    let start = |at: &str, reach| {
        let options = SchedulerOptions {
            reach,
            ..SchedulerOptions::default()
        };
        Scheduler::start(at, options).map_err(|error| error.to_string())
    };
    let refused = start("tcp://0.0.0.0:0", Reach::Loopback).unwrap_err();
    assert!(
        refused.starts_with("refused to listen on 0.0.0.0:0: "),
        "{refused}"
    );
    assert!(start("tcp://0.0.0.0:0", Reach::Insecure).is_ok());
    let taken = Served::start();
    let error = start(taken.scheduler.address(), Reach::Loopback).unwrap_err();
    assert!(
        error.starts_with("cannot listen on tcp://127.0.0.1:"),
        "{error}"
    );
    let error = start("here", Reach::Loopback).unwrap_err();
    assert!(error.starts_with("`here` is not an address"), "{error}");
}
