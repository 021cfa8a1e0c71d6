"""`sterna project`: from a run that trained a few steps to other numbers of ranks and other links."""
import json
import re
import shutil
import xml.etree.ElementTree

from support import TestCase, main, run

TRAIN = ("train", "--model", "lenet", "--data", "synthetic", "--batch", 2, "--steps", 6, "--lr", 0.001, "--progress", "off")


class Project(TestCase):
    def setUp(self):
        super().setUp()
        self.runs = {}

    def train(self, compressor, *flags, ranks=2):
        logs = self.directory / f"{compressor}-{ranks}-{len(self.runs)}"
        result = run(*TRAIN, "--compressor", compressor, "--log-dir", logs, *flags, ranks=ranks)
        self.assertEqual(result.status, 0, result.err)
        self.runs[logs.name] = logs
        return logs

    def rows(self, *arguments):
        result = run("project", "--json", *arguments)
        self.assertEqual(result.status, 0, result.err)
        return [json.loads(line) for line in result.out.splitlines()]


class Bytes(Project):
    def test_are_those_that_runs_of_other_sizes_sent(self):
        """From two ranks to four: the model of what is sent against what was counted, rank by rank its mean.

        Dense bytes are exact but for rank 0's segments, which may be one value shorter than the mean: 4 bytes, 3 out and 3
        back, of 1.75 MB: 1.4e-5. topk sends as many elements in any run; ScaleCom leaves out chunks of zeros, of which a few
        steps have some; what AdaComp sends depends on the gradients, and gets a wide limit."""
        limits = {"none": 1.4e-5, "fp16": 1.4e-5, "topk": 0.001, "scalecom": 0.05, "adacomp": 0.4}
        for compressor, limit in limits.items():
            with self.subTest(compressor=compressor):
                flags = ("--bucket-bytes", 1 << 30, "--overlap", "off")
                logs = self.train(compressor, *flags)
                row = self.of(compressor, self.rows("--run", logs, "--ranks", 4, "--bandwidth", "1gbit"))
                sent = self.mean_bytes_sent(self.train(compressor, *flags, ranks=4))
                self.assertLess(abs(row["wire_bytes_sent"] / sent - 1), limit, (row["wire_bytes_sent"], sent))

    def test_of_the_sparse_sum(self):
        # What owners select depends on how learners' choices overlap: at most what one learner sends is taken for it.
        flags = ("--bucket-bytes", 1 << 30, "--overlap", "off", "--gather", "sparse-sum")
        row = self.of("topk", self.rows("--run", self.train("topk", *flags), "--ranks", 4, "--bandwidth", "1gbit"))
        sent = self.mean_bytes_sent(self.train("topk", *flags, ranks=4))
        self.assertLess(abs(row["wire_bytes_sent"] / sent - 1), 0.05, (row["wire_bytes_sent"], sent))

    @staticmethod
    def of(compressor, rows):
        return next(row for row in rows if row["compressor"] == compressor)

    @staticmethod
    def mean_bytes_sent(logs):
        """Of a rank in a settled step: of four steps, in which each of four learners leads once. rank 0's, and every
        other's but for the leader's indices, are alike; so are those, over four steps."""
        rows = [json.loads(line) for line in (logs / "steps.jsonl").read_text().splitlines()][-4:]
        return sum(row["wire_bytes_sent"] for row in rows) / len(rows)


