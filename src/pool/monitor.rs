//! The monitor: a thread that looks on while somebody waits, and sleeps otherwise.
//!
//! Each tick it
//! 1. staffs a vacant place, when there is work and nobody to do it (asked by whoever published the work), also one that
//!    was offered to another pool's threads in vain;
//! 2. starts a spare with an extra place, when a task is ready, somebody waits and no task was started since the last
//!    tick: something blocks a worker unseen. One spare, then twice as many each tick, as long as nothing starts;
//! 3. fills the urgent queue, when too many bodies are blocked;
//! 4. has the detector walk from newly parked bodies;
//! 5. says once that nothing has started or settled for 10 s while somebody waits.
//!
//! Between two ticks, and while it sleeps, it wakes for the timers of tasks that may run for so long only. When the
//! engine stops it stays until none of those is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Engine;
use super::crew::SOFT_CAP;
use super::local;
use super::waits::On;
use crate::graph::State as TaskState;

/// Between two looks while there is something to look for.
const TICK: Duration = Duration::from_millis(5);
/// Between two looks when all that goes on is that somebody waits.
const SLOW_TICK: Duration = Duration::from_millis(50);
/// Before a vacant place gets a new thread while others work: a wait that ends at once needs none.
const GRACE: Duration = Duration::from_micros(300);
/// Between two new threads while others work; doubled after each, so that bodies that block one after the other for
/// moments (or a machine that gives us no time) do not start a crowd.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);
/// Ticks without a task started that count as a standstill, when a thread seems to be blocked unseen. When all of them
/// could run they are busy, or are given no time, and more threads would not help.
const STILL: u32 = 2;
/// Ticks without anybody waiting before the monitor sleeps.
const QUIET: u32 = 20;

/// The monitor's door.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    state: Mutex<Door>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Door {
    started: bool,
    awake: bool,
    asked: bool,
    stop: bool,
}

impl Monitor {
    /// Somebody is about to wait.
    pub(crate) fn watch(&self, engine: &Arc<Engine>) {
        let mut door = self.state.lock();
        if !door.awake {
            door.awake = true;
            self.ring(engine, &mut door);
        }
    }

    /// A place is vacant, there is work, and no thread is at hand.
    pub(super) fn ask(&self, engine: &Arc<Engine>) {
        let mut door = self.state.lock();
        if !door.asked {
            door.asked = true;
            self.ring(engine, &mut door);
        }
    }

    fn ring(&self, engine: &Arc<Engine>, door: &mut Door) {
        if door.started || !door.stop {
            self.ring_or_start(engine, door);
        }
    }

    fn ring_or_start(&self, engine: &Arc<Engine>, door: &mut Door) {
        if door.started {
            self.bell.notify_one();
        } else {
            let engine = Arc::clone(engine);
            let name = format!("{}-monitor", engine.options.thread_name);
            // Without a monitor nothing is lost but spares and reports; the next ring tries again.
            door.started = std::thread::Builder::new()
                .name(name)
                .spawn(move || watch(&engine))
                .is_ok();
            if !door.started {
                (door.awake, door.asked) = (false, false);
            }
        }
    }

    /// A timer is due before the monitor would look.
    pub(super) fn hurry(&self, engine: &Arc<Engine>) {
        let mut door = self.state.lock();
        // Also when the engine stops: a body that goes on is told in time, and so is who waits for it.
        self.ring_or_start(engine, &mut door);
        if !door.started {
            engine.timers.disarm(); // The next timer tries again.
        }
    }

    /// The engine stops, and a timer that the monitor has stayed for is gone.
    pub(super) fn nudge(&self) {
        // Under the lock: between its look at the timers and its sleep the monitor would not hear the bell.
        let _door = self.state.lock();
        self.bell.notify_one();
    }

