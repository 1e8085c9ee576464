//! From a description to tasks: a submit of a call makes the calls among its arguments first, without recursion.

use std::panic::Location;
use std::sync::Arc;

use super::arg::{Input, Rest};
use super::function::Info;
use super::method::Prepared;
use super::{Call, Defined, Described, Method, Parcel, content, parcel};
use crate::elsewhere::{depart, depart_each};
use crate::error::ErrorKind;
use crate::future::TaskFuture;
use crate::graph::{Key, Spec};
use crate::inputs::Linker;
use crate::launch::{at, launch_alone, launch_keyed, refuse};
use crate::pool::Engine;
use crate::pool::asked::Refusal;
use crate::pool::attempts::Recipe;
use crate::pool::local::{self, Local};
use crate::pool::run::guarded;
use crate::pool::want::TaskRef;
use crate::task::sealed::{Sealed, SealedRetry};
use crate::task::{Bare, Called, IntoRetry, IntoTask, Plan};

impl<P, T> Sealed<P> for Call<T> {}
impl<P, T> SealedRetry<P> for Call<T> {}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<P, T: Send + Sync + 'static> IntoTask<P> for Call<T> {
    type Output = T;

    #[inline]
    fn launch(mut self, bare: &Bare<'_>) -> TaskFuture<T> {
        let engine = bare.engine;
        let function = self.described.function();
        let info = function.info();
        if self.described.is_alone() && engine.calls_leave() && !info.pure {
            let job = self.described.job.take().expect("it is planted once");
            let plan = bare_plan(engine, function, bare.waits);
            let task = depart(plan, function, job, Vec::new(), false, bare.location);
            return TaskFuture::own(task);
        }
        if !self.described.is_alone() || engine.options.encodes || engine.calls_leave() {
            let plan = bare_plan(engine, function, bare.waits);
            return TaskFuture::own(plant(self.described, plan, false, bare.location));
        }
        if info.pure {
            return launch_pure(self.described, info, bare);
        }
        let job = self.described.job.take().expect("it is planted once");
        let spec = Spec {
            name: local::with(engine, |local| local.function_number(info)),
            ..at(bare.location)
        };
        launch_alone(engine, &spec, job, bare.waits)
    }

    fn launch_as(self, plan: Plan<'_>, location: &'static Location<'static>) -> TaskFuture<T> {
        TaskFuture::own(plant(self.described, plan, false, location))
    }
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<P, T: Send + Sync + 'static> IntoRetry<P> for Call<T> {
    type Output = T;

    fn launch_again(self, plan: Plan<'_>, location: &'static Location<'static>) -> TaskFuture<T> {
        TaskFuture::own(plant(self.described, plan, true, location))
    }
}

/// The task of a pure call that is alone.
#[inline]
fn launch_pure<T>(mut call: Described, info: &'static Info, bare: &Bare<'_>) -> TaskFuture<T> {
    let engine = bare.engine;
    let hash = hash(&call, engine, &[]);
    let job = call.job.take().expect("it is planted once");
    let spec = |local: &Local| Spec {
        name: local.function_number(info),
        pure: true,
        ..at(bare.location)
    };
    match hash {
        Ok(hash) => launch_keyed(
            engine,
            spec,
            Key::content(&info.name, hash),
            job,
            bare.waits,
        ),
        Err(why) => {
            let spec = local::with(engine, spec);
            refuse(engine, &spec, None, job, why)
        }
    }
}

/// What is asked for a call that is submitted without options.
fn bare_plan<'c>(engine: &'c Arc<Engine>, function: &'static dyn Defined, waits: bool) -> Plan<'c> {
    let mut plan = Plan::new(engine, Called::Function(function.info()));
    plan.waits = waits;
    plan
}

/// A call whose inputs are being made.
struct Bed {
    call: Described,
    rest: Rest,
    /// The inputs before this one are there.
    next: usize,
}

impl<T> Call<T> {
    /// The function, the encoded arguments, and the inputs: the calls among these are submitted.
    pub(crate) fn into_parts(
        self,
        engine: &Arc<Engine>,
    ) -> (&'static dyn Defined, Result<Parcel, Refusal>, Vec<TaskRef>) {
        let function = self.described.function();
        let mut bed = Bed::new(self.described);
        bed.plant_nested(engine);
        let job = bed.call.job.as_ref().expect("it is planted once");
        let args = checked(|| parcel::of_call(function, job));
        let inputs = bed.rest.inputs.into_iter().filter_map(Input::into_task);
        (function, args, inputs.collect())
    }
}

impl<S, R> Method<S, R> {
    /// Submits the calls among its handles: what it runs with, and all of these in order.
    pub(crate) fn into_parts(
        mut self,
        engine: &Arc<Engine>,
    ) -> (Box<dyn Prepared<S, R>>, Vec<TaskRef>) {
        let mut bed = Bed::new(Described {
            job: None,
            parts: std::mem::take(&mut self.parts),
            location: self.location,
        });
        bed.plant_nested(engine);
        let inputs = bed.rest.inputs.into_iter().filter_map(Input::into_task);
        (self.body, inputs.collect())
    }
}

