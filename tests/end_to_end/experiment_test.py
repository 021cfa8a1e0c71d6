"""`sterna experiment`: a matrix of runs that is interrupted, goes on, meets other settings, and has a run that diverges."""
import json
import os
import shutil
import signal
import subprocess
import time

from support import STERNA, TestCase, main, rows, run

HEAD = """title = "Mine"
claim = "none"
source = "this test"
measure = "test_accuracy"
higher-is-better = true
seeds = 2
"""

# 1e5: the loss is no number after a few steps.
MINE = HEAD + """
[settings]
model = "lenet"
data = "synthetic"
batch = 2
learners = 2
steps = {steps}

[quick]
seeds = 1
steps = 2
variants = ["dense", "topk"]

[[variant]]
name = "dense"
compressor = "none"

[[variant]]
name = "topk"
compressor = "topk"
rate = {rate}

[[variant]]
name = "wild"
lr = {wild}
compressor = "none"

[[comparison]]
variant = "topk"
baseline = "dense"
expected = "open"
margin = 0.5

[[comparison]]
variant = "wild"
baseline = "dense"
expected = "worse"
margin = 0.005
"""


class Experiment(TestCase):
    def write(self, steps=3, rate=10, wild=1e5, text=MINE):
        (self.directory / "mine.toml").write_text(text.format(steps=steps, rate=rate, wild=wild))

    def experiment(self, *flags):
        return run("experiment", self.directory / "mine.toml", "--out", self.directory / "out", *flags)

    def result(self):
        return json.loads((self.directory / "out" / "mine" / "result.json").read_text())

    def logs(self, variant, seed):
        return self.directory / "out" / "mine" / variant / f"seed-{seed}"


class Results(Experiment):
    def test_are_those_of_the_runs(self):
        self.write()
        ended = self.experiment("--jobs", 2)
        self.assertEqual(ended.status, 0, ended.err)
        result = self.result()
        self.assertEqual((result["experiment"], result["size"]), ("mine", "full"))
        variants = {v["name"]: v for v in result["variants"]}
        self.assertEqual(list(variants), ["dense", "topk", "wild"])
        for name in ("dense", "topk"):
            runs = variants[name]["runs"]
            self.assertEqual([(r["seed"], r["directory"], r["status"], r["steps"]) for r in runs],
                             [(k, f"{name}/seed-{k}", "done", 3) for k in (1, 2)])
            for r in runs:
                logs = self.directory / "out" / "mine" / r["directory"]
                steps = rows(logs / "steps.jsonl")
                self.assertEqual(r["value"], rows(logs / "epochs.jsonl")[-1]["test_accuracy"])
                self.assertAlmostEqual(r["payload_bytes"], sum(s["payload_bytes"] for s in steps) / 3)
                self.assertEqual(json.loads((logs / "run.json").read_text())["settings"]["seed"], r["seed"])
            self.assertAlmostEqual(variants[name]["mean"], sum(r["value"] for r in runs) / 2)
        self.assertEqual([r["status"] for r in variants["wild"]["runs"]], ["diverged", "diverged"])
        self.assertNotIn("mean", variants["wild"])
        verdicts = {c["variant"]: c for c in result["comparisons"]}
        self.assertEqual((verdicts["wild"]["verdict"], verdicts["wild"]["holds"]), ("worse", True))
        self.assertEqual(verdicts["topk"]["pairs"], 2)
        self.assertIn("| topk | ", ended.out)
        self.assertIn("- wild against dense, 2 pairs: no pair of runs that are done; margin 0.005: worse, as expected", ended.out)
        self.assertIn("6 of 6", ended.err)

    def test_are_equal_to_those_of_sterna_train(self):
        """A run is what the same flags give by hand: the same bits."""
        self.write()
        self.assertEqual(self.experiment("--variants", "topk", "--seeds", 1).status, 0)
        logs = self.directory / "alone"
        alone = run("train", "--model", "lenet", "--data", "synthetic", "--batch", 2, "--learners", 2, "--steps", 3, "--compressor",
                    "topk", "--rate", 10, "--seed", 1, "--log-dir", logs)
        self.assertEqual(alone.status, 0, alone.err)
        self.assertEqual(rows(logs / "epochs.jsonl")[-1]["parameter_hash"],
                         rows(self.logs("topk", 1) / "epochs.jsonl")[-1]["parameter_hash"])

    def test_of_some_variants_and_of_the_quick_version(self):
        self.write()
        self.assertEqual(self.experiment("--variants", "dense", "--seeds", 1).status, 0)
        self.assertEqual([len(v["runs"]) for v in self.result()["variants"]], [1, 0, 0])
        for seeds in (2, 1):  # fewer seeds take no run out of the result
            ended = self.experiment("--variants", "dense", "--seeds", seeds)
            self.assertEqual(ended.status, 0, ended.err)
            self.assertEqual([len(v["runs"]) for v in self.result()["variants"]], [2, 0, 0])
        quick = run("experiment", self.directory / "mine.toml", "--out", self.directory / "small", "--quick")
        self.assertEqual(quick.status, 0, quick.err)
        result = json.loads((self.directory / "small" / "mine" / "result.json").read_text())
        self.assertEqual((result["size"], len(result["variants"]), result["settings"]["steps"]), ("quick", 2, 2))


