"""--init-weights and --save-weights: Safetensors files as another program reads and writes them."""
import json
import struct

import numpy as np

from support import STERNA, TestCase, main, rows, run, run_apart

LENET = {"conv1.weight": (32, 1, 5, 5), "conv1.bias": (32,), "conv2.weight": (64, 32, 5, 5), "conv2.bias": (64,),
         "fc1.weight": (512, 1024), "fc1.bias": (512,), "fc2.weight": (10, 512), "fc2.bias": (10,)}
SHORT = ("train", "--model", "lenet", "--data", "synthetic", "--batch", 4, "--learners", 2, "--progress", "off")
TYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


def read(path):
    """Tensors and metadata of a Safetensors file."""
    data = path.read_bytes()
    header_bytes, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + header_bytes])
    metadata = header.pop("__metadata__", {})
    values = data[8 + header_bytes:]
    return {name: np.frombuffer(values[slice(*t["data_offsets"])], TYPES[t["dtype"]]).reshape(t["shape"])
            for name, t in header.items()}, metadata


def write(path, tensors):
    header, values = {}, b""
    names = {np.dtype(type_): name for name, type_ in TYPES.items()}
    for name, array in tensors.items():
        begin = len(values)
        values += array.tobytes()
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [begin, len(values)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + values)


class Weights(TestCase):
    def setUp(self):
        super().setUp()
        self.file = self.directory / "weights.safetensors"
        self.logs = self.directory / "logs"

    def train(self, *arguments, steps=1, ranks=None):
        result = run(*SHORT, "--steps", steps, "--log-dir", self.logs, "--overwrite", *arguments, ranks=ranks)
        self.assertEqual(result.status, 0, result.err)
        return rows(self.logs / "epochs.jsonl")[-1]

    def assert_refused_untouched(self, *parts, arguments=()):
        """Refused, before anything is written."""
        result = run(*SHORT, "--steps", 1, "--log-dir", self.logs, "--init-weights", self.file, "--save-weights",
                     self.directory / "out", *arguments)
        self.assert_refused(result, *parts)
        self.assertFalse(self.logs.exists())
        self.assertEqual(list(self.directory.glob("out*")), [])


class Saved(Weights):
    def test_have_the_names_and_shapes_of_pytorch(self):
        self.train("--save-weights", self.file)
        tensors, metadata = read(self.file)
        self.assertEqual({name: array.shape for name, array in tensors.items()}, LENET)
        self.assertEqual(metadata["format"], "pt")
        self.assertEqual(metadata["sterna"], json.loads((self.logs / "run.json").read_text())["versions"]["sterna"])
        self.assertEqual([p.name for p in self.directory.glob("*.part")], [])

    def test_are_the_same_at_any_number_of_ranks(self):
        self.train("--save-weights", self.file)
        other = self.directory / "other"
        self.train("--save-weights", other, ranks=2)
        self.assertEqual(self.file.read_bytes(), other.read_bytes())

    def test_are_where_the_next_run_begins(self):
        """A learning rate so small that a step changes no bit leaves what was read."""
        trained = self.train("--save-weights", self.file, steps=3)
        again = self.train("--init-weights", self.file, "--save-weights", self.directory / "out", "--lr", 1e-30)
        self.assertEqual(again["parameter_hash"], trained["parameter_hash"])
        self.assertEqual(again["test_loss"], trained["test_loss"])
        self.assertEqual(self.file.read_bytes(), (self.directory / "out").read_bytes())

    def test_replace_the_file_that_they_came_from(self):
        self.train("--save-weights", self.file)
        before = self.file.read_bytes()
        self.train("--init-weights", self.file, "--save-weights", self.file)
        self.assertNotEqual(self.file.read_bytes(), before)

    def test_need_a_place_before_training(self):
        for place, part in ((self.directory / "none" / "w", "No such file"), (self.directory, "a directory")):
            with self.subTest(place=place):
                result = run(*SHORT, "--steps", 1000000, "--log-dir", self.logs, "--save-weights", place, timeout=60)
                self.assert_refused(result, part)
                self.assertFalse(self.logs.exists())

    def test_are_not_written_where_training_diverges(self):
        self.file.write_bytes(b"earlier")
        result = run(*SHORT, "--steps", 200, "--lr", 1e5, "--save-weights", self.file)
        self.assertEqual(result.status, 3, result.err)
        self.assertEqual(self.file.read_bytes(), b"earlier")
        self.assertEqual([p.name for p in self.directory.iterdir()], [self.file.name])


