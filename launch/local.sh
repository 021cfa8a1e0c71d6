#!/usr/bin/env bash
# local.sh [--bind] P ARGUMENT...: `sterna ARGUMENT...` on P ranks of this machine. STERNA names another program file.
#
# More ranks than cores are allowed, and the kernel places them. With --bind each rank has cores of its own, as many as
# --threads: for a machine that does nothing else, since every job begins at the first core. Bits are the same.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=launch/openmpi.sh
. "$here/openmpi.sh"
die() { echo "local.sh: $1" >&2; exit 2; }
bind=
[ "${1:-}" != --bind ] || { bind=yes; shift; }
[[ ${1:-} =~ ^[1-9][0-9]*$ && $# -ge 2 ]] || die "usage: local.sh [--bind] RANKS ARGUMENT..."
ranks=$1
shift
sterna=$(sterna_program "$here")
[ -x "$sterna" ] || die "$sterna is not there; run launch/build.sh first, or name it in STERNA"
cores=none
if [ -n "$bind" ]; then
  cores=$(threads_of "$@")
  [ $((ranks * cores)) -le "$(cores_here)" ] ||
    die "--bind: $ranks ranks x $cores threads = $((ranks * cores)): must be at most $(cores_here) cores; try without --bind"
fi
openmpi_everywhere
openmpi_flags
bind_flags "$cores"
run_mpirun "${mpirun_flags[@]}" -np "$ranks" "$sterna" "$@"
