//! Methods of actors: `#[task]` functions whose first parameter is the state that they run on, `&mut S`.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use super::arg::Parts;
use super::args::Args;
use super::codecs::Codecs;
use super::function::Info;
use super::handles::{AnyHandle, Pack};
use super::param::Portable;
use super::parcel::{self, Parcel, pack};
use crate::actor::{Actor, Answer, Housed};
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::place::Anywhere;
use crate::pool::job::{self, RunContext};
use crate::pool::local::{self, Local};
use crate::pool::run::guarded;
use crate::pool::want::TaskRef;
use crate::task::sealed::Sealed;
use crate::task::{Bare, IntoTask, Plan};

/// A call of an actor's method, which gives an `R`: a description, which does nothing until [`Actor::call`] takes it.
///
/// A method is a `#[task]` function whose first parameter is the actor's state, `&mut S`. It is called by its name, so the
/// actor may live in another process; its other parameters are as a task's.
///
/// Dropped, it drops its arguments, and nothing has run.
#[must_use = "a method does nothing until an actor is called with it"]
pub struct Method<S, R> {
    pub(crate) body: Box<dyn Prepared<S, R>>,
    pub(super) parts: Parts,
    pub(crate) location: &'static Location<'static>,
}

/// A method with its arguments.
pub(crate) trait Prepared<S, R>: Send {
    fn info(&self) -> &'static Info;

    /// Encodes the arguments.
    fn encode(&self) -> Result<Parcel, Failure>;

    /// How the values of its handles are encoded, by their places.
    fn packs(&self, inputs: usize) -> Vec<Option<Pack>>;

    /// Waits for its handles, and runs.
    fn run(self: Box<Self>, state: &mut S, inputs: &[AnyHandle]) -> Result<R, Failure>;
}

/// The method, with its outcome made uniform.
type Run<S, A, R> = for<'a> fn(&'a mut S, <A as Args>::Given<'a>) -> Result<R, Failure>;

/// A method by its types: the static that `#[task]` writes.
#[allow(missing_debug_implementations, reason = "of no use to anybody")]
pub struct MethodDefinition<S, A: Args, R> {
    info: Info,
    run: Run<S, A, R>,
    of: PhantomData<fn(S)>,
}

impl<S: Send + 'static, A: Args, R: Portable> MethodDefinition<S, A, R> {
    /// A method.
    pub const fn new(info: Info, run: Run<S, A, R>) -> Self {
        Self {
            info,
            run,
            of: PhantomData,
        }
    }

    /// Describes a call.
    #[track_caller]
    pub fn call(&'static self, args: A::Raw, parts: Parts) -> Method<S, R> {
        let args = A::hold(args);
        Method {
            body: Box::new(Body {
                definition: self,
                args,
            }),
            parts,
            location: Location::caller(),
        }
    }

    /// What `register!` takes.
    pub fn registered(&'static self) -> crate::registry::Registered {
        crate::registry::Registered::Method(self)
    }

    fn apply(
        &self,
        mut args: A::Held,
        state: &mut S,
        inputs: &[AnyHandle],
        local: &Local,
    ) -> Result<R, Failure> {
        A::wait(&mut args, inputs)?;
        let context = RunContext {
            graph: &local.engine.graph,
            index: local.task.get(),
            local,
        };
        (self.run)(state, A::give(&mut args, &context))
    }
}

struct Body<S: 'static, A: Args, R: 'static> {
    definition: &'static MethodDefinition<S, A, R>,
    args: A::Held,
}

impl<S: Send + 'static, A: Args, R: Portable> Prepared<S, R> for Body<S, A, R> {
    fn info(&self) -> &'static Info {
        &self.definition.info
    }

    fn encode(&self) -> Result<Parcel, Failure> {
        let name = self.definition.info.name;
        parcel::of_args(name, |visit| A::each(&self.args, visit))
    }

    fn packs(&self, inputs: usize) -> Vec<Option<Pack>> {
        let mut packs = vec![None; inputs];
        let found = A::each(&self.args, &mut |item| {
            item.note(&mut packs);
            Ok(())
        });
        debug_assert!(found.is_ok(), "the visit refuses nothing");
        packs
    }

    fn run(self: Box<Self>, state: &mut S, inputs: &[AnyHandle]) -> Result<R, Failure> {
        let local = local::current().ok_or("an actor's method runs as a task")?;
        let Self { definition, args } = *self;
        definition.apply(args, state, inputs, &local)
    }
}

