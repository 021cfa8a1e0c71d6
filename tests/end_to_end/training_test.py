"""`sterna train` as a user runs it: what it learns, and what it leaves in its log directory."""
import json

from support import TestCase, main, rows, run, write_idx_data

STEP_KEYS = """step epoch samples loss accuracy learning_rate step_seconds compute_seconds compress_seconds
exchange_seconds exposed_seconds wire_bytes_sent wire_bytes_received network_bytes_sent network_bytes_received value_bytes
index_bytes header_bytes padding_bytes forwarded_bytes control_bytes payload_bytes dense_bytes compression_rate
elements_sent buckets bandwidth_bytes_per_second""".split()


class Training(TestCase):
    def train(self, *arguments, ranks=None, name="logs"):
        logs = self.directory / name
        result = run("train", "--log-dir", logs, *arguments, ranks=ranks)
        self.assertEqual(result.status, 0, result.err)
        return logs

    def test_chooses_buckets_by_measurement_and_changes_no_bit(self):
        arguments = ("--model", "lenet", "--data", "synthetic", "--steps", 20, "--batch", 2, "--compressor", "scalecom")
        fixed = self.train(*arguments, "--bucket-bytes", 4 << 20, ranks=2, name="fixed")
        chosen = self.train(*arguments, ranks=2, name="chosen")
        self.assertEqual({row["buckets"] for row in rows(fixed / "steps.jsonl")}, {1})
        buckets = [row["buckets"] for row in rows(chosen / "steps.jsonl")]
        self.assertEqual(buckets[:7], [1] * 7)  # two steps to settle, five to watch
        self.assertEqual(len(set(buckets[7:14])), 1)  # another number: two to settle, five to watch
        self.assertEqual(len(set(buckets[14:])), 1)
        self.assertTrue(1 <= buckets[-1] <= 8)  # LeNet has eight parameter tensors
        hashes = [rows(logs / "epochs.jsonl")[-1]["parameter_hash"] for logs in (fixed, chosen)]
        self.assertEqual(*hashes)

    def test_says_what_buckets_it_chose(self):
        result = run("train", "--data", "synthetic", "--steps", 20, "--batch", 2, ranks=2)
        self.assertEqual(result.status, 0)
        self.assertRegex(result.err, r"(?m)^buckets: [1-8] of about .* MB of gradient, .* ms a step exposed")
        alone = run("train", "--data", "synthetic", "--steps", 20, "--batch", 2)
        self.assertNotIn("buckets:", alone.err)  # nobody to overlap with

    def test_chooses_how_layers_travel_and_does_so_again(self):
        arguments = ("--data", "synthetic", "--steps", 120, "--batch", 2, "--compressor", "auto", "--auto-compressor",
                     "adacomp")
        first = self.train(*arguments, ranks=2, name="first")
        choices = rows(first / "choices.jsonl")
        self.assertEqual([(row["step"], row["reason"]) for row in choices[:2]], [(0, "trial"), (7, "trial")])
        self.assertIn("chosen", [row["reason"] for row in choices])
        self.assertEqual(choices[0]["methods"].split(), "none none adacomp none adacomp none adacomp none".split())
        again = self.train(*arguments, "--auto-choices", first / "choices.jsonl", ranks=2, name="again")
        self.assertEqual([(row["step"], row["methods"]) for row in rows(again / "choices.jsonl")],
                         [(row["step"], row["methods"]) for row in choices])
        hashes = [rows(logs / "epochs.jsonl")[-1]["parameter_hash"] for logs in (first, again)]
        self.assertEqual(*hashes)

    def test_learns_images_from_files(self):
        write_idx_data(self.directory / "data", train=640, test=100)
        logs = self.train("--model", "lenet", "--data", "mnist", "--data-dir", self.directory / "data", "--epochs", 6,
                          "--batch", 16, "--lr", 0.01, "--compressor", "scalecom", "--rate", 10, ranks=2)
        epochs = rows(logs / "epochs.jsonl")
        self.assertEqual([row["epoch"] for row in epochs], [1, 2, 3, 4, 5, 6])
        self.assertEqual(epochs[-1]["test_accuracy"], 1.0)  # ten images, each with its bar elsewhere
        steps = rows(logs / "steps.jsonl")
        self.assertEqual(len(steps), 120)  # 640 samples, 2 learners of 16: 20 steps an epoch
        self.assertEqual(steps[-1]["samples"], 3840)
        self.assertLess(steps[-1]["loss"], steps[0]["loss"])

    def test_writes_every_key_of_the_contract(self):
        logs = self.train("--data", "synthetic", "--steps", 3, "--batch", 4, "--compressor", "adacomp", "--csv",
                          "--log-layers", 2, ranks=2)
        for row in rows(logs / "steps.jsonl"):
            self.assertEqual(list(row), STEP_KEYS)
            self.assertEqual(row["dense_bytes"], 4 * 582026)
            self.assertAlmostEqual(row["compression_rate"], row["dense_bytes"] / row["payload_bytes"])
            self.assertLessEqual(row["exposed_seconds"], row["exchange_seconds"])
            self.assertGreaterEqual(row["step_seconds"], row["compute_seconds"] + row["exposed_seconds"])
        settings = json.loads((logs / "run.json").read_text())
        self.assertEqual(settings["settings"]["learners"], 2)
        self.assertEqual(settings["ranks"], 2)
        self.assertEqual(len(settings["hosts"]), 2)
        self.assertEqual(sum(row["elements"] for row in settings["parameters"]), 582026)
        compressed = [row["name"] for row in settings["parameters"] if row["compressed"]]
        self.assertEqual(compressed, ["conv2.weight", "fc1.weight", "fc2.weight"])
        layers = rows(logs / "layers.jsonl")
        self.assertEqual(len(layers), 2 * 8)  # steps 0 and 2
        self.assertEqual({row["residue_norm"] > 0 for row in layers if row["layer"] == "fc1.weight"}, {True})
        self.assertEqual((logs / "steps.csv").read_text().splitlines()[0].split(","), STEP_KEYS)
        self.assertEqual(len((logs / "epochs.csv").read_text().splitlines()), 2)
        epoch = rows(logs / "epochs.jsonl")[-1]
        self.assertLessEqual(epoch["test_accuracy"], epoch["test_top5_accuracy"])
        self.assertLessEqual(epoch["test_top5_accuracy"], 1.0)
        self.assertNotIn("test_bits_per_symbol", epoch)  # images are no symbols

    def test_counts_the_bytes_of_a_dense_step(self):
        logs = self.train("--data", "synthetic", "--steps", 2, "--batch", 4, ranks=2)
        for row in rows(logs / "steps.jsonl"):
            # Two ranks: half of the values to the other's segment, half back; 24 bytes of each learner's score.
            self.assertEqual(row["wire_bytes_sent"], 4 * 582026 + 24)
            self.assertEqual(row["payload_bytes"], 4 * 582026)
            self.assertEqual((row["value_bytes"], row["control_bytes"]), (4 * 582026, 24))

    def test_says_of_each_byte_that_it_sends_what_it_is(self):
        for compressor in ("none", "fp16", "topk", "adacomp", "dryden", "ls", "randomk", "scalecom", "strom"):
            logs = self.train("--data", "synthetic", "--steps", 2, "--batch", 4, "--compressor", compressor, ranks=2,
                              name=compressor)
            for row in rows(logs / "steps.jsonl"):
                parts = [row[f"{part}_bytes"] for part in ("value", "index", "header", "padding", "control")]
                self.assertEqual(sum(parts), row["wire_bytes_sent"])
                self.assertEqual(row["control_bytes"], 24)

    def test_adds_up_what_each_rank_has_sent(self):
        logs = self.train("--data", "synthetic", "--steps", 4, "--eval-every", 2, "--batch", 4, "--compressor", "adacomp",
                          ranks=2)
        ranks = rows(logs / "ranks.jsonl")
        self.assertEqual([(row["step"], row["rank"]) for row in ranks], [(2, 0), (2, 1), (4, 0), (4, 1)])
        for first, second in zip(ranks[::2], ranks[1::2]):
            self.assertEqual(first["wire_bytes_sent"], second["wire_bytes_received"])
            self.assertEqual(first["wire_bytes_received"], second["wire_bytes_sent"])

    def test_repeats_itself_bit_for_bit(self):
        arguments = ("--data", "synthetic", "--steps", 5, "--batch", 4, "--compressor", "topk")
        first = rows(self.train(*arguments, name="a") / "epochs.jsonl")[-1]
        second = rows(self.train(*arguments, name="b") / "epochs.jsonl")[-1]
        other = rows(self.train(*arguments, "--seed", 2, name="c") / "epochs.jsonl")[-1]
        self.assertEqual(first["parameter_hash"], second["parameter_hash"])
        self.assertNotEqual(first["parameter_hash"], other["parameter_hash"])

    def test_travels_dense_until_compression_begins(self):
        write_idx_data(self.directory / "data", train=32)
        logs = self.train("--data", "mnist", "--data-dir", self.directory / "data", "--epochs", 3, "--batch", 8,
                          "--compressor", "scalecom", "--compress-after-epochs", 2)
        rates = [row["compression_rate"] for row in rows(logs / "steps.jsonl")]
        self.assertEqual(rates[:8], [1.0] * 8)  # 4 steps an epoch
        self.assertTrue(all(rate > 50 for rate in rates[8:]), rates)

    def test_evaluates_when_it_is_asked_to_and_at_the_end(self):
        logs = self.train("--data", "synthetic", "--steps", 5, "--batch", 4, "--eval-every", 2)
        self.assertEqual([row["step"] for row in rows(logs / "epochs.jsonl")], [2, 4, 5])

    def test_says_nothing_on_standard_output(self):
        result = run("train", "--data", "synthetic", "--steps", 1, "--batch", 2)
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"^epoch 0, step 1  train loss .* hash [0-9a-f]{16}\n$")

    def test_sums_in_any_order_too(self):
        logs = self.train("--data", "synthetic", "--steps", 2, "--batch", 4, "--learners", 6, "--sum-order", "any",
                          "--compressor", "scalecom", ranks=2)
        self.assertEqual(len(rows(logs / "steps.jsonl")), 2)


