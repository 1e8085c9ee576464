//! What the scheduler knows of a task: the payload of its node in the graph.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::net::message::{Failure, Ticket};

/// Recipe, result and who waits for it. With the graph's own part a task has 192 bytes.
#[derive(Debug, Default)]
pub(super) struct Task {
    /// Its kind: the function, and how to run it.
    pub(super) kind: u32,
    /// The newest attempt.
    pub(super) attempt: u32,
    /// Who needs its data: tickets, dependents that are not settled, mentions. Not finished dependents that keep it as a part
    /// of their recipe.
    pub(super) users: u32,
    /// Attempts that have failed and were tried again.
    pub(super) failures: u16,
    /// Workers that have died while it ran there.
    pub(super) deaths: u8,
    pub(super) flags: u8,
    pub(super) args: Bytes,
    pub(super) value: Value,
    pub(super) wants: Wants,
    /// Where it was sent to, if it runs there.
    pub(super) at: Option<u32>,
}

const _: () = assert!(size_of::<Task>() <= 112, "two and a half cache lines");

/// Finished, and it keeps its inputs, so that it can run again.
pub(super) const KEEPS_INPUTS: u8 = 1;
/// It cannot run again: it was scattered, or has let its inputs go.
pub(super) const NO_RECIPE: u8 = 2;
/// It was submitted by a task.
pub(super) const INNER: u8 = 4;
/// It has mentions.
pub(super) const MENTIONS: u8 = 8;
/// It has an entry in the table of kins.
pub(super) const KEYED: u8 = 16;
/// It is on the list of those to be computed again.
pub(super) const REOPENING: u8 = 32;
/// It is data that a client scatters.
pub(super) const SCATTERED: u8 = 64;
/// How often its inputs could not be had, twice is too often: see `run.rs`.
pub(super) const MISSED: u8 = 128;

/// What has become of it.
#[derive(Debug, Default)]
pub(super) enum Value {
    /// Nothing yet, or it was let go.
    #[default]
    None,
    Inline(Bytes),
    Held(Box<Held>),
    Failed(Arc<Failure>),
}

impl Value {
    /// A result of so many bytes that stays on workers, before there is one that has it.
    pub(super) fn held(bytes: u64, is_actor: bool) -> Self {
        Self::Held(Box::new(Held {
            bytes,
            holders: SmallVec::new(),
            is_actor,
        }))
    }
}

/// A result that stays on workers.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: u64,
    /// Never empty.
    pub(super) holders: SmallVec<[u32; 4]>,
    /// It is an actor: it has one holder, and nobody else can have it.
    pub(super) is_actor: bool,
}

/// Whom to tell.
#[derive(Debug, Default)]
pub(super) enum Wants {
    #[default]
    None,
    One(u32, Ticket),
    #[expect(clippy::box_collection, reason = "rare, and the enum is to stay small")]
    Many(Box<Vec<(u32, Ticket)>>),
}

impl Wants {
    pub(super) fn add(&mut self, client: u32, ticket: Ticket) {
        match self {
            Self::None => *self = Self::One(client, ticket),
            &mut Self::One(first, its) => {
                *self = Self::Many(Box::new(vec![(first, its), (client, ticket)]));
            }
            Self::Many(wants) => wants.push((client, ticket)),
        }
    }

    pub(super) fn remove(&mut self, client: u32, ticket: Ticket) {
        match self {
            &mut Self::One(first, its) if (first, its) == (client, ticket) => *self = Self::None,
            Self::Many(wants) => {
                if let Some(at) = wants.iter().position(|&want| want == (client, ticket)) {
                    wants.swap_remove(at);
                }
            }
            Self::None | Self::One(..) => {}
        }
    }

    pub(super) fn list(&self) -> SmallVec<[(u32, Ticket); 2]> {
        match self {
            Self::None => SmallVec::new(),
            &Self::One(client, ticket) => SmallVec::from_slice(&[(client, ticket)]),
            Self::Many(wants) => SmallVec::from_slice(wants),
        }
    }
}

impl Task {
    #[inline]
    pub(super) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    #[inline]
    pub(super) fn set(&mut self, flag: u8, to: bool) {
        if to {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    /// Whether its result is an actor.
    pub(super) fn is_actor(&self) -> bool {
        matches!(&self.value, Value::Held(held) if held.is_actor)
    }

    pub(super) fn has_data(&self) -> bool {
        matches!(self.value, Value::Inline(_) | Value::Held(_))
    }
}
