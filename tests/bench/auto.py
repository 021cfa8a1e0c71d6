#!/usr/bin/env python3
"""Whether `--compressor auto` is as fast as the best fixed choice: a row of a table for each rate and model.

    sudo tests/bench/auto.py build/release/sterna 100mbit,1gbit,none lenet:32 resnet20:32    # RATES MODEL:BATCH...

Two hosts of launch/testbed.sh, joined by links of each rate, train for some steps with none, fp16, scalecom and auto, one
after the other. A figure is the median time of the last ten steps, in milliseconds; auto has chosen by then.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

TESTBED = pathlib.Path(__file__).resolve().parents[2] / "launch" / "testbed.sh"
FIXED = ["none", "fp16", "scalecom"]
MEASURED_STEPS = 10
# Up to 28 steps of trials, 14 for the number of buckets.
STEPS = {"auto": 28 + 14 + MEASURED_STEPS}


def testbed(*arguments):
    subprocess.run([TESTBED, *map(str, arguments)], env=dict(os.environ, STERNA_TESTBED="auto"), check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def milliseconds(program, model, batch, compressor, folder):
    logs = folder / f"{model}-{compressor}"
    testbed("run", program, "train", "--model", model, "--data", "synthetic", "--batch", batch, "--compressor",
            compressor, "--steps", STEPS.get(compressor, 14 + MEASURED_STEPS), "--lr", 0.001, "--log-dir", logs,
            "--overwrite", "--progress", "off")
    steps = [json.loads(line)["step_seconds"] for line in (logs / "steps.jsonl").read_text().splitlines()]
    chosen = ""
    if compressor == "auto":
        methods = json.loads((logs / "choices.jsonl").read_text().splitlines()[-1])["methods"].split()
        chosen = " and ".join(sorted(set(methods) - {"none"})) or "none"  # biases are none in any case
    return 1000 * statistics.median(steps[-MEASURED_STEPS:]), chosen


def main():
    if len(sys.argv) < 4 or not all(re.fullmatch(r"[\w-]+:\d+", case) for case in sys.argv[3:]):
        sys.exit(__doc__)
    print("| link | model, samples | " + " | ".join(FIXED) + " | auto | over the best | it chose |")
    print("|---" * (len(FIXED) + 5) + "|")
    for rate in sys.argv[2].split(","):
        testbed("up", 2, rate)
        try:
            with tempfile.TemporaryDirectory() as folder:
                for case in sys.argv[3:]:
                    model, batch = case.split(":")
                    times = [milliseconds(sys.argv[1], model, batch, c, pathlib.Path(folder))[0] for c in FIXED]
                    auto, chosen = milliseconds(sys.argv[1], model, batch, "auto", pathlib.Path(folder))
                    print(f"| {rate} | `{model}`, {batch} | " + " | ".join(f"{t:.4g}" for t in times) +
                          f" | {auto:.4g} | {100 * (auto / min(times) - 1):+.1f} % | {chosen} |", flush=True)
        finally:
            testbed("down")


if __name__ == "__main__":
    main()
