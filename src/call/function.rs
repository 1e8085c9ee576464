//! A `#[task]` function: what is known of it, and what can be done with its calls by who does not know its types.

use std::any::TypeId;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use super::Call;
use super::arg::Parts;
use super::args::{Args, Visit};
use super::body::{Attempt, Body, Run};
use super::content::{Hashing, Head};
use super::gathered::AnyGather;
use super::handles::AnyHandle;
use super::param::Portable;
use super::parcel::{Parcel, Travelling, pack, unpack, unpack_from};
use crate::elsewhere::{Came, Land};
use crate::error::Failure;
use crate::graph::Graph;
use crate::hosted::{Attendant, Hosted};
use crate::pool::attempts::Recipe;
use crate::pool::job::{self, Claimed, Job, Table};
use crate::pool::want::TaskRef;
use crate::raw::array::Array;

/// What is known of a function without its types.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Its path, or the name that it was given.
    pub name: &'static str,
    /// Raised when it begins to give other results.
    pub version: u32,
    /// Its results follow from its arguments.
    pub pure: bool,
    /// Its result is an actor, which stays where it was made.
    pub houses: bool,
    /// Its parameters and its result, as written.
    pub signature: &'static str,
    /// Of the signature and the version.
    pub signature_hash: u64,
    /// Where it is written.
    pub file: &'static str,
    /// Where it is written.
    pub line: u32,
    /// The type that its name is, which no other function has.
    pub of: TypeId,
    /// How its arguments are gathered, by their places; what is missing at the end is not.
    pub gathers: &'static [AnyGather],
}

impl Info {
    /// Tells the function from others, and from itself before a change.
    pub(crate) fn identity(&self) -> (TypeId, u32) {
        (self.of, self.version)
    }

    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// A function by its types: the static that `#[task]` writes.
///
/// Everything here is generic over the signature alone, so functions of one signature share it.
#[allow(missing_debug_implementations, reason = "of no use to anybody")]
pub struct Definition<A: Args, R> {
    info: Info,
    run: Run<A, R>,
    /// What the keys of its calls begin with, once there was one.
    head: OnceLock<Head>,
    once: Table,
    attempt: Table,
    travelling: Table,
    elsewhere: Table,
    hosted: Table,
}

impl<A: Args, R: Portable> Definition<A, R> {
    /// `itself` is the static that this is to be.
    pub const fn new(info: Info, run: Run<A, R>, itself: &'static dyn Defined) -> Self {
        Self {
            info,
            run,
            head: OnceLock::new(),
            once: Table::of_calls::<Body<A, R>, R>(itself),
            attempt: Table::of_calls::<Attempt<A, R>, R>(itself),
            travelling: Table::of_calls::<Travelling<A, R>, R>(itself),
            elsewhere: Table::of_awaited::<R>(itself),
            hosted: Table::of_calls::<Hosted<A, R>, R>(itself),
        }
    }

    /// Describes a call.
    #[inline]
    #[track_caller]
    pub fn call(&'static self, args: A::Raw, parts: Parts) -> Call<R> {
        let body = Body {
            run: self.run,
            args: A::hold(args),
        };
        Call::new(Job::call(&self.once, body), parts, Location::caller())
    }

    /// What `register!` takes.
    pub fn registered(&'static self) -> crate::registry::Registered {
        crate::registry::Registered::Task(self)
    }

