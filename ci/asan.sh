#!/usr/bin/env bash
# Does any test touch memory that it should not, or leak? The sanitizer is an unstable flag, hence the bootstrap variable; naming the target
# keeps it away from build scripts and procedural macros.
set -euo pipefail
cd "$(dirname "$0")/.."

RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
    cargo test --target x86_64-unknown-linux-gnu --lib --tests --target-dir target/asan
