//! A call that is to run elsewhere: its node, and what is sent.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::held::{Draft, Part};
use super::landing::Landing;
use super::rerun::KeptCall;
use crate::call::generated::Info;
use crate::call::plant::checked;
use crate::call::{Defined, Parcel, parcel};
use crate::error::ErrorKind;
use crate::graph::{Entry, Key, Spec};
use crate::launch::{FOREIGN_HANDLE, obstacle};
use crate::pool::Engine;
use crate::pool::asked::Refusal;
use crate::pool::events::Event;
use crate::pool::job::{self, Job};
use crate::pool::local::{self, Local};
use crate::pool::run::guarded;
use crate::pool::submit::KEY_CONFLICT;
use crate::pool::want::TaskRef;
use crate::task::{Leaving, Plan};

/// A call that leaves.
#[derive(Debug)]
pub struct Order {
    /// What is to be run, and how.
    pub manner: Manner,
    /// The task's identity, if it has one.
    pub key: Option<OrderKey>,
    /// The encoded arguments. Inputs and handles stand in them by their places below.
    pub args: Vec<u8>,
    /// The tickets of its inputs.
    pub inputs: Vec<u64>,
    /// The tickets of the handles in its arguments.
    pub mentions: Vec<u64>,
}

/// A task's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The key: equal texts, equal keys.
    pub text: String,
    /// Tasks of one key must agree in this.
    pub kin: u64,
}

/// What calls of one kind have in common. Cheap to compare and to hash, if nothing about it is [`Special`].
#[derive(Clone, Debug)]
pub struct Manner {
    function: &'static Info,
    /// The engine's number of the name.
    name: u32,
    location: &'static Location<'static>,
    /// Higher runs first.
    pub priority: i32,
    /// The result follows from the key, and is worth remembering.
    pub pure: bool,
    /// What few calls ask for.
    pub special: Option<Box<Special>>,
}

/// What few calls ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Special {
    /// Attempts after the first; `None` is none, nor to be run again later.
    pub retries: Option<u32>,
    /// How long each may run.
    pub timeout: Option<Duration>,
    /// The pool of the worker to run in.
    pub pool: Option<String>,
    /// How much of which resource of a worker it occupies.
    pub resources: Vec<(String, u64)>,
    /// Hosts or workers that may run it; empty is any.
    pub on: Vec<String>,
    /// Hosts or workers that run it if they have room.
    pub prefer: Vec<String>,
}

impl Manner {
    /// The name of the function.
    pub fn function(&self) -> &'static str {
        self.function.name
    }

    /// Of the function's signature.
    pub fn signature_hash(&self) -> u64 {
        self.function.signature_hash
    }

    /// Where the calls were submitted.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    fn identity(&self) -> (usize, u32, usize, i32, bool, &Option<Box<Special>>) {
        (
            std::ptr::from_ref(self.function).addr(),
            self.name,
            std::ptr::from_ref(self.location).addr(),
            self.priority,
            self.pure,
            &self.special,
        )
    }
}

