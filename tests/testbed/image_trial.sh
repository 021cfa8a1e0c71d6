#!/usr/bin/env bash
# image_trial.sh ROOT: the cluster of docker/compose.yaml where no Docker daemon runs. ROOT is the unpacked image of
# docker/cpu.Dockerfile, which three hosts of launch/testbed.sh share: each node is a chroot into it, under the image's user.
# Their ssh daemons, the cluster's key and the launcher are the image's. The parameters must be those of three ranks of one
# node. What the image says of environment and folder is said here again, for nobody reads its ENV and WORKDIR.
#
# Needs root and launch/setup.sh --testbed. ROOT is written to: take a container's, as `buildah mount` shows it.
set -euo pipefail
root=$(readlink -f "${1:?usage: image_trial.sh ROOT}")
cd "$(dirname "$0")/../.."
{ [ "$(id -u)" = 0 ] && [ -x "$root/usr/local/bin/sterna-node" ]; } ||
  { echo "image_trial.sh: needs root, and in ROOT = $root the image of docker/cpu.Dockerfile" >&2; exit 2; }
export STERNA_TESTBED=imagetrial
ssh=$root/home/sterna/.ssh
results=$root/home/sterna/results
train=(train --data fashion-mnist --steps 5 --batch 8 --compressor scalecom --rate 40 --progress off)

# node HOST COMMAND...: in the image. What is mounted for it is seen by it alone.
node() {
  local host=$1
  shift
  # shellcheck disable=SC2016  # expanded by the inner shells
  launch/testbed.sh exec "$host" sh -c 'root=$1 && shift && touch "$root/etc/hosts" &&
    mount --bind /etc/hosts "$root/etc/hosts" && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
    mount --rbind /sys "$root/sys" && exec chroot --userspec=1000:1000 "$root" env -i HOME=/home/sterna USER=sterna \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin STERNA=/usr/local/bin/sterna \
      OMPI_MCA_btl_vader_single_copy_mechanism=none "$@"' sh "$root" sh -c 'cd /opt/sterna && exec "$@"' sh "$@"
}
hash_of() { grep -o '"parameter_hash":"[^"]*"' "$results/$1/epochs.jsonl"; }

take_down() {
  launch/testbed.sh down || true  # ends all nodes: they run on the hosts
  rm -rf "${ssh:?}"/* "${results:?}"/*
}
trap take_down EXIT
launch/testbed.sh up 3 none

node host0 sterna-node --make-key
for host in host1 host2; do node $host sterna-node & done
node host0 launch/local.sh 3 "${train[@]}" --log-dir /home/sterna/results/one
node host0 launch/hosts.sh --hosts host0,host1,host2 --wait 60 --bind none -- "${train[@]}" --log-dir /home/sterna/results/three
[ "$(hash_of one)" = "$(hash_of three)" ] || { echo "image_trial.sh: other parameters on three nodes" >&2; exit 1; }
grep -A4 '"hosts"' "$results/three/run.json" | tr -d ' \n' | grep -q 'host0.*host1.*host2' ||
  { echo "image_trial.sh: not on three nodes" >&2; exit 1; }
echo "image_trial.sh: three nodes of the image: $(hash_of three), as on three ranks of one"
