#!/usr/bin/env bash
# local.sh P ARGUMENT...: `sterna ARGUMENT...` on P ranks of this machine.
#
# What it sets, and why:
#   --oversubscribe, --bind-to none   more ranks than cores are allowed, and none is tied to a core that another uses
#   mpi_yield_when_idle 1             an idle rank gives its core away: without it, polling starves the others
#   -q                                the one line in which a rank says what went wrong is not buried in mpirun's
#   OMP_NUM_THREADS 1                 a rank computes on --threads threads (default 1); libraries must not add their own
#   --allow-run-as-root               only for root, as in a container
set -euo pipefail
ranks=${1:?usage: local.sh RANKS ARGUMENT...}
shift
# In a clone the program that was built; where Sterna is installed, the one beside which this script lies.
here=$(dirname "$0")
sterna=$here/../build/release/sterna
[ -x "$sterna" ] || [ ! -x "$here/../../../bin/sterna" ] || sterna=$here/../../../bin/sterna
sterna=${STERNA:-$sterna}
[ -x "$sterna" ] || { echo "local.sh: $sterna is not there; run launch/build.sh first, or name it in STERNA" >&2; exit 2; }
flags=(--oversubscribe --bind-to none -q)
[ "$(id -u)" != 0 ] || flags+=(--allow-run-as-root)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
status=0
mpirun "${flags[@]}" --mca mpi_yield_when_idle 1 -np "$ranks" "$sterna" "$@" || status=$?
# A rank says what went wrong before it ends, but not if it is killed, and mpirun is told to be quiet.
if [ "$status" -gt 128 ]; then
  echo "local.sh: signal $((status - 128)) ended a rank; if nobody sent it, memory may have run out (see dmesg)" >&2
fi
exit "$status"
