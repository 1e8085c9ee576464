//! How a function takes its arguments: by value, borrowed, or, if it is async, kept for as long as its future lasts.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arg::{Arg, Kind};
use super::content::Hashing;
use super::gathered::Gathered;
use super::handles::{AnyHandle, Pack, pack_value};
use super::parcel::{Encodable, Found, Source};
use crate::awaiting::Value;
use crate::error::Failure;
use crate::hosted::Encoded;
use crate::pool::job::{RunContext, Slot};

/// What a `#[task]` function may take and give: what can be encoded for another process, and be read by several threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument or a result of a task",
    label = "not `Serialize + Deserialize + Send + Sync + 'static`",
    note = "a task may run in another process: derive `serde::Serialize` and `serde::Deserialize` for the type, and keep what \
            borrows or cannot be shared between threads out of it"
)]
pub trait Portable: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Portable for T {}

/// What a `#[task]` function may take by value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task by value",
    label = "not `Clone + Serialize + Deserialize + Send + Sync + 'static`",
    note = "a task may run in another process, and more than once: derive `Clone`, `serde::Serialize` and \
            `serde::Deserialize` for the type; a parameter `&{Self}` needs no `Clone`"
)]
pub trait Argument: Portable + Clone {}

#[diagnostic::do_not_recommend]
impl<T: Portable + Clone> Argument for T {}

/// Nothing, for a type that can be the result of a task, or an argument that is borrowed.
pub const fn portable<T: Portable>() {}

/// Nothing, for a type that can be an argument of a task by value.
pub const fn argument<T: Argument>() {}

/// How a function takes one argument.
#[allow(private_interfaces, reason = "called by this crate only")]
pub trait Param: 'static {
    /// The type of the argument.
    type Of: Portable;
    /// What a call keeps of it until it runs.
    type Held: Send + Sync + 'static;
    /// What the function is given.
    type Given<'a>;

    #[doc(hidden)]
    fn hold(arg: Arg<Self::Of>) -> Self::Held;

    /// Gives the argument to the only attempt.
    #[doc(hidden)]
    fn give<'a>(held: &'a mut Self::Held, context: &RunContext<'a>) -> Self::Given<'a>;

    /// Gives the argument to one of several attempts.
    #[doc(hidden)]
    fn lend<'a>(held: &'a Self::Held, context: &RunContext<'a>) -> Self::Given<'a>;

    #[doc(hidden)]
    fn item(held: &Self::Held) -> Item<'_>;

    /// Hashes the argument, which is at this place.
    #[doc(hidden)]
    fn hash(held: &Self::Held, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure>;

    #[doc(hidden)]
    fn decode(source: &mut Source<'_, '_>) -> Result<Self::Held, Failure>;

    /// Waits for the result of the handle that it is, if it is one. Of a task's argument the graph does that.
    #[doc(hidden)]
    fn wait(_: &mut Self::Held, _: &[AnyHandle]) -> Result<(), Failure> {
        Ok(())
    }
}

/// An argument that is looked at.
pub(crate) enum Item<'a> {
    Value(&'a dyn Encodable),
    /// The input of this place, and how a value of its type is encoded.
    Input(usize, Pack),
    /// The inputs of these places, and how a value of their type is encoded.
    Inputs(Range<usize>, Pack),
}

impl Item<'_> {
    /// Notes how the values of its inputs are encoded, at their places.
    pub(super) fn note(self, packs: &mut [Option<Pack>]) {
        match self {
            Item::Value(_) => {}
            Item::Input(place, pack) => packs[place] = Some(pack),
            Item::Inputs(places, pack) => packs[places].fill(Some(pack)),
        }
    }
}

impl<T: Portable> Arg<T> {
    fn item(&self) -> Item<'_> {
        match &self.0 {
            Kind::Value(value) => Item::Value(value),
            Kind::Input(slot) => Item::Input(slot.place(), pack_value::<T>),
            Kind::Gathered(gathered) => Item::Inputs(gathered.inputs(), gathered.pack()),
            Kind::Gone => unreachable!("it is looked at before it is given"),
        }
    }

    #[inline]
    fn hash(&self, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
        match &self.0 {
            Kind::Value(value) => hashing.value(place, value),
            Kind::Input(slot) => hashing.input(slot.place()),
            Kind::Gathered(gathered) => hashing.inputs(gathered.inputs()),
            Kind::Gone => unreachable!("it is hashed before it is given"),
        }
    }

    fn borrow<'a>(&'a self, context: &RunContext<'a>) -> &'a T {
        match &self.0 {
            Kind::Value(value) => value,
            Kind::Input(slot) if slot.is_encoded() => encoded(slot, context).lend(),
            Kind::Input(slot) => context.get(slot),
            Kind::Gathered(gathered) => gathered.lend(context),
            Kind::Gone => unreachable!("a borrowed argument is never given away"),
        }
    }
}

/// The data that this input is decoded from.
#[cold]
fn encoded<'a, T>(slot: &Slot<T>, context: &RunContext<'a>) -> &'a Encoded {
    let slot = context.slot::<Encoded>(slot.place());
    context.get(&slot.expect("it was found to be data"))
}

