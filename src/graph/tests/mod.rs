//! Proofs of the graph: scripts of events, a slow model beside it, soaks, and loom models.

#[cfg(not(tenter_loom))]
mod arena;
#[cfg(not(tenter_loom))]
mod counts;
#[cfg(not(tenter_loom))]
mod keys;
#[cfg(not(tenter_loom))]
mod lists;
#[cfg(not(tenter_loom))]
mod long;
#[cfg(tenter_loom)]
mod loom;
#[cfg(tenter_loom)]
mod loom_broken;
#[cfg(tenter_loom)]
mod loom_keys;
#[cfg(tenter_loom)]
mod loom_lists;
#[cfg(tenter_loom)]
mod loom_postponed;
#[cfg(not(tenter_loom))]
mod model;
#[cfg(not(tenter_loom))]
mod postponed;
#[cfg(not(tenter_loom))]
mod rearm;
#[cfg(not(tenter_loom))]
mod remembered;
#[cfg(not(tenter_loom))]
mod reopened;
#[cfg(not(tenter_loom))]
mod rig;
#[cfg(not(tenter_loom))]
mod script;

use super::{Cache, Graph};

/// Asserts that nothing is left: no node, no key, no share of a count, and no slot lost.
fn assert_empty<P>(graph: &Graph<P>, mut caches: Vec<Cache>) {
    assert_eq!(graph.check().live, 0, "nodes that nobody freed");
    assert_eq!(graph.key_count(), 0, "keys of tasks that are gone");
    assert_eq!(graph.shares.count(), 0, "shares of counts that are gone");
    caches.iter_mut().for_each(|cache| graph.flush(cache));
    // Slot 0 is never handed out.
    assert_eq!(
        graph.nodes.free_slots(),
        graph.nodes.len().saturating_sub(1),
        "nodes lost"
    );
    assert_eq!(
        graph.edges.free_slots(),
        graph.edges.len().saturating_sub(1),
        "cells lost"
    );
}
