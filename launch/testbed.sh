#!/usr/bin/env bash
# testbed.sh: hosts on one machine. Each is a network namespace with a card, an address and a host name of its own; a
# switch joins them, and every link has a rate. What runs on them talks real TCP. Needs root and iproute2.
#
#   testbed.sh up N RATE                    N hosts, host0 on; RATE of each link, each way: 10mbit to 10gbit, or none
#   testbed.sh run [--ssh] [-np P] CMD...   CMD on P ranks across the hosts (default one a host), by mpirun from host0
#   testbed.sh ssh CMD...                   CMD on host0, which reaches the others by ssh, as STERNA_SSH_CONFIG says
#   testbed.sh exec HOST CMD...             CMD on one host
#   testbed.sh status                       the hosts, their rate, and what their cards have counted
#   testbed.sh down                         takes it away, whatever is left of it
#
# STERNA_TESTBED names another testbed beside the first (default sterna). All there is of one: namespaces NAME-host0...
# and NAME-switch, and /run/NAME-testbed. One `run` or `ssh` goes on at a time; when it ends, so do all processes on the hosts.
#
# Exit status: that of CMD; 0 if all went well; 1 if something failed on the way (status: if none is up); 2 if what was
# asked for makes no sense, or cannot be had here.
set -euo pipefail
# shellcheck source=launch/openmpi.sh
. "$(dirname "$0")/openmpi.sh"

name=${STERNA_TESTBED:-sterna}
state=/run/$name-testbed
switch=$name-switch
most_hosts=64

die() { echo "testbed.sh: $1" >&2; exit "${2:-2}"; }
usage() { sed -n '5,10s/^#   //p' "$0" >&2; exit 2; }

require_tools() {
  [ "$(id -u)" = 0 ] || die "needs root: network namespaces are made; try sudo $0 ..."
  local tool
  for tool in ip tc unshare mount hostname taskset flock "$@"; do
    command -v "$tool" >/dev/null || die "needs $tool; run launch/setup.sh --testbed"
  done
}

