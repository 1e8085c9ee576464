//! Named pools: threads of their own that run the tasks meant for them, and nothing else.
//!
//! 1. A ready task of a pool is postponed and in the pool's line; one of the pool's threads takes it out and runs it.
//!    The other threads cannot claim it, and these threads neither help nor steal.
//! 2. As many bodies run at a time as the pool has threads, not counting those that wait where we know of it: for these
//!    a spare thread is woken or started when there is a task for it. A body that resumes works on at once, so for a
//!    moment more may run.
//! 3. While tasks are in line, either as many run as may, or a thread is on its way (`coming`).
//!
//! Entries that ask for a poll of a future of the pool stand in the same line, and never leave it but to be looked at.
//!
//! With a baton there are no such threads: all bodies take turns.

use std::cmp::Reverse;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Engine;
use super::gate::Gate;
use super::job::{Claimed, Job};
use super::line::{Line, rank};
use super::local::{self, Local};
use super::options::Options;
use super::polled;
use super::queues::OLDEST_EVERY;
use crate::error::WaitError;
use crate::graph::{Effects, Graph};

/// How long a spare thread with nothing to do is kept.
const KEEP: Duration = Duration::from_secs(10);

/// The named pools of an engine; number `n` is pool `n - 1`.
#[derive(Debug)]
pub(crate) struct Pools(Box<[NamedPool]>);

#[derive(Debug)]
struct NamedPool {
    name: String,
    threads: usize,
    desk: Mutex<Desk>,
    bell: Condvar,
    /// Rung when the last thread has ended.
    empty: Condvar,
}

#[derive(Debug, Default)]
struct Desk {
    line: Line,
    last_number: u64,
    picks: u32,
    /// Threads alive, and ever started.
    threads: usize,
    ever: usize,
    /// Threads with a body that does not wait.
    running: usize,
    /// Threads with a body that waits.
    blocked: usize,
    idle: usize,
    /// Idle threads that have been told to look, and have not woken yet.
    told: usize,
    /// Those, and new threads, that have not looked yet.
    coming: usize,
    stopping: bool,
}

impl Pools {
    pub(super) fn new(declared: &[(String, usize)]) -> Self {
        let pool = |(name, threads): &(String, usize)| NamedPool {
            name: name.clone(),
            threads: *threads,
            desk: Mutex::default(),
            bell: Condvar::new(),
            empty: Condvar::new(),
        };
        Self(declared.iter().map(pool).collect())
    }

