#!/usr/bin/env bash
# sanitize.sh [all]: the tests of what handles bytes, memory and other processes under the address and undefined-behaviour
# sanitizers, and those of threads under the thread sanitizer. With `all`: every test of the tree under the former, and more
# under the latter.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
launch/setup.sh --tests
parts=(core numerics device tensor data wire collectives compressors optim exchange record library)
targets=("${parts[@]/#/tests/}")
targets=("${targets[@]/%//all}")
threads=(device_engine_test planted_defects loader_test exchange_test bucket_exchange_test)
threads_pattern='device_engine_test|planted_.*|loader_test|exchange_test|bucket_exchange_test'

if [ "${1:-}" = all ]; then
  threads+=(communicator_test train_test)
  threads_pattern+='|communicator_test|train_test'
  launch/build.sh debug
  ctest --preset debug --no-tests=error -j "$jobs"
else
  launch/build.sh debug "${targets[@]}"
  for part in "${parts[@]}"; do  # kernel tables are of what nvcc makes, which no sanitizer changes
    ctest --test-dir "build/debug/tests/$part" --output-on-failure --no-tests=error -j "$jobs" -E '_kernel_table$'
  done
fi
launch/build.sh tsan "${threads[@]}"
ctest --preset tsan --no-tests=error -j "$jobs" -R "^($threads_pattern)\$"
