//! Who is idle, so that no work waits for a thread that sleeps and nobody spins for work that is not there.
//!
//! One packed word counts the threads that search, the threads that sleep and the places that are vacant.
//! 1. A producer publishes its task, fences, then reads the word. Somebody searches: nothing to do, the searcher will
//!    find it or look again (3). Nobody searches and somebody sleeps, or a place is vacant: it wakes one.
//! 2. A searcher that finds work and was the last searcher fences, looks at the queues and wakes another before it
//!    runs if there is more: a producer that saw it search has woken nobody.
//! 3. A searcher that finds nothing enters the sleepers in one operation on the word (one searcher less, one sleeper
//!    more), fences, and looks once more at every queue. Of 1 and 3 at least one sees the other: either the
//!    producer's read comes after the word's change, or the last look comes after the publication.
//! 4. Waking moves one count from sleepers to searchers before the sleeper is told, so the next producer does not wake
//!    a second one for nothing. Who is woken is a searcher, then, and owes rule 2 like any other.
//!
//! Where threads are shared with others (`host`) nobody sleeps with a place: it is handed in, and counts as vacant
//! instead. Rules 3 and 4 hold with "vacant" for "asleep".

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};

use crate::primitive::{AtomicU64, fence};

const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 16;
const VACANT: u64 = 1 << 32;
const FIELD: u64 = 0xffff;

/// The counts; see the head of this file.
#[derive(Debug)]
pub(crate) struct Idle(AtomicU64);

impl Idle {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Whether the producer of a task it has just published must wake somebody.
    #[inline]
    pub(crate) fn must_wake(&self) -> bool {
        // SeqCst: pairs with the fences in `end_search`, `fall_asleep` and `vacate`.
        fence(SeqCst);
        let word = self.0.load(Relaxed);
        word & FIELD == 0 && word != 0
    }

    pub(crate) fn start_search(&self) {
        self.0.fetch_add(SEARCHING, AcqRel);
    }

    /// Ends a search that found work. Says whether it was the last: then the searcher must look at the queues after this.
    pub(crate) fn end_search(&self) -> bool {
        let last = self.0.fetch_sub(SEARCHING, AcqRel) & FIELD == 1;
        if last {
            fence(SeqCst);
        }
        last
    }

    /// A searcher becomes a sleeper. It must look at the queues once more after this.
    pub(crate) fn fall_asleep(&self) {
        self.0.fetch_add(SLEEPING.wrapping_sub(SEARCHING), AcqRel);
        fence(SeqCst);
    }

    /// A sleeper becomes a searcher: woken, or by its own last look.
    pub(crate) fn awake(&self) {
        self.0.fetch_sub(SLEEPING - SEARCHING, AcqRel);
    }

    /// A place is free to take. The giver must look at the queues after this.
    pub(crate) fn vacate(&self) {
        self.0.fetch_add(VACANT, AcqRel);
        fence(SeqCst);
    }

    /// A searcher gives its place up. It must look at the queues once more after this, as one that falls asleep.
    pub(crate) fn hand_in(&self) {
        self.0.fetch_add(VACANT - SEARCHING, AcqRel);
        fence(SeqCst);
    }

    /// A vacant place was taken by a thread that goes on with what it did.
    pub(crate) fn occupy(&self) {
        self.0.fetch_sub(VACANT, AcqRel);
    }

    /// A vacant place was given to a thread that begins to search.
    pub(crate) fn staff(&self) {
        self.0.fetch_sub(VACANT - SEARCHING, AcqRel);
    }

    pub(crate) fn searching(&self) -> u64 {
        self.0.load(Acquire) & FIELD
    }
}

#[cfg(all(test, tenter_loom))]
mod loom {
    //! The protocol with a queue that is a number and bodies that never end: no task may be left while a thread sleeps.

    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Release;

    use loom::sync::Mutex;
    use loom::sync::atomic::AtomicU32;
    use loom::thread;

    use super::{Acquire, Idle, Relaxed};

    /// How the threads go about it; the default is how they should.
    #[derive(Clone, Copy, Default)]
    struct Wording {
        looks_before_it_sleeps: bool,
        woken_stops_searching: bool,
        /// Who finds nothing hands its place in.
        hands_in: bool,
    }

    struct Pool {
        idle: Idle,
        tasks: AtomicU32,
        sleepers: Mutex<Vec<usize>>,
        woken: Mutex<Vec<usize>>,
        wording: Wording,
    }

    impl Pool {
        fn new(wording: Wording) -> Arc<Self> {
            let (sleepers, woken) = (Mutex::default(), Mutex::default());
            let (idle, tasks) = (Idle::new(), AtomicU32::new(0));
            Arc::new(Self {
                idle,
                tasks,
                sleepers,
                woken,
                wording,
            })
        }

        fn publish(&self) {
            self.tasks.fetch_add(1, Release);
            self.notify();
        }

