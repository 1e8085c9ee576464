//! All named locks of an engine, under one mutex: who has which, and who waits.
//!
//! # Invariants
//! 1. A line exists as long as a claim is in it: a lock that nobody has or waits for takes no memory.
//! 2. The first in a line has that lock: it holds it, or it keeps it while it waits for its other locks. Nobody passes
//!    anybody in a line.
//! 3. A claim enters all its lines in one step. Of two claims one is therefore ahead in every line that both are in, so
//!    claims cannot wait for each other in a circle, however their sets overlap.
//! 4. A claim is granted in the step in which it becomes first in as many lines as it needs; in that step it leaves its
//!    other lines. Leaving a line may make another claim first there, and so on: a worklist, no recursion.
//! 5. A claim leaves its lines when it is dropped, granted or not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::error::WaitError;
use crate::graph::Id;
use crate::pool::turn::{Calls, Turn, ring};

/// Names in one text; the rest are counted.
const NAMED: usize = 3;

/// The names of some locks, each once.
pub(super) type LockNames = Arc<[Arc<str>]>;

/// Names as texts list them.
fn texts<'a>(names: impl IntoIterator<Item = &'a Arc<str>>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// What is claimed, as texts name it.
pub(super) fn what(names: &[Arc<str>], need: usize) -> String {
    let listed = texts(names);
    match (names.len(), need) {
        (1, _) => format!("lock {listed}"),
        (all, need) if need == all => format!("the locks {listed}"),
        (_, need) => format!("{need} of the locks {listed}"),
    }
}

/// The locks that have a line.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    lines: BTreeMap<Arc<str>, Line>,
    closed: bool,
}

type Line = VecDeque<Arc<Claim>>;
/// Claims that became first in a line.
type Firsts = SmallVec<[Arc<Claim>; 2]>;

/// Somebody who wants some of some locks, or has them.
#[derive(Debug)]
pub(crate) struct Claim {
    names: LockNames,
    need: usize,
    /// The task that holds them, once granted; none outside of tasks.
    owner: Mutex<Option<Id>>,
    pub(crate) turn: Arc<Turn>,
}

impl Claim {
    fn new(names: &LockNames, need: usize, owner: Option<Id>) -> Self {
        Self {
            names: Arc::clone(names),
            need,
            owner: Mutex::new(owner),
            turn: Arc::default(),
        }
    }

    /// What is claimed, as texts name it.
    pub(crate) fn what(&self) -> String {
        what(&self.names, self.need)
    }

    fn is_granted(&self) -> bool {
        matches!(self.turn.told(), Some(Ok(())))
    }

    fn is_owned_by(&self, task: Id) -> bool {
        *self.owner.lock() == Some(task)
    }

    /// Nobody is named as the holder from now on.
    pub(super) fn disown(&self) {
        *self.owner.lock() = None;
    }
}

impl Locks {
    /// Enters the lines of these locks, for `need` of them. With `strict`, not if the task has so many of them already
    /// that it would wait for itself.
    pub(super) fn claim(
        &self,
        names: &LockNames,
        need: usize,
        owner: Option<Id>,
        strict: bool,
    ) -> Result<Arc<Claim>, Refused> {
        let claim = Arc::new(Claim::new(names, need, owner));
        let table = &mut *self.0.lock();
        if table.closed {
            return Err(Refused::Closed);
        }
        if strict {
            table.check_own(&claim)?;
        }
        for name in names.iter() {
            let line = table.lines.entry(Arc::clone(name)).or_default();
            line.push_back(Arc::clone(&claim));
        }
        // Nobody has armed the turn yet, so there is nobody to call.
        table.grant(SmallVec::from_iter([Arc::clone(&claim)]));
        Ok(claim)
    }

    /// Whether the task has so many of these locks that it would wait for itself.
    pub(super) fn check_own(
        &self,
        names: &LockNames,
        need: usize,
        owner: Option<Id>,
    ) -> Result<(), Refused> {
        let claim = Claim::new(names, need, owner);
        self.0.lock().check_own(&claim)
    }

    /// The claim leaves its lines, granted or not.
    pub(super) fn leave(&self, claim: &Arc<Claim>) {
        let calls = {
            let table = &mut *self.0.lock();
            let names = claim.names.iter();
            let firsts = names
                .filter_map(|name| table.take_out(name, claim))
                .collect();
            table.grant(firsts)
        };
        ring(calls);
    }

    /// Whether anybody has this lock.
    pub(super) fn is_locked(&self, name: &str) -> bool {
        self.0.lock().lines.contains_key(name)
    }

    /// The locks of a granted claim.
    pub(super) fn held(&self, claim: &Arc<Claim>) -> Vec<Arc<str>> {
        let table = self.0.lock();
        let names = claim.names.iter();
        names
            .filter(|name| table.is_first(name, claim))
            .cloned()
            .collect()
    }

