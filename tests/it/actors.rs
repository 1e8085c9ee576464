//! Actors: calls run one at a time and in order, give ordinary futures, and their waits are seen through.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tenter::{
    Actor, Client, ErrorKind, Status, TaskError, TaskFuture, WaitError, current, gather,
    try_current,
};

use crate::support::{Counts, Log, assert_nothing_left, client_of, until, watched};

/// Occupies an actor with one call until it is told, or dropped.
struct Busy {
    opened: tenter::Queue<()>,
    call: TaskFuture<()>,
}

impl Busy {
    fn keep<S: Send + 'static>(client: &Client, actor: &Actor<S>) -> Self {
        let opened = client.queue("opened", 0).unwrap();
        let gate = opened.clone();
        let call = actor.call(move |_| {
            let _ = gate.get();
        });
        until("the call has begun", || call.status() == Status::Running);
        Self { opened, call }
    }

    fn end(self) {
        self.opened.put(()).unwrap();
        self.call.result().unwrap();
        self.opened.delete();
    }
}

#[test]
fn calls_run_in_the_order_in_which_they_were_made() {
    watched(|| {
        for threads in [1, 4] {
            let client = client_of(threads);
            let list = client.actor(Vec::new());
            for n in 0..1000 {
                list.call(move |list| list.push(n)).detach();
            }
            let all = list.call(|list| list.clone());
            assert_eq!(*all.result().unwrap(), (0..1000).collect::<Vec<_>>());
            drop((list, all));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn the_future_of_a_call_is_an_ordinary_one() {
    watched(|| {
        let client = client_of(2);
        let actor = client.actor(Cell::new(20u32));
        let half = actor.call(|state| state.get());
        let rest = client.submit(|| 1u32);
        let sum = client.submit_with((&half, rest.clone()), |(half, rest)| half + rest);
        assert_eq!(*half.clone().then(|x| x * 2).result().unwrap(), 40);
        assert_eq!(*sum.result().unwrap(), 21);
        assert_eq!(gather(&[sum, half.clone()]).unwrap(), [&21, &20]);
        let awaited = futures::executor::block_on(async { half.await.map(|value| *value) });
        assert_eq!(awaited.unwrap(), 20);
    });
}

#[test]
fn the_value_of_a_call_can_be_taken() {
    watched(|| {
        let client = client_of(2);
        let counts = Counts::new();
        let counted = counts.counted();
        let actor = client.actor(Some(counted));
        let value = actor.call(Option::take).take().unwrap();
        assert_eq!((counts.alive(), counts.clones()), (1, 0));
        drop((actor, value));
        assert_eq!(counts.alive(), 0);
        assert_nothing_left(&client);
    });
}

#[test]
fn no_increment_of_many_tasks_is_lost() {
    watched(|| {
        let client = client_of(4);
        let counter = client.actor(0u64);
        let tasks = client.map(0..100, {
            let counter = counter.clone();
            move |_| (0..1000).for_each(|_| counter.call(|count| *count += 1).detach())
        });
        gather(&tasks).unwrap();
        assert_eq!(*counter.call(|count| *count).result().unwrap(), 100_000);
        drop((counter, tasks));
        assert_nothing_left(&client);
    });
}

/// Each caller sends 0, 1, 2, ... and the actor checks that each caller's numbers come in order.
fn check_order(client: &Client, actor: &Actor<Vec<u32>>, calls: u32) {
    let callers = client.map(0..8usize, {
        let actor = actor.clone();
        move |caller| {
            for n in 0..calls {
                let check = move |next: &mut Vec<u32>| {
                    assert_eq!(next[caller], n);
                    next[caller] += 1;
                };
                actor.call(check).detach();
            }
        }
    });
    gather(&callers).unwrap();
    let next = actor.call(|next| next.clone());
    assert_eq!(*next.result().unwrap(), vec![calls; 8]);
}

#[test]
fn the_calls_of_one_caller_keep_their_order() {
    watched(|| {
        let client = client_of(4);
        check_order(&client, &client.actor(vec![0; 8]), 2000);
        assert_nothing_left(&client);
    });
}

#[test]
fn the_calls_of_one_caller_keep_their_order_through_a_small_mailbox() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            for capacity in [1, 3] {
                let builder = client.actor_builder("narrow").mailbox(capacity);
                check_order(&client, &builder.build(vec![0; 8]), 200);
            }
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_seed_decides_the_order_of_callers_alone() {
    watched(|| {
        for seed in 0..10 {
            let client = Client::builder().deterministic(seed).build().unwrap();
            let builder = client.actor_builder("narrow").mailbox(2);
            check_order(&client, &builder.build(vec![0; 8]), 30);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_call_runs_though_nobody_keeps_its_future() {
    watched(|| {
        let client = client_of(2);
        let counter = client.actor(0);
        for _ in 0..100 {
            let _ = counter.call(|count| *count += 1);
        }
        assert_eq!(*counter.call(|count| *count).result().unwrap(), 100);
    });
}

#[test]
fn a_call_in_the_mailbox_is_queued_and_says_behind_whom() {
    watched(|| {
        let client = client_of(2);
        let actor = client.actor_builder("store").build(());
        let busy = Busy::keep(&client, &actor);
        let queued = actor.call(|()| 5);
        assert_eq!((queued.status(), actor.queued()), (Status::Queued, 1));
        until("the call in progress is parked", || {
            queued.explain().contains("blocked on queue `opened`")
        });
        let why = queued.explain();
        assert!(why.contains("actor `store`"), "{why}");
        assert!(
            why.contains("in progress, made at tests/it/actors.rs:"),
            "{why}"
        );
        assert_eq!(busy.call.status(), Status::Running);
        assert!(!busy.call.explain().contains("mailbox"));
        busy.end();
        assert_eq!(*queued.result().unwrap(), 5);
        assert_eq!((queued.status(), actor.queued()), (Status::Finished, 0));
    });
}

#[test]
fn a_cancelled_call_that_has_not_begun_does_not_run() {
    watched(|| {
        let client = client_of(2);
        let actor = client.actor(Vec::new());
        let counts = Counts::new();
        let busy = Busy::keep(&client, &actor);
        let counted = counts.counted();
        let cancelled = actor.call(move |list| {
            drop(counted);
            list.push("cancelled");
        });
        let dependent = cancelled.clone().then(|()| ());
        actor.call(|list| list.push("kept")).detach();
        cancelled.cancel();
        assert_eq!(cancelled.status(), Status::Cancelled);
        assert_eq!(dependent.result().unwrap_err().kind(), ErrorKind::Cancelled);
        busy.end();
        let list = actor.call(|list| list.clone());
        assert_eq!(*list.result().unwrap(), ["kept"]);
        assert_eq!(counts.alive(), 0);
        drop((actor, list, cancelled, dependent));
        assert_nothing_left(&client);
    });
}

#[test]
fn a_call_in_progress_sees_its_cancel_token_and_keeps_what_it_did() {
    watched(|| {
        let client = client_of(2);
        let actor = client.actor(0);
        let call = actor.call(|state| {
            *state = 1;
            let client = current();
            until("cancelled", || client.is_cancelled());
            assert!(client.checkpoint().is_err());
            *state = 2;
        });
        until("the call has begun", || call.status() == Status::Running);
        call.cancel();
        assert_eq!(call.status(), Status::Cancelled);
        let after = actor.call(|state| (*state, current().is_cancelled()));
        assert_eq!(*after.result().unwrap(), (2, false));
    });
}

#[test]
fn a_panic_fails_its_call_and_poisons_those_that_follow() {
    watched(|| {
        let client = client_of(2);
        let counts = Counts::new();
        let actor = client.actor_builder("printer").build(counts.counted());
        let busy = Busy::keep(&client, &actor);
        let panics = actor.call(|_| -> u32 { panic!("out of paper") });
        let queued = actor.call(|_| 1);
        busy.end();
        let error = panics.result().unwrap_err();
        assert_eq!(
            (error.kind(), error.task()),
            (ErrorKind::Panicked, "printer")
        );
        assert_eq!(error.message(), "out of paper");
        assert!(error.location().unwrap().file().ends_with("actors.rs"));
        for poisoned in [queued, actor.call(|_| 1)] {
            let error = poisoned.result().unwrap_err();
            assert_eq!(
                (error.kind(), error.task()),
                (ErrorKind::Poisoned, "printer")
            );
            assert!(error.message().contains("out of paper"), "{error}");
            assert!(error.message().contains("start another"), "{error}");
            let original = error.downcast_ref::<TaskError>().unwrap();
            assert_eq!(original.message(), "out of paper");
        }
        assert_eq!(counts.alive(), 0, "a spoilt state is dropped at once");
        let refused = actor.restart().unwrap_err();
        assert_eq!(refused.actor(), "printer");
        assert!(refused.to_string().contains("actor_from"), "{refused}");
    });
}

#[test]
fn a_restart_takes_its_turn_and_makes_a_new_state() {
    watched(|| {
        let client = client_of(2);
        let made = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let actor = client.actor_from({
            let made = Arc::clone(&made);
            move || 10 * (1 + made.fetch_add(1, SeqCst))
        });
        assert_eq!(*actor.call(|state| *state).result().unwrap(), 10);
        let busy = Busy::keep(&client, &actor);
        let panics = actor.call(|_| panic!("once"));
        let before = actor.call(|state| *state);
        let restarted = actor.restart().unwrap();
        let after = actor.call(|state| *state);
        busy.end();
        assert_eq!(panics.result().unwrap_err().kind(), ErrorKind::Panicked);
        let poisoned = before.result().unwrap_err();
        assert_eq!(poisoned.kind(), ErrorKind::Poisoned);
        assert!(poisoned.message().contains("restart()"), "{poisoned}");
        restarted.result().unwrap();
        assert_eq!(*after.result().unwrap(), 20);
        // A sound state is replaced too.
        actor.restart().unwrap().result().unwrap();
        assert_eq!(*actor.call(|state| *state).result().unwrap(), 30);
    });
}

#[test]
fn a_constructor_that_panics_poisons_until_it_succeeds() {
    watched(|| {
        let client = client_of(1);
        let broken = Arc::new(AtomicBool::new(true));
        let actor = client.actor_builder("fragile").build_from({
            let broken = Arc::clone(&broken);
            move || assert!(!broken.load(SeqCst), "no device")
        });
        let error = actor.call(|()| ()).result().unwrap_err().clone();
        assert_eq!(
            (error.kind(), error.task()),
            (ErrorKind::Poisoned, "fragile")
        );
        assert!(error.message().contains("no device"), "{error}");
        let again = actor.restart().unwrap();
        assert_eq!(again.result().unwrap_err().message(), "no device");
        broken.store(false, SeqCst);
        actor.restart().unwrap().result().unwrap();
        actor.call(|()| ()).result().unwrap();
    });
}

#[test]
fn an_error_is_the_calls_own_and_poisons_nothing() {
    watched(|| {
        let client = client_of(1);
        let actor = client.actor(String::from("17"));
        let number = actor.call_fallible(|text| text.parse::<u32>());
        assert_eq!(*number.result().unwrap(), 17);
        actor.call(|text| text.push('x')).detach();
        let error = actor.call_fallible(|text| text.parse::<u32>());
        let error = error.result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert_eq!(*actor.call(|text| text.len()).result().unwrap(), 3);
    });
}

#[test]
fn calls_may_submit_block_and_call_others() {
    watched(|| {
        for threads in [1, 3] {
            let client = client_of(threads);
            let store = client.actor(7u32);
            let front = client.actor(store.clone());
            let value = front.call_fallible(|store| {
                let client = current();
                let base = client.submit(|| 30);
                let more = store.call(|value| *value);
                let local = client.map(0..10u32, |n| n);
                let sum: u32 = gather(&local)?.into_iter().sum();
                Ok::<_, TaskError>(base.result()? + more.result()? + sum)
            });
            assert_eq!(*value.result().unwrap(), 82);
            drop((front, store, value));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_task_that_waits_for_a_call_runs_what_is_before_it() {
    watched(|| {
        let client = client_of(1);
        let counter = client.actor(0u32);
        let task = client.try_submit(move || {
            let mut here = 0;
            for n in 1..=1000 {
                counter.call(|count| *count += 1).detach();
                let count = counter.call(|count| (*count, std::thread::current().id()));
                let &(count, thread) = count.result()?;
                assert_eq!(count, n);
                here += u32::from(thread == std::thread::current().id());
            }
            Ok::<_, TaskError>(here)
        });
        // A spare may come when the machine is busy, but the thread that waits is the one at hand.
        let here = *task.result().unwrap();
        assert!(
            here > 500,
            "only {here} of 1000 calls ran where their caller waited"
        );
        drop(task);
        assert_nothing_left(&client);
    });
}

/// An actor whose calls use it.
type Own = Option<Actor<Ours>>;
struct Ours(Own);

fn knows_itself(client: &Client, name: &str) -> Actor<Ours> {
    let actor = client.actor_builder(name).build(Ours(None));
    let own = actor.clone();
    actor.call(move |state| state.0 = Some(own)).detach();
    actor
}

fn forget(actors: &[&Actor<Ours>]) {
    for actor in actors {
        actor.call(|state| state.0 = None).result().unwrap();
    }
}

#[test]
fn a_call_that_waits_for_another_of_its_actor_is_a_deadlock() {
    watched(|| {
        for threads in [1, 3] {
            let client = client_of(threads);
            let actor = knows_itself(&client, "narcissus");
            let call = actor.call_fallible(|state| {
                let own = state.0.as_ref().unwrap();
                own.call(|_| 1).result().copied()
            });
            let error = call.result().unwrap_err();
            assert_eq!(
                (error.kind(), error.task()),
                (ErrorKind::Deadlock, "narcissus")
            );
            assert!(error.message().contains("narcissus"), "{error}");
            assert_eq!(*actor.call(|_| 2).result().unwrap(), 2);
            forget(&[&actor]);
            drop((actor, call));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn two_actors_that_wait_for_each_other_are_a_deadlock() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let left = client.actor_builder("left").build(());
            let right = client.actor_builder("right").build(());
            let (back, forth) = (left.clone(), right.clone());
            let call = left.call_fallible(move |()| {
                let inner = forth.call_fallible(move |()| back.call(|()| 1).result().copied());
                inner.result().copied()
            });
            let error = call.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock);
            for name in ["left", "right"] {
                assert!(
                    error.message().contains(name),
                    "{name} is missing in: {error}"
                );
            }
            assert_eq!(*left.call(|()| 2).result().unwrap(), 2);
            assert_eq!(*right.call(|()| 2).result().unwrap(), 2);
            drop((call, left, right));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_deadlock_goes_through_tasks_and_inputs() {
    watched(|| {
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let actor = knows_itself(&client, "hub");
            let call = actor.call_fallible(|state| {
                let own = state.0.clone().unwrap();
                let asks = current().task("asks").submit(move || own.call(|_| 1));
                let then = asks.flatten().then(|x| x + 1);
                then.result().copied()
            });
            let error = call.result().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock);
            // Found by the detector, or by the forward when the others wait already.
            assert!(error.message().contains("flatten"), "{error}");
            forget(&[&actor]);
            drop((actor, call));
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_call_that_waits_for_room_at_its_own_actor_is_a_deadlock() {
    watched(|| {
        for threads in [1, 2] {
            let client = client_of(threads);
            let actor = client.actor_builder("narrow").mailbox(1).build(());
            let own = actor.clone();
            let call = actor.call(move |()| {
                own.call(|()| ()).detach();
                let second = own.call(|()| ());
                second.result().copied().map_err(|error| error.kind())
            });
            assert_eq!(*call.result().unwrap(), Err(ErrorKind::Deadlock));
            drop(actor);
            drop(call);
            assert_nothing_left(&client);
        }
    });
}

#[test]
fn a_full_mailbox_gives_the_closure_back() {
    watched(|| {
        let client = client_of(2);
        let actor = client.actor_builder("narrow").mailbox(2).build(Vec::new());
        assert_eq!(actor.capacity(), 2);
        let busy = Busy::keep(&client, &actor);
        let counts = Counts::new();
        let (mut taken, mut full) = (Vec::new(), Vec::new());
        for n in 0..5 {
            let counted = counts.counted();
            match actor.try_call(move |list: &mut Vec<u32>| {
                drop(counted);
                list.push(n);
            }) {
                Ok(call) => taken.push(call),
                Err(error) => {
                    assert!(error.to_string().contains("full"), "{error}");
                    full.push(error.into_inner());
                }
            }
        }
        assert_eq!((taken.len(), full.len(), counts.alive()), (2, 3, 5));
        busy.end();
        gather(&taken).unwrap();
        let call = actor.try_call(full.remove(0)).unwrap();
        call.result().unwrap();
        let list = actor.call(|list| list.clone());
        assert_eq!(*list.result().unwrap(), [0, 1, 2]);
        drop(full);
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn a_call_at_a_full_mailbox_gives_its_place_up() {
    watched(|| {
        let client = client_of(1);
        let actor = client.actor_builder("narrow").mailbox(1).build(0);
        let opened = client.queue::<()>("opened", 0).unwrap();
        let gate = opened.clone();
        let first = actor.call(move |_| gate.get().unwrap());
        until("the call has begun", || first.status() == Status::Running);
        actor.call(|count| *count += 1).detach();
        let caller = actor.clone();
        let task = client.task("caller").submit(move || {
            caller.call(|count| *count += 1).detach();
        });
        until("the caller waits", || {
            task.explain()
                .contains("room in the mailbox of actor `narrow`")
        });
        // The one place is free for others.
        assert_eq!(*client.submit(|| 5).result().unwrap(), 5);
        opened.put(()).unwrap();
        task.result().unwrap();
        assert_eq!(*actor.call(|count| *count).result().unwrap(), 2);
        drop((actor, task, first));
        assert_nothing_left(&client);
    });
}

#[test]
fn async_calls_wait_for_room_without_a_thread() {
    watched(|| {
        let client = client_of(1);
        let actor = client.actor_builder("narrow").mailbox(1).build(0);
        let busy = Busy::keep(&client, &actor);
        actor.call(|count| *count += 1).detach();
        let calls: Vec<_> = (0..20)
            .map(|_| actor.call_async(|count| *count += 1))
            .collect();
        let mut calls = Box::pin(futures::future::join_all(calls));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(calls.as_mut().poll(&mut context).is_pending());
        assert_eq!(actor.queued(), 1);
        busy.end();
        let made = futures::executor::block_on(calls);
        gather(&made).unwrap();
        assert_eq!(*actor.call(|count| *count).result().unwrap(), 21);
        drop((actor, made));
        assert_nothing_left(&client);
    });
}

#[test]
fn an_async_call_that_is_dropped_was_never_made_and_holds_up_nobody() {
    watched(|| {
        let client = client_of(1);
        let actor = client.actor_builder("narrow").mailbox(1).build(Vec::new());
        let busy = Busy::keep(&client, &actor);
        actor.call(|list: &mut Vec<_>| list.push("first")).detach();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut dropped = Box::pin(actor.call_async(|list| list.push("dropped")));
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        let caller = actor.clone();
        let waits = client.submit(move || caller.call(|list| list.push("second")));
        until("the caller waits too", || {
            waits.explain().contains("room in the mailbox")
        });
        busy.end();
        drop(dropped);
        waits.flatten().result().unwrap();
        let list = actor.call(|list| list.clone());
        assert_eq!(*list.result().unwrap(), ["first", "second"]);
    });
}

#[test]
fn a_task_may_wait_for_room_at_another_clients_actor() {
    watched(|| {
        let (here, there) = (client_of(1), client_of(1));
        let actor = there.actor_builder("there").mailbox(1).build(0);
        let callers = here.map(0..4, {
            let actor = actor.clone();
            move |_| (0..50).for_each(|_| actor.call(|count| *count += 1).detach())
        });
        gather(&callers).unwrap();
        assert_eq!(*actor.call(|count| *count).result().unwrap(), 200);
        drop((actor, callers));
        assert_nothing_left(&here);
        assert_nothing_left(&there);
    });
}

/// Writes, when dropped, whether that is on a thread of the pool.
struct Farewell(Log<&'static str>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.write(match try_current() {
            Some(_) => "dropped in the pool",
            None => "dropped outside",
        });
    }
}

#[test]
fn after_the_last_handle_the_calls_still_run_and_then_the_state_goes() {
    watched(|| {
        let client = client_of(2);
        let log = Log::new();
        let actor = client.actor(Farewell(log.clone()));
        let second = actor.clone();
        let busy = Busy::keep(&client, &actor);
        for _ in 0..200 {
            actor.call(|state| state.0.write("call")).detach();
        }
        drop(actor);
        drop(second);
        assert_eq!(log.len(), 0);
        busy.end();
        until("the state is dropped", || log.len() == 201);
        assert_eq!(log.read()[200], "dropped in the pool");
        assert!(log.read()[..200].iter().all(|&entry| entry == "call"));
        // Of an idle one, too.
        drop(client.actor(Farewell(log.clone())));
        until("the state is dropped", || log.len() == 202);
        assert_eq!(log.read()[201], "dropped in the pool");
        assert_nothing_left(&client);
    });
}

#[test]
fn a_destructor_that_panics_ends_there() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("bang");
        }
    }
    watched(|| {
        let client = client_of(1);
        drop(client.actor(Grenade));
        let poisoned = client.actor(Grenade);
        let panics = poisoned.call(|_| panic!("first"));
        assert_eq!(panics.result().unwrap_err().message(), "first");
        let actor = client.actor_from(|| Grenade);
        actor.restart().unwrap().result().unwrap();
        drop((actor, poisoned, panics));
        assert_nothing_left(&client);
        assert_eq!(*client.submit(|| 1).result().unwrap(), 1);
    });
}

#[test]
fn closing_cancels_the_calls_that_have_not_begun() {
    watched(|| {
        let client = client_of(2);
        let counts = Counts::new();
        let actor = client
            .actor_builder("store")
            .mailbox(3)
            .build(counts.counted());
        let begun = actor.call(|_| {
            let client = current();
            until("told to stop", || client.is_cancelled());
        });
        until("the call has begun", || begun.status() == Status::Running);
        let queued: Vec<_> = (0..3).map(|_| actor.call(|_| ())).collect();
        let caller = actor.clone();
        let waits = std::thread::spawn(move || caller.call(|_| ()));
        assert!(client.close(Duration::from_secs(60)).is_clean());
        begun.result().unwrap();
        for call in queued {
            assert_eq!(call.status(), Status::Cancelled);
            assert!(call.result().unwrap_err().is_cancelled());
        }
        let refused = waits.join().unwrap();
        let kind = refused.result().unwrap_err().kind();
        assert!(
            matches!(kind, ErrorKind::Closed | ErrorKind::Cancelled),
            "{kind:?}"
        );
        for late in [actor.call(|_| ()), actor.try_call(|_| ()).unwrap()] {
            let error = late.result().unwrap_err();
            assert_eq!((error.kind(), error.task()), (ErrorKind::Closed, "store"));
            assert!(error.message().contains("start another"), "{error}");
        }
        let late = futures::executor::block_on(actor.call_async(|_| ()));
        assert_eq!(late.result().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(counts.alive(), 1);
        drop(actor);
        assert_eq!(counts.alive(), 0, "an idle state goes with its last handle");
    });
}

#[test]
fn dropping_the_client_cancels_the_calls_that_have_not_begun() {
    watched(|| {
        let client = client_of(1);
        let counts = Counts::new();
        let actor = client.actor(counts.counted());
        let calls: Vec<_> = (0..3)
            .map(|_| {
                actor.call(|_| {
                    let client = current();
                    until("told to stop", || client.is_cancelled());
                })
            })
            .collect();
        until("the first has begun", || {
            calls[0].status() == Status::Running
        });
        drop(actor);
        drop(client);
        assert_eq!(calls[0].status(), Status::Finished);
        assert_eq!(calls[1].status(), Status::Cancelled);
        assert_eq!(calls[2].status(), Status::Cancelled);
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn an_actor_of_a_closed_client_refuses_its_calls() {
    watched(|| {
        let client = client_of(1);
        assert!(client.close(Duration::from_secs(60)).is_clean());
        let counts = Counts::new();
        let given = client.actor(counts.counted());
        assert_eq!(
            given.call(|_| ()).result().unwrap_err().kind(),
            ErrorKind::Closed
        );
        let made = client.actor_from(|| -> u32 { unreachable!("it must not be made") });
        let restarted = made.restart().unwrap();
        assert_eq!(restarted.result().unwrap_err().kind(), ErrorKind::Closed);
        drop((given, made));
        assert_eq!(counts.alive(), 0);
    });
}

#[test]
fn idle_actors_have_no_threads() {
    watched(|| {
        let client = client_of(2);
        let actors: Vec<_> = (0..1000u32).map(|n| client.actor(n)).collect();
        let values: Vec<_> = actors.iter().map(|actor| actor.call(|n| *n)).collect();
        let sum: u32 = gather(&values).unwrap().into_iter().sum();
        assert_eq!(sum, 999 * 500);
        assert!(client.stats().threads < 50, "{:?}", client.stats());
        drop(values);
        assert_nothing_left(&client);
        drop(actors);
        assert_nothing_left(&client);
    });
}

#[test]
fn an_actor_with_endless_calls_leaves_others_their_turn() {
    watched(|| {
        let client = client_of(1);
        /// Calls itself on and on, until told to stop.
        fn again(actor: &Actor<()>, stop: &Arc<AtomicBool>) {
            let (next, stop) = (actor.clone(), Arc::clone(stop));
            let call = actor.call(move |()| {
                if !stop.load(SeqCst) {
                    again(&next, &stop);
                }
            });
            call.detach();
        }
        let (actor, stop) = (client.actor(()), Arc::new(AtomicBool::new(false)));
        again(&actor, &stop);
        for n in 0..100 {
            assert_eq!(*client.submit(move || n).result().unwrap(), n);
        }
        stop.store(true, SeqCst);
        drop(actor);
        assert_nothing_left(&client);
    });
}

#[test]
fn a_call_has_the_name_of_its_actor_and_an_actor_that_of_its_state() {
    watched(|| {
        let client = client_of(1);
        let unnamed = client.actor(5u32);
        assert_eq!(
            (unnamed.name(), unnamed.call(|_| ()).name()),
            ("u32".into(), "u32".into())
        );
        let named = client.actor_builder("store").build(5u32);
        assert_eq!(
            (named.name(), named.call(|_| ()).name()),
            ("store".into(), "store".into())
        );
        assert_eq!(named.capacity(), 0);
        assert!(format!("{named:?}").contains("store"));
    });
}

#[test]
fn waits_of_calls_for_queues_end_with_the_client() {
    watched(|| {
        let client = client_of(1);
        let queue = client.queue::<()>("never", 0).unwrap();
        let actor = client.actor(());
        let call = actor.call(move |()| queue.get());
        until("the call is parked", || client.stats().blocked == 1);
        drop(client);
        assert_eq!(*call.result().unwrap(), Err(WaitError::Closed));
    });
}

#[test]
fn random_calls_between_actors_agree_with_a_sum() {
    watched(|| {
        let mut rng = fastrand::Rng::with_seed(5);
        for threads in [1, 2, 4] {
            let client = client_of(threads);
            let counters: Vec<Actor<u64>> = (0..5)
                .map(|_| client.actor_builder("c").mailbox(rng.usize(0..4)).build(0))
                .collect();
            let mut expected = 0;
            let mut tasks = Vec::new();
            for _ in 0..200 {
                let (k, n, waits) = (rng.usize(0..5), rng.u64(0..100), rng.bool());
                expected += n;
                let counter = counters[k].clone();
                tasks.push(client.try_submit(move || {
                    let call = counter.call(move |count| *count += n);
                    if waits {
                        call.result()?;
                    }
                    Ok::<_, TaskError>(())
                }));
            }
            gather(&tasks).unwrap();
            let sums: Vec<_> = counters.iter().map(|c| c.call(|count| *count)).collect();
            assert_eq!(gather(&sums).unwrap().into_iter().sum::<u64>(), expected);
            drop((counters, sums, tasks));
            assert_nothing_left(&client);
        }
    });
}
