"""`sterna report`: pages of runs that trained a few steps, and of experiments made by hand."""
import html.parser
import json
import re

from support import TestCase, main, run

TRAIN = ("train", "--model", "lenet", "--data", "synthetic", "--batch", 2, "--steps", 6, "--lr", 0.001, "--progress", "off",
         "--log-layers", 1)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(html.parser.HTMLParser):
    """Reads a page, and holds it to what every page must be: each tag closed, nothing fetched from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.problems, self.tags, self.words, self.ids, self.links = [], [], [], [], set(), set()
        self.feed(text)
        self.close()
        self.text = " ".join(" ".join(self.words).split())
        if self.open:
            self.problems.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "data", "action") and not value.startswith("#"):
                self.problems.append(f"{tag} {name}={value}")
            if name == "id":
                if value in self.ids:
                    self.problems.append(f"id {value} twice")
                self.ids.add(value)
            if name == "href":
                self.links.add(value[1:])
        if tag in ("script", "iframe", "object"):
            self.problems.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"/{tag} at {self.getpos()}")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.problems += re.findall(r"@import|url\(.*", data)
        else:
            self.words.append(data)

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)

    def titles_of_charts(self):
        return [attributes["aria-label"] for tag, attributes in self.tags if tag == "svg"]


class Report(TestCase):
    def train(self, name, compressor, *flags):
        logs = self.directory / name
        result = run(*TRAIN, "--compressor", compressor, "--log-dir", logs, *flags, ranks=2)
        self.assertEqual(result.status, 0, result.err)
        return logs

    def page(self, *arguments):
        result = run("report", *arguments)
        self.assertEqual(result.status, 0, result.err)
        path = result.out.split(": ")[0]
        with open(path, encoding="utf-8") as file:
            text = file.read()
        page = Page(text)
        self.assertEqual(page.problems, [])
        self.assertLessEqual(page.links, page.ids)
        self.assertNotRegex(text, r"\bnan\b|\binf\b")
        return page

    def markdown(self, directory):
        result = run("report", directory, "--markdown")
        self.assertEqual(result.status, 0, result.err)
        self.assertFalse((directory / "report.html").exists())
        return result.out

    def experiment(self, name, *, expected="equivalent", verdict="equivalent", low=-0.001, high=0.0004, runs=()):
        """A result.json of two variants, two seeds each; `runs` are logs that seed 1 of each has, as (variant, path)."""
        variants = []
        for variant, mean, size in (("dense", 0.9908, 20000), ("adacomp", 0.9905, 250)):
            seeds = [{"seed": seed, "directory": f"{variant}/seed-{seed}", "status": "done", "value": mean, "steps": 6,
                      "payload_bytes": size, "compression_rate": 20000 / size, "wire_bytes_sent": 6 * size, "seconds": 2.5}
                     for seed in (1, 2)]
            variants.append({"name": variant, "settings": {"compressor": variant}, "runs": seeds, "mean": mean,
                             "low": mean - 0.0007, "high": mean + 0.0007, "payload_bytes": size,
                             "compression_rate": 20000 / size})
        comparison = {"variant": "adacomp", "baseline": "dense", "expected": expected, "margin": 0.005,
                      "is_margin_relative": False, "pairs": 2, "difference": (low + high) / 2, "low": low, "high": high,
                      "verdict": verdict}
        if expected != "open":
            comparison["holds"] = expected == verdict
        result = {"experiment": name, "title": f"The experiment {name} <&>", "claim": "a claim", "source": "a source",
                  "size": "quick", "measure": "test_accuracy", "higher_is_better": True, "settings": {"model": "lenet"},
                  "machine": {"processor": "a processor", "cores": 2}, "seconds": 10, "variants": variants,
                  "comparisons": [comparison]}
        folder = self.directory / "results" / name
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(result))
        for variant, logs in runs:
            (folder / variant).mkdir()
            logs.rename(folder / variant / "seed-1")
        return folder


class Runs(Report):
    def test_a_page_shows_a_run(self):
        page = self.page(self.train("adacomp run", "adacomp"))
        self.assertIn("Results in adacomp run", page.text)
        for title in ("loss", "accuracy", "Time of a step", "Bytes of a step, by what they are",
                      "Payload bytes of a step, by layer", "Elements sent in a bin", "Norms by layer"):
            self.assertIn(title, page.titles_of_charts())
        for words in ("conv1.weight", "fc1.weight", "all layers", "test_accuracy", "2 on 2", "a median of its own, after the first tenth"):
            self.assertIn(words, page.text)
        self.assertEqual(page.count("svg"), page.count("figure"))
        self.assertEqual(page.count("caption"), page.count("table"))

    def test_tables_agree_with_the_logs(self):
        logs = self.train("topk", "topk", "--rate", 10)
        table = self.markdown(logs)
        steps = [json.loads(line) for line in (logs / "steps.jsonl").read_text().splitlines()]
        sent = steps[-1]["payload_bytes"]  # topk sends as much in each step
        self.assertEqual({step["payload_bytes"] for step in steps}, {sent})
        self.assertRegex(table, rf"\| all layers \|  \| [\d,]+ \| [\d,]+ \| {sent:,} \| ")
        self.assertNotIn("<svg", table)

    def test_runs_of_one_model_stand_side_by_side(self):
        for name, compressor in (("dense", "none"), ("ten", "topk")):
            self.train(name, compressor, "--rate", 10)
        page = self.page(self.directory, "--out", self.directory / "page.html")
        self.assertIn("lenet on synthetic, side by side", page.text)
        self.assertIn("test accuracy against bytes", page.titles_of_charts())
        table = self.markdown(self.directory)
        self.assertRegex(table, r"\| dense \| 0\.\d+ \|  \| 1\.00 \| [\d,]+ \| compressor none \|")
        self.assertRegex(table, r"\| ten \| 0\.\d+ \|  \| [\d.]+ \| [\d,]+ \| compressor topk \|")

    def test_out_and_markdown_together(self):
        logs = self.train("none", "none")
        out = self.directory / "page.html"
        result = run("report", logs, "--markdown", "--out", out)
        self.assertEqual(result.status, 0, result.err)
        self.assertTrue(result.out.startswith("# Results in none\n"))
        self.assertEqual(Page(out.read_text()).problems, [])
        self.assertFalse((logs / "report.html").exists())

    def test_a_run_under_way_is_shown_as_far_as_it_is(self):
        logs = self.train("none", "none")
        steps = logs / "steps.jsonl"
        steps.write_text(steps.read_text()[:-20])
        (logs / "epochs.jsonl").write_text("")
        page = self.page(logs)
        self.assertIn("The last line of steps.jsonl is not complete and was passed over", page.text)
        self.assertRegex(page.text, r"steps done 5 ")


class Experiments(Report):
    def test_each_verdict_in_words(self):
        for name, expected, verdict, low, high, words in (
                ("a", "equivalent", "equivalent", -0.001, 0.0004, "Held: adacomp is equivalent to dense, as expected."),
                ("b", "equivalent", "worse", -0.02, -0.01, "Did not hold: adacomp was expected to be equivalent to dense, and is worse."),
                ("c", "equivalent", "undecided", -0.02, 0.01, "Not settled: adacomp was expected to be equivalent to dense; these runs do not decide it."),
                ("d", "open", "better", 0.01, 0.02, "Nothing was expected: adacomp is better than dense."),
                ("e", "worse", "worse", -0.02, -0.01, "Held: adacomp is worse than dense, as expected.")):
            folder = self.experiment(name, expected=expected, verdict=verdict, low=low, high=high)
            page = self.page(folder)
            self.assertIn(words, page.text)
            self.assertIn(f"The experiment {name} <&>", page.text)  # escaped, and read back
            self.assertIn("test accuracy against bytes", page.titles_of_charts())
        page = self.page(self.directory / "results")
        self.assertIn("held: 2, did not hold: 1, not settled: 1, nothing expected: 1.", page.text)
        classes = [attributes.get("class", "") for tag, attributes in page.tags if tag == "div"]
        for outcome, times in (("holds", 2), ("fails", 1), ("undecided", 1), ("open", 1)):
            self.assertEqual(classes.count(f"verdict {outcome}"), times)
        self.assertEqual(page.count("h2"), 5)

    def test_logs_of_its_runs_are_folded_in(self):
        logs = [(variant, self.train(variant, compressor)) for variant, compressor in (("dense", "none"), ("adacomp", "adacomp"))]
        folder = self.experiment("x", runs=logs)
        page = self.page(folder)
        self.assertEqual(page.count("details"), 2)
        self.assertEqual(page.count("summary"), 2)
        self.assertIn("adacomp, seed 1", page.text)
        self.assertIn("The logs of 2 runs are not there", page.text)
        self.assertIn("Training loss", page.titles_of_charts())
        self.assertIn("test accuracy", page.titles_of_charts())
        self.assertLess((folder / "report.html").stat().st_size, 1 << 20)

    def test_markdown_has_verdicts_and_tables(self):
        folder = self.experiment("x")
        text = self.markdown(folder)
        self.assertIn("- **Held: adacomp is equivalent to dense, as expected.** ", text)
        self.assertIn("| adacomp | 2 of 2 | 0.9905 | 0.9898 to 0.9912 | 80.0 | 250 | 2.50 | --compressor adacomp |", text)


class BadInput(Report):
    def test_directories_without_results(self):
        self.assert_refused(run("report"), "[report] directory: must be given")
        self.assert_refused(run("report", self.directory / "nowhere"), "nowhere: must be a directory with results")
        self.assert_refused(run("report", self.directory), "holds neither a result.json nor a run.json", "--log-dir")

    def test_files_that_are_something_else(self):
        logs = self.train("none", "none")
        text = (logs / "steps.jsonl").read_text()
        (logs / "steps.jsonl").write_text("{}\n[1, \n" + text)
        self.assert_refused(run("report", logs), f"{logs}/steps.jsonl, line 2: is not what `sterna train` writes")
        self.assertFalse((logs / "report.html").exists())
        folder = self.experiment("x")
        (folder / "result.json").write_text('{\n"title": 1,\n')
        self.assert_refused(run("report", folder), f"{folder}/result.json: is not what `sterna experiment` writes", "line 3")

    def test_a_page_over_what_is_read(self):
        result = self.experiment("x") / "result.json"
        before = result.read_bytes()
        self.assert_refused(run("report", self.directory / "results", "--out", result), "out = ", "ends in .html")
        self.assertEqual(result.read_bytes(), before)

    def test_a_page_that_cannot_be_written(self):
        self.experiment("x")
        self.assert_refused(run("report", self.directory / "results", "--out", self.directory / "no" / "page.html"), "page.html")

    def test_more_than_one_rank(self):
        self.assert_refused(run("report", self.directory, ranks=2), "run it without mpirun")


if __name__ == "__main__":
    main()
