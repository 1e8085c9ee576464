//! An actor in a process that is killed.

use std::time::Instant;

use tenter::{ErrorKind, task};

use crate::signals;
use crate::support::{Noted, PATIENCE, until};

struct Seen(Vec<u64>);

#[task(actor)]
fn seen() -> Seen {
    Seen(Vec::new())
}

#[task]
fn see(seen: &mut Seen, number: u64) -> usize {
    seen.0.push(number);
    seen.0.len()
}

#[task]
fn its_process(_seen: &mut Seen) -> u32 {
    std::process::id()
}

/// Kills the process of an actor with calls open: each call ends, soon, and those that were answered were right.
pub(crate) fn a_killed_actor_fails_its_calls_at_once() {
    let noted = Noted::start(2);
    let client = noted.cluster.client().expect("it answers");
    let actor = client.actor(seen::call());
    let process = *actor.call(its_process::call()).result().expect("it lives");
    let calls: Vec<_> = (0..20_000u64).map(|n| actor.call(see::call(n))).collect();
    until("some calls were answered", || calls[10].is_done());
    signals::end(process);
    let start = Instant::now();
    let mut answered = 0;
    for (call, count) in calls.iter().zip(1..) {
        match call.result() {
            Ok(seen) => {
                assert_eq!(
                    (*seen, answered),
                    (count, count - 1),
                    "calls run in order, once each"
                );
                answered = count;
            }
            Err(error) => {
                let kinds = [ErrorKind::Disconnected, ErrorKind::DataLost];
                assert!(kinds.contains(&error.kind()), "{error}");
            }
        }
    }
    assert!(start.elapsed() < PATIENCE / 2);
    let error = actor.call(see::call(0)).result().expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::DataLost, "{error}");
    let other = client.actor(seen::call());
    assert_eq!(
        *other
            .call(see::call(1))
            .result()
            .expect("another worker is there"),
        1
    );
}
