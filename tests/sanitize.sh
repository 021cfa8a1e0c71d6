#!/usr/bin/env bash
# sanitize.sh [all]: the tests under the address and undefined-behaviour sanitizers, and those of threads under the thread
# sanitizer. Without `all`, those that train models for long are left out, those of packages, launchers and reports, and
# what threads do not touch.
set -euo pipefail
cd "$(dirname "$0")/.."
launch/setup.sh --tests
slow='world_size_test|train_test|bad_input_test|training_test|training_controls_test|controls_test|diagnostics_test|models_test'
slow+='|weights_test|timeline_test|experiment_test|project_test|report_test|install_test|cpack_test|completion_test'
slow+='|local_test|hosts_test|doctor_test|testbed_test|ledger_test|shellcheck|gpu_kernel_table|tensor_kernel_table'
[ "${1:-}" != all ] || slow=nothing_at_all
launch/build.sh debug
ctest --preset debug --no-tests=error -j "$(nproc)" -E "^($slow)\$"
if [ "${1:-}" = all ]; then
  launch/build.sh tsan device_engine_test planted_defects communicator_test loader_test exchange_test bucket_exchange_test train_test
  ctest --preset tsan --no-tests=error -j "$(nproc)" -R '^(device_engine_test|planted_.*|communicator_test|loader_test|exchange_test|bucket_exchange_test|train_test)$'
else
  launch/build.sh tsan device_engine_test planted_defects loader_test exchange_test bucket_exchange_test
  ctest --preset tsan --no-tests=error -j "$(nproc)" -R '^(device_engine_test|planted_.*|loader_test|exchange_test|bucket_exchange_test)$'
fi
