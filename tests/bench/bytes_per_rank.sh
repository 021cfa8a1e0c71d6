#!/usr/bin/env bash
# bytes_per_rank.sh STERNA [RANKS...]: what rank 0 sends in a step of lenet on synthetic data, a learner a rank, through the
# compressors and both ways to gather: mean of 32 steps, bytes, headers included, without the learners' losses. In 32 steps
# each of up to 32 learners is ScaleCom's leader equally often, where 32 is a multiple of the ranks (default 2 4 8 16 32).
# A Markdown table on stdout. The ranks share this machine, however few cores it has: bytes are the same, times are not.
set -euo pipefail
sterna=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- 2 4 8 16 32
mpirun=$(realpath "$(dirname "$0")/../support/mpirun.sh")
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

measure() {  # RANKS FLAG...
  local ranks=$1
  shift
  "$mpirun" "$ranks" "$sterna" train --model lenet --data synthetic --batch 1 --steps 32 --bucket-bytes 1073741824 \
    --log-dir "$logs" --overwrite --progress off "$@" >"$logs/out" 2>&1 || { cat "$logs/out" >&2; return 1; }
  python3 - "$logs/steps.jsonl" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
print(round(sum(row["wire_bytes_sent"] - row["control_bytes"] for row in rows) / len(rows)))
PY
}

printf '| |'
printf ' %s |' "$@"
printf '\n|---|'
printf '%.0s---|' "$@"
echo
for flags in "none" "scalecom" "topk" "topk --gather sparse-sum" "adacomp" "adacomp --gather sparse-sum"; do
  # shellcheck disable=SC2016  # the backquotes are Markdown's
  printf '| `%s` |' "$flags"
  for ranks; do
    # shellcheck disable=SC2086  # flags are words
    printf ' %s |' "$(measure "$ranks" --compressor $flags | sed -E ':a; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; ta')"
  done
  echo
done
