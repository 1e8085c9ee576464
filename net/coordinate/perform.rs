//! An ask, done with a thing of this process.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::gift::Gift;
use super::item::Item;
use super::things::{Kind, Shared, Thing, Wanted};
use super::{Coordinator, Key, Outcome, Wait};
use crate::driver::{Ask, Refusal, Told, message_at, missing, next_number};
use crate::{Event, Message, PutError, Queue, Semaphore, Topic, Variable, WaitError};

/// Bytes of items in one answer, past which no other is added.
const ENOUGH: usize = 16 << 20;

impl Coordinator {
    /// What comes of an ask, in its own time.
    pub(super) fn perform(&mut self, key: Key, ask: Ask, item: Option<Item>) -> Wait {
        match ask {
            Ask::Queue { .. }
            | Ask::Variable { .. }
            | Ask::Topic { .. }
            | Ask::Semaphore { .. }
            | Ask::Event { .. }
            | Ask::Barrier { .. } => now(self.open(ask)),
            Ask::Delete { thing } => {
                self.things.delete(thing);
                now(Told::Done)
            }
            Ask::Publish { .. }
            | Ask::Published { .. }
            | Ask::Unpublish { .. }
            | Ask::PublishedNames => Box::pin(ready(self.of_published(ask, item))),
            Ask::Put { .. } | Ask::Get { .. } | Ask::Look { .. } | Ask::Close { .. } => {
                self.of_queue(ask, item)
            }
            Ask::Set { .. } | Ask::Changed { .. } | Ask::Version { .. } => {
                self.of_variable(ask, item)
            }
            Ask::Lock { names, need, waits } => self.lock(names, need, waits),
            Ask::IsLocked { name } => now(Told::Flag(self.things.client.lock(&name).is_locked())),
            Ask::Acquire { .. } | Ask::Release { .. } | Ask::Available { .. } => {
                self.of_semaphore(ask)
            }
            Ask::Signal { .. } | Ask::IsSet { .. } | Ask::Await { .. } => self.of_event(ask),
            Ask::Arrive { .. } | Ask::Waiting { .. } => self.of_barrier(ask),
            Ask::Tell { .. }
            | Ask::Subscribe { .. }
            | Ask::History { .. }
            | Ask::Subscribers { .. }
            | Ask::IsTopic { .. } => Box::pin(ready(self.of_topic(ask, item))),
            Ask::Message {
                subscriber,
                from,
                waits,
            } => self.message(key, subscriber, from, waits),
            Ask::Cancel | Ask::Keep | Ask::Return | Ask::Forget => now(nonsense()),
        }
    }

    fn open(&mut self, ask: Ask) -> Told {
        let (kind, name, holds, number) = match ask {
            Ask::Queue {
                name,
                holds,
                capacity,
            } => (Kind::Queue, name, holds, capacity),
            Ask::Variable { name, holds } => (Kind::Variable, name, holds, 0),
            Ask::Topic { name, holds } => (Kind::Topic, name, holds, 0),
            Ask::Semaphore { name, permits } => (Kind::Semaphore, name, String::new(), permits),
            Ask::Event { name } => (Kind::Event, name, String::new(), 0),
            Ask::Barrier { name, parties } => (Kind::Barrier, name, String::new(), parties),
            _ => return nonsense(),
        };
        let number = size(number);
        self.things.open(Wanted {
            kind,
            name,
            holds,
            number,
        })
    }

    fn of_published(&mut self, ask: Ask, item: Option<Item>) -> Outcome {
        Outcome::of(match (ask, item) {
            (
                Ask::Publish {
                    name,
                    holds,
                    replaces,
                },
                Some(item),
            ) => self.things.publish(name, holds, replaces, Arc::new(item)),
            (Ask::Published { name, holds }, _) => match self.things.published(&name, &holds) {
                Ok(item) => return shown(Told::Items, vec![item]),
                Err(refusal) => Told::Refused(refusal),
            },
            (Ask::Unpublish { name }, _) => Told::Flag(self.things.unpublish(&name)),
            (Ask::PublishedNames, _) => Told::Texts(self.things.published_names()),
            _ => nonsense(),
        })
    }

    fn of_queue(&self, ask: Ask, item: Option<Item>) -> Wait {
        let (Ask::Put { queue: number, .. }
        | Ask::Get { queue: number, .. }
        | Ask::Look { queue: number }
        | Ask::Close { queue: number }) = ask
        else {
            return now(nonsense());
        };
        let queue = match self.things.get(number) {
            Some(Thing::Queue(queue)) => queue.clone(),
            other => return now(gone_or_other(other)),
        };
        match (ask, item) {
            (Ask::Put { waits: true, .. }, Some(item)) => Box::pin(async move {
                let put = queue.put_async(Arc::new(item)).await;
                Outcome::of(done(put.map_err(WaitError::from)))
            }),
            (Ask::Put { .. }, Some(item)) => {
                let put = queue.try_put(Arc::new(item));
                now(done(put.map_err(|refused: PutError<_>| refused.into())))
            }
            (Ask::Get { most, waits, .. }, _) => Box::pin(get(number, queue, size(most), waits)),
            (Ask::Look { .. }, _) => now(Told::Queue {
                len: queue.len() as u64,
                closed: queue.is_closed(),
            }),
            (Ask::Close { .. }, _) => {
                queue.close();
                now(Told::Done)
            }
            _ => now(nonsense()),
        }
    }

