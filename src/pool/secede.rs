//! Foreign blocking code: the body around it gives its place up for that time, as for a wait of ours.
//!
//! A thread that has seceded takes no place until it rejoins: a wait of ours inside would otherwise end with a place
//! that foreign code then blocks.

use super::local::Local;
use super::place::Seat;

impl Local {
    /// Calls `f` without this thread's place, which goes to another thread meanwhile. Afterwards the body goes on with
    /// a place if one is vacant, else without.
    ///
    /// It just calls `f` where no place is held, where too many bodies are blocked, and with a baton: the order would
    /// no longer follow from the seed.
    pub(crate) fn secede<R>(&self, f: impl FnOnce() -> R) -> R {
        let may = !self.seceded.get() && self.engine.queues.baton.is_none();
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
        seat.park_seen(true);
        Self { local, seat }
    }
}

impl Drop for Seceded<'_> {
    fn drop(&mut self) {
        self.seat.park_seen(false);
        self.local.seceded.set(false);
        self.local.engine.retake(self.local);
        self.local.engine.waits.uncount_blocked();
    }
}
