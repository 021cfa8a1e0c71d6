#!/usr/bin/env bash
# run.sh [PRESET]: set-up, build, and every test (release if no preset is named). Fails if a test fails, and if one is
# skipped for a reason other than a missing GPU.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
launch/setup.sh --tests
launch/build.sh "$preset"
mkdir -p "build/$preset/Testing"
log=build/$preset/Testing/run.log
ctest --preset "$preset" --no-tests=error --output-on-failure -j "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" 2>&1 | tee "$log"

# ctest's own skips, and GoogleTest's; what a skipped test printed is in ctest's log alone.
skipped=$(grep -cE '\*\*\*(Skipped|Not Run)' "$log" || true)
gpu=$(grep -cE '^skipped: no GPU' "build/$preset/Testing/Temporary/LastTest.log" || true)
grep -hE '^skipped: no GPU' "build/$preset/Testing/Temporary/LastTest.log" || true
echo "tests skipped: $skipped, of which for want of a GPU: $gpu"
[ "$skipped" = "$gpu" ]
