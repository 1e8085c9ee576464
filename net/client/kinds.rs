//! The numbers of functions and of kinds of tasks: what repeats is sent once.

use hashbrown::HashMap;

use crate::ErrorKind;
use crate::driver::{Gone, Landing, Manner, Special};
use crate::net::message::{Define, FromClient, FunctionInfo, KindOfTask};

/// Kinds that are told apart by name and place. A program that gives each task a name of its own would have as many as tasks;
/// beyond this many, new ones are known by their function's name alone.
const NAMED: u32 = 60_000;

/// Kinds that a scheduler takes of one client.
const MOST: u32 = 65_000;

#[derive(Debug, Default)]
pub(super) struct Kinds {
    functions: HashMap<(&'static str, u64), u32>,
    manners: HashMap<Manner, u32>,
    /// The newest of these that was asked for: many calls in a row are of one kind.
    last: Option<(Manner, u32)>,
    /// Those without a name and a place.
    plain: HashMap<KindOfTask, u32>,
    count: u32,
}

/// There are more kinds of tasks than a scheduler takes.
const TOO_MANY: &str = "it is of one kind of task too many for one client: 65,000 combinations of function, priority, timeout, resources and hosts were used";

impl Kinds {
    /// The number of the kind of such calls, one of which is to land there. Defines what is new by `say`.
    ///
    /// # Errors
    /// If there are too many.
    #[inline]
    pub(super) fn number(
        &mut self,
        manner: &Manner,
        landing: &Landing,
        say: impl FnMut(FromClient),
    ) -> Result<u32, Gone> {
        if let Some((last, number)) = &self.last
            && last == manner
        {
            return Ok(*number);
        }
        let Some(&number) = self.manners.get(manner) else {
            return self.define(manner, landing, say);
        };
        self.last = Some((manner.clone(), number));
        Ok(number)
    }

    #[cold]
    fn define(
        &mut self,
        manner: &Manner,
        landing: &Landing,
        mut say: impl FnMut(FromClient),
    ) -> Result<u32, Gone> {
        let function = self.function(manner, &mut say);
        let mut kind = kind_of(manner, function);
        if self.count >= NAMED {
            if let Some(&number) = self.plain.get(&kind) {
                return Ok(number);
            }
        } else {
            let name = landing.name();
            kind.name = if name == manner.function() {
                String::new()
            } else {
                name
            };
            kind.submitted_at = manner.location().to_string();
        }
        if self.count >= MOST {
            return Err(Gone {
                kind: ErrorKind::Failed,
                text: TOO_MANY.into(),
            });
        }
        let number = self.count;
        self.count += 1;
        if number >= NAMED {
            self.plain.insert(kind.clone(), number);
        } else {
            self.manners.insert(manner.clone(), number);
        }
        say(FromClient::Define(Define::Kind(Box::new(kind))));
        Ok(number)
    }

    fn function(&mut self, manner: &Manner, say: &mut impl FnMut(FromClient)) -> u32 {
        let next = self.functions.len() as u32;
        let key = (manner.function(), manner.signature_hash());
        *self.functions.entry(key).or_insert_with(|| {
            say(FromClient::Define(Define::Function(FunctionInfo {
                name: key.0.to_owned(),
                signature: key.1,
            })));
            next
        })
    }
}

/// The kind of such calls, without a name and a place.
fn kind_of(manner: &Manner, function: u32) -> KindOfTask {
    let special = manner.special.as_deref().cloned().unwrap_or_default();
    let Special {
        retries,
        timeout,
        pool,
        resources,
        on,
        prefer,
    } = special;
    // Less than a millisecond is not without limit.
    let timeout_ms = timeout.map_or(0, |limit| {
        u64::try_from(limit.as_micros().div_ceil(1000))
            .unwrap_or(0)
            .max(1)
    });
    KindOfTask {
        function,
        priority: manner.priority,
        pure: manner.pure,
        retries,
        timeout_ms,
        pool: pool.unwrap_or_default(),
        resources,
        on,
        prefer,
        ..KindOfTask::default()
    }
}
