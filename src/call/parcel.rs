//! Arguments and results as bytes, with the handles in them beside: how a call would leave the process.
//!
//! The bytes are postcard's, but for arrays of numbers, which are raw bytes ([`raw`](crate::raw)). Of a call they are its arguments in order: a byte 0 and the value, or a byte 1 and the place
//! among the task's inputs as a varint, or a byte 2, the place of the first of those that it is gathered of, and their number.

use std::ops::Range;
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use super::args::{Args, Visit};
use super::body::{Run, future_in};
use super::content::refused;
use super::function::{Defined, Info};
use super::gathered::{self, AnyGather, Gather, Gathered};
use super::given::Form;
use super::handles::{self, AnyHandle, Pack};
use super::param::{Argument, Item, Portable};
use crate::attempts::Reschedule;
use crate::client::current_blame;
use crate::error::{ErrorKind, Failure, TaskError};
use crate::hosted::Encoded;
use crate::pool::job::{Job, RunContext, Runs, Slot};
use crate::pool::polled;
use crate::raw;

/// What has been encoded.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The handles in them, each written as its place here.
    pub handles: Arc<[AnyHandle]>,
}

/// A value that can be encoded.
pub(crate) trait Encodable {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), postcard::Error>;

    /// Encodes it if that takes at most `limit` bytes, which is seen as soon as it takes more; counts all of them.
    fn measure(&self, bytes: &mut Vec<u8>, limit: usize) -> Result<u64, postcard::Error>;
}

impl<T: Serialize + 'static> Encodable for T {
    fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), postcard::Error> {
        write(self, Appended(bytes))
    }

    fn measure(&self, bytes: &mut Vec<u8>, limit: usize) -> Result<u64, postcard::Error> {
        let measured = Measured {
            bytes,
            limit,
            total: 0,
        };
        write(self, measured)
    }
}

/// Writes a value; an array of numbers as the bytes that it is.
fn write<T: Serialize + 'static, F: Flavor>(
    value: &T,
    flavor: F,
) -> Result<F::Output, postcard::Error> {
    match raw::bytes_of(value) {
        Some(array) => postcard::serialize_with_flavor(&raw::Bytes(array), flavor),
        None => postcard::serialize_with_flavor(value, flavor),
    }
}

/// Postcard's output, after what is there.
struct Appended<'b>(&'b mut Vec<u8>);

impl Flavor for Appended<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Postcard's output, kept while it is short, and counted.
struct Measured<'b> {
    bytes: &'b mut Vec<u8>,
    limit: usize,
    total: usize,
}

impl Flavor for Measured<'_> {
    type Output = u64;

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.total += bytes.len();
        if self.total <= self.limit {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<u64> {
        Ok(self.total as u64)
    }
}

/// What a value would be when encoded.
pub(crate) struct Measure {
    /// Its bytes, if they are few.
    pub(crate) short: Option<Vec<u8>>,
    /// How many they are.
    pub(crate) total: u64,
    pub(crate) handles: Vec<AnyHandle>,
}

/// Measures a value, and encodes it if that takes at most so many bytes.
pub(crate) fn measure(value: &dyn Encodable, limit: usize) -> Result<Measure, postcard::Error> {
    let mut bytes = Vec::new();
    let (measured, handles) = handles::packing(|| value.measure(&mut bytes, limit));
    let total = measured?;
    Ok(Measure {
        short: (total <= limit as u64).then_some(bytes),
        total,
        handles,
    })
}

/// Encodes the arguments of a call that is not in the graph yet.
pub(crate) fn of_call(function: &'static dyn Defined, job: &Job) -> Result<Parcel, Failure> {
    of_args(function.info().name, |visit| function.each_arg(job, visit))
}

