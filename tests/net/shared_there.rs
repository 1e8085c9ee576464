//! What is shared by name through a scheduler that serves: connections, handles, and clients that go.

use std::thread::scope;

use tenter::{ErrorKind, NameError, TaskFuture, WaitError, task};

use crate::clients::client_of;
use crate::scheduler::Served;
use crate::support::SOON;

#[task]
fn name_of(frame: u64) -> String {
    format!("frame {frame}")
}

#[test]
fn a_queue_of_handles_keeps_their_tasks_from_client_to_client() {
    let served = Served::start();
    let (a, b) = (client_of(&served), client_of(&served));
    let put = a.queue::<TaskFuture<u64>>("frames", 4).unwrap();
    for frame in 1..=3 {
        put.put(a.scatter(frame)).unwrap();
    }
    // Nobody but the queue has a handle now; not even the connection that made them is left.
    drop((put, a));
    let got = b.queue::<TaskFuture<u64>>("frames", 4).unwrap();
    let first = got.get().unwrap();
    assert_eq!(*first.result().unwrap(), 1);
    let rest = got.get_many(2).unwrap();
    let rest: Vec<u64> = rest.iter().map(|frame| *frame.result().unwrap()).collect();
    assert_eq!(rest, [2, 3]);
    got.put(first).unwrap();
    assert_eq!(*got.get().unwrap().result().unwrap(), 1, "again");
    drop((got, b));
    served.is_empty();
}

#[test]
fn what_is_left_in_a_queue_goes_with_it() {
    let served = Served::start();
    let client = client_of(&served);
    let queue = client.queue::<(u8, TaskFuture<u64>)>("q", 0).unwrap();
    for k in 0..3 {
        queue.put((k, client.scatter(u64::from(k)))).unwrap();
    }
    queue.delete();
    drop((queue, client));
    served.is_empty();
}

#[test]
fn a_variable_holds_the_newest_handle_and_tells_of_each() {
    let served = Served::start();
    let (a, b) = (client_of(&served), client_of(&served));
    let newest = a.variable::<TaskFuture<u64>>("newest").unwrap();
    let seen = b.variable::<TaskFuture<u64>>("newest").unwrap();
    scope(|scope| {
        let waits = scope.spawn(|| seen.changed(0));
        newest.set(a.scatter(7)).unwrap();
        let (handle, version) = waits.join().unwrap().unwrap();
        assert_eq!((*handle.result().unwrap(), version), (7, 1));
        newest.set(a.scatter(8)).unwrap();
        assert_eq!(*handle.result().unwrap(), 7, "it is ours");
        let (handle, version) = seen.changed(version).unwrap();
        assert_eq!((*handle.result().unwrap(), version), (8, 2));
    });
    newest.delete();
    drop((newest, seen, a, b));
    served.is_empty();
}

#[test]
fn a_handle_is_published_for_others_and_survives_who_published_it() {
    let served = Served::start();
    let (a, b) = (client_of(&served), client_of(&served));
    a.publish("mask", a.scatter(5u64)).unwrap();
    let taken = a.publish("mask", a.scatter(6u64)).unwrap_err();
    assert!(matches!(taken, NameError::Taken { .. }));
    drop(a);
    assert_eq!(b.published_names(), ["mask"]);
    let other = b.published::<String>("mask").unwrap_err();
    assert!(matches!(other, NameError::OtherType { .. }), "{other}");
    let mask = b.published::<u64>("mask").unwrap();
    assert_eq!(*mask.result().unwrap(), 5);
    b.republish("mask", b.scatter("text".to_owned())).unwrap();
    assert_eq!(
        *b.published::<String>("mask").unwrap().result().unwrap(),
        "text"
    );
    assert!(b.unpublish("mask") && !b.unpublish("mask"));
    let unknown = b.published::<u64>("mask").unwrap_err();
    assert!(matches!(unknown, NameError::Unknown { .. }));
    drop((mask, b));
    served.is_empty();
}