impl PartialEq for Manner {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Manner {}

impl Hash for Manner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl OrderKey {
    fn new(key: &Key, function: &Info) -> Self {
        Self {
            text: key.to_travel(),
            kin: kin(function),
        }
    }
}

/// Tells functions and their versions apart, in every process alike: FNV-1a of the name, then of the signature's hash.
fn kin(function: &Info) -> u64 {
    let signature = function.signature_hash.to_le_bytes();
    let bytes = function.name.bytes().chain(signature);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Leaving {
    /// What few calls ask for, if this one does.
    fn special(&self, again: bool) -> Option<Box<Special>> {
        let Some(rare) = &self.rare else {
            let special = || Special {
                retries: Some(0),
                ..Special::default()
            };
            return again.then(|| Box::new(special()));
        };
        let (attempts, named) = (&rare.extra.attempts, &rare.asked.named);
        let special = Special {
            retries: again.then_some(attempts.retries),
            timeout: attempts.timeout.or(rare.asked.timeout),
            pool: named.pool.clone(),
            resources: named.resources.clone(),
            on: named.on.clone(),
            prefer: named.prefer.clone(),
        };
        (special != Special::default()).then(|| Box::new(special))
    }
}

/// A call that cannot be undone any more, but for its node.
struct Packed {
    parcel: Parcel,
    /// Its inputs, and behind them the handles in its arguments.
    parts: Vec<Part>,
    inputs: usize,
}

impl Packed {
    fn again(&self) -> Self {
        Self {
            parcel: self.parcel.clone(),
            parts: self.parts.iter().map(Part::again).collect(),
            inputs: self.inputs,
        }
    }

    /// What it takes to run it here.
    fn keep(&self, function: &'static dyn Defined) -> Arc<KeptCall> {
        let inputs = self.parts[..self.inputs].iter();
        Arc::new(KeptCall {
            function,
            parcel: Arc::new(self.parcel.clone()),
            inputs: inputs.map(|part| part.task.clone()).collect(),
        })
    }
}

/// Makes the node of a call, and sends it.
pub(crate) fn depart(
    mut plan: Plan<'_>,
    function: &'static dyn Defined,
    call: Job,
    inputs: Vec<TaskRef>,
    again: bool,
    location: &'static Location<'static>,
) -> TaskRef {
    let engine = plan.engine;
    if plan.waits
        && local::current().is_none()
        && let Some(backend) = engine.backend()
    {
        backend.wait_for_room();
    }
    let why = obstacle(engine, plan.waits).or_else(|| plan.refusal());
    let packed = match why {
        Some(why) => Err(why),
        None => pack(engine, function, &call, inputs),
    };
    let packed = match packed {
        Ok(packed) => packed,
        Err(why) => return plan.refuse(call, location, why),
    };
    let _ = guarded(|| call.drop_task());
    local::with(engine, |local| {
        enter(local, plan, function, packed, again, location)
    })
}

/// Makes a node for each of these plans of a call, and sends them.
pub(crate) fn depart_each(
    plans: Vec<Plan<'_>>,
    function: &'static dyn Defined,
    call: Job,
    inputs: Vec<TaskRef>,
    again: bool,
    location: &'static Location<'static>,
) -> Vec<TaskRef> {
    let Some(engine) = plans.first().map(|plan| plan.engine) else {
        let _ = guarded(|| call.drop_task());
        return Vec::new();
    };
    let packed = pack(engine, function, &call, inputs);
    let _ = guarded(|| call.drop_task());
    let send = |mut plan: Plan<'_>| {
        let why = obstacle(engine, plan.waits).or_else(|| plan.refusal());
        match (why, &packed) {
            (None, Ok(packed)) => local::with(engine, |local| {
                enter(local, plan, function, packed.again(), again, location)
            }),
            (Some(why), _) => plan.refuse(Job::given(()), location, why),
            (None, Err(why)) => plan.refuse(Job::given(()), location, why.clone()),
        }
    };
    plans.into_iter().map(send).collect()
}

/// Encodes the arguments.
fn pack(
    engine: &Arc<Engine>,
    function: &'static dyn Defined,
    call: &Job,
    inputs: Vec<TaskRef>,
) -> Result<Packed, Refusal> {
    let parcel = checked(|| parcel::of_call(function, call))?;
    let mut packs = Vec::new();
    if inputs
        .iter()
        .any(|input| !engine.is_elsewhere(input.index()))
    {
        packs = parcel::packs(function, call, inputs.len());
    }
    let pack_of = |place: usize| packs.get(place).copied().flatten();
    let count = inputs.len();
    let inputs = inputs.into_iter().enumerate().map(|(place, task)| Part {
        task,
        pack: pack_of(place),
    });
    let mentions = parcel.handles.iter().filter_map(Part::of);
    let parts: Vec<Part> = inputs.chain(mentions).collect();
    let mut engines = parts.iter().map(|part| part.task.engine());
    if engines.any(|of| !Arc::ptr_eq(of, engine)) {
        return Err(FOREIGN_HANDLE);
    }
    Ok(Packed {
        parcel,
        parts,
        inputs: count,
    })
}

/// Enters the node, unless there is one of its key, and sends the call.
fn enter(
    local: &Local,
    plan: Plan<'_>,
    function: &'static dyn Defined,
    packed: Packed,
    again: bool,
    location: &'static Location<'static>,
) -> TaskRef {
    let leaving = plan.leave(local, location);
    let (spec, info) = (leaving.spec, function.info());
    let (job, land) = function.elsewhere();
    let key = leaving.key.as_ref();
    let order_key = key.map(|key| OrderKey::new(key, info));
    let manner = Manner {
        function: info,
        name: spec.name,
        location,
        priority: spec.priority,
        pure: spec.pure,
        special: leaving.special(again),
    };
    let mut extra = leaving.rare.map(|rare| rare.extra).unwrap_or_default();
    let key = leaving.key;
    if let Some(special) = &manner.special {
        extra.attempts.timeout = special.timeout;
    }
    let made = Landing::make(local, &spec, extra, land, |spec| match key {
        None => Ok(local.external(spec, job)),
        Some(key) => enter_keyed(local, spec, key, job),
    });
    let (landing, task) = match made {
        Ok(made) => made,
        Err(known) => return known,
    };
    if again {
        landing.remote().keep(packed.keep(function));
    }
    let draft = Draft {
        landing,
        manner,
        key: order_key,
        args: packed.parcel.bytes,
        parts: packed.parts,
        inputs: packed.inputs,
    };
    draft.send_or_hold();
    task
}

/// Enters the node under its key. If there is a task of that key already: that one, or a failed one if it is of another kind.
fn enter_keyed(local: &Local, spec: &Spec, key: Key, job: Job) -> Result<TaskRef, TaskRef> {
    let graph = &local.engine.graph;
    let kind = job.kind();
    let own = |index| TaskRef::own(Arc::clone(&local.anchor), index);
    let index = {
        let state = &mut *local.state();
        let kin = |index| kind.is_answered_by(job::kind(graph, index));
        match graph.entry(&key, kin, &mut state.fx) {
            Entry::Vacant(vacant) => {
                Ok(graph.external_at((vacant, key), &mut state.cache, spec, job))
            }
            Entry::Same(index) => Err(Ok(index)),
            Entry::Conflict => Err(Err(key)),
        }
    };
    match index {
        Ok(index) => {
            local.happens(index, Event::External);
            Ok(own(index))
        }
        Err(Ok(known)) => Err(own(known)),
        Err(Err(key)) => {
            local.settle_up();
            let spec = Spec { extra: 0, ..*spec };
            let job = Job::given(());
            Err(local.refuse(&spec, Some(key), &[], job, KEY_CONFLICT))
        }
    }
}

/// Why a call that was to leave has not.
pub(super) const GONE: (ErrorKind, Cow<'static, str>) = (
    ErrorKind::Disconnected,
    Cow::Borrowed("the client has no connection to a cluster"),
);
