"""`sterna train --timeline`: a file that a viewer of Chrome's trace events opens."""
import json
import struct

from support import STERNA, TestCase, main, rows, run, run_apart

SHORT = ("train", "--data", "synthetic", "--progress", "off")
LENET = (*SHORT, "--model", "lenet", "--batch", 4)
# conv1 and conv2, fc1 and fc2: two buckets, of which the first is exchanged while backward goes on.
TWO_BUCKETS = (*LENET, "--compressor", "scalecom", "--bucket-bytes", 500000)
LAYERS = ["fc2", "fc1", "Flatten", "Relu", "MaxPool", "conv2", "Relu", "MaxPool", "conv1"]
TRAINING, EXCHANGE = 0, 1


def nanoseconds(microseconds):
    return round(microseconds * 1000)


class Span:
    def __init__(self, event):
        self.name = event["name"]
        self.row = (event["pid"], event["tid"])
        self.arguments = event["args"]
        self.step = self.arguments["step"]
        self.begin = nanoseconds(event["ts"])
        self.end = self.begin + nanoseconds(event["dur"])

    def holds(self, other):
        return self.begin <= other.begin and other.end <= self.end


class File:
    def __init__(self, path):
        self.json = json.loads(path.read_text())
        events = self.json["traceEvents"]
        self.spans = [Span(event) for event in events if event["ph"] == "X"]
        self.names = {(e["pid"], e["tid"], e["name"]): e["args"].get("name") for e in events if e["ph"] == "M"}

    def of(self, rank, thread, name=None, step=None):
        found = [s for s in self.spans if s.row == (rank, thread) and name in (None, s.name) and step in (None, s.step)]
        return sorted(found, key=lambda span: span.begin)