    fn of_variable(&self, ask: Ask, item: Option<Item>) -> Wait {
        let (Ask::Set { variable: number }
        | Ask::Changed {
            variable: number, ..
        }
        | Ask::Version { variable: number }) = ask
        else {
            return now(nonsense());
        };
        let variable = match self.things.get(number) {
            Some(Thing::Variable(variable)) => variable.clone(),
            other => return now(gone_or_other(other)),
        };
        match (ask, item) {
            (Ask::Set { .. }, Some(item)) => now(done(variable.set(Arc::new(item)))),
            (Ask::Changed { since, waits, .. }, _) => Box::pin(changed(variable, since, waits)),
            (Ask::Version { .. }, _) => now(Told::Number(variable.version())),
            _ => now(nonsense()),
        }
    }

    fn lock(&self, names: Vec<String>, need: u64, waits: bool) -> Wait {
        let locks = self.things.client.multi_lock(&names);
        let need = size(need);
        Box::pin(async move {
            let guard = match waits {
                true => locks.lock_any_async(need).await,
                false => locks.try_lock_any(need),
            };
            match guard {
                Err(error) => Outcome::of(ended(error)),
                Ok(guard) => {
                    let held = guard.names();
                    let place = |name| names.iter().position(|asked| asked == name);
                    let which = held.iter().filter_map(place).map(|at| at as u32).collect();
                    given(Told::Locked { which }, Gift::Locks(guard))
                }
            }
        })
    }

    fn of_semaphore(&self, ask: Ask) -> Wait {
        let (Ask::Acquire {
            semaphore: number, ..
        }
        | Ask::Release {
            semaphore: number, ..
        }
        | Ask::Available { semaphore: number }) = ask
        else {
            return now(nonsense());
        };
        let semaphore = match self.things.get(number) {
            Some(Thing::Semaphore(semaphore)) => semaphore.clone(),
            other => return now(gone_or_other(other)),
        };
        match ask {
            Ask::Acquire { permits, waits, .. } => {
                Box::pin(acquire(semaphore, size(permits), waits))
            }
            Ask::Release { permits, .. } => now(match semaphore.release(size(permits)) {
                Ok(()) => Told::Done,
                Err(error) => Told::NotMissing {
                    most: missing(&error) as u64,
                },
            }),
            _ => now(Told::Number(semaphore.available() as u64)),
        }
    }

    fn of_event(&self, ask: Ask) -> Wait {
        let (Ask::Signal { event: number, .. }
        | Ask::IsSet { event: number }
        | Ask::Await { event: number }) = ask
        else {
            return now(nonsense());
        };
        let event = match self.things.get(number) {
            Some(Thing::Event(event)) => event.clone(),
            other => return now(gone_or_other(other)),
        };
        match ask {
            Ask::Signal { set, .. } => now(signal(&event, set)),
            Ask::IsSet { .. } => now(Told::Flag(event.is_set())),
            _ => Box::pin(async move { Outcome::of(done(event.wait_async().await)) }),
        }
    }

    fn of_barrier(&self, ask: Ask) -> Wait {
        let (Ask::Arrive { barrier: number } | Ask::Waiting { barrier: number }) = ask else {
            return now(nonsense());
        };
        let barrier = match self.things.get(number) {
            Some(Thing::Barrier(barrier)) => barrier.clone(),
            other => return now(gone_or_other(other)),
        };
        if matches!(ask, Ask::Waiting { .. }) {
            return now(Told::Number(barrier.waiting() as u64));
        }
        Box::pin(async move {
            Outcome::of(match barrier.wait_async().await {
                Ok(here) => Told::Met {
                    leader: here.is_leader(),
                    generation: here.generation(),
                },
                Err(error) => ended(error),
            })
        })
    }

    fn of_topic(&self, ask: Ask, item: Option<Item>) -> Outcome {
        let number = match ask {
            Ask::IsTopic { name } => {
                return Outcome::of(Told::Flag(self.things.is_name(Kind::Topic, name)));
            }
            Ask::Tell { topic }
            | Ask::Subscribe { topic, .. }
            | Ask::History { topic }
            | Ask::Subscribers { topic } => topic,
            _ => return Outcome::of(nonsense()),
        };
        let topic = match self.things.get(number) {
            Some(Thing::Topic(topic)) => topic,
            other => return Outcome::of(gone_or_other(other)),
        };
        match (ask, item) {
            (Ask::Tell { .. }, Some(item)) => Outcome::of(done(topic.publish(Arc::new(item)))),
            (Ask::Subscribe { buffer, .. }, _) => subscribe(topic, size(buffer)),
            (Ask::History { .. }, _) => messages(newest(topic.history())),
            (Ask::Subscribers { .. }, _) => Outcome::of(Told::Number(topic.subscribers() as u64)),
            _ => Outcome::of(nonsense()),
        }
    }

