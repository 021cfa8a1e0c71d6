# openmpi.sh: how Sterna's launchers set Open MPI, and why. local.sh, hosts.sh, sterna.sbatch and testbed.sh source it; an
# mpirun of your own can too: . launch/openmpi.sh && openmpi_everywhere && openmpi_between_hosts && mpirun ...
#
# Settings go through the environment, from which mpirun and srun hand them on to every host. What is set already stays, unless
# the user names something else to a launcher.
# shellcheck shell=bash

# sterna_program HERE: the program to start: STERNA, if it is set; in a clone what was built; where Sterna is installed, the one
# beside which the scripts in HERE lie.
sterna_program() {
  local built=$1/../build/release/sterna installed=$1/../../../bin/sterna
  [ -n "${STERNA:-}" ] && echo "$STERNA" && return
  [ ! -x "$built" ] && [ -x "$installed" ] && echo "$installed" && return
  echo "$built"
}

# mca NAME VALUE: what the user has named, in an option or a STERNA_ variable; whatever is set already.
mca() { export "OMPI_MCA_$1=$2"; }

# mca_default NAME VALUE: what this file thinks best, unless something is set.
mca_default() {
  local variable=OMPI_MCA_$1
  export "$variable=${!variable-$2}"
}

# On one machine and on many:
#   mpi_yield_when_idle 1   an idle rank gives its core away: otherwise its polling starves ranks that share the core, and
#                           the kernel's network thread: small messages between two hosts took 4 ms
#   OMP_NUM_THREADS 1       a rank computes on --threads threads, which it sets itself; the threads that exchange gradients
#                           and read data must not bring as many again
openmpi_everywhere() {
  mca_default mpi_yield_when_idle 1
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
}

# Over TCP; another transport does not read them. openmpi_between_hosts [slow]
#   btl_tcp_links 2         two connections to a peer: 100 MB all-reduced over 1 Gbit/s took 1.79 s with one, 0.91 s with
#                           two; the link's limit is 0.84 s
#   btl_tcp_rdma_pipeline_frag_size 32768
#                           slow, for links of up to 1 Gbit/s: the connections take turns in small pieces. 100 MB took
#                           0.98 s without and 0.855 s with it over 1 Gbit/s, 9.7 and 9.0 s over 100 Mbit/s. Faster links
#                           pay for it: 86 and 98 ms at 10 Gbit/s
#   btl_tcp_eager_limit 262144
#                           slow: messages of up to 256 KiB are sent unasked, where longer ones are asked for piece by piece in
#                           requests that queue behind the other way's pieces; Sterna's are never longer. 245 kB took 39.3 ms
#                           without and 20.6 ms with it over 100 Mbit/s, of 19.6. Not btl_tcp_flags 1, by which nothing is asked for: 32 ranks on 8
#                           hosts, and the links of three that `sterna doctor` measures, wait for ever
openmpi_between_hosts() {
  mca_default btl_tcp_links 2
  [ "${1:-}" = slow ] || return 0
  mca_default btl_tcp_rdma_pipeline_frag_size 32768
  mca_default btl_tcp_eager_limit 262144
}