class Output(Project):
    def test_has_every_method_link_and_number_of_ranks(self):
        dense, topk = self.train("none"), self.train("topk")
        rows = self.rows("--run", dense, "--run", topk, "--compressor", "fp16,topk,scalecom", "--rate", 50, "--ranks",
                         "1,2..8", "--bandwidth", "100mbit,10gbit", "--latency", "5us,50us")
        names = ["none", "topk", "fp16", "scalecom, 1 of 50"]
        self.assertEqual([row["name"] for row in rows], names * 16)
        self.assertEqual([row["source"] for row in rows[:4]], ["measured", "measured", "closed form", "closed form"])
        self.assertEqual([row["ranks"] for row in rows[::4]], [1, 2, 4, 8] * 4)
        self.assertEqual([row["latency_seconds"] for row in rows[::16]], [5e-6, 50e-6] * 2)
        self.assertEqual({row["bandwidth_bits_per_second"] for row in rows}, {1e8, 1e10})
        for row in rows:
            self.assertEqual(row["model"], "lenet")
            self.assertGreater(row["step_seconds"], row["compute_seconds"])
            self.assertLessEqual(row["exposed_seconds"], row["exchange_seconds"])
            self.assertLessEqual(row["scaling_efficiency"], 1)
            if row["compressor"] == "none":
                self.assertEqual(row["speedup_over_dense"], 1)
            if row["ranks"] == 1:
                self.assertEqual((row["wire_bytes_sent"], row["exchange_seconds"]), (0, 0))
        for first in range(0, len(rows), 4):
            fastest = min(rows[first:first + 4], key=lambda row: row["step_seconds"])
            self.assertEqual([row["name"] for row in rows[first:first + 4] if row["is_fastest"]], [fastest["name"]])

    def test_is_a_table_with_its_assumptions(self):
        result = run("project", "--run", self.train("scalecom"), "--ranks", "2,64", "--bandwidth", "10gbit")
        self.assertEqual(result.status, 0, result.err)
        self.assertIn("\n10 Gbit/s, 50 us\n", result.out)
        self.assertIn("assumed: ", result.out)
        self.assertRegex(result.out, r"\n +64  none +[\d.]+ ms")
        self.assertEqual(len(re.findall(r"  fastest\n", result.out)), 2)

    def test_takes_the_link_of_the_runs_where_none_is_named(self):
        runs = self.train("none"), self.train("scalecom")
        rows = self.rows("--run", runs[0], "--run", runs[1], "--ranks", 2)
        self.assertEqual(len({row["latency_seconds"] for row in rows}), 1)
        text = run("project", "--run", runs[0], "--run", runs[1], "--ranks", 2).out
        self.assertIn("(as the runs had it)", text)
        self.assertIn("the runs' ranks shared one host", text)

    def test_scales_computing(self):
        logs = self.train("none")
        common = ("--run", logs, "--ranks", 1, "--bandwidth", "1gbit")
        self.assertEqual(self.rows(*common, "--compute-seconds", 2)[0]["compute_seconds"], 2)
        self.assertEqual(self.rows(*common, "--compute-seconds", 2, "--compute-scale", 0.25)[0]["compute_seconds"], 0.5)

    def test_plots(self):
        plot = self.directory / "plot.svg"
        logs = self.train("none")
        for value in ("step", "speedup", "efficiency", "exposed", "bytes"):
            with self.subTest(value=value):
                self.rows("--run", logs, "--ranks", "1..8", "--bandwidth", "1gbit,10gbit", "--compressor", "scalecom",
                          "--plot", plot, "--plot-value", value)
                root = xml.etree.ElementTree.parse(plot).getroot()
                self.assertEqual(len(root.findall(".//{http://www.w3.org/2000/svg}polyline")), 4)
                self.assertNotIn("nan", plot.read_text())

    def test_reads_what_auto_chose(self):
        logs = self.train("auto", "--steps", 40)
        self.assertEqual([row["name"] for row in self.rows("--run", logs, "--ranks", 2, "--bandwidth", "1gbit")],
                         ["none", "auto"])

    def test_shows_the_model_of_scalecoms_table(self):
        result = run("project", "--paper", "--json")
        rows = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([round(row["calibrated_speedup"], 2) for row in rows], [2.0, 1.25, 4.0, 1.75])
        self.assertIn("secondary source", run("project", "--paper").out)


class BadInput(Project):
    def refused(self, *arguments, parts):
        plot = self.directory / "plot.svg"
        self.assert_refused(run("project", "--plot", plot, *arguments), *parts)
        self.assertFalse(plot.exists())

    def test_runs_that_are_none(self):
        self.refused(parts=["[project] run: must be given"])
        self.refused("--run", self.directory / "nowhere", parts=["cannot read run.json", "--log-dir"])
        logs = self.train("none", ranks=None)
        self.refused("--run", logs, parts=["bandwidth: must be given"])
        steps = logs / "steps.jsonl"
        text = steps.read_text()
        steps.write_text(text[:-20])
        self.refused("--run", logs, "--bandwidth", "1gbit", parts=[f"{steps}, line 6: "])
        steps.write_text("")
        self.refused("--run", logs, "--bandwidth", "1gbit", parts=["holds no step"])
        steps.write_text(text)
        shutil.copy(steps, logs / "run.json")
        self.refused("--run", logs, "--bandwidth", "1gbit", parts=["run.json: is not what"])

    def test_runs_that_do_not_go_together(self):
        first, second = self.train("none"), self.train("topk", "--learners", 4)
        self.refused("--run", first, "--run", second, parts=["as many learners a rank"])

    def test_values(self):
        logs = self.train("none", ranks=None)
        for flag, value in (("ranks", "8..2"), ("ranks", "0"), ("ranks", "2,,4"), ("bandwidth", "fast"), ("latency", "50"),
                            ("message-cost", "-1us"), ("burst", "1"), ("rate", "0.5"), ("wire-efficiency", "2"), ("compute-scale", "-1"),
                            ("compressor", "gzip"), ("overlap", "maybe"), ("plot-value", "price"), ("buckets", "-1")):
            with self.subTest(flag=flag, value=value):
                others = [] if flag == "bandwidth" else ["--bandwidth", "1gbit"]
                self.refused("--run", logs, *others, f"--{flag}={value}", parts=[flag, value])

    def test_a_plot_that_cannot_be_written(self):
        logs = self.train("none", ranks=None)
        self.assert_refused(run("project", "--run", logs, "--bandwidth", "1gbit", "--plot", self.directory / "no" / "p.svg"),
                            "p.svg")

    def test_more_than_one_rank(self):
        self.assert_refused(run("project", "--paper", ranks=2), "run it without mpirun")


if __name__ == "__main__":
    main()