class Initial(Weights):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(3)
        self.tensors = {name: (random.standard_normal(shape) / 20).astype(np.float32) for name, shape in LENET.items()}

    def test_are_those_of_the_file(self):
        write(self.file, self.tensors)
        out = self.directory / "out"
        self.train("--init-weights", self.file, "--save-weights", out, "--lr", 1e-30, ranks=2)
        saved, _ = read(out)
        for name, array in self.tensors.items():
            np.testing.assert_array_equal(saved[name], array)

    def test_may_be_in_half_precision(self):
        write(self.file, {name: array.astype(np.float16) for name, array in self.tensors.items()})
        out = self.directory / "out"
        self.train("--init-weights", self.file, "--save-weights", out, "--lr", 1e-30)
        saved, _ = read(out)
        for name, array in self.tensors.items():
            np.testing.assert_array_equal(saved[name], array.astype(np.float16).astype(np.float32))

    def test_that_are_not_there(self):
        self.assert_refused_untouched("weights.safetensors", "No such file")

    def test_of_another_format(self):
        self.file.write_bytes(b"\x80\x02PyTorch's own format is a ZIP archive of pickled objects")
        self.assert_refused_untouched("weights.safetensors", "a header of")

    def test_cut_short(self):
        write(self.file, self.tensors)
        self.file.write_bytes(self.file.read_bytes()[:-1])
        self.assert_refused_untouched('tensor "fc2.bias"', "is it whole")

    def test_that_lack_parameters(self):
        del self.tensors["fc1.bias"], self.tensors["fc2.bias"]
        write(self.file, self.tensors)
        self.assert_refused_untouched("no tensor fc1.bias, fc2.bias", "every parameter")

    def test_of_another_shape(self):
        self.tensors["fc2.weight"] = self.tensors["fc2.weight"].T
        write(self.file, self.tensors)
        self.assert_refused_untouched("fc2.weight", "[512, 10]", "[10, 512]")

    def test_of_another_type(self):
        self.tensors["fc2.bias"] = np.zeros(10, np.int64)
        write(self.file, self.tensors)
        self.assert_refused_untouched("fc2.bias", "I64", "F32, F16 or BF16")

    def test_with_tensors_that_the_model_has_not(self):
        write(self.file, {**self.tensors, "fc3.weight": np.zeros(3, np.float32)})
        self.assert_refused_untouched("fc3.weight", "--model")

    def test_may_count_batches(self):
        write(self.file, {**self.tensors, "bn1.num_batches_tracked": np.array(7)})
        self.train("--init-weights", self.file)

    def test_that_differ_from_rank_to_rank(self):
        write(self.file, self.tensors)
        other = self.directory / "other"
        self.tensors["fc2.bias"][0] += 1
        write(other, self.tensors)
        arguments = (*SHORT, "--steps", 1)
        self.assert_refused(run_apart((STERNA, (*arguments, "--init-weights", self.file)),
                                      (STERNA, (*arguments, "--init-weights", other))),
                            "init-weights", "rank 1 holds other weights than that of rank 0")

    def test_that_lie_elsewhere_on_another_rank(self):
        write(self.file, self.tensors)
        other = self.directory / "other"
        write(other, dict(reversed(self.tensors.items())))  # another order of the same values
        arguments = (*SHORT, "--steps", 1)
        result = run_apart((STERNA, (*arguments, "--init-weights", self.file)),
                           (STERNA, (*arguments, "--init-weights", other)))
        self.assertEqual(result.status, 0, result.err)

    def test_that_one_rank_has_not(self):
        write(self.file, self.tensors)
        arguments = (*SHORT, "--steps", 1)
        self.assert_refused(run_apart((STERNA, (*arguments, "--init-weights", self.file)), (STERNA, arguments)),
                            "init-weights is given")

    def test_that_one_rank_cannot_read(self):
        write(self.file, self.tensors)
        arguments = (*SHORT, "--steps", 1, "--init-weights")
        self.assert_refused(run_apart((STERNA, (*arguments, self.file)), (STERNA, (*arguments, self.directory / "none"))),
                            "none", "on rank 1")


if __name__ == "__main__":
    main()
