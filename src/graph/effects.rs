//! What a driver must do after an event.

use super::Id;

/// Duties an event leaves to the driver, each list in the order the duties arose.
///
/// The graph appends; the driver takes everything out before it waits for anything. Slots named here stay as they
/// are until the driver has done its duty.
#[derive(Debug, Default)]
#[must_use]
pub struct Effects {
    /// Tasks whose last input settled: hints for a queue, each to be claimed once.
    pub ready: Vec<u32>,
    /// Of a driver that wants to tell when tasks become ready: the ids of those in `ready`, taken while each was sure to
    /// live.
    pub ready_ids: Option<Vec<Id>>,
    /// Waiters to wake, by the driver's numbers; their cells are gone.
    pub wake: Vec<u32>,
    /// `(task, input)`: the task is won and must be settled with the error of its input, which it still wants.
    pub inherit: Vec<(u32, u32)>,
    /// Tasks won before they ran: dispose of the payload, then [`finish_unrun`](super::Graph::finish_unrun).
    pub unrun: Vec<u32>,
    /// Nobody wants these running tasks any more; their cancel tokens are set.
    pub unwanted: Vec<u32>,
    /// No reference is left: dispose of the payload, then [`forget`](super::Leaving::forget).
    pub free: Vec<u32>,
}

impl Effects {
    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.is_quiet()
    }

    /// Whether nothing but ready tasks is left: the common case, worth one test.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.wake.is_empty()
            && self.inherit.is_empty()
            && self.unrun.is_empty()
            && self.unwanted.is_empty()
            && self.free.is_empty()
    }
}
