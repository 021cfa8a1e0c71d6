#!/usr/bin/env bash
# mpi_abort_test.sh MPIRUN PROGRAM: the program's rank 1 fails while rank 0 waits for it; the job must end with rank 1's
# status, 3. A job that hangs meets the time limit of ctest.
set -eu
status=0
"$1" 2 "$2" || status=$?
echo "the job ended with status $status, expected 3"
[ "$status" = 3 ]
