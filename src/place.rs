//! Places: where a client's tasks run, and what can be taken there.

#[cfg(feature = "task")]
use crate::call::Portable;

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
pub trait Carried<P>: Send + 'static {}

impl<T: Send + 'static> Carried<Local> for T {}

#[cfg(feature = "task")]
#[diagnostic::do_not_recommend]
impl<T: Portable> Carried<Anywhere> for T {}
