#!/usr/bin/env python3
"""Where the time of a training step goes, by kind of operation: a row of a table for each model.

    tests/bench/profile.py build/release/sterna lenet:64 gpt:8    # MODEL:BATCH

Needs Linux's perf. Runs `sterna bench step` on one thread, which computes one forward pass more than a training step,
and shares out the samples of the processor by the function that they fell into; initial values are left out.
"""

import os
import re
import subprocess
import sys
import tempfile

STEPS = 12

# The first that matches "library function" has it. oneDNN's code is made at run time and tells perf its names.
KINDS = [
    (None, r"random_uniform|tensor::initialise|data::|__itt_pt_write"),
    ("convolutions", r"JIT.*(conv|rtus)"),
    ("products", r"sgemm|gemm|JIT.*copy|multiply_panel|::pack\b|repeated_products|openblas|UnfoldedRows"),
    ("other of oneDNN", r"libdnnl|JIT"),
    ("normalisation", r"kernels.*::(normalise|moments|apply|mask_and_reduce|reduce)|normalise"),
    ("pooling", r"pool_window|spread_window|Pooling"),
    ("recurrent cells", r"recurrent::|lstm_cell|cell_backward"),
    ("softmax, GELU, loss", r"softmax|gelu|exponential|CrossEntropy"),
    ("optimizer", r"optim::"),
    ("kernel", r"\[kernel"),
]
COLUMNS = [kind for kind, _ in KINDS if kind] + ["rest"]


def kind_of(function):
    for kind, pattern in KINDS:
        if re.search(pattern, function):
            return kind
    return "rest"


def shares(program, model, batch, folder):
    data = os.path.join(folder, "perf.data")
    environment = dict(os.environ, OMP_NUM_THREADS="1", DNNL_JIT_PROFILE="6")
    bench = [program, "bench", "step", "--model", model, "--batch", batch, "--steps", str(STEPS)]
    subprocess.run(["perf", "record", "-q", "-F", "999", "-o", data, *bench], env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-F", "overhead,dso,symbol"],
                            check=True, capture_output=True, text=True).stdout
    sums = dict.fromkeys(COLUMNS, 0.0)
    for line in report.splitlines():
        match = re.match(r"\s*([0-9.]+)%\s+(.*)", line)
        kind = kind_of(match[2]) if match else None
        if kind:
            sums[kind] += float(match[1])
    total = sum(sums.values())
    return [100.0 * sums[column] / total for column in COLUMNS]


def main():
    if len(sys.argv) < 3 or not all(re.fullmatch(r"[\w-]+:\d+", case) for case in sys.argv[2:]):
        sys.exit(__doc__)
    print("| model, samples | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for case in sys.argv[2:]:
            model, batch = case.split(":")
            row = shares(sys.argv[1], model, batch, folder)
            print(f"| `{model}`, {batch} | " + " | ".join(f"{share:.1f}" for share in row) + " |", flush=True)


if __name__ == "__main__":
    main()