    /// Lets a moment go by.
    fn pause(&self, moment: Duration) {
        let mut door = self.state.lock();
        if !door.stop {
            let _ = self.bell.wait_for(&mut door, moment);
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.bell.notify_one();
    }

    /// Waits for the next tick, or until asked. `None`: the engine stops. Else whether it was asked.
    fn wait(&self, engine: &Arc<Engine>, tick: Option<Duration>) -> Option<bool> {
        let until = tick.map(|tick| Instant::now() + tick);
        self.state.lock().awake = tick.is_some();
        loop {
            engine.serve_timers();
            let mut door = self.state.lock();
            let stops = door.stop && !engine.timers.any();
            let told = match until {
                // Who waits is counted before it looks at the door: it has seen us awake, or we see it here.
                None => door.awake || engine.waits.waiting() > 0,
                Some(until) => Instant::now() >= until,
            };
            if stops || door.asked || told {
                (door.awake, door.started) = (true, !stops);
                return (!stops).then(|| std::mem::take(&mut door.asked));
            }
            match engine.timers.arm().into_iter().chain(until).min() {
                None => self.bell.wait(&mut door),
                Some(at) => drop(self.bell.wait_until(&mut door, at)),
            }
        }
    }
}

/// What the monitor remembers from tick to tick.
struct Watch {
    taken_up: u64,
    progress: u64,
    progress_at: Instant,
    reported: bool,
    spares: usize,
    /// Ticks in a row in which no task was started.
    still: u32,
    hired_at: Instant,
    pause: Duration,
    quiet: u32,
    fresh: bool,
}

fn watch(engine: &Arc<Engine>) {
    let mut watch = Watch {
        taken_up: 0,
        progress: 0,
        progress_at: Instant::now(),
        reported: false,
        spares: 1,
        still: 0,
        hired_at: Instant::now(),
        pause: FIRST_PAUSE,
        quiet: 0,
        fresh: true,
    };
    let mut tick = Some(TICK);
    while let Some(asked) = engine.monitor.wait(engine, tick) {
        if asked {
            engine.monitor.pause(GRACE);
        }
        tick = watch.tick(engine, asked);
    }
    local::with(engine, |local| local.settle_all());
    local::forget_closed();
}

impl Watch {
    /// One look at everything. Says when to look again.
    fn tick(&mut self, engine: &Arc<Engine>, asked: bool) -> Option<Duration> {
        let counts = engine.stripes.sum();
        let waiting = engine.waits.waiting();
        let work = engine.queues.has_work();
        self.still = if counts.taken_up() == self.taken_up {
            self.still + 1
        } else {
            0
        };
        self.taken_up = counts.taken_up();
        if self.progress != counts.progress() || waiting == 0 {
            (self.progress, self.progress_at, self.reported) =
                (counts.progress(), Instant::now(), false);
        }
        self.staff(engine);
        if !asked {
            engine.withdraw_offers();
        }
        if engine.crew.take_starved() {
            engine.waits.refuse_one();
        }
        if !asked {
            self.add_spares(engine, work && waiting > 0 && self.stands_still(engine));
        }
        if engine.waits.blocked() >= SOFT_CAP {
            engine.fill_urgent();
        }
        self.fresh = local::with(engine, |local| {
            let fresh = engine.detect(local);
            local.settle_up();
            fresh
        });
        self.report(engine, waiting);
        self.quiet = if waiting > 0 || work {
            0
        } else {
            self.quiet + 1
        };
        let busy = work || self.fresh || self.quiet > 0 || engine.crew.extra() > 0;
        (self.quiet < QUIET).then_some(if busy { TICK } else { SLOW_TICK })
    }

    /// A vacant place gets a new thread, but not too soon after the last.
    fn staff(&mut self, engine: &Arc<Engine>) {
        let since = self.hired_at.elapsed();
        if since > 4 * LONGEST_PAUSE {
            self.pause = FIRST_PAUSE;
        }
        if since >= self.pause && engine.staff_vacant() {
            self.hired_at = Instant::now();
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        }
    }

    fn stands_still(&self, engine: &Arc<Engine>) -> bool {
        if self.still < STILL || !engine.has_good_work() {
            return false;
        }
        // While the entry was out, a thread may have looked, found nothing and fallen asleep.
        engine.notify();
        engine.crew.is_blocked_unseen()
    }

    fn add_spares(&mut self, engine: &Arc<Engine>, needed: bool) {
        if engine.queues.baton.is_some() {
            return; // One body at a time, whatever blocks.
        }
        if needed {
            let spares = if engine.waits.blocked() < SOFT_CAP {
                self.spares
            } else {
                1
            };
            engine.crew.set_surplus(0);
            (0..spares).for_each(|_| engine.hire_extra());
            self.spares = (self.spares * 2).min(SOFT_CAP);
        } else {
            // Tasks start again: the spares go, one half at a time, so that they come back if they were the reason.
            self.spares = 1;
            engine.crew.set_surplus(engine.crew.spare().div_ceil(2));
        }
    }

    fn report(&mut self, engine: &Arc<Engine>, waiting: usize) {
        if waiting > 0 && !self.reported && self.progress_at.elapsed() >= engine.options.stall_after
        {
            self.reported = true;
            let since = self.progress_at.elapsed();
            let text = local::with(engine, |local| {
                let text = engine.stall_text(local, waiting, since);
                local.settle_up();
                text
            });
            engine.options.stalled(&text);
        }
    }
}

impl Engine {
    /// Queues the ready members of what parked bodies and callers wait for before all other work.
    fn fill_urgent(self: &Arc<Self>) {
        let targets: Vec<u32> = self.waits.with(|records| {
            let frames = records
                .slab
                .iter()
                .filter_map(|(_, record)| record.frames.last());
            frames.flat_map(|frame| targets(&frame.on)).collect()
        });
        local::with(self, |local| {
            for target in targets {
                self.urge(local, target);
            }
            local.settle_up();
        });
        self.notify();
    }

    fn urge(&self, local: &local::Local, target: u32) {
        // Its waiter may be gone by now, and the slot another task's: then that one goes first once, which is no harm.
        local.pinned(target, || {
            local.walk_closure(target, |index| {
                if self.graph.state(index) == TaskState::Queued {
                    self.queues.push_urgent(index);
                }
                false
            });
        });
    }
}

fn targets(on: &On) -> Vec<u32> {
    match on {
        On::Task(task) | On::TimedTask(task) => vec![*task],
        On::AnyOf(set) => set.members(),
        On::Lock(_) | On::TimedLock(_) | On::Room(_) | On::Bodies | On::Event(_) => Vec::new(),
    }
}
