//! Slots that do not age.
#![expect(
    clippy::disallowed_types,
    reason = "a seeded random order is what ages an arena"
)]

use std::sync::Mutex;

use crate::graph::arena::{Arena, Cache};
use crate::graph::node::Edge;

/// A page of the arena.
const PAGE: u32 = 1024;

fn take(arena: &Arena<Edge>, cache: &mut Cache, count: usize) -> Vec<u32> {
    std::iter::repeat_with(|| arena.take(cache))
        .take(count)
        .collect()
}

#[test]
fn slots_are_handed_out_in_address_order() {
    let (arena, mut cache) = (Arena::<Edge>::new(), Cache::default());
    let slots = take(&arena, &mut cache, 5000);
    assert_eq!(
        slots,
        (1..=5000).collect::<Vec<u32>>(),
        "slot 0 is nobody's"
    );
}

#[test]
fn slots_given_back_in_any_order_come_back_in_address_order() {
    let (arena, mut cache) = (Arena::<Edge>::new(), Cache::default());
    let mut slots = take(&arena, &mut cache, 10 * PAGE as usize - 1);
    fastrand::Rng::with_seed(1).shuffle(&mut slots);
    slots.iter().for_each(|&slot| arena.give(&mut cache, slot));
    arena.flush(&mut cache);
    let again = take(&arena, &mut cache, slots.len());
    let pages: Vec<u32> = again.iter().map(|slot| slot / PAGE).collect();
    let changes = pages.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(
        changes <= 12,
        "a page is handed out whole, not in {changes} pieces"
    );
    let falls = again
        .windows(2)
        .filter(|pair| pair[1] < pair[0] && pair[0] / PAGE == pair[1] / PAGE);
    assert!(falls.count() <= 2, "within a page addresses rise");
    assert_eq!(arena.len(), 10 * PAGE);
}

#[test]
fn every_slot_comes_back_and_none_is_handed_out_twice() {
    let (arena, mut cache) = (Arena::<Edge>::new(), Cache::default());
    let slots = take(&arena, &mut cache, 3000);
    slots
        .iter()
        .step_by(2)
        .for_each(|&slot| arena.give(&mut cache, slot));
    let mut held: Vec<u32> = slots.into_iter().skip(1).step_by(2).collect();
    held.extend(take(&arena, &mut cache, 3000));
    let count = held.len();
    held.sort_unstable();
    held.dedup();
    assert_eq!(held.len(), count, "a slot was handed out twice");
    held.iter().for_each(|&slot| arena.give(&mut cache, slot));
    arena.flush(&mut cache);
    assert_eq!(arena.free_slots(), arena.len() - 1);
}

/// Many rounds of taking and of giving back in random order, over several caches: the arena does not grow once it has
/// found its size.
#[test]
fn random_order_release_leaves_no_page_behind() {
    let (arena, mut rng) = (Arena::<Edge>::new(), fastrand::Rng::with_seed(2));
    let mut caches: [Cache; 4] = Default::default();
    let mut held = Vec::new();
    let mut settled = 0;
    for round in 0..200 {
        for cache in &mut caches {
            held.append(&mut take(&arena, cache, 5000));
        }
        rng.shuffle(&mut held);
        let keep = rng.usize(..2000);
        for slot in held.drain(keep..) {
            arena.give(&mut caches[slot as usize % 4], slot);
        }
        if round == 20 {
            settled = arena.len();
        }
    }
    assert!(
        arena.len() <= settled * 5 / 4,
        "{settled} slots after 20 rounds, {}",
        arena.len()
    );
    assert!(
        arena.len() <= 4 * 22_000,
        "{} slots for 22,000",
        arena.len()
    );
    held.iter()
        .for_each(|&slot| arena.give(&mut caches[0], slot));
    caches.iter_mut().for_each(|cache| arena.flush(cache));
    assert_eq!(arena.free_slots(), arena.len() - 1);
}

/// Each thread gives back what another took, so every bit crosses threads.
#[test]
fn threads_give_back_each_others_slots() {
    const ROUNDS: usize = 300;
    let arena = Arena::<Edge>::new();
    let heap = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (arena, heap) = (&arena, &heap);
            scope.spawn(move || {
                let (mut cache, mut rng) = (Cache::default(), fastrand::Rng::with_seed(seed));
                for _ in 0..ROUNDS {
                    let mine = take(arena, &mut cache, rng.usize(1..2000));
                    let others = std::mem::replace(&mut *heap.lock().unwrap(), mine);
                    others.iter().for_each(|&slot| arena.give(&mut cache, slot));
                }
                arena.flush(&mut cache);
            });
        }
    });
    let mut cache = Cache::default();
    heap.into_inner()
        .unwrap()
        .iter()
        .for_each(|&slot| arena.give(&mut cache, slot));
    arena.flush(&mut cache);
    assert_eq!(arena.free_slots(), arena.len() - 1);
    assert!(
        arena.len() <= 40 * PAGE,
        "{} slots for fewer than 10,000",
        arena.len()
    );
}

#[test]
fn the_table_of_pages_grows_while_others_read() {
    let arena = Arena::<Edge>::new();
    let pages = 200;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut cache = Cache::default();
                for slot in take(&arena, &mut cache, pages * PAGE as usize) {
                    arena
                        .get(slot)
                        .next
                        .store(slot, std::sync::atomic::Ordering::Relaxed);
                    assert!(arena.exists(slot));
                }
            });
        }
    });
    assert!(arena.len() >= 2 * pages as u32 * PAGE);
    assert!(!arena.exists(arena.len()) && !arena.exists(u32::MAX));
}
