//! The beginning of a task: a slot, its payload, its key, its inputs.

use std::panic::Location;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::key::KeyCell;
use super::node::Node;
use super::table::Table;
use super::word::{
    self, CANCEL, CANCELLED, DONE, FAILED, KEYED, LINKING, QUEUED, REF, RUNNING, SETTLED, UNRUN,
    has,
};
use super::{Cache, Effects, Graph, Key};
use crate::primitive::MutexGuard;

/// What is known of a task when it is submitted, besides its payload and inputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spec {
    /// The driver's number of its name.
    pub name: u32,
    /// Higher runs first.
    pub priority: i32,
    /// Where it was submitted.
    pub location: Option<&'static Location<'static>>,
    /// Its result follows from its key, and is worth remembering.
    pub pure: bool,
    /// The driver's number of what else it knows of the task; 0 is nothing. Less than 2^28.
    pub extra: u32,
}

/// In the list of inputs of a submit: the caller gives its own want of this input over to the new task.
pub const GIVEN: u32 = 1 << 31;

/// A node that has just been made; the caller owns one want of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Born {
    /// To be queued.
    Ready(u32),
    /// Inputs are missing, or one has failed (then the effects say so).
    Waiting(u32),
}

impl Born {
    /// The new node.
    #[inline]
    pub fn index(self) -> u32 {
        match self {
            Self::Ready(index) | Self::Waiting(index) => index,
        }
    }
}

/// What is under a key.
#[derive(Debug)]
#[must_use]
pub enum Entry<'g> {
    /// Nothing.
    Vacant(Vacant<'g>),
    /// A task of the same kind; the caller owns one more want of it.
    Same(u32),
    /// A task of another kind.
    Conflict,
}

/// A place for a key that no task has, and that none can get meanwhile.
#[derive(Debug)]
#[must_use]
pub struct Vacant<'g> {
    shard: MutexGuard<'g, Table>,
    hash: u32,
}

impl<P> Graph<P> {
    /// Adds a task that needs `inputs` settled, each wanted by the caller during the call, or [`GIVEN`].
    #[inline]
    pub fn submit(
        &self,
        cache: &mut Cache,
        spec: &Spec,
        inputs: &[u32],
        payload: P,
        fx: &mut Effects,
    ) -> Born {
        let (index, node) = self.prepare(cache, spec, inputs, payload);
        if inputs.is_empty() {
            node.word.store((2 * REF) | QUEUED, Release);
            return Born::Ready(index);
        }
        node.word.store(2 * REF, Release);
        self.link_all(cache, index, inputs, fx)
    }

    /// Adds a node that something outside finishes: it is running from the start and nobody can claim it.
    pub fn external(&self, cache: &mut Cache, spec: &Spec, payload: P) -> u32 {
        let (index, node) = self.prepare(cache, spec, &[], payload);
        node.word.store((2 * REF) | RUNNING, Release);
        index
    }

    /// As [`external`](Self::external), under the key that was looked up.
    pub fn external_at(
        &self,
        (mut vacant, key): (Vacant<'_>, Key),
        cache: &mut Cache,
        spec: &Spec,
        payload: P,
    ) -> u32 {
        let hash = vacant.hash;
        let (index, node) = self.prepare(cache, spec, &[], payload);
        node.cold.set_key(cache.key_cell(KeyCell { key, hash }));
        node.word.store((2 * REF) | KEYED | RUNNING, Release);
        vacant.shard.insert(hash, index);
        index
    }

    /// Adds a node that is settled already: with the value in `payload`, or, when `failed`, with the error.
    pub fn settled(&self, cache: &mut Cache, spec: &Spec, payload: P, failed: bool) -> u32 {
        let (index, node) = self.prepare(cache, spec, &[], payload);
        node.word
            .store(REF | DONE | if failed { FAILED } else { 0 }, Release);
        index
    }

    #[inline]
    fn prepare(
        &self,
        cache: &mut Cache,
        spec: &Spec,
        inputs: &[u32],
        payload: P,
    ) -> (u32, &Node<P>) {
        let index = self.nodes.take(&mut cache.nodes);
        let node = self.node(index);
        node.write(payload);
        node.cold.set(spec);
        node.cold.set_inputs(inputs);
        let guard = if inputs.is_empty() { 0 } else { LINKING };
        node.join.store(guard + inputs.len() as u32, Relaxed);
        (index, node)
    }

    /// Looks a key up. Of the task that has it, `kin` says whether it is of the same kind.
    #[inline]
    pub fn entry(&self, key: &Key, kin: impl Fn(u32) -> bool, fx: &mut Effects) -> Entry<'_> {
        let hash = self.keys.hash(key);
        let shard = self.keys.shard(hash);
        let Some(index) = shard.find(hash, |index| self.named(index, key, fx)) else {
            return Entry::Vacant(Vacant { shard, hash });
        };
        if kin(index) {
            return Entry::Same(index);
        }
        drop(shard);
        self.drop_want(index, fx);
        Entry::Conflict
    }

