//! Things by name and by number. Numbers are never used again, so a thing that was deleted stays closed for who had it open.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::item::Item;
use crate::driver::{Refusal, Told};
use crate::{Barrier, Client, Event, NameError, Queue, Semaphore, StartError, Topic, Variable};

/// Things that may have names at once, and handles that may be published.
const MOST: usize = 1 << 20;

/// What stands for an item in the things of this process.
pub(super) type Shared = Arc<Item>;

#[derive(Clone, Debug)]
pub(super) enum Thing {
    Queue(Queue<Shared>),
    Variable(Variable<Shared>),
    Topic(Topic<Shared>),
    Semaphore(Semaphore),
    Event(Event),
    Barrier(Barrier),
}

/// Kinds have names of their own each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Queue,
    Variable,
    Topic,
    Semaphore,
    Event,
    Barrier,
}

/// What is asked of a name.
pub(super) struct Wanted {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The type that it is to hold.
    pub(super) holds: String,
    /// The capacity, the permits, the parties.
    pub(super) number: usize,
}

struct Named {
    thing: Thing,
    wanted: Wanted,
}

/// All of them.
pub(super) struct Things {
    pub(super) client: Client,
    numbers: HashMap<(Kind, String), u64>,
    named: HashMap<u64, Named>,
    last: u64,
    published: BTreeMap<String, (String, Shared)>,
}

impl Things {
    pub(super) fn new() -> Result<Self, StartError> {
        // It runs no tasks. That nothing moves while many wait is what they are for.
        let client = Client::builder().threads(1).on_stall(|_| {});
        Ok(Self {
            client: client.thread_name("tenter-coordinator").build()?,
            numbers: HashMap::new(),
            named: HashMap::new(),
            last: 0,
            published: BTreeMap::new(),
        })
    }

    /// The thing of this number, unless it was deleted.
    pub(super) fn get(&self, number: u64) -> Option<&Thing> {
        self.named.get(&number).map(|named| &named.thing)
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.named.contains_key(&number)
    }

    pub(super) fn is_name(&self, kind: Kind, name: String) -> bool {
        self.numbers.contains_key(&(kind, name))
    }

    /// The number of the thing of this name, which is made if there is none.
    pub(super) fn open(&mut self, wanted: Wanted) -> Told {
        let key = (wanted.kind, wanted.name.clone());
        if let Some(&thing) = self.numbers.get(&key) {
            let refusal = self
                .named
                .get(&thing)
                .and_then(|it| it.wanted.refuse(&wanted));
            return refusal.map_or(Told::Opened { thing }, Told::Refused);
        }
        if self.named.len() >= MOST {
            return too_many();
        }
        match wanted.make(&self.client) {
            Ok(thing) => {
                self.last += 1;
                self.numbers.insert(key, self.last);
                self.named.insert(self.last, Named { thing, wanted });
                Told::Opened { thing: self.last }
            }
            Err(NameError::Closed) => Told::Refused(Refusal::Closed),
            Err(error) => Told::Nonsense(error.to_string()),
        }
    }

    pub(super) fn delete(&mut self, number: u64) {
        let Some(Named { thing, wanted }) = self.named.remove(&number) else {
            return;
        };
        self.numbers.remove(&(wanted.kind, wanted.name));
        match thing {
            Thing::Queue(queue) => queue.delete(),
            Thing::Variable(variable) => variable.delete(),
            Thing::Topic(topic) => topic.delete(),
            Thing::Semaphore(semaphore) => semaphore.delete(),
            Thing::Event(event) => event.delete(),
            Thing::Barrier(barrier) => barrier.delete(),
        }
    }

    pub(super) fn publish(
        &mut self,
        name: String,
        holds: String,
        replaces: bool,
        item: Shared,
    ) -> Told {
        match self.published.contains_key(&name) {
            true if !replaces => return Told::Refused(Refusal::Taken),
            false if self.published.len() >= MOST => return too_many(),
            true | false => {}
        }
        self.published.insert(name, (holds, item));
        Told::Done
    }

    pub(super) fn published(&self, name: &str, asked: &str) -> Result<Shared, Refusal> {
        let (holds, item) = self.published.get(name).ok_or(Refusal::Unknown)?;
        if holds == asked {
            return Ok(Arc::clone(item));
        }
        Err(Refusal::OtherType {
            holds: holds.clone(),
        })
    }

    pub(super) fn unpublish(&mut self, name: &str) -> bool {
        self.published.remove(name).is_some()
    }

    pub(super) fn published_names(&self) -> Vec<String> {
        self.published.keys().cloned().collect()
    }
}

fn too_many() -> Told {
    Told::Nonsense(format!("there are {MOST} names already: delete some"))
}

impl Wanted {
    fn make(&self, client: &Client) -> Result<Thing, NameError> {
        let Self { name, number, .. } = self;
        Ok(match self.kind {
            Kind::Queue => Thing::Queue(client.queue(name, *number)?),
            Kind::Variable => Thing::Variable(client.variable(name)?),
            Kind::Topic => Thing::Topic(client.topic(name)?),
            Kind::Semaphore => Thing::Semaphore(client.semaphore(name, *number)?),
            Kind::Event => Thing::Event(client.event(name)),
            Kind::Barrier => Thing::Barrier(client.barrier(name, *number)?),
        })
    }

    /// Why what was made for this is not what is wanted now.
    fn refuse(&self, now: &Self) -> Option<Refusal> {
        let has = self.number as u64;
        if self.holds != now.holds {
            let holds = self.holds.clone();
            return Some(Refusal::OtherType { holds });
        }
        (self.number != now.number).then_some(match self.kind {
            Kind::Queue => Refusal::OtherCapacity { has },
            _ => Refusal::OtherNumber { has },
        })
    }
}

impl fmt::Debug for Things {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Things")
            .field("named", &self.named.len())
            .field("published", &self.published.len())
            .finish_non_exhaustive()
    }
}