    /// The arguments of a call that is not in the graph yet.
    #[inline]
    fn args(job: &Job) -> &A::Held {
        let body = job.body::<Body<A, R>>();
        &body.expect("a call is made with a body").args
    }
}

/// A function whose types are not known here.
#[allow(private_interfaces, reason = "called by this crate only")]
pub trait Defined: Sync {
    /// What is known of it.
    fn info(&'static self) -> &'static Info;

    /// Shows the arguments of a call that is not in the graph yet.
    #[doc(hidden)]
    fn each_arg(&self, job: &Job, visit: &mut Visit<'_>) -> Result<(), Failure>;

    /// What the keys of its calls begin with.
    #[doc(hidden)]
    fn head(&self) -> &Head;

    /// Hashes the arguments of a call that is not in the graph yet.
    #[doc(hidden)]
    fn hash(&self, job: &Job, hashing: &mut Hashing<'_>) -> Result<(), Failure>;

    /// Makes attempts of a call that is not in the graph yet.
    #[doc(hidden)]
    fn recipe(&'static self, job: Job) -> Recipe;

    /// A call with these arguments; if it is `round_trip`, its inputs and its result are encoded and decoded too.
    #[doc(hidden)]
    fn travelling(&'static self, parcel: &Arc<Parcel>, round_trip: bool) -> Job;

    /// A call that runs elsewhere, and how what comes of it is taken in.
    #[doc(hidden)]
    fn elsewhere(&'static self) -> (Job, Land);

    /// A call from elsewhere with these arguments, which somebody attends to.
    #[doc(hidden)]
    fn hosted(&'static self, parcel: &Arc<Parcel>, attendant: Arc<dyn Attendant>) -> Job;

    /// Encodes the result of a finished task of this function, which the caller has pinned.
    #[doc(hidden)]
    fn encode_result(&self, task: &TaskRef) -> Result<Parcel, Failure>;

    /// The result of a finished task of this function, if it is an array of numbers.
    #[doc(hidden)]
    fn lend_result(&self, task: &TaskRef) -> Option<Array>;

    /// Says how the types of its arguments and its result are encoded.
    #[doc(hidden)]
    fn teach(&self, codecs: &mut super::codecs::Codecs);

    /// A task that is finished with this result.
    #[doc(hidden)]
    fn decode_result(&self, parcel: &Parcel) -> Result<Job, Failure>;
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<A: Args, R: Portable> Defined for Definition<A, R> {
    fn info(&'static self) -> &'static Info {
        &self.info
    }

    fn each_arg(&self, job: &Job, visit: &mut Visit<'_>) -> Result<(), Failure> {
        A::each(Self::args(job), visit)
    }

    fn head(&self) -> &Head {
        self.head.get_or_init(|| Head::new(&self.info, A::NONE))
    }

    fn hash(&self, job: &Job, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
        A::hash(Self::args(job), hashing)
    }

    fn recipe(&'static self, job: Job) -> Recipe {
        let Body { run, args } = job.into_body::<Body<A, R>>();
        let args = Arc::new(args);
        Recipe::new(move || {
            let args = Arc::clone(&args);
            Job::call::<_, R>(&self.attempt, Attempt::<A, R> { run, args })
        })
    }

    fn travelling(&'static self, parcel: &Arc<Parcel>, round_trip: bool) -> Job {
        let body = Travelling::<A, R> {
            run: self.run,
            parcel: Arc::clone(parcel),
            function: &self.info,
            round_trip,
        };
        Job::call::<_, R>(&self.travelling, body)
    }

    fn elsewhere(&'static self) -> (Job, Land) {
        (Job::elsewhere::<R>(&self.elsewhere), land::<R>)
    }

    fn hosted(&'static self, parcel: &Arc<Parcel>, attendant: Arc<dyn Attendant>) -> Job {
        let body = Hosted::<A, R> {
            run: self.run,
            parcel: Arc::clone(parcel),
            function: &self.info,
            attendant,
        };
        Job::call::<_, R>(&self.hosted, body)
    }

    fn encode_result(&self, task: &TaskRef) -> Result<Parcel, Failure> {
        pack(job::value::<R>(&task.engine().graph, task.index()))
    }

    fn lend_result(&self, task: &TaskRef) -> Option<Array> {
        Array::of_task::<R>(task)
    }

    fn teach(&self, codecs: &mut super::codecs::Codecs) {
        A::teach(codecs);
        codecs.add::<R>();
    }

    fn decode_result(&self, parcel: &Parcel) -> Result<Job, Failure> {
        unpack::<R>(parcel).map(Job::given)
    }
}

/// Decodes the value of a task that was made for an `R`, and writes it.
pub(crate) fn land<R: Portable>(
    graph: &Graph<Job>,
    claimed: &Claimed,
    came: Came<'_>,
    handles: &Arc<[AnyHandle]>,
) -> Result<(), Failure> {
    let value = match came {
        Came::Bytes(bytes) => unpack_from::<R>(bytes, handles)?,
        Came::Array(array) => array.into_value()?,
    };
    assert!(job::kind(graph, claimed.index()).value() == TypeId::of::<R>());
    job::write_value(graph, claimed, value);
    Ok(())
}

impl std::fmt::Debug for dyn Defined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Defined")
    }
}