    fn message(&self, key: Key, subscriber: u64, from: u64, waits: bool) -> Wait {
        let Some(Gift::Subscriber(subscriber)) = self.gift(key, subscriber) else {
            return now(Told::Closed);
        };
        let message = message_at(subscriber, from, waits);
        Box::pin(async move {
            match message.await {
                Ok(message) => messages(vec![message]),
                Err(error) => Outcome::of(ended(error)),
            }
        })
    }
}

fn signal(event: &Event, set: bool) -> Told {
    match set {
        true => event.set(),
        false => event.clear(),
    }
    Told::Done
}

async fn get(number: u64, queue: Queue<Shared>, most: usize, waits: bool) -> Outcome {
    let first = match waits {
        true => queue.get_async().await,
        false => queue.try_get(),
    };
    let mut items = match first {
        Ok(first) => vec![first],
        Err(error) => return Outcome::of(ended(error)),
    };
    let mut bytes = items[0].bytes().len();
    while items.len() < most && bytes < ENOUGH {
        let Ok(next) = queue.try_get() else { break };
        bytes += next.bytes().len();
        items.push(next);
    }
    Outcome {
        told: Told::Items,
        gift: Some(Gift::Items(number, queue, items.clone())),
        items,
    }
}

async fn changed(variable: Variable<Shared>, since: u64, waits: bool) -> Outcome {
    let changed = if waits {
        variable.changed_async(since).await
    } else {
        let newer = variable.versioned().filter(|(_, version)| *version > since);
        newer.ok_or(WaitError::TimedOut)
    };
    match changed {
        Ok((item, version)) => shown(Told::Value { version }, vec![item]),
        Err(error) => Outcome::of(ended(error)),
    }
}

async fn acquire(semaphore: Semaphore, permits: usize, waits: bool) -> Outcome {
    let guard = match waits {
        true => semaphore.acquire_async(permits).await,
        false => semaphore.try_acquire(permits),
    };
    match guard {
        Ok(guard) => given(Told::Acquired, Gift::Permits(guard)),
        Err(error) => Outcome::of(ended(error)),
    }
}

fn subscribe(topic: &Topic<Shared>, buffer: usize) -> Outcome {
    match topic.subscribe(buffer) {
        Ok(subscriber) => {
            let next = next_number(&subscriber);
            given(Told::Subscribed { next }, Gift::Subscriber(subscriber))
        }
        Err(crate::NameError::Closed) => Outcome::of(Told::Refused(Refusal::Closed)),
        Err(error) => Outcome::of(Told::Nonsense(error.to_string())),
    }
}

/// The newest of these, as many as go into one answer: the last of them does.
fn newest(mut messages: Vec<Message<Shared>>) -> Vec<Message<Shared>> {
    let mut bytes = 0;
    let fits = |message: &&Message<Shared>| {
        let is_last = bytes == 0;
        bytes += message.bytes().len();
        is_last || bytes <= ENOUGH
    };
    let kept = messages.iter().rev().take_while(fits).count();
    messages.split_off(messages.len() - kept)
}

fn messages(messages: Vec<Message<Shared>>) -> Outcome {
    let of = |message: &Message<Shared>| {
        let since = message.at().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.as_ref().map_or(0, Duration::as_nanos);
        let at = u64::try_from(nanos).unwrap_or(u64::MAX);
        (message.number(), at, message.missed())
    };
    let told = Told::Messages {
        of: messages.iter().map(of).collect(),
    };
    let items = messages.iter().map(|message| Arc::clone(message));
    shown(told, items.collect())
}

/// Items that stay where they are.
fn shown(told: Told, items: Vec<Shared>) -> Outcome {
    Outcome {
        told,
        items,
        gift: None,
    }
}

fn given(told: Told, gift: Gift) -> Outcome {
    Outcome {
        gift: Some(gift),
        ..Outcome::of(told)
    }
}

fn now(told: Told) -> Wait {
    Box::pin(ready(Outcome::of(told)))
}

fn done(outcome: Result<(), WaitError>) -> Told {
    outcome.map_or_else(ended, |()| Told::Done)
}

fn ended(error: WaitError) -> Told {
    match error {
        WaitError::Closed => Told::Closed,
        WaitError::TimedOut => Told::TimedOut,
        WaitError::Empty => Told::Empty,
        WaitError::Full => Told::Full,
        other => Told::Nonsense(other.to_string()),
    }
}

/// Of a number under which there is no thing of the kind that the ask is for.
fn gone_or_other(found: Option<&Thing>) -> Told {
    found.map_or(Told::Closed, |_| nonsense())
}

fn nonsense() -> Told {
    Told::Nonsense("this cannot be asked of that".to_owned())
}

/// A number of something; more than fit in memory are as good as any other such number.
fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