#[test]
fn a_handle_of_a_task_that_has_not_run_is_shared_as_any() {
    let served = Served::start();
    let (a, b) = (client_of(&served), client_of(&served));
    let put = a.queue::<TaskFuture<String>>("names", 0).unwrap();
    let name = a.submit(name_of::call(3));
    put.put(name.clone()).unwrap();
    let got = b.queue::<TaskFuture<String>>("names", 0).unwrap();
    let handle = got.get().unwrap();
    assert!(handle.try_result().is_none());
    drop(name);
    drop((put, a));
    handle.cancel();
    assert_eq!(handle.result().unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_value_that_is_still_being_computed_here_is_put_when_it_is_there() {
    let served = Served::start();
    let (a, b) = (client_of(&served), client_of(&served));
    let gate = a.queue::<u64>("gate", 0).unwrap();
    let values = a.queue::<TaskFuture<u64>>("values", 0).unwrap();
    let near = a
        .scatter(1u64)
        .then(move |one| gate.get().map(|two| one + two).unwrap_or(0));
    scope(|scope| {
        let puts = scope.spawn(|| values.put(near));
        b.queue::<u64>("gate", 0).unwrap().put(20).unwrap();
        puts.join().unwrap().unwrap();
    });
    let got = b.queue::<TaskFuture<u64>>("values", 0).unwrap();
    assert_eq!(*got.get_timeout(SOON).unwrap().result().unwrap(), 21);
}

#[test]
fn a_put_of_what_is_still_being_computed_can_time_out() {
    let served = Served::start();
    let client = client_of(&served);
    let gate = client.event("gate");
    let values = client.queue::<TaskFuture<u64>>("values", 0).unwrap();
    let waits = gate.clone();
    let near = client
        .scatter(1u64)
        .then(move |one| waits.wait().map_or(0, |()| *one));
    let refused = values.put_timeout(near, std::time::Duration::ZERO);
    let refused = refused.unwrap_err();
    assert_eq!(refused.error(), &WaitError::TimedOut);
    gate.set();
    let near = refused.into_item();
    assert_eq!(*near.result().unwrap(), 1);
    assert!(values.is_empty());
    values.put(near).unwrap();
    assert_eq!(values.len(), 1);
}

#[test]
fn a_client_that_is_dropped_gives_back_what_it_held() {
    let served = Served::start();
    let (a, b) = (client_of(&served), client_of(&served));
    let held = a.lock("beam").lock().unwrap();
    let permits = a.semaphore("s", 2).unwrap().acquire(2).unwrap();
    let lock = b.lock("beam");
    let semaphore = b.semaphore("s", 2).unwrap();
    scope(|scope| {
        let waits = scope.spawn(|| lock.lock().map(drop));
        let waits_too = scope.spawn(|| semaphore.acquire(1).map(drop));
        drop(a);
        waits.join().unwrap().unwrap();
        waits_too.join().unwrap().unwrap();
    });
    drop((held, permits));
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn the_end_of_the_scheduler_ends_every_wait_and_says_so() {
    let served = Served::start();
    let client = client_of(&served);
    let queue = client.queue::<u64>("q", 0).unwrap();
    scope(|scope| {
        let waits = scope.spawn(|| queue.get());
        drop(served);
        let ended = waits.join().unwrap().unwrap_err();
        assert!(matches!(ended, WaitError::Disconnected(_)), "{ended}");
    });
    let later = client.queue::<u64>("other", 0).unwrap_err();
    assert!(
        later.to_string().contains("the connection to the cluster"),
        "{later}"
    );
}

#[test]
fn an_item_that_is_too_large_is_refused_with_a_way_out() {
    let served = Served::start();
    let client = client_of(&served);
    let queue = client.queue::<String>("q", 0).unwrap();
    let refused = queue.put("-".repeat(33 << 20)).unwrap_err();
    assert!(refused.to_string().contains("scatter"), "{refused}");
    let large = "-".repeat(20 << 20);
    queue.put(large.clone()).unwrap();
    queue.put(large.clone()).unwrap();
    let first = queue.get_many(2).unwrap();
    assert_eq!(first.len(), 1, "as many as one answer takes");
    assert!(queue.get().unwrap() == large);
}
