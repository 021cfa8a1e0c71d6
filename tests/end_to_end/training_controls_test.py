"""Controls of `sterna train`: flags that take something away from a method, and rates of single layers."""
import json

from support import TestCase, main, rows, run

TRAIN = ("train", "--data", "synthetic", "--learners", 2, "--batch", 2, "--lr", 0.01, "--progress", "off")


class Controls(TestCase):
    def logs_of(self, name, *arguments):
        logs = self.directory / name
        result = run(*TRAIN, "--steps", 6, "--log-layers", 1, "--log-dir", logs, *arguments)
        self.assertEqual(result.status, 0, result.err)
        return logs

    def test_without_error_feedback_nothing_is_held_back(self):
        for compressor in ("topk", "adacomp", "scalecom"):
            with self.subTest(compressor=compressor):
                on = self.logs_of(f"{compressor}-on", "--compressor", compressor)
                off = self.logs_of(f"{compressor}-off", "--compressor", compressor, "--error-feedback", "off")
                compressed = {"conv2.weight", "fc1.weight", "fc2.weight"}
                for logs, is_held in ((on, True), (off, False)):
                    for row in rows(logs / "layers.jsonl"):
                        self.assertEqual(row["residue_norm"] > 0, is_held and row["layer"] in compressed, row)

    def test_residues_are_dropped_before_one_step(self):
        kept = self.logs_of("kept", "--compressor", "topk")
        dropped = self.logs_of("dropped", "--compressor", "topk", "--drop-residues-at", 4)
        losses = [[row["loss"] for row in rows(logs / "steps.jsonl")] for logs in (kept, dropped)]
        self.assertEqual(losses[0][:5], losses[1][:5])  # of step 4 too: the loss comes before the exchange
        self.assertNotEqual(losses[0][5], losses[1][5])
        # With nothing held back before, a residue is a part of the one gradient since.
        for row in rows(dropped / "layers.jsonl"):
            if row["step"] in (0, 4):
                self.assertLessEqual(row["residue_norm"], row["gradient_norm"], row)

    def test_each_layer_has_its_rate_in_the_log_and_on_the_wire(self):
        logs = self.logs_of("rates", "--compressor", "randomk", "--layer-rates", "conv=64,fc1=512", "--rate", 40)
        parameters = json.loads((logs / "run.json").read_text())["parameters"]
        self.assertEqual({row["name"]: row.get("rate") for row in parameters if row["compressed"]},
                         {"conv2.weight": 64, "fc1.weight": 512, "fc2.weight": 40})
        self.assertFalse([row for row in parameters if "rate" in row and not row["compressed"]])
        # 32 x 64 x 5 x 5, 1024 x 512 and 512 x 10 weights; what is drawn is sent, also a zero.
        sent = {row["layer"]: row["elements_sent"] for row in rows(logs / "layers.jsonl")}
        self.assertEqual([sent[f"{name}.weight"] for name in ("conv2", "fc1", "fc2")], [800, 1024, 128])

    def test_rates_are_shown(self):
        shown = run(*TRAIN[:-2], "--steps", 1, "--compressor", "topk", "--layer-rates", "flops").err
        self.assertRegex(shown, "(?m)^rates: conv2.weight 400, fc1.weight 400, fc2.weight 400$")

    def test_they_go_with_auto(self):
        """Its choices made again: dense at first, then through the compressor that is controlled."""
        plan = self.directory / "choices.jsonl"
        words = "none none {0} none {0} none {0} none"
        plan.write_text("".join(json.dumps({"step": step, "methods": words.format(method)}) + "\n"
                                for step, method in ((0, "none"), (2, "scalecom"))))
        auto = ("--compressor", "auto", "--auto-choices", plan)
        hashes = set()
        for i, control in enumerate(((), ("--leader", "first"), ("--error-feedback", "off"),
                                     ("--drop-residues-at", 4), ("--layer-rates", "flops"))):
            logs = self.logs_of(f"auto-{i}", *auto, *control)
            hashes.add(rows(logs / "epochs.jsonl")[-1]["parameter_hash"])
        self.assertEqual(len(hashes), 5)

    def test_what_does_not_go_together(self):
        for compressor, flag, value, said in (
                ("topk", "--leader", "first", "leader = first with compressor = topk: must be rotate"),
                ("fp16", "--error-feedback", "off", "error-feedback = off with compressor = fp16: must be on"),
                ("none", "--drop-residues-at", 1, "drop-residues-at = 1 with compressor = none: must be 0"),
                ("topk", "--drop-residues-at", 2, "drop-residues-at = 2: must be below the run's 2 steps"),
                ("adacomp", "--layer-rates", "flops", "layer-rates = flops with compressor = adacomp: must be none"),
                ("topk", "--layer-rates", "nonesuch=5", '"nonesuch" is found in the name of no compressed layer'),
                ("topk", "--layer-rates", "fc=0", "rate 0 is not in [1, 65536]"),
                ("scalecom", "--leader", "last", 'leader = "last": must be rotate or first'),
                ("topk", "--error-feedback", "maybe", 'error-feedback = "maybe": must be on or off')):
            with self.subTest(compressor=compressor, flag=flag, value=value):
                self.assert_refused(run(*TRAIN, "--steps", 2, "--compressor", compressor, flag, value), said)


if __name__ == "__main__":
    main()
