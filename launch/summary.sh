#!/usr/bin/env bash
# summary.sh LOG-DIR...: a line for each run: test accuracy, bytes a step, compression rate, time. What is no log directory
# with a finished epoch is passed over, and named.
# Payload: what one learner has to say in a step. Wire: what rank 0 handed to the transport in a step, headers included.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: summary.sh LOG-DIR..." >&2; exit 2; }

# The last value of KEY in FILE, one JSON object a line.
last() { tail -n 1 "$2" | grep -o "\"$1\":[^,}]*" | cut -d: -f2 | tr -d '"'; }
# The mean of KEY over all lines of FILE.
mean() { grep -o "\"$1\":[^,}]*" "$2" | cut -d: -f2 | awk '{ sum += $1 } END { printf "%.1f", sum / NR }'; }

shown=()
printf '%-28s %14s %15s %12s %8s %9s\n' run 'test accuracy' 'payload B/step' 'wire B/step' rate seconds
for run in "$@"; do
  steps=$run/steps.jsonl
  epochs=$run/epochs.jsonl
  { [ -s "$steps" ] && [ -s "$epochs" ]; } || { echo "summary.sh: $run holds no finished epoch" >&2; continue; }
  shown+=("$run")
  payload=$(mean payload_bytes "$steps")
  rate=$(awk -v dense="$(last dense_bytes "$steps")" -v sent="$payload" 'BEGIN { printf "%.1fx", dense / sent }')
  seconds=$(grep -o '"epoch_seconds":[^,}]*' "$epochs" | cut -d: -f2 | awk '{ sum += $1 } END { printf "%.1f", sum }')
  printf '%-28s %14.4f %15.0f %12.0f %8s %9s\n' "$(basename "$run")" "$(last test_accuracy "$epochs")" \
    "$payload" "$(mean wire_bytes_sent "$steps")" "$rate" "$seconds"
done
[ ${#shown[@]} -gt 0 ] || exit 2
echo "logs: ${shown[*]}"
