//! Handles shared by name.

use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;

use super::afar::{Answer, Ask, Codec, Grip, Link, Names, Told};
use super::known;
use crate::client::Client;
use crate::error::NameError;
use crate::future::TaskFuture;
use crate::place::Carried;
use crate::pool::run::guarded;

/// The handles that an engine's clients have published. They are dropped outside of the lock.
#[derive(Default)]
pub(crate) struct Published(Mutex<Table>);

#[derive(Default)]
struct Table {
    entries: BTreeMap<Box<str>, Entry>,
    closed: bool,
}

struct Entry {
    handle: Box<dyn Any + Send + Sync>,
    holds: &'static str,
}

impl<P> Client<P> {
    /// Publishes a handle under a name, for every clone of this client and every task to ask for.
    ///
    /// It keeps its task until it is [unpublished](Self::unpublish), replaced, or the client is restarted or closed.
    /// Any handle will do, also of a task that is not settled or that has failed.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// client.publish("mask", client.scatter(vec![true, false]))?;
    /// let size = client.try_submit(|| {
    ///     let mask = tenter::current().published::<Vec<bool>>("mask")?;
    ///     Ok::<_, tenter::TaskError>(mask.result()?.len())
    /// });
    /// assert_eq!(*size.result()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `Taken` if something is published under the name, or `Closed`; the handle is dropped.
    pub fn publish<T: Send + Sync + 'static>(
        &self,
        name: &str,
        handle: TaskFuture<T>,
    ) -> Result<(), NameError>
    where
        TaskFuture<T>: Carried<P>,
    {
        match Link::of(self.engine()) {
            Some(link) => Far::new::<P>(link, name)?.publish(&handle, false),
            None => self.engine().published.add(name, Entry::new(handle)),
        }
    }

    /// As [`publish`](Self::publish), and replaces what is published under the name, whatever its type; that is dropped.
    ///
    /// # Errors
    /// `Closed`; the handle is dropped.
    pub fn republish<T: Send + Sync + 'static>(
        &self,
        name: &str,
        handle: TaskFuture<T>,
    ) -> Result<(), NameError>
    where
        TaskFuture<T>: Carried<P>,
    {
        match Link::of(self.engine()) {
            Some(link) => Far::new::<P>(link, name)?.publish(&handle, true),
            None => self.engine().published.replace(name, Entry::new(handle)),
        }
    }

    /// A handle of the task that is published under the name.
    ///
    /// # Errors
    /// `Unknown` if nothing is, `OtherType` if its result is no `T`, or `Closed`.
    pub fn published<T: Send + Sync + 'static>(
        &self,
        name: &str,
    ) -> Result<TaskFuture<T>, NameError>
    where
        TaskFuture<T>: Carried<P>,
    {
        match Link::of(self.engine()) {
            Some(link) => Far::new::<P>(link, name)?.find(),
            None => self.engine().published.find(name),
        }
    }

    /// Drops the handle that is published under the name. Says whether one was.
    pub fn unpublish(&self, name: &str) -> bool {
        let Some(link) = Link::of(self.engine()) else {
            return self.engine().published.remove(name);
        };
        let ask = Ask::Unpublish {
            name: name.to_owned(),
        };
        let answer = Names::new("published handle", name).ask(&link, ask, None);
        answer.is_ok_and(|answer| answer.told == Told::Flag(true))
    }

    /// The names under which something is published, in their order.
    pub fn published_names(&self) -> Vec<String> {
        let Some(link) = Link::of(self.engine()) else {
            return self.engine().published.names();
        };
        match link.wait(&"published handles".into(), None, Ask::PublishedNames, None) {
            Ok(Answer {
                told: Told::Texts(names),
                ..
            }) => names,
            _ => Vec::new(),
        }
    }
}

/// A name where others publish too.
struct Far<'n, T> {
    link: Link,
    names: Names<'n>,
    codec: Codec<TaskFuture<T>>,
}

impl<'n, T: Send + Sync + 'static> Far<'n, T> {
    fn new<P>(link: Link, name: &'n str) -> Result<Self, NameError>
    where
        TaskFuture<T>: Carried<P>,
    {
        Ok(Self {
            link,
            names: Names::holding::<T>("published handle", name),
            codec: known(<TaskFuture<T> as Carried<P>>::codec, name)?,
        })
    }

    fn publish(&self, handle: &TaskFuture<T>, replaces: bool) -> Result<(), NameError> {
        let ask = Ask::Publish {
            name: self.names.name.to_owned(),
            holds: self.names.holds.to_owned(),
            replaces,
        };
        let packed = self.codec.pack(handle);
        let packed = packed.map_err(|error| self.names.not_asked(error))?;
        let answer = self.names.ask(&self.link, ask, Some(packed))?;
        answer.done().map_err(|error| self.names.not_asked(error))
    }

    fn find(&self) -> Result<TaskFuture<T>, NameError> {
        let ask = Ask::Published {
            name: self.names.name.to_owned(),
            holds: self.names.holds.to_owned(),
        };
        let Answer { told, items, grip } = self.names.ask(&self.link, ask, None)?;
        let handle = match items.first() {
            Some(item) => self.codec.unpack(item),
            None => Err(told.into_error()),
        };
        grip.into_iter().for_each(Grip::keep);
        handle.map_err(|error| self.names.not_asked(error))
    }
}

impl Entry {
    fn new<T: Send + Sync + 'static>(handle: TaskFuture<T>) -> Self {
        Self {
            handle: Box::new(handle),
            holds: type_name::<T>(),
        }
    }
}

impl Published {
    fn add(&self, name: &str, entry: Entry) -> Result<(), NameError> {
        let mut table = self.open()?;
        if table.entries.contains_key(name) {
            let name = name.to_owned();
            return Err(NameError::Taken { name });
        }
        table.entries.insert(name.into(), entry);
        Ok(())
    }

    fn replace(&self, name: &str, entry: Entry) -> Result<(), NameError> {
        let old = self.open()?.entries.insert(name.into(), entry);
        drop(old);
        Ok(())
    }

    fn find<T: Send + Sync + 'static>(&self, name: &str) -> Result<TaskFuture<T>, NameError> {
        let table = self.open()?;
        let Some(Entry { handle, holds }) = table.entries.get(name) else {
            let name = name.to_owned();
            return Err(NameError::Unknown { name });
        };
        let handle = handle.downcast_ref::<TaskFuture<T>>();
        handle.cloned().ok_or_else(|| NameError::OtherType {
            name: name.to_owned(),
            holds: (*holds).into(),
            asked: type_name::<T>(),
        })
    }

    fn remove(&self, name: &str) -> bool {
        let entry = self.0.lock().entries.remove(name);
        entry.is_some()
    }

    fn names(&self) -> Vec<String> {
        let table = self.0.lock();
        table.entries.keys().map(|name| name.to_string()).collect()
    }

    /// Drops every handle.
    pub(crate) fn clear(&self) {
        let entries = std::mem::take(&mut self.0.lock().entries);
        for (_, entry) in entries {
            let _ = guarded(|| drop(entry));
        }
    }

    /// As [`clear`](Self::clear), and takes no more.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
        self.clear();
    }

    fn open(&self) -> Result<parking_lot::MutexGuard<'_, Table>, NameError> {
        let table = self.0.lock();
        if table.closed {
            Err(NameError::Closed)
        } else {
            Ok(table)
        }
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Published").field(&self.names()).finish()
    }
}
