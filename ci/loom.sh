#!/usr/bin/env bash
# Do the lock-free protocols hold under every interleaving that the memory model allows? The models are the unit tests named `loom`.
set -euo pipefail
cd "$(dirname "$0")/.."

RUSTFLAGS='--cfg tenter_loom' cargo test --release --lib loom --target-dir target/loom
