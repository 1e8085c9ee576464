//! Foreign blocking code: the body around it gives its place up for that time, as for a wait of ours.
//!
//! A thread that has seceded takes no place until it rejoins: a wait of ours inside would otherwise end with a place
//! that foreign code then blocks.

use std::cell::Cell;

use super::local::Local;
use super::place::Seat;

impl Local {
    /// Calls `f` without this thread's place, which goes to another thread meanwhile. Afterwards the body goes on with
    /// a place if one is vacant, else without.
    ///
    /// In a named pool a spare of that pool may take its part. It just calls `f` where no place is held, where too many
    /// bodies are blocked, and with a baton: the order would no longer follow from the seed.
    pub(crate) fn secede<R>(&self, f: impl FnOnce() -> R) -> R {
        let may = !self.seceded.get() && self.engine.queues.baton.is_none();
        if may && self.pool != 0 {
            return self.secede_in_pool(f);
        }
        let Some(seat) = self.seat.as_deref().filter(|_| may) else {
            return f();
        };
        if !self
            .engine
            .waits
            .count_blocked(self.engine.options.most_blocked())
        {
            return f();
        }
        let _rejoins = Seceded::new(self, seat);
        f()
    }

    fn secede_in_pool<R>(&self, f: impl FnOnce() -> R) -> R {
        self.settle_all();
        let Ok(_blocked) = self.leave_pool() else {
            return f();
        };
        let _rejoins = InPool::new(&self.seceded);
        f()
    }
}

/// Waits of ours inside of foreign blocking code do not count once more, until this is dropped.
struct InPool<'a>(&'a Cell<bool>);

impl<'a> InPool<'a> {
    fn new(seceded: &'a Cell<bool>) -> Self {
        seceded.set(true);
        Self(seceded)
    }
}

impl Drop for InPool<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A thread without a place, until this is dropped: also by a panic.
struct Seceded<'a> {
    local: &'a Local,
    seat: &'a Seat,
}

impl<'a> Seceded<'a> {
    fn new(local: &'a Local, seat: &'a Seat) -> Self {
        local.settle_all();
        local.seceded.set(true);
        local.engine.vacate(local);
        local.engine.options.blocked(true);
        seat.park_seen(true);
        Self { local, seat }
    }
}

impl Drop for Seceded<'_> {
    fn drop(&mut self) {
        self.seat.park_seen(false);
        self.local.engine.options.blocked(false);
        self.local.seceded.set(false);
        self.local.engine.retake(self.local);
        self.local.engine.waits.uncount_blocked();
    }
}
