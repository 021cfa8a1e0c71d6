#!/usr/bin/env bash
# slurm_trial.sh: launch/sterna.sbatch under a real Slurm of two nodes, started by srun and by mpirun; the parameters must be
# those of two ranks on this machine. Each node is a host of launch/testbed.sh with a slurmd of its own.
#
# Needs root, launch/setup.sh --tests, a build in build/release, and Debian's slurm-wlm and munge:
#     apt-get install --no-install-recommends slurm-wlm munge
# Daemons, key and configuration are this trial's own, in a temporary folder; the machine's are left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "slurm_trial.sh: needs root, for launch/testbed.sh" >&2; exit 2; }
for tool in munged slurmctld slurmd sbatch; do
  command -v $tool >/dev/null || { echo "slurm_trial.sh: $tool is missing: apt-get install slurm-wlm munge" >&2; exit 2; }
done
export STERNA_TESTBED=slurmtrial
scratch=$(mktemp -d /var/tmp/sterna-slurm-XXXXXX)
chmod 755 "$scratch"  # munged wants a path that others cannot write to, and that clients can search
export SLURM_CONF=$scratch/slurm.conf
train=(train --data synthetic --steps 5 --batch 8 --compressor scalecom --rate 40 --progress off)

take_down() {
  launch/testbed.sh down || true  # ends all daemons: they run on the hosts
  rm -rf "$scratch"
}
trap take_down EXIT

# on HOST COMMAND...: with that host's own /tmp, where Slurm's PMIx has a folder a step, and its own munge: one munged takes
# a message to two nodes for a replay.
on() {
  local host=$1
  shift
  # shellcheck disable=SC2016  # expanded by the inner shell
  launch/testbed.sh exec "$host" sh -c \
    'cd "$1" && mount --bind "munge-$2" munge && mount --bind "tmp-$2" /tmp && cd "$3" && shift 3 && exec "$@"' \
    sh "$scratch" "$host" "$PWD" "$@"
}

# Daemons of one configuration, each on its host.
start_slurm() {
  local host
  (umask 077 && head -c 128 /dev/urandom >"$scratch/munge.key")
  mkdir "$scratch"/{munge,munge-host0,munge-host1,tmp-host0,tmp-host1,state}
  for host in host0 host1; do
    on $host munged --foreground --key-file "$scratch/munge.key" --socket "$scratch/munge/socket" --pid-file \
      "$scratch/munge/pid" --log-file "$scratch/munge/log" --seed-file "$scratch/munge/seed" >"$scratch/$host-munged.log" 2>&1 &
  done
  cat >"$SLURM_CONF" <<END
ClusterName=trial
SlurmctldHost=host0
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge/socket
CredType=cred/munge
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool-%n
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=host[0-1] CPUs=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) State=UNKNOWN
PartitionName=trial Nodes=host[0-1] Default=YES State=UP
END
  # No step is confined by cgroups, and a host of the testbed has none; slurmd must not look for them.
  echo 'CgroupPlugin=cgroup/v1' >"$scratch/cgroup.conf"
  on host0 slurmctld -D >"$scratch/slurmctld.log" 2>&1 &
  for host in host0 host1; do on $host slurmd -D -N $host >"$scratch/$host.log" 2>&1 & done
  for _ in {1..60}; do
    [ "$(on host0 sinfo --noheader --format %T 2>/dev/null)" != idle ] || return 0
    sleep 0.5
  done
  tail -n 5 "$scratch"/*.log >&2
  echo "slurm_trial.sh: the nodes did not come up" >&2
  exit 1
}

hash_of() { grep -o '"parameter_hash":"[^"]*"' "$1/epochs.jsonl"; }

launch/local.sh 2 "${train[@]}" --log-dir "$scratch/local" >/dev/null
expected=$(hash_of "$scratch/local")
launch/testbed.sh up 2 none
start_slurm
for start in srun mpirun; do
  log=$scratch/job-$start.log
  on host0 env STERNA_START=$start STERNA_NETWORK=eth0 \
    sbatch --wait --output "$log" launch/sterna.sbatch "${train[@]}" --log-dir "$scratch/$start" ||
    { tail -n 5 "$log" "$scratch"/host?.log >&2; exit 1; }
  [ "$(hash_of "$scratch/$start")" = "$expected" ] || { echo "slurm_trial.sh: $start: other parameters" >&2; exit 1; }
  grep -A3 '"hosts"' "$scratch/$start/run.json" | tr -d ' \n' | grep -q 'host0.*host1' ||
    { echo "slurm_trial.sh: $start: not on both nodes" >&2; exit 1; }
  echo "slurm_trial.sh: $start on host0 and host1: $expected, as on two ranks of this machine"
done
# More threads than cores of a task are refused, by the job itself.
! on host0 sbatch --wait --output "$scratch/refused.log" launch/sterna.sbatch train --threads 2 || exit 1
grep 'try sbatch --cpus-per-task 2' "$scratch/refused.log"