class Program(TestCase):
    def test_lists_what_it_has(self):
        listed = json.loads(run("list", "--json").out)
        names = {part: [item["name"] for item in items] for part, items in listed.items()}
        self.assertEqual(names["models"], sorted(names["models"]))
        self.assertLessEqual({"bn50-dnn", "gpt", "lenet", "resnet20"}, set(names["models"]))
        self.assertEqual(names["compressors"], ["adacomp", "bf16", "dryden", "fp16", "ls", "none",
                                                "randomk", "scalecom", "strom", "topk"])
        self.assertEqual(names["optimizers"], ["adam", "adamw", "sgd"])
        self.assertIn("10798959 parameters", run("list").out)

    def test_explains_each_flag(self):
        for command in (("train",), ("replay",), ("list",), ("bench", "codec"), ("bench", "step"),
                        ("bench", "collective")):
            result = run(*command, "--help")
            self.assertEqual(result.status, 0)
            self.assertIn(" ".join(("sterna", *command)), result.out)
        self.assertIn("--compress-after-epochs", run("train", "--help").out)

    def test_explains_itself_once_on_several_ranks(self):
        self.assertEqual(run("train", "--help", ranks=2).out.count("--compress-after-epochs"), 1)

    def test_benches_print_one_json_object(self):
        step = json.loads(run("bench", "step", "--model", "lenet", "--batch", 2, "--steps", 5, "--json").out)
        self.assertEqual(list(step), ["model", "batch", "parameters", "threads", "step_seconds", "forward_seconds",
                                      "backward_seconds", "gflops_per_second"])
        codec = json.loads(run("bench", "codec", "--compressor", "scalecom", "--elements", 10000, "--json").out)
        for key in ("encode_leader_ns_per_element", "encode_follower_ns_per_element", "encode_ns_per_element",
                    "decode_ns_per_element", "add_ns_per_element"):
            self.assertGreater(codec[key], 0)
        self.assertEqual(codec["payload_bytes"], 100 * 4 + (100 * 7 + 7) // 8)
        collective = json.loads(run("bench", "collective", "--bytes", 4000, "--json", ranks=2).out)
        self.assertEqual(collective["wire_bytes_sent"], 4000)  # 2 (P - 1) / P of the bytes
        self.assertEqual(collective["bytes"], 4000)


if __name__ == "__main__":
    main()
