//! Keys, weak ids, values moved out.

use super::rig::Rig;
use crate::graph::State::{Cancelled, Failed, Finished};
use crate::graph::{Id, Outcome, Spec};

#[test]
fn a_known_key_gives_the_existing_task() {
    let mut rig = Rig::new();
    let task = rig.keyed(1, &[]).expect("a new key");
    assert_eq!(rig.keyed(1, &[]), Err(Some(task)));
    rig.run(task);
    assert_eq!(rig.keyed(1, &[]), Err(Some(task)), "finished ones too");
    assert_eq!((rig.refs(task), rig.graph.key_count()), (3, 1));
    assert_eq!(rig.graph.key(task), Some(1.into()));
    rig.drop_all(&[task, task, task]);
    rig.assert_over();
}

#[test]
fn a_failed_task_keeps_its_key() {
    let mut rig = Rig::new();
    let task = rig.keyed(1, &[]).expect("a new key");
    rig.fail(task);
    assert_eq!(rig.keyed(1, &[]), Err(Some(task)));
    assert_eq!(rig.state(task), Failed);
    rig.drop_all(&[task, task]);
    rig.assert_over();
}

#[test]
fn a_key_of_another_kind_is_a_conflict_and_changes_nothing() {
    let mut rig = Rig::new();
    let task = rig.keyed(1, &[]).expect("a new key");
    assert_eq!(rig.try_keyed(&Spec::default(), 1, 99, &[]), Err(None));
    assert_eq!(rig.refs(task), 2);
    rig.drop(task);
    let other = rig
        .try_keyed(&Spec::default(), 1, 99, &[])
        .expect("free again");
    rig.drop(other);
    rig.assert_over();
}

#[test]
fn a_cancelled_key_names_a_new_task() {
    let mut rig = Rig::new();
    for started in [false, true] {
        let old = rig.keyed(1, &[]).expect("free");
        if started {
            rig.start(old);
        }
        assert!(rig.cancel(old));
        let new = rig.keyed(1, &[]).expect("free after the cancel");
        assert_ne!(old, new);
        if started {
            rig.end(old, Outcome::Nothing);
        }
        rig.drop(old);
        assert_eq!(
            rig.keyed(1, &[]),
            Err(Some(new)),
            "the old one's end leaves the new entry"
        );
        assert_eq!(rig.state(new), crate::graph::State::Queued);
        rig.drop_all(&[new, new]);
    }
    rig.assert_over();
}

#[test]
fn a_key_is_free_again_once_its_task_is_forgotten() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        let task = rig.keyed(1, &[]).expect("free");
        rig.drop(task);
        assert_eq!(rig.graph.key_count(), 0);
    }
    let input = rig.task(&[]);
    for _ in 0..3 {
        let task = rig
            .keyed(1, &[input])
            .expect("free, though a list still names the old task");
        rig.drop(task);
    }
    rig.drop(input);
    rig.assert_over();
}

#[test]
fn a_running_task_that_nobody_wants_is_not_handed_out_by_its_key() {
    let mut rig = Rig::new();
    let old = rig.keyed(1, &[]).expect("a new key");
    rig.start(old);
    rig.drop(old);
    assert_eq!(rig.take_unwanted(), [old]);
    let new = rig
        .keyed(1, &[])
        .expect("a want that comes too late makes a new task");
    rig.end(old, Outcome::Value);
    assert_eq!(rig.keyed(1, &[]), Err(Some(new)));
    rig.drop_all(&[new, new]);
    rig.assert_over();
}

#[test]
fn a_keyed_task_with_a_failed_input_fails() {
    let mut rig = Rig::new();
    let (bad, pending) = (rig.settled(true), rig.task(&[]));
    let task = rig.keyed(1, &[pending, bad]).expect("a new key");
    assert_eq!(rig.state(task), Failed);
    assert_eq!(rig.keyed(1, &[]), Err(Some(task)));
    rig.drop_all(&[task, task, bad, pending]);
    rig.assert_over();
}

#[test]
fn a_keyed_task_is_cancelled_in_every_state() {
    let mut rig = Rig::new();
    let input = rig.task(&[]);
    let waiting = rig.keyed(1, &[input]).expect("a new key");
    assert!(rig.cancel(waiting));
    assert_eq!((rig.state(waiting), rig.graph.key_count()), (Cancelled, 0));
    rig.run(input);
    let queued = rig.keyed(1, &[input]).expect("free after the cancel");
    assert!(rig.cancel(queued));
    rig.drop_all(&[waiting, queued, input]);
    rig.assert_over();
}

