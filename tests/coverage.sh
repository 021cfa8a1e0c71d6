#!/usr/bin/env bash
# coverage.sh: builds with line counts, runs every test, and prints the share of executed lines of runtime/, library/ and
# compressors/. Fails under 90 %.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/setup.sh --tests
launch/build.sh coverage
find build/coverage -name '*.gcda' -delete
ctest --preset coverage --no-tests=error -j "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" -E 'world_size' >build/coverage/tests.log || { tail -n 40 build/coverage/tests.log; exit 1; }
gcovr --root . --object-directory build/coverage --filter 'runtime/' --filter 'compressors/' --filter 'library/' \
  --exclude-throw-branches --fail-under-line 90 --sort-percentage build/coverage
