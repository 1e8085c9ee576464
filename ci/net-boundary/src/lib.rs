//! Does `net/` use `tenter::driver` and the public names of `tenter`, and nothing else of it? This crate is `net/` again, in
//! a crate of its own: what it says as `crate::…` finds only what anybody may use.
//!
//! If something here does not compile, `net/` has reached past the driver: move what it needs there, or make it public.

pub use tenter::*;

#[path = "../../../net/mod.rs"]
pub mod net;

/// Hides `tenter::graph`, which `net/` has from the driver.
#[expect(hidden_glob_reexports, reason = "that is what it is for")]
mod graph {}
