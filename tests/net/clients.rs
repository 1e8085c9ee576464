//! A client of a scheduler that serves. The worker is played by the test.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tenter::driver::set_backend;
use tenter::net::client::{Outlet, Session};
use tenter::net::data::{Content, Peers, Shelf};
use tenter::net::message::{
    Assign, Done, Failure, FailureKind, Finished, FromClient, FromWorker, FunctionInfo, Holder,
    Mention, PeerId, Run, RunKind, Source, TaskId, Ticket, ToClient, ToWorker, WorkerHello,
};
use tenter::net::transport::{Address, Reach};
use tenter::net::wire::{Party, WireError};
use tenter::{
    Anywhere, Client, ErrorKind, StartError, Status, TaskFuture, WaitFor, as_completed, gather,
    task, wait,
};

use crate::scheduler::{Peer, Served};
use crate::support::{NEVER, SOON, timeless};

#[task]
fn double(x: u8) -> u8 {
    2 * x
}

#[task]
fn sum(a: &u8, b: u8) -> u8 {
    a + b
}

#[task]
fn zeros(n: u64) -> Vec<u8> {
    vec![0; n as usize]
}

#[task]
fn length(bytes: Vec<u8>) -> u64 {
    bytes.len() as u64
}

#[task]
fn starts(x: u8) -> TaskFuture<u8> {
    tenter::current().submit(double::call(x))
}

pub(crate) fn client_of(served: &Served) -> Client<Anywhere> {
    let address = served.scheduler.address().to_owned();
    let builder = Client::builder().threads(1).lost_after(NEVER);
    builder.name("test").connect(&*address).unwrap()
}

/// A worker that does what the test says.
struct Played {
    peer: Peer<ToWorker>,
    functions: Vec<&'static str>,
    kinds: Vec<RunKind>,
}

impl Played {
    fn new(served: &Served, address: &str) -> Self {
        let tasks = tenter::tasks();
        let functions = tasks.iter().map(|task| FunctionInfo {
            name: task.name().to_owned(),
            signature: task.signature_hash(),
        });
        let hello = WorkerHello {
            name: "played".into(),
            host: "here".into(),
            address: address.into(),
            slots: 8,
            functions: functions.collect(),
            ..WorkerHello::default()
        };
        Self {
            peer: Peer::greet(served.addr(), Party::Worker(hello)),
            functions: tasks.iter().map(|task| task.name()).collect(),
            kinds: Vec::new(),
        }
    }

    /// The next run, and which function it is of.
    fn assigned(&mut self) -> (Assign, RunKind, &'static str) {
        loop {
            match self.peer.hear() {
                ToWorker::Kind(kind) => self.kinds.push(*kind),
                ToWorker::Assign(assign) => {
                    let kind = self.kinds[assign.kind as usize].clone();
                    let function = self.functions[kind.function as usize];
                    let name = function.rsplit("::").next().unwrap();
                    return (assign, kind, name);
                }
                ToWorker::Drop { .. } => {}
                other => panic!("{other:?} instead of a run"),
            }
        }
    }

    fn is_done(&mut self, run: Run, result: Finished) {
        self.is_done_with(run, result, Vec::new());
    }

    fn is_done_with(&mut self, run: Run, result: Finished, mentions: Vec<Mention>) {
        let (run_us, lay_us) = (1, 1);
        self.peer.say(&[FromWorker::Done(Done {
            run,
            result,
            mentions,
            run_us,
            lay_us,
        })]);
    }

    /// Runs the next one, of a function of bytes.
    fn run(&mut self, f: impl FnOnce(&Assign) -> u8) -> Run {
        let (assign, ..) = self.assigned();
        let result = f(&assign);
        let bytes = Bytes::copy_from_slice(&[result]);
        self.is_done(assign.run, Finished::Inline(bytes));
        assign.run
    }
}

