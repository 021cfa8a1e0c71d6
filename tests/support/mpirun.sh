#!/usr/bin/env bash
# mpirun.sh P COMMAND...: P ranks on this machine, as any user, also on fewer cores than ranks.
set -eu
ranks=$1
shift
flags=(--oversubscribe --bind-to none -q)
[ "$(id -u)" != 0 ] || flags+=(--allow-run-as-root)
# Open MPI's plugins leave memory behind when they are unloaded; our own leaks show in the tests without MPI.
export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
# Idle ranks give way to working ones: without it, more ranks than cores spend their time polling.
exec mpirun "${flags[@]}" --mca mpi_yield_when_idle 1 -np "$ranks" "$@"
