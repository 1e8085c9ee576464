//! Calls that leave the process, with a backend that only writes down what it is told.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tenter::driver::{
    Backend, Gone, Landing, Order, RemoteId, Report, WorkerId, WorkerInfo, set_backend, tickets,
};
use tenter::{Client, ErrorKind, Status, TaskFuture, task};

use crate::support::{until, watched};

#[derive(Debug, Default)]
struct Notes {
    orders: BTreeMap<u64, Order>,
    landings: BTreeMap<u64, Landing>,
    /// What else happened, in words.
    words: Vec<String>,
    newest: u64,
}

/// Elsewhere: nothing happens there but what the test says.
#[derive(Clone, Debug, Default)]
struct Elsewhere {
    notes: Arc<Mutex<Notes>>,
    gone: Arc<AtomicBool>,
}

impl Elsewhere {
    fn client() -> (Self, Client) {
        let there = Self::default();
        let client = Client::builder().threads(2).build().unwrap();
        assert!(set_backend(&client, Arc::new(there.clone())));
        (there, client)
    }

    fn enter(&self, word: &str, landing: Landing) -> Result<u64, Gone> {
        if self.gone.load(SeqCst) {
            let text = "nobody is there".into();
            let kind = ErrorKind::Disconnected;
            return Err(Gone { kind, text });
        }
        let notes = &mut *self.notes.lock().unwrap();
        notes.newest += 1;
        notes.landings.insert(notes.newest, landing);
        notes.words.push(format!("{word} {}", notes.newest));
        Ok(notes.newest)
    }

    fn note(&self, word: String) {
        self.notes.lock().unwrap().words.push(word);
    }

    /// What has happened since it was last asked.
    fn words(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap().words)
    }

    fn landing(&self, ticket: u64) -> Landing {
        self.notes.lock().unwrap().landings[&ticket].clone()
    }

    fn order<R>(&self, ticket: u64, look: impl FnOnce(&Order) -> R) -> R {
        look(&self.notes.lock().unwrap().orders[&ticket])
    }
}

impl Backend for Elsewhere {
    fn identity(&self) -> u64 {
        7
    }

    fn submit(&self, order: Order, landing: Landing) -> Result<u64, Gone> {
        let ticket = self.enter("submit", landing)?;
        self.notes.lock().unwrap().orders.insert(ticket, order);
        Ok(ticket)
    }

    fn scatter(
        &self,
        name: &str,
        value: Vec<u8>,
        mentions: Vec<u64>,
        landing: Landing,
    ) -> Result<u64, Gone> {
        let of = if mentions.is_empty() {
            String::new()
        } else {
            format!(" naming {mentions:?}")
        };
        self.enter(&format!("scatter {name} {value:?}{of}"), landing)
    }

    fn adopt(&self, task: RemoteId, landing: Landing) -> Result<u64, Gone> {
        self.enter(&format!("adopt {}.{}", task.slot, task.generation), landing)
    }

    fn retry(&self, failed: u64, landing: Landing) -> Result<u64, Gone> {
        self.enter(&format!("retry {failed}"), landing)
    }

    fn want(&self, ticket: u64) {
        self.note(format!("want {ticket}"));
    }

    fn cancel(&self, ticket: u64) {
        self.note(format!("cancel {ticket}"));
    }

    fn release(&self, ticket: u64, detached: bool) {
        let how = if detached { "detach" } else { "release" };
        self.note(format!("{how} {ticket}"));
    }

    fn explain(&self, ticket: u64, label: &str) -> Option<String> {
        Some(format!("{label} is number {ticket}"))
    }

    fn workers(&self) -> Result<Vec<WorkerInfo>, Gone> {
        Ok([3, 5].map(WorkerInfo::new).into())
    }

    fn holders(&self, _: u64) -> Result<Vec<WorkerId>, Gone> {
        Ok(vec![WorkerId(5)])
    }

    fn replicate(&self, ticket: u64, copies: u32) -> Result<(), Gone> {
        self.note(format!("replicate {ticket} {copies}"));
        Ok(())
    }

    fn retire(&self, worker: WorkerId) -> Result<(), Gone> {
        self.note(format!("retire {worker}"));
        Ok(())
    }

    fn flush(&self) {}

    fn wait_for_room(&self) {}

    fn close(&self) {
        self.note("close".to_owned());
        let landings = std::mem::take(&mut self.notes.lock().unwrap().landings);
        landings.values().for_each(Landing::cancel);
    }
}

