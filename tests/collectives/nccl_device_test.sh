#!/usr/bin/env bash
# nccl_device_test.sh MPIRUN PROBE PROGRAM: a program over NCCL itself, on as many ranks as there are GPUs, four at
# most. Where there are none it is skipped: the status is 77.
set -eu
status=0
found=$("$2") || status=$?
if [ "$status" = 77 ]; then
  echo "skipped: no GPU ($found)"
  exit 77
fi
[ "$status" = 0 ]
exec "$1" "$((found < 4 ? found : 4))" "$3"
