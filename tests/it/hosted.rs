//! Calls from elsewhere that run here: who attends to them is told of their beginning and end, without a thread that waits.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use tenter::driver::{
    self, AnyHandle, Attendant, End, Function, Outgoing, Output, Parcel, Size, Terms,
};
use tenter::{Call, Client, ErrorKind, Reschedule, TaskError, task};

use crate::support::{client_of, until, watched};

/// What an attendant was told.
#[derive(Debug)]
enum Told {
    Begins,
    Small(Vec<u8>),
    Large(u64),
    Failed(TaskError),
    Rescheduled,
    Dropped,
    Overruns(TaskError),
}

struct Usher {
    tell: mpsc::Sender<Told>,
    lets: bool,
}

/// The most bytes that a result is encoded to.
const LIMIT: usize = 100;

impl Usher {
    fn told_of(&self, output: Output<'_>) -> Told {
        match output.encode(LIMIT) {
            Ok(Size::Small(parcel)) => Told::Small(parcel.bytes),
            Ok(Size::Large(bytes, _)) => Told::Large(bytes),
            Err(error) => Told::Failed(error),
        }
    }
}

impl Attendant for Usher {
    fn begins(&self) -> bool {
        let _ = self.tell.send(Told::Begins);
        self.lets
    }

    fn ends(&self, end: End<'_>) {
        let told = match end {
            End::Value(output) => self.told_of(output),
            End::Failed(error) => Told::Failed(error),
            End::Rescheduled => Told::Rescheduled,
            End::Dropped => Told::Dropped,
        };
        let _ = self.tell.send(told);
    }

    fn overruns(&self, error: TaskError) {
        let _ = self.tell.send(Told::Overruns(error));
    }
}

const PLAIN: Terms<'_> = Terms {
    name: "",
    priority: 0,
    timeout: None,
    pool: "",
    attempt: 1,
};

/// A call that is run as if it had come from elsewhere.
#[derive(Debug)]
struct Guest {
    handle: Option<AnyHandle>,
    told: mpsc::Receiver<Told>,
}

impl Guest {
    fn of<T>(client: &Client, call: Call<T>) -> Self {
        Self::with(client, call, &PLAIN)
    }

    fn with<T>(client: &Client, call: Call<T>, terms: &Terms<'_>) -> Self {
        let outgoing = driver::describe(client, call).unwrap();
        Self::hosted(client, outgoing, terms, true).unwrap()
    }

    /// With this as its only input.
    fn on<T>(client: &Client, call: Call<T>, input: &AnyHandle) -> Self {
        let mut outgoing = driver::describe(client, call).unwrap();
        outgoing.inputs = vec![input.clone()];
        Self::hosted(client, outgoing, &PLAIN, true).unwrap()
    }

    fn hosted(
        client: &Client,
        call: Outgoing,
        terms: &Terms<'_>,
        lets: bool,
    ) -> Result<Self, TaskError> {
        let (tell, told) = mpsc::channel();
        let usher = Arc::new(Usher { tell, lets });
        let function = function(call.name);
        let handle = driver::host(client, function, call.args, call.inputs, terms, usher)?;
        Ok(Self {
            handle: Some(handle),
            told,
        })
    }

    #[track_caller]
    fn next(&self) -> Told {
        self.told
            .recv_timeout(Duration::from_secs(60))
            .expect("somebody is told")
    }

    /// What was told after the beginning.
    #[track_caller]
    fn end(&self) -> Told {
        assert!(matches!(self.next(), Told::Begins));
        self.next()
    }

    #[track_caller]
    fn error(&self) -> TaskError {
        match self.end() {
            Told::Failed(error) => error,
            other => panic!("{other:?} instead of an error"),
        }
    }

    #[track_caller]
    fn bytes(&self) -> Vec<u8> {
        match self.end() {
            Told::Small(bytes) => bytes,
            other => panic!("{other:?} instead of a value"),
        }
    }
}

fn function(name: &str) -> Function {
    let found = driver::functions().into_iter();
    let mut found = found.filter(|function| function.name() == name);
    found.next().expect("it is a task of this program")
}

#[task]
fn add(a: u8, b: &u8) -> u8 {
    a + b
}

#[task]
fn zeros(number: u8) -> Vec<u8> {
    vec![0; usize::from(number)]
}

#[task]
fn fails(how: u8) -> Result<u8, TaskError> {
    match how {
        0 => panic!("it could not be"),
        1 => Err(tenter::WaitError::TimedOut)?,
        2 => Ok(*tenter::current()
            .try_submit(|| "x".parse::<u8>())
            .result()?),
        _ => Ok(how),
    }
}

#[task]
fn later() -> Result<u8, Reschedule> {
    Err(Reschedule)
}