#[task]
fn inc(x: u8) -> u8 {
    x + 1
}

#[task]
fn add(a: u8, b: &u8) -> u8 {
    a + b
}

#[task(pure)]
fn double(x: u8) -> u8 {
    2 * x
}

#[task]
fn passes(handle: TaskFuture<u8>) -> TaskFuture<u8> {
    handle
}

#[task]
fn makes_odd() -> Odd {
    Odd
}

/// What panics when it is decoded.
#[derive(Serialize)]
struct Odd;

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("odd")
    }
}

#[test]
fn a_call_leaves_with_what_was_asked_for_and_its_result_comes_back() {
    let (there, client) = Elsewhere::client();
    let line = line!() + 3;
    let options = client.task("step").priority(3).key("k").pool("io");
    let sum = options
        .resource("gpu", 2)
        .submit(inc::call(5).retries(2).on("a").prefer("b"));
    assert_eq!(there.words(), ["submit 1"]);
    there.order(1, |order| {
        let manner = &order.manner;
        assert!(manner.function().ends_with("inc"), "{}", manner.function());
        assert_eq!(manner.location().line(), line + 1);
        assert_eq!((manner.priority, manner.pure), (3, false));
        let special = manner.special.as_ref().unwrap();
        assert_eq!(special.retries, Some(2));
        assert_eq!(special.pool.as_deref(), Some("io"));
        assert_eq!(special.resources, [("gpu".to_owned(), 2)]);
        assert_eq!((&*special.on[0], &*special.prefer[0]), ("a", "b"));
        assert_eq!(order.key.as_ref().unwrap().text, "k");
        assert_eq!(order.args, [0, 5]);
    });
    assert_eq!(
        (sum.name().as_str(), sum.status()),
        ("step", Status::Queued)
    );
    assert!(sum.explain().ends_with("is number 1"));
    there.landing(1).deliver(&[6], &[]);
    assert_eq!(*sum.result().unwrap(), 6);
    assert_eq!(sum.status(), Status::Finished);
    assert_eq!(there.words(), [""; 0]);
    drop(sum);
    assert_eq!(there.words(), ["release 1"]);
}

#[test]
fn inputs_and_nested_calls_are_named_by_their_tickets() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let sum = client.submit(add::call(inc::call(2), &a));
    // Nobody here needs the nested call any more once the outer one has left.
    let words = ["submit 1", "submit 2", "submit 3", "release 2"];
    assert_eq!(there.words(), words);
    there.order(3, |order| {
        assert_eq!(order.inputs, [2, 1]);
        assert_eq!(order.args, [1, 0, 1, 1]);
    });
    there.landing(3).deliver(&[5], &[]);
    assert_eq!(*sum.result().unwrap(), 5);
}

#[test]
fn a_closure_on_a_result_from_elsewhere_runs_here_and_wants_it() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let text = client.submit_with(&a, |a| format!("{a}"));
    assert_eq!(there.words(), ["submit 1", "want 1"]);
    there.landing(1).deliver(&[2], &[]);
    assert_eq!(text.result().unwrap(), "2");
}

#[test]
fn a_value_of_this_process_goes_before_the_calls_that_need_it_and_once() {
    let (there, client) = Elsewhere::client();
    let value = client.scatter(4u8);
    let first = client.submit(inc::call(&value));
    let second = client.submit(inc::call(&value));
    let words = there.words();
    assert!(
        words[0].starts_with("scatter ") && words[0].ends_with("[4] 1"),
        "{words:?}"
    );
    assert_eq!(words[1..], ["submit 2", "submit 3"]);
    there.order(3, |order| assert_eq!(order.inputs, [1]));
    drop((first, second));
    assert_eq!(there.words(), ["release 2", "release 3"]);
    drop(value);
    assert_eq!(there.words(), ["release 1"]);
}

#[test]
fn a_result_of_an_actor_goes_before_the_call_that_needs_it_and_stays_until_that_has_left() {
    let (there, client) = Elsewhere::client();
    let actor = client.actor(3u8);
    let value = actor.call(|state| *state);
    value.result().unwrap();
    let next = client.submit(inc::call(&value));
    until("it has left", || {
        there.notes.lock().unwrap().orders.len() == 1
    });
    let words = there.words();
    assert!(words[0].starts_with("scatter "), "{words:?}");
    assert_eq!(words[1], "submit 2", "{words:?}");
    drop(next);
}

