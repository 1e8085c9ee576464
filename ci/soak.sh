#!/usr/bin/env bash
# Do the tests still hold at sizes too long for every change? TENTER_SOAK tells them to enlarge themselves: more seeds, more rounds, deeper
# and wider graphs. Takes hours; not part of .ci/run.
set -euo pipefail
cd "$(dirname "$0")/.."

export TENTER_SOAK=1
rounds=${1:-3}
for round in $(seq "$rounds"); do
    printf '\n== soak, round %s of %s ==\n' "$round" "$rounds"
    cargo test --release --all-features
done
printf '\n== soak under the address sanitizer ==\n'
ci/asan.sh
