"""launch/hosts.sh on the testbed's hosts, over real ssh daemons: the same bits as on one machine, and what it refuses."""
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from support import ENVIRONMENT, ROOT, SCRIPT, TestCase, processes, require_root, start, testbed

setUpModule = require_root

LOCAL = ROOT / "launch" / "local.sh"
HOSTS = ROOT / "launch" / "hosts.sh"
TRAIN = ["train", "--data", "synthetic", "--steps", "5", "--batch", "8", "--compressor", "scalecom", "--rate", "40",
         "--progress", "off", "--log-dir"]
# Ranks that are shells, and say what they see.
SHELL = dict(ENVIRONMENT, STERNA="/bin/sh")


def hosts(*arguments, environment=ENVIRONMENT):
    """hosts.sh on host0, which reaches the others by ssh."""
    return subprocess.run([SCRIPT, "ssh", HOSTS, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env=environment, check=False)


class Training(TestCase):
    def test_gives_the_parameters_of_one_machine(self):
        subprocess.run([LOCAL, "2", *TRAIN, self.directory / "local"], check=True, capture_output=True, env=ENVIRONMENT)
        self.up(2, "none")
        listed = self.directory / "hosts"
        listed.write_text("# two hosts\nhost0\n\n  host1 slots=1  # the other\n")
        for name, flags in (("list", ["--hosts", "host0,host1", "--network", "10.77.0.0/24"]),
                            ("file", ["--hostfile", listed, "--bind", "none", "--slow-links"])):
            with self.subTest(name=name):
                result = hosts(*flags, "--", *TRAIN, self.directory / name)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(json.loads((self.directory / name / "run.json").read_text())["hosts"], ["host0", "host1"])
                self.assertEqual(*(json.loads((self.directory / run / "epochs.jsonl").read_text())["parameter_hash"]
                                   for run in ("local", name)))

    def test_places_binds_and_sets_what_it_says(self):
        self.up(2, "none")
        say = "echo $OMPI_COMM_WORLD_RANK $(hostname) $(taskset -cp $$ | sed 's/.*: //') links=$OMPI_MCA_btl_tcp_links" \
              " frag=$OMPI_MCA_btl_tcp_rdma_pipeline_frag_size if=$OMPI_MCA_btl_tcp_if_include core=$OPENBLAS_CORETYPE" \
              " omp=$OMP_NUM_THREADS nccl=$NCCL_DEBUG$NCCL_SOCKET_IFNAME libraries=$LD_LIBRARY_PATH gpus=$CUDA_VISIBLE_DEVICES"
        # OPENBLAS_CORETYPE chooses kernels, and so bits: ssh does not hand it on, the script must. The card that is named wins
        # over what Open MPI's variables say, and so does the testbed's STERNA_SSH_CONFIG. Which GPUs is host0's affair alone.
        environment = dict(SHELL, OPENBLAS_CORETYPE="Haswell", NCCL_DEBUG="WARN", LD_LIBRARY_PATH="/no/such",
                           CUDA_VISIBLE_DEVICES="3", OMPI_MCA_btl_tcp_if_include="eth9",
                           OMPI_MCA_oob_tcp_if_exclude="lo", OMPI_MCA_plm_rsh_args="-F /no/such")
        result = hosts("--hosts", "host1,host0", "--network", "eth0", "--", "-c", say, environment=environment)
        settings = "links=2 frag= if=eth0 core=Haswell omp=1 nccl=WARN=eth0 libraries=/no/such"
        # Both hosts are this machine, and mpirun binds the first rank of each to the first core. host0 calls mpirun, which
        # has rank 0 there.
        first = min(os.sched_getaffinity(0))
        self.assertEqual(sorted(result.stdout.splitlines()),
                         [f"0 host0 {first} {settings} gpus=3", f"1 host1 {first} {settings} gpus="], result.stderr)
        result = hosts("--hosts", "host0:2,host1", "--bind", "none", "--slow-links", "--", "-c",
                       "echo $OMPI_COMM_WORLD_RANK $(hostname) $OMPI_MCA_btl_tcp_rdma_pipeline_frag_size",
                       environment=SHELL)
        self.assertEqual(sorted(result.stdout.splitlines()), ["0 host0 32768", "1 host0 32768", "2 host1 32768"],
                         result.stderr)

    def test_passes_the_status_on(self):
        self.up(2, "none")
        self.assertEqual(hosts("--hosts", "host0,host1", "--", "-c", "exit 3", environment=SHELL).returncode, 3)
        result = hosts("--hosts", "host0,host1", "train", "--model", "lenot", "--steps", 1)
        self.assertEqual(result.returncode, 2)
        self.assertIn("lenot", result.stderr)

    def test_ends_all_ranks_when_it_is_told_to(self):
        self.up(2, "none")
        for name, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=name):
                run = start("ssh", "env", "STERNA=/bin/sh", HOSTS, "--hosts", "host0,host1", "--", "-c", "echo here; sleep 61")
                self.assertEqual([run.stdout.readline() for _ in range(2)], ["here\n"] * 2)
                run.send_signal(name)
                run.communicate(timeout=60)
                self.assertEqual(run.returncode, status)
                self.assertEqual(processes(), [])


