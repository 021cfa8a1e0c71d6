#!/usr/bin/env bash
# hosts.sh: `sterna ARGUMENT...` on ranks of several hosts, which this machine reaches by ssh without a password.
#
#   hosts.sh --hosts HOST[:RANKS],... [OPTION...] [--] ARGUMENT...
#   hosts.sh --hostfile FILE [OPTION...] [--] ARGUMENT...    a line a host: HOST, HOST:RANKS or HOST slots=RANKS
#
#   --ranks-per-host N    of hosts without a number of their own; default 1
#   --network NAME        card (eth0) or network (10.0.0.0/24) that joins the hosts; name it where they have several
#   --slow-links          links of up to 1 Gbit/s
#   --bind core|none      a rank on cores of its own, as many as --threads (default), or wherever the kernel puts it
#   --ssh-config FILE     as in `ssh -F FILE`; default STERNA_SSH_CONFIG, else ssh's own files
#   --wait SECONDS        how long to try a host that is not up yet; default 0
#
# Every host needs this directory, the same program at the same path (STERNA names another), the same Open MPI, and the data.
# That is asked before anything starts. Rank 0, which writes the logs, runs on this machine where it is one of the hosts, else
# on the first of them; consecutive ranks share a host.
#
# Exit status: that of sterna; 2 if what was asked for makes no sense, or a host cannot do it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=launch/openmpi.sh
. "$here/openmpi.sh"

die() { echo "hosts.sh: $1" >&2; exit 2; }
usage() { sed -n '4,12s/^#   //p' "$0" >&2; exit 2; }
number() { [[ $2 =~ ^(0|[1-9][0-9]{0,3})$ ]] || die "$1 = $2: must be a whole number of up to four digits"; }

