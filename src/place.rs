//! Places: where a client's tasks run, and what can be taken there.

#[cfg(feature = "task")]
use crate::call::Portable;
use crate::sync::Codec;

/// Tasks of this process: closures may be submitted, and values of any type shared.
#[derive(Clone, Copy, Debug)]
pub struct Local;

/// Tasks of this process or of others, as the address says: calls of `#[task]` functions may be submitted, and values that
/// can be encoded shared.
#[cfg(feature = "task")]
#[cfg_attr(docsrs, doc(cfg(feature = "task")))]
#[derive(Clone, Copy, Debug)]
pub struct Anywhere;

/// Values that can be put into the graph of a client of the place `P`, or be shared there by name: in this process
/// ([`Local`]) all that can be sent to another thread; elsewhere those that can be encoded, handles among them.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be taken to any place",
    label = "not `Serialize + Deserialize + Send + Sync + 'static`",
    note = "derive `serde::Serialize` and `serde::Deserialize` for the type, or use a `Client<Local>`"
)]
#[allow(private_interfaces, reason = "called by this crate only")]
pub trait Carried<P>: Send + 'static {
    /// How it is encoded, if that is known. Asked for where something is shared with other processes.
    #[doc(hidden)]
    fn codec() -> Option<Codec<Self>>
    where
        Self: Sized;
}

#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Send + 'static> Carried<Local> for T {
    /// Here `T` is any type, so it must be one that a `#[task]` function takes or gives.
    fn codec() -> Option<Codec<T>> {
        #[cfg(feature = "task")]
        return crate::registry::codec();
        #[cfg(not(feature = "task"))]
        None
    }
}

#[cfg(feature = "task")]
#[diagnostic::do_not_recommend]
#[allow(private_interfaces, reason = "called by this crate only")]
impl<T: Portable> Carried<Anywhere> for T {
    fn codec() -> Option<Codec<T>> {
        Some(Codec::of_portable())
    }
}
