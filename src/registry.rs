//! The `#[task]` functions of this program, by name: what another process may ask it to run.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};
use std::fmt;

use parking_lot::Mutex;

use crate::call::generated::{Info, inventory};
use crate::call::{Codecs, Defined, DefinedMethod};
use crate::error::StartError;
use crate::sync::Codec;

/// A function that `#[task]` has collected before `main`.
#[derive(Clone, Copy, Debug)]
pub enum Registered {
    /// Which can be submitted.
    Task(&'static dyn Defined),
    /// Which an actor can be called with.
    Method(&'static dyn DefinedMethod),
}

impl Registered {
    fn info(self) -> &'static Info {
        match self {
            Self::Task(function) => function.info(),
            Self::Method(method) => method.info(),
        }
    }

    fn teach(self, codecs: &mut Codecs) {
        match self {
            Self::Task(function) => function.teach(codecs),
            Self::Method(method) => method.teach(codecs),
        }
    }
}

inventory::collect!(Registered);

/// A `#[task]` function of this program; see [`tasks`].
#[derive(Clone, Copy)]
pub struct TaskInfo(&'static Info);

impl TaskInfo {
    /// The name that it is called by: its path, or what `#[task(name = "..")]` says.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// What `#[task(version = ..)]` says, or 0.
    pub fn version(&self) -> u32 {
        self.0.version
    }

    /// Whether its results follow from its arguments.
    pub fn is_pure(&self) -> bool {
        self.0.pure
    }

    /// Its parameters and its result, as written: `fn(u64, &Frame) -> Fit`.
    pub fn signature(&self) -> &'static str {
        self.0.signature
    }

    /// A hash of its signature and version: programs in which it differs do not run each other's calls of it.
    pub fn signature_hash(&self) -> u64 {
        self.0.signature_hash
    }

    /// Where it is written: the file and the line.
    pub fn location(&self) -> (&'static str, u32) {
        (self.0.file, self.0.line)
    }
}

impl fmt::Debug for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskInfo")
            .field("name", &self.0.name)
            .field("version", &self.0.version)
            .field("signature", &self.0.signature)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name, self.0.signature)
    }
}

/// What was found so far.
#[derive(Default)]
struct Registry {
    functions: Vec<Registered>,
    seen: HashSet<TypeId>,
    by_name: HashMap<&'static str, Registered>,
    /// How the types that they take and give are encoded, and handles of these.
    codecs: Codecs,
    /// Of how many functions these are.
    taught: usize,
    /// How many of them were collected before `main`.
    collected: usize,
    /// The first two of one name.
    duplicate: Option<[&'static Info; 2]>,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

impl Registry {
    /// Adds what has been collected since the last look: libraries that are loaded later bring more.
    fn look(&mut self) {
        let collected = inventory::iter::<Registered>.into_iter().count();
        if collected == self.collected {
            return;
        }
        self.collected = collected;
        for function in inventory::iter::<Registered> {
            self.add(*function);
        }
    }

    fn add(&mut self, function: Registered) {
        let info = function.info();
        if !self.seen.insert(info.of) {
            return;
        }
        self.functions.push(function);
        if let Some(first) = self.by_name.insert(info.name, function) {
            self.duplicate.get_or_insert([first.info(), info]);
        }
    }

    fn check(&self) -> Result<(), StartError> {
        match self.duplicate {
            None => Ok(()),
            Some([first, second]) => Err(StartError::DuplicateTask {
                name: first.name,
                places: [first.place(), second.place()],
            }),
        }
    }
}

fn with<R>(f: impl FnOnce(&mut Registry) -> R) -> R {
    let mut registry = REGISTRY.lock();
    let registry = registry.get_or_insert_default();
    registry.look();
    f(registry)
}

/// What has this name. Every call that arrives asks: all that was collected is walked only for a name that is new.
fn named(name: &str) -> Option<Registered> {
    let known = REGISTRY
        .lock()
        .as_ref()
        .and_then(|registry| registry.by_name.get(name).copied());
    known.or_else(|| with(|registry| registry.by_name.get(name).copied()))
}

/// The task of this name.
pub(crate) fn find(name: &str) -> Option<&'static dyn Defined> {
    match named(name)? {
        Registered::Task(function) => Some(function),
        Registered::Method(_) => None,
    }
}

/// The method of this name.
pub(crate) fn find_method(name: &str) -> Option<&'static dyn DefinedMethod> {
    match named(name)? {
        Registered::Task(_) => None,
        Registered::Method(method) => Some(method),
    }
}

/// All tasks, by name; methods are none.
pub(crate) fn all() -> Vec<&'static dyn Defined> {
    let mut all: Vec<_> = with(|registry| {
        let tasks = registry.functions.iter().filter_map(|of| match of {
            Registered::Task(function) => Some(*function),
            Registered::Method(_) => None,
        });
        tasks.collect()
    });
    all.sort_by_key(|function| function.info().name);
    all
}

/// How a type is encoded, if some function takes or gives it, or it is a number or a text.
pub(crate) fn codec<T: 'static>() -> Option<Codec<T>> {
    with(|registry| {
        let new = &registry.functions[registry.taught..];
        new.iter()
            .for_each(|function| function.teach(&mut registry.codecs));
        registry.taught = registry.functions.len();
        registry.codecs.find()
    })
}

/// Whether every name is that of one function.
pub(crate) fn check() -> Result<(), StartError> {
    with(|registry| registry.check())
}

/// The `#[task]` functions of this program that it can be asked to run, by name; methods of actors among them.
///
/// They are collected before `main` from every crate that is linked. A crate of which nothing else is used is left out by
/// the linker, and its tasks with it: say `use that_crate as _;`, or register them ([`register!`](crate::register!)), which
/// is also the way where a platform has no start-up code.
///
/// ```
/// # use tenter::task;
/// #[task(version = 2)]
/// fn scale(frame: &[f64], by: f64) -> Vec<f64> {
///     frame.iter().map(|pixel| pixel * by).collect()
/// }
///
/// let scale = tenter::tasks().into_iter().find(|task| task.name().ends_with("::scale")).unwrap();
/// assert_eq!((scale.version(), scale.signature()), (2, "fn(&[f64], f64) -> Vec<f64>"));
/// ```
pub fn tasks() -> Vec<TaskInfo> {
    let mut tasks: Vec<_> = with(|registry| {
        let functions = registry.functions.iter();
        functions
            .map(|function| TaskInfo(function.info()))
            .collect()
    });
    tasks.sort_by_key(|TaskInfo(info)| (info.name, info.file, info.line));
    tasks
}

/// What [`register!`](crate::register!) calls.
///
/// # Errors
/// As that.
#[doc(hidden)]
pub fn register(functions: &[Registered]) -> Result<(), StartError> {
    with(|registry| {
        functions
            .iter()
            .for_each(|function| registry.add(*function));
        registry.check()
    })
}

/// Registers `#[task]` functions by their paths, for platforms without start-up code, and for crates that the linker would
/// leave out. A function that is registered already stays so.
///
/// # Errors
/// [`StartError::DuplicateTask`](crate::StartError::DuplicateTask), as every start of a client from then on, if two tasks have
/// one name.
///
/// ```
/// # use tenter::task;
/// mod stages {
///     #[tenter::task]
///     pub fn darken(pixel: u16) -> u16 {
///         pixel / 2
///     }
/// }
///
/// tenter::register!(stages::darken)?;
/// # Ok::<(), tenter::StartError>(())
/// ```
#[macro_export]
macro_rules! register {
    ($($task:ty),* $(,)?) => {
        $crate::register(&[$(<$task>::TASK.registered()),*])
    };
}