#[task]
fn which_attempt() -> u8 {
    tenter::attempt() as u8
}

#[task]
async fn doubled(x: u8) -> u8 {
    x * 2
}

#[task]
async fn pending(x: &u8) -> u8 {
    std::future::pending::<()>().await;
    *x
}

#[task]
fn until_cancelled() -> Result<(), TaskError> {
    while !tenter::current().is_cancelled() {
        std::thread::yield_now();
    }
    tenter::current().checkpoint()
}

static DECODED: AtomicUsize = AtomicUsize::new(0);

/// Counts how often it is decoded.
#[derive(Clone, Debug, Serialize)]
struct Counted(u8);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.fetch_add(1, SeqCst);
        u8::deserialize(deserializer).map(Self)
    }
}

#[task]
fn lent(counted: &Counted) -> u8 {
    counted.0
}

#[task]
async fn kept(counted: &Counted) -> u8 {
    counted.0
}

#[task]
fn owned(counted: Counted) -> u8 {
    counted.0
}

#[task]
fn wide(text: &str) -> u64 {
    text.len() as u64
}

#[test]
fn who_attends_is_told_of_the_beginning_and_given_the_value() {
    watched(|| {
        let client = client_of(2);
        assert_eq!(Guest::of(&client, add::call(3, 4)).bytes(), [7]);
        assert_eq!(Guest::of(&client, doubled::call(4)).bytes(), [8]);
        let guest = Guest::of(&client, zeros::call(99));
        assert_eq!(guest.bytes().len(), 100);
        let guest = Guest::of(&client, zeros::call(100));
        assert!(matches!(guest.end(), Told::Large(101)));
        let outgoing = driver::describe(&client, zeros::call(1)).unwrap();
        let parcel = function(outgoing.name).encode(guest.handle.as_ref().unwrap());
        assert_eq!(parcel.unwrap().bytes.len(), 101);
    });
}

#[test]
fn a_body_that_is_not_let_begin_does_not_run() {
    watched(|| {
        let client = client_of(1);
        let outgoing = driver::describe(&client, fails::call(0)).unwrap();
        let guest = Guest::hosted(&client, outgoing, &PLAIN, false).unwrap();
        assert!(matches!(guest.next(), Told::Begins));
        until("it is over", || client.stats().failed == 1);
        assert!(guest.told.try_recv().is_err());
    });
}

#[test]
fn errors_panics_and_a_wish_to_run_later_are_told() {
    watched(|| {
        let client = client_of(2);
        let panic = Guest::of(&client, fails::call(0)).error();
        assert_eq!(
            (panic.kind(), panic.message()),
            (ErrorKind::Panicked, "it could not be")
        );
        assert!(panic.task().ends_with("::fails"), "{panic}");
        let error = Guest::of(&client, fails::call(1)).error();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let inner = Guest::of(&client, fails::call(2)).error();
        assert!(inner.is_inherited(), "{inner}");
        let guest = Guest::of(&client, later::call());
        assert!(matches!(guest.end(), Told::Rescheduled));
        let mut outgoing = driver::describe(&client, add::call(1, 2)).unwrap();
        outgoing.args.bytes.truncate(2);
        let guest = Guest::hosted(&client, outgoing, &PLAIN, true).unwrap();
        assert_eq!(guest.error().kind(), ErrorKind::Encoding);
    });
}

#[test]
fn options_of_the_other_side_hold() {
    watched(|| {
        let client = Client::builder().pool("io", 1).build().unwrap();
        let fifth = Terms {
            attempt: 5,
            pool: "io",
            ..PLAIN
        };
        let guest = Guest::with(&client, which_attempt::call(), &fifth);
        assert_eq!(guest.bytes(), [5]);
        let timed = Terms {
            timeout: Some(Duration::from_secs(1000)),
            ..fifth
        };
        let guest = Guest::with(&client, which_attempt::call(), &timed);
        assert_eq!(guest.bytes(), [5]);
        let elsewhere = Terms {
            pool: "gpu",
            ..PLAIN
        };
        let outgoing = driver::describe(&client, zeros::call(1)).unwrap();
        let refused = Guest::hosted(&client, outgoing, &elsewhere, true);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NoSuchPool);
    });
}

#[test]
fn a_body_whose_time_is_over_is_told_of_while_it_runs_on() {
    watched(|| {
        let client = client_of(1);
        let timed = Terms {
            timeout: Some(Duration::from_millis(2)),
            ..PLAIN
        };
        let guest = Guest::with(&client, until_cancelled::call(), &timed);
        let ends = [guest.next(), guest.next(), guest.next()];
        let overruns = |told: &Told| matches!(told, Told::Overruns(error) if error.kind() == ErrorKind::TimedOut);
        let fails = |told: &Told| matches!(told, Told::Failed(error) if error.kind() == ErrorKind::TimedOut);
        assert!(
            ends.iter().any(overruns) && ends.iter().any(fails),
            "{ends:?}"
        );
    });
}