/// Encodes the arguments that `each` shows.
pub(super) fn of_args(
    function: &str,
    each: impl FnOnce(&mut Visit<'_>) -> Result<(), Failure>,
) -> Result<Parcel, Failure> {
    let mut bytes = Vec::new();
    let mut place = 0;
    let (encoded, handles) = handles::packing(|| {
        each(&mut |item| {
            place += 1;
            let encoded = match item {
                Item::Value(value) => {
                    bytes.push(0);
                    value.encode(&mut bytes)
                }
                Item::Input(input, _) => {
                    bytes.push(1);
                    (input as u32).encode(&mut bytes)
                }
                Item::Inputs(inputs, _) => {
                    bytes.push(2);
                    (inputs.start as u32, inputs.len() as u32).encode(&mut bytes)
                }
            };
            encoded.map_err(|error| refused(place, function, &error))
        })
    });
    encoded?;
    Ok(Parcel {
        bytes,
        handles: handles.into(),
    })
}

/// How the values of a call's inputs are encoded, by their places.
pub(crate) fn packs(function: &'static dyn Defined, job: &Job, inputs: usize) -> Vec<Option<Pack>> {
    let mut packs = vec![None; inputs];
    let found = function.each_arg(job, &mut |item| {
        item.note(&mut packs);
        Ok(())
    });
    debug_assert!(found.is_ok(), "the visit refuses nothing");
    packs
}

/// Encodes a value.
pub(crate) fn pack<T: Portable>(value: &T) -> Result<Parcel, Failure> {
    let mut bytes = Vec::new();
    let (encoded, handles) = handles::packing(|| value.encode(&mut bytes));
    encoded.map_err(|error| {
        format!(
            "`{}` cannot be encoded: {error}",
            std::any::type_name::<T>()
        )
    })?;
    Ok(Parcel {
        bytes,
        handles: handles.into(),
    })
}

/// Decodes a value, all of it.
pub(crate) fn unpack<T: Portable>(parcel: &Parcel) -> Result<T, Failure> {
    unpack_from(&parcel.bytes, &parcel.handles)
}

/// Decodes a value, all of it, of bytes and the handles that go beside them.
pub(crate) fn unpack_from<T: Portable>(
    mut rest: &[u8],
    handles: &Arc<[AnyHandle]>,
) -> Result<T, Failure> {
    let value = handles::unpacking(handles, || take(&mut rest))?;
    if rest.is_empty() {
        return Ok(value);
    }
    Err(undecodable::<T>(&format_args!(
        "{} bytes are left over",
        rest.len()
    )))
}

fn take<T: Portable>(rest: &mut &[u8]) -> Result<T, Failure> {
    if let Some(array) = raw::take(rest) {
        return array.map_err(|error| undecodable::<T>(&error));
    }
    let (value, left) =
        postcard::take_from_bytes(rest).map_err(|error| undecodable::<T>(&error))?;
    *rest = left;
    Ok(value)
}

#[cold]
pub(crate) fn undecodable<T>(why: &dyn std::fmt::Display) -> Failure {
    format!("these bytes are no `{}`: {why}", std::any::type_name::<T>()).into()
}

/// Where the arguments of a call are decoded from.
pub(crate) struct Source<'s, 'c> {
    rest: &'s [u8],
    /// Inputs are encoded and decoded too, as if they had come from elsewhere.
    round_trip: bool,
    /// Inputs before this place have been given to an argument.
    next: usize,
    /// How the arguments that are left are gathered.
    gathers: std::slice::Iter<'static, AnyGather>,
    /// Of a task; the handles of a method are no inputs of one.
    context: Option<&'s RunContext<'c>>,
}

/// What an argument turned out to be.
pub(super) enum Found<'c, T> {
    Value(T),
    /// An input whose value is one.
    Input(Slot<T>),
    /// The input of this place, which is data.
    Encoded(usize, &'c Encoded),
}

impl<'c> Source<'_, 'c> {
    /// The next argument.
    pub(super) fn arg<T: Portable>(&mut self) -> Result<Found<'c, T>, Failure> {
        let how = self.gathers.next().copied().flatten();
        match take::<u8>(&mut self.rest)? {
            0 => return take(&mut self.rest).map(Found::Value),
            2 => {
                let (inputs, how) = self.gathered(how)?;
                return how.decode(self, inputs).map(Found::Value);
            }
            _ => {}
        }
        match (self.input::<T>()?, self.context) {
            (Found::Input(slot), Some(context)) if self.round_trip => {
                unpack(&pack::<T>(context.get(&slot))?).map(Found::Value)
            }
            (found, _) => Ok(found),
        }
    }

    /// The next argument of a method.
    pub(super) fn form<T: Portable>(&mut self) -> Result<Form<T>, Failure> {
        let how = self.gathers.next().copied().flatten();
        match take::<u8>(&mut self.rest)? {
            0 => take(&mut self.rest).map(Form::Value),
            2 => {
                let (inputs, how) = self.gathered(how)?;
                Ok(Form::Gathered(Box::new(Gathered::new(inputs, how))))
            }
            _ => take::<u32>(&mut self.rest).map(|place| Form::Input(place as usize)),
        }
    }

    /// The inputs that the next argument is gathered of, and how.
    fn gathered<T: Portable>(
        &mut self,
        how: AnyGather,
    ) -> Result<(Range<usize>, Gather<T>), Failure> {
        let (first, count) = take::<(u32, u32)>(&mut self.rest)?;
        let how = Gather::<T>::find(how);
        let how = how.ok_or_else(|| undecodable::<T>(&"it is not gathered of inputs"))?;
        let first = first as usize;
        Ok((first..first.saturating_add(count as usize), how))
    }

    /// The values of these inputs.
    pub(super) fn elements<E: Argument>(
        &mut self,
        places: Range<usize>,
    ) -> Result<Vec<E>, Failure> {
        let inputs = self.context.map(|context| (context, context.inputs()));
        let inputs = inputs.filter(|(_, all)| places.start >= self.next && places.end <= all.len());
        let (context, all) = inputs.ok_or_else(|| {
            let why = format!("there are no inputs {places:?} for it");
            undecodable::<Vec<E>>(&why)
        })?;
        self.next = places.end;
        let element = |place| match context.is_of::<E>(all[place]) {
            true if self.round_trip => unpack(&pack::<E>(context.get(&Slot::of(place)))?),
            true => Ok(gathered::take(context, place)),
            false if context.is_of::<Encoded>(all[place]) => {
                context.get(&Slot::<Encoded>::of(place)).own()
            }
            false => Err(undecodable::<E>(&format_args!("input {place} gives none"))),
        };
        places.map(element).collect()
    }

    /// The input that is the next argument. Each is that of one argument alone, which may take its value: the bytes could
    /// come from anywhere, but a call numbers its inputs as its arguments name them.
    fn input<T: Portable>(&mut self) -> Result<Found<'c, T>, Failure> {
        let place = take::<u32>(&mut self.rest)? as usize;
        let found = self.context.and_then(|context| {
            if let Some(slot) = context.slot::<T>(place) {
                return Some(Found::Input(slot));
            }
            let slot = context.slot::<Encoded>(place)?;
            Some(Found::Encoded(place, context.get(&slot)))
        });
        let found = found.filter(|_| place >= self.next).ok_or_else(|| {
            undecodable::<T>(&format_args!("there is no input {place} that gives one"))
        })?;
        self.next = place + 1;
        Ok(found)
    }
}