hosts=() ranks=()
# add_host HOST[:RANKS]
add_host() {
  local host=${1%%:*} count=$ranks_per_host
  [[ $1 != *:* ]] || count=${1#*:}
  [[ $host =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] ||
    die "host = $1: must be a name or an IPv4 address, and :RANKS; for users and ports see --ssh-config"
  [[ $count =~ ^[1-9][0-9]{0,2}$ ]] || die "host $host: ranks = $count: must be in [1, 999]"
  [[ " ${hosts[*]} " != *" $host "* ]] || die "host $host is there twice; try $host:2 for two ranks on it"
  hosts+=("$host")
  ranks+=("$count")
}

read_hosts() {
  local entry entries
  if [ -n "$hostfile" ]; then
    [ -r "$hostfile" ] || die "--hostfile $hostfile: no such file"
    mapfile -t entries < <(sed -E 's/#.*//; s/\s+slots\s*=\s*/:/; s/^\s+//; s/\s+$//; /^$/d' "$hostfile")
  else
    IFS=, read -ra entries <<<"$list"
  fi
  [ ${#entries[@]} -gt 0 ] || die "no host is named; try --hosts h1,h2"
  for entry in "${entries[@]}"; do add_host "$entry"; done
}

# Runs on each host. probe PROGRAM DIRECTORY NETWORK: "ok CORES MPI-VERSION PROGRAM-SUM", or what is wrong there.
probe() {
  local same='must be the same on every host; try a shared folder, or a copy'
  [ -d "$2" ] || { echo "directory $2 is not there: $same"; return; }
  [ -x "$1" ] || { echo "program $1 is not there: its path $same"; return; }
  command -v mpirun >/dev/null || { echo "Open MPI is not on the PATH of a shell that ssh starts; try launch/setup.sh"; return; }
  case $3 in
    '') ;;
    */*)
      command -v ip >/dev/null ||
        { echo "--network $3: needs the program ip to find the card; try apt-get install iproute2, or name the card"; return; }
      [ -n "$(ip -o -4 address show to "$3")" ] || { echo "--network $3: no card has an address in it"; return; } ;;
    *) [ -e "/sys/class/net/$3" ] || { echo "--network $3: must be one of $(cd /sys/class/net && echo *)"; return; } ;;
  esac
  echo "ok $(cores_here) $(mpirun --version | sed -n '1s/.* //p') $(sha256sum <"$1" | cut -c -12)"
}

# Whether mpirun starts the ranks of HOST without ssh.
is_here() {
  local address
  [ "$1" != localhost ] && [ "$1" != "$(hostname)" ] || return 0
  address=$(getent ahostsv4 "$1" | awk 'NR == 1 { print $1 }')
  [ -n "$address" ] && [[ " $(hostname -I) " == *" $address "* ]]
}

# ask HOST: what probe says there, or why ssh does not get there.
ask() {
  local until=$((SECONDS + wait_seconds)) answer status
  if is_here "$1"; then probe "$sterna" "$PWD" "$network"; return; fi
  while :; do
    status=0
    answer=$({ declare -f probe cores_here; printf 'probe %q %q %q\n' "$sterna" "$PWD" "$network"; } |
      ssh "${ssh_options[@]}" "$1" bash -s 2>&1) || status=$?
    if [ $status = 0 ] || [ $SECONDS -ge $until ]; then break; fi
    sleep 1
  done
  case $status:$answer in
    0:) echo "no answer; its account must run bash, try ssh $1 bash --version" ;;
    0:*) tail -n 1 <<<"$answer" ;;  # a shell's start-up files may print before
    *'Permission denied'*) echo "no ssh without a password; try ssh-copy-id $1" ;;
    *'Host key verification failed'*) echo "ssh does not know its key; try ssh $1 once by hand" ;;
    *) echo "not reachable by ssh: $(tail -n 1 <<<"$answer" | tr -d '\r')" ;;
  esac
}

# All hosts are asked at once, and each that cannot do it gets a line.
check_hosts() {
  local i answers word cores version sum first='' first_version first_sum problem refused=''
  answers=$(mktemp -d)
  # shellcheck disable=SC2064  # the folder is wanted as it is now
  trap "rm -rf '$answers'" EXIT
  for i in "${!hosts[@]}"; do ask "${hosts[i]}" >"$answers/$i" </dev/null & done
  wait
  for i in "${!hosts[@]}"; do
    problem=
    read -r word cores version sum <"$answers/$i" || true
    # Hosts are held against the first that has a program and Open MPI, and so against no host that was not reached.
    if [ "$word" = ok ] && [ -z "$first" ]; then first=${hosts[i]} first_version=$version first_sum=$sum; fi
    if [ "$word" != ok ]; then
      problem=$(<"$answers/$i")
    elif [ "$version" != "$first_version" ]; then
      problem="Open MPI $version, and $first has $first_version: must be the same on every host"
    elif [ "$sum" != "$first_sum" ]; then
      problem="$sterna is another build than on $first; copy one of them"
    elif [ "$bind" = core ] && [ $((ranks[i] * threads)) -gt "$cores" ]; then
      problem="${ranks[i]} ranks x $threads threads = $((ranks[i] * threads)): must be at most its $cores cores; try"
      problem+=" fewer ranks, or --bind none"
    fi
    [ -z "$problem" ] || { echo "hosts.sh: host ${hosts[i]}: $problem" >&2; refused=yes; }
  done
  rm -rf "$answers"
  trap - EXIT
  [ -z "$refused" ] || exit 2
}

list='' hostfile='' ranks_per_host=1 network='' slow='' bind=core ssh_config=${STERNA_SSH_CONFIG:-} wait_seconds=0
while [ $# -gt 0 ]; do
  case $1 in
    --slow-links) slow=slow; shift; continue ;;
    --) shift; break ;;
    -h | --help) usage ;;
    --hosts | --hostfile | --ranks-per-host | --network | --bind | --ssh-config | --wait) [ $# -ge 2 ] || usage ;;
    -*) die "option $1: none of this script's; sterna's own come after train; see hosts.sh --help" ;;
    *) break ;;
  esac
  case $1 in
    --hosts) list=$2 ;;
    --hostfile) hostfile=$2 ;;
    --ranks-per-host) ranks_per_host=$2 ;;
    --network) network=$2 ;;
    --bind) bind=$2 ;;
    --ssh-config) ssh_config=$2 ;;
    --wait) wait_seconds=$2 ;;
  esac
  shift 2
done
[ $# -gt 0 ] || usage
[ -z "$list" ] || [ -z "$hostfile" ] || die "--hosts and --hostfile: must be one of them"
number --wait "$wait_seconds"
[[ $bind =~ ^(core|none)$ ]] || die "--bind = $bind: must be core or none"
[[ $network =~ ^[A-Za-z0-9._:/-]*$ ]] || die "--network = $network: must be a card, as eth0, or a network, as 10.0.0.0/24"
ssh_options=(-o BatchMode=yes -o ConnectTimeout=10)
if [ -n "$ssh_config" ]; then
  [[ -r $ssh_config && $ssh_config != *[[:space:]]* ]] ||
    die "--ssh-config $ssh_config: must be a file, without spaces in its path"
  ssh_options+=(-F "$(readlink -f "$ssh_config")")
fi
sterna=$(realpath -ms "$(sterna_program "$here")")
threads=$(threads_of "$@")
read_hosts
check_hosts

# This machine alone has to reach the others: by default, beyond 64 hosts some would start others by ssh.
mca_default plm_rsh_no_tree_spawn 1
if [ -n "$ssh_config" ]; then mca plm_rsh_args "${ssh_options[*]}"; else mca_default plm_rsh_args "${ssh_options[*]}"; fi
openmpi_everywhere
openmpi_between_hosts $slow
[ -z "$network" ] || openmpi_network "$network"
openmpi_flags
bind_flags "$([ "$bind" = none ] && echo none || echo "$threads")"
slots=() total=0
for i in "${!hosts[@]}"; do
  slots+=("${hosts[i]}:${ranks[i]}")
  total=$((total + ranks[i]))
done
run_mpirun "${mpirun_flags[@]}" --host "$(IFS=,; echo "${slots[*]}")" -np "$total" "$sterna" "$@"
