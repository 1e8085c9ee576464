//! Names of tasks: each text once, a number in the node.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::RwLock;

use super::Engine;
use super::job;
use super::local::Local;
#[cfg(feature = "task")]
use crate::call::generated::Info;
use crate::transition::TaskName;

/// The names of an engine's tasks; number 0 is a task without one.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Names {
    /// The number of a name.
    pub(crate) fn number_of(&self, name: &str) -> u32 {
        self.number(name).1
    }

    fn number(&self, name: &str) -> (Arc<str>, u32) {
        if let Some((text, &number)) = self.0.read().numbers.get_key_value(name) {
            return (Arc::clone(text), number);
        }
        let table = &mut *self.0.write();
        let next = table.texts.len() as u32 + 1;
        let text: Arc<str> = name.into();
        let number = *table.numbers.entry(Arc::clone(&text)).or_insert(next);
        if number == next {
            table.texts.push(Arc::clone(&text));
        }
        (text, number)
    }

    /// All names, in the order of their numbers.
    pub(super) fn texts(&self) -> Vec<Arc<str>> {
        self.0.read().texts.clone()
    }

    /// The name of this number, or what stands for it.
    pub(crate) fn text_or(&self, number: u32, other: impl FnOnce() -> String) -> String {
        self.text(number)
            .map_or_else(other, |text| text.to_string())
    }

    pub(super) fn text(&self, number: u32) -> Option<Arc<str>> {
        let place = (number as usize).checked_sub(1)?;
        self.0.read().texts.get(place).cloned()
    }
}

impl Local {
    /// The number of a name. A program submits many tasks of one name, so each thread remembers its last.
    #[inline]
    pub(crate) fn name_number(&self, name: &str) -> u32 {
        let last = self.last_name.borrow();
        if *last.0 == *name && last.1 != 0 {
            return last.1;
        }
        drop(last);
        self.other_name(name)
    }

    #[cold]
    fn other_name(&self, name: &str) -> u32 {
        let found = self.engine.names.number(name);
        let number = found.1;
        self.last_name.replace(found);
        number
    }
}

/// Of how many functions a thread remembers the number of the name.
#[cfg(feature = "task")]
pub(super) const FUNCTIONS: usize = 8;

#[cfg(feature = "task")]
impl Local {
    /// The number of a function's name. What is known of a function is a static, so its address tells it from others.
    #[inline]
    pub(crate) fn function_number(&self, function: &'static Info) -> u32 {
        let address = std::ptr::from_ref(function) as usize;
        // A static of this size is on an address of its own in steps of 64 at least.
        let last = &self.last_functions[address / 64 % FUNCTIONS];
        let (of, number) = last.get();
        if of == address {
            return number;
        }
        let number = self.engine.names.number_of(function.name);
        last.set((address, number));
        number
    }
}

impl Engine {
    /// The name of a pinned task: as given, or its closure's type.
    pub(crate) fn name(&self, index: u32) -> String {
        self.names.text_or(self.graph.name(index), || {
            job::type_name(&self.graph, index).to_owned()
        })
    }

    /// As [`name`](Self::name), without a copy of the text.
    pub(super) fn shared_name(&self, index: u32) -> TaskName {
        match self.names.text(self.graph.name(index)) {
            Some(text) => TaskName::Given(text),
            None => TaskName::Type(job::type_name(&self.graph, index)),
        }
    }
}