/// Where values of this type wait while they are encoded.
static AT_THE_GATE: Mutex<Option<(Sender<()>, Receiver<()>)>> = Mutex::new(None);

/// Is encoded once somebody says so.
#[derive(Deserialize)]
struct Gated;

impl Serialize for Gated {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Some((here, go_on)) = AT_THE_GATE.lock().unwrap().take() {
            here.send(()).unwrap();
            go_on.recv().unwrap();
        }
        to.serialize_u8(9)
    }
}

#[task]
fn passes_gate(_gated: &Gated) {}

#[test]
fn while_a_value_is_encoded_others_are_sent_and_calls_of_it_are_held_back() {
    watched(|| {
        let ((here, arrived), (open, go_on)) = (channel(), channel());
        *AT_THE_GATE.lock().unwrap() = Some((here, go_on));
        let (there, client) = Elsewhere::client();
        let (gated, other) = (client.scatter(Gated), client.scatter(4u8));
        let first = {
            let (client, gated) = (client.clone(), gated.clone());
            spawn(move || client.submit(passes_gate::call(&gated)))
        };
        arrived.recv().unwrap();
        let second = client.submit(passes_gate::call(&gated));
        let free = client.submit(inc::call(&other));
        let words = there.words();
        assert!(words[0].starts_with("scatter ") && words[0].ends_with("[4] 1"));
        assert_eq!(words[1..], ["submit 2"]);
        open.send(()).unwrap();
        let first = first.join().unwrap();
        until("all have left", || {
            there.notes.lock().unwrap().orders.len() == 3
        });
        let words = there.words();
        assert!(words[0].starts_with("scatter ") && words[0].ends_with("[9] 3"));
        assert_eq!(words[1..].len(), 2, "{words:?}");
        for ticket in [4, 5] {
            there.order(ticket, |order| assert_eq!(order.inputs, [3]));
        }
        drop((first, second, free));
    });
}

#[test]
fn a_call_waits_here_for_a_closure_that_it_needs() {
    let (there, client) = Elsewhere::client();
    let gate = client.event("gate");
    let open = gate.clone();
    let here = client.submit(move || {
        open.wait().unwrap();
        9u8
    });
    let next = client.submit(inc::call(&here));
    let last = client.submit(inc::call(&next));
    assert_eq!(there.words(), [""; 0]);
    assert!(
        last.explain().contains("has not left"),
        "{}",
        last.explain()
    );
    gate.set();
    // The order in which they leave is that in which they need each other.
    until("both have left", || {
        there.notes.lock().unwrap().orders.len() >= 2
    });
    there.order(2, |order| assert_eq!(order.inputs, [1]));
    there.order(3, |order| assert_eq!(order.inputs, [2]));
    there.landing(3).deliver(&[11], &[]);
    assert_eq!(*last.result().unwrap(), 11);
}

#[test]
fn a_long_chain_that_waits_here_leaves_without_recursion() {
    let (there, client) = Elsewhere::client();
    let gate = client.event("gate");
    let open = gate.clone();
    let first = client.submit(move || {
        open.wait().unwrap();
        9u8
    });
    let mut last = first;
    for _ in 0..20_000 {
        last = client.submit(inc::call(last));
    }
    gate.set();
    until("all have left", || {
        there.notes.lock().unwrap().orders.len() >= 20_000
    });
    there.order(20_001, |order| assert_eq!(order.inputs, [20_000]));
}

#[test]
fn a_call_fails_with_the_error_of_a_closure_that_it_needs() {
    let (there, client) = Elsewhere::client();
    let bad = client
        .task("bad")
        .try_submit(|| Err::<u8, _>("no such frame"));
    let error = client.submit(inc::call(&bad));
    let error = error.result().unwrap_err();
    assert_eq!((error.task(), error.message()), ("bad", "no such frame"));
    assert!(error.is_inherited());
    assert_eq!(there.words(), [""; 0]);
}

