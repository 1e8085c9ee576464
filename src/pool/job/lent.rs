//! Bodies that borrow: lent to the pool by a scope, which does not end before each has run or was dropped.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};

use crate::pool::Engine;
use crate::pool::turn::{Turn, ring};
use crate::pool::waits::On;
use crate::scope::Spawned;

/// Where tasks that borrow are submitted; made by [`Client::scope`](crate::Client::scope).
pub struct Scope<'scope, 'env: 'scope> {
    spawned: Arc<Spawned>,
    lent: Arc<Lent>,
    /// Both invariant, as in [`std::thread::Scope`]: no scope passes for a longer or a shorter one.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// How many bodies of a scope exist.
#[derive(Default)]
struct Lent {
    out: Mutex<usize>,
    all_back: Condvar,
    /// Of the scope's end, once that waits.
    end: OnceLock<Arc<Turn>>,
}

/// A body that borrows, in the type of one that does not. To be run or dropped, and no sooner back than that is over.
pub(crate) struct LentBody {
    // Before `_out`: fields are dropped in this order, also when the first one's destructor panics.
    body: Option<Box<dyn FnOnce() + Send>>,
    _out: Out,
}

/// One body that is out.
struct Out(Arc<Lent>);

/// Waits, at its drop, until no body is out.
struct UntilAllAreBack(Arc<Lent>, Arc<Engine>);

/// Calls `f` with a new scope. Returns, or unwinds, only when every body that was lent in it has run or was dropped.
pub(crate) fn lending<'env, T>(
    spawned: Arc<Spawned>,
    f: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
) -> T {
    let engine = Arc::clone(spawned.engine());
    let scope = Scope {
        spawned,
        lent: Arc::default(),
        scope: PhantomData,
        env: PhantomData,
    };
    // Dropped before the scope, which bodies use too.
    let _wait = UntilAllAreBack(Arc::clone(&scope.lent), engine);
    f(&scope)
}

impl<'scope> Scope<'scope, '_> {
    pub(crate) fn spawned(&self) -> &Spawned {
        &self.spawned
    }

    /// Lends a body to whoever will run it.
    pub(crate) fn lend(&'scope self, body: impl FnOnce() + Send + 'scope) -> LentBody {
        type Borrowing<'scope> = Box<dyn FnOnce() + Send + 'scope>;
        let body: Borrowing<'scope> = Box::new(body);
        // SAFETY: only the lifetime changes. Nothing of the body is used once its `Out` is dropped: `run` and the drop of
        // a `LentBody` see to the order. `lending`, the only maker of a scope, ends neither way before each `Out` is
        // dropped; it works for any 'scope, so 'scope lasts until it ends. A body that is leaked keeps it from ending.
        let body = unsafe { std::mem::transmute::<Borrowing<'scope>, Borrowing<'static>>(body) };
        *self.lent.out.lock() += 1;
        LentBody {
            body: Some(body),
            _out: Out(Arc::clone(&self.lent)),
        }
    }
}

impl LentBody {
    /// Runs the body. Its panic goes on.
    pub(crate) fn run(mut self) {
        let body = self.body.take().expect("only taken here");
        body();
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let mut out = self.0.out.lock();
        *out -= 1;
        if *out == 0 {
            self.0.all_back.notify_all();
            let end = self.0.end.get().and_then(|turn| turn.tell(Ok(())));
            drop(out);
            ring(end.into_iter().collect());
        }
    }
}

impl UntilAllAreBack {
    /// Waits as for anything of ours: a body that is cancelled may need the place of this thread to come to its end.
    fn wait(&self) {
        let Self(lent, engine) = self;
        let out = lent.out.lock();
        if *out > 0 {
            let turn = lent.end.get_or_init(Arc::default);
            drop(out);
            let _ = turn.wait(engine, |_| On::Bodies, None);
        }
    }
}

impl Drop for UntilAllAreBack {
    fn drop(&mut self) {
        self.wait();
        // Whatever came of that, for a wait may be refused.
        let mut out = self.0.out.lock();
        while *out > 0 {
            self.0.all_back.wait(&mut out);
        }
    }
}
