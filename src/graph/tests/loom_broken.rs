//! The rules of the packed word, each with the natural wording that breaks it: loom must find the failure, and find
//! none in the right wording. A model that could not fail would prove nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicU32, AtomicU64};
use loom::thread;

use crate::graph::word::{CANCEL, DONE, QUEUED, REF, RUNNING, has, head, refs};

/// A slot that is nobody's.
const FREE: u64 = 0;
/// A slot's next task: running, wanted.
const NEXT: u64 = (2 * REF) | RUNNING;

fn holds(model: impl Fn() + Sync + Send + 'static) -> bool {
    catch_unwind(AssertUnwindSafe(|| loom::model(model))).is_ok()
}

/// Runs a model in its right and in its broken wording.
fn compare<F: Fn() + Sync + Send + 'static>(wording: impl Fn(bool) -> F) {
    assert!(holds(wording(true)), "the right wording");
    assert!(
        !holds(wording(false)),
        "the model does not see the broken wording fail"
    );
}

fn word(value: u64) -> (Arc<AtomicU64>, Arc<AtomicU64>) {
    let word = Arc::new(AtomicU64::new(value));
    (Arc::clone(&word), word)
}

fn change(word: &AtomicU64, mut to: impl FnMut(u64) -> u64) -> u64 {
    let mut old = word.load(Acquire);
    loop {
        match word.compare_exchange_weak(old, to(old), AcqRel, Acquire) {
            Ok(_) => return old,
            Err(now) => old = now,
        }
    }
}

/// Finishes a task nobody may want, and lets the slot live again.
fn finish_and_reuse(word: &AtomicU64) {
    let old = word.fetch_add(DONE.wrapping_sub(REF), AcqRel);
    if refs(old) == 1 {
        word.store(FREE, Release);
        word.store(NEXT, Release);
    }
}

#[test]
fn last_want_and_token_are_one_swap() {
    compare(|right| {
        move || {
            let (a, b) = word((2 * REF) | RUNNING);
            let worker = thread::spawn(move || finish_and_reuse(&b));
            if right {
                change(&a, |old| match (has(old, DONE), refs(old)) {
                    (false, 2) => (old - REF) | CANCEL,
                    _ => old - REF,
                });
            } else {
                let old = a.fetch_sub(REF, AcqRel);
                if !has(old, DONE) && refs(old) == 2 {
                    a.fetch_or(CANCEL, AcqRel);
                }
            }
            worker.join().unwrap();
            let now = a.load(Acquire);
            assert!(
                refs(now) < 2 || !has(now, CANCEL),
                "the slot's next task was cancelled"
            );
        }
    });
}

#[test]
fn finish_keeps_a_concurrent_clone() {
    compare(|right| {
        move || {
            let (a, b) = word((2 * REF) | RUNNING);
            let cloner = thread::spawn(move || b.fetch_add(REF, AcqRel));
            if right {
                a.fetch_add(DONE.wrapping_sub(REF), AcqRel);
            } else {
                let old = a.load(Acquire);
                a.swap((old - REF) | DONE, AcqRel);
            }
            cloner.join().unwrap();
            assert_eq!(refs(a.load(Acquire)), 2, "a reference was lost");
        }
    });
}

#[test]
fn weak_id_is_pinned_before_its_generation_is_compared() {
    compare(|right| {
        move || {
            let (a, b) = word(REF | DONE);
            let generation = Arc::new(AtomicU32::new(1));
            let next = Arc::clone(&generation);
            let owner = thread::spawn(move || {
                if refs(b.fetch_sub(REF, AcqRel)) == 1 {
                    next.store(2, Relaxed);
                    b.store(NEXT, Release);
                }
            });
            let early = right || generation.load(Acquire) == 1;
            let pinned =
                early && refs(change(&a, |old| old + if refs(old) > 0 { REF } else { 0 })) > 0;
            let same = generation.load(Relaxed) == 1;
            if pinned && !right {
                assert!(same, "the handle names another task");
            }
            owner.join().unwrap();
        }
    });
}