    /// The number of a pool.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let place = self.0.iter().position(|pool| pool.name == name)?;
        Some(place as u32 + 1)
    }

    /// The names of all, for texts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|pool| pool.name.as_str())
    }

    fn pool(&self, number: u32) -> &NamedPool {
        &self.0[number as usize - 1]
    }

    /// Threads alive, and ever started; bodies blocked.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        self.0.iter().fold((0, 0, 0), |sum, pool| {
            let desk = pool.desk.lock();
            (
                sum.0 + desk.threads,
                sum.1 + desk.ever,
                sum.2 + desk.blocked,
            )
        })
    }

    /// Puts a claimed task into the line of its pool.
    pub(super) fn push(
        &self,
        engine: &Arc<Engine>,
        number: u32,
        task: u32,
        gate: &Gate,
        from_task: bool,
        fx: &mut Effects,
    ) {
        let pool = self.pool(number);
        let desk = &mut *pool.desk.lock();
        desk.last_number += 1;
        let arrival = desk.last_number;
        // Once it is postponed somebody else may settle and free it: the priority is read before.
        let turn = (
            Reverse(engine.graph.priority(task)),
            rank(arrival, from_task),
        );
        if engine.graph.postpone(task, fx) {
            gate.pool_number.store(arrival, Relaxed);
            desk.line.push(turn, task);
            pool.staff(engine, number, desk);
        }
    }

    /// Puts an entry that asks for a poll into the line, behind what has its priority.
    pub(super) fn push_poll(&self, engine: &Arc<Engine>, number: u32, entry: u32, priority: i32) {
        let pool = self.pool(number);
        let desk = &mut *pool.desk.lock();
        desk.last_number += 1;
        let turn = (Reverse(priority), rank(desk.last_number, false));
        desk.line.push(turn, entry);
        pool.staff(engine, number, desk);
    }

    /// A task that is being settled unrun leaves the line.
    pub(super) fn withdraw(&self, graph: &Graph<Job>, gate: &Gate, fx: &mut Effects) {
        let desk = &mut *self.pool(gate.pool).desk.lock();
        let arrival = gate.pool_number.swap(0, Relaxed);
        if let Some(task) = desk.line.remove(arrival) {
            let _ = graph.resume(task, fx); // Not ready: it has been won.
        }
    }

    /// Where a task in line stands: the pool's name and threads, and how many are in the line.
    pub(super) fn place_of(&self, gate: &Gate) -> Option<(&str, usize, usize)> {
        let pool = self.0.get((gate.pool as usize).checked_sub(1)?)?;
        let desk = pool.desk.lock();
        let in_line = gate.pool_number.load(Relaxed) != 0;
        in_line.then(|| (pool.name.as_str(), pool.threads, desk.line.len()))
    }

    /// Tells every thread to end when its body has returned.
    pub(super) fn stop(&self) {
        for pool in &self.0 {
            pool.desk.lock().stopping = true;
            pool.bell.notify_all();
        }
    }

    /// Waits until all threads have ended, at most until `deadline`. Says whether they have.
    pub(super) fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        self.0.iter().all(|pool| pool.wait_empty(deadline))
    }
}

impl NamedPool {
    /// Sees to it that a thread looks at the line, if one may run what is there.
    fn staff(&self, engine: &Arc<Engine>, number: u32, desk: &mut Desk) {
        let may_run = desk.running + desk.coming < self.threads;
        if desk.stopping || !may_run || desk.line.len() <= desk.coming {
            return;
        }
        if desk.idle > 0 {
            desk.idle -= 1;
            desk.told += 1;
            desk.coming += 1;
            self.bell.notify_one();
        } else if self.hire(engine, number, desk).is_err() && desk.running == 0 {
            // Nobody is left to run what the blocked bodies may be waiting for: the monitor ends one of the waits.
            engine.crew.starve();
        }
    }

    fn hire(&self, engine: &Arc<Engine>, number: u32, desk: &mut Desk) -> std::io::Result<()> {
        let options = &engine.options;
        let name = format!("{}-{}-{}", options.thread_name, self.name, desk.ever);
        let builder = std::thread::Builder::new()
            .name(name)
            .stack_size(options.stack_size);
        let engine = Arc::clone(engine);
        builder.spawn(move || work(&engine, number))?;
        desk.threads += 1;
        desk.ever += 1;
        desk.coming += 1;
        Ok(())
    }

    /// The next task for a thread that has none; `None`: the thread is to end.
    fn next(&self) -> Option<u32> {
        let desk = &mut self.desk.lock();
        desk.coming -= 1;
        loop {
            if desk.stopping {
                break;
            }
            if desk.running < self.threads
                && let Some(task) = desk.take()
            {
                desk.running += 1;
                return Some(task);
            }
            desk.idle += 1;
            let keep = (desk.threads > self.threads).then(|| Instant::now() + KEEP);
            while desk.told == 0 && !desk.stopping {
                match keep {
                    None => self.bell.wait(desk),
                    Some(end) if self.bell.wait_until(desk, end).timed_out() => break,
                    Some(_) => {}
                }
            }
            if desk.told == 0 {
                desk.idle -= 1;
                break;
            }
            desk.told -= 1;
            desk.coming -= 1;
        }
        None
    }

    fn leave(&self) {
        let mut desk = self.desk.lock();
        desk.threads -= 1;
        if desk.threads == 0 {
            self.empty.notify_all();
        }
    }

