//! What repeats, kept once: functions, resources, kinds of tasks, and what a kind requires of a worker.

use std::collections::BTreeMap;

use slab::Slab;

use super::lanes::Lanes;
use crate::net::message::{FunctionInfo, KindOfTask};

/// A function that somebody has named.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) info: FunctionInfo,
    /// How long it takes, on average; `None` before the first has ended.
    mean_us: Option<f32>,
    /// Workers that have it.
    pub(super) workers: u32,
    /// Some worker had it.
    pub(super) is_known: bool,
}

/// How long a task is thought to take before one of its function has ended.
const UNKNOWN_US: u32 = 1000;
/// How much a new measurement counts.
const WEIGHT: f32 = 0.2;

impl Function {
    #[inline]
    pub(super) fn cost_us(&self) -> u32 {
        self.mean_us.map_or(UNKNOWN_US, |mean| mean as u32)
    }

    #[inline]
    pub(super) fn measure(&mut self, run_us: u32) {
        let run = run_us as f32;
        self.mean_us = Some(
            self.mean_us
                .map_or(run, |mean| mean + WEIGHT * (run - mean)),
        );
    }
}

/// A kind of tasks, of one client.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) info: KindOfTask,
    pub(super) function: u32,
    /// Whose: recipes are kept on its account.
    pub(super) client: u32,
    /// Tasks of it, and one while the client is there.
    pub(super) users: u64,
    /// Its resources by the scheduler's numbers.
    pub(super) resources: Vec<(u32, u64)>,
}

/// What a task requires of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needs {
    /// A function that not every worker has.
    pub(super) function: Option<u32>,
    pub(super) on: Vec<String>,
    pub(super) resources: Vec<(u32, u64)>,
}

/// Tasks that require the same, and who meets that.
#[derive(Debug, Default)]
pub(super) struct Requirement {
    pub(super) needs: Needs,
    pub(super) queue: Lanes,
    /// Who meets it, whether or not there is room. Not kept of requirement 0, which everyone meets.
    pub(super) workers: Vec<u32>,
    /// Since when tasks are waiting and nobody meets it.
    pub(super) unmet_since_us: Option<u64>,
}

/// The requirement of most tasks: none.
pub(super) const NONE: u32 = 0;
/// A resource that every worker has one of: a task that has been where workers died runs beside no other such, see `run.rs`.
pub(super) const LAST_CHANCE: u32 = 0;

/// Everything that is interned. Kinds go with the last who uses them; functions, resources and requirements that nobody uses
/// are swept out when they have become many, see `sweep.rs`.
#[derive(Debug)]
pub(super) struct Kinds {
    pub(super) functions: Slab<Function>,
    pub(super) function_numbers: BTreeMap<FunctionInfo, u32>,
    pub(super) resource_numbers: BTreeMap<String, u32>,
    pub(super) resource_names: Slab<String>,
    pub(super) kinds: Slab<Kind>,
    pub(super) requirements: Slab<Requirement>,
    pub(super) requirement_numbers: BTreeMap<Needs, u32>,
}

impl Kinds {
    pub(super) fn new() -> Self {
        let (mut resource_names, mut requirements) = (Slab::new(), Slab::new());
        let last_chance = resource_names.insert(String::new());
        let none = requirements.insert(Requirement::default());
        debug_assert_eq!((last_chance, none), (LAST_CHANCE as usize, NONE as usize));
        Self {
            functions: Slab::new(),
            function_numbers: BTreeMap::new(),
            resource_numbers: BTreeMap::from([(String::new(), LAST_CHANCE)]),
            resource_names,
            kinds: Slab::new(),
            requirements,
            requirement_numbers: BTreeMap::from([(Needs::default(), NONE)]),
        }
    }

    pub(super) fn function(&mut self, info: &FunctionInfo) -> u32 {
        if let Some(&number) = self.function_numbers.get(info) {
            return number;
        }
        let number = self.functions.insert(Function {
            info: info.clone(),
            mean_us: None,
            workers: 0,
            is_known: false,
        }) as u32;
        self.function_numbers.insert(info.clone(), number);
        number
    }

    pub(super) fn resource(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.resource_numbers.get(name) {
            return number;
        }
        let number = self.resource_names.insert(name.to_owned()) as u32;
        self.resource_numbers.insert(name.to_owned(), number);
        number
    }

    /// What people call a function.
    pub(super) fn function_name(&self, number: u32) -> &str {
        &self.functions[number as usize].info.name
    }

    /// How many things are kept that a sweep could find unused.
    pub(super) fn swept_len(&self) -> usize {
        self.functions.len() + self.resource_names.len() + self.requirements.len()
    }

    pub(super) fn resource_name(&self, number: u32) -> &str {
        &self.resource_names[number as usize]
    }

    /// Enters a kind for a client, which uses it from now on.
    pub(super) fn add(&mut self, client: u32, function: u32, info: KindOfTask) -> u32 {
        let resources = info.resources.iter();
        let resources = resources.map(|(name, amount)| (self.resource(name), *amount));
        let resources = resources.collect();
        let kind = Kind {
            info,
            function,
            client,
            users: 1,
            resources,
        };
        self.kinds.insert(kind) as u32
    }

    #[inline]
    pub(super) fn kind(&self, number: u32) -> &Kind {
        &self.kinds[number as usize]
    }

    #[inline]
    pub(super) fn retain(&mut self, number: u32) {
        if let Some(kind) = self.kinds.get_mut(number as usize) {
            kind.users += 1;
        }
    }

    /// One user less. Says whether it was the last, so that workers' numbers for it can be forgotten.
    #[inline]
    pub(super) fn release(&mut self, number: u32) -> bool {
        let Some(kind) = self.kinds.get_mut(number as usize) else {
            return false;
        };
        kind.users -= 1;
        let last = kind.users == 0;
        if last {
            self.kinds.remove(number as usize);
        }
        last
    }

    /// The number of a requirement, and whether it is new; then `meets` finds who meets it.
    pub(super) fn requirement(
        &mut self,
        needs: Needs,
        meets: impl FnOnce(&Needs) -> Vec<u32>,
    ) -> (u32, bool) {
        if let Some(&number) = self.requirement_numbers.get(&needs) {
            return (number, false);
        }
        let number = self.requirements.insert(Requirement {
            workers: meets(&needs),
            needs: needs.clone(),
            ..Requirement::default()
        }) as u32;
        self.requirement_numbers.insert(needs, number);
        (number, true)
    }
}
