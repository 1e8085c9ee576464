//! Actors that are called by their methods, in this process.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, channel};

use tenter::{Actor, Anywhere, Client, ErrorKind, Status, TaskFuture, task};

/// Need be neither encoded nor shared.
struct Counter {
    count: u64,
    _not_shared: std::cell::Cell<u8>,
}

#[task(actor)]
fn counter(start: u64) -> Counter {
    Counter {
        count: start,
        _not_shared: std::cell::Cell::default(),
    }
}

#[task(actor)]
fn no_counter(text: &str) -> Result<Counter, String> {
    Err(text.to_owned())
}

#[task(actor)]
async fn late_counter(start: u64) -> Result<Counter, String> {
    Ok(counter(start))
}

#[task]
fn bump(counter: &mut Counter, by: u64) -> u64 {
    counter.count += by;
    counter.count
}

#[task]
fn add_all(counter: &mut Counter, numbers: &[u64]) -> u64 {
    counter.count += numbers.iter().sum::<u64>();
    counter.count
}

/// It takes the list itself.
#[task]
fn add_all_of(counter: &mut Counter, numbers: Vec<u64>) -> u64 {
    add_all(counter, &numbers)
}

#[task]
fn pay(counter: &mut Counter, much: u64) -> Result<u64, String> {
    counter.count = counter.count.checked_sub(much).ok_or("not enough")?;
    Ok(counter.count)
}

#[task]
fn break_it(_counter: &mut Counter) {
    panic!("out of paper")
}

static GATE: Mutex<Option<Receiver<()>>> = Mutex::new(None);

#[task]
fn numbers_from_the_gate() -> Vec<u64> {
    let gate = GATE.lock().unwrap().take().unwrap();
    gate.recv().unwrap();
    vec![100, 200]
}

#[task]
fn double(x: u64) -> u64 {
    x * 2
}

#[task]
fn bump_there(actor: Actor<Counter, Anywhere>, by: u64) -> Result<u64, tenter::TaskError> {
    actor.call(bump::call(by)).result().copied()
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

struct Noisy(u64);

impl Drop for Noisy {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.0, SeqCst);
    }
}

#[task(actor)]
fn noisy(n: u64) -> Noisy {
    Noisy(n)
}

#[task]
fn louder(noisy: &mut Noisy, by: u64) {
    noisy.0 += by;
}

fn client() -> Client<Anywhere> {
    Client::connect("inproc").unwrap()
}

#[test]
fn methods_run_on_the_state_one_after_the_other() {
    let client = client();
    let actor = client.actor(counter::call(3));
    for _ in 0..100 {
        actor.call(bump::call(1)).detach();
    }
    let count = actor.call(bump::call(0));
    assert_eq!(*count.result().unwrap(), 103);
    let summed = client.submit(double::call(&count));
    assert_eq!(*summed.result().unwrap(), 206);
    let late = client.actor(late_counter::call(double::call(4)));
    assert_eq!(*late.call(bump::call(1)).result().unwrap(), 9);
}

#[test]
fn a_call_that_waits_for_its_handles_holds_up_those_behind_it() {
    let client = client();
    let actor = client.actor(counter::call(0));
    let (open, gate) = channel();
    *GATE.lock().unwrap() = Some(gate);
    let numbers = client.submit(numbers_from_the_gate::call());
    let first = actor.call(add_all::call(&numbers));
    let second = actor.call(bump::call(1));
    let nested = actor.call(bump::call(double::call(5)));
    assert!(!second.is_done());
    open.send(()).unwrap();
    assert_eq!(*nested.result().unwrap(), 311);
    assert_eq!(*second.result().unwrap(), 301);
    assert_eq!(*first.result().unwrap(), 300);
}

#[test]
fn a_list_of_handles_is_an_argument_of_a_method() {
    let client = client();
    let actor = client.actor(counter::call(0));
    let parts = client.submit_many((1..=4).map(double::call));
    assert_eq!(*actor.call(add_all::call(&parts)).result().unwrap(), 20);
    let few = [parts[0].clone(), actor.call(bump::call(1))];
    assert_eq!(*actor.call(add_all_of::call(few)).result().unwrap(), 44);
    let none: [TaskFuture<u64>; 0] = [];
    assert_eq!(*actor.call(add_all::call(none)).result().unwrap(), 44);
    let bad = [parts[0].clone(), actor.call(pay::call(1000))];
    let error = actor.call(add_all::call(bad)).result().unwrap_err().clone();
    assert!(error.to_string().contains("not enough"), "{error}");
    assert_eq!(*actor.call(bump::call(1)).result().unwrap(), 45);
}