    /// The tasks that must all go on before this claim can be granted; none if it has been, or if it can do without
    /// some of its locks.
    pub(crate) fn holders(&self, claim: &Arc<Claim>) -> Vec<Id> {
        let table = self.0.lock();
        if claim.turn.is_told() || claim.need < claim.names.len() {
            return Vec::new();
        }
        let names = claim.names.iter();
        let ahead = names.flat_map(|name| table.ahead(name, claim));
        ahead.filter_map(|other| *other.owner.lock()).collect()
    }

    /// Who has the first lock that the claim lacks, and whether it lacks one.
    pub(crate) fn obstacle(&self, claim: &Arc<Claim>) -> Option<Option<Id>> {
        let table = self.0.lock();
        if claim.turn.is_told() {
            return None;
        }
        let mut names = claim.names.iter();
        let first = names.find_map(|name| table.ahead(name, claim).next());
        first.map(|other| *other.owner.lock())
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Ends every wait. Who holds a lock keeps it.
    pub(super) fn send_on(&self) {
        let mut calls = Calls::new();
        {
            let table = &mut *self.0.lock();
            for claim in table.lines.values().flatten() {
                calls.extend(claim.turn.tell(Err(WaitError::Closed)));
            }
            // Those behind must not depend on when who was sent on leaves.
            table.lines.retain(|_, line| {
                line.retain(|claim| claim.is_granted());
                !line.is_empty()
            });
        }
        ring(calls);
    }
}

/// Why a claim did not enter its lines.
pub(super) enum Refused {
    Closed,
    /// Its task has some of what it wants, and could not go on without it; the text says what.
    Own(String),
}

impl Table {
    fn is_first(&self, name: &str, claim: &Arc<Claim>) -> bool {
        let first = self.lines.get(name).and_then(VecDeque::front);
        first.is_some_and(|first| Arc::ptr_eq(first, claim))
    }

    fn check_own(&self, claim: &Claim) -> Result<(), Refused> {
        let owner = *claim.owner.lock();
        match owner.and_then(|task| self.needs_own(claim, task)) {
            None => Ok(()),
            Some(own) => Err(Refused::Own(format!(
                "{} and has {own} already",
                claim.what()
            ))),
        }
    }

    /// The locks that the task has itself, if those it does not have are too few for the claim.
    fn needs_own(&self, claim: &Claim, task: Id) -> Option<String> {
        let first = |name: &Arc<str>| self.lines.get(name)?.front();
        let is_own = |name: &&Arc<str>| first(name).is_some_and(|claim| claim.is_owned_by(task));
        let own: Vec<_> = claim.names.iter().filter(is_own).collect();
        (claim.names.len() - own.len() < claim.need).then(|| texts(own))
    }

    /// Grants those of the claims that have what they need, and whoever becomes first through that.
    fn grant(&mut self, mut firsts: Firsts) -> Calls {
        let mut calls = Calls::new();
        while let Some(claim) = firsts.pop() {
            let names = Arc::clone(&claim.names);
            let has = names.iter().filter(|name| self.is_first(name, &claim));
            if claim.turn.is_told() || has.count() < claim.need {
                continue;
            }
            let mut kept = 0;
            for name in names.iter() {
                if kept < claim.need && self.is_first(name, &claim) {
                    kept += 1;
                } else {
                    firsts.extend(self.take_out(name, &claim));
                }
            }
            calls.extend(claim.turn.tell(Ok(())));
        }
        calls
    }

    /// Takes the claim out of a line, if it is there; gives who is first through that.
    fn take_out(&mut self, name: &str, claim: &Arc<Claim>) -> Option<Arc<Claim>> {
        let line = self.lines.get_mut(name)?;
        let place = line.iter().position(|other| Arc::ptr_eq(other, claim))?;
        line.remove(place);
        if line.is_empty() {
            self.lines.remove(name);
            return None;
        }
        line.front().filter(|_| place == 0).cloned()
    }

    /// Those ahead of the claim in a line who matter: the first, and the nearest who may be kept by other locks too.
    /// The others ahead wait for the first alone.
    fn ahead<'a>(
        &'a self,
        name: &str,
        claim: &'a Arc<Claim>,
    ) -> impl Iterator<Item = &'a Arc<Claim>> {
        let line = self
            .lines
            .get(name)
            .filter(|line| !line.front().is_some_and(|first| Arc::ptr_eq(first, claim)));
        let behind_all = move |other: &&'a Arc<Claim>| !Arc::ptr_eq(other, claim);
        let nearest = line.and_then(|line| {
            let ahead = line.iter().rev().skip_while(behind_all).skip(1);
            ahead.into_iter().find(|other| other.names.len() > 1)
        });
        line.and_then(VecDeque::front).into_iter().chain(nearest)
    }
}