class Refusals(TestCase):
    def test_hosts_that_cannot_do_it(self):
        self.up(2, "none")
        for arguments, parts in (
                (["--hosts", "host0,host9"], ["host host9: not reachable", "host9"]),
                (["--hosts", "host0,host1", "--network", "eth9"], ["host host1: --network eth9: must be one of eth0 lo"]),
                (["--hosts", "host0,host1", "--network", "10.9.0.0/16"], ["host host0: --network 10.9.0.0/16: no card"]),
                (["--hosts", "host0,host1:3"], ["host host1: 3 ranks x 1 threads = 3", "1 cores", "--bind none"])):
            with self.subTest(arguments=arguments):
                self.assert_refused(hosts(*arguments, "--", "train"), *parts)

    def test_a_first_host_that_cannot_do_it_and_no_other(self):
        self.up(2, "none")
        result = hosts("--hosts", "host9,host0,host1", "--", "train")
        self.assert_refused(result, "host host9: not reachable")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_a_program_that_a_host_has_not_or_has_another(self):
        self.up(2, "none")
        for folder in ("here", "there", "bin"):
            (self.directory / folder).mkdir()

        def write(path, text):
            (self.directory / path).write_text(text)
            (self.directory / path).chmod(0o755)

        write("here/sterna", "#!/bin/sh\n")
        # The hosts share this machine's files: what the script asks host1 about is looked for in another folder.
        write("bin/ssh", "#!/bin/sh\nsed 's|/here/|/there/|' | /usr/bin/ssh \"$@\"\n")
        environment = dict(ENVIRONMENT, STERNA=str(self.directory / "here/sterna"),
                           PATH=f"{self.directory}/bin:{os.environ['PATH']}")
        result = hosts("--hosts", "host0,host1", "train", environment=environment)
        self.assert_refused(result, f"host host1: program {self.directory}/there/sterna is not there")
        write("there/sterna", "#!/bin/sh\n\n")
        result = hosts("--hosts", "host9,host0,host1", "train", environment=environment)
        self.assert_refused(result, "host host9: not reachable", "host host1: ", "another build than on host0")

    def test_a_host_without_an_ssh_daemon_and_one_that_wants_a_password(self):
        self.up(2, "none")
        result = testbed("exec", "host0", HOSTS, "--hosts", "host0,host1", "train")
        self.assert_refused(result, "host host1: not reachable by ssh", "refused")
        begin = time.monotonic()
        result = testbed("exec", "host0", HOSTS, "--hosts", "host0,host1", "--wait", 3, "train")
        self.assert_refused(result, "host host1: not reachable by ssh")
        self.assertGreaterEqual(time.monotonic() - begin, 2)
        # Without the testbed's key.
        script = f"grep -v IdentityFile $STERNA_SSH_CONFIG >{self.directory}/config && " \
                 f"exec {HOSTS} --ssh-config {self.directory}/config --hosts host0,host1 train"
        self.assert_refused(testbed("ssh", "bash", "-c", script), "host host1: no ssh without a password", "ssh-copy-id")

    def test_a_host_without_the_program_that_finds_a_networks_card(self):
        for program in {path.name: path for folder in ("/usr/bin", "/usr/sbin") for path in Path(folder).iterdir()}.values():
            if program.name != "ip":
                (self.directory / program.name).symlink_to(program)
        result = subprocess.run([HOSTS, "--hosts", "localhost", "--network", "127.0.0.0/8", "--", "-c", "true"], text=True,
                                capture_output=True, timeout=60, env=dict(SHELL, PATH=str(self.directory)), check=False)
        self.assert_refused(result, "host localhost: --network 127.0.0.0/8: ", "iproute2")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_a_host_that_answers_nothing(self):
        self.up(2, "none")
        # An account whose shell runs no commands: ssh succeeds.
        (self.directory / "ssh").write_text("#!/bin/sh\nexec cat >/dev/null\n")
        (self.directory / "ssh").chmod(0o755)
        environment = dict(SHELL, PATH=f"{self.directory}:{os.environ['PATH']}")
        result = hosts("--hosts", "host0,host1", "--", "-c", "true", environment=environment)
        self.assert_refused(result, "host host1: no answer", "bash")

    def test_arguments_that_make_no_sense(self):
        for arguments, part in (
                ([], "--hosts"), (["train"], "--hosts"), (["--hosts"], "--hosts"),
                (["--hosts", "", "train"], "no host"), (["--hosts", "a,a", "train"], "a:2"),
                (["--hosts", "a:0", "train"], "[1, 999]"), (["--hosts", "a b", "train"], "must be a name"),
                (["--hosts", "-oProxyCommand=x", "train"], "must be a name"),
                (["--hosts", "a", "--ranks-per-host", "many", "train"], "many"),
                (["--hosts", "a", "--hostfile", "b", "train"], "one of them"),
                (["--hostfile", "/no/such/file", "train"], "no such file"),
                (["--hosts", "a", "--bind", "socket", "train"], "core or none"),
                (["--hosts", "a", "--wait", "soon", "train"], "--wait = soon"),
                (["--hosts", "a", "--ssh-config", "/no/such", "train"], "must be a file"),
                (["--hosts", "a", "--network", "eth 0", "train"], "--network = eth 0"),
                (["--hosts", "a", "--steps", "3"], "--steps")):
            with self.subTest(arguments=arguments):
                result = subprocess.run([HOSTS, *arguments], capture_output=True, text=True, timeout=60, check=False)
                self.assert_refused(result, part)


if __name__ == "__main__":
    unittest.main()