#[test]
fn errors_name_the_method_and_panics_poison() {
    let client = client();
    let actor = client.actor(counter::call(10));
    let error = actor.call(pay::call(11)).result().unwrap_err();
    assert_eq!(error.message(), "not enough");
    assert!(error.task().ends_with("::pay"), "{error}");
    assert!(error.to_string().contains("methods.rs"), "{error}");
    assert_eq!(*actor.call(pay::call(4)).result().unwrap(), 6);
    let lost = actor.call(break_it::call());
    let after = actor.call(bump::call(1));
    assert_eq!(lost.result().unwrap_err().kind(), ErrorKind::Panicked);
    assert_eq!(after.result().unwrap_err().kind(), ErrorKind::Poisoned);
}

#[test]
fn calls_of_an_actor_that_was_not_made_fail_as_what_was_to_make_it() {
    let client = client();
    let actor = client.actor(no_counter::call("no room for counters"));
    let error = actor.call(bump::call(1)).result().unwrap_err();
    assert_eq!(error.message(), "no room for counters");
    assert!(
        error.is_inherited() && error.task().ends_with("::no_counter"),
        "{error}"
    );
}

#[test]
fn a_handle_goes_with_calls_and_is_shared_by_name() {
    let client = client();
    let actor = client.actor(counter::call(1));
    let there = client.submit(bump_there::call(actor.clone(), 5));
    assert_eq!(*there.result().unwrap(), 6);
    let shared = client
        .variable::<Actor<Counter, Anywhere>>("counter")
        .unwrap();
    shared.set(actor).unwrap();
    let again = shared.get().unwrap();
    assert_eq!(*again.call(bump::call(1)).result().unwrap(), 7);
}

#[test]
fn one_key_is_one_actor() {
    let client = client();
    let one = client.actor(counter::call(1).key("the counter"));
    assert_eq!(*one.call(bump::call(1)).result().unwrap(), 2);
    let same = client.actor(counter::call(1).key("the counter"));
    assert_eq!(*same.call(bump::call(1)).result().unwrap(), 3);
}

#[test]
fn calls_run_when_all_handles_are_gone_and_then_the_state_is_dropped() {
    let client = client();
    let actor = client.actor(noisy::call(1));
    for _ in 0..10 {
        actor.call(louder::call(10)).detach();
    }
    drop(actor);
    crate::support::until("the state is dropped", || DROPPED.load(SeqCst) == 101);
}

#[test]
fn a_cancelled_call_that_has_not_begun_does_not_run() {
    let client = client();
    let actor = client.actor(counter::call(0));
    let (open, gate) = channel();
    let held = Client::new().unwrap();
    let blocker = held.actor(counter(0));
    let blocked = blocker.call(move |_| gate.recv().unwrap());
    let by_name = blocker.anywhere();
    let (kept, cancelled) = (by_name.call(bump::call(1)), by_name.call(bump::call(10)));
    assert_eq!(kept.status(), Status::Queued);
    cancelled.cancel();
    open.send(()).unwrap();
    assert_eq!(*kept.result().unwrap(), 1);
    assert_eq!(*by_name.call(bump::call(1)).result().unwrap(), 2);
    assert_eq!(cancelled.result().unwrap_err().kind(), ErrorKind::Cancelled);
    blocked.result().unwrap();
    assert_eq!(*actor.call(bump::call(1)).result().unwrap(), 1);
}

#[test]
fn a_bounded_mailbox_bounds_methods_too() {
    let client = Client::new().unwrap();
    let actor = client.actor_builder("small").mailbox(1).build(counter(0));
    let by_name = actor.anywhere();
    for _ in 0..50 {
        by_name.call(bump::call(1)).detach();
    }
    assert_eq!(*actor.call(|counter| counter.count).result().unwrap(), 50);
    assert_eq!(by_name.name(), "small");
}

#[test]
fn handles_of_another_client_are_refused() {
    let (client, other) = (self::client(), self::client());
    let actor = client.actor(counter::call(0));
    let foreign = other.submit(double::call(1));
    let error = actor.call(bump::call(&foreign)).result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignHandle);
}

#[test]
fn a_closed_client_takes_no_calls() {
    let client = client();
    let actor = client.actor(counter::call(0));
    assert_eq!(*actor.call(bump::call(1)).result().unwrap(), 1);
    drop(client);
    let error = actor.call(bump::call(1)).result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn methods_are_known_by_their_signatures() {
    let tasks = tenter::tasks();
    let bump = tasks
        .iter()
        .find(|task| task.name() == "it::methods::bump")
        .unwrap();
    assert_eq!(bump.signature(), "fn(&mut Counter, u64) -> u64");
}