        fn notify(&self) {
            if !self.idle.must_wake() {
                return;
            }
            let mut sleepers = self.sleepers.lock().unwrap();
            if self.idle.searching() == 0
                && let Some(thread) = sleepers.pop()
            {
                self.wake();
                self.woken.lock().unwrap().push(thread);
            }
        }

        fn wake(&self) {
            if self.wording.hands_in {
                self.idle.staff();
            } else {
                self.idle.awake();
            }
        }

        fn has_work(&self) -> bool {
            self.tasks.load(Relaxed) > 0
        }

        fn pick(&self) -> bool {
            let taken = self
                .tasks
                .fetch_update(Acquire, Relaxed, |tasks| tasks.checked_sub(1));
            taken.is_ok()
        }

        /// A searcher takes a task, or falls asleep.
        fn search(&self, thread: usize) {
            if self.pick() {
                if self.idle.end_search() && self.has_work() {
                    self.notify();
                }
                return;
            }
            let early = self.has_work();
            let mut sleepers = self.sleepers.lock().unwrap();
            sleepers.push(thread);
            if self.wording.hands_in {
                self.idle.hand_in();
            } else {
                self.idle.fall_asleep();
            }
            drop(sleepers);
            let last_look = if self.wording.looks_before_it_sleeps {
                early
            } else {
                self.has_work()
            };
            if last_look && self.wakes_itself(thread) {
                self.search(thread);
            }
        }

        /// No: somebody else has woken it.
        fn wakes_itself(&self, thread: usize) -> bool {
            let mut sleepers = self.sleepers.lock().unwrap();
            if self.wording.hands_in && self.idle.searching() > 0 {
                return false;
            }
            let before = sleepers.len();
            sleepers.retain(|&other| other != thread);
            let asleep = sleepers.len() < before;
            if asleep {
                self.wake();
            }
            asleep
        }

        fn start(&self, thread: usize) {
            self.idle.start_search();
            self.search(thread);
        }

        /// Lets those go on that were woken, one after the other, and asserts that no task is left beside a sleeper.
        fn settle(&self) {
            loop {
                let woken = self.woken.lock().unwrap().pop();
                match woken {
                    Some(_) if self.wording.woken_stops_searching => {
                        self.idle.end_search();
                        self.pick();
                    }
                    Some(thread) => self.search(thread),
                    None => break,
                }
            }
            let asleep = !self.sleepers.lock().unwrap().is_empty();
            assert!(
                !(asleep && self.has_work()),
                "a task is left while a thread sleeps"
            );
        }
    }

    fn one_task_against_a_thread_falling_asleep(wording: Wording) {
        loom::model(move || {
            let pool = Pool::new(wording);
            let other = Arc::clone(&pool);
            let worker = thread::spawn(move || other.start(1));
            pool.publish();
            worker.join().unwrap();
            pool.settle();
        });
    }

    fn two_tasks_against_two_sleepers(wording: Wording) {
        loom::model(move || {
            let pool = Pool::new(wording);
            (1..=2).for_each(|thread| pool.start(thread));
            let other = Arc::clone(&pool);
            let producer = thread::spawn(move || other.publish());
            pool.publish();
            producer.join().unwrap();
            pool.settle();
        });
    }

    fn breaks(model: fn(Wording), wording: Wording) -> bool {
        catch_unwind(AssertUnwindSafe(|| model(wording))).is_err()
    }

    #[test]
    fn no_wake_up_is_lost() {
        one_task_against_a_thread_falling_asleep(Wording::default());
        two_tasks_against_two_sleepers(Wording::default());
    }

    #[test]
    fn no_wake_up_is_lost_where_places_are_handed_in() {
        let wording = Wording {
            hands_in: true,
            ..Wording::default()
        };
        one_task_against_a_thread_falling_asleep(wording);
        two_tasks_against_two_sleepers(wording);
    }

    #[test]
    fn two_producers_and_a_thread_falling_asleep() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = builder.preemption_bound.or(Some(3));
        builder.check(|| {
            let pool = Pool::new(Wording::default());
            pool.start(1);
            let (worker, producer) = (Arc::clone(&pool), Arc::clone(&pool));
            let worker = thread::spawn(move || worker.start(2));
            let producer = thread::spawn(move || producer.publish());
            pool.publish();
            worker.join().unwrap();
            producer.join().unwrap();
            pool.settle();
        });
    }

    #[test]
    fn the_last_look_comes_after_falling_asleep() {
        let wording = Wording {
            looks_before_it_sleeps: true,
            ..Wording::default()
        };
        assert!(breaks(one_task_against_a_thread_falling_asleep, wording));
    }

    /// Who was counted as a searcher kept others from waking a second thread, so it owes them rule 2.
    #[test]
    fn who_is_woken_goes_on_as_a_searcher() {
        let wording = Wording {
            woken_stops_searching: true,
            ..Wording::default()
        };
        assert!(breaks(two_tasks_against_two_sleepers, wording));
    }
}
