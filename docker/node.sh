#!/bin/sh
# sterna-node [--make-key]: a node of a cluster of containers: waits a minute for the cluster's key, and becomes its ssh
# daemon. --make-key makes the key, unless there is one, and ends.
set -eu
key=$HOME/.ssh/id_rsa
if [ "${1:-}" = --make-key ]; then
  [ -f "$key" ] || ssh-keygen -q -t ed25519 -N '' -C sterna -f "$key"
  cp "$key.pub" "$HOME/.ssh/authorized_keys"
  exit
fi
seconds=0
until [ -f "$key" ]; do
  [ $seconds -lt 60 ] || { echo "sterna-node: $key is not there: mount the cluster's key, or run sterna-node --make-key" >&2; exit 2; }
  seconds=$((seconds + 1))
  sleep 1
done
exec /usr/sbin/sshd -D -e -f /etc/sterna/sshd_config
