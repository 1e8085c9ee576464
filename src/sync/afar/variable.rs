//! A variable that somebody elsewhere has.

use std::time::Instant;

use super::{Answer, Ask, Codec, FarThing, Link, Names, Told};
use crate::error::{NameError, WaitError};

/// A variable that somebody elsewhere has.
pub(in crate::sync) struct FarVariable<T> {
    pub(in crate::sync) thing: FarThing,
    codec: Codec<T>,
}

impl<T> FarVariable<T> {
    pub(in crate::sync) fn open(
        link: Link,
        codec: Codec<T>,
        name: &str,
    ) -> Result<Self, NameError> {
        let names = Names::holding::<T>("variable", name);
        let ask = Ask::Variable {
            name: name.to_owned(),
            holds: names.holds.to_owned(),
        };
        Ok(Self {
            thing: FarThing::open(link, &names, ask)?,
            codec,
        })
    }

    pub(in crate::sync) fn set(&self, value: &T) -> Result<(), WaitError> {
        let variable = self.thing.number;
        let value = self.codec.pack(value)?;
        self.thing
            .wait(None, Ask::Set { variable }, Some(value))?
            .done()
    }

    /// The value and its version, once that is past `since`.
    pub(in crate::sync) fn changed(
        &self,
        since: u64,
        waits: bool,
        deadline: Option<Instant>,
    ) -> Result<(T, u64), WaitError> {
        self.value(self.thing.wait(deadline, self.ask(since, waits), None)?)
    }

    pub(in crate::sync) async fn changed_async(&self, since: u64) -> Result<(T, u64), WaitError> {
        self.value(self.thing.link.come(self.ask(since, true), None).await?)
    }

    fn ask(&self, since: u64, waits: bool) -> Ask {
        Ask::Changed {
            variable: self.thing.number,
            since,
            waits,
        }
    }

    fn value(&self, answer: Answer) -> Result<(T, u64), WaitError> {
        let Answer { told, items, grip } = answer;
        match (told, items.first()) {
            (Told::Value { version }, Some(item)) => {
                let value = self.codec.unpack(item);
                grip.into_iter().for_each(super::Grip::keep);
                Ok((value?, version))
            }
            (told, _) => Err(told.into_error()),
        }
    }

    pub(in crate::sync) fn version(&self) -> u64 {
        let variable = self.thing.number;
        match self.thing.look(Ask::Version { variable }) {
            Some(Told::Number(version)) => version,
            _ => 0,
        }
    }
}

impl<T> Clone for FarVariable<T> {
    fn clone(&self) -> Self {
        Self {
            thing: self.thing.clone(),
            ..*self
        }
    }
}
