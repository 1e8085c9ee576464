//! Chains of a million tasks, each event on a thread with a small stack: nothing in the graph recurses.

use super::rig::Rig;
use crate::graph::State;

const STACK: usize = 256 << 10;

fn length() -> usize {
    if std::env::var_os("TENTER_SOAK").is_some() {
        10_000_000
    } else {
        1_000_000
    }
}

#[expect(
    clippy::disallowed_types,
    reason = "the size of the stack is the point"
)]
fn on_a_small_stack(f: fn()) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(f);
    thread.expect("a thread").join().expect("it ends well");
}

/// A chain whose only wanted tasks are its head and its last.
fn chain() -> (Rig, u32, u32) {
    let mut rig = Rig::new();
    rig.checked = false;
    let head = rig.task(&[]);
    let mut last = head;
    for _ in 1..length() {
        let next = rig.task(&[last]);
        if last != head {
            rig.drop(last);
        }
        last = next;
    }
    assert_eq!(rig.graph.live_count(), length());
    (rig, head, last)
}

#[test]
fn a_long_chain_runs() {
    on_a_small_stack(|| {
        let (mut rig, head, last) = chain();
        assert_eq!(rig.run_all(), length());
        assert_eq!(rig.state(last), State::Finished);
        assert_eq!(rig.census().live, 2, "its inputs are let go as it runs");
        rig.drop_all(&[head, last]);
        rig.assert_over();
    });
}

#[test]
fn a_long_chain_is_cancelled_from_its_head() {
    on_a_small_stack(|| {
        let (mut rig, head, last) = chain();
        assert!(rig.cancel(head));
        assert_eq!(
            (rig.state(head), rig.state(last)),
            (State::Cancelled, State::Failed)
        );
        assert_eq!(rig.census().live, 2);
        rig.drop_all(&[head, last]);
        rig.assert_over();
    });
}

#[test]
fn a_long_chain_fails_from_its_head() {
    on_a_small_stack(|| {
        let (mut rig, head, last) = chain();
        rig.fail(head);
        assert_eq!(rig.state(last), State::Failed);
        rig.drop_all(&[head, last]);
        rig.assert_over();
    });
}

#[test]
fn a_long_chain_is_dropped() {
    on_a_small_stack(|| {
        let (mut rig, head, last) = chain();
        rig.drop(last);
        assert_eq!(
            rig.census().live,
            2,
            "the list of the head names its dependent"
        );
        rig.drop(head);
        rig.assert_over();
    });
}