# The testbed's namespaces, those that a killed `up` left included.
namespaces() { ip netns list | awk -v prefix="$name-" '{ rest = substr($1, length(prefix) + 1) }
  index($1, prefix) == 1 && rest ~ /^(host[0-9]+|switch)$/ { print $1 }'; }

# The processes on the hosts.
processes() {
  local namespace
  for namespace in $(namespaces); do ip netns pids "$namespace" 2>/dev/null || true; done
}

# Ends all processes on the hosts: they get two seconds to tidy up.
end_processes() {
  local signal wait pids
  for signal in TERM KILL; do
    for wait in {1..20}; do
      mapfile -t pids < <(processes)
      [ ${#pids[@]} -gt 0 ] || return 0
      [ "$wait" != 1 ] || kill -"$signal" "${pids[@]}" 2>/dev/null || true
      sleep 0.1
    done
  done
  die "processes do not end: ${pids[*]}" 1
}

# Bits a second of RATE; fails if it is none that is offered.
bits_per_second() {
  [[ $1 =~ ^([1-9][0-9]{0,5})(mbit|gbit)$ ]] || return 1
  local bits=$((BASH_REMATCH[1] * 1000000))
  [ "${BASH_REMATCH[2]}" = mbit ] || bits=$((bits * 1000))
  [ $bits -ge 10000000 ] && [ $bits -le 10000000000 ] && echo $bits
}

# shape NAMESPACE CARD RATE: what the card sends. Both ends of a link are shaped, so both directions are.
#
# burst: what may leave at once after a pause: 1 ms of the rate, and two frames (of 1514 bytes) at least. A card has none to
# speak of, so less would be truer: with 64 kB, a compressed gradient crosses a 10 Mbit/s link in no time. But tokens are
# lost when the kernel's timer fires late, as it does where ranks keep the cores busy: 100 MB all-reduced by 2 hosts over
# 1 Gbit/s, on 2 cores with other work, took 4.0 s with 12.5 kB, 2.3 s with 64 kB, 1.09 s with 128 kB, 1.00 s with 512 kB.
# TCP leaves packets of up to 64 kB whole, for the card to cut (TSO). Those that are larger than the burst are cut here, so
# that up to 500mbit the counters see frames as on a wire; above that and with `none`, a packet left whole crosses the
# link whole, and its counters see one Ethernet, IP and TCP header where a wire would carry one in each 1514 bytes.
#
# limit: what waits for its turn, 50 ms of the rate and 1 MB at least: a switch with deep buffers. When all hosts send to
# one, as an all-gather does, shallow buffers drop frames, and what is measured is TCP's recovery.
shape() {
  local bits burst limit
  [ "$3" != none ] || return 0
  bits=$(bits_per_second "$3")
  burst=$((bits / 8 / 1000))
  [ $burst -ge 3028 ] || burst=3028
  limit=$((bits / 8 / 20))
  [ $limit -ge 1000000 ] || limit=1000000
  tc -n "$1" qdisc add dev "$2" root tbf rate "$3" burst $burst limit $limit
}

# One host and its link. IPv6 is off: its neighbour discovery is traffic that nobody asked for.
add_host() {
  local host=host$1 rate=$2
  local namespace=$name-$host
  ip netns add "$namespace"
  ip netns exec "$namespace" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  ip -n "$switch" link add "port$1" type veth peer name eth0 netns "$namespace"
  ip -n "$switch" link set "port$1" master bridge up
  ip -n "$namespace" address add "10.77.0.$(($1 + 1))/24" dev eth0
  ip -n "$namespace" link set lo up
  ip -n "$namespace" link set eth0 up
  shape "$switch" "port$1" "$rate"
  shape "$namespace" eth0 "$rate"
  echo "10.77.0.$(($1 + 1)) $host" >>"$state/hosts"
}

# The bridge has a namespace of its own, so that nothing of the testbed shows among the machine's own cards, and all of it
# goes when the namespaces go.
add_switch() {
  ip netns add "$switch"
  ip netns exec "$switch" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  ip -n "$switch" link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  ip -n "$switch" link set bridge up
}

# The cores that this process may use, one a line.
usable_cores() {
  local range
  for range in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do seq "${range%-*}" "${range#*-}"; done
}

tear_down() {
  local namespace
  end_processes
  for namespace in $(namespaces); do ip netns delete "$namespace"; done
  [ ! -e "$state/made-run-sshd" ] || rmdir /run/sshd 2>/dev/null || true
  [ ! -e "$state/made-etc-hosts" ] || [ -s /etc/hosts ] || rm -f /etc/hosts
  rm -rf "$state"
}

up() {
  [ $# = 2 ] || usage
  local hosts=$1 rate=$2 i
  { [[ $hosts =~ ^[1-9][0-9]?$ ]] && [ "$hosts" -ge 2 ] && [ "$hosts" -le $most_hosts ]; } ||
    die "hosts = $hosts: must be in [2, $most_hosts]; try 2"
  [ "$rate" = none ] || bits_per_second "$rate" >/dev/null ||
    die "rate = $rate: must be 10mbit to 10gbit in whole mbit or gbit, or none; try 1gbit"
  require_tools sysctl
  # In a chroot into a plain folder, `ip netns exec` cannot keep what is mounted on a host from the machine.
  awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo ||
    die "the root directory is no mount point: this is a chroot into a plain folder; try mount --bind DIR DIR before chroot DIR"
  { [ ! -e "$state" ] && [ -z "$(namespaces)" ]; } || die "testbed $name is up, or half of one is left; run $0 down"
  mkdir -m 700 "$state" || die "testbed $name is being made by someone else; wait, or run $0 down"
  trap '[ $? = 0 ] || tear_down' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  [ -e /etc/hosts ] || { touch "$state/made-etc-hosts"; : >/etc/hosts; }  # a host's own is mounted over it
  echo '127.0.0.1 localhost' >"$state/hosts"
  add_switch
  for ((i = 0; i < hosts; ++i)); do add_host "$i" "$rate"; done
  # `run` takes the shape of the testbed from here; the file comes last, so that where it is, all is.
  printf 'hosts=%q rate=%q cores=(%s)\n' "$hosts" "$rate" "$(usable_cores | tr '\n' ' ')" >"$state/shape"
  trap - EXIT INT TERM
}

# Sets hosts, rate and cores.
load_shape() {
  [ -e "$state/shape" ] || die "testbed $name is not up; run $0 up N RATE"
  # shellcheck source=/dev/null
  . "$state/shape"
  : "${hosts:?}" "${rate:?}" "${cores:?}"
}

# exec_on HOST COMMAND...: becomes the command, on that host: its network, host name and /etc/hosts, and a core of its own
# where there are as many. `ip netns exec` has given it a mount namespace, in which what is mounted here stays.
exec_on() {
  local host=$1 pin=()
  shift
  [ ${#cores[@]} -lt "$hosts" ] || pin=(taskset -c "${cores[${host#host}]}")
  # shellcheck disable=SC2016  # expanded by the inner shell
  exec ip netns exec "$name-$host" unshare --uts "${pin[@]}" sh -c \
    'hostname "$1" && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"' sh "$host" "$state/hosts" "$@"
}

exec_command() {
  [ $# -ge 2 ] || usage
  require_tools
  load_shape
  { [[ $1 =~ ^host(0|[1-9][0-9]?)$ ]] && [ "${1#host}" -lt "$hosts" ]; } ||
    die "host = $1: must be host0 to host$((hosts - 1))"
  exec_on "$@"
}

# A launch agent as mpirun wants it: HOST WORD..., of which the words are joined and read by a shell of that host, as ssh
# does. It lies in the state folder because mpirun splits the agent's path at spaces.
write_agent() {
  mkdir "$1"
  local self
  self=$(readlink -f "$0")
  {
    echo '#!/bin/sh'
    # shellcheck disable=SC2016  # expanded by the agent
    printf 'host=$1\nshift\nSTERNA_TESTBED=%s exec bash %q exec "$host" sh -c "$*"\n' "$name" "$self"
  } >"$1/agent"
  chmod 700 "$1/agent"
}

# An ssh daemon on every host, on port 22 of that host, with keys made for the occasion. They lie in the state folder, and
# neither the machine's own daemon nor anyone's ~/.ssh is touched. The agent becomes ssh.
start_ssh() {
  local folder=$1 i
  [ -x /usr/sbin/sshd ] || die "needs sshd; run launch/setup.sh --testbed"
  if [ ! -d /run/sshd ]; then  # sshd's empty folder, which nobody may write to
    touch "$state/made-run-sshd"
    mkdir -m 755 /run/sshd
  fi
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$folder/host_key"
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$folder/user_key"
  cp "$folder/user_key.pub" "$folder/authorized_keys"
  sed "s/^/* /" "$folder/host_key.pub" >"$folder/known_hosts"
  printf '%s\n' "HostKey $folder/host_key" "AuthorizedKeysFile $folder/authorized_keys" 'PermitRootLogin prohibit-password' \
    'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'UsePAM yes' 'PidFile none' 'LogLevel ERROR' \
    >"$folder/sshd_config"
  printf '%s\n' "UserKnownHostsFile $folder/known_hosts" 'GlobalKnownHostsFile none' "IdentityFile $folder/user_key" \
    'IdentitiesOnly yes' 'BatchMode yes' 'LogLevel ERROR' 'ConnectionAttempts 10' >"$folder/ssh_config"
  printf '#!/bin/sh\nexec ssh -F %s "$@"\n' "$folder/ssh_config" >"$folder/agent"
  # As children of this shell: a daemon that is nobody's child stays a zombie where process 1 does not look after them.
  for ((i = 0; i < hosts; ++i)); do exec_on "host$i" /usr/sbin/sshd -D -f "$folder/sshd_config" & done
}

# mpirun's options across the hosts: what openmpi.sh makes of them, and
#   btl tcp,self             ranks of other hosts are reached by TCP, and by nothing that only one machine has
#   bind_flags none          the host has its core already, and ranks that share one must not be tied to it
#   orte_tmpdir_base         mpirun's own files go with the testbed
mpirun_options() {
  local ranks=$1 folder=$2 slow=''
  [ "$rate" = none ] || [ "$(bits_per_second "$rate")" -gt 1000000000 ] || slow=slow
  openmpi_everywhere
  openmpi_between_hosts $slow
  openmpi_network eth0
  openmpi_flags
  bind_flags none
  # shellcheck disable=SC2054  # the comma is mpirun's
  mpirun_flags+=(-np "$ranks" --hostfile "$folder/hostfile"
    --mca plm rsh --mca plm_rsh_agent "$folder/agent" --mca plm_rsh_no_tree_spawn 1
    --mca pml ob1 --mca btl tcp,self --mca orte_tmpdir_base "$folder")
}

write_hostfile() {
  local ranks=$1 i
  for ((i = 0; i < hosts; ++i)); do echo "host$i slots=$(((ranks + hosts - 1) / hosts))"; done
}

# After a run, whatever ended it.
end_run() {
  trap '' INT TERM
  end_processes
  rm -rf "$state/run"
}

# Begins the one run of the testbed; its files lie in $state/run.
begin_run() {
  load_shape
  exec 9>"$state/lock"
  flock -n 9 || die "another run goes on in testbed $name; wait for its end, or run $0 down"
  trap end_run EXIT
  [ ! -e "$state/run" ] || end_processes  # of a run whose shell was killed
  rm -rf "$state/run"
  write_agent "$state/run"
}

run() {
  local ranks='' with_ssh=''
  while [ $# -gt 0 ]; do
    case $1 in
      --ssh) with_ssh=yes; shift ;;
      -np) { [ $# -ge 2 ] && ranks=$2; } || usage; shift 2 ;;
      -*) die "run: option $1: must be --ssh or -np P" ;;
      *) break ;;
    esac
  done
  [ $# -gt 0 ] || usage
  [[ ${ranks:-1} =~ ^[1-9][0-9]{0,3}$ ]] || die "run: -np $ranks: must be a number from 1 on"
  require_tools mpirun
  begin_run
  [ -z "$with_ssh" ] || start_ssh "$state/run"
  write_hostfile "${ranks:-$hosts}" >"$state/run/hostfile"
  mpirun_options "${ranks:-$hosts}" "$state/run"
  pass_signals exec_on host0 mpirun "${mpirun_flags[@]}" "$@"
}

ssh_command() {
  [ $# -gt 0 ] || usage
  require_tools
  begin_run
  start_ssh "$state/run"
  export STERNA_SSH_CONFIG=$state/run/ssh_config OMPI_MCA_orte_tmpdir_base=$state/run
  pass_signals exec_on host0 "$@"
}

status() {
  [ $# = 0 ] || usage
  require_tools
  [ -e "$state/shape" ] || { echo "testbed $name is not up"; exit 1; }
  local i statistics
  load_shape
  echo "testbed $name: $hosts hosts, links $rate each way"
  printf '%-8s %-12s %16s %16s\n' host address 'bytes sent' 'bytes received'
  for ((i = 0; i < hosts; ++i)); do
    mapfile -t statistics < <(ip netns exec "$name-host$i" cat /sys/class/net/eth0/statistics/{tx,rx}_bytes)
    printf '%-8s %-12s %16s %16s\n' "host$i" "10.77.0.$((i + 1))" "${statistics[@]}"
  done
}

down() {
  [ $# = 0 ] || usage
  require_tools
  tear_down
}

[[ $name =~ ^[a-z][a-z0-9-]{0,31}$ ]] || die "STERNA_TESTBED = $name: must be a letter, then up to 31 of a-z, 0-9 and -"
command=${1:-}
shift || true
case $command in
  up | run | status | down) "$command" "$@" ;;
  exec | ssh) "${command}_command" "$@" ;;
  *) usage ;;
esac