/// An edge names its dependent's slot: without a reference of its own the dependent could be another task by the time
/// its input settles.
#[test]
fn machine_reference_lasts_until_the_join_is_zero() {
    compare(|right| {
        move || {
            let machine = if right { REF } else { 0 };
            let (a, b) = word(REF + machine);
            let join = Arc::new(AtomicU32::new(1));
            let next = Arc::clone(&join);
            let owner = thread::spawn(move || {
                let reused = refs(b.fetch_sub(REF, AcqRel)) == 1;
                if reused {
                    next.store(1, Release);
                    b.store(2 * REF, Release);
                }
                reused
            });
            join.fetch_sub(1, AcqRel);
            let reused = owner.join().unwrap();
            assert!(
                !reused || join.load(Acquire) == 1,
                "the next task was started by another's input"
            );
            drop(a);
        }
    });
}

#[test]
fn edge_and_its_want_are_linked_in_one_swap() {
    const CELL: u64 = 7;
    compare(|right| {
        move || {
            let (a, b) = word((2 * REF) | RUNNING);
            let worker = thread::spawn(move || head(b.fetch_add(DONE.wrapping_sub(REF), AcqRel)));
            let linked = if right {
                let old = change(&a, |old| {
                    if has(old, DONE) {
                        old
                    } else {
                        (old + REF) | CELL
                    }
                });
                !has(old, DONE)
            } else {
                let unsettled = !has(a.load(Acquire), DONE);
                if unsettled {
                    a.fetch_add(REF | CELL, AcqRel);
                }
                unsettled
            };
            let delivered = u64::from(worker.join().unwrap()) == CELL;
            assert_eq!(
                linked, delivered,
                "an edge that nobody delivers, or delivers twice"
            );
        }
    });
}

/// Of the settling of a task unrun and its last input's arrival, exactly the second drops the machine's reference.
#[test]
fn machine_reference_of_a_task_settled_unrun_is_dropped_once() {
    compare(|right| {
        move || {
            let (a, b) = word((2 * REF) | RUNNING);
            let arrival = thread::spawn(move || {
                if has(b.fetch_or(QUEUED, AcqRel), DONE) {
                    b.fetch_sub(REF, AcqRel);
                }
            });
            if right {
                if has(a.fetch_add(DONE, AcqRel), QUEUED) {
                    a.fetch_sub(REF, AcqRel);
                }
            } else {
                a.fetch_add(DONE, AcqRel);
                if has(a.load(Acquire), QUEUED) {
                    a.fetch_sub(REF, AcqRel);
                }
            }
            arrival.join().unwrap();
            assert_eq!(refs(a.load(Acquire)), 1);
        }
    });
}

/// A task settled unrun while it is being linked gives up the wants it has taken, and no others.
#[test]
fn inputs_of_a_task_being_linked_are_let_go_by_the_linker() {
    use crate::graph::word::{LINKING, UNRUN};
    compare(|right| {
        move || {
            let join = Arc::new(AtomicU32::new(LINKING + 1));
            let input = Arc::new(AtomicU64::new(REF));
            let (join_too, input_too) = (Arc::clone(&join), Arc::clone(&input));
            let settler = thread::spawn(move || {
                let linking = join_too.fetch_or(UNRUN, AcqRel) & LINKING != 0;
                if !(right && linking) {
                    let old = input_too.fetch_sub(REF, AcqRel);
                    assert!(refs(old) > 1, "the caller's own want was given up");
                }
            });
            input.fetch_add(REF, AcqRel);
            if join.fetch_sub(LINKING, AcqRel) & UNRUN != 0 && right {
                input.fetch_sub(REF, AcqRel);
            }
            settler.join().unwrap();
            assert_eq!(refs(input.load(Acquire)), 1);
        }
    });
}
