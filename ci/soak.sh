#!/usr/bin/env bash
# Does it still hold for longer than every change can wait?
#
#   ci/soak.sh MINUTES   a cluster, for so long: simulated, its scheduler told nonsense, and of real processes that are killed and frozen;
#                        each round with seeds of its own, which are printed
#   ci/soak.sh           every test at a size too long for every change, which TENTER_SOAK tells them: more seeds, more rounds, deeper and
#                        wider graphs. Takes hours
#
# Neither is part of .ci/run.
set -euo pipefail
cd "$(dirname "$0")/.."

cluster() {
    local end=$((SECONDS + $1 * 60)) first=$(date +%s) round=0
    while ((SECONDS < end)); do
        round=$((round + 1)) first=$((first + 1000000))
        printf '\n== soak, round %s, %s s left ==\n' "$round" "$((end - SECONDS))"
        TENTER_FIRST_SEED=$first cargo test --release --features net --test sim -- --nocapture
        TENTER_FIRST_SEED=$first cargo test --release --features net --test net sequences
        cargo test --release --features net --test cluster
    done
}

everything() {
    export TENTER_SOAK=1
    for round in 1 2 3; do
        printf '\n== soak, round %s of 3 ==\n' "$round"
        cargo test --release --all-features
    done
    printf '\n== soak under the address sanitizer ==\n'
    ci/asan.sh
}

if (($# > 0)); then
    cluster "$1"
else
    everything
fi
printf '\n== soaked for %s s ==\n' "$SECONDS"