/// A call that is decoded when it runs.
pub(super) struct Travelling<A: Args, R> {
    pub(super) run: Run<A, R>,
    pub(super) parcel: Arc<Parcel>,
    pub(super) function: &'static Info,
    pub(super) round_trip: bool,
}

/// Decodes the arguments of a call of this function, which is about to run.
pub(crate) fn decode<A: Args>(
    parcel: &Parcel,
    function: &Info,
    round_trip: bool,
    context: &RunContext<'_>,
) -> Result<A::Held, Failure> {
    let source = Source {
        rest: &parcel.bytes,
        round_trip,
        next: 0,
        gathers: function.gathers.iter(),
        context: Some(context),
    };
    decode_from(source, parcel, function, A::decode)
}

/// Decodes the arguments of a call of this method, which is about to run.
pub(super) fn decode_with<H>(
    parcel: &Parcel,
    function: &Info,
    decode: impl FnOnce(&mut Source<'_, '_>) -> Result<H, Failure>,
) -> Result<H, Failure> {
    let source = Source {
        rest: &parcel.bytes,
        round_trip: false,
        next: 0,
        gathers: function.gathers.iter(),
        context: None,
    };
    decode_from(source, parcel, function, decode)
}

fn decode_from<H>(
    mut source: Source<'_, '_>,
    parcel: &Parcel,
    function: &Info,
    decode: impl FnOnce(&mut Source<'_, '_>) -> Result<H, Failure>,
) -> Result<H, Failure> {
    let held = handles::unpacking(&parcel.handles, || decode(&mut source));
    let left = source.rest.len();
    let held = held.and_then(|held| match left {
        0 => Ok(held),
        left => Err(undecodable::<H>(&format_args!(
            "{left} bytes are left over"
        ))),
    });
    held.map_err(|error| {
        blamed(format!(
            "the arguments of `{}` cannot be decoded: {error}",
            function.name
        ))
    })
}

impl<A: Args, R: Portable> Runs<R> for Travelling<A, R> {
    fn run(self, context: &RunContext<'_>) -> Result<R, Failure> {
        let mut held = decode::<A>(&self.parcel, self.function, self.round_trip, context)?;
        // With its wants of the handles in the arguments: those are the function's alone, as if they had been moved in.
        drop(self.parcel);
        let ran = (self.run)(A::give(&mut held, context));
        if !self.round_trip {
            return ran.map_err(|failure| go_on::<R>(failure, context, false));
        }
        match ran {
            Ok(value) => return_trip(value),
            Err(failure) => Err(go_on::<R>(failure, context, true)),
        }
    }
}

fn go_on<R: Portable>(failure: Failure, context: &RunContext<'_>, round_trip: bool) -> Failure {
    match future_in::<R>(failure) {
        Ok(future) if round_trip => polled::suspend_as::<R>(
            context,
            Box::pin(async { future.await.map_err(travelled).and_then(return_trip) }),
        ),
        Ok(future) => polled::suspend_as(context, future),
        Err(failure) if round_trip => travelled(failure),
        Err(failure) => failure,
    }
}

/// What is left of a result when it has been elsewhere and back.
fn return_trip<R: Portable>(value: R) -> Result<R, Failure> {
    let back = pack(&value).and_then(|parcel| unpack(&parcel));
    back.map_err(|error| blamed(format!("its result cannot travel: {error}")))
}

/// What is left of an error: its text. An error of tenter's own keeps what it says of the task that is to blame.
fn travelled(failure: Failure) -> Failure {
    if failure.is::<TaskError>() || failure.is::<Reschedule>() {
        return failure;
    }
    failure.to_string().into()
}

/// The error of the current task, whose arguments or result are to blame.
fn blamed(text: String) -> Failure {
    Box::new(TaskError::new(
        ErrorKind::Encoding,
        current_blame(),
        text,
        None,
    ))
}
