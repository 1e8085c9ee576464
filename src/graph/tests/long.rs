//! Chains of a million tasks, each event on a thread with a small stack: nothing in the graph recurses.

use super::rig::Rig;
use crate::graph::{Outcome, Spec, State};

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
    let head = submit(&mut rig, &[]);
    let mut last = head;
    for _ in 1..length() {
        let next = submit(&mut rig, &[last]);
        if last != head {
            rig.graph.drop_want(last, &mut rig.fx);
        }
        last = next;
    }
    assert!(rig.fx.is_empty());
    assert_eq!(rig.graph.check().edges, length() - 1);
    (rig, head, last)
}

fn submit(rig: &mut Rig, inputs: &[u32]) -> u32 {
    let Rig {
        graph,
        cache,
        fx,
        payloads,
        ..
    } = rig;
    let index = graph
        .submit(cache, &Spec::default(), inputs, (), fx)
        .index();
    payloads.insert(index, super::rig::Left::Task);
    index
}

/// Ends a started task without the check of the whole graph.
fn end(rig: &mut Rig, index: u32, outcome: Outcome) {
    let Rig {
        graph,
        cache,
        fx,
        payloads,
        ..
    } = rig;
    let inputs = graph.inputs(index);
    payloads.insert(index, super::rig::Left::Result(outcome));
    if graph.finish(cache, index, outcome, fx) {
        fx.free.push(index);
    }
    inputs.iter().for_each(|&input| graph.drop_want(input, fx));
    rig.perform();
}

#[test]
fn a_long_chain_runs() {
    on_a_small_stack(|| {
        let (mut rig, head, last) = chain();
        let mut next = vec![head];
        while let Some(task) = next.pop() {
            assert!(rig.graph.claim(task));
            end(&mut rig, task, Outcome::Value);
            next = rig.take_ready();
        }
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
        assert!(rig.graph.claim(head));
        end(&mut rig, head, Outcome::Error);
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
