#!/usr/bin/env bash
# try_deb.sh PACKAGE.deb [MIRROR]: installs it in a fresh Debian 12, trains there, builds the example there, purges it, and
# fails if anything is left. As root, with debootstrap and a network (some 400 MB come from MIRROR; default deb.debian.org);
# the root lies in a new directory under ${TMPDIR:-/tmp} and is gone at the end, whatever happened.
set -euo pipefail
package=${1:?usage: try_deb.sh PACKAGE.deb [MIRROR]}
mirror=${2:-http://deb.debian.org/debian}
[ -f "$package" ] || { echo "try_deb.sh: $package is not there; run cpack in build/release first" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "try_deb.sh: run this as root: it makes a root directory of its own" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "try_deb.sh: debootstrap is missing: apt-get install debootstrap" >&2; exit 2; }

root=$(mktemp -d "${TMPDIR:-/tmp}/sterna-deb.XXXXXX")
chmod 755 "$root"  # apt fetches as a user of its own
leave() {
  local at
  for at in proc sys; do umount "$root/$at" 2>/dev/null || true; done
  # Never through a mount that did not go.
  if mountpoint -q "$root/proc" || mountpoint -q "$root/sys"; then
    echo "try_deb.sh: $root is still in use; unmount what is below it, and remove it" >&2
  else
    rm -rf --one-file-system "$root"
  fi
}
trap leave EXIT

step() { echo "== $*" >&2; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive OMP_NUM_THREADS=1 "$@"; }
# Without suggestions, and without a terminal of its own, for which there is no /dev/pts.
apt() { inside apt-get -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null; }
# All files but those of the package manager itself, caches, logs and what runs leave in /tmp.
files() { (cd "$root" && find . -path ./proc -prune -o -path ./sys -prune -o -path ./var/lib/dpkg -prune -o -path ./var/lib/apt -prune -o \
  -path ./var/cache -prune -o -path ./var/log -prune -o -path ./tmp -prune -o -print | sort); }

step "a fresh Debian 12"
debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
apt update
# What it needs first, so that what is left at the end can be told from what these leave.
cp "$package" "$root/tmp/sterna.deb"
needed=$(dpkg-deb --field "$package" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
# shellcheck disable=SC2086 # a list of words
apt install $needed
files > "$root/tmp/before"

step "install $(basename "$package"), $(stat -c %s "$package") bytes"
apt install /tmp/sterna.deb
inside dpkg --verify sterna
inside sterna --version
inside sterna list >/dev/null

step "train, alone and on two ranks"
inside sterna train --model lenet --data synthetic --steps 3 --progress on
inside /usr/share/sterna/launch/local.sh 2 train --model lenet --data synthetic --steps 3 --compressor adacomp --log-dir /tmp/logs
inside mpirun --allow-run-as-root --oversubscribe -np 2 sterna train --model lenet --data synthetic --steps 3

step "build the example against it"
apt install g++ cmake make
inside cmake -S /usr/share/doc/sterna/examples/own_loop -B /tmp/own_loop >/dev/null
inside cmake --build /tmp/own_loop >/dev/null
inside mpirun --allow-run-as-root --oversubscribe -np 2 /tmp/own_loop/own_loop adacomp
apt purge --autoremove g++ cmake make

step "purge"
apt purge sterna
files > "$root/tmp/after"
left=$(comm -13 "$root/tmp/before" "$root/tmp/after" | grep -i sterna || true)
[ -z "$left" ] || { echo "try_deb.sh: left behind: $left" >&2; exit 1; }
comm -13 "$root/tmp/before" "$root/tmp/after" | sed 's/^/not from the package, left by others: /' >&2
if inside dpkg-query -W sterna 2>/dev/null; then exit 1; fi
step "nothing is left"
