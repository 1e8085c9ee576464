//! Timers of tasks that may run for so long only. The monitor serves them; while there are none it need not wake.
//!
//! A timer that is stopped is taken out, so a task that ends in time leaves nothing behind. The monitor's next look stays
//! where it was: it looks once for nothing at most, and a timer that is due later need not wake it to say so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Engine;
use super::extras::Extra;
use super::local;

/// Which task's time is over, and in which call of its body.
#[derive(Debug)]
pub(super) struct Timer {
    pub(super) extra: Arc<Extra>,
    pub(super) index: u32,
    pub(super) run: u64,
}

/// When a timer is due, and which of those that are due then it is.
pub(super) type TimerId = (Instant, u64);

/// The timers of an engine.
#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    timers: BTreeMap<TimerId, Timer>,
    next: u64,
    /// When the monitor will look.
    armed: Option<Instant>,
}

impl Timers {
    pub(super) fn any(&self) -> bool {
        !self.0.lock().timers.is_empty()
    }

    /// When the first timer is due; the caller says that it will look then.
    pub(super) fn arm(&self) -> Option<Instant> {
        let book = &mut *self.0.lock();
        book.armed = book.timers.first_key_value().map(|((due, _), _)| *due);
        book.armed
    }

    /// Nobody will look.
    pub(super) fn disarm(&self) {
        self.0.lock().armed = None;
    }

    /// Enters a timer. Says whether it is due before the monitor will look.
    fn start(&self, due: Instant, timer: Timer) -> (TimerId, bool) {
        let book = &mut *self.0.lock();
        let id = (due, book.next);
        book.next += 1;
        book.timers.insert(id, timer);
        let sooner = book.armed.is_none_or(|armed| due < armed);
        if sooner {
            book.armed = Some(due);
        }
        (id, sooner)
    }

    fn stop(&self, id: TimerId) -> Option<Timer> {
        self.0.lock().timers.remove(&id)
    }

    fn take_due(&self) -> Option<Timer> {
        let book = &mut *self.0.lock();
        let first = book.timers.first_entry()?;
        (first.key().0 <= Instant::now()).then(|| first.remove())
    }
}

impl Engine {
    /// Starts a timer. A time too long to be added to now is none.
    pub(super) fn start_timer(self: &Arc<Self>, limit: Duration, timer: Timer) -> Option<TimerId> {
        let due = Instant::now().checked_add(limit)?;
        let (id, sooner) = self.timers.start(due, timer);
        if sooner {
            self.monitor.hurry(self);
        }
        Some(id)
    }

    /// Takes a timer out, if it has not gone off. The caller has the extra, so nothing of the user's is dropped here.
    pub(super) fn stop_timer(&self, id: TimerId) {
        drop(self.timers.stop(id));
        if self.is_closed() {
            self.monitor.nudge();
        }
    }

    /// Does what timers that are due ask for.
    pub(super) fn serve_timers(self: &Arc<Self>) {
        while let Some(timer) = self.timers.take_due() {
            local::with(self, |local| local.time_is_up(timer));
        }
    }
}
