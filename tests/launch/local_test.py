"""launch/local.sh: where ranks run, what a mistake gets, and how a job ends; launch/openmpi.sh: what it reads and leaves."""
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOCAL = ROOT / "launch" / "local.sh"
CORES = sorted(os.sched_getaffinity(0))
SHELL = dict(os.environ, STERNA="/bin/sh")  # ranks that are shells, and say what they see


def local(*arguments, environment=None):
    return subprocess.run([LOCAL, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env=environment or SHELL, check=False)


def sourced(script, **variables):
    """What bash says after openmpi.sh."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMPI_", "OMP_", "NCCL_"))}
    return subprocess.run(["bash", "-euc", f". {ROOT}/launch/openmpi.sh; {script}"], capture_output=True, text=True,
                          timeout=60, env=dict(environment, **variables), check=True).stdout.strip()


class Ranks(unittest.TestCase):
    def test_run_on_all_cores_or_are_bound_to_their_own(self):
        say = "taskset -cp $$ | sed 's/.*: //'"
        free = local(2, "-c", say).stdout.split()
        self.assertEqual(len(free), 2)
        self.assertEqual(len(set(free)), 1)
        bound = local("--bind", 1, "-c", say)
        self.assertEqual(bound.returncode, 0, bound.stderr)
        self.assertTrue(bound.stdout.strip().isdigit(), bound.stdout)

    def test_are_refused_where_cores_do_not_suffice_to_bind_them(self):
        ranks = len(CORES) + 1
        result = local("--bind", ranks, "-c", "true")
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"--bind: {ranks} ranks x 1 threads", result.stderr)
        result = local("--bind", 1, "-c", "true", "--threads", ranks)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(local(ranks, "-c", "true").returncode, 0)

    def test_are_asked_for_in_one_line(self):
        for arguments in ((), ("train",), (2,)):
            result = local(*arguments)
            self.assertEqual((result.returncode, result.stderr), (2, "local.sh: usage: local.sh [--bind] RANKS ARGUMENT...\n"))

    def test_pass_their_status_on_and_say_which_signal_ended_them(self):
        self.assertEqual(local(2, "-c", "exit 3").returncode, 3)
        result = local(2, "-c", "kill -KILL $$")
        self.assertEqual(result.returncode, 137)
        self.assertIn("local.sh: signal 9 ended a rank", result.stderr)

    def test_end_with_the_script(self):
        with tempfile.TemporaryDirectory() as directory:
            for name, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
                run = subprocess.Popen([LOCAL, "2", "-c", f"echo $$ >>{directory}/pids; echo here; exec sleep 61"],
                                       stdout=subprocess.PIPE, text=True, env=SHELL)
                self.assertEqual([run.stdout.readline() for _ in range(2)], ["here\n"] * 2)
                run.send_signal(name)
                run.communicate(timeout=60)
                self.assertEqual(run.returncode, status)
                time.sleep(0.1)
                for pid in Path(directory, "pids").read_text().split():
                    self.assertFalse(Path(f"/proc/{pid}/exe").exists(), pid)

    def test_need_a_program(self):
        result = local(2, "train", environment=dict(os.environ, STERNA="/no/such"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("launch/build.sh", result.stderr)


class Settings(unittest.TestCase):
    def test_threads_are_read_as_sterna_reads_them(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
            config.write('model = "lenet"\nthreads = 4  # of a rank\n')
            config.flush()
            for arguments, threads in (("train", 1), ("train --threads 2", 2), ("train --threads=3 --lr 1", 3),
                                       (f"train --config {config.name}", 4), (f"train --config={config.name} --threads 2", 2),
                                       ("train --config /no/such", 1), ("train --threads", 1), ("train --threads many", 1)):
                with self.subTest(arguments=arguments):
                    self.assertEqual(sourced(f"threads_of {arguments}"), str(threads))

    def test_cores_are_the_machines_whatever_openmp_is_told(self):
        cores = int(sourced("cores_here"))
        self.assertLessEqual(cores, len(CORES))
        for variables in ({"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": str(len(CORES) + 1)}, {"OMP_THREAD_LIMIT": "1"}):
            with self.subTest(variables=variables):
                self.assertEqual(sourced("cores_here", **variables), str(cores))

    def test_no_script_asks_nproc_what_openmp_is_told(self):
        found = [line.strip() for folder in ("launch", "tests", "docker", "packaging") for path in (ROOT / folder).rglob("*.s*")
                 if path.suffix in (".sh", ".sbatch") for line in path.read_text().splitlines()
                 if "nproc" in line and not line.lstrip().startswith("#")]
        self.assertGreater(len(found), 0)
        for line in found:
            self.assertIn("env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc", line)

    def test_what_is_set_already_stays(self):
        say = "openmpi_everywhere; openmpi_between_hosts slow; echo $OMPI_MCA_btl_tcp_links" \
              " $OMPI_MCA_btl_tcp_rdma_pipeline_frag_size $OMPI_MCA_btl_tcp_eager_limit $OMPI_MCA_mpi_yield_when_idle $OMP_NUM_THREADS"
        self.assertEqual(sourced(say), "2 32768 262144 1 1")
        self.assertEqual(sourced(say, OMPI_MCA_btl_tcp_links="4", OMP_NUM_THREADS="3"), "4 32768 262144 1 3")

    def test_a_network_that_is_named_wins_over_what_is_set(self):
        say = "openmpi_network 10.0.0.0/24; env | grep ^OMPI_MCA_ | sort"
        expected = "OMPI_MCA_btl_tcp_if_include=10.0.0.0/24\nOMPI_MCA_oob_tcp_if_include=10.0.0.0/24"
        self.assertEqual(sourced(say), expected)
        # Open MPI takes either an include or an exclude.
        self.assertEqual(sourced(say, OMPI_MCA_btl_tcp_if_include="eth9", OMPI_MCA_oob_tcp_if_include="eth9",
                                 OMPI_MCA_btl_tcp_if_exclude="lo", OMPI_MCA_oob_tcp_if_exclude="lo"), expected)

    def test_what_libraries_read_goes_to_every_host_but_what_names_parts_of_one(self):
        forwarded = ("OPENBLAS_CORETYPE", "DNNL_MAX_CPU_ISA", "OMP_NUM_THREADS", "NCCL_DEBUG", "NCCL_SOCKET_IFNAME",
                     "CUDA_DEVICE_ORDER", "CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_LOG_LEVEL", "CUDNN_LOGLEVEL_DBG",
                     "NVIDIA_TF32_OVERRIDE", "LD_LIBRARY_PATH")
        kept = ("LD_PRELOAD", "LD_LIBRARY_PATH_OLD", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NCCL_HOSTID", "MY_NCCL_DEBUG")
        flags = sourced('openmpi_flags; printf "%s\\n" "${mpirun_flags[@]}"', **dict.fromkeys(forwarded + kept, "")).splitlines()
        for variable in forwarded:
            self.assertIn(variable, flags)
            self.assertEqual(flags[flags.index(variable) - 1], "-x")
        for variable in kept:
            self.assertNotIn(variable, flags)

    def test_nccl_takes_the_card_that_is_named_unless_it_is_told_another(self):
        say = "openmpi_network {}; env | grep ^NCCL_ || true"
        self.assertEqual(sourced(say.format("eth0")), "NCCL_SOCKET_IFNAME==eth0")
        self.assertEqual(sourced(say.format("eth0"), NCCL_SOCKET_IFNAME="ib"), "NCCL_SOCKET_IFNAME=ib")
        self.assertEqual(sourced(say.format("10.0.0.0/24")), "")


if __name__ == "__main__":
    unittest.main()
