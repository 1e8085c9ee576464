//! A lock by name, and several at once.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::afar::{Answer, Ask, Grip, Link, Told};
use super::locks::{self, Claim, LockNames, Refused};
use crate::Client;
use crate::error::WaitError;
use crate::graph::Id;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::local::{self, Local};
use crate::pool::waits::On;

impl<P> Client<P> {
    /// The lock of this name.
    ///
    /// Every client and task that asks for this name has the same lock, alone or in a
    /// [`multi_lock`](Self::multi_lock). A lock that nobody holds or waits for takes no memory.
    pub fn lock(&self, name: &str) -> Lock {
        Lock(Set::new(self.engine(), [name]))
    }

    /// The locks of these names, to be taken together. A name that is given twice counts once; without any names there
    /// is nothing to wait for.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let both = client.multi_lock(["left", "right"]);
    /// let guard = both.lock()?;
    /// assert!(client.lock("left").is_locked());
    /// drop(guard);
    /// let one = both.lock_any(1)?;
    /// assert_eq!(one.names(), ["left"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn multi_lock(&self, names: impl IntoIterator<Item = impl AsRef<str>>) -> MultiLock {
        MultiLock(Set::new(self.engine(), names))
    }
}

/// A lock that every client and task can have by its name; see [`Client::lock`].
///
/// Whoever asks first has it first. A task that waits for it gives its place to another thread. The guard gives the
/// lock back when it is dropped, also by a panic: there is no poison. In a task the holder is the task, whichever
/// thread runs it and wherever the guard is: a cycle of tasks that wait for each other's locks and results is a
/// [`Deadlock`](WaitError::Deadlock). A holder that is cancelled keeps the lock until its body drops the guard; when
/// the client closes, waits end with `Closed` and guards go on.
///
/// On a cluster it is one lock for all clients and tasks. Who holds it lets go when its connection ends. Cycles of waits
/// are found only where a task waits for a lock that it holds itself.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let file = client.lock("results.csv");
/// let tasks = client.map(0..4, move |_| {
///     let _guard = file.lock().expect("no cycle");
///     // One at a time.
/// });
/// tenter::gather(&tasks)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Lock(Set);

impl Lock {
    /// Takes the lock; waits until it is free.
    ///
    /// # Errors
    /// `Deadlock` when this task holds it already, or waits for it in a cycle; `Closed`; or the wait was refused.
    pub fn lock(&self) -> Result<LockGuard, WaitError> {
        self.0.take(1, None)
    }

