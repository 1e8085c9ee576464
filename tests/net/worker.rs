//! What a worker says, to a scheduler that follows a script.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Condvar, Mutex};

use bytes::Bytes;
use tenter::net::data::{Content, Peers, Shelf};
use tenter::net::message::{
    Assign, FailureKind, Finished, FromWorker, Holder, InputData, PeerId, Run, RunKind, Source,
    TaskId, ToWorker, WorkerHello,
};
use tenter::net::transport::{Address, Link, Reach, Settings};
use tenter::net::wire::Party;
use tenter::net::worker::{Ended, Worker, WorkerOptions};
use tenter::{TaskError, task};

use crate::support::{Event, SOON, Side};

/// Holds bodies until a test lets them go.
struct Hold {
    inside: AtomicUsize,
    is_open: Mutex<bool>,
    bell: Condvar,
}

impl Hold {
    const fn new() -> Self {
        Self {
            inside: AtomicUsize::new(0),
            is_open: Mutex::new(false),
            bell: Condvar::new(),
        }
    }

    fn wait(&self) {
        self.inside.fetch_add(1, SeqCst);
        let open = self.is_open.lock().unwrap();
        drop(self.bell.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.bell.notify_all();
    }
}

/// The scheduler's end.
struct Script {
    link: Link,
    hello: WorkerHello,
    words: Receiver<FromWorker>,
    worker: Worker,
    kinds: u32,
    _side: Side<FromWorker>,
}

impl Script {
    fn of(threads: usize) -> Self {
        let (tell, words) = channel();
        let side = Side::<FromWorker>::of(Settings::default(), move |_, heard| {
            for words in heard.drain(..) {
                let _ = tell.send(words);
            }
        });
        let at = side.listen();
        let options = WorkerOptions {
            threads: Some(threads),
            ..WorkerOptions::default()
        };
        let worker = Worker::start(&Address::from(at).to_string(), options).unwrap();
        let Event::Opened(link, hello) = side.next() else {
            panic!("it connects");
        };
        let Party::Worker(hello) = hello.party else {
            panic!("it is a worker");
        };
        Self {
            link,
            hello,
            words,
            worker,
            kinds: 0,
            _side: side,
        }
    }

    fn say(&self, words: ToWorker) {
        self.link.send_now([&words]).unwrap();
    }

    #[track_caller]
    fn hear(&self) -> FromWorker {
        self.words.recv_timeout(SOON).expect("nothing was said")
    }

    /// The next word that does not say that a body begins.
    #[track_caller]
    fn hear_end(&self) -> FromWorker {
        let heard = std::iter::repeat_with(|| self.hear());
        let mut heard = heard.filter(|words| !matches!(words, FromWorker::Started { .. }));
        heard.next().expect("endless")
    }

    /// The next result.
    #[track_caller]
    fn result(&self, run: Run) -> Finished {
        match self.hear_end() {
            FromWorker::Done(done) if done.run == run => done.result,
            other => panic!("{other:?} instead of the result of {run}"),
        }
    }

    /// The number of the kind of runs of this function.
    fn kind(&mut self, function: &str) -> u32 {
        let mut names = self.hello.functions.iter().map(|function| &function.name);
        let place = names.position(|name| name.ends_with(&format!("worker::{function}")));
        let kind = RunKind {
            function: place.expect("it has the function") as u32,
            name: "a run".into(),
            submitted_at: "pipeline.py:7".into(),
            priority: 0,
            timeout_ms: 0,
            pool: String::new(),
            resources: Vec::new(),
        };
        self.say(ToWorker::Kind(Box::new(kind)));
        self.kinds += 1;
        self.kinds - 1
    }