fn inline(source: &Source) -> &[u8] {
    match source {
        Source::Inline(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_run_on_the_worker_and_their_results_come_back() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let a = client.submit(double::call(4));
    let b = client
        .task("total")
        .priority(2)
        .submit(sum::call(&a, double::call(1)));
    for _ in 0..2 {
        worker.run(|assign| 2 * assign.args[1]);
    }
    let (assign, kind, name) = worker.assigned();
    assert_eq!((name, &*kind.name, kind.priority), ("sum", "total", 2));
    assert!(
        kind.submitted_at.contains("clients.rs"),
        "{}",
        kind.submitted_at
    );
    let inputs: Vec<u8> = assign
        .inputs
        .iter()
        .map(|input| inline(&input.source)[0])
        .collect();
    assert_eq!(inputs, [8, 2]);
    worker.is_done(assign.run, Finished::Inline(Bytes::from_static(&[10])));
    assert_eq!(*b.result().unwrap(), 10);
    assert_eq!(*a.result().unwrap(), 8);
    drop((a, b));
    drop(client);
    served.is_empty();
}

#[test]
fn a_client_waits_for_many_in_every_way() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let all: Vec<_> = (0..20).map(|x| client.submit(double::call(x))).collect();
    let player = std::thread::spawn(move || {
        for _ in 0..20 {
            worker.run(|assign| 2 * assign.args[1]);
        }
        worker
    });
    let results = gather(&all).unwrap();
    assert!(results.into_iter().copied().eq((0..20).map(|x| 2 * x)));
    let mut running = as_completed(all.clone());
    assert_eq!(std::iter::from_fn(|| running.next()).count(), 20);
    let (done, not) = wait(&all, WaitFor::All, Some(SOON)).unwrap();
    assert_eq!((done.len(), not.len()), (20, 0));
    drop(player.join().unwrap());
}

#[test]
fn a_failure_comes_back_with_its_causes_and_names_the_culprit() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let bad = client.task("camera").submit(double::call(1));
    let next = client.submit(sum::call(&bad, 1));
    let here = client.submit(double::call(2));
    let (assign, kind, _) = worker.assigned();
    let failure = Failure {
        kind: FailureKind::Error,
        task: kind.name.clone(),
        submitted_at: kind.submitted_at.clone(),
        text: "no beam".into(),
        causes: vec!["shutter".into()],
    };
    let run = assign.run;
    worker.peer.say(&[FromWorker::Failed {
        run,
        failure: failure.into(),
    }]);
    let error = bad.result().unwrap_err();
    assert_eq!((error.task(), error.message()), ("camera", "no beam"));
    assert!(!error.is_inherited() && error.location().is_some());
    let error = next.result().unwrap_err();
    assert_eq!((error.kind(), error.task()), (ErrorKind::Failed, "camera"));
    assert!(error.is_inherited());
    assert!(error.to_string().contains("sum` depends on it"), "{error}");
    drop(here);
}

/// What a worker gives out.
struct Kept(Bytes);

impl Shelf for Kept {
    fn get(&self, _: Run) -> Option<Content> {
        Some(self.0.clone().into())
    }

    fn put(&self, _: Run, _: Content) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn a_large_result_is_fetched_from_its_worker_when_it_is_wanted() {
    let served = Served::start();
    // 100,000 zeros, as they are encoded: the length in three bytes, and they.
    let mut encoded = vec![0; 100_003];
    encoded[..3].copy_from_slice(&[0xa0, 0x8d, 0x06]);
    let shelf = Box::new(Kept(encoded.into()));
    let at = Address::loopback();
    let (peers, addr) = Peers::serve(timeless(), Reach::Loopback, &at, shelf).unwrap();
    let mut worker = Played::new(&served, &format!("tcp://{addr}"));
    let client = client_of(&served);
    let large = client.submit(zeros::call(100_000));
    let (assign, ..) = worker.assigned();
    worker.is_done(assign.run, Finished::Held { bytes: 100_003 });
    let done = as_completed([large.clone()]).next().unwrap();
    assert!(done == large && large.is_done());
    assert_eq!(large.status(), Status::Finished);
    let (ended, open) = wait(std::slice::from_ref(&large), WaitFor::All, None).unwrap();
    assert_eq!((ended.len(), open.len()), (1, 0));
    assert!(large.try_result().is_none(), "nobody has asked for it");
    assert_eq!(large.result().unwrap().len(), 100_000);
    drop(peers);
}

/// Submits a call when it is woken.
struct Submits(Client<Anywhere>, Sender<TaskFuture<u8>>);

impl Wake for Submits {
    fn wake(self: Arc<Self>) {
        let _ = self.1.send(self.0.submit(double::call(1)));
    }
}

#[test]
fn a_waker_of_a_task_that_has_finished_elsewhere_may_submit() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let large = client.submit(zeros::call(100_000));
    let mut running = as_completed([large.clone()]);
    let (tell, told) = channel();
    let waker = Waker::from(Arc::new(Submits(client.clone(), tell)));
    let mut stream = running.stream();
    let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    let run = worker.assigned().0.run;
    worker.is_done(run, Finished::Held { bytes: 100_003 });
    let next = told.recv_timeout(SOON).unwrap();
    worker.run(|assign| 2 * assign.args[1]);
    assert_eq!(*next.result().unwrap(), 2);
}

