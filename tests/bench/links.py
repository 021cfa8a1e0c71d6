#!/usr/bin/env python3
"""How long a training step takes between two hosts: a row of a table for each rate of the link and each model.

    sudo tests/bench/links.py build/release/sterna 100mbit,1gbit,none lenet:64 resnet20:32    # RATES MODEL:BATCH...
    ... --rounds 3 --torch torch_ddp.py     # each figure three times; PyTorch beside, by a program as described below

Two hosts of launch/testbed.sh, a core each. A round trains with one compressor after the other; a figure is the median
time of its last twenty steps in milliseconds, and a cell the median of the rounds. "alone" is one host without a peer.
`auto` chooses among none, fp16 and scalecom, and has chosen by then; "over the best" compares it with the best of these
three, "over alone" scalecom with a step that has nobody to talk to.

PyTorch: `torch_ddp.py RANK RANKS ADDRESS MODEL:BATCH none|fp16|powersgd` prints {"step_seconds": S} on rank 0; Gloo is
told its card by GLOO_SOCKET_IFNAME. A cell that failed says so.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

ENVIRONMENT = dict(os.environ, STERNA_TESTBED="links")
TESTBED = pathlib.Path(__file__).resolve().parents[2] / "launch" / "testbed.sh"
COMPRESSORS = ["none", "fp16", "topk", "adacomp", "scalecom", "auto"]
CHOICES = ["none", "fp16", "scalecom"]  # of auto
HOOKS = ["none", "fp16", "powersgd"]
MEASURED_STEPS = 20
BUCKET_STEPS = 14  # for the number of buckets
# Up to 28 steps of first trials and 56 of repeated ones, and the buckets again.
STEPS = {"auto": 28 + 56 + BUCKET_STEPS + MEASURED_STEPS}
TORCH_SECONDS = 180


def testbed(*arguments, **options):
    return subprocess.run([TESTBED, *map(str, arguments)], env=ENVIRONMENT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, **options)


def step_milliseconds(logs):
    steps = [json.loads(line)["step_seconds"] for line in (logs / "steps.jsonl").read_text().splitlines()]
    return 1000 * statistics.median(steps[-MEASURED_STEPS:])


def train(where, program, case, compressor, logs):
    model, batch = case.split(":")
    testbed(*where, program, "train", "--model", model, "--data", "synthetic", "--batch", batch, "--compressor",
            compressor, "--steps", STEPS.get(compressor, BUCKET_STEPS + MEASURED_STEPS), "--lr", 0.001, "--log-dir",
            logs, "--overwrite", "--progress", "off", check=True)
    return step_milliseconds(logs)


def chosen_methods(logs):
    methods = json.loads((logs / "choices.jsonl").read_text().splitlines()[-1])["methods"].split()
    return " and ".join(sorted(set(methods) - {"none"})) or "none"  # biases are none in any case


def torch_milliseconds(program, case, hook):
    """None if it failed. Rank 1 goes on its own host beside, and ends with rank 0."""
    def command(host):
        return ["exec", f"host{host}", "env", "GLOO_SOCKET_IFNAME=eth0", "OMP_NUM_THREADS=1", "/usr/bin/python3",
                program, host, 2, "10.77.0.1", case, hook]

    peer = subprocess.Popen([TESTBED, *map(str, command(1))], env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        lines = testbed(*command(0), timeout=TORCH_SECONDS).stdout.splitlines()
        return 1000 * json.loads(lines[-1])["step_seconds"] if lines else None
    except subprocess.TimeoutExpired:
        return None
    finally:
        peer.kill()
        peer.wait()


def round_of(options, case, folder):
    """One figure of each column, and what auto chose."""
    figures = {"alone": train(["exec", "host0"], options.program, case, "none", folder / "alone")}
    for compressor in COMPRESSORS:
        figures[compressor] = train(["run"], options.program, case, compressor, folder / compressor)
    for hook in HOOKS if options.torch else []:
        figures[f"PyTorch, {hook}"] = torch_milliseconds(options.torch, case, hook)
    return figures, chosen_methods(folder / "auto")


def row_of(rate, case, rounds):
    figures = {}
    for name in rounds[0][0]:
        values = [figures[name] for figures, _ in rounds if figures[name] is not None]
        figures[name] = statistics.median(values) if values else None
    best = min(figures[choice] for choice in CHOICES)
    chosen = "; ".join(sorted({chosen for _, chosen in rounds}))
    model, batch = case.split(":")
    return [rate, f"`{model}`, {batch}", *("failed" if value is None else f"{value:.4g}" for value in figures.values()),
            f"{100 * (figures['auto'] / best - 1):+.1f} %", f"{figures['scalecom'] / figures['alone']:.2f}", chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("rates")
    parser.add_argument("cases", nargs="+", metavar="MODEL:BATCH")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--torch", metavar="torch_ddp.py")
    options = parser.parse_args()
    for case in options.cases:
        if not re.fullmatch(r"[\w-]+:\d+", case):
            parser.error(f"{case}: must be MODEL:BATCH, such as lenet:64")
    columns = ["link", "model, samples", "alone", *COMPRESSORS]
    columns += [f"PyTorch, {hook}" for hook in HOOKS] if options.torch else []
    columns += ["auto over the best", "scalecom over alone", "auto chose"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|", flush=True)
    for rate in options.rates.split(","):
        testbed("up", 2, rate, check=True)
        try:
            for case in options.cases:
                with tempfile.TemporaryDirectory() as folder:
                    rounds = [round_of(options, case, pathlib.Path(folder)) for _ in range(options.rounds)]
                print("| " + " | ".join(row_of(rate, case, rounds)) + " |", flush=True)
        finally:
            testbed("down")


if __name__ == "__main__":
    main()