    fn assign(&self, run: Run, kind: u32, args: &[u8], inputs: Vec<InputData>) {
        self.say(ToWorker::Assign(Assign {
            run,
            tries: 1,
            kind,
            args: Bytes::copy_from_slice(args),
            inputs,
            mentions: Vec::new(),
        }));
    }
}

fn run(number: u32) -> Run {
    Run {
        task: TaskId {
            slot: number,
            generation: 0,
        },
        attempt: 1,
    }
}

fn input(data: Run, source: Source) -> InputData {
    InputData {
        data,
        source,
        mentions: Vec::new(),
    }
}

/// The arguments of a call whose only argument is its first input.
const FIRST_INPUT: [u8; 2] = [1, 0];

#[task]
fn increment(x: u8) -> u8 {
    x + 1
}

#[task]
fn many(bytes: u32) -> Vec<u8> {
    vec![7; bytes as usize]
}

#[task]
fn count(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

static FIRST: Hold = Hold::new();

#[task]
fn held_first() -> u8 {
    FIRST.wait();
    1
}

static BACK: Hold = Hold::new();

#[task]
fn held_back() -> u8 {
    BACK.wait();
    1
}

static CANCEL: Hold = Hold::new();

#[task]
fn held_cancelled() -> Result<u8, TaskError> {
    CANCEL.wait();
    tenter::current().checkpoint()?;
    Ok(1)
}

static BLOCKED: Hold = Hold::new();

#[task]
fn blocked() -> u8 {
    tenter::blocking(|| BLOCKED.wait());
    1
}

#[task]
fn long_words(megabytes: u32) -> Result<u8, String> {
    Err("é".repeat((megabytes as usize) << 19))
}

#[test]
fn that_a_body_begins_is_said_before_it_does_and_then_its_result() {
    let mut script = Script::of(1);
    let kind = script.kind("held_first");
    script.assign(run(1), kind, &[], vec![]);
    assert_eq!(script.hear(), FromWorker::Started { run: run(1) });
    FIRST.open();
    assert_eq!(
        script.result(run(1)),
        Finished::Inline(Bytes::from_static(&[1]))
    );
}

#[test]
fn bodies_that_are_short_are_not_announced_unless_they_were_sent_before() {
    let mut script = Script::of(1);
    let kind = script.kind("increment");
    // Now and then one is kept from its thread for longer than a short body takes.
    let (mut number, mut in_a_row) = (0, 0);
    while in_a_row < 3 {
        number += 1;
        script.assign(run(number), kind, &[0, 5], vec![]);
        let is_announced = script.hear() == FromWorker::Started { run: run(number) };
        in_a_row = if is_announced { 0 } else { in_a_row + 1 };
        if is_announced {
            script.result(run(number));
        }
    }
    let again = Run {
        attempt: 2,
        ..run(number + 1)
    };
    script.assign(again, kind, &[0, 5], vec![]);
    assert_eq!(script.hear(), FromWorker::Started { run: again });
    assert_eq!(
        script.result(again),
        Finished::Inline(Bytes::from_static(&[6]))
    );
}

#[test]
fn what_has_not_begun_is_given_back_and_what_has_is_kept() {
    let mut script = Script::of(1);
    let (held, short) = (script.kind("held_back"), script.kind("increment"));
    script.assign(run(1), held, &[], vec![]);
    assert_eq!(script.hear(), FromWorker::Started { run: run(1) });
    script.assign(run(2), short, &[0, 5], vec![]);
    script.say(ToWorker::Return {
        runs: vec![run(2), run(1), run(9)],
    });
    let returned = FromWorker::Returned {
        runs: vec![run(2)],
        kept: vec![run(1)],
    };
    assert_eq!(script.hear(), returned);
    BACK.open();
    script.result(run(1));
    script.assign(run(3), short, &[0, 6], vec![]);
    script.result(run(3));
}

#[test]
fn what_is_cancelled_does_not_begin_or_says_so_when_it_has_ended() {
    let mut script = Script::of(1);
    let (held, short) = (script.kind("held_cancelled"), script.kind("increment"));
    script.assign(run(1), held, &[], vec![]);
    assert_eq!(script.hear(), FromWorker::Started { run: run(1) });
    script.assign(run(2), short, &[0, 5], vec![]);
    script.say(ToWorker::Cancel { run: run(2) });
    assert_eq!(script.hear(), FromWorker::Cancelled { run: run(2) });
    script.say(ToWorker::Cancel { run: run(1) });
    // Unknown ones are no matter; the answer says that the cancel was heard.
    script.say(ToWorker::Return { runs: vec![] });
    script.hear();
    CANCEL.open();
    assert_eq!(script.hear(), FromWorker::Cancelled { run: run(1) });
}

#[test]
fn a_body_that_blocks_gives_its_slot_up_for_that_time() {
    let mut script = Script::of(1);
    let (held, short) = (script.kind("blocked"), script.kind("increment"));
    script.assign(run(1), held, &[], vec![]);
    assert_eq!(script.hear_end(), FromWorker::Slots { delta: -1 });
    script.assign(run(2), short, &[0, 5], vec![]);
    script.result(run(2));
    BLOCKED.open();
    assert_eq!(script.hear_end(), FromWorker::Slots { delta: 1 });
    script.result(run(1));
}

#[test]
fn large_results_stay_and_are_inputs_here() {
    let mut script = Script::of(1);
    let (many, count) = (script.kind("many"), script.kind("count"));
    script.assign(run(1), many, &[0, 0x80, 0x80, 0x08], vec![]);
    // 128 KiB, and three bytes that say so.
    let held = Finished::Held {
        bytes: (1 << 17) + 3,
    };
    assert_eq!(script.result(run(1)), held);
    assert_eq!(script.worker.held_bytes(), (1 << 17) + 3);
    script.assign(
        run(2),
        count,
        &FIRST_INPUT,
        vec![input(run(1), Source::Here)],
    );
    let counted = Bytes::from_static(&[0x80, 0x80, 0x08]);
    assert_eq!(script.result(run(2)), Finished::Inline(counted));
    let inline = Source::Inline(Bytes::from_static(&[2, 7, 7]));
    script.assign(run(3), count, &FIRST_INPUT, vec![input(run(9), inline)]);
    assert_eq!(
        script.result(run(3)),
        Finished::Inline(Bytes::from_static(&[2]))
    );
    script.say(ToWorker::Drop {
        data: vec![run(1), run(8)],
    });
    script.say(ToWorker::Return { runs: vec![] });
    script.hear();
    assert_eq!(script.worker.held_bytes(), 0);
}

/// Has every piece of data: so many bytes as its slot says.
struct Everything;

impl Shelf for Everything {
    fn get(&self, data: Run) -> Option<Content> {
        let mut bytes = vec![
            0x80 | (data.task.slot & 0x7f) as u8,
            (data.task.slot >> 7) as u8,
        ];
        bytes.resize(2 + data.task.slot as usize, 7);
        Some(Bytes::from(bytes).into())
    }

    fn put(&self, _: Run, _: Content) -> Result<(), String> {
        Err("it has everything".into())
    }
}

#[test]
fn data_of_others_is_fetched_announced_and_given_up_where_it_is_not() {
    let mut script = Script::of(1);
    let count = script.kind("count");
    let loopback = (Settings::default(), Reach::Loopback);
    let (peers, at) = Peers::serve(
        loopback.0.clone(),
        loopback.1,
        &Address::loopback(),
        Box::new(Everything),
    )
    .unwrap();
    let holder = Holder {
        worker: PeerId(5),
        address: Address::from(at).to_string(),
    };
    let at_holder = |data: Run| {
        let source = Source::At {
            bytes: u64::from(data.task.slot) + 2,
            holders: vec![holder.clone()],
        };
        input(data, source)
    };
    let data = run(1000);
    script.assign(run(1), count, &FIRST_INPUT, vec![at_holder(data)]);
    let stored = FromWorker::Stored { data, bytes: 1002 };
    assert_eq!(script.hear_end(), stored);
    let counted = Bytes::from_static(&[0x80 | 0x68, 7]);
    assert_eq!(script.result(run(1)), Finished::Inline(counted));
    script.say(ToWorker::Copy(at_holder(run(300))));
    let stored = FromWorker::Stored {
        data: run(300),
        bytes: 302,
    };
    assert_eq!(script.hear_end(), stored);
    assert_eq!(script.worker.held_bytes(), 1304);
    drop(peers);
    script.assign(run(2), count, &FIRST_INPUT, vec![at_holder(run(500))]);
    match script.hear_end() {
        FromWorker::Missing(missing) => {
            assert_eq!(missing.run, run(2));
            assert_eq!(missing.data, [(run(500), PeerId(5), false)]);
        }
        other => panic!("{other:?}"),
    }
    script.say(ToWorker::Copy(at_holder(run(501))));
    assert_eq!(script.hear_end(), FromWorker::NotCopied { data: run(501) });
}

#[test]
fn an_error_travels_with_where_its_task_was_submitted_and_no_longer_than_a_message() {
    let mut script = Script::of(1);
    let (kind, short) = (script.kind("long_words"), script.kind("increment"));
    script.assign(run(1), kind, &[0, 40], vec![]);
    let FromWorker::Failed { failure, .. } = script.hear_end() else {
        panic!("it fails");
    };
    assert_eq!(failure.kind, FailureKind::Error);
    assert_eq!(
        (&*failure.task, &*failure.submitted_at),
        ("a run", "pipeline.py:7")
    );
    assert!(failure.text.starts_with("éé") && failure.text.len() < 1 << 20);
    // Arguments that are none fail the run, not the worker.
    script.assign(run(2), short, &[0], vec![]);
    let FromWorker::Failed { failure, .. } = script.hear_end() else {
        panic!("it fails");
    };
    assert_eq!(failure.kind, FailureKind::Encoding);
    script.assign(run(3), short, &[0, 1], vec![]);
    script.result(run(3));
}

#[test]
fn a_scheduler_that_speaks_of_what_it_never_said_is_left() {
    let script = Script::of(1);
    script.assign(run(1), 4, &[], vec![]);
    let Ended::Lost(reason) = script.worker.wait() else {
        panic!("nobody told it to leave");
    };
    assert!(reason.contains("not defined"), "{reason}");
}
