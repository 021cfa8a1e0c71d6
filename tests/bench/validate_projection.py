#!/usr/bin/env python3
"""How well `sterna project` foretells steps that it has not seen: a row of a table for each, and the worst error.

    sudo tests/bench/validate_projection.py build/release/sterna lenet:32:mnist:DIR lenet:1:mnist:DIR
    ... --rates 100mbit,1gbit --hosts 2,3,4 --fit 2:300mbit --rounds 3 --steps 40

Hosts of launch/testbed.sh. For each case MODEL:BATCH[:DATA[:DIR]] (data: synthetic) every compressor trains at the
fitting point, 2 hosts at one rate. From these runs, and from nothing else, `sterna project` finds latency and bandwidth,
the latter as a part of the rate that was set, given that these links let 1 ms of their rate through at once; with these, and the runs' own payloads, compute and compress times, it
predicts every other point. There it is measured; what is measured is a run's medians, and of the rounds that one with the
shortest step: what other work on the machine adds is no part of the model.

Where hosts are more than the machine's cores, ranks share them, which the model does not have: these rows compare the
exchange alone, and even that waits for ranks that had to wait for a core. Cases of little computing suffer least.
The exchange is not overlapped with backward (--overlap on overlaps it; steps alone can be compared then).
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

ENVIRONMENT = dict(os.environ, STERNA_TESTBED=os.environ.get("STERNA_TESTBED", "projection"))
TESTBED = pathlib.Path(__file__).resolve().parents[2] / "launch" / "testbed.sh"
COMPRESSORS = ["none", "topk", "adacomp", "scalecom"]
BURST = ("--burst", "1ms")  # of testbed.sh's links
FRAME_EFFICIENCY = 0.9564  # --wire-efficiency's default


def testbed(*arguments):
    subprocess.run([TESTBED, *map(str, arguments)], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def bits_of(rate):
    number, unit = re.fullmatch(r"(\d+)(mbit|gbit)", rate).groups()
    return int(number) * (1e6 if unit == "mbit" else 1e9)


def train(options, case, compressor, logs):
    model, batch, data, directory = (case.split(":") + [None, None])[:4]
    where = ["--data-dir", directory] if directory else []
    testbed("run", options.program, "train", "--model", model, "--batch", batch, "--data", data or "synthetic", *where,
            "--compressor", compressor, "--steps", options.steps, "--lr", 0.001, "--overlap", options.overlap, "--bucket-bytes",
            options.bucket_bytes, "--log-dir", logs, "--overwrite", "--progress", "off")


def medians(logs):
    """Of the second half of the steps, as `sterna project` has them."""
    rows = [json.loads(line) for line in (logs / "steps.jsonl").read_text().splitlines()]
    rows = rows[len(rows) // 2:]
    return {key: statistics.median(row[key] for row in rows) for key in ("step_seconds", "exchange_seconds")}


def measure(options, case, compressor, folder):
    """The log directory of the best round."""
    rounds = [folder / f"{compressor}-{number}" for number in range(options.rounds)]
    for logs in rounds:
        if not (logs / "epochs.jsonl").exists():  # written last
            train(options, case, compressor, logs)
    return min(rounds, key=lambda logs: medians(logs)["step_seconds"])


def project(options, runs, ranks, *link):
    arguments = [word for logs in runs.values() for word in ("--run", logs)]
    output = subprocess.run([options.program, "project", "--json", *map(str, arguments), "--ranks", str(ranks), *BURST, *link],
                            check=True, capture_output=True, text=True).stdout
    return {row["compressor"]: row for row in map(json.loads, output.splitlines())}


def error(predicted, measured):
    return 100 * (predicted / measured - 1)


def row_of(case, hosts, rate, compressor, predicted, measured, has_cores):
    """The cells, and the errors by what they are of."""
    figures = {"exchange": (predicted["exchange_seconds"], measured["exchange_seconds"])}
    if has_cores:
        figures["step"] = (predicted["step_seconds"], measured["step_seconds"])
    errors = {name: error(*pair) for name, pair in figures.items()}
    cells = [f"`{case.split(':')[0]}`, {case.split(':')[1]}", str(hosts), rate, f"`{compressor}`"]
    for name in ("step", "exchange"):
        if name in figures:
            cells += [f"{1e3 * value:.3g}" for value in figures[name]] + [f"{errors[name]:+.1f} %"]
        else:
            cells += ["", "", ""]
    return cells, errors


@contextlib.contextmanager
def folder_of(options, *names):
    """For the logs of one point: below --logs, or one that goes."""
    if not options.logs:
        with tempfile.TemporaryDirectory() as folder:
            yield pathlib.Path(folder)
        return
    folder = pathlib.Path(options.logs, "-".join(map(str, names)))
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def validate(options, case, fitted, worst):
    """Prints a row for each point of one case. `fitted` are the runs of the fitting point."""
    fit_hosts, fit_rate = options.fit.split(":")
    link = project(options, fitted, fit_hosts)["none"]
    efficiency = FRAME_EFFICIENCY * link["bandwidth_bits_per_second"] / bits_of(fit_rate)
    print(f"<!-- {case}: latency {1e6 * link['latency_seconds']:.0f} us, {100 * efficiency:.1f} % of the rate -->", flush=True)
    for hosts in map(int, options.hosts.split(",")):
        for rate in options.rates.split(","):
            if f"{hosts}:{rate}" == options.fit:
                continue
            predicted = project(options, fitted, hosts, "--bandwidth", rate, "--latency",
                                f"{1e6 * link['latency_seconds']:.3f}us", "--wire-efficiency", f"{min(1.0, efficiency):.4f}")
            testbed("up", hosts, rate)
            try:
                with folder_of(options, *case.split(":")[:2], hosts, rate) as folder:
                    for compressor in COMPRESSORS:
                        measured = medians(measure(options, case, compressor, folder))
                        cells, errors = row_of(case, hosts, rate, compressor, predicted[compressor], measured,
                                               hosts <= len(os.sched_getaffinity(0)))
                        print("| " + " | ".join(cells) + " |", flush=True)
                        for name, percent in errors.items():
                            worst.setdefault(name, []).append((percent, f"{case} {hosts} {rate} {compressor}"))
            finally:
                testbed("down")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("cases", nargs="+", metavar="MODEL:BATCH[:DATA[:DIR]]")
    parser.add_argument("--rates", default="100mbit,1gbit")
    parser.add_argument("--hosts", default="2,3,4")
    parser.add_argument("--fit", default="2:300mbit", metavar="HOSTS:RATE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--overlap", choices=["on", "off"], default="off")
    parser.add_argument("--bucket-bytes", type=int, default=1 << 30, help="one bucket by default")
    parser.add_argument("--logs", help="directory in which the runs' logs stay; runs that are there are not measured again")
    options = parser.parse_args()
    for case in options.cases:
        if not re.fullmatch(r"[\w-]+:\d+(:[\w-]+(:[^:]+)?)?", case):
            parser.error(f"{case}: must be MODEL:BATCH[:DATA[:DIR]], such as lenet:32")
    columns = ["model, samples", "hosts", "link", "compressor"]
    columns += [f"{what}{kind}" for what in ("step ms ", "exchange ms ") for kind in ("predicted", "measured", "error")]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|", flush=True)
    worst = {}
    for case in options.cases:
        with folder_of(options, *case.split(":")[:2], "fit") as folder:
            testbed("up", *options.fit.split(":"))
            try:
                fitted = {compressor: measure(options, case, compressor, folder) for compressor in COMPRESSORS}
            finally:
                testbed("down")
            validate(options, case, fitted, worst)
    for name, errors in worst.items():
        percent, where = max(errors, key=lambda pair: abs(pair[0]))
        within = sum(abs(p) <= 10 for p, _ in errors)
        print(f"\n{name}: worst error {percent:+.1f} % ({where}); {within} of {len(errors)} within 10 %")


if __name__ == "__main__":
    main()