class GoingOn(Experiment):
    def interrupt_after_the_first_run(self, signal_number):
        """Starts it with far too many steps for a second run, and sends the signal when that is under way."""
        process = subprocess.Popen([STERNA, "experiment", self.directory / "mine.toml", "--out", self.directory / "out"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while not (self.logs("topk", 1) / "steps.jsonl").exists() or not rows(self.logs("topk", 1) / "steps.jsonl"):
            self.assertLess(time.monotonic(), deadline, "no second run")
            time.sleep(0.02)
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal_number, err)
        self.assertIn("interrupted; the same command goes on from here", err)
        self.assertEqual(self.running(), [])

    def running(self):
        """Processes that work for this test's directory."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
            except OSError:
                continue  # it has ended
            if any(str(self.directory) in word for word in words) and words[1:2] == ["train"]:
                found.append(words)
        return found

    # Settings of the second variant alone are changed between the interruption and what follows, so that the first
    # run of the first one stays as it is.
    LONG = MINE.replace("rate = {rate}\n", "rate = {rate}\nsteps = 100000\n")

    def test_goes_on_after_each_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                self.write(text=self.LONG)
                self.interrupt_after_the_first_run(number)
                self.assertEqual([[r["status"] for r in v["runs"]] for v in self.result()["variants"]], [["done"], [], []])
                self.assertFalse((self.logs("topk", 1) / "outcome.json").exists())
                before = (self.logs("dense", 1) / "steps.jsonl").stat().st_mtime_ns
                self.write()
                ended = self.experiment("--jobs", 2)
                self.assertEqual(ended.status, 0, ended.err)
                self.assertIn("5 of 6 runs are to be done", ended.err)
                self.assertEqual((self.logs("dense", 1) / "steps.jsonl").stat().st_mtime_ns, before)
                self.assertEqual([[r["steps"] for r in v["runs"]] for v in self.result()["variants"][:2]], [[3, 3]] * 2)
                shutil.rmtree(self.directory / "out")

    def test_does_nothing_twice(self):
        self.write()
        self.assertEqual(self.experiment("--jobs", 2).status, 0)
        first = self.result()
        again = self.experiment()
        self.assertEqual((again.status, again.err), (0, ""))
        self.assertEqual(self.result(), first)

    def test_copies_what_another_experiment_has_run(self):
        self.write()
        self.assertEqual(self.experiment("--variants", "dense", "--seeds", 1).status, 0)
        shutil.copy(self.directory / "mine.toml", self.directory / "theirs.toml")
        ended = run("experiment", self.directory / "theirs.toml", "--out", self.directory / "out", "--variants", "dense,topk", "--seeds", 1)
        self.assertEqual(ended.status, 0, ended.err)
        self.assertIn(f"dense, seed 1: copied from {self.logs('dense', 1)}, which has the same settings", ended.err)
        self.assertRegex(ended.err, "1 of [0-9] runs are to be done")
        theirs = self.directory / "out" / "theirs"
        self.assertEqual((theirs / "dense" / "seed-1" / "steps.jsonl").read_text(), (self.logs("dense", 1) / "steps.jsonl").read_text())
        runs = [v["runs"] for v in json.loads((theirs / "result.json").read_text())["variants"]]
        self.assertEqual([len(r) for r in runs], [1, 1, 0])
        self.assertEqual(runs[0], self.result()["variants"][0]["runs"])

    def test_refuses_runs_with_other_settings(self):
        self.write()
        self.assertEqual(self.experiment("--variants", "topk", "--seeds", 1).status, 0)
        before = self.result()
        self.write(rate=20)
        self.assert_refused(self.experiment(), "[experiment] rate = 20.0: was 10.0 when ", "topk/seed-1 was made",
                            "choose another --out")
        self.assertEqual(self.result(), before)
        self.write()
        self.assert_refused(self.experiment("--quick"), "steps = 2: was 3 when ")

    def test_refuses_to_judge_by_another_margin(self):
        """What is expected is set before the runs."""
        self.write()
        self.assertEqual(self.experiment("--variants", "dense", "--seeds", 1).status, 0)
        self.write(text=MINE.replace("margin = 0.005", "margin = 0.5", 1))
        self.assert_refused(self.experiment(), "[experiment] margin = 0.5 of wild against dense: was 0.005 when ", "result.json")
        self.assertEqual(len(self.result()["variants"][0]["runs"]), 1)
        (self.directory / "out" / "mine" / "result.json").unlink()
        self.assertEqual(self.experiment("--variants", "dense", "--seeds", 1).status, 0)

    def test_does_a_run_that_failed_anew(self):
        self.write()
        logs = self.logs("topk", 1)
        (logs / "steps.jsonl" / "full").mkdir(parents=True)  # in the way of the file
        ended = self.experiment("--seeds", 1, "--variants", "dense,topk")
        self.assertEqual(ended.status, 1, ended.err)
        self.assertIn(f"[experiment] topk, seed 1 failed with status 2: see {logs / 'output.txt'}", ended.err)
        self.assertIn("steps.jsonl", (logs / "output.txt").read_text())
        self.assertEqual([[r["status"] for r in v["runs"]] for v in self.result()["variants"]], [["done"], ["failed"], []])
        shutil.rmtree(logs / "steps.jsonl")
        self.assertEqual(self.experiment("--seeds", 1, "--variants", "dense,topk").status, 0)
        self.assertEqual([[r["status"] for r in v["runs"]] for v in self.result()["variants"]], [["done"], ["done"], []])

    def test_is_one_process_at_a_time(self):
        self.write(text=self.LONG)
        process = subprocess.Popen([STERNA, "experiment", self.directory / "mine.toml", "--out", self.directory / "out"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while not self.running():
            self.assertLess(time.monotonic(), deadline, "no run")
            time.sleep(0.02)
        self.assert_refused(self.experiment(), "another `sterna experiment`, or a run that it left, works there")
        process.terminate()
        process.wait(timeout=60)


class BadInput(Experiment):
    def test_flags(self):
        self.write()
        self.assert_refused(run("experiment"), "[experiment] experiment: must be given")
        self.assert_refused(run("experiment", "no-such", "--out", self.directory), "adacomp-mnist", "--list")
        self.assert_refused(run("experiment", "adacomp-mnist"), "out: must be given")
        self.assert_refused(run("experiment", "adacomp-mnist", "--out", self.directory), "data-root: must be given", "fetch_data.sh")
        self.assert_refused(self.experiment("--jobs", 0), "jobs = 0")
        self.assert_refused(self.experiment("--seeds", 5000), "seeds = 5000")
        self.assert_refused(self.experiment("--variants", "dense,sparse"), "variants = sparse: must be of dense, topk, wild")
        self.assert_refused(run("experiment", self.directory / "mine.toml", "--out", self.directory / "mine.toml"), "cannot make it")

    def test_settings_before_anything_runs(self):
        for wrong in ('compressor = "topq"', "rate = 0.5", 'model = "lenet9"', 'optimizer = "sdg"', 'data = "nothing"', "lr = -1",
                      'schedule = "never"', "momentum = 2.5", 'model-arg = ["depth=20"]', 'layer-rates = "fc"'):
            with self.subTest(wrong=wrong):
                compressor = "" if wrong.startswith("compressor") else 'compressor = "topk"\n'
                self.write(text=f'{HEAD}[settings]\nsteps = 1\n[[variant]]\nname = "a"\n[[variant]]\nname = "b"\n{compressor}{wrong}\n')
                key, value = wrong.split(" = ")
                self.assert_refused(self.experiment(), "[experiment] mine, variant b: [", key, value.strip('[]"').split("=")[0])
                self.assertFalse((self.directory / "out").exists())

    def test_more_than_one_rank(self):
        self.assert_refused(run("experiment", "--list", ranks=1), "run it without mpirun")


class List(Experiment):
    def test_shows_every_experiment(self):
        listed = run("experiment", "--list")
        self.assertEqual(listed.status, 0, listed.err)
        names = [line.split()[0] for line in listed.out.splitlines()]
        self.assertEqual(names, sorted(names))
        for name in ("adacomp-mnist", "scalecom-resnet", "controls"):
            self.assertIn(name, names)


if __name__ == "__main__":
    main()
