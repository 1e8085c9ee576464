//! Sequences of messages that nobody vouches for: whatever peers say, in whatever order, the scheduler goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::words::{Said, play, replay};

fn script(seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let most = if rng.bool() { 300 } else { 6000 };
    let length = rng.usize(..most);
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

fn goes_well(body: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(body)).is_ok()
}

/// Leaves out what the failure does not need, if it does not need what was seen of the machine's answers.
fn shrunk(mut said: Said) -> Said {
    let mut length = said.len() / 2;
    while length > 0 {
        let mut at = 0;
        while at + length <= said.len() {
            let mut shorter = said.clone();
            shorter.drain(at..at + length);
            if goes_well(|| replay(&shorter)) {
                at += length;
            } else {
                said = shorter;
            }
        }
        length /= 2;
    }
    said
}

fn seeds() -> std::ops::Range<u64> {
    let soaking = std::env::var_os("TENTER_SOAK").is_some();
    let first = std::env::var("TENTER_FIRST_SEED").map_or(0, |first| {
        first.parse().expect("TENTER_FIRST_SEED is a number")
    });
    let count = if cfg!(debug_assertions) { 150 } else { 3000 };
    first..first + if soaking { count * 100 } else { count }
}

#[test]
fn whatever_peers_say_the_scheduler_holds_its_invariants() {
    for seed in seeds() {
        let bytes = script(seed);
        let mut said = Said::new();
        if !goes_well(|| play(&bytes, &mut said)) {
            let lines: Vec<String> = shrunk(said)
                .iter()
                .map(|said| format!("{said:?}"))
                .collect();
            panic!("seed {seed}: this is enough:\n{}", lines.join("\n"));
        }
    }
}
