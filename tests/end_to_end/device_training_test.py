"""Training in a GPU's memory, by the program that is linked with the stand-in for CUDA (tests/support/cuda)."""
import json
import os
from unittest import mock

from support import TestCase, main, rows, run, write_idx_data

# Kernels run on the engine of fibers, which takes a tenth of a microsecond a thread and barrier: models are small.
FAMILIES = {
    "lenet": ("--data", "mnist", "--batch", 4, "--steps", 2),
    "resnet20": ("--data", "cifar10", "--model-arg", "depth=8", "--model-arg", "width=4", "--batch", 2, "--steps", 2),
    "char-lstm": ("--data", "text", "--model-arg", "positions=6", "--model-arg", "hidden=17", "--batch", 3,
                  "--steps", 3),
    "gpt": ("--data", "text", "--model-arg", "positions=8", "--model-arg", "d=16", "--model-arg", "heads=2",
            "--model-arg", "layers=1", "--model-arg", "ffn=24", "--batch", 3, "--steps", 3, "--optimizer", "adamw",
            "--lr", 0.001),
}


class TrainingOnADevice(TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"
        write_idx_data(self.data, train=32, test=8)
        images = b"".join(bytes([s % 10]) + bytes((7 * s + i * i) % 256 for i in range(3072)) for s in range(4))
        for name in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
            (self.data / f"{name}.bin").write_bytes(images)
        (self.data / "input.txt").write_text("to be or not to be, that is the question: " * 12)

    def train(self, device, model, *arguments, ranks=None):
        logs = self.directory / device
        result = run("train", "--model", model, *FAMILIES[model], "--data-dir", self.data, "--device", device,
                     "--log-dir", logs, "--overwrite", "--progress", "off", *arguments, ranks=ranks, timeout=500)
        self.assertEqual(result.status, 0, result.err)
        self.assertNotIn("stand-in for CUDA", result.err)  # how it reports a mistake
        return logs

    def assert_as_on_the_processor(self, model, *arguments, ranks=None):
        """Losses to rounding: float32, and a few steps that hand it on."""
        cpu, cuda = (self.train(device, model, *arguments, ranks=ranks) for device in ("cpu", "cuda"))
        for file, keys in (("steps.jsonl", ("loss",)), ("epochs.jsonl", ("train_loss", "test_loss"))):
            for expected, found in zip(rows(cpu / file), rows(cuda / file), strict=True):
                for key in keys:
                    self.assertAlmostEqual(found[key], expected[key], delta=1e-4 * expected[key])
        for step in rows(cuda / "steps.jsonl"):
            self.assertGreater(step["payload_bytes"], 0)
            self.assertEqual(step["wire_bytes_sent"] > 0, ranks is not None)
        self.assertEqual(json.loads((cpu / "run.json").read_text())["device"], "cpu")
        return json.loads((cuda / "run.json").read_text())

    def test_every_family_learns_as_on_the_processor(self):
        for model in FAMILIES:
            with self.subTest(model=model):
                described = self.assert_as_on_the_processor(model)
                self.assertEqual(described["device"], "cuda")
                self.assertIn("cuDNN", described["versions"]["tensor"])
                self.assertNotIn("nccl", described["versions"])

    def test_two_ranks_exchange_through_the_host(self):
        described = self.assert_as_on_the_processor("char-lstm", "--learners", 4, "--compressor", "adacomp",
                                                    "--transport", "mpi", ranks=2)
        self.assertEqual(described["transport"], "mpi")

    def test_two_ranks_exchange_between_their_gpus(self):
        for compressor in ("none", "scalecom"):
            with self.subTest(compressor=compressor):
                described = self.assert_as_on_the_processor("char-lstm", "--learners", 4, "--transport", "nccl",
                                                            "--compressor", compressor, ranks=2)
                self.assertEqual(described["device"], "cuda")
                self.assertRegex(described["versions"]["nccl"], r"^\d+\.\d+\.\d+$")

    def test_auto_is_cuda_where_ranks_speak_nccl(self):
        described = json.loads((self.train("auto", "char-lstm", "--transport", "nccl", ranks=2) /
                                "run.json").read_text())
        self.assertEqual(described["device"], "cuda")
        for arguments in (("--transport", "mpi"), ("--transport", "nccl", "--log-layers", 1)):
            described = json.loads((self.train("auto", "char-lstm", *arguments, ranks=2) / "run.json").read_text())
            self.assertEqual(described["device"], "cpu")

    def test_transport_of_auto_is_nccl_where_it_serves(self):
        """On GPUs of their own that exchange all that is asked for; else what starts the ranks carries it."""
        for transport, devices, arguments in (("nccl", "2", ()), ("mpi", "1", ()), ("mpi", "2", ("--log-layers", 1))):
            with self.subTest(devices=devices, arguments=arguments), mock.patch.dict(os.environ, STAND_IN_DEVICES=devices):
                logs = self.train("cuda", "char-lstm", "--steps", 1, *arguments, ranks=2)
                described = json.loads((logs / "run.json").read_text())
                self.assertEqual((described["device"], described["transport"]), ("cuda", transport))

    def test_what_does_not_work_between_gpus_is_refused(self):
        for arguments in (("--compressor", "auto"), ("--compressor", "topk", "--gather", "sparse-sum"),
                          ("--hierarchy", "host"), ("--compressor", "topk", "--error-feedback", "off"),
                          ("--compressor", "topk", "--drop-residues-at", 1), ("--log-layers", 1),
                          ("--log-diagnostics", 1), ("--record-gradients", self.directory / "gradients")):
            with self.subTest(arguments=arguments):
                result = run("train", "--model", "char-lstm", *FAMILIES["char-lstm"], "--data-dir", self.data,
                             "--device", "cuda", "--transport", "nccl", "--log-dir", self.directory / "refused", *arguments,
                             ranks=2)
                self.assert_refused(result, arguments[-2].lstrip("-") + " = ",
                                    "with device = cuda and transport = nccl: must be ", "or use --transport mpi")

    def test_without_a_gpu(self):
        with mock.patch.dict(os.environ, STAND_IN_DEVICES="0"):
            for ranks in (None, 2):
                self.assert_refused(run("train", "--steps", 1, "--device", "cuda", ranks=ranks),
                                    "device = cuda: no GPU can be used (cudaErrorNoDevice: ", "--device cpu")

    def test_files_of_gradients_and_weights_are_those_of_the_device(self):
        gradients, weights = self.directory / "gradients", self.directory / "weights.safetensors"
        logs = self.train("cuda", "char-lstm", "--record-gradients", gradients, "--save-weights", weights,
                          "--log-layers", 1)
        for row in rows(logs / "layers.jsonl"):
            self.assertGreater(row["gradient_norm"], 0.0)
        again = self.train("cpu", "char-lstm", "--init-weights", weights, "--lr", 1e-30)
        self.assertEqual(rows(again / "epochs.jsonl")[-1]["parameter_hash"],
                         rows(logs / "epochs.jsonl")[-1]["parameter_hash"])


if __name__ == "__main__":
    main()
