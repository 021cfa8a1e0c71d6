"""Transports and devices of the program as it was built, and what it says where they cannot be used."""
import json
from pathlib import Path

from support import TestCase, ignore_leaks_of_mpi, main, run

SHORT = ("train", "--model", "lenet", "--data", "synthetic", "--steps", 4, "--batch", 2, "--progress", "off")
HAS_GPU = Path("/dev/nvidia0").exists()


def listed():
    return [entry["name"] for entry in json.loads(run("list", "--json").out)["transports"]]


class Transports(TestCase):
    def test_of_auto_is_never_nccl(self):
        for ranks, transport in ((None, "single"), (2, "mpi")):
            logs = self.directory / transport
            self.assertEqual(run(*SHORT, "--log-dir", logs, ranks=ranks).status, 0)
            self.assertEqual(json.loads((logs / "run.json").read_text())["transport"], transport)

    def test_that_cannot_be_used_says_why(self):
        self.assertEqual(listed()[:2], ["single", "mpi"])
        for ranks in (None, 2):
            result = run(*SHORT, "--transport", "nccl", ranks=ranks)
            if "nccl" not in listed():
                self.assert_refused(result, "transport = nccl: this build has no NCCL", "--transport mpi")
            elif not HAS_GPU:
                self.assert_refused(result, "[nccl] transport = nccl: ", "--transport mpi")

    def test_a_device_that_cannot_be_used_says_why(self):
        for ranks in (None, 2):
            result = run(*SHORT, "--device", "cuda", ranks=ranks)
            if "nccl" not in listed():
                self.assert_refused(result, "device = cuda: this build has no CUDA", "--device cpu")
            elif not HAS_GPU:
                self.assert_refused(result, "device = cuda: no GPU can be used (", "nvidia-smi", "--device cpu")


if __name__ == "__main__":
    ignore_leaks_of_mpi()
    main()
