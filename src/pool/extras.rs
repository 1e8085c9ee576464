//! What few tasks have: options and states for which a node has no room.
//!
//! Calls of actors have a number of another kind here, their actor's: see [`actors`](super::actors).
//!
//! An entry is made before its task is, and its number stands in the node from the start, so whoever claims the task
//! finds it. It goes when the slot is freed. Of a task without an entry the number is 0, on a line that is touched anyway.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "task")]
use parking_lot::Mutex;
use parking_lot::RwLock;
use slab::Slab;

use super::Engine;
use super::asked::Asked;
use super::attempts::Attempts;
use super::gate::Gate;
#[cfg(feature = "task")]
use super::want::TaskRef;
#[cfg(feature = "task")]
use crate::actor::Calling;
#[cfg(feature = "task")]
use crate::elsewhere::Remote;

/// Numbers from here on are no entries: each is shared by all the calls of an actor.
pub(super) const SHARED: u32 = 1 << 27;

/// The rare data of a task. What is asked for at submit is plain; what changes later guards itself.
#[derive(Default)]
pub(crate) struct Extra {
    /// How often it may run and for how long, and how far it is.
    pub(crate) attempts: Attempts,
    /// Where it may run, and what must be free before it does.
    pub(crate) gate: Option<Arc<Gate>>,
    /// What it is called besides its name.
    pub(crate) label: Option<Arc<str>>,
    /// The options that the tasks inherit which its body submits.
    pub(crate) scope: Option<Arc<Asked>>,
    /// Of a task that runs elsewhere: how far it is.
    #[cfg(feature = "task")]
    pub(crate) remote: Option<Remote>,
    /// Of a call of an actor elsewhere: how it is taken back.
    #[cfg(feature = "task")]
    pub(crate) calling: Option<Arc<Calling>>,
    /// Of a task whose value was put elsewhere: the copy.
    #[cfg(feature = "task")]
    pub(crate) twin: Mutex<Option<TaskRef>>,
}

impl Extra {
    /// Whether the task is one of a named pool.
    pub(super) fn has_pool(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.pool != 0)
    }

    /// Whether it is of a task that was sent elsewhere.
    #[cfg(feature = "task")]
    pub(super) fn has_run_elsewhere(&self) -> bool {
        let remote = self.remote.as_ref();
        remote.is_some_and(|remote| remote.ticket().is_some())
    }

    /// What a task that is made anew has: what was asked for, and nothing of what has happened since.
    pub(crate) fn renewed(&self) -> Self {
        let Self {
            attempts,
            gate,
            label,
            scope,
            ..
        } = self;
        let gate = gate.as_ref().map(|gate| Arc::new(gate.renewed()));
        Self {
            attempts: attempts.renewed(),
            gate,
            label: label.clone(),
            scope: scope.clone(),
            #[cfg(feature = "task")]
            remote: None,
            #[cfg(feature = "task")]
            calling: None,
            #[cfg(feature = "task")]
            twin: Mutex::default(),
        }
    }
}

/// The entries of an engine; number `n` is entry `n - 1`.
#[derive(Debug, Default)]
pub(crate) struct Extras(RwLock<Slab<Arc<Extra>>>);

impl Extras {
    /// The number that a [`Spec`](crate::graph::Spec) takes.
    pub(crate) fn add(&self, extra: Extra) -> u32 {
        self.0.write().insert(Arc::new(extra)) as u32 + 1
    }

    /// As [`add`](Self::add), and gives the entry too.
    #[cfg(feature = "task")]
    pub(crate) fn add_shared(&self, extra: Extra) -> (u32, Arc<Extra>) {
        let extra = Arc::new(extra);
        let place = self.0.write().insert(Arc::clone(&extra));
        (place as u32 + 1, extra)
    }

    fn get(&self, number: u32) -> Option<Arc<Extra>> {
        let place = place(number)?;
        self.0.read().get(place).cloned()
    }

    /// Takes an entry out: its task's slot is being freed, or its task was not made. Dropping it may run user code.
    pub(crate) fn remove(&self, number: u32) -> Option<Arc<Extra>> {
        let place = place(number)?;
        self.0.write().try_remove(place)
    }
}

/// Where the entry of this number is, if it is one.
#[inline]
fn place(number: u32) -> Option<usize> {
    has_entry(number).then(|| number as usize - 1)
}

/// Whether there is an entry of this number, which goes with its task.
#[inline]
pub(super) fn has_entry(number: u32) -> bool {
    (1..SHARED).contains(&number)
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