#[test]
fn handles_travel_in_arguments_and_in_results() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let passed = client.submit(passes::call(a.clone()));
    there.order(2, |order| {
        assert_eq!((&*order.args, &*order.inputs), (&[0, 0][..], &[][..]));
        assert_eq!(order.mentions, [1]);
    });
    let name = RemoteId {
        slot: 8,
        generation: 2,
    };
    there.landing(2).deliver(&[0], &[name]);
    let inner = passed.result().unwrap();
    assert_eq!(there.words(), ["submit 1", "submit 2", "adopt 8.2 3"]);
    there.landing(3).deliver(&[44], &[]);
    assert_eq!(*inner.result().unwrap(), 44);
    drop(passed);
    assert_eq!(there.words(), ["release 2", "release 3"]);
}

#[derive(Clone, Serialize, Deserialize)]
struct Tagged {
    tag: u8,
    of: Option<TaskFuture<Self>>,
    number: Option<TaskFuture<u8>>,
}

#[task]
fn tag(of: &Tagged) -> u8 {
    of.tag
}

#[test]
fn a_value_that_leaves_takes_handles_with_it() {
    let (there, client) = Elsewhere::client();
    let far = client.submit(inc::call(1));
    let near = client.scatter(5u8);
    let inner = client.scatter(Tagged {
        tag: 1,
        of: None,
        number: Some(near),
    });
    let outer = client.scatter(Tagged {
        tag: 2,
        of: Some(inner),
        number: Some(far),
    });
    let read = client.submit(tag::call(&outer));
    until("it has left", || there.notes.lock().unwrap().newest == 5);
    let words = [
        "submit 1",
        "scatter u8 [5] 2",
        "scatter it::elsewhere::Tagged [1, 0, 1, 0] naming [2] 3",
        "scatter it::elsewhere::Tagged [2, 1, 0, 1, 1] naming [3, 1] 4",
        "submit 5",
    ];
    assert_eq!(there.words(), words);
    there.order(5, |order| assert_eq!(order.inputs, [4]));
    drop(read);
    // Each value is sent once.
    let again = client.submit(tag::call(&outer));
    there.order(6, |order| assert_eq!(order.inputs, [4]));
    drop(again);
}

#[test]
fn a_value_does_not_leave_that_names_what_has_failed() {
    let (_there, client) = Elsewhere::client();
    let bad = client.try_submit(|| Err::<u8, _>("no beam"));
    let value = client.scatter(Tagged {
        tag: 1,
        of: None,
        number: Some(bad),
    });
    let read = client.submit(tag::call(&value));
    let error = read.result().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Failed, "no beam")
    );
    assert!(error.is_inherited());
}

#[test]
fn values_that_name_each_other_are_a_chain_as_long_as_you_like() {
    let (there, client) = Elsewhere::client();
    let first = Tagged {
        tag: 0,
        of: None,
        number: None,
    };
    let long = (0..20_000).fold(client.scatter(first), |of, _| {
        client.scatter(Tagged {
            tag: 0,
            of: Some(of),
            number: None,
        })
    });
    let read = client.submit(tag::call(&long));
    until("it has left", || {
        there.notes.lock().unwrap().newest == 20_002
    });
    drop(read);
}

#[test]
fn the_tickets_of_handles_are_told_when_all_have_one() {
    let (_there, client) = Elsewhere::client();
    let far = client.submit(inc::call(1));
    let near = client.scatter(5u8);
    let handles = [
        tenter::driver::AnyHandle::portable(far),
        tenter::driver::AnyHandle::portable(near),
    ];
    let (send, receive) = std::sync::mpsc::channel();
    tickets(&handles, move |named| send.send(named).unwrap());
    assert_eq!(receive.recv().unwrap().unwrap(), [1, 2]);
}

fn report(task: &str) -> Report {
    Report {
        kind: ErrorKind::Failed,
        task: task.to_owned(),
        submitted_at: "src/far.rs:3:4".to_owned(),
        text: "no beam".to_owned(),
        causes: vec!["shutter".to_owned(), "interlock".to_owned()],
    }
}

#[test]
fn a_failure_names_the_culprit_and_keeps_text_and_causes() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    there.landing(1).fail(&report("camera"));
    let error = a.result().unwrap_err();
    assert_eq!((error.kind(), error.task()), (ErrorKind::Failed, "camera"));
    assert!(error.is_inherited());
    let text = error.to_string();
    assert!(
        text.contains("no beam [submitted at src/far.rs:3:4]"),
        "{text}"
    );
    assert!(text.contains("inc` depends on it"), "{text}");
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    assert_eq!(causes, ["no beam", "shutter", "interlock"]);
    assert_eq!(Report::from(&error), report("camera"));
}

