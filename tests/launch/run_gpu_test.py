"""tests/run_gpu.sh where there is no GPU: one line that says why, status 2, and no report."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "run_gpu.sh"


class WithoutGpu(unittest.TestCase):
    def refusal(self, nvidia_smi):
        """What the script says if nvidia-smi is this shell script."""
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "nvidia-smi"
            program.write_text(f"#!/bin/sh\n{nvidia_smi}\n")
            program.chmod(0o755)
            report = Path(folder) / "report.txt"
            result = subprocess.run([SCRIPT, report], capture_output=True, text=True, timeout=60, check=False,
                                    env=dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertEqual(result.stdout, "")
            self.assertFalse(report.exists())
            return result.stderr

    def test_gives_the_reason_of_the_driver(self):
        said = self.refusal("echo first; echo the driver is not loaded >&2; exit 9")
        self.assertEqual(said, "run_gpu.sh: no GPU: the driver is not loaded\n")

    def test_counts_them(self):
        self.assertEqual(self.refusal("exit 0"), "run_gpu.sh: no GPU: nvidia-smi -L names none\n")


if __name__ == "__main__":
    unittest.main()
