//! What few tasks have: options and states for which a node has no room.
//!
//! An entry is made before its task is, and its number stands in the node from the start, so whoever claims the task
//! finds it. It goes when the slot is freed. Of a task without an entry the number is 0, on a line that is touched anyway.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use slab::Slab;

use super::Engine;
use super::asked::Asked;
use super::gate::Gate;

/// The rare data of a task. What is asked for at submit is plain; what changes later guards itself.
#[derive(Default)]
pub(crate) struct Extra {
    /// Where it may run, and what must be free before it does.
    pub(crate) gate: Option<Arc<Gate>>,
    /// What it is called besides its name.
    pub(crate) label: Option<Arc<str>>,
    /// The options that the tasks inherit which its body submits.
    pub(crate) scope: Option<Arc<Asked>>,
}

/// The entries of an engine; number `n` is entry `n - 1`.
#[derive(Debug, Default)]
pub(crate) struct Extras(RwLock<Slab<Arc<Extra>>>);

impl Extras {
    /// The number that a [`Spec`](crate::graph::Spec) takes.
    pub(crate) fn add(&self, extra: Extra) -> u32 {
        self.0.write().insert(Arc::new(extra)) as u32 + 1
    }

    fn get(&self, number: u32) -> Option<Arc<Extra>> {
        let place = (number as usize).checked_sub(1)?;
        self.0.read().get(place).cloned()
    }

    /// Takes an entry out: its task's slot is being freed, or its task was not made. Dropping it may run user code.
    pub(crate) fn remove(&self, number: u32) -> Option<Arc<Extra>> {
        let place = (number as usize).checked_sub(1)?;
        self.0.write().try_remove(place)
    }
}

impl Engine {
    /// The rare data of a pinned task.
    #[inline]
    pub(crate) fn extra(&self, index: u32) -> Option<Arc<Extra>> {
        match self.graph.extra(index) {
            0 => None,
            number => self.extras.get(number),
        }
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extra").finish_non_exhaustive()
    }
}
