//! Driver 1: the graph on the threads of this process.
//!
//! | file | what |
//! | --- | --- |
//! | `job` | a task's closure and its value, in the node |
//! | `local` | what each thread has of the engine |
//! | `submit`, `run`, `perform` | a task's way in, running it, and doing what the graph's events ask for |
//! | `queues`, `priority`, `baton` | ready tasks, and whose turn it is |
//! | `crew`, `place`, `worker`, `sleep` | threads and places; who is idle |
//! | `host`, `drain`, `floor` | whose threads they are; rayon's, at the bottom of their stacks |
//! | `want` | a handle's want of a task |
//! | `wait`, `waits`, `waiters`, `turn`, `parker`, `async_wait` | waiting, with a thread and without one |
//! | `help`, `stack`, `secede` | what a blocked body does meanwhile: helps, or gives its place up |
//! | `monitor`, `detect`, `explain` | spares, deadlocks, reasons |
//! | `close`, `restart` | the end, and a new beginning |
//! | `attempts`, `timers`, `retry` | running a task more than once, for a limited time, and anew after it failed |
//! | `promise`, `extras`, `actors` | tasks finished from outside; what few tasks have; whose turn it is at an actor |
//! | `polled`, `poll_turn` | tasks that are futures |
//! | `gate`, `line`, `resources`, `pools`, `stuck` | tasks that may not run anywhere and at any time |
//! | `asked`, `scope`, `pending` | options, who inherits them, and back-pressure |
//! | `events`, `stripe`, `story`, `sizes`, `snapshot` | what happens: counted, noted, measured; what there is |
//! | `options`, `names`, `clock` | configuration, names, deadlines |

pub(crate) mod actors;
pub(crate) mod asked;
pub(crate) mod async_wait;
pub(crate) mod attempts;
pub(crate) mod baton;
pub(crate) mod clock;
mod close;
mod crew;
mod detect;
#[cfg(feature = "rayon")]
mod drain;
pub(crate) mod events;
mod explain;
pub(crate) mod extras;
#[cfg(feature = "rayon")]
mod floor;
mod gate;
mod help;
mod host;
pub(crate) mod job;
mod line;
pub(crate) mod local;
mod monitor;
mod names;
mod options;
pub(crate) mod parker;
mod pending;
mod perform;
pub(crate) mod place;
mod poll_turn;
pub(crate) mod polled;
mod pools;
mod priority;
pub(crate) mod promise;
mod queues;
mod resources;
mod restart;
mod retry;
pub(crate) mod run;
mod scope;
mod secede;
mod sizes;
mod sleep;
pub(crate) mod snapshot;
mod stack;
mod story;
pub(crate) mod stripe;
mod stuck;
pub(crate) mod submit;
mod timers;
pub(crate) mod turn;
pub(crate) mod wait;
pub(crate) mod waiters;
pub(crate) mod waits;
pub(crate) mod want;
mod worker;

use std::sync::Arc;
#[cfg(feature = "task")]
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::atomic::{AtomicU8, AtomicUsize};

use crate::graph::Graph;
use crate::sync::{Coordination, Named, Published};
use actors::Actors;
use baton::Baton;
use crew::Crew;
use extras::Extras;
use job::Job;
use monitor::Monitor;
use names::Names;
use polled::AsyncTasks;
use pools::Pools;
use queues::Queues;
use resources::Resources;
use story::Story;
use stripe::Stripes;
use timers::Timers;
use waiters::Waiters;
use waits::Waits;

pub use host::Host;
pub use job::Scope;
pub(crate) use options::Options;
pub(crate) use sizes::Sizes;

/// Everything that handles need: the graph and who works on it. Lives as long as any client, handle or thread.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) graph: Graph<Job>,
    pub(crate) queues: Queues,
    pub(crate) crew: Crew,
    pub(crate) waits: Waits,
    pub(crate) waiters: Waiters,
    pub(crate) monitor: Monitor,
    timers: Timers,
    pub(crate) stripes: Stripes,
    pub(crate) names: Names,
    pub(crate) story: Story,
    pub(crate) extras: Extras,
    async_tasks: AsyncTasks,
    pub(crate) resources: Resources,
    pub(crate) pools: Pools,
    pub(crate) named: Named,
    pub(crate) published: Published,
    pub(crate) coordination: Coordination,
    /// Who has what is shared by name, if others share it too.
    #[cfg(feature = "task")]
    pub(crate) afar: std::sync::OnceLock<Arc<crate::sync::Afar>>,
    pub(crate) actors: Actors,
    pub(crate) options: Options,
    pub(crate) pins: Pins,
    /// Held while a task is made to wait for the one whose result it is to have.
    forwarding: parking_lot::Mutex<()>,
    /// Held while failed tasks are made anew.
    retrying: parking_lot::Mutex<()>,
    /// Where calls go instead of the threads here, once it is set.
    #[cfg(feature = "task")]
    backend: std::sync::OnceLock<Arc<dyn crate::driver::Backend>>,
    /// Held while a task that has nothing rare gets a place for it.
    #[cfg(feature = "task")]
    pub(crate) adding: parking_lot::Mutex<()>,
    /// `CLOSED`, `LIMITED`, `LEAVES`: 0 lets every submit through with one look.
    door: AtomicU8,
    /// The process that has the threads.
    process: u32,
}

