#!/usr/bin/env bash
# run_gpu.sh [REPORT]: on a machine with NVIDIA GPUs: builds, runs every test that needs one, the benches, a training over NCCL
# on all GPUs, and the kernels under compute-sanitizer where that is installed. All of it goes into one file to send back
# (default gpu-report.txt). Needs the driver, nvcc 12.8 or newer, cuBLAS, cuDNN 9 and NCCL; the rest as run.sh does.
#
# Exit status: 0 if all went well, 1 if something did not (the report's last lines say what), 2 without GPU or toolkit.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
report=$(realpath -m "${1:-gpu-report.txt}")
die() { echo "run_gpu.sh: $1" >&2; exit 2; }
command -v nvidia-smi >/dev/null || die "no GPU: nvidia-smi is not there; install NVIDIA's driver"
listed=$(nvidia-smi -L 2>&1) || die "no GPU: ${listed##*$'\n'}"
gpus=$(grep -c '^GPU ' <<<"$listed")
[ "$gpus" -gt 0 ] || die "no GPU: nvidia-smi -L names none"
PATH=$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || die "no nvcc on PATH or in /usr/local/cuda/bin; install the CUDA toolkit, 12.8 or newer"
: >"$report" || die "report = $report: cannot write it"
failed=()

# section NAME COMMAND...: its output goes into the report, and its name into `failed` if it fails.
section() {
  local name=$1 status
  shift
  printf '\n== %s\n' "$name" >>"$report"
  echo "run_gpu.sh: $name" >&2
  "$@" >>"$report" 2>&1
  status=$?
  [ "$status" = 0 ] || failed+=("$name: status $status")
  return "$status"
}

describe() {
  git describe --always --dirty
  uname -srm
  nvidia-smi --query-gpu=index,name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv
  nvidia-smi topo -m
  nvcc --version | tail -n 2
  lscpu | grep -E '^(Model name|CPU\(s\))'
}

# Where packages cannot be had, what is installed may do.
build() {
  launch/setup.sh --tests || echo 'setup.sh: going on without it'
  cmake --preset release -DSTERNA_CUDA=ON -Wno-dev && launch/build.sh release
}

cached() { sed -n "s/^$1:[A-Z]*=//p" build/release/CMakeCache.txt; }

# The libraries that were found, for programs that are not started by ctest; and the GPUs that a process may use, which may be
# fewer than the machine has.
prepare() {
  local library path
  for library in CUBLAS CUDNN NCCL; do
    path=$(cached "${library}_LIBRARY")
    [ -e "$path" ] || { echo "$library was not found when the build was configured; install it"; return 1; }
    LD_LIBRARY_PATH=$(dirname "$path")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  done
  export LD_LIBRARY_PATH
  gpus=$(build/release/tests/collectives/count_devices) || { echo "$gpus"; return 1; }
  echo "$gpus GPU(s), libraries in $LD_LIBRARY_PATH"
}

# Here a skipped test is a failed one.
run_tests() {
  local log
  log=$(mktemp)
  ctest --preset release -L gpu --no-tests=error --output-on-failure | tee "$log"
  local status=${PIPESTATUS[0]}
  ! grep -E '\*\*\*Skipped' "$log" || status=1
  rm "$log"
  return "$status"
}

# The same training through MPI and through NCCL, with a rank for each GPU: bits, seconds of a step and of its exchange.
train() {
  local folder transport compressor
  folder=$(mktemp -d)
  for compressor in none scalecom adacomp; do
    for transport in mpi nccl; do
      launch/local.sh "$gpus" train --model lenet --data synthetic --batch 64 --steps 60 --compressor "$compressor" \
        --transport "$transport" --device cpu --progress off --log-dir "$folder/$compressor-$transport" || return 1
      printf '%s over %s: ' "$compressor" "$transport"
      grep -o '"parameter_hash":"[^"]*"' "$folder/$compressor-$transport/epochs.jsonl" | tail -n 1
      tail -n 1 "$folder/$compressor-$transport/steps.jsonl" | grep -oE '"(step|exchange)_seconds":[^,]*'
    done
    cmp <(grep -o '"parameter_hash":"[^"]*"' "$folder/$compressor-mpi/epochs.jsonl") \
      <(grep -o '"parameter_hash":"[^"]*"' "$folder/$compressor-nccl/epochs.jsonl") || return 1
  done
  rm -r "$folder"
}

# On the GPUs themselves: the loss of the last step on the processor and on them, and seconds of a step.
train_on_device() {
  local folder model device
  folder=$(mktemp -d)
  for model in lenet resnet20 char-lstm gpt; do
    for device in cpu cuda; do
      launch/local.sh "$gpus" train --model "$model" --data synthetic --batch 32 --steps 40 --transport nccl \
        --device "$device" --threads 4 --progress off --log-dir "$folder/$model-$device" || return 1
      printf '%s on %s: ' "$model" "$device"
      tail -n 1 "$folder/$model-$device/steps.jsonl" | grep -oE '"(loss|step_seconds|compute_seconds)":[^,]*' | tr '\n' ' '
      echo
    done
  done
  rm -r "$folder"
}

# initcheck blames libraries for what they mean to read: it gets the program that uses none.
sanitize() {
  local program programs=(compressors/gpu/gpu_cuda_equality_test)
  [ "$1" = initcheck ] || programs+=(tensor/cuda/cuda_operations_program)
  for program in "${programs[@]}"; do
    compute-sanitizer --tool "$1" --error-exitcode 9 "build/release/tests/$program" || return 1
  done
}

section machine describe
if section build build && section prepare prepare; then
  section tests run_tests
  section 'encode and decode' build/release/tests/bench/gpu_compressor_bench --benchmark_repetitions=5 \
    --benchmark_report_aggregates_only=true
  section "training over $gpus GPU(s)" train
  section "training on $gpus GPU(s)" train_on_device
  if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck synccheck initcheck; do section "compute-sanitizer $tool" sanitize "$tool"; done
  else
    printf '\n== compute-sanitizer\nnot installed\n' >>"$report"
  fi
fi
{
  printf '\n== result\n'
  [ ${#failed[@]} = 0 ] && echo "all went well" || printf 'failed: %s\n' "${failed[@]}"
} | tee -a "$report"
echo "run_gpu.sh: send back $report"
[ ${#failed[@]} = 0 ]
