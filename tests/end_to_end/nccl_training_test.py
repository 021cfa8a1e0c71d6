"""Training over NCCL, by the program that is linked with the stand-in for it (tests/support/cuda)."""
import json
import os
from unittest import mock

from support import TestCase, ignore_leaks_of_mpi, main, rows, run

SHORT = ("train", "--model", "lenet", "--data", "synthetic", "--steps", 4, "--batch", 2, "--progress", "off",
         "--device", "cpu")


class TrainingOverNccl(TestCase):
    def train(self, transport, ranks, *arguments):
        logs = self.directory / transport
        result = run(*SHORT, "--transport", transport, "--log-dir", logs, "--overwrite", *arguments, ranks=ranks)
        self.assertEqual(result.status, 0, result.err)
        self.assertNotIn("stand-in for CUDA", result.err)  # how it reports a mistake
        return logs

    def assert_as_over_mpi(self, ranks, *arguments):
        """The same parameters, losses, and bytes between the ranks."""
        mpi, nccl = (self.train(transport, ranks, *arguments) for transport in ("mpi", "nccl"))
        self.assertEqual([e["parameter_hash"] for e in rows(mpi / "epochs.jsonl")],
                         [e["parameter_hash"] for e in rows(nccl / "epochs.jsonl")])
        for key in ("loss", "wire_bytes_sent", "wire_bytes_received"):
            self.assertEqual([s[key] for s in rows(mpi / "steps.jsonl")], [s[key] for s in rows(nccl / "steps.jsonl")])
        self.assertEqual(json.loads((nccl / "run.json").read_text())["transport"], "nccl")

    def test_has_the_bits_and_bytes_of_mpi(self):
        for ranks in (1, 2, 4):
            for compressor in ("fp16", "scalecom", "adacomp"):
                with self.subTest(ranks=ranks, compressor=compressor):
                    self.assert_as_over_mpi(ranks, "--learners", 4, "--compressor", compressor)

    def test_takes_the_sum_of_nccl(self):
        """On two ranks a sum has but one order."""
        self.assert_as_over_mpi(2, "--sum-order", "any")

    def test_without_a_gpu(self):
        with mock.patch.dict(os.environ, STAND_IN_DEVICES="0"):
            for ranks in (None, 2):
                self.assert_refused(run(*SHORT, "--transport", "nccl", ranks=ranks),
                                    "transport = nccl: no GPU can be used (cudaErrorNoDevice: ", "--transport mpi")

    def test_with_fewer_gpus_than_ranks(self):
        with mock.patch.dict(os.environ, STAND_IN_DEVICES="1"):
            self.assert_refused(run(*SHORT, "--transport", "nccl", ranks=2),
                                "ranks 0 and 1 share GPU 0000:00:00.0", "as many ranks on a host as it has GPUs")

    def test_is_listed(self):
        transports = json.loads(run("list", "--json").out)["transports"]
        self.assertEqual([entry["name"] for entry in transports], ["single", "mpi", "nccl"])


if __name__ == "__main__":
    ignore_leaks_of_mpi()
    main()
