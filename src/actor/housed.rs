//! Where an actor lives: what the task that makes one gives.

use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error as _, Serialize, Serializer};

use super::Actor;
use crate::elsewhere::RemoteId;
use crate::pool::local;

/// An actor, where it lives; or the name of that place.
pub struct Housed<S: Send + 'static>(pub(super) Home<S>);

pub(super) enum Home<S: Send + 'static> {
    Here(Actor<S>),
    There(ActorPlace),
}

/// The place of an actor that lives in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorPlace {
    /// The task that made it.
    pub task: RemoteId,
    /// In which attempt.
    pub attempt: u32,
    /// The worker that it lives on.
    pub worker: u32,
    /// Where that can be reached.
    pub address: String,
}

/// How a place is encoded: task, attempt, worker and address.
type Written = (u32, u32, u32, u32, String);

/// Starts an actor with this state, for the task that has made it.
pub fn house<S: Send + 'static>(state: S) -> Housed<S> {
    let local = local::current().expect("what makes an actor runs as a task");
    let name = local
        .engine
        .names
        .number_of(&local.engine.name(local.task.get()));
    Housed(Home::Here(Actor::start(&local.engine, name, state)))
}

impl<S: Send + 'static> Housed<S> {
    /// The actor, if it lives here.
    pub(crate) fn here(&self) -> Option<&Actor<S>> {
        match &self.0 {
            Home::Here(actor) => Some(actor),
            Home::There(_) => None,
        }
    }
}

impl ActorPlace {
    /// As the value of the task that made it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let RemoteId { slot, generation } = self.task;
        let written = (slot, generation, self.attempt, self.worker, &self.address);
        postcard::to_allocvec(&written).expect("numbers and a text can be encoded")
    }
}

/// Never: an actor stays where it is.
impl<S: Send + 'static> Serialize for Housed<S> {
    fn serialize<Z: Serializer>(&self, _: Z) -> Result<Z::Ok, Z::Error> {
        Err(Z::Error::custom(
            "an actor of this process cannot be called from others: have a worker make it, with a call of a `#[task(actor)]` function",
        ))
    }
}

/// Of the name of its place.
impl<'de, S: Send + 'static> Deserialize<'de> for Housed<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (slot, generation, attempt, worker, address) = Written::deserialize(deserializer)?;
        Ok(Self(Home::There(ActorPlace {
            task: RemoteId { slot, generation },
            attempt,
            worker,
            address,
        })))
    }
}

impl<S: Send + 'static> fmt::Debug for Housed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Home::Here(actor) => actor.fmt(f),
            Home::There(place) => place.fmt(f),
        }
    }
}