    /// As [`submit`](Self::submit), under the key that was looked up. It gets its entry under the same lock, so that a
    /// key names one task at a time.
    #[inline]
    pub fn submit_at(
        &self,
        (mut vacant, key): (Vacant<'_>, Key),
        cache: &mut Cache,
        spec: &Spec,
        inputs: &[u32],
        payload: P,
        fx: &mut Effects,
    ) -> Born {
        let hash = vacant.hash;
        let (index, node) = self.prepare(cache, spec, inputs, payload);
        node.cold.set_key(cache.key_cell(KeyCell { key, hash }));
        let ready = if inputs.is_empty() { QUEUED } else { 0 };
        node.word.store((2 * REF) | KEYED | ready, Release);
        vacant.shard.insert(hash, index);
        drop(vacant);
        if inputs.is_empty() {
            return Born::Ready(index);
        }
        self.link_all(cache, index, inputs, fx)
    }

    /// Whether the node of an entry is a live task of this key. Takes a want of it if so.
    fn named(&self, index: u32, key: &Key, fx: &mut Effects) -> bool {
        if !self.retain_if_wanted(index) {
            return false;
        }
        let cell = self.node(index).cold.key();
        let same = cell.is_some_and(|cell| cell.key == *key);
        if !same {
            self.drop_want(index, fx);
        }
        same
    }

    /// Links a node to its inputs and takes the guard off its join counter. Others can reach the node meanwhile, and
    /// may settle it unrun: by cancelling it or with the error of an input that is linked.
    fn link_all(&self, cache: &mut Cache, index: u32, inputs: &[u32], fx: &mut Effects) -> Born {
        let mut settled = LINKING;
        let mut failed = None;
        for &input in inputs {
            if let Some(ok) = self.link(cache, index, input) {
                settled += 1;
                if !ok {
                    failed = failed.or(Some(input & !GIVEN));
                }
            }
        }
        if let Some(input) = failed
            && self.win_unclaimed(index)
        {
            fx.inherit.push((index, input));
        }
        // The last touch of the node: once the guard is off, whoever settles it may free it.
        let join = self.node(index).join.fetch_sub(settled, AcqRel);
        let ready = join & !UNRUN == settled && self.joined(index, fx);
        if join & UNRUN != 0 {
            self.leave_inputs(cache, inputs, fx);
        }
        if ready {
            Born::Ready(index)
        } else {
            Born::Waiting(index)
        }
    }

    /// Takes a want of `input` for `dependent`, unless it is given, and, if the input is not settled, links the two in the same
    /// compare-and-swap. Says for a settled input whether it has a value.
    #[inline]
    fn link(&self, cache: &mut Cache, dependent: u32, input: u32) -> Option<bool> {
        let want = if input & GIVEN == 0 { REF } else { 0 };
        let input = input & !GIVEN;
        let node = self.node(input);
        let mut old = node.word.load(Acquire);
        let mut cell = 0;
        loop {
            if word::refs(old) >= word::HALF {
                self.spread(input);
                old = node.word.load(Acquire);
                continue;
            }
            let settled = has(old, SETTLED);
            let new = if settled {
                old + want
            } else {
                if cell == 0 {
                    cell = self.edges.take(&mut cache.edges);
                    self.edges.get(cell).target.store(dependent, Relaxed);
                }
                self.edges.get(cell).next.store(word::head(old), Relaxed);
                word::with_head(old + want, cell)
            };
            // Release: pairs with the finish that takes the list, so it sees the cell. Acquire: a settled input's
            // result is visible to us.
            match node.word.compare_exchange_weak(old, new, AcqRel, Acquire) {
                Ok(_) if settled => {
                    if cell != 0 {
                        self.edges.give(&mut cache.edges, cell);
                    }
                    return Some(!has(old, FAILED | CANCELLED));
                }
                Ok(_) => return None,
                Err(now) => old = now,
            }
        }
    }

    /// Puts a running task back to wait for `inputs`, each wanted by the caller during the call, with the payload
    /// that is in place now. Its old inputs have been let go.
    ///
    /// This is how one task is finished by another's result, how a task is tried again, and how an async task waits.
    /// If it was cancelled or lost its last want meanwhile, it is among `fx.unrun`.
    ///
    /// # Panics
    /// If it has had more than six inputs before, and these are more than those.
    pub fn rearm(&self, cache: &mut Cache, index: u32, inputs: &[u32], fx: &mut Effects) -> Born {
        let node = self.node(index);
        node.cold.set_inputs(inputs);
        node.join.store(LINKING + inputs.len() as u32, Relaxed);
        if !self.stop_running(index) {
            fx.unrun.push(index);
        }
        self.link_all(cache, index, inputs, fx)
    }

    /// Gives RUNNING up. Not if the task was cancelled or lost its last want: then it is cancelled now, to be settled
    /// unrun.
    pub(super) fn stop_running(&self, index: u32) -> bool {
        let word = &self.node(index).word;
        let mut old = word.load(Acquire);
        loop {
            let stops = !has(old, CANCEL | CANCELLED);
            let new = if stops {
                old & !RUNNING
            } else {
                old | CANCELLED
            };
            match word.compare_exchange_weak(old, new, AcqRel, Acquire) {
                Ok(_) => return stops,
                Err(now) => old = now,
            }
        }
    }

    /// Lets the inputs of a running task go before it is finished, as [`rearm`](Self::rearm) needs.
    pub fn let_go(&self, index: u32, fx: &mut Effects) {
        let inputs = self.inputs(index);
        self.node(index).cold.clear_inputs();
        for input in inputs {
            self.drop_want(input, fx);
        }
    }
}
