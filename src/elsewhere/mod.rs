//! Tasks that run elsewhere: nodes of this graph that a [`Backend`](crate::driver::Backend) settles.
//!
//! | file | what |
//! | --- | --- |
//! | `remote` | what such a node has in its extra: how far it is, and who wants what of it |
//! | `landing` | the backend's side of a node: what comes of the task is told here |
//! | `depart`, `held` | a call leaves, at once or when what it needs has left |
//! | `twin` | a value of this process, put where others can have it |
//! | `again` | a failed one is made anew |
//! | `named` | a handle that has come from elsewhere |
//! | `rerun` | the call of one is run here, for who looks for its fault |
//! | `report` | why a task has failed, as it travels |
//!
//! # Rules
//! 1. The node is running from the start, for as long as its [`Remote`] is open. Whoever closes that settles the node:
//!    the backend by what it is told, or this side, when the task is cancelled or nobody wants it any more.
//! 2. A task is named by its ticket once it has left, for which the backend gives it one: in the order in which tasks leave,
//!    since a call may name only what has left before it. One that must wait for another is held back here; nobody blocks.
//! 3. The ticket lasts as long as the node: it is released when the slot is freed.
//! 4. The value of a finished task need not come: it is asked for when somebody wants it (`result`, `await`, a task of this
//!    process that has it as an input).
//! 5. The locks of a [`Remote`] are taken before those of the backend, and nothing is settled under either: that runs user
//!    code.

mod again;
mod depart;
mod held;
mod landing;
mod named;
mod remote;
mod report;
mod rerun;
mod twin;

pub(crate) use again::Again;
pub(crate) use depart::{depart, depart_each};
pub(crate) use held::{names, tickets};
pub(crate) use named::Named;
pub(crate) use remote::{Came, Land, Remote};

pub use depart::{Manner, Order, OrderKey, Special};
pub use landing::Landing;
pub use named::RemoteId;
pub use report::{Gone, Report};
