//! Any bytes as what peers say to a scheduler, in any order: it holds its invariants.
#![no_main]

#[allow(dead_code, reason = "tests replay what they have found")]
#[path = "../../tests/net/words.rs"]
mod words;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| words::play(bytes, &mut Vec::new()));