#[test]
fn a_failure_of_the_task_itself_is_its_own() {
    let (there, client) = Elsewhere::client();
    let a = client.task("camera").key(17).submit(inc::call(1));
    let place = there.order(1, |order| order.manner.location().to_string());
    there.landing(1).fail(&Report {
        submitted_at: place,
        ..report("camera")
    });
    let error = a.result().unwrap_err();
    assert!(!error.is_inherited());
    assert_eq!(error.key(), Some(&17.into()));
    assert!(error.location().is_some());
}

#[test]
fn a_task_that_nobody_wants_any_more_is_released() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let again = a.clone();
    drop(a);
    assert_eq!(there.words(), ["submit 1"]);
    drop(again);
    assert_eq!(there.words(), ["release 1"]);
    // What comes of it all the same is of no account.
    there.landing(1).deliver(&[2], &[]);
    assert_eq!(client.stats().live, 0);
}

#[test]
fn cancelling_is_told_once_and_is_seen_at_once() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let next = client.submit_with(&a, |a| *a);
    a.cancel();
    a.cancel();
    assert_eq!(a.status(), Status::Cancelled);
    assert!(next.result().unwrap_err().is_cancelled());
    assert_eq!(there.words(), ["submit 1", "want 1", "cancel 1"]);
    drop((a, next));
    assert_eq!(there.words(), ["release 1"]);
}

#[test]
fn a_detached_task_is_let_run_there() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    a.clone().detach();
    assert_eq!(there.words(), ["submit 1"]);
    drop(a);
    assert_eq!(there.words(), ["detach 1"]);
    assert_eq!(client.stats().live, 0);
}

#[test]
fn a_known_key_is_the_task_that_has_it_here_already() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(double::call(4));
    let b = client.submit(double::call(4));
    assert!(a == b);
    assert_eq!(there.words(), ["submit 1"]);
    there.order(1, |order| assert!(order.manner.pure));
    let keyed = client.submit(inc::call(1).key("k"));
    let other = client.task("other").key("k").submit(double::call(1));
    let error = other.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyConflict);
    // Cancelled, the key is free.
    keyed.cancel();
    let new = client.submit(inc::call(1).key("k"));
    assert_eq!(there.words(), ["submit 2", "cancel 2", "submit 3"]);
    drop(new);
}

#[test]
fn what_cannot_be_decoded_is_the_tasks_error() {
    let (there, client) = Elsewhere::client();
    let short = client.submit(inc::call(1));
    there.landing(1).deliver(&[], &[]);
    let error = short.result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    let odd = client.submit(makes_odd::call());
    there.landing(2).deliver(&[], &[]);
    let Err(error) = odd.result() else {
        panic!("decoded")
    };
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert!(error.message().contains("odd"), "{error}");
}

#[test]
fn without_a_connection_a_call_fails_at_once() {
    let (there, client) = Elsewhere::client();
    there.gone.store(true, SeqCst);
    let a = client.submit(inc::call(1));
    let error = client.submit(inc::call(&a)).result().unwrap_err().clone();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(error.message().contains("nobody is there"));
    assert_eq!(a.result().unwrap_err().kind(), ErrorKind::Disconnected);
}

#[test]
fn the_end_of_the_client_ends_what_is_open() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let waits = a.clone();
    let waiter = std::thread::spawn(move || waits.result().copied());
    drop(client);
    assert!(waiter.join().unwrap().unwrap_err().is_cancelled());
    assert_eq!(a.status(), Status::Cancelled);
    assert!(there.words().contains(&"close".to_owned()));
}

#[test]
fn a_result_that_stays_elsewhere_is_finished_and_may_be_lost() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    there.landing(1).finished();
    assert_eq!(a.status(), Status::Finished);
    there.landing(1).lost();
    assert_eq!(a.status(), Status::Lost);
    assert!(!there.landing(1).is_wanted());
    there.landing(1).deliver(&[2], &[]);
    assert_eq!(*a.result().unwrap(), 2);
}