/// A method whose types are not known here.
#[allow(private_interfaces, reason = "called by this crate only")]
pub trait DefinedMethod: Sync {
    /// What is known of it.
    fn info(&'static self) -> &'static Info;

    /// Puts a call from elsewhere into the mailbox of the actor that a task gave. No: that is none with such a state.
    #[doc(hidden)]
    fn host(
        &'static self,
        home: &TaskRef,
        args: Parcel,
        inputs: Vec<AnyHandle>,
        answer: Answer,
    ) -> Result<TaskRef, Answer>;

    /// Says how the types of its arguments and its result are encoded.
    #[doc(hidden)]
    fn teach(&self, codecs: &mut Codecs);
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<S: Send + 'static, A: Args, R: Portable> DefinedMethod for MethodDefinition<S, A, R> {
    fn info(&'static self) -> &'static Info {
        &self.info
    }

    fn host(
        &'static self,
        home: &TaskRef,
        args: Parcel,
        inputs: Vec<AnyHandle>,
        answer: Answer,
    ) -> Result<TaskRef, Answer> {
        let graph = &home.engine().graph;
        if job::kind(graph, home.index()).value() != TypeId::of::<Housed<S>>() {
            return Err(answer);
        }
        let housed = job::finished_value::<Housed<S>>(graph, home.index());
        let Some(actor) = housed.and_then(Housed::here) else {
            return Err(answer);
        };
        Ok(actor.visit(
            &self.info,
            move |state, local| {
                // Guarded: what panics here has not touched the state.
                let held = guarded(|| parcel::decode_with(&args, &self.info, A::decode));
                let held = held.map_err(|panic| Failure::from(panic.text()))??;
                // With its wants of the handles in the arguments: those are the method's alone.
                drop(args);
                let value = self.apply(held, state, &inputs, local)?;
                guarded(|| pack(&value)).map_err(|panic| Failure::from(panic.text()))?
            },
            answer,
        ))
    }

    fn teach(&self, codecs: &mut Codecs) {
        A::teach(codecs);
        codecs.add::<R>();
        codecs.add_one::<Actor<S, Anywhere>>();
    }
}

impl fmt::Debug for dyn DefinedMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DefinedMethod")
    }
}

impl<S, R> fmt::Debug for Method<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("function", &self.body.info().name)
            .field("state", &std::any::type_name::<S>())
            .field("type", &std::any::type_name::<R>())
            .finish_non_exhaustive()
    }
}

/// Where methods can be submitted: nowhere. It is here for its words.
#[diagnostic::on_unimplemented(
    message = "a method cannot be submitted as a task",
    label = "a method runs on the state of an actor",
    note = "its function takes `&mut S` first: give it to an actor, `actor.call(name::call(..))`"
)]
#[allow(unnameable_types, reason = "nobody implements it")]
pub trait TakesMethods {
    #[doc(hidden)]
    fn never<R>() -> TaskFuture<R>;
}

impl<P, S, R> Sealed<P> for Method<S, R> {}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<P: TakesMethods, S, R: Send + Sync + 'static> IntoTask<P> for Method<S, R> {
    type Output = R;

    fn launch(self, _bare: &Bare<'_>) -> TaskFuture<R> {
        P::never()
    }

    fn launch_as(self, _plan: Plan<'_>, _location: &'static Location<'static>) -> TaskFuture<R> {
        P::never()
    }
}

/// What an actor's state may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of an actor",
    label = "not `Send + 'static`",
    note = "the calls of an actor run on many threads, one at a time: keep what is bound to a thread, or borrowed, out of it"
)]
pub trait State: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<S: Send + 'static> State for S {}

/// Nothing, for a type that can be the state of an actor.
pub const fn state<S: State>() {}
