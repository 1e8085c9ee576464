#!/usr/bin/env bash
# Does any test touch memory that it should not, or leak? The sanitizer is an unstable flag, hence the bootstrap variable; naming the target
# keeps it away from build scripts and procedural macros. Locals stay on the real stack, since the pool measures how much of it is left, and
# a little optimisation keeps the sanitizer's frames small enough for the deep tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export ASAN_OPTIONS=detect_stack_use_after_return=0
export LSAN_OPTIONS=suppressions=$PWD/ci/lsan.txt
RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_PROFILE_DEV_OPT_LEVEL=1 \
    cargo test --target x86_64-unknown-linux-gnu --lib --tests --target-dir target/asan
