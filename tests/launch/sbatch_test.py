"""launch/sterna.sbatch, with a srun and an mpirun that say how they are called: how ranks are started, and what is refused.
tests/testbed/slurm_trial.sh runs it under a real Slurm."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "launch" / "sterna.sbatch"
SAY = 'echo "$(basename "$0") $*"; echo "network $OMPI_MCA_btl_tcp_if_include"\n'
# Plugins as Slurm lists them. REST is longer than a pipe holds (64 KiB), so that who stops reading ends the writer.
WITH_PMIX = "MPI plugin types are...\n\tnone\n\tpmix\n\tcray_shasta\nspecific pmix plugin versions available: pmix_v4\n"
WITHOUT_PMIX = "MPI plugin types are...\n\tnone\n\tpmi2\n\tcray_shasta\n"
REST = "x" * 99 + "\n"


class Job(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.write("mpirun", SAY)

    def write(self, name, text):
        (self.folder / name).write_text("#!/bin/sh\n" + text)
        (self.folder / name).chmod(0o755)

    def run_job(self, plugins, *arguments, **variables):
        """The job where srun --mpi=list says `plugins`, on standard error as Slurm does."""
        (self.folder / "plugins").write_text(plugins)
        self.write("srun", f'[ "$1" != --mpi=list ] || exec cat {self.folder}/plugins >&2\n' + SAY)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMPI_", "SLURM_", "STERNA_"))}
        environment |= {"PATH": f"{self.folder}:{os.environ['PATH']}", "STERNA": "/bin/true", "SLURM_JOB_ID": "1",
                        "SLURM_SUBMIT_DIR": str(ROOT), "SLURM_NTASKS": "2"}
        return subprocess.run(["bash", SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env=environment | variables)

    def test_is_started_by_srun_where_slurm_has_pmix(self):
        for rest in ("", REST * 2000):
            result = self.run_job(WITH_PMIX + rest, "train")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(result.stdout.startswith("srun --mpi=pmix "), result.stdout)

    def test_is_started_by_mpirun_where_it_has_not_or_by_what_is_asked_for(self):
        for plugins, variables, start in ((WITHOUT_PMIX, {}, "mpirun"), ("", {}, "mpirun"),
                                          (WITH_PMIX, {"STERNA_START": "mpirun"}, "mpirun"),
                                          (WITHOUT_PMIX, {"STERNA_START": "srun"}, "srun")):
            result = self.run_job(plugins, "train", **variables)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(result.stdout.startswith(f"{start} "), result.stdout)

    def test_talks_over_the_network_that_is_named(self):
        result = self.run_job(WITH_PMIX, "train", STERNA_NETWORK="ib0", OMPI_MCA_btl_tcp_if_include="eth9")
        self.assertIn("network ib0\n", result.stdout)

    def test_refuses_what_makes_no_sense(self):
        for arguments, variables, part in (((), {}, "no arguments"), (("train",), {"SLURM_JOB_ID": ""}, "no Slurm job"),
                                           (("train",), {"STERNA": "/no/such"}, "launch/build.sh"),
                                           (("train",), {"SLURM_SUBMIT_DIR": "/"}, "root of the clone"),
                                           (("train",), {"STERNA_START": "rsh"}, "srun or mpirun"),
                                           (("train", "--threads", "3"), {"SLURM_CPUS_PER_TASK": "2"}, "--cpus-per-task 3")):
            with self.subTest(part=part):
                result = self.run_job(WITH_PMIX, *arguments, **variables)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(part, result.stderr)


if __name__ == "__main__":
    unittest.main()
