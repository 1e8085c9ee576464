//! How an actor's method takes its arguments: by value or borrowed. Other than a task's they are no inputs in the graph: a
//! method waits for its handles when its turn has come, so that calls stay in order.

use std::fmt;
use std::marker::PhantomData;

use super::arg::{Arg, Kind};
use super::content::Hashing;
use super::gathered::Gathered;
use super::handles::{AnyHandle, pack_value};
use super::param::{Argument, Item, Param, Portable};
use super::parcel::Source;
use crate::awaiting::Value;
use crate::error::Failure;
use crate::pool::job::RunContext;

/// By value.
#[derive(Debug)]
pub struct Pass<T>(PhantomData<T>);

/// Borrowed.
#[derive(Debug)]
pub struct Show<T>(PhantomData<T>);

/// What a call of a method keeps of an argument until it runs.
#[derive(Debug)]
pub struct Asked<T>(Form<T>);

pub(super) enum Form<T> {
    Value(T),
    /// The result of the handle of this place.
    Input(usize),
    /// A list of results.
    Gathered(Box<Gathered<T>>),
    /// The result of a handle, when it is there.
    Ready(Value<T>),
    /// It was given to the method.
    Gone,
}

impl<T> fmt::Debug for Form<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form")
    }
}

impl<T: Portable> Asked<T> {
    fn hold(arg: Arg<T>) -> Self {
        Self(match arg.0 {
            Kind::Value(value) => Form::Value(value),
            Kind::Input(slot) => Form::Input(slot.place()),
            Kind::Gathered(gathered) => Form::Gathered(gathered),
            Kind::Gone => unreachable!("it is held before it is given"),
        })
    }

    fn lend(&self) -> &T {
        match &self.0 {
            Form::Value(value) => value,
            Form::Ready(value) => value,
            Form::Input(_) | Form::Gathered(_) | Form::Gone => {
                unreachable!("it is waited for before it is lent")
            }
        }
    }

    fn item(&self) -> Item<'_> {
        match &self.0 {
            Form::Value(value) => Item::Value(value),
            Form::Input(place) => Item::Input(*place, pack_value::<T>),
            Form::Gathered(gathered) => Item::Inputs(gathered.inputs(), gathered.pack()),
            Form::Ready(_) | Form::Gone => unreachable!("it is looked at before it is waited for"),
        }
    }

    fn hash(&self, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
        match &self.0 {
            Form::Value(value) => hashing.value(place, value),
            Form::Input(place) => hashing.input(*place),
            Form::Gathered(gathered) => hashing.inputs(gathered.inputs()),
            Form::Ready(_) | Form::Gone => unreachable!("it is hashed before it is waited for"),
        }
    }

    fn decode(source: &mut Source<'_, '_>) -> Result<Self, Failure> {
        source.form().map(Self)
    }

    /// Waits for the results of handles.
    fn wait(&mut self, inputs: &[AnyHandle]) -> Result<(), Failure> {
        self.0 = match &self.0 {
            Form::Input(place) => Form::Ready(Self::result(*place, inputs)?),
            Form::Gathered(gathered) => Form::Value(gathered.wait(inputs)?),
            _ => return Ok(()),
        };
        Ok(())
    }

    fn result(place: usize, inputs: &[AnyHandle]) -> Result<Value<T>, Failure> {
        let handle = inputs.get(place).and_then(AnyHandle::open::<T>);
        let handle = handle.ok_or_else(|| {
            let asked = std::any::type_name::<T>();
            format!("it came with no handle {place} of a task that gives `{asked}`")
        })?;
        handle.result()?;
        Ok(Value::new(handle.into_task()))
    }
}

macro_rules! kept {
    () => {
        fn hold(arg: Arg<T>) -> Asked<T> {
            Asked::hold(arg)
        }

        fn item(held: &Asked<T>) -> Item<'_> {
            held.item()
        }

        fn hash(held: &Asked<T>, place: usize, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
            held.hash(place, hashing)
        }

        fn decode(source: &mut Source<'_, '_>) -> Result<Asked<T>, Failure> {
            Asked::decode(source)
        }

        fn wait(held: &mut Asked<T>, inputs: &[AnyHandle]) -> Result<(), Failure> {
            held.wait(inputs)
        }
    };
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Argument> Param for Pass<T> {
    type Of = T;
    type Held = Asked<T>;
    type Given<'a> = T;

    fn give<'a>(held: &'a mut Asked<T>, _: &RunContext<'a>) -> T {
        match std::mem::replace(&mut held.0, Form::Gone) {
            Form::Value(value) => value,
            Form::Ready(value) => T::clone(&value),
            Form::Input(_) | Form::Gathered(_) | Form::Gone => {
                unreachable!("it is waited for, and given once")
            }
        }
    }

    fn lend<'a>(held: &'a Asked<T>, _: &RunContext<'a>) -> T {
        held.lend().clone()
    }

    kept!();
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Portable> Param for Show<T> {
    type Of = T;
    type Held = Asked<T>;
    type Given<'a> = &'a T;

    fn give<'a>(held: &'a mut Asked<T>, _: &RunContext<'a>) -> &'a T {
        held.lend()
    }

    fn lend<'a>(held: &'a Asked<T>, _: &RunContext<'a>) -> &'a T {
        held.lend()
    }

    kept!();
}