/// By value.
#[derive(Debug)]
pub struct Own<T>(PhantomData<T>);

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Argument> Param for Own<T> {
    type Of = T;
    type Held = Arg<T>;
    type Given<'a> = T;

    #[inline]
    fn hold(arg: Arg<T>) -> Arg<T> {
        arg
    }

    #[inline]
    fn give<'a>(held: &'a mut Arg<T>, context: &RunContext<'a>) -> T {
        match std::mem::replace(&mut held.0, Kind::Gone) {
            Kind::Value(value) => value,
            Kind::Input(slot) => context
                .take(&slot)
                .unwrap_or_else(|| context.get(&slot).clone()),
            Kind::Gathered(gathered) => gathered.take(context),
            Kind::Gone => unreachable!("it is given once"),
        }
    }

    fn lend<'a>(held: &'a Arg<T>, context: &RunContext<'a>) -> T {
        match &held.0 {
            Kind::Gathered(gathered) => gathered.cloned(context),
            _ => held.borrow(context).clone(),
        }
    }

    fn item(held: &Arg<T>) -> Item<'_> {
        held.item()
    }

    #[inline]
    fn hash(held: &Arg<T>, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
        held.hash(place, hashing)
    }

    fn decode(source: &mut Source<'_, '_>) -> Result<Arg<T>, Failure> {
        Ok(Arg(match source.arg::<T>()? {
            Found::Value(value) => Kind::Value(value),
            Found::Input(slot) => Kind::Input(slot),
            Found::Encoded(_, data) => Kind::Value(data.own()?),
        }))
    }
}

/// Borrowed: the function takes `&T`.
#[derive(Debug)]
pub struct Lend<T>(PhantomData<T>);

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Portable> Param for Lend<T> {
    type Of = T;
    type Held = Arg<T>;
    type Given<'a> = &'a T;

    #[inline]
    fn hold(arg: Arg<T>) -> Arg<T> {
        arg
    }

    #[inline]
    fn give<'a>(held: &'a mut Arg<T>, context: &RunContext<'a>) -> &'a T {
        match &held.0 {
            Kind::Gathered(gathered) => gathered.lend_taken(context),
            _ => held.borrow(context),
        }
    }

    fn lend<'a>(held: &'a Arg<T>, context: &RunContext<'a>) -> &'a T {
        held.borrow(context)
    }

    fn item(held: &Arg<T>) -> Item<'_> {
        held.item()
    }

    #[inline]
    fn hash(held: &Arg<T>, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
        held.hash(place, hashing)
    }

    fn decode(source: &mut Source<'_, '_>) -> Result<Arg<T>, Failure> {
        Ok(Arg(match source.arg::<T>()? {
            Found::Value(value) => Kind::Value(value),
            Found::Input(slot) => Kind::Input(slot),
            Found::Encoded(place, data) => {
                data.prepare::<T>()?;
                Kind::Input(Slot::encoded(place))
            }
        }))
    }
}

/// Borrowed by an async function, whose future keeps it.
#[derive(Debug)]
pub struct Keep<T>(PhantomData<T>);

/// What [`Keep`] keeps until the function is called: each attempt has a share of it.
#[derive(Debug)]
pub struct Keeping<T>(KeepingKind<T>);

#[derive(Debug)]
enum KeepingKind<T> {
    Value(Arc<T>),
    Input(Slot<T>),
    Gathered(Box<Gathered<T>>),
}

/// What the future of an async function borrows from.
#[derive(Debug)]
pub struct Kept<T>(KeptKind<T>);

enum KeptKind<T> {
    Value(Arc<T>),
    Input(Value<T>),
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Portable> Param for Keep<T> {
    type Of = T;
    type Held = Keeping<T>;
    type Given<'a> = Kept<T>;

    fn hold(arg: Arg<T>) -> Keeping<T> {
        Keeping(match arg.0 {
            Kind::Value(value) => KeepingKind::Value(Arc::new(value)),
            Kind::Input(slot) => KeepingKind::Input(slot),
            Kind::Gathered(gathered) => KeepingKind::Gathered(gathered),
            Kind::Gone => unreachable!("it is held before it is given"),
        })
    }

    fn give<'a>(held: &'a mut Keeping<T>, context: &RunContext<'a>) -> Kept<T> {
        match &held.0 {
            KeepingKind::Gathered(gathered) => {
                Kept(KeptKind::Value(Arc::new(gathered.take(context))))
            }
            _ => Self::lend(held, context),
        }
    }

    fn lend<'a>(held: &'a Keeping<T>, context: &RunContext<'a>) -> Kept<T> {
        Kept(match &held.0 {
            KeepingKind::Value(value) => KeptKind::Value(Arc::clone(value)),
            KeepingKind::Input(slot) => KeptKind::Input(Value::new(context.want(slot))),
            KeepingKind::Gathered(gathered) => KeptKind::Value(Arc::new(gathered.cloned(context))),
        })
    }

    fn item(held: &Keeping<T>) -> Item<'_> {
        match &held.0 {
            KeepingKind::Value(value) => Item::Value(&**value),
            KeepingKind::Input(slot) => Item::Input(slot.place(), pack_value::<T>),
            KeepingKind::Gathered(gathered) => Item::Inputs(gathered.inputs(), gathered.pack()),
        }
    }

    fn hash(held: &Keeping<T>, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
        match &held.0 {
            KeepingKind::Value(value) => hashing.value(place, &**value),
            KeepingKind::Input(slot) => hashing.input(slot.place()),
            KeepingKind::Gathered(gathered) => hashing.inputs(gathered.inputs()),
        }
    }

    fn decode(source: &mut Source<'_, '_>) -> Result<Keeping<T>, Failure> {
        Ok(Keeping(match source.arg::<T>()? {
            Found::Value(value) => KeepingKind::Value(Arc::new(value)),
            Found::Input(slot) => KeepingKind::Input(slot),
            Found::Encoded(_, data) => {
                data.prepare::<T>()?;
                KeepingKind::Value(data.share())
            }
        }))
    }
}

impl<T: Send + Sync + 'static> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            KeptKind::Value(value) => value,
            KeptKind::Input(value) => value,
        }
    }
}

impl<T> fmt::Debug for KeptKind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}
