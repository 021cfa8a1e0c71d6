#!/usr/bin/env python3
"""How long a training step takes between two hosts: a row of a table for each rate of the link and each model.

    sudo tests/bench/links.py build/release/sterna 100mbit,1gbit,none lenet:64 resnet20:32    # RATES MODEL:BATCH...
    ... --rounds 3 --torch torch_ddp.py     # each figure three times; PyTorch beside, by a program as described below
    ... --compressors scalecom,auto         # these columns alone, where others would take hours

Two hosts of launch/testbed.sh, a core each; the rate "memory" means two ranks on this host. A round trains with one compressor after the other; a figure is the median
time of its last twenty steps in milliseconds, and a cell the median of the rounds. "alone" is one host without a peer.
`auto` chooses among none, fp16 and scalecom, and has chosen by then; "over the best" compares it with the best of these
three that were measured, "over alone" scalecom with a step that has nobody to talk to.

PyTorch: `torch_ddp.py RANK RANKS ADDRESS MODEL:BATCH none|fp16|powersgd` prints {"step_seconds": S} on rank 0; Gloo is
told its card by GLOO_SOCKET_IFNAME. A cell that failed says so.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

ENVIRONMENT = dict(os.environ, STERNA_TESTBED="links")
LAUNCH = pathlib.Path(__file__).resolve().parents[2] / "launch"
TESTBED = LAUNCH / "testbed.sh"
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


@contextlib.contextmanager
def hosts(rate):
    if rate == "memory":
        yield
        return
    testbed("up", 2, rate, check=True)
    try:
        yield
    finally:
        testbed("down")


def place(program, rate, ranks):
    """The start of a command: `program` on so many hosts, or ranks of this one."""
    if rate == "memory":
        return ["env", f"STERNA={program}", LAUNCH / "local.sh", "--bind", ranks]
    return [TESTBED, *(["run"] if ranks > 1 else ["exec", "host0"]), program]


def train(where, case, compressor, logs):
    model, batch = case.split(":")
    command = [*where, "train", "--model", model, "--data", "synthetic", "--batch", batch, "--compressor", compressor,
               "--steps", STEPS.get(compressor, BUCKET_STEPS + MEASURED_STEPS), "--lr", 0.001, "--log-dir", logs,
               "--overwrite", "--progress", "off"]
    subprocess.run([*map(str, command)], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=True)
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


def round_of(options, rate, case, folder):
    """One figure of each column, and what auto chose."""
    figures = {"alone": train(place(options.program, rate, 1), case, "none", folder / "alone")}
    for compressor in options.compressors:
        figures[compressor] = train(place(options.program, rate, 2), case, compressor, folder / compressor)
    for hook in HOOKS if options.torch else []:
        figures[f"PyTorch, {hook}"] = torch_milliseconds(options.torch, case, hook)
    return figures, chosen_methods(folder / "auto")


def row_of(rate, case, rounds):
    figures = {}
    for name in rounds[0][0]:
        values = [figures[name] for figures, _ in rounds if figures[name] is not None]
        figures[name] = statistics.median(values) if values else None
    best = min(figures[choice] for choice in CHOICES if choice in figures)
    chosen = "; ".join(sorted({chosen for _, chosen in rounds}))
    model, batch = case.split(":")
    return [rate, f"`{model}`, {batch}", *("failed" if value is None else f"{value:.4g}" for value in figures.values()),
            f"{100 * (figures['auto'] / best - 1):+.1f} %", f"{figures['scalecom'] / figures['alone']:.2f}", chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("rates")
    parser.add_argument("cases", nargs="+", metavar="MODEL:BATCH")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--torch", metavar="torch_ddp.py")
    parser.add_argument("--compressors", type=lambda text: text.split(","), default=COMPRESSORS)
    options = parser.parse_args()
    if options.torch and "memory" in options.rates:
        parser.error("--torch: is measured between hosts alone")
    for case in options.cases:
        if not re.fullmatch(r"[\w-]+:\d+", case):
            parser.error(f"{case}: must be MODEL:BATCH, such as lenet:64")
    if not {"scalecom", "auto"} <= set(options.compressors) <= set(COMPRESSORS):
        parser.error(f"--compressors: must be of {', '.join(COMPRESSORS)}, scalecom and auto among them")
    columns = ["link", "model, samples", "alone", *options.compressors]
    columns += [f"PyTorch, {hook}" for hook in HOOKS] if options.torch else []
    columns += ["auto over the best", "scalecom over alone", "auto chose"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|", flush=True)
    for rate in options.rates.split(","):
        with hosts(rate):
            for case in options.cases:
                with tempfile.TemporaryDirectory() as folder:
                    rounds = [round_of(options, rate, case, pathlib.Path(folder)) for _ in range(options.rounds)]
                print("| " + " | ".join(row_of(rate, case, rounds)) + " |", flush=True)


if __name__ == "__main__":
    main()
