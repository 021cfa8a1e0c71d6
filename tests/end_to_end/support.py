"""What the end-to-end tests share: the program as a user runs it."""
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

STERNA = Path(os.environ["STERNA"]).resolve()
MPIRUN = Path(__file__).resolve().parent.parent / "support" / "mpirun.sh"


class Result:
    def __init__(self, completed):
        self.status = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr
        # mpirun adds its own words when a rank ends with an error, and a blank line around them.
        lines = [line for line in self.err.splitlines() if line.strip()]
        border = next((i for i, line in enumerate(lines) if line.startswith("-----")), len(lines))
        self.lines = lines[:border] + [l for l in lines[border:] if l.startswith("[rank ")]


def run(*arguments, ranks=None, timeout=120, program=STERNA, environment=None):
    """Runs `sterna ARGUMENTS`, alone or on so many ranks, with these variables beside what there are."""
    command = [str(program), *map(str, arguments)]
    if ranks is not None:
        command = [str(MPIRUN), str(ranks), *command]
    return Result(subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", timeout=timeout,
                                 env={**os.environ, **(environment or {})}))


def run_apart(*commands, timeout=120):
    """One rank for each command, in one job: ranks that were started differently."""
    joined = []
    for program, arguments in commands:
        joined += ([":", "-np", "1"] if joined else []) + [str(program), *map(str, arguments)]
    return Result(subprocess.run([str(MPIRUN), "1", *joined], capture_output=True, text=True, timeout=timeout))


def ignore_leaks_of_mpi():
    """For what runs the program without mpirun and lets it begin MPI there: what Open MPI leaves behind is not ours."""
    os.environ["ASAN_OPTIONS"] = ":".join(["detect_leaks=0", *filter(None, [os.environ.get("ASAN_OPTIONS")])])


def rows(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def idx(values, extents):
    """An IDX file of unsigned bytes."""
    return bytes([0, 0, 8, len(extents)]) + b"".join(struct.pack(">I", e) for e in extents) + bytes(values)


def write_idx_data(directory, train=64, test=16):
    """A data set in MNIST's format: the class is where the bright bar is."""
    directory.mkdir(parents=True, exist_ok=True)
    for prefix, samples in (("train", train), ("t10k", test)):
        labels = [(7 * s) % 10 for s in range(samples)]
        images = bytearray(samples * 784)
        for s, label in enumerate(labels):
            for row in range(28):
                images[s * 784 + row * 28 + 2 * label] = 255
        (directory / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images, (samples, 28, 28)))
        (directory / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels, (samples,)))


class TestCase(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="sterna-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def assert_refused(self, result, *parts):
        """One line that says what is wrong, and exit status 2."""
        self.assertEqual(result.status, 2, result.err)
        self.assertEqual(len(result.lines), 1, result.err)
        for part in parts:
            self.assertIn(part, result.lines[0])


main = unittest.main