#[task]
async fn late() -> u8 {
    while !tenter::current().is_cancelled() {
        std::thread::yield_now();
    }
    1
}

#[test]
fn a_future_that_ends_when_its_time_is_over_has_failed_of_that() {
    let client = client_of(1);
    let terms = Terms {
        timeout: Some(Duration::from_millis(5)),
        ..PLAIN
    };
    let outgoing = driver::describe(&client, late::call()).unwrap();
    let guest = Guest::hosted(&client, outgoing, &terms, true).unwrap();
    let failures = [guest.next(), guest.next(), guest.next()];
    for told in failures {
        match told {
            Told::Begins => {}
            Told::Failed(error) | Told::Overruns(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_pending_call_that_nobody_wants_is_told_of_when_it_is_dropped() {
    watched(|| {
        let client = client_of(1);
        let mut guest = Guest::of(&client, pending::call(1));
        assert!(matches!(guest.next(), Told::Begins));
        guest.handle.take();
        assert!(matches!(guest.next(), Told::Dropped));
    });
}

#[test]
fn data_that_came_as_bytes_are_decoded_once_for_all_who_borrow_them() {
    watched(|| {
        let client = client_of(2);
        let data = driver::encoded(&client, vec![7], vec![]);
        let local = client.scatter(Counted(0));
        let guests = [
            Guest::on(&client, lent::call(&local), &data),
            Guest::on(&client, kept::call(&local), &data),
            Guest::on(&client, lent::call(&local), &data),
        ];
        for guest in &guests {
            assert_eq!(guest.bytes(), [7]);
        }
        assert_eq!(DECODED.load(SeqCst), 1);
        let guest = Guest::on(&client, owned::call(&local), &data);
        assert_eq!(guest.bytes(), [7]);
        assert_eq!(DECODED.load(SeqCst), 2);
        // As another type it is decoded anew, or it is not of that type.
        let text = client.scatter(String::new());
        let guest = Guest::on(&client, wide::call(&text), &data);
        assert_eq!(guest.error().kind(), ErrorKind::Encoding);
    });
}

#[test]
fn a_call_runs_when_the_data_it_waits_for_have_come() {
    watched(|| {
        let client = client_of(1);
        let (coming, data) = driver::coming(&client);
        let number = client.scatter(1u8);
        let guest = Guest::on(&client, add::call(1, &number), &data);
        assert!(guest.told.try_recv().is_err());
        coming.arrive(vec![41], vec![]);
        assert_eq!(guest.bytes(), [42]);
    });
}

/// A client of one thread, and what is told of its bodies that block and go on.
fn client_that_tells_of_blocking() -> (Client, mpsc::Receiver<bool>) {
    let (tell, told) = mpsc::channel();
    let builder = driver::when_blocked(Client::builder().threads(1), move |blocked| {
        let _ = tell.send(blocked);
    });
    (builder.build().unwrap(), told)
}

#[test]
fn a_body_that_blocks_and_goes_on_is_told_of() {
    watched(|| {
        let (client, told) = client_that_tells_of_blocking();
        let queue = client.queue::<u8>("q", 0).unwrap();
        let waiting = {
            let queue = queue.clone();
            client.submit(move || queue.get().unwrap())
        };
        assert!(told.recv().unwrap());
        queue.put(3).unwrap();
        assert!(!told.recv().unwrap());
        assert_eq!(*waiting.result().unwrap(), 3);
    });
}

#[test]
fn a_wait_inside_of_foreign_blocking_code_is_told_of_once() {
    watched(|| {
        let (client, told) = client_that_tells_of_blocking();
        let queue = client.queue::<u8>("q", 0).unwrap();
        let waits = move || queue.get_timeout(Duration::from_millis(1)).is_err();
        let waiting = client.submit(move || tenter::blocking(waits));
        assert!(*waiting.result().unwrap());
        // The body goes on before it ends.
        assert_eq!(told.try_iter().collect::<Vec<bool>>(), [true, false]);
    });
}

#[test]
fn an_empty_parcel_is_no_call() {
    let client = client_of(1);
    let parcel = Parcel {
        bytes: Vec::new(),
        handles: Arc::new([]),
    };
    let mut outgoing = driver::describe(&client, zeros::call(1)).unwrap();
    outgoing.args = parcel;
    let guest = Guest::hosted(&client, outgoing, &PLAIN, true).unwrap();
    assert_eq!(guest.error().kind(), ErrorKind::Encoding);
}
