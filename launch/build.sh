#!/usr/bin/env bash
# build.sh [PRESET [TARGET...]]: configures and builds (release if none is named) in build/PRESET.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" -Wno-dev >/dev/null
# Presets and clones share what they compile alike.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=1
# A quarter of the memory is left alone; a compiler takes up to 1 GB.
jobs=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
most=$(awk '/MemAvailable/ { print int($2 / 1400000) }' /proc/meminfo)
[ "$most" -ge "$jobs" ] || jobs=$((most > 0 ? most : 1))
cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}
