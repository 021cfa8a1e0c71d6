#!/usr/bin/env python3
"""Many ranks: a few hundred steps through each way in which gradients travel, with start-up time and memory of a rank.

    tests/bench/many_ranks.py build/release/sterna 2 8 32 64        # RANKS on this machine
    sudo tests/bench/many_ranks.py build/release/sterna --hosts 8 32    # on so many hosts of launch/testbed.sh

Start-up: from the launcher's start until the first step begins, which is the time of the whole less that of its steps and
its evaluation, both of a run of one step and no training data to read. Memory: the largest resident set of any rank (what
/usr/bin/time calls maximum resident set size), what is shared with other ranks included. Steps: the median, where all ranks
share the machine's cores. A row fails if a run does not end well, or ranks end with other parameters than one rank.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", STERNA_TESTBED="many")
# Each exchange pattern once: summed, summed in 16 bits, leader-indexed, gathered, sparse sum.
PATTERNS = {"none": [], "fp16": [], "scalecom": [], "adacomp": [], "topk": ["--gather", "sparse-sum"]}


def launcher(options, ranks):
    if options.hosts:
        return [ROOT / "launch/testbed.sh", "run", "-np", ranks]
    return [ROOT / "tests/support/mpirun.sh", ranks]


def train(options, ranks, compressor, steps, folder, learners=None):
    """Seconds of the whole command, and the logs."""
    logs = folder / f"{compressor}-{ranks}-{steps}"
    # Each rank leaves the largest resident set that it had, in kB.
    meter = ["sh", "-c", f'/usr/bin/time -a -f %M -o {folder}/memory-$$ "$@"', "sh"]
    command = [*(launcher(options, ranks) if learners is None else []), *meter, options.program, "train", "--model", "lenet",
               "--data", "synthetic", "--batch", 1, "--lr", 0.001, "--steps", steps, "--eval-every", steps, "--learners",
               learners or ranks, "--compressor", compressor, *PATTERNS[compressor], "--log-dir", logs, "--progress", "off"]
    begin = time.monotonic()
    result = subprocess.run(list(map(str, command)), env=ENVIRONMENT, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{ranks} ranks, {compressor}: status {result.returncode}\n{result.stderr}")
    return time.monotonic() - begin, logs


def last(path):
    return json.loads(path.read_text().splitlines()[-1])


def row(options, ranks, compressor):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        seconds, logs = train(options, ranks, compressor, 1, folder)
        start_seconds = seconds - last(logs / "epochs.jsonl")["epoch_seconds"]
        for file in folder.glob("memory-*"):
            file.unlink()
        _, logs = train(options, ranks, compressor, options.steps, folder)
        memory = [int(file.read_text().split()[-1]) for file in folder.glob("memory-*")]
        _, alone = train(options, 1, compressor, options.steps, folder, learners=ranks)
        if last(logs / "epochs.jsonl")["parameter_hash"] != last(alone / "epochs.jsonl")["parameter_hash"]:
            sys.exit(f"{ranks} ranks and one rank end with other parameters ({compressor})")
        steps = [json.loads(line) for line in (logs / "steps.jsonl").read_text().splitlines()]
        levels = json.loads((logs / "run.json").read_text())["levels"]
    step_milliseconds = 1000 * statistics.median(step["step_seconds"] for step in steps)
    sent = statistics.median(step["wire_bytes_sent"] for step in steps)
    return [compressor, ranks, levels, f"{start_seconds:.1f}", f"{max(memory) / 1000:.0f}", f"{step_milliseconds:.1f}", int(sent)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("ranks", nargs="+", type=int)
    parser.add_argument("--hosts", type=int, help="of the testbed; ranks are shared out among them")
    parser.add_argument("--rate", default="1gbit", help="of each host's link")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    options.program = str(pathlib.Path(options.program).resolve())
    if options.hosts:
        subprocess.run([ROOT / "launch/testbed.sh", "up", str(options.hosts), options.rate], env=ENVIRONMENT, check=True)
    try:
        print("| compressor | ranks | levels | start, s | memory of a rank, MB | step, ms | bytes sent by rank 0 |")
        print("|---" * 7 + "|", flush=True)
        for ranks in options.ranks:
            for compressor in PATTERNS:
                print("| " + " | ".join(map(str, row(options, ranks, compressor))) + " |", flush=True)
    finally:
        if options.hosts:
            subprocess.run([ROOT / "launch/testbed.sh", "down"], env=ENVIRONMENT, check=True)


if __name__ == "__main__":
    main()