impl<T> Call<T> {
    /// A task of this call on each of these hosts or workers, of a client whose calls leave. They have no keys.
    pub(crate) fn launch_on_each(
        self,
        engine: &Arc<Engine>,
        hosts: &[String],
        location: &'static Location<'static>,
    ) -> Vec<TaskFuture<T>> {
        let function = self.described.function();
        let mut bed = Bed::new(self.described);
        bed.plant_nested(engine);
        let job = bed.call.job.take().expect("it is planted once");
        let Rest { inputs, options } = bed.rest;
        let inputs = inputs.into_iter().filter_map(Input::into_task).collect();
        let plan_on = |host: &String| {
            let mut plan = bare_plan(engine, function, true);
            options.clone().apply(&mut plan);
            plan.key = None;
            plan.rare().asked.named.on = vec![host.clone()];
            plan
        };
        let plans = hosts.iter().map(plan_on).collect();
        let again = options.retries.is_some();
        let tasks = depart_each(plans, function, job, inputs, again, location);
        tasks.into_iter().map(TaskFuture::own).collect()
    }
}

impl Bed {
    fn new(mut call: Described) -> Self {
        let rest = call.parts.0.take().map_or_else(Rest::default, |rest| *rest);
        Self {
            call,
            rest,
            next: 0,
        }
    }

    /// Submits the calls among the inputs.
    fn plant_nested(&mut self, engine: &Arc<Engine>) {
        while let Some(nested) = self.next_nested() {
            let (plan, location) = (bare_plan(engine, nested.function(), true), nested.location);
            self.put(plant(nested, plan, false, location));
        }
    }

    /// The next call among the inputs, to be made in its place.
    fn next_nested(&mut self) -> Option<Described> {
        while let Some(input) = self.rest.inputs.get_mut(self.next) {
            match std::mem::replace(input, Input::Out) {
                Input::Call(call) => return Some(call),
                done => *input = done,
            }
            self.next += 1;
        }
        None
    }

    /// The call that was handed out is this task now.
    fn put(&mut self, task: TaskRef) {
        self.rest.inputs[self.next] = Input::Task(task);
        self.next += 1;
    }
}

/// Makes the tasks of a call and of those in it. The plan is the outermost one's.
fn plant(
    root: Described,
    plan: Plan<'_>,
    again: bool,
    location: &'static Location<'static>,
) -> TaskRef {
    let (engine, waits) = (plan.engine, plan.waits);
    let mut outer = Vec::new();
    let mut bed = Bed::new(root);
    loop {
        while let Some(nested) = bed.next_nested() {
            outer.push(std::mem::replace(&mut bed, Bed::new(nested)));
        }
        let Some(parent) = outer.pop() else {
            return make(bed, plan, again, location);
        };
        let done = std::mem::replace(&mut bed, parent);
        let plan = bare_plan(engine, done.call.function(), waits);
        let location = done.call.location;
        bed.put(make(done, plan, false, location));
    }
}

/// Makes the task of a call whose inputs are all there.
fn make(
    mut bed: Bed,
    mut plan: Plan<'_>,
    again: bool,
    location: &'static Location<'static>,
) -> TaskRef {
    let function = bed.call.function();
    let Rest { inputs, options } = bed.rest;
    let inputs: Vec<TaskRef> = inputs.into_iter().filter_map(Input::into_task).collect();
    let again = again || options.retries.is_some();
    options.apply(&mut plan);
    if function.info().pure && plan.key.is_none() {
        purify(&mut plan, &bed.call, &inputs);
    }
    let mut job = bed.call.job.take().expect("it is planted once");
    if plan.engine.calls_leave() {
        return depart(plan, function, job, inputs, again, location);
    }
    let mut travels = None;
    if plan.engine.options.encodes && !plan.is_refused() {
        match checked(|| parcel::of_call(function, &job)) {
            Ok(parcel) => {
                let parcel = Arc::new(parcel);
                let stays = std::mem::replace(&mut job, function.travelling(&parcel, true));
                let _ = guarded(|| stays.drop_task());
                travels = Some(parcel);
            }
            Err(why) => plan.refuse_because(why),
        }
    }
    let mut linker = Linker::default();
    for input in inputs {
        linker.give(input);
    }
    if !again || plan.is_refused() {
        return plan.launch::<()>(linker, job, location).into_task();
    }
    let recipe = match travels {
        None => function.recipe(job),
        Some(parcel) => {
            job.drop_task();
            Recipe::new(move || function.travelling(&parcel, true))
        }
    };
    let task = plan.launch_again::<()>(linker, recipe, location);
    task.into_task()
}

/// Gives a pure call the key that its content makes.
fn purify(plan: &mut Plan<'_>, call: &Described, inputs: &[TaskRef]) {
    plan.pure = true;
    match hash(call, plan.engine, inputs) {
        Ok(hash) => plan.key = Some(Key::content(&call.function().info().name, hash)),
        Err(why) => plan.refuse_because(why),
    }
}

/// What is the key of a pure call.
#[inline]
fn hash(call: &Described, engine: &Arc<Engine>, inputs: &[TaskRef]) -> Result<u128, Refusal> {
    let job = call.job.as_ref().expect("it is planted once");
    checked(|| content::hash(call.function(), job, engine, inputs))
}

/// Calls what drives the user's `Serialize`; a panic there is an error as others are.
pub(crate) fn checked<R>(
    f: impl FnOnce() -> Result<R, crate::error::Failure>,
) -> Result<R, Refusal> {
    let text = match guarded(f) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(failure)) => failure.to_string(),
        Err(panic) => panic.text(),
    };
    Err((ErrorKind::Encoding, text.into()))
}