# openmpi_network NAME: a card (eth0) or a network (10.0.0.0/24) for the ranks' messages (btl) and for mpirun's own talk
# (oob). Without it Open MPI takes every card that is up, and waits for ever behind one that leads nowhere: a bridge of
# containers, which has the same address on every host. Open MPI takes what it is told to include or to exclude, and not both.
# NCCL takes the card too, by that very name (=), unless it has been told one; it knows no networks.
openmpi_network() {
  unset OMPI_MCA_btl_tcp_if_exclude OMPI_MCA_oob_tcp_if_exclude
  mca btl_tcp_if_include "$1"
  mca oob_tcp_if_include "$1"
  [[ $1 == */* ]] || export NCCL_SOCKET_IFNAME="${NCCL_SOCKET_IFNAME-=$1}"
}

# Sets mpirun_flags.
#   -q                      the one line in which a rank says what went wrong is not buried in mpirun's
#   -x                      what libraries read from this environment they read on every host, where ssh does not bring it:
#                           OPENBLAS_CORETYPE and its like choose kernels, and so bits; NCCL_... how GPUs talk. Not what names
#                           parts of this machine, where another has other ones: CUDA_VISIBLE_DEVICES (Slurm sets it on each
#                           node, and differently), nor NCCL_HOSTID, by which NCCL would take all hosts for this one
#   --allow-run-as-root     only for root, as in a container
openmpi_flags() {
  local variable
  local libraries='OMP_|OPENBLAS_|DNNL_|ONEDNN_|NCCL_|CUDA_|CUBLAS_|CUBLASLT_|CUDNN_|NVIDIA_'
  local of_this_machine='(CUDA|NVIDIA)_VISIBLE_DEVICES|NCCL_HOSTID'
  mpirun_flags=(-q)
  for variable in $(compgen -e | grep -E "^($libraries|[A-Z]+SAN_OPTIONS$|LD_LIBRARY_PATH$)" | grep -vxE "$of_this_machine"); do
    mpirun_flags+=(-x "$variable")
  done
  [ "$(id -u)" != 0 ] || mpirun_flags+=(--allow-run-as-root)
}

# bind_flags CORES: adds to mpirun_flags. Consecutive ranks share a host, so that their learners are neighbours.
#   CORES a number          a rank has as many cores of its own; mpirun refuses more ranks than they suffice for
#   CORES none              ranks run wherever the kernel puts them, and may outnumber the cores
bind_flags() {
  case $1 in
    none) mpirun_flags+=(--map-by slot --bind-to none --oversubscribe) ;;
    *) mpirun_flags+=(--map-by "slot:PE=$1" --bind-to core) ;;
  esac
}

# threads_of ARGUMENT...: the threads of a rank, as `sterna ARGUMENT...` takes them: --threads, the key of that name in the
# --config file, or 1. Launchers read it and never set it: the number of threads changes bits.
threads_of() {
  local threads='' config=''
  while [ $# -gt 0 ]; do
    case $1 in
      --threads) threads=${2:-} ;;
      --threads=*) threads=${1#*=} ;;
      --config) config=${2:-} ;;
      --config=*) config=${1#*=} ;;
    esac
    shift
  done
  [ -n "$threads" ] || [ ! -f "$config" ] || threads=$(sed -nE 's/^threads *= *([0-9]+).*/\1/p' "$config")
  # What is no number is for sterna to refuse.
  [[ $threads =~ ^[1-9][0-9]{0,3}$ ]] && echo "$threads" || echo 1
}

# cores_here: cores that this process may use; two hardware threads of one count once. nproc alone would give what OpenMP's
# variables say, which is no number of cores.
cores_here() {
  local usable cores
  usable=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
  cores=$(lscpu --parse=CORE,SOCKET | grep -v '^#' | sort -u | wc -l)
  echo $((cores < usable ? cores : usable))
}

# pass_signals COMMAND...: runs it, and ends it where the script is told to end; returns its status, 130 or 143.
pass_signals() {
  local status=0 ended=''
  "$@" <&0 &
  local child=$!
  trap 'ended=130; kill -TERM "$child" 2>/dev/null || true' INT
  trap 'ended=143; kill -TERM "$child" 2>/dev/null || true' TERM
  wait "$child" || status=$?
  [ -z "$ended" ] || wait "$child" || true  # a signal has cut the first wait short
  trap - INT TERM
  return "${ended:-$status}"
}

# run_mpirun ARGUMENT...: mpirun, and its status. A rank says what went wrong before it ends, but not if it is killed, and
# mpirun is told to be quiet.
run_mpirun() {
  local status=0
  pass_signals mpirun "$@" || status=$?
  case $status in
    130 | 143) ;;  # this script has been told to end
    129 | 1[3-9][0-9])
      echo "${0##*/}: signal $((status - 128)) ended a rank; if nobody sent it, memory may have run out (see dmesg)" >&2 ;;
  esac
  return "$status"
}