/// Writes down what is said.
#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<Vec<FromClient>>>);

impl Outlet for Said {
    fn send(&self, words: FromClient) -> Result<(), WireError> {
        self.0.lock().unwrap().push(words);
        Ok(())
    }

    fn flush(&self) {}

    fn wait_for_room(&self) {}

    fn may_wait(&self) -> bool {
        true
    }
}

#[test]
fn a_value_that_cannot_be_brought_to_a_worker_is_let_go() {
    let said = Said::default();
    let no_thread = || Err(io::Error::other("there are too many"));
    let session = Session::new(Arc::new(said.clone()), no_thread);
    let client = Client::new().unwrap();
    assert!(set_backend(&client, session.clone()));
    let large = client.scatter(vec![0; 1 << 20]);
    let length = client.submit(length::call(&large));
    let task = TaskId {
        slot: 1,
        generation: 0,
    };
    let (ticket, data) = (Ticket(1), Run { task, attempt: 1 });
    let holder = Holder {
        worker: PeerId(1),
        address: "tcp://127.0.0.1:9".into(),
    };
    session.hear(ToClient::Put {
        ticket,
        data,
        holder,
    });
    // Who waits for it there hears that it will not come.
    let tickets = vec![ticket];
    let released = FromClient::Release { tickets };
    assert!(said.0.lock().unwrap().contains(&released));
    drop((length, large));
}

#[test]
fn a_value_of_this_process_is_an_input_there() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let near = client.scatter(vec![1u8, 2, 3]);
    let length = client.submit(length::call(&near));
    worker.run(|assign| inline(&assign.inputs[0].source)[0]);
    assert_eq!(*length.result().unwrap(), 3);
}

#[test]
fn a_handle_that_comes_back_is_a_want_of_its_task() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let other = client.submit(double::call(9));
    let outer = client.submit(starts::call(21));
    let inner = worker.assigned().0.run;
    let run = worker.assigned().0.run;
    // As if the task had asked for the same.
    let mention = vec![Mention::Task(inner.task)];
    worker.is_done_with(run, Finished::Inline(Bytes::from_static(&[0])), mention);
    let handle = outer.result().unwrap().clone();
    drop((other, outer));
    worker.is_done(inner, Finished::Inline(Bytes::from_static(&[42])));
    assert_eq!(*handle.result().unwrap(), 42);
}

#[test]
fn dropping_cancelling_and_detaching_reach_the_scheduler() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let tasks = [1, 2, 3].map(|x| client.submit(double::call(x)));
    let runs = [(); 3].map(|()| worker.assigned().0.run);
    let [dropped, cancelled, detached] = tasks;
    drop(dropped);
    assert_eq!(worker.peer.hear(), ToWorker::Cancel { run: runs[0] });
    cancelled.cancel();
    assert_eq!(worker.peer.hear(), ToWorker::Cancel { run: runs[1] });
    detached.detach();
    let ends = [runs[0], runs[1]].map(|run| FromWorker::Cancelled { run });
    worker.peer.say(&ends);
    worker.is_done(runs[2], Finished::Inline(Bytes::from_static(&[6])));
    drop(cancelled);
    drop(client);
    served.is_empty();
}

#[test]
fn the_end_of_the_scheduler_is_the_error_of_all_that_is_open() {
    let served = Served::start();
    let client = client_of(&served);
    let open: Vec<_> = (0..10).map(|x| client.submit(double::call(x))).collect();
    let here = client.submit(sum::call(&open[0], 1));
    let waits = open[3].clone();
    let waiter = std::thread::spawn(move || waits.result().unwrap_err().kind());
    drop(served);
    assert_eq!(waiter.join().unwrap(), ErrorKind::Disconnected);
    let error = here.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(
        error.message().contains("the scheduler has ended"),
        "{error}"
    );
    assert!(error.message().contains("connect a new client"), "{error}");
    let late = client
        .submit(double::call(1))
        .result()
        .map(|_| ())
        .unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Disconnected);
}

#[test]
fn it_is_said_that_there_are_no_workers() {
    let served = Served::start();
    let client = client_of(&served);
    let task = client.submit(double::call(1));
    let why = task.explain();
    assert!(why.contains("no worker"), "{why}");
}