class Timeline(TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.directory / "timeline.json"

    def train(self, *arguments, ranks=None):
        result = run(*arguments, "--timeline", self.path, ranks=ranks)
        self.assertEqual(result.status, 0, result.err)
        self.assertEqual(list(self.directory.glob("*.part")), [])
        return File(self.path)

    def one(self, spans):
        self.assertEqual(len(spans), 1)
        return spans[0]

    def test_has_the_threads_of_every_rank(self):
        file = self.train(*TWO_BUCKETS, "--steps", 3, ranks=2)
        self.assertEqual({span.row for span in file.spans}, {(0, 0), (0, 1), (1, 0), (1, 1)})
        for rank in (0, 1):
            self.assertRegex(file.names[rank, TRAINING, "process_name"], rf"^rank {rank} \(.+\)$")
            self.assertEqual(file.names[rank, TRAINING, "thread_name"], "training")
            self.assertEqual(file.names[rank, EXCHANGE, "thread_name"], "exchange")
            for name in ("step", "batch", "forward", "backward", "finish exchange", "optimizer", "losses"):
                self.assertEqual([span.step for span in file.of(rank, TRAINING, name)], [0, 1, 2], name)
            self.assertEqual([span.step for span in file.of(rank, TRAINING, "evaluation")], [3])
            said = file.json["otherData"]["ranks"][rank]
            self.assertEqual(said["spans"], sum(span.row[0] == rank for span in file.spans))
            self.assertEqual(said["dropped_spans"], 0)

    def test_nests_layers_in_backward_and_all_in_the_step(self):
        file = self.train(*TWO_BUCKETS, "--steps", 2, "--learners", 4, ranks=2)
        for rank in (0, 1):
            step = self.one(file.of(rank, TRAINING, "step", step=1))
            passes = file.of(rank, TRAINING, "backward", step=1)
            self.assertEqual([span.arguments["learner"] for span in passes], [2 * rank, 2 * rank + 1])
            for backward in passes:
                layers = [s for s in file.of(rank, TRAINING, step=1) if backward.holds(s) and s is not backward]
                self.assertEqual([span.name for span in layers], LAYERS)
                for before, after in zip(layers, layers[1:]):
                    self.assertLessEqual(before.end, after.begin)
            for span in file.of(rank, TRAINING, step=1):
                self.assertTrue(step.holds(span), span.name)

    def test_shows_the_exchange_on_its_thread_while_backward_goes_on(self):
        file = self.train(*TWO_BUCKETS, "--steps", 8, ranks=2)
        beside = 0
        for rank in (0, 1):
            for step in range(8):
                exchanges = file.of(rank, EXCHANGE, "exchange", step)
                self.assertEqual([span.arguments["bucket"] for span in exchanges], [0, 1])
                self.assertEqual([span.arguments["first_parameter"] for span in exchanges], ["fc2.bias", "conv2.bias"])
                self.assertEqual([span.arguments["parameters"] for span in exchanges], [4, 4])
                self.assertTrue(all(span.arguments["bytes_sent"] > 0 for span in exchanges))
                parts = [span for span in file.of(rank, EXCHANGE, step=step) if span.name != "exchange"]
                self.assertEqual({span.name for span in parts}, {"check", "encode", "transfer", "decode"})
                for part in parts:
                    self.assertEqual(sum(exchange.holds(part) for exchange in exchanges), 1)
                backward = self.one(file.of(rank, TRAINING, "backward", step))
                beside += exchanges[0].begin < backward.end
        # The thread has to get a core before backward ends, which a busy machine may deny it now and then.
        self.assertGreater(beside, 0)

    def test_shows_the_exchange_on_the_training_thread_where_it_has_none(self):
        for arguments, ranks in ((("--overlap", "off"), 2), ((), None)):
            file = self.train(*TWO_BUCKETS, "--steps", 2, "--overwrite", *arguments, ranks=ranks)
            self.assertEqual(file.of(0, EXCHANGE), [])
            finish = self.one(file.of(0, TRAINING, "finish exchange", step=1))
            exchanges = file.of(0, TRAINING, "exchange", step=1)
            self.assertEqual(len(exchanges), 2)
            self.assertTrue(all(finish.holds(span) for span in exchanges))

    def test_aligns_the_clocks_of_the_ranks(self):
        """Two ranks on one machine read one clock: what is estimated is off by no more than is said."""
        file = self.train(*TWO_BUCKETS, "--steps", 20, ranks=2)
        first, second = file.json["otherData"]["ranks"]
        bounds = []
        for when in ("start", "end"):
            self.assertEqual((first[f"clock_offset_at_{when}_us"], first[f"clock_error_bound_at_{when}_us"]), (0, 0))
            bounds.append(second[f"clock_error_bound_at_{when}_us"])
            self.assertLessEqual(abs(second[f"clock_offset_at_{when}_us"]), bounds[-1])
        # No rank has the losses of both before the other has sent its own, after its optimizer.
        slack = nanoseconds(max(bounds))
        for step in range(20):
            begins = [self.one(file.of(rank, TRAINING, "losses", step)).begin for rank in (0, 1)]
            ends = [self.one(file.of(rank, TRAINING, "losses", step)).end for rank in (0, 1)]
            self.assertLessEqual(max(begins), min(ends) + slack)

    def test_names_layers_after_their_parameters(self):
        file = self.train(*SHORT, "--model", "resnet20", "--model-arg", "depth=8", "--model-arg", "width=8", "--batch", 2,
                          "--steps", 1)
        backward = self.one(file.of(0, TRAINING, "backward"))
        within = [span for span in file.of(0, TRAINING) if backward.holds(span) and span is not backward]
        block = self.one([span for span in within if span.name == "blocks.1"])
        self.assertEqual([span.name for span in within if block.holds(span) and span is not block],
                         [f"blocks.1.{name}" for name in ("shortcut.1", "shortcut.0", "conv2", "bn1", "conv1")])
        outside = [span.name for span in within if not span.name.startswith("blocks.")]
        self.assertEqual(outside, ["fc", "AveragePool", "bn", "stem"])

    def test_changes_no_bit(self):
        hashes = []
        for timeline in ((), ("--timeline", self.path)):
            logs = self.directory / f"logs{len(hashes)}"
            result = run(*LENET, "--steps", 20, "--compressor", "adacomp", "--log-dir", logs, *timeline, ranks=2)
            self.assertEqual(result.status, 0, result.err)
            hashes.append(rows(logs / "epochs.jsonl")[-1]["parameter_hash"])
        self.assertEqual(*hashes)
        # Another number of buckets was tried on the way, with another thread: the row goes on.
        self.assertEqual({span.step for span in File(self.path).of(1, EXCHANGE, "exchange")}, set(range(20)))


class Place(TestCase):
    def test_is_needed_before_training(self):
        logs = self.directory / "logs"
        for place, part in ((self.directory / "none" / "t.json", "No such file"), (self.directory, "is a directory")):
            for ranks in (None, 2):
                with self.subTest(place=place, ranks=ranks):
                    result = run(*LENET, "--steps", 1000000, "--log-dir", logs, "--timeline", place, ranks=ranks, timeout=60)
                    self.assert_refused(result, str(place), part)
                    self.assertFalse(logs.exists())

    def test_that_is_taken_is_left_alone(self):
        path = self.directory / "t.json"
        path.write_text("earlier")
        self.assert_refused(run(*LENET, "--steps", 1, "--timeline", path), f"timeline = {path}", "--overwrite")
        self.assertEqual(path.read_text(), "earlier")
        self.assertEqual(run(*LENET, "--steps", 1, "--timeline", path, "--overwrite").status, 0)
        self.assertTrue(File(path).spans)

    def test_is_given_on_every_rank_or_none(self):
        with_file = (*LENET, "--steps", 1, "--timeline", self.directory / "t.json")
        self.assert_refused(run_apart((STERNA, with_file), (STERNA, (*LENET, "--steps", 1))), "timeline is given")
        self.assertEqual(list(self.directory.iterdir()), [])


class Divergence(TestCase):
    def setUp(self):
        super().setUp()
        self.path = self.directory / "t.json"

    def test_of_a_gradient_on_the_only_rank_leaves_a_timeline(self):
        result = run(*LENET, "--steps", 200, "--lr", 1e5, "--timeline", self.path)
        self.assertEqual(result.status, 3, result.err)
        file = File(self.path)
        last = max(span.step for span in file.spans)
        self.assertIn(f"step {last}, layer", result.err)
        self.assertEqual(len(file.of(0, TRAINING, "step", last)), 1)  # what was under way is there too

    def test_of_a_gradient_among_several_ranks_leaves_none(self):
        result = run(*LENET, "--steps", 200, "--lr", 1e5, "--timeline", self.path, ranks=2)
        self.assertEqual(result.status, 3, result.err)
        self.assertFalse(self.path.exists())

    def test_of_the_loss_leaves_all_ranks_timeline(self):
        """The logit of class 0 is -inf: so is the loss of its samples, while every gradient is finite."""
        weights = self.directory / "w"
        self.assertEqual(run(*LENET, "--steps", 1, "--save-weights", weights).status, 0)
        data = bytearray(weights.read_bytes())
        header_bytes, = struct.unpack("<Q", data[:8])
        begin = json.loads(data[8:8 + header_bytes])["fc2.bias"]["data_offsets"][0]
        struct.pack_into("<f", data, 8 + header_bytes + begin, float("-inf"))
        weights.write_bytes(data)
        result = run(*SHORT, "--model", "lenet", "--batch", 64, "--steps", 5, "--init-weights", weights, "--timeline",
                     self.path, ranks=2)
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("the loss is inf", result.err)
        file = File(self.path)
        for rank in (0, 1):
            self.assertEqual(len(file.of(rank, TRAINING, "step", 0)), 1)


if __name__ == "__main__":
    main()