#[test]
fn texts_numbers_and_members_are_different_keys() {
    use crate::graph::Key;
    let keys = [
        Key::from(17),
        Key::from("17"),
        Key::from(("frame", 17)),
        Key::from("frame-17"),
    ];
    for (k, key) in keys.iter().enumerate() {
        assert_eq!(
            keys.iter().filter(|other| *other == key).count(),
            1,
            "key {k}"
        );
    }
    assert_eq!(keys[2].to_string(), keys[3].to_string());
    assert_eq!(Key::from("a".to_owned()), Key::from("a"));
}

#[test]
fn a_stale_id_is_not_pinned() {
    let mut rig = Rig::new();
    rig.checked = false;
    let task = rig.task(&[]);
    let id = rig.graph.id(task);
    let pin = rig.pin(id).expect("alive");
    assert_eq!(rig.refs(task), 3);
    rig.graph.unpin(pin, &mut rig.fx);
    rig.drop(task);
    assert_eq!(rig.pin(id), None, "freed");
    // Slots are handed out in address order, so only a flush brings this one back.
    rig.graph.flush(&mut rig.cache);
    let reused: Vec<u32> = std::iter::repeat_with(|| rig.task(&[]))
        .take(2000)
        .collect();
    assert!(reused.contains(&task), "the slot lives again");
    assert_eq!(rig.pin(id), None, "another task's slot");
    assert_eq!(rig.refs(task), 2, "the try left nothing behind");
    assert_eq!(
        rig.pin(Id {
            index: u32::MAX,
            generation: 0
        }),
        None,
        "no such slot"
    );
    for task in reused {
        rig.graph.drop_want(task, &mut rig.fx);
    }
    rig.settle();
    rig.assert_over();
}

#[test]
fn a_pin_that_outlives_the_last_handle_cancels_when_it_goes() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    let pin = rig.graph.pin_any(task).expect("alive");
    rig.drop(task);
    assert!(!rig.is_freed(task));
    rig.graph.unpin(pin, &mut rig.fx);
    rig.settle();
    assert!(rig.is_freed(task));
    rig.assert_over();
}

#[test]
fn a_slot_whose_generation_would_wrap_is_retired() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    rig.graph.set_generation(task, u32::MAX - 1);
    rig.drop(task);
    rig.graph.flush(&mut rig.cache);
    let again = rig.task(&[]);
    assert_eq!(again, task, "one life is left");
    let id = rig.graph.id(again);
    assert_eq!(id.generation, u32::MAX);
    rig.run(again);
    rig.drop(again);
    rig.graph.flush(&mut rig.cache);
    let next = rig.task(&[]);
    assert_ne!(next, task, "retired");
    assert_eq!(rig.pin(id), None);
    assert!(!rig.graph.claim(task), "a stale hint");
    rig.drop(next);
    assert_eq!(rig.census().live, 0);
}

#[test]
fn only_the_sole_owner_of_a_value_takes_it() {
    let mut rig = Rig::new();
    let task = rig.task(&[]);
    assert!(!rig.graph.try_take(task), "not finished");
    rig.run(task);
    rig.graph.retain(task);
    assert!(!rig.graph.try_take(task), "two owners");
    rig.drop(task);
    assert!(rig.graph.try_take(task));
    assert!(!rig.graph.try_take(task), "once");
    assert_eq!(rig.graph.leaving(task).remains(), Outcome::Nothing);
    rig.payloads
        .insert(task, super::rig::Left::Result(Outcome::Nothing));
    rig.drop(task);
    rig.assert_over();
}

#[test]
fn errors_and_cancelled_values_are_not_taken() {
    let mut rig = Rig::new();
    let (failed, cancelled) = (rig.settled(true), rig.task(&[]));
    rig.start(cancelled);
    rig.cancel(cancelled);
    rig.end(cancelled, Outcome::Value);
    assert!(!rig.graph.try_take(failed) && !rig.graph.try_take(cancelled));
    rig.drop_all(&[failed, cancelled]);
    rig.assert_over();
}

#[test]
fn taking_a_keyed_value_unpublishes_its_key() {
    let mut rig = Rig::new();
    let task = rig.keyed(1, &[]).expect("a new key");
    rig.run(task);
    rig.graph.retain(task);
    assert!(!rig.graph.try_take(task));
    assert_eq!(rig.graph.key_count(), 1, "a failed try leaves the key");
    rig.drop(task);
    assert!(rig.graph.try_take(task));
    assert_eq!((rig.graph.key_count(), rig.state(task)), (0, Finished));
    rig.payloads
        .insert(task, super::rig::Left::Result(Outcome::Nothing));
    let new = rig.keyed(1, &[]).expect("a new task");
    rig.drop_all(&[task, new]);
    rig.assert_over();
}