#[test]
fn many_clients_share_a_key() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let (one, other) = (client_of(&served), client_of(&served));
    let first = one.submit(double::call(5).key("five"));
    let run = worker.assigned().0.run;
    let second = other.submit(double::call(5).key("five"));
    let conflict = other.submit(zeros::call(5).key(5));
    let third = one.submit(double::call(6).key(5));
    let (assign, _, name) = worker.assigned();
    worker.is_done(run, Finished::Inline(Bytes::from_static(&[10])));
    assert_eq!(*first.result().unwrap(), 10);
    assert_eq!(*second.result().unwrap(), 10);
    // Whoever came first has the key.
    worker.is_done(assign.run, Finished::Inline(Bytes::from_static(&[0])));
    let kind = if name == "zeros" {
        third.result().unwrap_err().kind()
    } else {
        conflict.result().unwrap_err().kind()
    };
    assert_eq!(kind, ErrorKind::KeyConflict);
}

fn refused(address: &str) -> String {
    match Client::builder().connect(address) {
        Err(error @ StartError::Connect { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn why_there_is_no_connection_is_said_with_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let text = refused(&format!("tcp://{nobody}"));
    assert!(text.contains("start a scheduler there"), "{text}");
    let text = refused("tcp://no.such.host.invalid:1");
    assert!(
        text.contains("no.such.host.invalid") && text.contains("check the address"),
        "{text}"
    );
    let text = refused("tcp://192.0.2.1:8786");
    assert!(text.contains("insecure"), "{text}");
    let text = refused("udp://127.0.0.1:8786");
    assert!(text.contains("only tcp:// is known"), "{text}");
    let shelf = Box::new(Kept(Bytes::new()));
    let at = Address::loopback();
    let (_peers, addr) = Peers::serve(timeless(), Reach::Loopback, &at, shelf).unwrap();
    let text = refused(&format!("tcp://{addr}"));
    assert!(text.contains("is there, but"), "{text}");
}

#[test]
fn one_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let builder = Client::builder().connect_timeout(Duration::from_millis(50));
    let error = builder.connect(&*address).unwrap_err().to_string();
    assert!(error.contains("start a scheduler there"), "{error}");
}

#[test]
fn a_client_asks_who_is_there_and_who_has_what() {
    let served = Served::start();
    let client = client_of(&served);
    let nobody = client.wait_for_workers(1, Duration::ZERO).unwrap_err();
    assert!(nobody.to_string().contains("0 are there"), "{nobody}");
    let mut worker = Played::new(&served, "tcp://127.0.0.1:9");
    client.wait_for_workers(1, SOON).unwrap();
    let workers = client.workers().unwrap();
    let known = (&*workers[0].name, &*workers[0].host, workers[0].threads);
    assert_eq!(known, ("played", "here", 8));
    let large = client.submit(zeros::call(100_000));
    let run = worker.assigned().0.run;
    assert_eq!(client.who_has(&large).unwrap(), []);
    assert_eq!(client.workers().unwrap()[0].assigned, 1);
    worker.is_done(run, Finished::Held { bytes: 100_003 });
    client.replicate(&large, 1).unwrap();
    assert_eq!(client.who_has(&large).unwrap(), [workers[0].id]);
    let all = client.run_everywhere(double::call(3)).unwrap();
    assert_eq!(all.len(), 1);
    worker.run(|assign| 2 * assign.args[1]);
    assert_eq!(*all[0].result().unwrap(), 6);
    client.retire_worker(workers[0].id).unwrap();
    drop(large);
    while !matches!(worker.peer.hear(), ToWorker::Leave) {}
}

#[test]
fn what_has_failed_runs_again_there_or_here() {
    let served = Served::start();
    let mut worker = Played::new(&served, "");
    let client = client_of(&served);
    let a = client.submit(double::call(4));
    let bad = client.submit(sum::call(&a, 1).retries(0));
    worker.run(|assign| 2 * assign.args[1]);
    let (assign, kind, _) = worker.assigned();
    let failure = Failure {
        kind: FailureKind::Panicked,
        task: kind.name.clone(),
        submitted_at: kind.submitted_at.clone(),
        text: "no beam".into(),
        causes: Vec::new(),
    };
    let run = assign.run;
    let failed = FromWorker::Failed {
        run,
        failure: failure.into(),
    };
    worker.peer.say(&[failed]);
    assert_eq!(bad.result().unwrap_err().kind(), ErrorKind::Panicked);
    let here = client.rerun_here(&bad).unwrap();
    assert_eq!(*here.result().unwrap(), 9);
    let again = bad.retry().unwrap();
    worker.run(|assign| inline(&assign.inputs[0].source)[0] + 2);
    assert_eq!(*again.result().unwrap(), 10);
}
