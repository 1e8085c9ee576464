//! What one thread has of an engine: its share of free slots, its duties, its counters, its place.
//!
//! Every call into the graph goes through the calling thread's [`Local`]. Its state is borrowed only around graph
//! calls, never while user code runs: a destructor or a body may come back here at any depth.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;
use std::fmt;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Engine;
use super::asked::Asked;
use super::parker::Parker;
use super::place::{Place, Seat};
use super::queues::Pace;
use super::story::Ring;
use super::stripe::Stripe;
use super::waits::Frame;
use super::want::Anchor;
use crate::graph::{Cache, Dropped, Effects};
use crate::transition::Transition;

/// One thread's share of an engine.
pub(crate) struct Local {
    pub(crate) engine: Arc<Engine>,
    pub(crate) anchor: Arc<Anchor>,
    pub(crate) stripe: Arc<Stripe>,
    pub(crate) parker: Arc<Parker>,
    /// The pool's own thread, not a visitor.
    pub(crate) seat: Option<Arc<Seat>>,
    /// The task whose body runs on top of this thread's stack; 0 is none.
    pub(crate) task: Cell<u32>,
    /// The waits of the bodies on this thread's stack, outermost first.
    pub(crate) frames: RefCell<Vec<Frame>>,
    /// The named pool whose thread this is; 0 is none.
    pub(crate) pool: u32,
    /// Whether there is a `scope`.
    pub(super) scoped: Cell<bool>,
    /// The options that submits on this thread inherit.
    pub(super) scope: RefCell<Option<Arc<Asked>>>,
    /// Submits that this thread may do before it counts again what is pending.
    pub(super) room: Cell<u32>,
    /// The last name this thread asked for, and its number.
    pub(super) last_name: RefCell<(Arc<str>, u32)>,
    /// The functions whose calls this thread submitted last, by their address, and the numbers of their names.
    #[cfg(feature = "task")]
    pub(super) last_functions: [Cell<(usize, u32)>; super::names::FUNCTIONS],
    /// 1 if transitions are noted, else 0: a number, so that one test asks for this or a name.
    pub(super) traced: u32,
    /// This thread's part of the story, if one is kept.
    pub(super) ring: Option<Arc<Ring>>,
    /// What the observer is to be told next.
    pub(super) untold: RefCell<VecDeque<Transition>>,
    /// Whether the observer is being called further down this thread's stack.
    pub(super) observing: Cell<bool>,
    /// Whether a call further down this thread's stack is doing the duties.
    pub(super) settling: Cell<bool>,
    /// Whether the body on this stack has given its place up around foreign blocking code.
    pub(super) seceded: Cell<bool>,
    state: RefCell<State>,
}

/// What changes with every task.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) cache: Cache,
    pub(crate) fx: Effects,
    pub(crate) place: Option<Place>,
    /// Counts picks, for the turn of the oldest task.
    pub(crate) picks: u32,
    /// Where the next search for work to steal begins.
    pub(crate) victim: usize,
    /// The injector this thread pushes to, once it has one.
    pub(crate) injector: usize,
    pub(super) pace: Pace,
}

thread_local! {
    static LOCALS: RefCell<Vec<Rc<Local>>> = const { RefCell::new(Vec::new()) };
    /// The share that the last call went through, while no call does.
    static LAST: Cell<Option<Rc<Local>>> = const { Cell::new(None) };
}

/// Calls `f` with this thread's share of `engine`.
#[inline]
pub(crate) fn with<R>(engine: &Arc<Engine>, f: impl FnOnce(&Local) -> R) -> R {
    let local = take(engine);
    let result = f(&local);
    put_back(local);
    result
}

/// This thread's share of `engine`, for one call: taken out of its place and [put back](put_back), which costs less
/// than a borrow and a count. After a panic the next call finds another way to it.
#[inline(always)]
pub(crate) fn take(engine: &Arc<Engine>) -> Rc<Local> {
    match LAST.try_with(Cell::take) {
        Ok(Some(local)) if Arc::ptr_eq(&local.engine, engine) => local,
        _ => find(engine),
    }
}

/// Ends a call that [took](take) a share.
#[inline(always)]
pub(crate) fn put_back(local: Rc<Local>) {
    let mut local = Some(local);
    if LAST.try_with(|last| last.set(local.take())).is_err() {
        forget_at_the_end(local);
    }
}

/// This thread's share of `engine`, made if there is none.
#[inline(never)]
fn find(engine: &Arc<Engine>) -> Rc<Local> {
    let found = LOCALS.try_with(|locals| share_of(&locals.borrow(), engine));
    match found {
        Ok(local) => local.unwrap_or_else(|| visit(engine)),
        Err(_) => at_the_end(engine),
    }
}

fn share_of(locals: &[Rc<Local>], engine: &Arc<Engine>) -> Option<Rc<Local>> {
    let mut locals = locals.iter();
    locals.find(|l| Arc::ptr_eq(&l.engine, engine)).cloned()
}