/// In [`Engine::door`]: no more tasks are taken.
const CLOSED: u8 = 1;
/// In [`Engine::door`]: there is a limit on pending tasks.
const LIMITED: u8 = 2;
/// In [`Engine::door`]: calls run elsewhere.
#[cfg(feature = "task")]
const LEAVES: u8 = 4;

/// How many walks hold pins just now: a pin can make a sole owner look like one of two.
#[derive(Debug, Default)]
pub(crate) struct Pins(AtomicUsize);

impl Pins {
    fn raise(&self) {
        self.0.fetch_add(1, AcqRel);
    }

    fn lower(&self) {
        self.0.fetch_sub(1, AcqRel);
    }

    pub(crate) fn any(&self) -> bool {
        self.0.load(Acquire) > 0
    }
}

impl Engine {
    /// Starts the engine's threads.
    pub(crate) fn start(options: Options) -> std::io::Result<Arc<Self>> {
        let baton = options.seed.map(|seed| Arc::new(Baton::new(seed)));
        let places = if baton.is_some() { 1 } else { options.threads };
        let (queues, places) = Queues::new(places, baton.clone());
        let engine = Arc::new(Self {
            graph: Graph::new(),
            queues,
            crew: Crew::new(),
            waits: Waits::default(),
            waiters: Waiters::default(),
            monitor: Monitor::default(),
            timers: Timers::default(),
            stripes: Stripes::default(),
            names: Names::default(),
            story: Story::new(options.story),
            extras: Extras::default(),
            async_tasks: AsyncTasks::default(),
            resources: Resources::new(&options.resources),
            pools: Pools::new(&options.pools),
            named: Named::default(),
            published: Published::default(),
            coordination: Coordination::default(),
            #[cfg(feature = "task")]
            afar: std::sync::OnceLock::new(),
            actors: Actors::default(),
            door: AtomicU8::new(if options.max_pending.is_some() {
                LIMITED
            } else {
                0
            }),
            options,
            pins: Pins::default(),
            forwarding: parking_lot::Mutex::new(()),
            retrying: parking_lot::Mutex::new(()),
            #[cfg(feature = "task")]
            backend: std::sync::OnceLock::new(),
            #[cfg(feature = "task")]
            adding: parking_lot::Mutex::new(()),
            process: std::process::id(),
        });
        let in_turn = baton.is_some();
        if let Some(baton) = baton {
            baton.serve(&engine);
        }
        engine.graph.set_remember(
            engine.options.remember,
            &mut crate::graph::Effects::default(),
        );
        let hired = engine.hire_all(places);
        let hired = hired.and_then(|()| if in_turn { Ok(()) } else { engine.hire_pools() });
        match hired {
            Ok(()) => Ok(engine),
            Err(error) => {
                engine.close();
                Err(error)
            }
        }
    }
}

#[cfg(feature = "task")]
impl Engine {
    /// Has calls run elsewhere from now on. No: they do already.
    pub(crate) fn set_backend(self: &Arc<Self>, backend: Arc<dyn crate::driver::Backend>) -> bool {
        let set = self.backend.set(Arc::clone(&backend)).is_ok();
        #[cfg(feature = "task")]
        if let Some(to) = backend.coordinates().filter(|_| set) {
            backend.answer_to(crate::sync::driven::share(self, to));
        }
        self.door.fetch_or(LEAVES, AcqRel);
        set
    }

    /// Where calls run, if not here.
    pub(crate) fn backend(&self) -> Option<&Arc<dyn crate::driver::Backend>> {
        self.backend.get()
    }

    /// Whether calls run elsewhere.
    #[inline]
    pub(crate) fn calls_leave(&self) -> bool {
        self.door.load(Relaxed) & LEAVES != 0
    }
}

/// Without calls there is nothing that could run elsewhere.
#[cfg(not(feature = "task"))]
impl Engine {
    /// Whether a pinned task has ended.
    pub(crate) fn has_ended(&self, index: u32) -> bool {
        self.graph.is_settled(index)
    }

    pub(crate) fn is_elsewhere(&self, _: u32) -> bool {
        false
    }
}

#[cfg(not(feature = "task"))]
impl local::Local {
    /// Has a waiter fired when a task, which its owner wants, has ended. No: it has.
    pub(crate) fn watch_end(&self, index: u32, waiter: u32) -> bool {
        let graph = &self.engine.graph;
        graph.watch(&mut self.state().cache, index, waiter)
    }
}