    /// As [`lock`](Self::lock), for at most so long.
    ///
    /// # Errors
    /// `TimedOut`, also where `lock` would give `Deadlock`; `Closed`; or the wait was refused.
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LockGuard, WaitError> {
        self.0.take(1, Some(deadline(timeout)))
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// `TimedOut` when somebody has it; `Closed`.
    pub fn try_lock(&self) -> Result<LockGuard, WaitError> {
        self.0.try_take(1)
    }

    /// Takes the lock in async code. Dropping the future leaves the line.
    ///
    /// A task whose async code waits for a lock that the same task holds is not told: another part of it may be about
    /// to give it back.
    ///
    /// # Errors
    /// `Closed`.
    pub async fn lock_async(&self) -> Result<LockGuard, WaitError> {
        self.0.take_async(1).await
    }

    /// Whether somebody has the lock. It may be free again by the time you look at the answer.
    pub fn is_locked(&self) -> bool {
        let Set { engine, names } = &self.0;
        match Link::of(engine) {
            Some(link) => is_locked_afar(&link, &names[0]),
            None => engine.coordination.locks.is_locked(&names[0]),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.names[0]
    }
}

/// Several locks that are taken together; see [`Client::multi_lock`].
///
/// They are the locks that [`Client::lock`] gives. A wait enters the lines of all its locks in one step and keeps its
/// place in each, so it neither starves nor deadlocks with others whose locks overlap. A lock whose turn came first is
/// kept until the others are there.
#[derive(Clone)]
pub struct MultiLock(Set);

impl MultiLock {
    /// Takes all of the locks; waits until it has them.
    ///
    /// # Errors
    /// As [`Lock::lock`].
    pub fn lock(&self) -> Result<LockGuard, WaitError> {
        self.lock_any(self.0.names.len())
    }

    /// Takes any `n` of the locks; waits until it has as many. [`LockGuard::names`] says which.
    ///
    /// # Errors
    /// `Exceeds` when there are fewer than `n` locks; else as [`Lock::lock`].
    pub fn lock_any(&self, n: usize) -> Result<LockGuard, WaitError> {
        self.0.take(n, None)
    }

    /// Takes all of the locks, for at most so long.
    ///
    /// # Errors
    /// As [`Lock::lock_timeout`].
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LockGuard, WaitError> {
        self.lock_any_timeout(self.0.names.len(), timeout)
    }

    /// Takes any `n` of the locks, for at most so long.
    ///
    /// # Errors
    /// `Exceeds` when there are fewer than `n` locks; else as [`Lock::lock_timeout`].
    pub fn lock_any_timeout(&self, n: usize, timeout: Duration) -> Result<LockGuard, WaitError> {
        self.0.take(n, Some(deadline(timeout)))
    }

    /// Takes all of the locks if all are free.
    ///
    /// # Errors
    /// As [`Lock::try_lock`].
    pub fn try_lock(&self) -> Result<LockGuard, WaitError> {
        self.0.try_take(self.0.names.len())
    }

    /// Takes any `n` of the locks if as many are free.
    ///
    /// # Errors
    /// `Exceeds` when there are fewer than `n` locks; else as [`Lock::try_lock`].
    pub fn try_lock_any(&self, n: usize) -> Result<LockGuard, WaitError> {
        self.0.try_take(n)
    }

    /// Takes all of the locks in async code. Dropping the future leaves the lines.
    ///
    /// # Errors
    /// As [`Lock::lock_async`].
    pub async fn lock_async(&self) -> Result<LockGuard, WaitError> {
        self.0.take_async(self.0.names.len()).await
    }

    /// Takes any `n` of the locks in async code. Dropping the future leaves the lines.
    ///
    /// # Errors
    /// `Exceeds` when there are fewer than `n` locks; else as [`Lock::lock_async`].
    pub async fn lock_any_async(&self, n: usize) -> Result<LockGuard, WaitError> {
        self.0.take_async(n).await
    }

    /// The names, each once.
    pub fn names(&self) -> Vec<&str> {
        self.0.names.iter().map(|name| &**name).collect()
    }
}

/// Holds what [`Lock`] or [`MultiLock`] took; dropping it gives that back, to whoever asked first.
///
/// It may be held across an `.await`, sent to another thread, or kept in a result.
#[must_use = "the lock is given back when this is dropped"]
pub struct LockGuard {
    /// Dropped first: who has the locks next is told here after it.
    asked: Asked,
    /// Of locks that somebody elsewhere has; `asked` then says who holds them here.
    _grip: Option<Grip>,
}

impl LockGuard {
    /// The names of the locks it holds.
    pub fn names(&self) -> Vec<String> {
        let Asked { engine, claim } = &self.asked;
        let held = engine.coordination.locks.held(claim);
        held.iter().map(|name| name.to_string()).collect()
    }

    /// The same guard, about to be given to another task or thread: from here on the task that took it is not its
    /// holder. Without this, a wait of that task for a lock it has passed on counts as a deadlock with itself.
    pub fn hand_over(self) -> Self {
        self.asked.claim.disown();
        self
    }
}

/// Some locks of an engine.
#[derive(Clone)]
struct Set {
    engine: Arc<Engine>,
    names: LockNames,
}

/// A claim in its lines. Dropping it takes it out again.
struct Asked {
    engine: Arc<Engine>,
    claim: Arc<Claim>,
}

impl Set {
    fn new(engine: &Arc<Engine>, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut seen = std::collections::HashSet::new();
        let names = names
            .into_iter()
            .map(|name| Arc::<str>::from(name.as_ref()));
        Self {
            engine: Arc::clone(engine),
            names: names.filter(|name| seen.insert(Arc::clone(name))).collect(),
        }
    }

    fn take(&self, need: usize, deadline: Option<Instant>) -> Result<LockGuard, WaitError> {
        if let Some(link) = Link::of(&self.engine) {
            return self.take_afar(&link, need, deadline);
        }
        let asked = self.ask(need, deadline.is_none())?;
        let on = |local: &Local| asked.on(local, deadline.is_some());
        asked.claim.turn.wait(&self.engine, on, deadline)?;
        Ok(LockGuard::of(asked))
    }

    fn try_take(&self, need: usize) -> Result<LockGuard, WaitError> {
        if let Some(link) = Link::of(&self.engine) {
            self.check(need)?;
            let asked = link.wait(&self.what(need), None, self.lock(need, false), None);
            return self.guard(asked?);
        }
        let asked = self.ask(need, false)?;
        let told = asked.claim.turn.told();
        told.unwrap_or(Err(WaitError::TimedOut))?;
        Ok(LockGuard::of(asked))
    }

    async fn take_async(&self, need: usize) -> Result<LockGuard, WaitError> {
        if let Some(link) = Link::of(&self.engine) {
            self.check(need)?;
            return self.guard(link.come(self.lock(need, true), None).await?);
        }
        let asked = self.ask(need, false)?;
        asked.claim.turn.come(&self.engine).await?;
        Ok(LockGuard::of(asked))
    }

    fn ask(&self, need: usize, strict: bool) -> Result<Asked, WaitError> {
        self.check(need)?;
        let Self { engine, names } = self;
        let owner = self.owner();
        match engine.coordination.locks.claim(names, need, owner, strict) {
            Ok(claim) => Ok(Asked {
                engine: Arc::clone(engine),
                claim,
            }),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    /// There are never more than all.
    fn check(&self, need: usize) -> Result<(), WaitError> {
        if need <= self.names.len() {
            return Ok(());
        }
        Err(WaitError::Exceeds {
            what: "locks".to_owned(),
            asked: need,
            most: self.names.len(),
        })
    }

    /// The task whose body runs here.
    fn owner(&self) -> Option<Id> {
        let Self { engine, .. } = self;
        let task = local::current().filter(|local| Arc::ptr_eq(&local.engine, engine));
        // The body that runs here keeps its node.
        task.map(|local| engine.graph.id(local.task.get()))
    }

    fn refused(&self, refused: Refused) -> WaitError {
        match refused {
            Refused::Closed => WaitError::Closed,
            Refused::Own(text) => {
                let owner = self.owner();
                let label = owner.map_or_else(String::new, |task| self.engine.label(task.index));
                WaitError::Deadlock(format!("{label} waits for {text}"))
            }
        }
    }
}

/// Locks that somebody elsewhere has.
impl Set {
    fn take_afar(
        &self,
        link: &Link,
        need: usize,
        deadline: Option<Instant>,
    ) -> Result<LockGuard, WaitError> {
        self.check(need)?;
        if deadline.is_none() {
            let locks = &self.engine.coordination.locks;
            let own = locks.check_own(&self.names, need, self.owner());
            own.map_err(|refused| self.refused(refused))?;
        }
        let ask = self.lock(need, true);
        self.guard(link.wait(&self.what(need), deadline, ask, None)?)
    }

    fn lock(&self, need: usize, waits: bool) -> Ask {
        Ask::Lock {
            names: self.names.iter().map(|name| name.to_string()).collect(),
            need: need as u64,
            waits,
        }
    }

    fn what(&self, need: usize) -> Arc<str> {
        locks::what(&self.names, need).into()
    }

    /// Notes here who holds what was granted there. Nobody here has it: it comes back here before it is given back there.
    fn guard(&self, answer: Answer) -> Result<LockGuard, WaitError> {
        let Answer { told, grip, .. } = answer;
        let Told::Locked { which } = told else {
            return Err(told.into_error());
        };
        let names = which
            .iter()
            .filter_map(|&place| self.names.get(place as usize));
        let held = Self {
            engine: Arc::clone(&self.engine),
            names: names.cloned().collect(),
        };
        let asked = held.ask(held.names.len(), false)?;
        Ok(LockGuard { asked, _grip: grip })
    }
}

/// Whether anybody has this lock, of those that somebody elsewhere has.
fn is_locked_afar(link: &Link, name: &Arc<str>) -> bool {
    let ask = Ask::IsLocked {
        name: name.to_string(),
    };
    let answer = link.wait(name, None, ask, None);
    answer.is_ok_and(|answer| answer.told == Told::Flag(true))
}

impl LockGuard {
    fn of(asked: Asked) -> Self {
        Self { asked, _grip: None }
    }
}

impl Asked {
    /// What a thread waits for. In a task of another client nobody could follow the claim from there.
    fn on(&self, local: &Local, timed: bool) -> On {
        match timed {
            _ if !Arc::ptr_eq(&local.engine, &self.engine) => On::Event(self.claim.what().into()),
            false => On::Lock(Arc::clone(&self.claim)),
            true => On::TimedLock(Arc::clone(&self.claim)),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.engine.coordination.locks.leave(&self.claim);
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("name", &self.name())
            .field("locked", &self.is_locked())
            .finish()
    }
}

impl fmt::Debug for MultiLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MultiLock").field(&self.names()).finish()
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockGuard").field(&self.names()).finish()
    }
}