#[test]
fn a_failed_task_is_made_anew_there_once() {
    let (there, client) = Elsewhere::client();
    let a = client.task("camera").key("c").submit(inc::call(1));
    let local = client.submit_with(&a, |a| u16::from(*a));
    there.landing(1).fail(&report("camera"));
    assert!(local.result().is_err());
    there.words();
    let new = a.retry().unwrap();
    assert_eq!(there.words(), ["retry 1 2"]);
    assert!(new != a && a.retry().unwrap() == new);
    assert_eq!(
        (new.name(), new.key()),
        ("camera".to_owned(), Some("c".into()))
    );
    assert!(client.submit(inc::call(1).key("c")) == new);
    // A closure that has failed through it is run on what comes of that.
    let again = local.retry().unwrap();
    assert_eq!(there.words(), [""; 0]);
    there.landing(2).deliver(&[7], &[]);
    assert_eq!((*new.result().unwrap(), *again.result().unwrap()), (7, 7));
    drop((a, new, local, again));
    // The thread that has run the closure lets its input go after that.
    until("nothing is left", || client.stats().live == 0);
    let mut words = there.words();
    words.sort();
    assert_eq!(words, ["release 1", "release 2"]);
}

#[test]
fn what_was_cancelled_is_not_made_anew() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    a.cancel();
    assert!(a.retry().is_err());
    assert_eq!(there.words(), ["submit 1", "cancel 1"]);
}

#[test]
fn what_is_finished_elsewhere_has_ended_for_those_who_do_not_want_its_value() {
    let (there, client) = Elsewhere::client();
    let tasks = [1, 2, 3].map(|x| client.submit(inc::call(x)));
    let (send, receive) = std::sync::mpsc::channel();
    tasks[0].on_done(move |done| send.send(done.status()).unwrap());
    let mut running = tenter::as_completed(tasks.clone());
    drop(tenter::as_completed([tasks[1].clone()]));
    there.landing(2).finished();
    assert!(running.next() == Some(tasks[1].clone()));
    there.landing(1).finished();
    assert_eq!(receive.recv().unwrap(), Status::Finished);
    assert!(running.next() == Some(tasks[0].clone()));
    there.landing(3).fail(&report("camera"));
    assert!(running.next() == Some(tasks[2].clone()));
    let (done, open) = tenter::wait(&tasks, tenter::WaitFor::All, None).unwrap();
    assert_eq!((done.len(), open.len()), (3, 0));
    assert!(!there.words().iter().any(|word| word.starts_with("want")));
}

#[test]
fn a_call_that_was_kept_is_run_here_on_inputs_from_there() {
    let (there, client) = Elsewhere::client();
    let a = client.submit(inc::call(1));
    let sum = client.submit(add::call(&a, 5).retries(0));
    there.landing(2).fail(&report("camera"));
    there.landing(1).deliver(&[2], &[]);
    let here = client.rerun_here(&sum).unwrap();
    assert_eq!(*here.result().unwrap(), 7);
    let plain = client.rerun_here(&a).unwrap_err();
    assert!(plain.to_string().contains(".retries(0)"), "{plain}");
}

#[test]
fn a_call_goes_to_every_worker() {
    let (there, client) = Elsewhere::client();
    let nested = double::call(inc::call(1));
    let tasks = client.run_everywhere(nested).unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!(
        there.words(),
        ["submit 1", "submit 2", "submit 3", "release 1"]
    );
    there.order(3, |order| {
        assert!(order.key.is_none() && !order.manner.pure);
        assert_eq!(order.manner.special.as_ref().unwrap().on.len(), 1);
        assert_eq!(order.inputs, [1]);
    });
    assert_eq!(client.who_has(&tasks[0]).unwrap(), [WorkerId(5)]);
    there.landing(2).finished();
    client.replicate(&tasks[0], 2).unwrap();
    client.retire_worker(WorkerId(3)).unwrap();
    assert_eq!(there.words(), ["replicate 2 2", "retire w3"]);
}

#[test]
fn in_one_process_that_process_is_the_cluster() {
    let client = Client::builder().threads(2).build().unwrap();
    let workers = client.workers().unwrap();
    assert_eq!((workers.len(), workers[0].threads), (1, 2));
    client
        .wait_for_workers(4, std::time::Duration::ZERO)
        .unwrap();
    let all = client.run_everywhere(inc::call(1)).unwrap();
    assert_eq!((all.len(), *all[0].result().unwrap()), (1, 2));
    assert_eq!(client.who_has(&all[0]).unwrap(), [workers[0].id]);
    client.replicate(&all[0], 3).unwrap();
    let error = client.retire_worker(workers[0].id).unwrap_err();
    assert!(
        error.to_string().contains("connect to a cluster"),
        "{error}"
    );
}