thread_local! {
    // Without a destructor, so that it can be reached to the very end; emptied by the call that filled it.
    static AT_THE_END: ManuallyDrop<RefCell<Vec<Rc<Local>>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// The thread is ending and its shares are gone: one for this call, and for those inside of it, alone.
#[cold]
fn at_the_end(engine: &Arc<Engine>) -> Rc<Local> {
    if let Some(local) = AT_THE_END.with(|locals| share_of(&locals.borrow(), engine)) {
        return local;
    }
    let local = Rc::new(Local::new(engine, None));
    AT_THE_END.with(|locals| locals.borrow_mut().push(Rc::clone(&local)));
    local
}

/// Ends a call at the end of the thread; the outermost one takes the share away.
#[cold]
fn forget_at_the_end(local: Option<Rc<Local>>) {
    let is_outermost = |l: &Rc<Local>| Rc::strong_count(l) == 2;
    if let Some(local) = local.filter(is_outermost) {
        AT_THE_END.with(|locals| {
            locals
                .borrow_mut()
                .retain(|other| !Rc::ptr_eq(other, &local))
        });
    }
}

/// Makes a share for a thread that is not the pool's, and forgets the shares of closed engines.
#[cold]
fn visit(engine: &Arc<Engine>) -> Rc<Local> {
    let local = Rc::new(Local::new(engine, None));
    enter(Rc::clone(&local));
    local
}

/// Makes `local` this thread's share of its engine.
pub(super) fn enter(local: Rc<Local>) {
    forget_closed();
    LOCALS.with(|locals| locals.borrow_mut().push(local));
}

/// As [`enter`], before any share of the same engine that this thread has as a visitor.
#[cfg(feature = "rayon")]
pub(super) fn enter_first(local: Rc<Local>) {
    forget_closed();
    LOCALS.with(|locals| locals.borrow_mut().insert(0, local));
}

/// Lets the next call look for its share anew.
fn forget_last() {
    drop(LAST.try_with(Cell::take));
}

/// Takes a pool thread's share out again, at its end.
pub(super) fn leave(local: &Rc<Local>) {
    forget_last();
    LOCALS.with(|locals| {
        locals
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, local))
    });
}

/// Lets go of this thread's shares of closed engines, so that their memory can go.
pub(crate) fn forget_closed() {
    forget_last();
    let closed =
        |l: &Rc<Local>| l.engine.is_closed() && l.seat.is_none() && Rc::strong_count(l) == 1;
    let gone = LOCALS.try_with(|locals| {
        let mut locals = locals.borrow_mut();
        let (gone, kept) = locals.drain(..).partition::<Vec<_>, _>(closed);
        *locals = kept;
        gone
    });
    // Dropped here, with nothing borrowed: the last share of an engine drops its queues, and these user values.
    drop(gone);
}

/// The innermost task body on this thread's stack, of any engine.
pub(crate) fn current() -> Option<Rc<Local>> {
    // The pool's own thread has its seat in the engine whose body it runs.
    LOCALS
        .try_with(|locals| locals.borrow().iter().find(|l| l.task.get() != 0).cloned())
        .ok()
        .flatten()
}

/// Calls `f` with the share that a wait on this thread goes through: that of the body it is in, which gives its place
/// up, else that of `engine`.
pub(crate) fn waiting<R>(engine: &Arc<Engine>, f: impl FnOnce(&Local) -> R) -> R {
    match current() {
        Some(local) => f(&local),
        None => with(engine, f),
    }
}

impl State {
    fn new(traced: bool) -> Self {
        let fx = Effects {
            ready_ids: traced.then(Vec::new),
            ..Effects::default()
        };
        Self {
            cache: Cache::default(),
            fx,
            place: None,
            picks: 0,
            victim: 0,
            injector: usize::MAX,
            pace: Pace::default(),
        }
    }
}

impl Local {
    pub(super) fn new(engine: &Arc<Engine>, seat: Option<Arc<Seat>>) -> Self {
        let stripe = engine.stripes.join();
        Self {
            engine: Arc::clone(engine),
            anchor: Arc::new(Anchor {
                engine: Arc::clone(engine),
            }),
            stripe,
            parker: Arc::new(Parker::new(engine.queues.baton.clone())),
            seat,
            task: Cell::new(0),
            frames: RefCell::new(Vec::new()),
            pool: 0,
            scoped: Cell::new(false),
            scope: RefCell::new(None),
            room: Cell::new(0),
            last_name: RefCell::new(("".into(), 0)),
            #[cfg(feature = "task")]
            last_functions: Default::default(),
            traced: u32::from(engine.options.is_traced()),
            ring: engine.story.join(),
            untold: RefCell::default(),
            observing: Cell::new(false),
            settling: Cell::new(false),
            seceded: Cell::new(false),
            state: RefCell::new(State::new(engine.options.is_traced())),
        }
    }

    /// The state, for the length of a graph call.
    #[inline]
    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// Whether this is one of the engine's own threads, which it waits for when it ends.
    pub(crate) fn is_own_thread(&self) -> bool {
        self.seat.is_some() || self.pool != 0
    }

    /// Whether a task's body is on this thread's stack.
    #[inline]
    pub(crate) fn in_task(&self) -> bool {
        self.task.get() != 0
    }

    /// Gives up one want and does what follows.
    #[inline]
    pub(crate) fn drop_want(&self, index: u32) {
        let graph = &self.engine.graph;
        match graph.drop_settled(index) {
            Dropped::OneOfMany => {}
            Dropped::Last(leaving) => self.free_now(leaving),
            Dropped::Not => {
                graph.drop_want(index, &mut self.state().fx);
                self.settle_up();
            }
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.engine.graph.flush(&mut self.state.borrow_mut().cache);
        self.engine.stripes.leave(&self.stripe);
        if let Some(ring) = &self.ring {
            self.engine.story.leave(ring);
        }
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("task", &self.task.get())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Whether the engine takes no more tasks.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.door.load(Relaxed) & super::CLOSED != 0
    }

    /// Whether every submit may go through without another look: not closed, and no limit on pending tasks.
    #[inline]
    pub(crate) fn is_wide_open(&self) -> bool {
        self.door.load(Relaxed) == 0
    }
}