    /// A thread's body has returned: it looks for the next one.
    fn ended(&self) {
        let mut desk = self.desk.lock();
        desk.running -= 1;
        desk.coming += 1;
    }

    fn wait_empty(&self, deadline: Option<Instant>) -> bool {
        let mut desk = self.desk.lock();
        while desk.threads > 0 {
            match deadline {
                None => self.empty.wait(&mut desk),
                Some(end) if self.empty.wait_until(&mut desk, end).timed_out() => break,
                Some(_) => {}
            }
        }
        desk.threads == 0
    }
}

impl Desk {
    fn take(&mut self) -> Option<u32> {
        self.picks = self.picks.wrapping_add(1);
        let (turn, task) = if self.picks.is_multiple_of(OLDEST_EVERY) {
            self.line.oldest()
        } else {
            self.line.first()
        }?;
        self.line.remove(turn.1.unsigned_abs());
        Some(task)
    }
}

impl Engine {
    /// Starts the threads of the named pools.
    pub(super) fn hire_pools(self: &Arc<Self>) -> std::io::Result<()> {
        for (place, pool) in self.pools.0.iter().enumerate() {
            for _ in 0..pool.threads {
                pool.hire(self, place as u32 + 1, &mut pool.desk.lock())?;
            }
        }
        Ok(())
    }
}

/// The life of a thread of a named pool.
fn work(engine: &Arc<Engine>, number: u32) {
    super::stack::mark_stack(engine.options.stack_size);
    let mut local = Local::new(engine, None);
    local.pool = number;
    let local = Rc::new(local);
    local::enter(Rc::clone(&local));
    engine.options.thread_started();
    let pool = engine.pools.pool(number);
    while let Some(task) = pool.next() {
        local.run_in_pool(task);
        pool.ended();
    }
    if engine.is_closed() {
        local.abandon_all();
    }
    engine.options.thread_stopped();
    local::leave(&local);
    drop(local);
    pool.leave();
}

impl Local {
    fn run_in_pool(&self, entry: u32) {
        match polled::to_poll(entry) {
            Some(index) => {
                let _ = self.poll(index); // It keeps no successor from the queues here.
            }
            None => self.run_task_in_pool(entry),
        }
        self.settle_up();
    }

    fn run_task_in_pool(&self, task: u32) {
        // It may be being settled unrun at this very moment: who does that finds it in no line any more.
        let claimed = self.engine.graph.reclaim(task, &mut self.state().fx);
        if claimed {
            self.run_claimed(&Claimed::handed(task), false);
        }
    }

    /// Calls `wait` while a spare thread may take this one's part in its named pool.
    pub(super) fn beside_pool(
        &self,
        wait: impl FnOnce() -> Result<(), WaitError>,
    ) -> Result<(), WaitError> {
        let _blocked = match self.seceded.get() {
            true => None,
            false => Some(self.leave_pool()?),
        };
        wait()
    }

    /// Lets a spare thread take this one's part in its named pool, until what it gives is dropped.
    ///
    /// # Errors
    /// If too many bodies are blocked there.
    pub(super) fn leave_pool(&self) -> Result<BlockedInPool<'_>, WaitError> {
        let pool = self.engine.pools.pool(self.pool);
        let mut desk = pool.desk.lock();
        if desk.blocked >= self.engine.options.most_blocked() {
            return Err(WaitError::TooManyBlocked);
        }
        desk.blocked += 1;
        desk.running -= 1;
        pool.staff(&self.engine, self.pool, &mut desk);
        drop(desk);
        self.engine.options.blocked(true);
        Ok(BlockedInPool(pool, &self.engine.options))
    }
}

/// A body of a named pool that waits where we know of it.
pub(super) struct BlockedInPool<'a>(&'a NamedPool, &'a Options);

impl Drop for BlockedInPool<'_> {
    fn drop(&mut self) {
        self.1.blocked(false);
        let mut desk = self.0.desk.lock();
        desk.blocked -= 1;
        desk.running += 1;
    }
}
