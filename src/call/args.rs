//! The arguments of a function, as a tuple of how it takes each.

use super::arg::Arg;
use super::content::Hashing;
use super::handles::AnyHandle;
use super::param::{Item, Param};
use super::parcel::Source;
use crate::error::Failure;
use crate::pool::job::RunContext;

/// What [`Args::each`] calls for every argument.
pub(crate) type Visit<'v> = dyn FnMut(Item<'_>) -> Result<(), Failure> + 'v;

/// How a function takes its arguments: a tuple of up to twelve [`Param`]s.
#[allow(private_interfaces, reason = "called by this crate only")]
pub trait Args: 'static {
    /// The arguments of a call.
    type Raw;
    /// What a call keeps of them until it runs.
    type Held: Send + Sync + 'static;
    /// What the function is given.
    type Given<'a>;

    #[doc(hidden)]
    fn hold(raw: Self::Raw) -> Self::Held;

    #[doc(hidden)]
    fn give<'a>(held: &'a mut Self::Held, context: &RunContext<'a>) -> Self::Given<'a>;

    #[doc(hidden)]
    fn lend<'a>(held: &'a Self::Held, context: &RunContext<'a>) -> Self::Given<'a>;

    /// Shows the arguments one by one, until one is refused.
    #[doc(hidden)]
    fn each(held: &Self::Held, visit: &mut Visit<'_>) -> Result<(), Failure>;

    /// Whether there are none.
    #[doc(hidden)]
    const NONE: bool;

    /// Hashes the arguments, until one is refused.
    #[doc(hidden)]
    fn hash(held: &Self::Held, hashing: &mut Hashing<'_>) -> Result<(), Failure>;

    #[doc(hidden)]
    fn decode(source: &mut Source<'_, '_>) -> Result<Self::Held, Failure>;

    /// Waits for the results of those of a method that are handles.
    #[doc(hidden)]
    fn wait(held: &mut Self::Held, inputs: &[AnyHandle]) -> Result<(), Failure>;

    /// Says how the types of the arguments are encoded.
    #[doc(hidden)]
    fn teach(codecs: &mut super::codecs::Codecs);
}

macro_rules! arguments {
    ($($param:ident $place:tt)*) => {
        #[allow(private_interfaces, reason = "called by this crate only")]
        #[allow(unused_variables, clippy::unused_unit, reason = "of no arguments there is nothing to do")]
        impl<$($param: Param),*> Args for ($($param,)*) {
            type Raw = ($(Arg<$param::Of>,)*);
            type Held = ($($param::Held,)*);
            type Given<'a> = ($($param::Given<'a>,)*);

            #[inline]
            fn hold(raw: Self::Raw) -> Self::Held {
                ($($param::hold(raw.$place),)*)
            }

            #[inline]
            fn give<'a>(held: &'a mut Self::Held, context: &RunContext<'a>) -> Self::Given<'a> {
                ($($param::give(&mut held.$place, context),)*)
            }

            fn lend<'a>(held: &'a Self::Held, context: &RunContext<'a>) -> Self::Given<'a> {
                ($($param::lend(&held.$place, context),)*)
            }

            fn each(held: &Self::Held, visit: &mut Visit<'_>) -> Result<(), Failure> {
                $(visit($param::item(&held.$place))?;)*
                Ok(())
            }

            const NONE: bool = <[u8]>::is_empty(&[$($place),*]);

            fn hash(held: &Self::Held, hashing: &mut Hashing<'_>) -> Result<(), Failure> {
                $($param::hash(&held.$place, $place, hashing)?;)*
                Ok(())
            }

            fn decode(source: &mut Source<'_, '_>) -> Result<Self::Held, Failure> {
                Ok(($($param::decode(source)?,)*))
            }

            fn wait(held: &mut Self::Held, inputs: &[AnyHandle]) -> Result<(), Failure> {
                $($param::wait(&mut held.$place, inputs)?;)*
                Ok(())
            }

            fn teach(codecs: &mut super::codecs::Codecs) {
                $(codecs.add::<$param::Of>();)*
            }
        }
    };
}

arguments!();
arguments!(A 0);
arguments!(A 0 B 1);
arguments!(A 0 B 1 C 2);
arguments!(A 0 B 1 C 2 D 3);
arguments!(A 0 B 1 C 2 D 3 E 4);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
arguments!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
